//! Which approved actions are carried out, and by whom.

use clawdos_bridge::model::proposal::Execution;
use serde_json::json;

use crate::approved::{DECISION, MESSAGE};
use crate::stage::{Running, Stage};

async fn titles(stage: &Stage) -> Vec<String> {
    sqlx::query_scalar("SELECT title FROM tasks")
        .fetch_all(stage.store.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn a_refusal_of_the_database_is_a_failure_and_not_a_loop() {
    let stage = Stage::new().await;
    sqlx::raw_sql(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'tasks are closed today'; END $$;
         CREATE TRIGGER no BEFORE INSERT ON tasks FOR EACH ROW EXECUTE FUNCTION no();",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
    let executor = stage.actions(&[]).await;
    let reference = stage.approve("create_task", json!({"title": "x"})).await;
    let result = stage.failed(reference).await;
    assert!(result.contains("tasks are closed today"), "{result}");
    executor.stop().await;
}

#[tokio::test]
async fn what_has_to_wait_holds_up_nothing_else() {
    let stage = Stage::new().await;
    let stuck = stage
        .approve("create_task", json!({"title": "stuck"}))
        .await;
    let holder = stage.hold(DECISION, stuck).await;
    let free = stage.approve("create_task", json!({"title": "free"})).await;
    let executor = stage.actions(&[]).await;
    stage.executed(free).await;
    assert_eq!(stage.execution(stuck).await, Execution::Waiting);
    holder.rollback().await.unwrap();
    stage.executed(stuck).await;
    executor.stop().await;
}

#[tokio::test]
async fn what_waits_for_somebody_else_is_put_off_and_done_later() {
    let stage = Stage::new().await;
    let stuck = stage
        .approve("create_task", json!({"title": "stuck"}))
        .await;
    let holder = stage.hold(MESSAGE, stuck).await;
    let free = stage.approve("create_task", json!({"title": "free"})).await;
    let executor = stage.actions(&[]).await;
    stage.executed(free).await;
    assert_eq!(titles(&stage).await, ["free"]);
    holder.rollback().await.unwrap();
    stage.executed(stuck).await;
    assert_eq!(titles(&stage).await.len(), 2);
    executor.stop().await;
}

#[tokio::test]
async fn what_is_carried_out_is_what_was_on_the_card() {
    let stage = Stage::new().await;
    let reference = stage
        .approve("create_task", json!({"title": "harmless"}))
        .await;
    sqlx::query(
        r#"UPDATE project_chat_messages
           SET metadata = jsonb_set(metadata, '{parameters,title}', '"harmful"') WHERE id = $1"#,
    )
    .bind(reference.id)
    .execute(stage.store.pool())
    .await
    .unwrap();
    let executor = stage.actions(&[]).await;
    stage.executed(reference).await;
    assert_eq!(titles(&stage).await, ["harmless"]);
    executor.stop().await;
}

#[tokio::test]
async fn a_row_that_only_says_approved_is_not_carried_out() {
    let stage = Stage::new().await;
    let forged = stage
        .propose("create_task", json!({"title": "forged"}))
        .await;
    sqlx::query(
        r#"UPDATE project_chat_messages
           SET metadata = metadata || '{"status": "approved", "approved_by": "ui"}' WHERE id = $1"#,
    )
    .bind(forged.id)
    .execute(stage.store.pool())
    .await
    .unwrap();
    let real = stage.approve("create_task", json!({"title": "real"})).await;
    let executor = stage.actions(&[]).await;
    stage.executed(real).await;
    assert_eq!(titles(&stage).await, ["real"]);
    executor.stop().await;
}

#[tokio::test]
async fn a_task_hears_in_its_timeline_what_became_of_its_request() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let executor = stage.actions(&[]).await;
    let metadata = json!({"action_type": "create_task", "parameters": {"title": "Next"}});
    let reference = stage.request_approval(task, &metadata).await;
    stage.decide(reference).await;
    let result = stage.executed(reference).await;
    let events = stage.store.task_events(task, 10).await.unwrap();
    let told: Vec<(&str, &str)> = events
        .iter()
        .map(|event| {
            (
                event.event_type.as_str(),
                event.content.as_deref().unwrap_or_default(),
            )
        })
        .collect();
    let executed = format!("Executed: {result}");
    let expected = [
        ("agent_update", executed.as_str()),
        ("approval_resolved", "Approved"),
        ("approval_request", "May I?"),
    ];
    assert_eq!(told, expected);
    let metadata = events[0].metadata.as_ref().unwrap();
    assert_eq!(metadata["status"], "executed");
    assert_eq!(metadata["original_event_id"], json!(reference.id));
    executor.stop().await;
}

#[tokio::test]
async fn an_action_by_a_free_name_waits_for_an_executor_that_knows_it() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let free = json!({"action_type": "send_email", "to": "a@example.com"});
    let free = stage.request_approval(task, &free).await;
    stage.decide(free).await;
    // Known by name, and without anything to carry out: dashboards make such requests.
    let bare = stage
        .request_approval(task, &json!({"action_type": "api_call"}))
        .await;
    stage.decide(bare).await;
    let executor = stage.actions(&[]).await;
    let result = stage.failed(bare).await;
    assert!(result.contains("parameters"), "{result}");
    assert_eq!(stage.execution(free).await, Execution::Waiting);
    executor.stop().await;
}

#[tokio::test]
async fn an_executor_leaves_the_actions_of_other_projects_alone() {
    let stage = Stage::new().await;
    let reference = stage.approve("create_task", json!({"title": "x"})).await;
    let elsewhere = stage
        .approve("create_task", json!({"title": "elsewhere"}))
        .await;
    sqlx::query("UPDATE bridge.decision SET project_id = 'other', decided_at = '2000-01-01' WHERE entity_id = $1")
        .bind(elsewhere.id)
        .execute(stage.store.pool())
        .await
        .unwrap();
    let executor = Running::start(stage.action_settings(&[]), stage.store.clone()).await;
    stage.executed(reference).await;
    assert_eq!(stage.execution(elsewhere).await, Execution::Waiting);
    executor.stop().await;
}
