//! Heartbeats change one card per agent; only what they find is a post.

use super::{RICKY, TRUNKS, goes_on, posts};
use crate::harness::client::Client;
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

#[tokio::test]
async fn heartbeats_change_one_card_per_agent_and_findings_are_posts() {
    let world = World::start().await;
    let (zack, channel) = (world.person("zack"), world.channel("activity"));
    goes_on(&world, "heartbeat", RICKY, "Nothing to report.").await;
    let card = posts(&world, &zack, "**Heartbeat of Ricky**", 1).await;
    let text = &card[0].text;
    assert!(
        text.contains("1 since midnight") && text.contains("Nothing to report."),
        "{text}"
    );
    assert!(text.contains("Nothing found so far"), "{text}");
    for _ in 0..4 {
        goes_on(&world, "heartbeat", RICKY, "Still nothing.").await;
    }
    goes_on(&world, "heartbeat", TRUNKS, "All quiet.").await;
    posts(&world, &zack, "**Heartbeat of Trunks**", 1).await;
    let same = posts(&world, &zack, "5 since midnight", 1).await;
    assert_eq!(same[0].id, card[0].id, "the same message");

    goes_on(&world, "heartbeat_finding", RICKY, "The door is open").await;
    let found = posts(&world, &zack, "**heartbeat finding**", 1).await;
    assert!(found[0].text.contains("The door is open"), "{found:#?}");
    let card = posts(&world, &zack, "6 since midnight", 1).await;
    assert!(card[0].text.contains("Last finding <t:"), "{card:#?}");
    assert_eq!(zack.read(&channel).await.len(), 3, "two cards and a post");
}

#[tokio::test]
async fn with_the_feature_off_nothing_of_them_appears_and_findings_come_when_it_is_on() {
    let mut world = World::without_bridge().await;
    set(&world, "{}").await;
    world.start_bridge();
    let (zack, channel) = (world.person("zack"), world.channel("activity"));
    goes_on(&world, "heartbeat", RICKY, "unseen").await;
    goes_on(&world, "heartbeat_finding", RICKY, "found meanwhile").await;
    goes_on(&world, "build_update", TRUNKS, "shown all the same").await;
    posts(&world, &zack, "shown all the same", 1).await;
    assert_eq!(zack.read(&channel).await.len(), 1);

    let client = Client::open(&world, "zack").await;
    let told = client
        .used(&channel, "labs", &[("flag", "heartbeat_ui")])
        .await;
    assert!(told.says("a card per agent"), "{told:?}");
    set(&world, r#"{"heartbeat_ui": true, "mission_banner": true}"#).await;
    posts(&world, &zack, "**Heartbeat of Ricky**", 1).await;
    posts(&world, &zack, "**heartbeat finding**", 1).await;
    set(&world, "{}").await;
    // The bridge has noticed when it says so of the other flag.
    eventually("the flags are off", || async {
        let told = client.sub(&channel, ("mission", "show"), &[]).await;
        if told.says("nowhere else") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    goes_on(&world, "heartbeat", RICKY, "unseen again").await;
    goes_on(&world, "drive_upload", TRUNKS, "a sign of life").await;
    posts(&world, &zack, "a sign of life", 1).await;
    posts(&world, &zack, "unseen again", 0).await;
    posts(&world, &zack, "**Heartbeat of Ricky**", 1).await;
}

#[tokio::test]
async fn an_agent_that_is_gone_has_no_card_and_strangers_get_none() {
    let world = World::start().await;
    let zack = world.person("zack");
    goes_on(&world, "heartbeat", "agent:nobody:main", "who is there?").await;
    goes_on(&world, "heartbeat", RICKY, "here").await;
    posts(&world, &zack, "**Heartbeat of Ricky**", 1).await;
    posts(&world, &zack, "who is there", 0).await;
    sqlx::query("DELETE FROM agents WHERE agent_key = $1")
        .bind(RICKY)
        .execute(world.pool())
        .await
        .unwrap();
    goes_on(&world, "build_update", TRUNKS, "later").await;
    posts(&world, &zack, "later", 1).await;
    posts(&world, &zack, "**Heartbeat of", 0).await;
}

async fn set(world: &World, flags: &'static str) {
    sqlx::query(
        "UPDATE project_settings SET value = $2 WHERE project_id = $1 AND key = 'labs_features'",
    )
    .bind(PROJECT)
    .bind(flags)
    .execute(world.pool())
    .await
    .unwrap();
}
