//! Questions of agents are answered once, whoever is quicker.

use clawdos_bridge::model::attention::answer;
use clawdos_bridge::model::task::TimelineItem;
use clawdos_bridge::store::task_write::{Answered, Changed};
use serde_json::json;
use uuid::Uuid;

use crate::stage::{Stage, key};
use crate::task_rows::{olive, operator};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_is_answered_once_and_the_others_hear_by_whom() {
    let stage = Stage::new().await;
    let metadata = olive();
    for round in 0..20 {
        let task = stage.task().await;
        let text = "NEEDS ATTENTION: which?\nA) this\nB) that";
        let item = if round % 2 == 0 {
            TimelineItem::Event(stage.asks(task, "ricky", text).await)
        } else {
            let id = sqlx::query_scalar(
                "INSERT INTO task_comments (project_id, task_id, author_agent_key, content)
                 VALUES ('front-office', $1, 'agent:ricky:main', $2) RETURNING id",
            );
            let id = id.bind(task).bind(text).fetch_one(stage.store.pool());
            TimelineItem::Comment(id.await.unwrap())
        };
        let (a, b) = (answer('A', "this"), answer('B', "that"));
        let (one, two) = tokio::join!(
            stage.store.answer_question(item, &a, operator(&metadata)),
            stage.store.answer_question(item, &b, operator(&metadata)),
        );
        let (now, before) = match (one.unwrap(), two.unwrap()) {
            (Answered::Now { woken, .. }, other) => ((a, woken), other),
            (other, Answered::Now { woken, .. }) => ((b, woken), other),
            other => panic!("{other:?}"),
        };
        assert_eq!(now.1, Some(key("ricky")));
        assert_eq!(
            before,
            Answered::Before {
                content: now.0.clone(),
                author: "dashboard".to_owned(),
                author_name: Some("Olive".to_owned()),
            }
        );
        let event = stage.store.task_events(task, 1).await.unwrap().remove(0);
        let reply_to = &event.metadata.unwrap()["reply_to"];
        assert_eq!(
            (event.content, reply_to),
            (Some(now.0), &json!(item.reply_to()))
        );
    }
    let woken =
        "SELECT count(*) FROM chat_delivery_queue WHERE target_agent_key = 'agent:ricky:main'";
    assert_eq!(stage.count(woken).await, 20, "one for each question");
}

/// A question of old may be answered under its own id or under that of the event that carries it.
#[tokio::test]
async fn a_question_that_two_rows_ask_is_answered_once() {
    let stage = Stage::new().await;
    let metadata = olive();
    for old_first in [true, false] {
        let task = stage.task().await;
        let text = "NEEDS ATTENTION: which?\nA) this\nB) that";
        let (old, new): (Uuid, Uuid) = sqlx::query_as(
            "WITH c AS (INSERT INTO task_comments (project_id, task_id, content)
                 VALUES ('front-office', $1, $2) RETURNING id)
             INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata)
             SELECT 'front-office', $1, 'comment', 'ui', $2, jsonb_build_object('legacy_comment_id', c.id)
             FROM c RETURNING (SELECT id FROM c), id",
        )
        .bind(task)
        .bind(text)
        .fetch_one(stage.store.pool())
        .await
        .unwrap();
        let mut items = [TimelineItem::Comment(old), TimelineItem::Event(new)];
        if !old_first {
            items.reverse();
        }
        let (first, second) = (answer('A', "this"), answer('B', "that"));
        let by = operator(&metadata);
        let now = stage.store.answer_question(items[0], &first, by).await;
        assert!(matches!(now, Ok(Answered::Now { .. })), "{now:?}");
        let before = stage.store.answer_question(items[1], &second, by).await;
        assert!(
            matches!(&before, Ok(Answered::Before { content, .. }) if *content == first),
            "{before:?}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    let stage = Stage::new().await;
    let metadata = olive();
    let task = stage.task().await;
    let plain = TimelineItem::Event(stage.asks(task, "ricky", "just saying").await);
    let asked = TimelineItem::Event(
        stage
            .asks(task, "ricky", "needs attention\nA) x\nB) y")
            .await,
    );
    let nothing = TimelineItem::Event(Uuid::new_v4());
    let answered = async |item| {
        let by = operator(&metadata);
        stage
            .store
            .answer_question(item, "Answer: A — x", by)
            .await
            .unwrap()
    };
    assert_eq!(answered(plain).await, Answered::NoQuestion);
    assert_eq!(answered(nothing).await, Answered::Gone);
    assert_eq!(
        stage
            .store
            .delete_task(task, operator(&metadata))
            .await
            .unwrap(),
        Changed::Now(())
    );
    assert_eq!(answered(asked).await, Answered::Gone);
    assert_eq!(
        stage
            .store
            .delete_task(task, operator(&metadata))
            .await
            .unwrap(),
        Changed::Unknown
    );
}
