//! Agents hear of what operators do about their tasks: by a message with a delivery, once for each event.

use clawdos_bridge::model::proposal::{ProposalRef, ProposalSource, Verdict};
use clawdos_bridge::model::task::{TaskStatus, TimelineItem};
use clawdos_bridge::store::decide::{Decided, NewVerdict};
use clawdos_bridge::store::task_write::{Commented, Doer, NewComment, NewTask, Wakes};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::approved;
use crate::stage::{Stage, key};
use crate::task_rows::operator;

/// A message that waits for an agent.
#[derive(Debug, PartialEq)]
struct Waits {
    thread: String,
    agent: String,
    author: String,
    kind: String,
    text: String,
}

async fn waiting(stage: &Stage) -> Vec<Waits> {
    let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
        "SELECT t.title, q.target_agent_key, m.author, m.metadata ->> 'kind', m.message
         FROM chat_delivery_queue q JOIN project_chat_messages m ON m.id = q.message_id
         JOIN project_chat_threads t ON t.id = m.thread_id
         WHERE q.status = 'queued' AND m.target_agent_key = q.target_agent_key
         ORDER BY q.created_at, m.id",
    )
    .fetch_all(stage.store.pool())
    .await
    .unwrap();
    rows.into_iter()
        .map(|(thread, agent, author, kind, text)| Waits {
            thread,
            agent,
            author,
            kind,
            text,
        })
        .collect()
}

async fn assigned(stage: &Stage, agent: Option<&str>, proposed: bool) -> Uuid {
    let agent = agent.map(key);
    let task = NewTask {
        id: None,
        title: "Pay $5",
        description: Some("To the florist"),
        assignee: agent.as_ref(),
        proposed,
    };
    let metadata = json!({});
    stage
        .store
        .new_task(task, operator(&metadata))
        .await
        .unwrap()
        .unwrap()
}

