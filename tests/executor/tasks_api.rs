//! The Control API's routes of tasks: what they do.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::approved::PROPOSER;
use crate::stage::{Running, Stage};

/// Status and body of an answer. A body that is no string is sent as JSON.
pub async fn call(executor: &Running, method: Method, path: &str, body: Value) -> (u16, Value) {
    let request = Client::new().request(method, executor.url(&format!("/api/tasks{path}")));
    let request = match body {
        Value::Null => request,
        Value::String(raw) => request.body(raw),
        body => request.json(&body),
    };
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.expect("every answer is JSON"))
}

pub async fn post(executor: &Running, path: &str, body: Value) -> (u16, Value) {
    call(executor, Method::POST, path, body).await
}

async fn list(executor: &Running, query: &str) -> Vec<Value> {
    let (status, answer) = call(executor, Method::GET, query, Value::Null).await;
    assert_eq!(status, 200, "{answer}");
    answer["tasks"].as_array().unwrap().clone()
}

fn titles(tasks: &[Value]) -> Vec<&str> {
    tasks
        .iter()
        .map(|task| task["title"].as_str().unwrap())
        .collect()
}

/// The newest event of a task: type, author, content, metadata.
async fn last(stage: &Stage, task: Uuid) -> (String, String, String, Value) {
    let event = stage.store.task_events(task, 1).await.unwrap().remove(0);
    let metadata = event.metadata.unwrap_or_default();
    let content = event.content.unwrap_or_default();
    (event.event_type, event.author, content, metadata)
}

async fn status(stage: &Stage, task: Uuid) -> String {
    sqlx::query_scalar("SELECT status FROM tasks WHERE id = $1")
        .bind(task)
        .fetch_one(stage.store.pool())
        .await
        .unwrap()
}

async fn activities(stage: &Stage, task: Uuid) -> Vec<String> {
    sqlx::query_scalar("SELECT type FROM activities WHERE task_id = $1 ORDER BY created_at, id")
        .bind(task)
        .fetch_all(stage.store.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_task_is_proposed_and_waits_for_an_operator() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let body = json!({
        "title": "  Water the plants\u{0}  ", "author": PROPOSER, "description": "All of them",
        "project_id": "somebody-elses",
    });
    let (code, answer) = post(&executor, "/propose", body).await;
    assert_eq!(code, 200, "{answer}");
    let task: Uuid = answer["id"].as_str().unwrap().parse().unwrap();
    let listed = list(&executor, "?status=inbox").await;
    assert_eq!(titles(&listed), ["Water the plants\u{fffd}"]);
    assert_eq!(listed[0]["is_proposed"], true);
    assert_eq!(
        listed[0]["assignee_agent_key"], PROPOSER,
        "what it proposes is its own"
    );
    assert_eq!(listed[0]["description"], "All of them");
    let open = stage.store.open_proposals(10).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].proposer.as_column(), PROPOSER);
    let (kind, author, _, metadata) = last(&stage, task).await;
    assert_eq!((kind.as_str(), author.as_str()), ("comment", PROPOSER));
    assert_eq!(metadata["is_proposed"], true);
    assert_eq!(metadata["assignee_agent_key"], PROPOSER);
    assert_eq!(activities(&stage, task).await, ["task_proposed"]);

    // Nobody but an operator takes it on, whatever the program asks for.
    for wanted in ["in_progress", "done", "stopped"] {
        let path = format!("/{task}/status");
        let (code, answer) = post(&executor, &path, json!({"status": wanted})).await;
        assert_eq!((code, &answer["error"]), (403, &json!("task_is_proposed")));
    }
    assert_eq!(stage.store.open_proposals(10).await.unwrap().len(), 1);
    executor.stop().await;
}

