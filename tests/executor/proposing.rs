//! How agents propose: in their reply, by posting, in a task. All read by the same types; nobody
//! can propose something as decided.

use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::model::proposal::{ProposalRef, ProposalSource, ProposalState};
use reqwest::Client;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::approved::PROPOSER;
use crate::stage::{Running, Stage};

async fn post(executor: &Running, path: &str, body: &Value) -> (u16, Value) {
    let request = Client::new().post(executor.url(path)).json(body);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.expect("every answer is JSON"))
}

fn id(answer: &(u16, Value)) -> Uuid {
    assert_eq!(answer.0, 200, "{}", answer.1);
    answer.1["id"].as_str().unwrap().parse().unwrap()
}

/// Fields with which a proposal claims more than it may.
fn boast(mut proposal: Value) -> Value {
    for field in [
        "approved_by",
        "approved_at",
        "rejected_by",
        "rejected_at",
        "executed_at",
        "execution_result",
        "resolved_by_discord_id",
    ] {
        proposal[field] = json!("me");
    }
    proposal["status"] = json!("approved");
    proposal
}

async fn stored(stage: &Stage, id: Uuid) -> (String, Value) {
    sqlx::query_as("SELECT message_type, metadata FROM project_chat_messages WHERE id = $1")
        .bind(id)
        .fetch_one(stage.store.pool())
        .await
        .unwrap()
}

async fn is_open(stage: &Stage, source: ProposalSource, id: Uuid) -> bool {
    let reference = ProposalRef { source, id };
    let stored = stage.store.proposal(reference).await.unwrap().unwrap();
    assert!(stored.proposal.reading.payload.is_ok(), "{stored:?}");
    stored.proposal.state == ProposalState::Open
}

#[tokio::test]
async fn a_posted_proposal_is_stored_as_proposed_whatever_it_claims() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    for (message_type, action) in [
        ("task_proposal", "create_task"),
        ("action_proposal", "create_task"),
    ] {
        let metadata = boast(json!({
            "action_type": action, "parameters": {"title": "x"}, "requires_approval": false,
            "proposed_by": "agent:main:main", "proposed_at": "never",
        }));
        let body = json!({
            "message": "I propose", "author": PROPOSER, "message_type": message_type,
            "metadata": metadata,
        });
        let id = id(&post(&executor, "/api/chat/post", &body).await);
        let (found, metadata) = stored(&stage, id).await;
        assert_eq!(found, message_type);
        let fields = metadata.as_object().unwrap();
        assert_eq!(fields["status"], "proposed");
        assert_eq!(fields["proposed_by"], PROPOSER);
        assert_ne!(fields["proposed_at"], "never");
        assert!(fields.values().all(|value| value != "me"), "{metadata}");
        assert!(is_open(&stage, ProposalSource::Message, id).await);
    }
    assert_eq!(stage.count("SELECT count(*) FROM tasks").await, 0);
    executor.stop().await;
}

