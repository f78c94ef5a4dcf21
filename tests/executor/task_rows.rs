//! The statements under everything that is done about tasks: who wins when two do it, and what the rows say.

use chrono::{DateTime, TimeDelta, Utc};
use clawdos_bridge::model::task::TaskStatus;
use clawdos_bridge::model::{ChannelId, DiscordMessageId, MessageId};
use clawdos_bridge::store::chat::PersonView;
use clawdos_bridge::store::task_write::{
    Changed, Commented, Corrected, Correction, Doer, NewComment, NewTask, Wakes,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::{Stage, key};

/// What an operator does; agents hear of it, with every `$` replaced.
pub fn operator(metadata: &Value) -> Doer<'_> {
    Doer {
        author: "dashboard",
        metadata,
        wakes: Some(Wakes(&|text| text.replace('$', "＄"))),
    }
}

/// What an event says of an operator.
pub fn olive() -> Value {
    json!({"author_name": "Olive", "discord_user_id": "42"})
}

impl Stage {
    /// The types, authors, contents of a task's events, oldest first.
    pub async fn told(&self, task: Uuid) -> Vec<(String, String, String)> {
        let mut events = self.store.task_events(task, 200).await.unwrap();
        events.reverse();
        events
            .into_iter()
            .map(|it| (it.event_type, it.author, it.content.unwrap_or_default()))
            .collect()
    }

