//! A message becomes a proposed task.

use serde_json::Value;
use uuid::Uuid;

use super::stage::Stage;
use crate::harness::client::Client;

const PROMOTE: &str = "Promote to task";

/// No person is as quick as a test: the bridge knows of the message by now.
async fn settled(stage: &Stage) {
    stage
        .world
        .database_says(
            "SELECT count(*) FROM bridge.view \
             WHERE kind = 'message' AND state = 'sent' AND message_id IS NOT NULL",
            1_i64,
        )
        .await;
}

/// Title, status, whether it is proposed, and the snapshot, of every task.
async fn tasks(stage: &Stage) -> Vec<(String, String, bool, Value)> {
    sqlx::query_as(
        "SELECT title, status, is_proposed, context_snapshot FROM tasks ORDER BY created_at",
    )
    .fetch_all(stage.world.pool())
    .await
    .expect("the database answers")
}

#[tokio::test]
async fn a_message_of_an_agent_becomes_a_proposed_task_once_with_a_link_back() {
    let stage = Stage::start().await;
    let id = stage
        .world
        .insert("agent:ricky:main", "The gutter is full of leaves")
        .await;
    let room = stage.room();
    let zack = &stage.zack.person;
    let seen = zack
        .sees(&room, "the message", |seen| {
            seen.iter().any(|m| m.text.contains("gutter"))
        })
        .await;
    settled(&stage).await;
    let message = &seen.iter().find(|m| m.text.contains("gutter")).unwrap().id;
    let act = stage.zack.context_menu(&room, message, PROMOTE).await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("The gutter is full of leaves"), "{told:#?}");
    let card = stage.open_card("The gutter is full of leaves").await;
    let written = tasks(&stage).await;
    let [(title, status, proposed, snapshot)] = written.as_slice() else {
        panic!("one task: {written:#?}");
    };
    assert_eq!(title, "The gutter is full of leaves");
    assert_eq!((status.as_str(), *proposed), ("inbox", true));
    assert_eq!(snapshot["chat_message_id"], id.to_string());

    let act = stage.zack.context_menu(&room, message, PROMOTE).await;
    let again = stage.zack.told(&act).await;
    assert!(again.says("already"), "{again:#?}");
    assert_eq!(tasks(&stage).await.len(), 1);

    stage.zack.press(&card, "Approve").await;
    stage
        .world
        .database_says("SELECT status FROM tasks", "in_progress".to_owned())
        .await;
}

#[tokio::test]
async fn what_the_operator_said_can_be_promoted_too() {
    let stage = Stage::start().await;
    let room = stage.room();
    let message = stage.zack.person.say(&room, "Somebody should sweep").await;
    settled(&stage).await;
    stage.zack.context_menu(&room, &message, PROMOTE).await;
    stage.open_card("Somebody should sweep").await;
    let row: Uuid = sqlx::query_scalar("SELECT id FROM project_chat_messages")
        .fetch_one(stage.world.pool())
        .await
        .unwrap();
    let written = tasks(&stage).await;
    assert_eq!(written[0].3["chat_message_id"], row.to_string());
}

#[tokio::test]
async fn a_message_that_is_no_row_cannot_be_promoted() {
    let stage = Stage::start().await;
    let status = stage.world.channel("status");
    let message = stage.zack.person.say(&status, "nobody keeps this").await;
    let act = stage.zack.context_menu(&status, &message, PROMOTE).await;
    let told = stage.zack.told(&act).await;
    assert!(!told.content.is_empty(), "{told:#?}");
    assert_eq!(tasks(&stage).await, []);
}

#[tokio::test]
async fn who_is_no_operator_promotes_nothing() {
    let stage = Stage::start().await;
    stage
        .world
        .insert("agent:ricky:main", "The gutter is full of leaves")
        .await;
    let room = stage.room();
    let zack = &stage.zack.person;
    let seen = zack
        .sees(&room, "the message", |seen| seen.len() == 1)
        .await;
    settled(&stage).await;
    let mallory = Client::open(&stage.world, "mallory").await;
    let act = mallory.context_menu(&room, &seen[0].id, PROMOTE).await;
    let told = mallory.told(&act).await;
    assert!(told.says("operator"), "{told:#?}");
    assert_eq!(tasks(&stage).await, []);
}
