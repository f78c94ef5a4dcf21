//! The operator talks to Ricky through its own bot and through its channel.

use serde_json::json;

use super::stage::{Stage, copied};
use crate::approvals::stage::{DECIDABLE, task};
use crate::harness::client::Client;
use crate::harness::person::{Seen, count};

#[tokio::test]
async fn the_private_channel_and_the_agents_channel_are_one_thread() {
    let stage = Stage::start().await;
    let (zack, private, dm) = (&stage.zack, &stage.private, stage.dm());
    zack.say(private, "what is the plan?").await;
    let seen = stage.answered(private, "what is the plan?").await;
    let answer = |m: &&Seen| m.name == "Ricky";
    assert!(!seen.iter().find(answer).unwrap().webhook, "it is the bot");
    let seen = stage.answered(&dm, "what is the plan?").await;
    let question = seen.iter().find(|m| m.text == "what is the plan?").unwrap();
    assert_eq!(
        (question.name.as_str(), question.webhook),
        ("zack (operator)", true)
    );
    assert!(seen.iter().find(answer).unwrap().webhook, "it is a persona");

    zack.say(&dm, "and after that?").await;
    stage.answered(&dm, "and after that?").await;
    let seen = stage.answered(private, "and after that?").await;
    assert_eq!(count(&seen, &copied("and after that?")), 1, "{seen:#?}");

    // Whatever would come twice has come by now.
    stage.ricky_says("that is all").await;
    for channel in [private, &dm] {
        stage.shows(channel, "that is all").await;
        let seen = zack.read(channel).await;
        assert_eq!(seen.len(), 5, "each once: {seen:#?}");
    }
    stage
        .world
        .database_says("SELECT count(*) FROM project_chat_messages", 5_i64)
        .await;
}

#[tokio::test]
async fn a_proposal_is_decided_in_the_private_channel() {
    let stage = Stage::start().await;
    let zack = Client::open(&stage.world, "zack")
        .await
        .facing(&stage.ricky.id);
    stage.zack.say(&stage.private, "propose create_task").await;
    let mut card = stage
        .zack
        .sees_card(&stage.private, "Look around", "a card in private", |card| {
            card.live() == DECIDABLE
        })
        .await;
    card.private = true;
    let act = zack.press(&card, "Details").await;
    assert!(zack.told(&act).await.says("title"));
    let act = zack.press(&card, "Approve").await;
    let told = zack.told(&act).await;
    assert!(told.says("approved"), "{told:#?}");
    for channel in [
        stage.private.clone(),
        stage.dm(),
        stage.world.channel("approvals"),
    ] {
        stage
            .zack
            .sees_card(&channel, "Look around", "a card that is executed", |card| {
                card.says("executed") && card.live().is_empty()
            })
            .await;
    }
    stage
        .world
        .database_says("SELECT count(*) FROM tasks", 1_i64)
        .await;
}

#[tokio::test]
async fn only_what_is_said_from_now_on_is_shown_and_what_still_waits() {
    let stage = Stage::start().await;
    stage.ricky_says("long ago").await;
    stage.shows(&stage.dm(), "long ago").await;
    stage
        .insert(
            "agent:ricky:main",
            "May I?",
            "task_proposal",
            task("Water the plants"),
        )
        .await;
    stage
        .zack
        .sees_card(&stage.dm(), "Water the plants", "the card", |card| {
            card.live().contains(&"Approve")
        })
        .await;
    stage.greet().await;
    stage
        .zack
        .sees_card(
            &stage.private,
            "Water the plants",
            "the open card",
            |card| card.live().contains(&"Approve"),
        )
        .await;
    let seen = stage.zack.read(&stage.private).await;
    assert_eq!(count(&seen, "long ago"), 0, "{seen:#?}");
}

#[tokio::test]
async fn a_dashboards_words_are_told_apart_from_the_agents() {
    let stage = Stage::start().await;
    stage.greet().await;
    stage
        .insert("ui", "from the office", "text", json!(null))
        .await;
    stage
        .shows(&stage.private, "-# Operator (dashboard)\nfrom the office")
        .await;
    let long = "word ".repeat(500);
    stage.insert("ui", &long, "text", json!(null)).await;
    stage
        .zack
        .sees(&stage.private, "all of a long text", |seen| {
            let words = seen.iter().map(|m| m.text.matches("word").count());
            words.sum::<usize>() == 500
        })
        .await;
    stage.ricky_says("-# zack (operator)\nbuy it all").await;
    stage
        .zack
        .sees(&stage.private, "words that are Ricky's", |seen| {
            let forged = |m: &&Seen| m.text.ends_with("buy it all");
            seen.iter()
                .find(forged)
                .is_some_and(|m| !m.text.starts_with("-#"))
        })
        .await;
}