#[tokio::test]
async fn a_malformed_proposal_is_refused_with_the_path_of_what_is_wrong() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let task = stage.task().await;
    let path = format!("/api/tasks/{task}/events");
    let whole = json!({"title": "x"});
    for (message_type, metadata, word) in [
        ("task_proposal", json!(null), "metadata"),
        (
            "task_proposal",
            json!({"action_type": "api_call", "parameters": {}}),
            "action_type",
        ),
        (
            "task_proposal",
            json!({"parameters": {"title": " "}}),
            "parameters.title",
        ),
        (
            "action_proposal",
            json!({"parameters": whole}),
            "action_type",
        ),
        (
            "action_proposal",
            json!({"action_type": "world_peace", "parameters": {}}),
            "action_type",
        ),
        (
            "action_proposal",
            json!({"action_type": "create_task", "parameters": {"titel": "x"}}),
            "parameters",
        ),
        (
            "action_proposal",
            json!({"action_type": "create_task", "parameters": {"title": "x", "then": 1}}),
            "then",
        ),
        (
            "action_proposal",
            json!({"action_type": "create_task", "parameters": whole, "risk_level": "none"}),
            "risk_level",
        ),
        (
            "action_proposal",
            json!({"action_type": "create_task", "parameters": whole, "force": true}),
            "force",
        ),
        (
            "action_proposal",
            json!({"action_type": "api_call", "parameters": {"url": "http://u:p@x", "method": "GET"}}),
            "parameters.url",
        ),
        (
            "action_proposal",
            json!({"action_type": "file_write", "parameters": {"path": 7}}),
            "parameters.path",
        ),
    ] {
        let body = json!({
            "message": "I propose", "author": PROPOSER, "message_type": message_type,
            "metadata": metadata,
        });
        let (status, answer) = post(&executor, "/api/chat/post", &body).await;
        let error = answer["error"].as_str().unwrap();
        assert!(
            status == 400 && error.contains("malformed"),
            "{metadata}: {answer}"
        );
        assert!(error.contains(word), "{metadata}: {error}");
    }
    for (metadata, word) in [
        (json!(null), "action_type"),
        (json!({"action_type": ""}), "action_type"),
        (
            json!({"action_type": "send_email", "risk_level": 9}),
            "risk_level",
        ),
        (
            json!({"action_type": "create_task", "parameters": {"titel": "x"}}),
            "parameters",
        ),
    ] {
        let body =
            json!({"event_type": "approval_request", "author": PROPOSER, "metadata": metadata});
        let (status, answer) = post(&executor, &path, &body).await;
        let error = answer["error"].as_str().unwrap();
        assert!(
            status == 400 && error.contains(word),
            "{metadata}: {answer}"
        );
    }
    let written =
        "SELECT (SELECT count(*) FROM project_chat_messages) + (SELECT count(*) FROM task_events)";
    assert_eq!(stage.count(written).await, 0);
    executor.stop().await;
}

#[tokio::test]
async fn what_an_agent_proposes_in_its_reply_is_kept_even_when_it_is_malformed() {
    let stage = Stage::new().await;
    let proposals = json!({"reply": "Look.", "proposals": [
        boast(json!({"action_type": "create_task", "parameters": {"title": "good"}})),
        {"action_type": "create_task", "parameters": {"titel": "bad"}},
        "odd",
    ]});
    let script = format!("cat <<'END'\n{proposals}\nEND");
    let executor = stage.executor(stage.script(&script)).await;
    let (question, _) = stage.say("main", "propose", DeliveryStatus::Queued).await;
    stage
        .wait_for_status(question, "main", DeliveryStatus::Processed)
        .await;
    let mut open = stage.store.open_proposals(10).await.unwrap();
    open.sort_by_key(|proposal| proposal.reading.payload.is_err());
    let kinds: Vec<bool> = open.iter().map(|it| it.reading.payload.is_ok()).collect();
    assert_eq!(kinds, [true, false, false]);
    assert!(
        open[0]
            .reading
            .raw
            .as_object()
            .unwrap()
            .values()
            .all(|it| it != "me")
    );
    let texts: Vec<String> = sqlx::query_scalar(
        "SELECT message FROM project_chat_messages WHERE message LIKE 'Malformed proposal (%'",
    )
    .fetch_all(stage.store.pool())
    .await
    .unwrap();
    assert_eq!(texts.len(), 2, "{texts:?}");
    executor.stop().await;
}

#[tokio::test]
async fn a_task_takes_events_and_gives_them_back_newest_first() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let task = stage.task().await;
    let path = format!("/api/tasks/{task}/events");
    let mut ids = Vec::new();
    for body in [
        json!({"event_type": "comment", "author": PROPOSER, "content": "nul \0 and all"}),
        json!({"event_type": "agent_update", "content": "on it", "metadata": {"kind": "x"}}),
        json!({"event_type": "output_added", "metadata": {"title": "The plan"}}),
    ] {
        ids.push(id(&post(&executor, &path, &body).await));
    }
    let get = async |query: &str| -> Value {
        let request = Client::new().get(executor.url(&format!("{path}{query}")));
        request.send().await.unwrap().json().await.unwrap()
    };
    let all = get("").await;
    let events = all["events"].as_array().unwrap();
    let found: Vec<&str> = events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = ids.iter().rev().map(Uuid::to_string).collect();
    assert_eq!(found, expected);
    assert_eq!(events[2]["content"], "nul \u{fffd} and all");
    assert_eq!(events[2]["author"], PROPOSER);
    assert_eq!(events[1]["author"], "dashboard");
    assert_eq!(events[1]["metadata"], json!({"kind": "x"}));
    assert_eq!(
        events[0]["metadata"],
        json!({"title": "The plan", "output_type": "summary"})
    );
    assert!(events[0]["created_at"].as_str().unwrap().ends_with('Z'));
    assert_eq!(get("?limit=1").await["events"].as_array().unwrap().len(), 1);
    executor.stop().await;
}

