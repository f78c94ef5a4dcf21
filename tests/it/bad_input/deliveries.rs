//! Deliveries that nobody would write who knows better, and a connection that breaks in the middle.

use serde_json::json;

use crate::harness::marks::marked;
use crate::harness::world::{PROJECT, World};

/// Writes a message to an agent into its thread and the queue, as a dashboard does.
async fn queue(world: &World, short: &str, text: &str) {
    sqlx::query(
        "WITH thread AS (INSERT INTO project_chat_threads (project_id, title) \
                         VALUES ($1, 'DM:agent:' || $2 || ':main') RETURNING id), \
              message AS (INSERT INTO project_chat_messages \
                              (project_id, thread_id, author, target_agent_key, message) \
                          SELECT $1, id, 'ui', 'agent:' || $2 || ':main', $3 FROM thread \
                          RETURNING id) \
         INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key) \
         SELECT $1, id, 'agent:' || $2 || ':main' FROM message",
    )
    .bind(PROJECT)
    .bind(short)
    .bind(text)
    .execute(world.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn a_hundred_kilobytes_and_nothing_at_all_reach_their_agents_whole() {
    let world = World::start().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let (zack, main, ricky) = (
        world.person("zack"),
        world.channel("dm-main"),
        world.channel("dm-ricky"),
    );
    let long = "word ".repeat(20_000) + "the end";
    queue(&world, "main", &long).await;
    queue(&world, "ricky", "").await;
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue WHERE status = 'processed'",
            2_i64,
        )
        .await;
    let answer: String = sqlx::query_scalar(
        "SELECT message FROM project_chat_messages WHERE author = 'agent:main:main'",
    )
    .fetch_one(world.pool())
    .await
    .unwrap();
    assert!(answer.contains(&long), "the agent had all of it");
    zack.sees(&main, "the end of the answer", |seen| {
        let last = seen.iter().rev().find(|m| m.name == "Trunks");
        last.is_some_and(|m| m.text.contains("the end"))
    })
    .await;
    let seen = zack
        .sees(&ricky, "an answer to nothing", |seen| {
            seen.iter().any(|m| m.name == "Ricky")
        })
        .await;
    assert_eq!(seen[0].text, "*(an empty message)*");
    marked(&zack, &ricky, &seen[0].id, &["✅"]).await;
}

#[tokio::test]
async fn a_connection_that_breaks_during_turns_costs_no_answer_and_no_mark() {
    let world = World::start().await;
    let zack = world.person("zack");
    let (main, ricky) = (world.channel("dm-main"), world.channel("dm-ricky"));
    let first = zack.say(&main, "wait 3 first").await;
    let second = zack.say(&ricky, "wait 2 second").await;
    marked(&zack, &main, &first, &["📨"]).await;
    marked(&zack, &ricky, &second, &["📨"]).await;
    world.fault(json!({ "drop_gateways": true })).await;
    let third = zack.say(&main, "third").await;
    for (channel, message) in [(&main, &first), (&ricky, &second), (&main, &third)] {
        marked(&zack, channel, message, &["✅"]).await;
    }
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE author LIKE 'agent:%'",
            3_i64,
        )
        .await;
}
