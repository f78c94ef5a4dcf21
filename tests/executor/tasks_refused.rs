//! Everything that the routes of tasks refuse, in words.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::stage::Stage;
use crate::tasks_api::{call, post};

/// Path, status, a word of the error, body. `TASK` and `DONE` are tasks, `LONG` is too long.
const POSTED: [(&str, u16, &str, &str); 30] = [
    ("/propose", 400, "title", r#"{"title": " "}"#),
    ("/propose", 400, "5000", r#"{"title": "LONG"}"#),
    ("/propose", 400, "string", r#"{"title": 7}"#),
    ("/propose", 400, "title", r#"{"author": "x"}"#),
    ("/propose", 400, "map", r#"["a", "b", "c", "d"]"#),
    ("/propose", 400, "expected", "nonsense"),
    (
        "/propose",
        400,
        "author",
        r#"{"title": "x", "author": "a\nb"}"#,
    ),
    (
        "/propose",
        404,
        "agent_not_found",
        r#"{"title": "x", "assignee_agent_key": "agent:ghost:main"}"#,
    ),
    (
        "/propose",
        400,
        "agent key",
        r#"{"title": "x", "assignee_agent_key": "a b"}"#,
    ),
    (
        "/TASK/status",
        400,
        "invalid_status",
        r#"{"status": "party"}"#,
    ),
    ("/TASK/status", 400, "status", "{}"),
    ("/TASK/status", 400, "map", r#"["review"]"#),
    (
        "/DONE/status",
        400,
        "cannot_change_done_task",
        r#"{"status": "review"}"#,
    ),
    ("/DONE/stop", 400, "cannot_change_done_task", "{}"),
    ("/TASK/stop", 400, "map", "[]"),
    ("/TASK/assign", 400, "assignee_agent_key", "{}"),
    (
        "/TASK/assign",
        400,
        "assignee_agent_key",
        r#"{"assignee_agent_key": 7}"#,
    ),
    (
        "/TASK/assign",
        400,
        "agent key",
        r#"{"assignee_agent_key": ""}"#,
    ),
    (
        "/TASK/assign",
        404,
        "agent_not_found",
        r#"{"assignee_agent_key": "agent:ghost:main"}"#,
    ),
    (
        "/TASK/outputs",
        400,
        "invalid_output_type",
        r#"{"output_type": "song", "title": "x"}"#,
    ),
    (
        "/TASK/outputs",
        400,
        "empty",
        r#"{"output_type": "summary"}"#,
    ),
    (
        "/TASK/outputs",
        400,
        "link_url",
        r#"{"output_type": "link", "title": "x"}"#,
    ),
    (
        "/TASK/outputs",
        400,
        "link_url",
        r#"{"output_type": "link", "link_url": "javascript:alert(1)"}"#,
    ),
    (
        "/TASK/outputs",
        400,
        "5000",
        r#"{"output_type": "summary", "title": "LONG"}"#,
    ),
    ("/TASK/outputs", 400, "output_type", r#"{"title": "x"}"#),
    ("/TASK/delete", 400, "author", r#"{"author": ""}"#),
    (
        "/TASK/events",
        400,
        "invalid_output_type",
        r#"{"event_type": "output_added", "metadata": {"output_type": "song", "title": "x"}}"#,
    ),
    (
        "/TASK/events",
        400,
        "link_url",
        r#"{"event_type": "output_added", "metadata": {"link_url": 7}}"#,
    ),
    (
        "/TASK/events",
        400,
        "empty",
        r#"{"event_type": "agent_update"}"#,
    ),
    ("/TASK/events", 400, "map", r#"["comment", "me", "hello"]"#),
];

/// The same for a task that is not there.
const OF_NO_TASK: [(&str, &str); 6] = [
    ("status", r#"{"status": "review"}"#),
    ("assign", r#"{"assignee_agent_key": "ricky"}"#),
    ("stop", "{}"),
    ("outputs", r#"{"output_type": "summary", "title": "x"}"#),
    ("delete", ""),
    ("events", r#"{"event_type": "comment", "content": "x"}"#),
];

const ASKED: [(&str, u16, &str); 6] = [
    ("?limit=many", 400, "limit"),
    ("?status=review,party", 400, "invalid_status"),
    ("?updated_since=yesterday", 400, "updated_since"),
    ("/assigned", 400, "agent key"),
    (
        "/assigned?agent_key=agent:ghost:main",
        404,
        "agent_not_found",
    ),
    (
        "/assigned?agent_key=ricky&status=party",
        400,
        "invalid_status",
    ),
];

fn refused((found, answer): &(u16, Value), status: u16, word: &str, what: &str) {
    assert_eq!(*found, status, "{what}: {answer}");
    assert_eq!(answer["ok"], false);
    let error = answer["error"].as_str().unwrap();
    assert!(error.contains(word), "{what}: {error}");
    if error.starts_with("invalid_") {
        assert!(answer["allowed"].as_array().unwrap().len() >= 4, "{answer}");
    }
}

#[tokio::test]
async fn whatever_is_wrong_is_refused_in_words_and_writes_nothing() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let (task, done) = (stage.task().await, stage.task().await);
    sqlx::query("UPDATE tasks SET status = 'done' WHERE id = $1")
        .bind(done)
        .execute(stage.store.pool())
        .await
        .unwrap();
    let long = "x".repeat(5_001);
    let filled = |text: &str| {
        let text = text.replace("TASK", &task.to_string());
        text.replace("DONE", &done.to_string())
            .replace("LONG", &long)
    };
    for (path, status, word, body) in POSTED {
        let answer = post(&executor, &filled(path), Value::String(filled(body))).await;
        refused(&answer, status, word, &format!("{path} {body}"));
    }
    for missing in [Uuid::new_v4().to_string(), "seven".to_owned()] {
        for (route, body) in OF_NO_TASK {
            let path = format!("/{missing}/{route}");
            let answer = post(&executor, &path, Value::String(body.to_owned())).await;
            refused(&answer, 404, "task_not_found", &path);
        }
    }
    for (query, status, word) in ASKED {
        let answer = call(&executor, Method::GET, query, Value::Null).await;
        refused(&answer, status, word, query);
    }
    let answer = post(&executor, "", json!({"title": "the old way"})).await;
    refused(
        &answer,
        405,
        "method",
        "the route that ClawdOS keeps for its past",
    );
    assert_eq!(stage.count("SELECT count(*) FROM task_events").await, 0);
    assert_eq!(stage.count("SELECT count(*) FROM tasks").await, 2);
    executor.stop().await;
}