#[tokio::test]
async fn an_approval_is_requested_in_a_task_and_decided_nowhere_but_in_discord() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let task = stage.task().await;
    let path = format!("/api/tasks/{task}/events");
    let free =
        boast(json!({"action_type": "send_email", "to": "a@example.com", "risk_level": "high"}));
    let body = json!({"event_type": "approval_request", "author": PROPOSER, "content": "May I?", "metadata": free});
    let request = id(&post(&executor, &path, &body).await);
    assert!(is_open(&stage, ProposalSource::TaskEvent, request).await);
    let events = stage.store.task_events(task, 1).await.unwrap();
    let metadata = events[0].metadata.as_ref().unwrap().as_object().unwrap();
    assert_eq!(metadata["status"], "proposed");
    assert!(metadata.values().all(|value| value != "me"), "{metadata:?}");

    let resolved = json!({"status": "approved", "original_event_id": request, "resolved_by": "ui"});
    let body =
        json!({"event_type": "approval_resolved", "author": "dashboard", "metadata": resolved});
    let (status, answer) = post(&executor, &path, &body).await;
    assert_eq!(status, 403, "{answer}");
    assert!(
        answer["error"].as_str().unwrap().contains("Discord"),
        "{answer}"
    );
    assert!(is_open(&stage, ProposalSource::TaskEvent, request).await);
    executor.stop().await;
}

#[tokio::test]
async fn an_event_that_is_none_is_refused_as_clawdos_does() {
    let stage = Stage::new().await;
    let executor = stage.actions(&[]).await;
    let task = stage.task().await;
    let gone = stage.task().await;
    sqlx::query("UPDATE tasks SET deleted_at = now() WHERE id = $1")
        .bind(gone)
        .execute(stage.store.pool())
        .await
        .unwrap();
    let comment = || json!({"event_type": "comment", "content": "x"});
    let task = task.to_string();
    for (task, body, status, word) in [
        (
            task.as_str(),
            json!({"event_type": "status_change"}),
            400,
            "use_status_endpoint",
        ),
        (
            &task,
            json!({"event_type": "assignment_change"}),
            400,
            "use_assign_endpoint",
        ),
        (
            &task,
            json!({"event_type": "task_deleted"}),
            400,
            "use_delete_endpoint",
        ),
        (
            &task,
            json!({"event_type": "party"}),
            400,
            "invalid_event_type",
        ),
        (&task, json!({"content": "x"}), 400, "event_type"),
        (
            &task,
            json!({"event_type": "comment", "content": " "}),
            400,
            "empty",
        ),
        (&task, json!({"event_type": "comment"}), 400, "empty"),
        (
            &task,
            json!({"event_type": "agent_update", "metadata": 7}),
            400,
            "metadata",
        ),
        (
            &task,
            json!({"event_type": "agent_update", "author": "a\nb"}),
            400,
            "author",
        ),
        (&gone.to_string(), comment(), 404, "task_not_found"),
        (
            &Uuid::new_v4().to_string(),
            comment(),
            404,
            "task_not_found",
        ),
        ("seven", comment(), 404, "task_not_found"),
    ] {
        let (found, answer) = post(&executor, &format!("/api/tasks/{task}/events"), &body).await;
        assert_eq!(found, status, "{body}: {answer}");
        assert_eq!(answer["ok"], false);
        assert!(answer["error"].as_str().unwrap().contains(word), "{answer}");
    }
    for (query, status) in [
        ("seven/events", 404),
        (&format!("{task}/events?limit=x"), 400),
    ] {
        let request = Client::new().get(executor.url(&format!("/api/tasks/{query}")));
        assert_eq!(
            request.send().await.unwrap().status().as_u16(),
            status,
            "{query}"
        );
    }
    assert_eq!(stage.count("SELECT count(*) FROM task_events").await, 0);
    executor.stop().await;
}