async fn begin(stage: &Stage, task: Uuid) {
    let metadata = json!({});
    let status = &TaskStatus::InProgress;
    let moved = stage
        .store
        .set_task_status(task, status, None, operator(&metadata))
        .await;
    moved.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_begins_tells_its_agent_once_in_its_thread() {
    let stage = Stage::new().await;
    let task = assigned(&stage, Some("ricky"), false).await;
    tokio::join!(
        begin(&stage, task),
        begin(&stage, task),
        begin(&stage, task)
    );
    let waits = waiting(&stage).await;
    let [one] = waits.as_slice() else {
        panic!("{waits:?}");
    };
    assert_eq!(one.thread, "DM:agent:ricky:main");
    assert_eq!(
        (one.agent.as_str(), one.author.as_str()),
        ("agent:ricky:main", "ui")
    );
    assert_eq!(one.kind, "kickoff");
    for part in ["“Pay ＄5”", &task.to_string(), "To the florist"] {
        assert!(one.text.contains(part), "{one:?}");
    }
    assert_eq!(stage.told(task).await.len(), 2, "made, and moved once");
}

#[tokio::test]
async fn an_approved_task_begins_like_any_other() {
    let stage = Stage::new().await;
    let task = assigned(&stage, Some("main"), true).await;
    let reference = ProposalRef {
        source: ProposalSource::Task,
        id: task,
    };
    let stored = stage.store.proposal(reference).await.unwrap().unwrap();
    let verdict = NewVerdict {
        verdict: Verdict::Approve,
        seen: stored.proposal.hash(),
        by: &approved::operator(),
        reason: None,
        feedback: None,
        wakes: Some(Wakes(&|text| text)),
    };
    let decided = stage.store.decide(reference, verdict).await.unwrap();
    assert!(
        matches!(&decided, Decided::Done(_, Some(agent)) if *agent == key("main")),
        "{decided:?}"
    );
    let waits = waiting(&stage).await;
    assert_eq!(waits.len(), 1);
    assert_eq!(
        (waits[0].agent.as_str(), waits[0].kind.as_str()),
        ("agent:main:main", "kickoff")
    );
    let told = stage.told(task).await;
    assert_eq!(told.last().unwrap().2, "Inbox → In progress");
}

#[tokio::test]
async fn who_takes_over_a_task_in_progress_is_told() {
    let stage = Stage::new().await;
    let task = assigned(&stage, Some("ricky"), false).await;
    let (main, metadata) = (key("main"), json!({}));
    let give = async |to| {
        let given = stage.store.assign_task(task, to, operator(&metadata)).await;
        given.unwrap();
    };
    give(Some(&main)).await;
    assert!(waiting(&stage).await.is_empty(), "nothing has begun");
    begin(&stage, task).await;
    give(None).await;
    give(Some(&main)).await;
    give(Some(&main)).await;
    give(Some(&key("ghost"))).await;
    let waits = waiting(&stage).await;
    let told: Vec<(&str, &str)> = waits
        .iter()
        .map(|it| (it.agent.as_str(), it.kind.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("agent:main:main", "kickoff"),
            ("agent:main:main", "handover")
        ],
        "and nobody who is not there"
    );
    let threads = "SELECT count(*) FROM project_chat_threads";
    assert_eq!(stage.count(threads).await, 1);
}

async fn mention(stage: &Stage, id: Uuid, task: Uuid, by: Doer<'_>) -> Commented {
    let comment = NewComment {
        id: Some(id),
        task,
        text: "@ricky and @ghost, look",
        by,
        metadata: None,
        created_at: None,
        mentioned: &[key("ricky"), key("ghost")],
        view: None,
    };
    stage.store.comment(comment).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mention_is_written_once_and_wakes_once_and_only_for_operators() {
    let stage = Stage::new().await;
    let task = assigned(&stage, None, false).await;
    let metadata = json!({"author_name": "Olive"});
    let id = Uuid::new_v4();
    let by = operator(&metadata);
    let (one, two) = tokio::join!(mention(&stage, id, task, by), mention(&stage, id, task, by));
    let now =
        |it: &Commented| matches!(it, Commented::Now { woken, .. } if *woken == [key("ricky")]);
    assert!(now(&one) != now(&two), "{one:?} {two:?}");
    let waits = waiting(&stage).await;
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!(waits[0].kind, "mention");
    assert!(waits[0].text.starts_with("Olive mentions you"), "{waits:?}");
    assert!(
        waits[0].text.ends_with("> @ricky and @ghost, look"),
        "{waits:?}"
    );
    let mentions =
        "SELECT count(*) FROM mentions WHERE agent_key = 'ricky' AND source_type = 'task_event'";
    assert_eq!(stage.count(mentions).await, 1);

    let member = Doer {
        author: "discord:43",
        metadata: &Value::Null,
        wakes: None,
    };
    let second = mention(&stage, Uuid::new_v4(), task, member).await;
    assert!(matches!(second, Commented::Now { woken, .. } if woken.is_empty()));
    assert_eq!(stage.count(mentions).await, 2);
    assert_eq!(waiting(&stage).await.len(), 1);
    assert_eq!(
        stage.count("SELECT count(*) FROM mentions").await,
        2,
        "nobody who is not there"
    );
}

#[tokio::test]
async fn an_answer_tells_who_asked_and_what_was_asked() {
    let stage = Stage::new().await;
    let task = assigned(&stage, None, false).await;
    let asked = "NEEDS ATTENTION: which way?\nA) left\nB) right";
    let item = TimelineItem::Event(stage.asks(task, "ricky", asked).await);
    let metadata = json!({});
    for _ in 0..2 {
        let by = operator(&metadata);
        let answered = stage
            .store
            .answer_question(item, "Answer: B — right", by)
            .await;
        answered.unwrap();
    }
    let waits = waiting(&stage).await;
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert_eq!(waits[0].kind, "answer");
    for part in ["which way?", "\nAnswer: B — right"] {
        assert!(waits[0].text.contains(part), "{waits:?}");
    }
}
