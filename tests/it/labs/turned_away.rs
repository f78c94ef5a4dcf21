//! Writing where a feature is off.

use serde_json::json;

use super::{QUIET, ROOM, becomes_a_row, channel, lists, rows, without_flags, write};
use crate::harness::person::{Person, Seen};
use crate::harness::world::World;

const HOW: &str = "/labs flag:team_room on:True";

fn answers(seen: &[Seen]) -> usize {
    seen.iter()
        .filter(|message| message.text.contains(HOW))
        .count()
}

/// Waits until a channel has told so often how the room is switched on.
async fn tells(person: &Person, channel: &str, times: usize) {
    person
        .sees(channel, "how it is switched on", |seen| {
            answers(seen) == times
        })
        .await;
}

#[tokio::test]
async fn who_writes_there_is_told_once_and_the_message_never_becomes_a_row() {
    let mut world = World::start().await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let room = world.channel("team-room");
    zack.say(&room, "while it is on").await;
    becomes_a_row(&world, "while it is on").await;
    write(&world, "{}").await;
    lists(&world, &QUIET).await;

    zack.say(&room, "too late").await;
    tells(&zack, &room, 1).await;
    zack.say(&room, "too late again").await;
    mallory.say(&room, "me too").await;
    tells(&zack, &room, 2).await;
    let refused = ["too late", "too late again", "me too"];

    // Neither when it is on again, nor when the channel is read back.
    write(&world, r#"{"team_room": true}"#).await;
    lists(&world, &ROOM).await;
    zack.say(&room, "on again").await;
    becomes_a_row(&world, "on again").await;
    world.kill_bridge();
    zack.say(&room, "while nobody listened").await;
    world.start_bridge();
    becomes_a_row(&world, "while nobody listened").await;
    for text in refused {
        assert_eq!(rows(&world, text).await, 0, "{text}");
    }
    let seen = zack.read(&room).await;
    assert_eq!(answers(&seen), 2, "{seen:#?}");
    let pings = zack
        .cards(&room)
        .await
        .iter()
        .map(|card| card.pings)
        .sum::<usize>();
    assert_eq!(pings, 0);
}

#[tokio::test]
async fn what_was_refused_stays_refused_when_the_bridge_dies_before_it_is_on_again() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    write(&world, "{}").await;
    lists(&world, &QUIET).await;
    zack.say(&room, "refused").await;
    tells(&zack, &room, 1).await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.channel WHERE surface = 'team-room' AND closed_at IS NOT NULL",
            1_i64,
        )
        .await;
    world.kill_bridge();
    zack.say(&room, "into the dark").await;
    write(&world, r#"{"team_room": true}"#).await;
    // The feature is on, and nobody has noticed yet.
    zack.say(&room, "as soon as it was on").await;
    world.start_bridge();
    becomes_a_row(&world, "as soon as it was on").await;
    assert_eq!(rows(&world, "refused").await, 0);
    assert_eq!(rows(&world, "into the dark").await, 0);
}

#[tokio::test]
async fn what_was_written_before_the_switch_and_never_heard_is_not_lost() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.kill_bridge();
    zack.say(&room, "while it was on").await;
    write(&world, "{}").await;
    world.start_bridge();
    lists(&world, &QUIET).await;
    becomes_a_row(&world, "while it was on").await;
    zack.say(&room, "after it").await;
    tells(&zack, &room, 1).await;
    assert_eq!(rows(&world, "after it").await, 0);
}

#[tokio::test]
async fn what_waits_for_a_database_in_somebodys_way_is_written_although_the_feature_went_off() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let mut lock = world.pool().begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE project_chat_messages IN SHARE MODE")
        .execute(&mut *lock)
        .await
        .unwrap();
    zack.say(&room, "heard in time").await;
    world
        .database_says("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", true)
        .await;
    zack.say(&room, "behind it").await;
    // Heard, because a later event of the same session has been.
    let status = world.channel("status");
    zack.say(&status, "just talk").await;
    let app = crate::harness::client::Client::open(&world, "zack").await;
    super::labs(&app, &status, None, None).await;
    write(&world, "{}").await;
    lists(&world, &QUIET).await;
    lock.rollback().await.unwrap();
    becomes_a_row(&world, "heard in time").await;
    becomes_a_row(&world, "behind it").await;
}

#[tokio::test]
async fn an_agents_channel_names_both_flags_and_its_agent_hears_nothing() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    write(&world, r#"{"team_room": true}"#).await;
    lists(&world, &ROOM).await;
    zack.say(&dm, "hello?").await;
    let seen = zack.sees(&dm, "the answer", |seen| seen.len() == 2).await;
    for words in [
        "`#dm-ricky` is switched off",
        "flag:operator_chat on:True",
        "flag:multi_dm on:True",
    ] {
        assert!(seen[1].text.contains(words), "{seen:#?}");
    }
    world
        .database_says("SELECT count(*) FROM chat_delivery_queue", 0_i64)
        .await;
}

#[tokio::test]
async fn a_channel_that_went_while_it_was_off_is_made_again() {
    let mut world = without_flags().await;
    write(&world, r#"{"team_room": true}"#).await;
    world.start_bridge();
    let (zack, old) = (world.person("zack"), world.channel("team-room"));
    write(&world, "{}").await;
    lists(&world, &QUIET).await;
    let path = format!("/channels/{old}");
    let (status, answer) = zack.call(reqwest::Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{answer}");
    world.insert("agent:ricky:main", "for later").await;
    write(&world, r#"{"team_room": true}"#).await;
    lists(&world, &ROOM).await;
    let new = channel(&world, "team-room");
    assert_ne!(new, old);
    super::shows(&zack, &new, "for later").await;
    zack.say(&new, "heard").await;
    becomes_a_row(&world, "heard").await;
}

#[tokio::test]
async fn discord_that_does_not_answer_does_not_keep_a_feature_on() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world
        .fault(
            json!({ "route": "GET /guilds/{guild_id}/channels", "count": 1, "delay_ms": 20_000 }),
        )
        .await;
    write(&world, "{}").await;
    let took = lists(&world, &QUIET).await;
    assert!(took.as_millis() < 1_000, "{took:?}");
    zack.say(&room, "too late").await;
    tells(&zack, &room, 1).await;
}
