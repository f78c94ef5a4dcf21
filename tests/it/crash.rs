//! The bridge is killed between any two steps: nothing is lost, nothing comes twice.

use std::time::Duration;

use serde_json::json;
use sqlx::{Executor as _, PgConnection, Postgres, Transaction};

use crate::harness::person::{Person, Seen, count};
use crate::harness::world::World;

const EXECUTE: &str = "POST /webhooks/{webhook_id}/{webhook_token}";

/// What a channel shows once something is said after everything else and every row has found its place.
async fn settled(world: &World, zack: &Person, room: &str) -> Vec<Seen> {
    world.insert("agent:main:main", "the last word").await;
    zack.sees(room, "the last word", |seen| {
        count(seen, "the last word") == 1
    })
    .await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages m WHERE NOT EXISTS ( \
               SELECT FROM bridge.view v WHERE v.entity_id = m.id::text AND v.state = 'sent')",
            0_i64,
        )
        .await;
    zack.read(room).await
}

/// Until it is dropped nobody can write to a table; everybody can read.
async fn freeze(world: &World, table: &'static str) -> Transaction<'static, Postgres> {
    let mut frozen = world.pool().begin().await.expect("a transaction");
    let connection: &mut PgConnection = &mut frozen;
    let lock = match table {
        "bridge.view" => "LOCK TABLE bridge.view IN SHARE MODE",
        _ => "LOCK TABLE project_chat_messages IN SHARE MODE",
    };
    connection.execute(lock).await.expect("a lock");
    frozen
}

/// Waits until somebody else wants to write to what is frozen.
async fn somebody_waits(world: &World) {
    world
        .database_says(
            "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND mode = 'RowExclusiveLock'",
            true,
        )
        .await;
}

#[tokio::test]
async fn killed_before_the_ledger_knows_of_it() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let frozen = freeze(&world, "bridge.view").await;
    world.insert("agent:ricky:main", "fragile").await;
    somebody_waits(&world).await;
    world.kill_bridge();
    drop(frozen);
    world.start_bridge();
    let seen = settled(&world, &zack, &room).await;
    assert_eq!(count(&seen, "fragile"), 1, "{seen:#?}");
}

#[tokio::test]
async fn killed_after_the_ledger_and_before_discord_did_it() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world
        .fault(json!({ "route": EXECUTE, "count": 1, "delay_ms": 60_000 }))
        .await;
    world.insert("agent:ricky:main", "fragile").await;
    world
        .database_says(
            "SELECT state FROM bridge.view WHERE kind = 'message'",
            "sending".to_owned(),
        )
        .await;
    world.kill_bridge();
    world.no_faults().await;
    world.start_bridge();
    let seen = settled(&world, &zack, &room).await;
    assert_eq!(count(&seen, "fragile"), 1, "{seen:#?}");
}

#[tokio::test]
async fn killed_when_discord_did_it_and_nobody_heard() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    // Reading back is held up, so that the bridge dies before it knows.
    world
        .fault(json!({ "route": "GET /channels/{channel_id}/messages", "count": 1, "delay_ms": 60_000 }))
        .await;
    world
        .fault(json!({ "route": EXECUTE, "count": 1, "swallow": true }))
        .await;
    world.insert("agent:ricky:main", "fragile").await;
    zack.sees(&room, "the message", |seen| count(seen, "fragile") == 1)
        .await;
    world
        .database_says(
            "SELECT state FROM bridge.view WHERE kind = 'message'",
            "sending".to_owned(),
        )
        .await;
    world.kill_bridge();
    world.no_faults().await;
    world.start_bridge();
    let seen = settled(&world, &zack, &room).await;
    assert_eq!(count(&seen, "fragile"), 1, "{seen:#?}");
}

#[tokio::test]
async fn killed_when_discord_has_answered_and_the_ledger_does_not_know() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world
        .fault(json!({ "route": EXECUTE, "count": 1, "delay_ms": 1_500 }))
        .await;
    world.insert("agent:ricky:main", "fragile").await;
    world
        .database_says(
            "SELECT state FROM bridge.view WHERE kind = 'message'",
            "sending".to_owned(),
        )
        .await;
    let frozen = freeze(&world, "bridge.view").await;
    zack.sees(&room, "the message", |seen| count(seen, "fragile") == 1)
        .await;
    somebody_waits(&world).await;
    world.kill_bridge();
    drop(frozen);
    world.start_bridge();
    let seen = settled(&world, &zack, &room).await;
    assert_eq!(count(&seen, "fragile"), 1, "{seen:#?}");
}

#[tokio::test]
async fn an_answer_that_is_lost_is_found_by_reading_back() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world
        .fault(json!({ "route": EXECUTE, "count": 3, "swallow": true }))
        .await;
    for text in ["same", "same", "other"] {
        world.insert("agent:ricky:main", text).await;
    }
    let seen = settled(&world, &zack, &room).await;
    assert_eq!(count(&seen, "same"), 2, "{seen:#?}");
    assert_eq!(count(&seen, "other"), 1, "{seen:#?}");
}

#[tokio::test]
async fn killed_again_and_again_in_the_middle_of_a_burst() {
    let mut world = World::start().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let mut wanted = Vec::new();
    for round in 0_u64..6 {
        // Slow enough that the kill falls into the middle.
        world
            .fault(json!({ "route": EXECUTE, "count": 1_000, "delay_ms": 5 }))
            .await;
        for line in 0..12 {
            let text = format!("round {round} line {line}");
            world.insert("agent:ricky:main", &text).await;
            wanted.push(text);
        }
        tokio::time::sleep(Duration::from_millis(round * 17)).await;
        world.kill_bridge();
        world.no_faults().await;
        world.fault(json!({ "rate_limits": "off" })).await;
        world.start_bridge();
    }
    let seen = settled(&world, &zack, &room).await;
    for text in &wanted {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
}

#[tokio::test]
async fn what_a_person_said_when_the_bridge_died_becomes_one_row_and_one_turn() {
    let mut world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    let frozen = freeze(&world, "project_chat_messages").await;
    zack.say(&dm, "are you there?").await;
    somebody_waits(&world).await;
    world.kill_bridge();
    drop(frozen);
    zack.say(&dm, "and now?").await;
    world.start_bridge();
    let answers = |seen: &[Seen]| seen.iter().filter(|m| m.name == "Ricky").count();
    zack.sees(&dm, "both answers", |seen| answers(seen) == 2)
        .await;
    for query in [
        "SELECT count(*) FROM project_chat_messages WHERE message = 'are you there?'",
        "SELECT count(*) FROM project_chat_messages WHERE message = 'and now?'",
    ] {
        world.database_says(query, 1_i64).await;
    }
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue WHERE status = 'processed'",
            2_i64,
        )
        .await;
    let seen = zack.read(&dm).await;
    assert_eq!(answers(&seen), 2, "{seen:#?}");
}

#[tokio::test]
async fn a_turn_that_died_with_the_bridge_is_not_run_again_by_itself() {
    let mut world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    zack.say(&dm, "wait 60").await;
    world
        .database_says(
            "SELECT state FROM bridge.executor_turn",
            "running".to_owned(),
        )
        .await;
    world.kill_bridge();
    world.start_bridge();
    world
        .database_says(
            "SELECT status FROM chat_delivery_queue",
            "failed".to_owned(),
        )
        .await;
    let error: Option<String> =
        sqlx::query_scalar("SELECT result->>'error' FROM chat_delivery_queue")
            .fetch_one(world.pool())
            .await
            .unwrap();
    let error = error.unwrap_or_default();
    assert!(error.contains("may have been processed"), "{error}");
}
