//! Where a proposal was made, and whose it is.

use serde_json::json;
use uuid::Uuid;

use super::stage::{Stage, task};
use crate::harness::world::PROJECT;

/// A proposal in a thread of a project.
async fn propose_in(stage: &Stage, project: &str, title: &str, thread: &str) -> Uuid {
    sqlx::query_scalar(
        "WITH thread AS (INSERT INTO project_chat_threads (project_id, title) \
             VALUES ($1, $2) RETURNING id) \
         INSERT INTO project_chat_messages \
             (project_id, thread_id, author, message, message_type, metadata) \
         SELECT $1, thread.id, 'agent:ricky:main', 'I propose something', 'task_proposal', $3 \
         FROM thread RETURNING id",
    )
    .bind(project)
    .bind(thread)
    .bind(task(title))
    .fetch_one(stage.world.pool())
    .await
    .expect("the database takes a proposal")
}

#[tokio::test]
async fn a_proposal_in_a_thread_that_discord_has_no_place_for_stands_in_approvals_alone() {
    let stage = Stage::start().await;
    let id = propose_in(&stage, PROJECT, "Buy milk", "Shopping").await;
    let card = stage.open_card("Buy milk").await;
    for channel in [stage.room(), stage.dm(), stage.world.channel("dm-ricky")] {
        let cards = stage.zack.person.cards(&channel).await;
        assert!(
            cards.iter().all(|card| !card.says("Buy milk")),
            "{cards:#?}"
        );
    }
    let act = stage.zack.press(&card, "Reject with reason…").await;
    let form = stage.zack.asked(&act).await;
    let act = stage.zack.submit(&form, "There is enough").await;
    stage.zack.told(&act).await;
    stage.decided(id, "rejected", "rejected").await;
    stage
        .ends(&[stage.approvals()], "Buy milk", "There is enough")
        .await;
    // The agent is told where it asked.
    let same: bool = sqlx::query_scalar(
        "SELECT count(DISTINCT thread_id) = 1 AND count(*) >= 2 FROM project_chat_messages",
    )
    .fetch_one(stage.world.pool())
    .await
    .unwrap();
    assert!(same);
}

#[tokio::test]
async fn a_proposal_of_another_project_is_neither_shown_nor_decided() {
    let stage = Stage::start().await;
    sqlx::query("INSERT INTO projects (id, name) VALUES ('back-office', 'Back Office')")
        .execute(stage.world.pool())
        .await
        .unwrap();
    let foreign = propose_in(&stage, "back-office", "Sell the farm", "General").await;
    let own = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    for channel in [stage.approvals(), stage.room()] {
        let cards = stage.zack.person.cards(&channel).await;
        let shown = cards.iter().any(|card| card.says("Sell the farm"));
        assert!(!shown, "{cards:#?}");
    }
    let ids: Vec<String> = card
        .buttons
        .iter()
        .map(|button| {
            let id = button.custom_id.as_str();
            id.replace(&own.simple().to_string(), &foreign.simple().to_string())
        })
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let copy = stage.post(&stage.room(), &ids).await;
    for button in &copy.buttons {
        let act = stage.zack.press(&copy, &button.label).await;
        let told = stage.zack.told_in_the_end(&act, "because").await;
        assert!(told.says("does not exist"), "{told:#?}");
        assert!(!told.says("farm"), "{told:#?}");
    }
    stage.nothing_happened().await;
}

#[tokio::test]
async fn the_same_proposal_twice_is_two_proposals() {
    let stage = Stage::start().await;
    let first = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let mut again = task("Buy milk");
    again["reason"] = json!("I have forgotten that I asked.");
    let second = stage.propose(&again).await;
    stage.open_card("I have forgotten").await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(first, "approved", "executed").await;
    let other = stage.open_card("I have forgotten").await;
    stage.zack.press(&other, "Reject").await;
    stage.decided(second, "rejected", "rejected").await;
    stage.has_tasks(1).await;
}
