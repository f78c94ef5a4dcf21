//! Approved actions that change the database: each does what the card said, once.

use clawdos_bridge::model::thread::Place;
use serde_json::{Value, json};
use sqlx::FromRow;
use uuid::Uuid;

use crate::approved::PROPOSER;
use crate::stage::{Stage, eventually, key};

#[derive(Debug, FromRow)]
struct Task {
    id: Uuid,
    title: String,
    description: Option<String>,
    status: String,
    assignee_agent_key: Option<String>,
    is_proposed: Option<bool>,
    context_snapshot: Option<Value>,
}

async fn tasks(stage: &Stage) -> Vec<Task> {
    sqlx::query_as("SELECT * FROM tasks ORDER BY created_at")
        .fetch_all(stage.store.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn create_task_makes_the_task_its_event_and_its_activity() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let parameters = json!({
        "title": " Water the plants ", "description": "All of them",
        "assignee_agent_key": "agent:main:main",
    });
    let reference = stage.approve("create_task", parameters).await;
    let result = stage.executed(reference).await;
    assert!(
        result.contains("Water the plants") && result.contains("agent:main:main"),
        "{result}"
    );

    let [task] = tasks(&stage).await.try_into().unwrap();
    assert_eq!(task.title, "Water the plants");
    assert_eq!(task.description.as_deref(), Some("All of them"));
    assert_eq!(task.status, "assigned");
    assert_eq!(task.assignee_agent_key.as_deref(), Some("agent:main:main"));
    assert_eq!(task.is_proposed, Some(false));
    let snapshot = task.context_snapshot.unwrap();
    assert_eq!(snapshot["chat_message_id"], json!(reference.id));
    let events = stage.store.task_events(task.id, 10).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].author, PROPOSER);
    let activity: (String, String, Option<Uuid>) =
        sqlx::query_as("SELECT type, actor_agent_key, task_id FROM activities")
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
    let expected = (
        "task_created".to_owned(),
        PROPOSER.to_owned(),
        Some(task.id),
    );
    assert_eq!(activity, expected);

    let told = stage.metadata(reference).await;
    assert_eq!(told["status"], "executed");
    assert_eq!(told["execution_result"], json!(result));
    assert!(
        told["executed_at"].is_string() && told["approved_by"].is_string(),
        "{told}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn a_task_for_nobody_waits_in_the_inbox() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let reference = stage
        .approve("create_task", json!({"title": "Think"}))
        .await;
    stage.executed(reference).await;
    let [task] = tasks(&stage).await.try_into().unwrap();
    assert_eq!((task.status.as_str(), task.description), ("inbox", None));
    executor.stop().await;
}

#[tokio::test]
async fn schedule_job_files_a_request_as_dashboards_do() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    for (expression, kind) in [("60000", "every"), ("0 9 * * 1-5", "cron")] {
        let reference = stage
            .approve(
                "schedule_job",
                json!({
                    "name": kind, "schedule_expr": expression, "instructions": "Report.\nBriefly.",
                    "target_agent_key": "agent:ricky:main",
                }),
            )
            .await;
        stage.executed(reference).await;
        let row: (String, String, String, String, String, String) = sqlx::query_as(
            "SELECT schedule_kind, schedule_expr, instructions, job_intent, requested_by, target_agent_key
             FROM cron_create_requests WHERE name = $1 AND project_id = 'front-office'",
        )
        .bind(kind)
        .fetch_one(stage.store.pool())
        .await
        .unwrap();
        let instructions = "@agent:agent:ricky:main\n---\nReport.\nBriefly.";
        let expected = [
            kind,
            expression,
            instructions,
            "task",
            "ui",
            "agent:ricky:main",
        ];
        let found = [&row.0, &row.1, &row.2, &row.3, &row.4, &row.5];
        assert_eq!(found, expected.map(str::to_owned).each_ref());
    }
    executor.stop().await;
}

#[tokio::test]
async fn edit_doc_writes_the_whole_document_over_the_old_one() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    for (owner, content) in [
        ("agent:ricky:main", "one"),
        ("agent:ricky:main", "two"),
        ("project", "all"),
    ] {
        let parameters = json!({
            "doc_type": "project_rules", "agent_key": owner, "content_preview": "o", "content": content,
        });
        let reference = stage.approve("edit_doc", parameters).await;
        stage.executed(reference).await;
    }
    let docs: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT agent_key, content, updated_by FROM brain_docs WHERE doc_type = 'project_rules'
         ORDER BY agent_key",
    )
    .fetch_all(stage.store.pool())
    .await
    .unwrap();
    let doc =
        |owner: &str, content: &str| (owner.to_owned(), content.to_owned(), PROPOSER.to_owned());
    assert_eq!(
        docs,
        [doc("agent:ricky:main", "two"), doc("project", "all")]
    );
    executor.stop().await;
}

async fn said(stage: &Stage, text: &str) -> (String, Option<String>, Option<String>, i64) {
    sqlx::query_as(
        "SELECT m.author, m.target_agent_key, t.title,
                (SELECT count(*) FROM chat_delivery_queue q WHERE q.message_id = m.id)
         FROM project_chat_messages m LEFT JOIN project_chat_threads t ON t.id = m.thread_id
         WHERE m.message = $1 AND m.message_type = 'text'",
    )
    .bind(text)
    .fetch_one(stage.store.pool())
    .await
    .unwrap()
}

