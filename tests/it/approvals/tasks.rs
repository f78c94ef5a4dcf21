//! Tasks that are proposed themselves.

use uuid::Uuid;

use super::stage::Stage;
use crate::harness::world::PROJECT;

/// A proposed task, as the Control API and the dashboards write it.
async fn propose(stage: &Stage, title: &str) -> Uuid {
    sqlx::query_scalar(
        "INSERT INTO tasks (project_id, title, description, status, is_proposed, assignee_agent_key) \
         VALUES ($1, $2, 'Before the winter.', 'inbox', true, 'agent:ricky:main') RETURNING id",
    )
    .bind(PROJECT)
    .bind(title)
    .fetch_one(stage.world.pool())
    .await
    .expect("the database takes a task")
}

async fn activities(stage: &Stage, task: Uuid) -> Vec<String> {
    sqlx::query_scalar("SELECT type FROM activities WHERE task_id = $1 ORDER BY type")
        .bind(task)
        .fetch_all(stage.world.pool())
        .await
        .expect("the database answers")
}

async fn moved(stage: &Stage, task: Uuid) -> Vec<(Option<String>, Option<String>)> {
    sqlx::query_as(
        "SELECT metadata->>'old_status', metadata->>'new_status' FROM task_events \
         WHERE task_id = $1 AND event_type = 'status_change'",
    )
    .bind(task)
    .fetch_all(stage.world.pool())
    .await
    .expect("the database answers")
}

fn from_inbox_to(status: &str) -> Vec<(Option<String>, Option<String>)> {
    vec![(Some("inbox".to_owned()), Some(status.to_owned()))]
}

#[tokio::test]
async fn an_accepted_task_begins() {
    let stage = Stage::start().await;
    let id = propose(&stage, "Mend the roof").await;
    let card = stage.open_card("Mend the roof").await;
    assert!(card.says("Before the winter"), "{card:#?}");
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "accepted").await;
    stage
        .ends(&[stage.approvals()], "Mend the roof", "zack")
        .await;
    let task: (String, Option<bool>, bool) =
        sqlx::query_as("SELECT status, is_proposed, rejected_at IS NULL FROM tasks WHERE id = $1")
            .bind(id)
            .fetch_one(stage.world.pool())
            .await
            .unwrap();
    assert_eq!(task, ("in_progress".to_owned(), Some(false), true));
    assert_eq!(
        activities(&stage, id).await,
        ["task_accepted", "task_moved"]
    );
    assert_eq!(moved(&stage, id).await, from_inbox_to("in_progress"));
}

#[tokio::test]
async fn a_rejected_task_is_done_with_the_reason() {
    let stage = Stage::start().await;
    let id = propose(&stage, "Mend the roof").await;
    let card = stage.open_card("Mend the roof").await;
    let act = stage.zack.press(&card, "Reject with reason…").await;
    let form = stage.zack.asked(&act).await;
    stage.zack.submit(&form, "It is a new roof").await;
    stage.decided(id, "rejected", "rejected").await;
    stage
        .card("Mend the roof", "who and why", |card| {
            card.says("rejected") && card.says("It is a new roof") && card.buttons.is_empty()
        })
        .await;
    let task: (String, Option<bool>, bool, Option<String>) = sqlx::query_as(
        "SELECT status, is_proposed, rejected_at <= now(), rejected_reason FROM tasks WHERE id = $1",
    )
    .bind(id)
    .fetch_one(stage.world.pool())
    .await
    .unwrap();
    let reason = Some("It is a new roof".to_owned());
    assert_eq!(task, ("done".to_owned(), Some(false), true, reason));
    assert_eq!(
        activities(&stage, id).await,
        ["task_moved", "task_rejected"]
    );
    assert_eq!(moved(&stage, id).await, from_inbox_to("done"));
}

#[tokio::test]
async fn a_task_that_is_accepted_on_the_board_is_shown_as_accepted() {
    let stage = Stage::start().await;
    let id = propose(&stage, "Mend the roof").await;
    let card = stage.open_card("Mend the roof").await;
    let copy = stage
        .post(&stage.room(), &[&card.button("Reject").custom_id])
        .await;
    sqlx::query("UPDATE tasks SET is_proposed = false, status = 'in_progress' WHERE id = $1")
        .bind(id)
        .execute(stage.world.pool())
        .await
        .unwrap();
    stage
        .ends(&[stage.approvals()], "Mend the roof", "accepted")
        .await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(!told.content.is_empty(), "{told:#?}");
    let status: String = sqlx::query_scalar("SELECT status FROM tasks WHERE id = $1")
        .bind(id)
        .fetch_one(stage.world.pool())
        .await
        .unwrap();
    assert_eq!(status, "in_progress", "it is not thrown out of its work");
    stage
        .world
        .database_says("SELECT count(*) FROM bridge.decision", 0_i64)
        .await;
}

#[tokio::test]
async fn tasks_that_are_no_proposals_have_no_card() {
    let stage = Stage::start().await;
    sqlx::query(
        "INSERT INTO tasks (project_id, title, status) SELECT $1, 'Plain work', s \
         FROM unnest(ARRAY['inbox', 'assigned', 'in_progress', 'done']) AS s",
    )
    .bind(PROJECT)
    .execute(stage.world.pool())
    .await
    .unwrap();
    propose(&stage, "Mend the roof").await;
    stage.open_card("Mend the roof").await;
    let cards = stage.zack.person.cards(&stage.approvals()).await;
    let plain: Vec<_> = cards.iter().filter(|c| c.says("Plain work")).collect();
    assert!(plain.is_empty(), "{plain:#?}");
}
