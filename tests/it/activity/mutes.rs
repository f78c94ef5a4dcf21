//! What nobody wants to see.

use super::{RICKY, TRUNKS, goes_on, posts};
use crate::harness::client::Client;
use crate::harness::world::World;

#[tokio::test]
async fn a_muted_type_is_left_out_at_once_and_what_was_left_out_never_comes() {
    let mut world = World::start().await;
    let (client, channel) = (
        Client::open(&world, "zack").await,
        world.channel("activity"),
    );
    let zack = world.person("zack");
    goes_on(&world, "drive_upload", RICKY, "seen before").await;
    posts(&world, &zack, "seen before", 1).await;
    let told = client.sub(&channel, ("activity", "types"), &[]).await;
    assert!(
        told.says("`drive_upload`: 1") && !told.says("muted"),
        "{told:?}"
    );
    let offered = client
        .offered_in(&channel, ("activity", "mute"), "type", "driv")
        .await;
    assert_eq!(
        offered,
        [("drive_upload".to_owned(), "drive_upload".to_owned())]
    );

    let mute = [("type", "drive_upload")];
    let told = client.sub(&channel, ("activity", "mute"), &mute).await;
    assert!(told.says("is muted"), "{told:?}");
    let told = client.sub(&channel, ("activity", "mute"), &mute).await;
    assert!(told.says("muted already"), "{told:?}");
    goes_on(&world, "drive_upload", RICKY, "left out").await;
    goes_on(&world, "build_update", TRUNKS, "shown").await;
    posts(&world, &zack, "shown", 1).await;
    posts(&world, &zack, "left out", 0).await;
    posts(&world, &zack, "seen before", 1).await;
    let told = client.sub(&channel, ("activity", "types"), &[]).await;
    assert!(told.says("`drive_upload`: 2 · 🔇 muted"), "{told:?}");

    let told = client.sub(&channel, ("activity", "unmute"), &mute).await;
    assert!(told.says("shown again"), "{told:?}");
    let told = client.sub(&channel, ("activity", "unmute"), &mute).await;
    assert!(told.says("was not muted"), "{told:?}");
    world.stop_bridge();
    world.start_bridge();
    goes_on(&world, "drive_upload", RICKY, "shown again").await;
    let seen = posts(&world, &zack, "shown again", 1).await;
    assert!(!seen[0].text.contains("left out"), "{seen:#?}");
    posts(&world, &zack, "left out", 0).await;
}

#[tokio::test]
async fn members_look_and_mute_nothing() {
    let world = World::start().await;
    let (mallory, channel) = (
        Client::open(&world, "mallory").await,
        world.channel("activity"),
    );
    let mute = [("type", "drive_upload")];
    let told = mallory.sub(&channel, ("activity", "mute"), &mute).await;
    assert!(told.says("Only operators mute"), "{told:?}");
    let told = mallory.sub(&channel, ("activity", "types"), &[]).await;
    assert!(told.says("Nothing has happened"), "{told:?}");
    world
        .database_says("SELECT count(*) FROM bridge.activity_mute", 0_i64)
        .await;
    let zack = Client::open(&world, "zack").await;
    let told = zack
        .sub(&channel, ("activity", "mute"), &[("type", "heartbeat")])
        .await;
    assert!(told.says("heartbeat_ui"), "{told:?}");
    let long = "x".repeat(300);
    let told = zack
        .sub(&channel, ("activity", "mute"), &[("type", &long)])
        .await;
    assert!(told.says("at most 100"), "{told:?}");
}