#[tokio::test]
async fn a_task_is_moved_assigned_stopped_and_deleted_each_with_its_event() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let task = stage.task().await;
    let body = json!({"status": "blocked", "author": PROPOSER, "reason": "no water"});
    for _ in 0..2 {
        let (code, answer) = post(&executor, &format!("/{task}/status"), body.clone()).await;
        assert_eq!((code, answer), (200, json!({"ok": true})));
    }
    let (kind, author, content, metadata) = last(&stage, task).await;
    assert_eq!(
        (kind.as_str(), author.as_str()),
        ("status_change", PROPOSER)
    );
    assert_eq!(content, "In progress → Blocked");
    assert_eq!(metadata["old_status"], "in_progress");
    assert_eq!(metadata["new_status"], "blocked");
    assert_eq!(metadata["reason"], "no water");
    let blocked =
        "SELECT count(*) FROM tasks WHERE blocked_reason = 'no water' AND blocked_at IS NOT NULL";
    assert_eq!(stage.count(blocked).await, 1);

    let body = json!({"assignee_agent_key": "ricky"});
    let (code, answer) = post(&executor, &format!("/{task}/assign"), body).await;
    assert_eq!(code, 200, "{answer}");
    let (kind, _, content, metadata) = last(&stage, task).await;
    assert_eq!(kind, "assignment_change");
    assert_eq!(content, "Assigned to agent:ricky:main");
    assert_eq!(
        metadata,
        json!({"old_assignee": null, "new_assignee": PROPOSER})
    );
    let (code, _) = post(
        &executor,
        &format!("/{task}/assign"),
        json!({"assignee_agent_key": null}),
    )
    .await;
    assert_eq!(code, 200);
    let (_, _, content, _) = last(&stage, task).await;
    assert_eq!(content, "Assigned to nobody; it was agent:ricky:main's");

    let (code, answer) = post(&executor, &format!("/{task}/stop"), Value::Null).await;
    assert_eq!(code, 200, "{answer}");
    assert_eq!(status(&stage, task).await, "stopped");
    assert_eq!(
        stage.count(blocked).await,
        0,
        "what is not blocked has no reason to be"
    );

    let (code, _) = post(
        &executor,
        &format!("/{task}/delete"),
        json!({"author": PROPOSER}),
    )
    .await;
    assert_eq!(code, 200);
    assert_eq!(last(&stage, task).await.0, "task_deleted");
    assert!(
        list(&executor, "").await.is_empty(),
        "what is deleted is in no list"
    );
    let deleted = "SELECT count(*) FROM tasks WHERE deleted_by = 'agent:ricky:main' AND deleted_at IS NOT NULL";
    assert_eq!(stage.count(deleted).await, 1, "and still there");
    assert_eq!(stage.count("SELECT count(*) FROM task_events").await, 5);
    assert_eq!(
        stage
            .count("SELECT count(*) FROM project_chat_messages")
            .await,
        0,
        "no program wakes"
    );
    executor.stop().await;
}

#[tokio::test]
async fn an_output_is_an_event_of_the_timeline() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let task = stage.task().await;
    for (body, content, metadata) in [
        (
            json!({"output_type": "summary", "content_text": "All is well", "author": PROPOSER}),
            "All is well",
            json!({"output_type": "summary"}),
        ),
        (
            json!({"output_type": "link", "title": "Notes", "link_url": "https://example.com/n"}),
            "",
            json!({"output_type": "link", "title": "Notes", "link_url": "https://example.com/n"}),
        ),
    ] {
        let (code, answer) = post(&executor, &format!("/{task}/outputs"), body).await;
        assert_eq!(code, 200, "{answer}");
        let event = stage.store.task_events(task, 1).await.unwrap().remove(0);
        assert_eq!(answer["id"], event.id.to_string());
        let found = last(&stage, task).await;
        assert_eq!(
            (found.0.as_str(), found.2.as_str()),
            ("output_added", content)
        );
        assert_eq!(found.3, metadata);
    }
    assert_eq!(stage.count("SELECT count(*) FROM task_outputs").await, 0);
    assert_eq!(
        activities(&stage, task).await,
        ["task_output_added", "task_output_added"]
    );
    executor.stop().await;
}