#[tokio::test]
async fn send_message_says_it_where_and_to_whom_the_card_said() {
    let stage = Stage::new().await;
    let main = Some("agent:main:main".to_owned());
    let own = Some(PROPOSER.to_owned());
    let general = Some("General".to_owned());
    let thread = stage
        .store
        .find_or_create_thread(&Place::Dm(key("main")))
        .await
        .unwrap()
        .to_string();
    let dm = Some("DM:agent:main:main".to_owned());
    let own_dm = Some(format!("DM:{PROPOSER}"));
    let cases = [
        ("a", "team-room", "", None, &general, 0),
        ("b", "team-room", "everybody", None, &general, 0),
        (
            "c",
            "team-room",
            "agent:main:main",
            main.clone(),
            &general,
            1,
        ),
        ("d", "team-room", "main", main.clone(), &general, 1),
        ("e", "dm", "agent:main:main", main.clone(), &dm, 1),
        ("f", thread.as_str(), "", None, &dm, 0),
        // An agent that is told its own words would answer itself.
        ("g", "team-room", PROPOSER, own.clone(), &general, 0),
        ("h", "dm", "ricky", own.clone(), &own_dm, 0),
    ];
    let mut references = Vec::new();
    for (text, channel, recipient, ..) in &cases {
        let parameters = json!({"channel": channel, "recipient": recipient, "content": text});
        references.push(stage.approve("send_message", parameters).await);
    }
    let executor = stage.actions(&[]).await;
    for (reference, (text, _, _, target, title, deliveries)) in references.into_iter().zip(cases) {
        stage.executed(reference).await;
        let expected = (PROPOSER.to_owned(), target, title.clone(), deliveries);
        assert_eq!(said(&stage, text).await, expected, "{text}");
    }
    let queued = "SELECT count(*) FROM chat_delivery_queue WHERE status = 'queued'";
    assert_eq!(stage.count(queued).await, 3);
    executor.stop().await;
}

#[tokio::test]
async fn a_message_to_an_agent_is_delivered() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.script(r#"echo "heard: $2""#)).await;
    let parameters = json!({"channel": "dm", "recipient": "agent:main:main", "content": "hello"});
    let reference = stage.approve("send_message", parameters).await;
    stage.executed(reference).await;
    eventually("the agent answers", async || {
        let query = "SELECT count(*) FROM project_chat_messages WHERE message = 'heard: hello'";
        let count = stage.count(query).await;
        (count == 1).then_some(()).ok_or(format!("{count}"))
    })
    .await;
    executor.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_fails_with_its_reason_and_changes_nothing() {
    let stage = Stage::new().await;
    let nobody = "agent:nobody:main";
    let thread = Uuid::new_v4().to_string();
    let cases = [
        (
            "create_task",
            json!({"title": "x", "assignee_agent_key": nobody}),
            nobody,
        ),
        (
            "schedule_job",
            json!({"name": "x", "schedule_expr": "1", "instructions": "x", "target_agent_key": nobody}),
            nobody,
        ),
        (
            "schedule_job",
            json!({"name": "x", "schedule_expr": "0", "instructions": "x", "target_agent_key": "main"}),
            "0 ms",
        ),
        (
            "schedule_job",
            json!({"name": "x", "schedule_expr": "99999999999999999999", "instructions": "x",
                   "target_agent_key": "main"}),
            "cannot be kept",
        ),
        (
            "edit_doc",
            json!({"doc_type": "soul", "agent_key": nobody, "content": "x"}),
            nobody,
        ),
        (
            "edit_doc",
            json!({"doc_type": "soul", "agent_key": "agent:main:main", "content_preview": "x"}),
            "content",
        ),
        (
            "send_message",
            json!({"channel": "dm", "recipient": nobody, "content": "x"}),
            nobody,
        ),
        (
            "send_message",
            json!({"channel": "dm", "recipient": "nobody", "content": "x"}),
            nobody,
        ),
        (
            "send_message",
            json!({"channel": "team-room", "recipient": nobody, "content": "x"}),
            nobody,
        ),
        (
            "send_message",
            json!({"channel": thread, "content": "x"}),
            &thread,
        ),
    ];
    let mut references = Vec::new();
    for (action, parameters, word) in cases {
        references.push((stage.approve(action, parameters).await, word));
    }
    let executor = stage.actions(&[]).await;
    for (reference, word) in references {
        let result = stage.failed(reference).await;
        assert!(result.contains(word), "{word}: {result}");
        assert_eq!(stage.metadata(reference).await["status"], "failed");
    }
    for query in [
        "SELECT count(*) FROM tasks",
        "SELECT count(*) FROM cron_create_requests",
        "SELECT count(*) FROM brain_docs WHERE doc_type = 'soul'",
        "SELECT count(*) FROM project_chat_messages WHERE message_type = 'text'",
        "SELECT count(*) FROM activities",
    ] {
        assert_eq!(stage.count(query).await, 0, "{query}");
    }
    executor.stop().await;
}