    /// A comment in a task.
    pub async fn asks(&self, task: Uuid, agent: &str, text: &str) -> Uuid {
        let agent = key(agent);
        let comment = NewComment {
            id: None,
            task,
            text,
            by: Doer {
                author: agent.as_str(),
                metadata: &Value::Null,
                wakes: None,
            },
            metadata: None,
            created_at: None,
            mentioned: &[],
            view: None,
        };
        match self.store.comment(comment).await.unwrap() {
            Commented::Now { id, .. } => id,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_do_the_same_at_once_one_did_it() {
    let stage = Stage::new().await;
    let metadata = olive();
    for _ in 0..20 {
        let task = stage.task().await;
        let tries = (0..6).map(|_| {
            stage
                .store
                .set_task_status(task, &TaskStatus::Review, None, operator(&metadata))
        });
        let moved = futures_util::future::join_all(tries).await;
        let count = |wanted: bool| {
            let it = moved.iter();
            it.filter(|it| matches!(it, Ok(Changed::Now(_))) == wanted)
                .count()
        };
        assert_eq!((count(true), count(false)), (1, 5), "{moved:?}");
        let told = stage.told(task).await;
        assert_eq!(
            told,
            [(
                "status_change".to_owned(),
                "dashboard".to_owned(),
                "In progress → Review".to_owned()
            )]
        );
    }
    assert_eq!(stage.count("SELECT count(*) FROM activities").await, 20);
}

/// A database of the old shape that the bridge was not allowed to alter.
async fn without_stopped(stage: &Stage) {
    sqlx::raw_sql(
        "ALTER TABLE tasks DROP CONSTRAINT tasks_status_check, ADD CONSTRAINT tasks_status_check CHECK (
             status IN ('inbox', 'assigned', 'in_progress', 'review', 'done', 'blocked'))",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
}

#[tokio::test]
async fn where_nothing_can_be_stopped_it_is_blocked_with_the_reason() {
    let stage = Stage::new().await;
    without_stopped(&stage).await;
    let metadata = olive();
    let task = stage.task().await;
    let stop = async |reason| {
        let by = operator(&metadata);
        let stopped = &TaskStatus::Stopped;
        let changed = stage.store.set_task_status(task, stopped, reason, by).await;
        match changed.unwrap() {
            Changed::Now(change) => Some(change.new),
            _ => None,
        }
    };
    assert_eq!(stop(Some("too dear")).await, Some(TaskStatus::Blocked));
    assert_eq!(stop(Some("too dear")).await, None, "it is so already");
    assert_eq!(stop(Some("too late")).await, Some(TaskStatus::Blocked));
    let row: (String, Option<String>) =
        sqlx::query_as("SELECT status, blocked_reason FROM tasks WHERE id = $1")
            .bind(task)
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
    assert_eq!(row, ("blocked".to_owned(), Some("too late".to_owned())));
    let told = stage.told(task).await;
    assert_eq!(told.len(), 2);
    assert!(
        told[0].2.starts_with("In progress → Blocked") && told[0].2.contains("stopped"),
        "{told:?}"
    );
    let event = stage.store.task_events(task, 1).await.unwrap().remove(0);
    let said = event.metadata.unwrap();
    assert_eq!(said["new_status"], "blocked");
    assert_eq!(said["wanted_status"], "stopped");
    assert_eq!(said["reason"], "too late");
    assert_eq!(said["author_name"], "Olive");
    // Another word that the table refuses is an error, and changes nothing.
    let odd = TaskStatus::Other("party".to_owned());
    let by = operator(&metadata);
    assert!(
        stage
            .store
            .set_task_status(task, &odd, None, by)
            .await
            .is_err()
    );
    assert_eq!(stage.told(task).await.len(), 2);
}

#[tokio::test]
async fn a_message_in_a_thread_is_a_comment_once_and_its_own_view() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let message = DiscordMessageId::new(1_300_000_000_000_000_002).unwrap();
    let surface = format!("task-{task}");
    let metadata = olive();
    let files = json!({"attachments": []});
    let new = NewComment {
        id: Some(MessageId::for_discord(message).0),
        task,
        text: "nul \0 and @main",
        by: operator(&metadata),
        metadata: Some(&files),
        created_at: Some(message.created_at()),
        mentioned: &[],
        view: Some(PersonView {
            surface: &surface,
            channel: ChannelId::new(7).unwrap(),
            message,
        }),
    };
    let first = stage.store.comment(new).await.unwrap();
    assert!(
        matches!(&first, Commented::Now { woken, .. } if woken.is_empty()),
        "{first:?}"
    );
    let id = MessageId::for_discord(message).0;
    assert_eq!(
        stage.store.comment(new).await.unwrap(),
        Commented::Before(id)
    );
    let elsewhere = NewComment {
        task: Uuid::new_v4(),
        ..new
    };
    assert_eq!(
        stage.store.comment(elsewhere).await.unwrap(),
        Commented::Unknown
    );
    let by = operator(&metadata);
    stage.store.delete_task(task, by).await.unwrap();
    // A thread outlives its task by a while, and what a person says there is kept.
    let late = DiscordMessageId::new(1_300_000_000_000_000_003).unwrap();
    let late = NewComment {
        id: Some(MessageId::for_discord(late).0),
        mentioned: &[key("ricky")],
        ..new
    };
    let kept = stage.store.comment(late).await.unwrap();
    assert!(
        matches!(&kept, Commented::Now { woken, .. } if woken.is_empty()),
        "{kept:?}"
    );
    let unseen = NewComment {
        id: None,
        view: None,
        ..late
    };
    let refused = stage.store.comment(unseen).await.unwrap();
    assert_eq!(refused, Commented::Unknown);
    let events = stage.store.task_events(task, 9).await.unwrap();
    let event = events.into_iter().find(|event| event.id == id).unwrap();
    assert_eq!(event.created_at, message.created_at());
    assert_eq!(event.content.as_deref(), Some("nul \u{fffd} and @main"));
    let view: (String, String, String) = sqlx::query_as(
        "SELECT kind, surface, author_kind FROM bridge.view WHERE entity_id = $1 AND message_id = $2",
    )
    .bind(id.to_string())
    .bind(message.to_i64())
    .fetch_one(stage.store.pool())
    .await
    .unwrap();
    assert_eq!(
        view,
        (
            "task_event".to_owned(),
            surface.clone(),
            "person".to_owned()
        )
    );
}

#[tokio::test]
async fn a_correction_is_appended_and_an_older_one_that_comes_late_is_not() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let message = DiscordMessageId::new(1_300_000_000_000_000_003).unwrap();
    let (metadata, id) = (olive(), MessageId::for_discord(message).0);
    let comment = NewComment {
        id: Some(id),
        task,
        text: "first",
        by: Doer {
            author: "discord:42",
            wakes: None,
            metadata: &metadata,
        },
        metadata: None,
        created_at: Some(message.created_at()),
        mentioned: &[],
        view: None,
    };
    stage.store.comment(comment).await.unwrap();
    let start: DateTime<Utc> = message.created_at();
    let correct = async |text: Option<&str>, seconds: i64| {
        let at = start + TimeDelta::seconds(seconds);
        let correction = Correction { message, text, at };
        let done = stage.store.correct_comment(correction).await.unwrap();
        matches!(done, Corrected::Now { .. })
    };
    assert!(!correct(Some("first"), 5).await, "it says so");
    assert!(correct(Some("third"), 20).await);
    assert!(!correct(Some("second"), 10).await, "it is older");
    assert!(!correct(Some("third"), 20).await, "it is known");
    assert!(correct(Some("first"), 30).await);
    // By a clock that is behind Discord's.
    assert!(correct(None, 25).await);
    assert!(!correct(None, 40).await, "it is gone once");
    assert!(!correct(Some("fourth"), 50).await, "and stays gone");
    let events = stage.store.task_events(task, 10).await.unwrap();
    let original = events.iter().find(|event| event.id == id).unwrap();
    assert_eq!(
        original.content.as_deref(),
        Some("first"),
        "the timeline only grows"
    );
    assert_eq!(events.len(), 4);
    for event in events.iter().filter(|event| event.id != id) {
        let said = event.metadata.as_ref().unwrap();
        assert_eq!(event.author, "discord:42");
        assert_eq!(
            (&said["corrects"], &said["author_name"]),
            (&json!(id), &json!("Olive"))
        );
        assert_eq!(said.get("deleted").is_some(), event.content.is_none());
    }
    let other = DiscordMessageId::new(1_300_000_000_000_000_004).unwrap();
    let correction = Correction {
        message: other,
        text: None,
        at: start,
    };
    let done = stage.store.correct_comment(correction).await.unwrap();
    assert_eq!(done, Corrected::Unknown);
}

#[tokio::test]
async fn a_task_that_a_person_makes_is_made_once() {
    let stage = Stage::new().await;
    let (id, metadata) = (Uuid::new_v4(), olive());
    let ricky = key("ricky");
    let title = "x".repeat(5_000);
    let task = NewTask {
        id: Some(id),
        title: &title,
        description: Some(" "),
        assignee: Some(&ricky),
        proposed: false,
    };
    assert_eq!(
        stage
            .store
            .new_task(task, operator(&metadata))
            .await
            .unwrap(),
        Some(id)
    );
    assert_eq!(
        stage
            .store
            .new_task(task, operator(&metadata))
            .await
            .unwrap(),
        None
    );
    let row: (String, String, Option<String>, Option<String>) = sqlx::query_as(
        "SELECT title, status, description, assignee_agent_key FROM tasks WHERE id = $1",
    )
    .bind(id)
    .fetch_one(stage.store.pool())
    .await
    .unwrap();
    let (found, status, description, assignee) = row;
    assert_eq!(
        (found, status.as_str(), description),
        (title, "assigned", None)
    );
    assert_eq!(assignee.as_deref(), Some("agent:ricky:main"));
    assert_eq!(stage.told(id).await.len(), 1);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM chat_delivery_queue")
            .await,
        0,
        "nothing begins"
    );
}