#[tokio::test]
async fn lists_hold_what_is_asked_for_and_the_last_changed_first() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    sqlx::raw_sql(
        "ALTER TABLE tasks DISABLE TRIGGER USER;
         -- No id begins with an `a`, which is searched for.
         INSERT INTO tasks (id, project_id, title, status, assignee_agent_key, updated_at, rejected_at,
                            deleted_at)
         SELECT (n || '0000000-0000-0000-0000-000000000000')::uuid, 'front-office', title, status,
                assignee, at::timestamptz, rejected, deleted
         FROM (VALUES
             (1, 'a', 'inbox', 'agent:ricky:main', '2026-01-01', NULL, NULL),
             (2, 'b', 'review', 'agent:agent:ricky:main', '2026-01-02', NULL, NULL),
             (3, 'c', 'done', NULL, '2026-01-03', NULL, NULL),
             (4, 'rejected', 'done', NULL, '2026-01-04', now(), NULL),
             (5, 'deleted', 'inbox', NULL, '2026-01-04', NULL, now())
         ) AS t (n, title, status, assignee, at, rejected, deleted);
         INSERT INTO projects (id, name) VALUES ('elsewhere', 'x');
         INSERT INTO tasks (project_id, title) VALUES ('elsewhere', 'theirs');",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
    for (query, expected) in [
        ("", vec!["c", "b", "a"]),
        ("?limit=2", vec!["c", "b"]),
        ("?status=inbox,%20review", vec!["b", "a"]),
        ("?updated_since=2026-01-01T12:00:00Z", vec!["c", "b"]),
        ("?updated_since=2026-01-02T12:00:00+00:00", vec!["c"]),
        ("/assigned?agent_key=agent:ricky:main", vec!["b", "a"]),
        ("/assigned?agent_key=ricky&status=inbox", vec!["a"]),
        ("/assigned?agent_key=main", vec![]),
    ] {
        assert_eq!(titles(&list(&executor, query).await), expected, "{query}");
    }
    let found = async |typed: &str| -> Vec<String> {
        let lines = stage.store.find_tasks(typed, 10).await.unwrap();
        lines.into_iter().map(|line| line.title).collect()
    };
    assert_eq!(
        found("").await,
        ["b", "a", "c"],
        "what is finished comes last"
    );
    assert_eq!(found(" A ").await, ["a"]);
    assert!(found("%").await.is_empty(), "a sign is a sign");
    let id = list(&executor, "").await[0]["id"].as_str().unwrap()[..8].to_uppercase();
    assert_eq!(found(&id).await, ["c"]);
    executor.stop().await;
}

/// Whom, what kind of row, which, in which task, by whom.
type Mention = (String, String, String, Option<Uuid>, String);

#[tokio::test]
async fn mentions_are_written_once_and_only_of_agents_that_are_there() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let task = stage.task().await;
    let text = "@ricky: look, @agent:ricky:main, @main and @ghost";
    let body = json!({"event_type": "comment", "content": text, "author": PROPOSER});
    let (code, answer) = post(&executor, &format!("/{task}/events"), body).await;
    assert_eq!(code, 200, "{answer}");
    let url = executor.url("/api/chat/post");
    let body = json!({"message": "@agent:main:main @main hello", "author": "ui"});
    let said = Client::new().post(url).json(&body).send().await.unwrap();
    let said: Value = said.json().await.unwrap();
    let rows: Vec<Mention> = sqlx::query_as(
        "SELECT agent_key, source_type, source_id::text, task_id, author FROM mentions
         ORDER BY source_type DESC, agent_key",
    )
    .fetch_all(stage.store.pool())
    .await
    .unwrap();
    let event = answer["id"].as_str().unwrap();
    let row = |short: &str, kind: &str, source: &str, task: Option<Uuid>, author: &str| {
        let text = |text: &str| text.to_owned();
        (text(short), text(kind), text(source), task, text(author))
    };
    assert_eq!(
        rows,
        [
            row("main", "task_event", event, Some(task), PROPOSER),
            row("ricky", "task_event", event, Some(task), PROPOSER),
            row(
                "main",
                "chat_message",
                said["id"].as_str().unwrap(),
                None,
                "ui"
            ),
        ]
    );
    assert_eq!(
        stage
            .count("SELECT count(*) FROM chat_delivery_queue")
            .await,
        0
    );
    executor.stop().await;
}
