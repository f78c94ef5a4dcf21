//! Proposals in the timeline of a task.

use serde_json::{Value, json};
use uuid::Uuid;

use super::stage::{DECIDABLE, Stage};
use crate::harness::wait::eventually;
use crate::harness::world::PROJECT;

/// A task, and what Ricky asks for in its timeline.
async fn request(stage: &Stage, content: &str, metadata: &Value) -> (Uuid, Uuid) {
    sqlx::query_as(
        "WITH task AS ( \
           INSERT INTO tasks (project_id, title, status, assignee_agent_key) \
           VALUES ($1, 'Roof of the barn', 'in_progress', 'agent:ricky:main') RETURNING id) \
         INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) \
         SELECT $1, task.id, 'approval_request', 'agent:ricky:main', $2, $3 FROM task \
         RETURNING task_id, id",
    )
    .bind(PROJECT)
    .bind(content)
    .bind(metadata)
    .fetch_one(stage.world.pool())
    .await
    .expect("the database takes an event")
}

fn file() -> Value {
    json!({
        "action_type": "file_write", "risk_level": "med",
        "parameters": { "path": "tiles.txt", "content_preview": "Red", "content": "Red tiles" },
    })
}

/// The events of a type, oldest first: author, content and metadata.
async fn events(stage: &Stage, task: Uuid, kind: &str) -> Vec<(String, Option<String>, Value)> {
    sqlx::query_as(
        "SELECT author, content, coalesce(metadata, '{}') FROM task_events \
         WHERE task_id = $1 AND event_type = $2 ORDER BY created_at, id",
    )
    .bind(task)
    .bind(kind)
    .fetch_all(stage.world.pool())
    .await
    .expect("the database answers")
}

async fn activities(stage: &Stage, task: Uuid) -> Vec<String> {
    sqlx::query_scalar("SELECT type FROM activities WHERE task_id = $1 ORDER BY created_at, id")
        .bind(task)
        .fetch_all(stage.world.pool())
        .await
        .expect("the database answers")
}

#[tokio::test]
async fn an_approval_is_written_as_a_dashboard_writes_it_and_carried_out() {
    let stage = Stage::start().await;
    let (task, id) = request(&stage, "I need the tiles", &file()).await;
    let card = stage.open_card("tiles.txt").await;
    assert!(
        card.says("Ricky") && card.says("Roof of the barn"),
        "{card:#?}"
    );
    assert!(card.says("I need the tiles"), "why: {card:#?}");
    let act = stage.zack.press(&card, "Approve").await;
    stage.zack.told(&act).await;
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals()], "tiles.txt", "executed")
        .await;

    let resolved = events(&stage, task, "approval_resolved").await;
    let [(author, content, metadata)] = resolved.as_slice() else {
        panic!("one resolution: {resolved:#?}");
    };
    assert_eq!(author, "dashboard");
    assert_eq!(content.as_deref(), Some("Approved"));
    assert_eq!(metadata["status"], "approved");
    assert_eq!(metadata["resolved_by"], "ui");
    assert_eq!(metadata["original_event_id"], id.to_string());
    let zack = &stage.zack.person.id;
    assert_eq!(metadata["resolved_by_discord_id"], zack.as_str());
    let at = metadata["resolved_at"].as_str().unwrap_or_default();
    assert!(
        chrono::DateTime::parse_from_rfc3339(at).is_ok(),
        "{metadata}"
    );
    assert!(
        activities(&stage, task)
            .await
            .contains(&"approval_granted".to_owned())
    );

    let path = stage.world.data_dir().join("workspace/tiles.txt");
    assert_eq!(std::fs::read_to_string(path).unwrap(), "Red tiles");
    let told = events(&stage, task, "agent_update").await;
    let ended = told
        .iter()
        .any(|(_, _, m)| m["status"] == "executed" && m["original_event_id"] == id.to_string());
    assert!(ended, "the timeline says what became of it: {told:#?}");
}

#[tokio::test]
async fn a_rejection_in_a_task_reaches_the_agent_as_a_comment() {
    let stage = Stage::start().await;
    let (task, id) = request(&stage, "I need the tiles", &file()).await;
    let card = stage.open_card("tiles.txt").await;
    let act = stage.zack.press(&card, "Reject with reason…").await;
    let form = stage.zack.asked(&act).await;
    let act = stage.zack.submit(&form, "We have blue ones").await;
    stage.zack.told(&act).await;
    stage.decided(id, "rejected", "rejected").await;
    stage
        .card("tiles.txt", "who and why", |card| {
            card.says("rejected")
                && card.says("zack")
                && card.says("We have blue ones")
                && card.buttons.is_empty()
        })
        .await;
    let resolved = events(&stage, task, "approval_resolved").await;
    assert_eq!(resolved.len(), 1, "{resolved:#?}");
    assert_eq!(resolved[0].2["status"], "rejected");
    assert_eq!(resolved[0].1.as_deref(), Some("Rejected"));
    assert!(
        activities(&stage, task)
            .await
            .contains(&"approval_rejected".to_owned())
    );
    let comments = events(&stage, task, "comment").await;
    let told = comments.iter().any(|(_, text, _)| {
        text.as_deref()
            .is_some_and(|t| t.contains("We have blue ones"))
    });
    assert!(told, "{comments:#?}");
    let mentioned: Vec<String> =
        sqlx::query_scalar("SELECT agent_key FROM mentions WHERE task_id = $1")
            .bind(task)
            .fetch_all(stage.world.pool())
            .await
            .unwrap();
    assert_eq!(mentioned, ["ricky"]);
    assert!(!stage.world.data_dir().join("workspace/tiles.txt").exists());
}

