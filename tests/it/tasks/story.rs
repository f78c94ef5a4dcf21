//! A task from a message in the room to its end, as its operator lives it.

use serde_json::json;

use super::controls::{card_of, question};
use crate::harness::client::Client;
use crate::harness::world::World;

#[tokio::test]
async fn a_message_becomes_a_task_that_is_approved_answered_decided_in_and_stopped() {
    let mut world = World::without_bridge().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let room = world.channel("team-room");
    let approvals = world.channel("approvals");
    let said = zack.person.say(&room, "Water the garden").await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE author_kind = 'person'",
            1_i64,
        )
        .await;
    let act = zack.context_menu(&room, &said, "Promote to task").await;
    zack.told(&act).await;

    // It is proposed, and its thread offers what the card in #approvals does.
    let thread = world.thread("Water the garden").await;
    let shown = zack
        .person
        .sees_card(&thread, "Water the garden", "a proposal", |card| {
            card.says("Proposed") && card.live().contains(&"Approve")
        })
        .await;
    let task: uuid::Uuid = sqlx::query_scalar("SELECT id FROM tasks")
        .fetch_one(world.pool())
        .await
        .unwrap();
    let channel = zack
        .slash_with(
            &room,
            "task",
            json!([{ "type": 1, "name": "assign", "options": [
                { "type": 3, "name": "task", "value": task.to_string() },
                { "type": 3, "name": "agent", "value": "agent:ricky:main" },
            ] }]),
        )
        .await;
    zack.told(&channel).await;
    let assigned = zack
        .person
        .sees_card(&thread, "Water the garden", "an assignee", |card| {
            card.says("Ricky")
        })
        .await;
    assert_ne!(assigned.text(), shown.text());
    zack.acknowledged(&zack.press(&assigned, "Approve").await)
        .await;

    ricky_works_and_asks(&zack, &thread).await;
    decide_and_see(&zack, &thread, &approvals, &room).await;
    stop(&zack, &thread).await;
}

async fn ricky_works_and_asks(zack: &Client, thread: &str) {
    zack.person
        .sees(thread, "progress and outputs", |seen| {
            let says = |text: &str| {
                seen.iter()
                    .any(|it| it.name == "Ricky" && it.text.contains(text))
            };
            says("I am on it") && says("📎 **The plan**") && says("https://example.com/ricky/notes")
        })
        .await;
    let asked = question(zack, thread, "A) Quickly, with what is there", true).await;
    zack.acknowledged(&zack.press(&asked, "A) Quickly, with what is there").await)
        .await;
    question(zack, thread, "A) Quickly, with what is there", false).await;
}

/// It asks for leave, which is given where all decisions are made.
async fn decide_and_see(zack: &Client, thread: &str, approvals: &str, room: &str) {
    let leave = zack
        .person
        .sees_card(approvals, "is done", "a request", |card| {
            card.live().contains(&"Approve")
        })
        .await;
    zack.person
        .sees_card(
            thread,
            "waits for a decision",
            "the request in the thread",
            |_| true,
        )
        .await;
    zack.acknowledged(&zack.press(&leave, "Approve").await)
        .await;
    zack.person
        .sees(thread, "the verdict and what became of it", |seen| {
            let says = |text: &str| seen.iter().any(|it| it.text.contains(text));
            says("✅ Approved by zack") && says("⚙️")
        })
        .await;
    zack.person
        .sees(room, "what was approved", |seen| {
            seen.iter()
                .any(|it| it.name == "Ricky" && it.text.contains("is done."))
        })
        .await;
}

async fn stop(zack: &Client, thread: &str) {
    let shown = card_of(zack, thread, "**Water the garden**", "Review").await;
    let form = zack.asked(&zack.press(&shown, "Stop…").await).await;
    let told = zack.told(&zack.submit(&form, "It has rained.").await).await;
    assert!(told.says("Stopped"), "{told:?}");
    zack.person
        .sees_card(thread, "**Water the garden**", "a stopped card", |card| {
            card.says("Stopped") && card.says("It has rained.")
        })
        .await;
    zack.person
        .sees(thread, "the stop in the timeline", |seen| {
            let stopped =
                |text: &str| text.contains("⏹️ Stopped") && text.contains("It has rained.");
            seen.iter()
                .any(|it| stopped(&it.text) && it.text.starts_with("🔀"))
        })
        .await;
}
