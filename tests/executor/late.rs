//! Replies that come after their delivery has failed: with a link, and from executors that know none.

use chrono::DateTime;
use clawdos_bridge::model::delivery::{DeliveryStatus, PERHAPS, STALE_ERROR};
use clawdos_bridge::model::{DeliveryId, MessageId};
use clawdos_bridge::store::queue::ClaimFilter;
use clawdos_bridge::store::turn::Outgoing;
use serde_json::Value;

use crate::stage::{Stage, key};

const FAILED: DeliveryStatus = DeliveryStatus::Failed;
const PROCESSED: DeliveryStatus = DeliveryStatus::Processed;

/// A delivery that was picked up some minutes ago and has failed.
async fn failed(stage: &Stage, text: &str, minutes: i32, error: &str) -> (MessageId, DeliveryId) {
    let (message, row) = stage.say("main", text, DeliveryStatus::Queued).await;
    let claimed = stage.store.claim_one(row).await.unwrap().unwrap();
    let since = claimed.picked_up_at;
    assert!(stage.store.fail(row, since, error).await.unwrap());
    sqlx::query(
        "UPDATE chat_delivery_queue SET picked_up_at = now() - make_interval(mins => $2) WHERE id = $1",
    )
    .bind(row.0)
    .bind(minutes)
    .execute(stage.store.pool())
    .await
    .unwrap();
    (message, row)
}

/// An agent says something in the thread of a message, so many minutes ago.
async fn reply(stage: &Stage, to: MessageId, author: &str, minutes: i32, metadata: Value) {
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, thread_id, author, message, metadata, created_at)
         SELECT project_id, thread_id, $2, 'late', nullif($4, 'null'::jsonb), now() - make_interval(mins => $3)
         FROM project_chat_messages WHERE id = $1",
    )
    .bind(to.0)
    .bind(author)
    .bind(minutes)
    .bind(metadata)
    .execute(stage.store.pool())
    .await
    .unwrap();
}

async fn status(stage: &Stage, message: MessageId) -> DeliveryStatus {
    stage.delivery(message, "main").await.0
}

#[tokio::test]
async fn a_reply_without_a_link_is_believed_of_what_nobody_knew_and_for_a_while() {
    let doubt = format!("the connection broke. {PERHAPS}");
    for (error, asked, answered, repaired) in [
        (STALE_ERROR, 5, 1, true),
        (doubt.as_str(), 5, 1, true),
        ("Agent main failed with exit code 3", 5, 1, false),
        (STALE_ERROR, 40, 1, false),
        (STALE_ERROR, 5, 6, false),
    ] {
        let stage = Stage::new().await;
        let (message, _) = failed(&stage, "hello", asked, error).await;
        reply(&stage, message, "agent:ricky:main", answered, Value::Null).await;
        assert_eq!(
            stage
                .store
                .repair_answered(DateTime::UNIX_EPOCH)
                .await
                .unwrap(),
            0,
            "another agent"
        );
        reply(&stage, message, "agent:main:main", answered, Value::Null).await;
        let count = stage
            .store
            .repair_answered(DateTime::UNIX_EPOCH)
            .await
            .unwrap();
        assert_eq!(count, u64::from(repaired), "{error} {asked} {answered}");
        let now = status(&stage, message).await;
        assert_eq!(now, if repaired { PROCESSED } else { FAILED });
        assert_eq!(
            stage
                .store
                .repair_answered(DateTime::UNIX_EPOCH)
                .await
                .unwrap(),
            0,
            "once"
        );
    }
}

#[tokio::test]
async fn an_answer_to_a_later_question_is_none_to_an_earlier_one() {
    let stage = Stage::new().await;
    let (first, _) = failed(&stage, "first", 5, STALE_ERROR).await;
    let (second, _) = failed(&stage, "second", 3, STALE_ERROR).await;
    reply(&stage, second, "agent:main:main", 1, Value::Null).await;
    assert_eq!(
        stage
            .store
            .repair_answered(DateTime::UNIX_EPOCH)
            .await
            .unwrap(),
        1
    );
    assert_eq!(status(&stage, first).await, FAILED);
    assert_eq!(status(&stage, second).await, PROCESSED);
}

#[tokio::test]
async fn a_reply_with_a_link_is_believed_whatever_had_failed() {
    let stage = Stage::new().await;
    let (other, _) = failed(&stage, "other", 50, STALE_ERROR).await;
    let (asked, _) = failed(&stage, "asked", 45, "Agent main failed with exit code 3").await;
    let link = serde_json::json!({ "reply_to": asked });
    reply(&stage, asked, "agent:main:main", 1, link).await;
    assert_eq!(
        stage
            .store
            .repair_answered(DateTime::UNIX_EPOCH)
            .await
            .unwrap(),
        1
    );
    assert_eq!(status(&stage, other).await, FAILED);
    assert_eq!(status(&stage, asked).await, PROCESSED);
}

/// A message that replies to another one says so to its agent.
#[tokio::test]
async fn an_agent_is_told_what_a_message_replies_to() {
    let stage = Stage::new().await;
    let (question, _) = stage.say("main", "what now?", PROCESSED).await;
    let answer = Outgoing::reply(question, "first this,\nthen that".to_owned());
    reply(&stage, question, "agent:main:main", 0, answer.metadata).await;
    let (message, _) = stage.say("main", "why?", DeliveryStatus::Queued).await;
    sqlx::query(
        "UPDATE project_chat_messages SET metadata = jsonb_build_object('reply_to', (
             SELECT id FROM project_chat_messages WHERE message = 'late')) WHERE id = $1",
    )
    .bind(message.0)
    .execute(stage.store.pool())
    .await
    .unwrap();
    let claimed = stage
        .store
        .claim_batch(5, ClaimFilter::all())
        .await
        .unwrap();
    let told = claimed.iter().find(|it| it.message_id == message).unwrap();
    assert_eq!(told.agent, key("main"));
    assert!(
        told.text.starts_with("[In reply to ") && told.text.ends_with(": late]\nwhy?"),
        "{}",
        told.text
    );
}