#[tokio::test]
async fn an_action_that_only_the_executor_knows_is_shown_decided_and_waits() {
    let stage = Stage::start().await;
    let email = json!({
        "action_type": "send_email", "risk_level": "low",
        "to": "roofer@example.org", "subject": "Forty tiles",
    });
    let (task, id) = request(&stage, "Ask for an offer", &email).await;
    let card = stage.open_card("Forty tiles").await;
    assert!(
        card.says("roofer@example.org") && card.says("Ask for an offer"),
        "{card:#?}"
    );
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "approved").await;
    stage
        .card("Forty tiles", "that it waits", |card| {
            card.says("approved") && card.says("wait") && card.live().is_empty()
        })
        .await;
    let resolved = events(&stage, task, "approval_resolved").await;
    assert_eq!(resolved.len(), 1, "{resolved:#?}");

    // Our executor goes on with what it knows and leaves this alone.
    let (_, next) = request(&stage, "", &file()).await;
    let card = stage.open_card("tiles.txt").await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(next, "approved", "executed").await;
    stage.decided(id, "approved", "approved").await;
}

#[tokio::test]
async fn what_a_dashboard_has_resolved_is_shown_as_such_and_not_carried_out() {
    let stage = Stage::start().await;
    let (task, id) = request(&stage, "I need the tiles", &file()).await;
    let card = stage.open_card("tiles.txt").await;
    let copy = stage
        .post(&stage.room(), &[&card.button("Approve").custom_id])
        .await;
    let metadata = json!({
        "status": "approved", "resolved_by": "ui", "resolved_at": "2026-02-25T10:00:00.000Z",
        "original_event_id": id,
    });
    sqlx::query(
        "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) \
         VALUES ($1, $2, 'approval_resolved', 'dashboard', 'Approved', $3)",
    )
    .bind(PROJECT)
    .bind(task)
    .bind(&metadata)
    .execute(stage.world.pool())
    .await
    .unwrap();
    stage
        .card("tiles.txt", "that a dashboard has decided", |card| {
            card.says("dashboard") && card.says("approved") && card.live().is_empty()
        })
        .await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("approved"), "{told:#?}");
    // What comes later is carried out, so the executor had its turn at this one.
    let mut later = file();
    later["parameters"]["path"] = json!("later.txt");
    let (_, later) = request(&stage, "", &later).await;
    let card = stage.open_card("later.txt").await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(later, "approved", "executed").await;
    assert!(!stage.world.data_dir().join("workspace/tiles.txt").exists());
    let resolved = events(&stage, task, "approval_resolved").await;
    assert_eq!(resolved.len(), 1, "{resolved:#?}");
}

#[tokio::test]
async fn a_resolution_by_another_task_resolves_nothing() {
    let stage = Stage::start().await;
    let (_, id) = request(&stage, "I need the tiles", &file()).await;
    stage.open_card("tiles.txt").await;
    let mut other = file();
    other["parameters"]["path"] = json!("other.txt");
    let (stranger, _) = request(&stage, "", &other).await;
    sqlx::query(
        "INSERT INTO task_events (project_id, task_id, event_type, author, metadata) \
         VALUES ($1, $2, 'approval_resolved', 'agent:main:main', $3)",
    )
    .bind(PROJECT)
    .bind(stranger)
    .bind(json!({ "status": "approved", "original_event_id": id }))
    .execute(stage.world.pool())
    .await
    .unwrap();
    stage.open_card("other.txt").await;
    let card = stage.open_card("tiles.txt").await;
    assert_eq!(card.live(), DECIDABLE);
    stage.zack.press(&card, "Reject").await;
    stage.decided(id, "rejected", "rejected").await;
}

#[tokio::test]
async fn requests_that_come_and_go_with_their_task_leave_no_card() {
    let stage = Stage::start().await;
    let (task, _) = request(&stage, "I need the tiles", &file()).await;
    stage.open_card("tiles.txt").await;
    sqlx::query("UPDATE tasks SET deleted_at = now(), deleted_by = 'dashboard' WHERE id = $1")
        .bind(task)
        .execute(stage.world.pool())
        .await
        .unwrap();
    eventually("no card that can be decided", || async {
        let cards = stage.zack.person.cards(&stage.approvals()).await;
        let open: Vec<_> = cards
            .into_iter()
            .filter(|card| card.says("tiles.txt") && !card.live().is_empty())
            .collect();
        if open.is_empty() { Ok(()) } else { Err(open) }
    })
    .await;
}
