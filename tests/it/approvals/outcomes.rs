//! Bad days: the bridge dies between any two steps of a proposal, the database is away, everything
//! is late. What nobody can know is asked; nothing is repeated by itself.

use std::time::{Duration, Instant};

use serde_json::json;

use super::site::Site;
use super::stage::{Stage, task};
use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::outage::{accept_connections, end_connections};
use crate::harness::wait::eventually;

/// What an operator can do about an outcome that nobody knows.
const QUESTION: [&str; 2] = ["Retry", "Dismiss"];

/// The promise is a second; a busy machine may take longer, but never Discord's 3 s.
const ANSWERED: Duration = Duration::from_millis(2_500);

/// An approved call has reached the site, which does not answer, and the bridge was killed and started again.
async fn interrupted(site: &Site) -> (Stage, Card) {
    let mut stage = Stage::with(&site.settings()).await;
    site.be_silent(true);
    let question = format!("propose api_call POST http://{}/tiles 3", site.host);
    let card = stage.ask(&question, "tiles").await;
    let act = stage.zack.press(&card, "Approve").await;
    let second = stage.zack.told(&act).await;
    stage.confirm(&second).await;
    site.called(1).await;
    stage.world.kill_bridge();
    stage.world.start_bridge();
    for channel in [stage.approvals(), stage.dm()] {
        let zack = &stage.zack.person;
        zack.sees_card(&channel, "tiles", "that nobody knows", |card| {
            card.says("unknown outcome") && card.live() == QUESTION
        })
        .await;
    }
    let card = stage
        .card("tiles", "the question", |card| card.live() == QUESTION)
        .await;
    (stage, card)
}

#[tokio::test]
async fn what_was_interrupted_is_not_repeated_until_the_operator_says_so() {
    let site = Site::open().await;
    let (mut stage, card) = interrupted(&site).await;
    // Another start is no reason either.
    stage.world.stop_bridge();
    stage.world.start_bridge();
    let same = stage
        .card("tiles", "the question", |card| card.live() == QUESTION)
        .await;
    assert_eq!(same.id, card.id);
    assert_eq!(site.calls().len(), 1);

    site.be_silent(false);
    let act = stage.zack.press(&card, "Retry").await;
    stage.zack.told(&act).await;
    site.called(2).await;
    stage
        .ends(&[stage.approvals(), stage.dm()], "tiles", "executed")
        .await;
    assert_eq!(site.calls().len(), 2);
}

#[tokio::test]
async fn what_was_interrupted_can_be_let_be() {
    let site = Site::open().await;
    let (stage, card) = interrupted(&site).await;
    site.be_silent(false);
    let act = stage.zack.press(&card, "Dismiss").await;
    stage.zack.told(&act).await;
    stage
        .ends(&[stage.approvals(), stage.dm()], "tiles", "failed")
        .await;
    // Both buttons again, from a copy: it is decided.
    let ids = QUESTION.map(|label| card.button(label).custom_id.as_str());
    let copy = stage.post(&stage.room(), &ids).await;
    for button in ["Button 0", "Button 1"] {
        let act = stage.zack.press(&copy, button).await;
        let told = stage.zack.told(&act).await;
        assert!(!told.content.is_empty(), "{told:#?}");
    }
    let world = &stage.world;
    world
        .database_says("SELECT state FROM bridge.decision", "failed".to_owned())
        .await;
    assert_eq!(site.calls().len(), 1);
}

#[tokio::test]
async fn only_an_operator_settles_what_nobody_knows() {
    let site = Site::open().await;
    let (stage, card) = interrupted(&site).await;
    site.be_silent(false);
    let mallory = Client::open(&stage.world, "mallory").await;
    for label in QUESTION {
        let act = mallory.press(&card, label).await;
        let told = mallory.told(&act).await;
        assert!(told.says("operator"), "{label}: {told:#?}");
    }
    let world = &stage.world;
    world
        .database_says("SELECT state FROM bridge.decision", "unknown".to_owned())
        .await;
    assert_eq!(site.calls().len(), 1);
}

#[tokio::test]
async fn an_approval_that_was_not_begun_is_carried_out_after_a_crash() {
    let mut stage = Stage::start().await;
    let card = stage.ask("propose create_task Buy milk", "Buy milk").await;
    // The executor cannot write tasks while this is held, so the bridge dies in between.
    let mut frozen = stage.world.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE tasks IN SHARE MODE")
        .execute(&mut *frozen)
        .await
        .unwrap();
    stage.zack.press(&card, "Approve").await;
    stage
        .world
        .database_says("SELECT state FROM bridge.decision", "approved".to_owned())
        .await;
    stage.world.kill_bridge();
    frozen.rollback().await.unwrap();
    stage.world.start_bridge();
    stage
        .ends(&[stage.approvals(), stage.dm()], "Buy milk", "executed")
        .await;
    stage.has_tasks(1).await;
}

#[tokio::test]
async fn a_press_whose_verdict_was_not_written_when_the_bridge_died_can_be_repeated() {
    let mut stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let mut frozen = stage.world.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE bridge.decision IN SHARE MODE")
        .execute(&mut *frozen)
        .await
        .unwrap();
    stage.zack.press(&card, "Approve").await;
    stage
        .world
        .database_says(
            "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND mode = 'RowExclusiveLock' \
             AND relation = 'bridge.decision'::regclass",
            true,
        )
        .await;
    stage.world.kill_bridge();
    frozen.rollback().await.unwrap();
    stage.world.start_bridge();
    stage.nothing_happened().await;
    let card = stage.open_card("Buy milk").await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
    stage.has_tasks(1).await;
}

#[tokio::test]
async fn a_verdict_that_was_not_shown_when_the_bridge_died_is_shown_after_its_start() {
    let mut stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let edit = "PATCH /channels/{channel_id}/messages/{message_id}";
    let slow = json!({ "route": edit, "count": 50, "delay_ms": 60_000 });
    stage.world.fault(slow).await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "executed").await;
    stage.world.kill_bridge();
    stage.world.no_faults().await;
    stage.world.start_bridge();
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
}

#[tokio::test]
async fn a_verdict_counts_even_when_nobody_can_be_told() {
    let stage = Stage::start().await;
    let callback = "POST /interactions/{interaction_id}/{interaction_token}/callback";
    for fault in [json!({ "swallow": true }), json!({ "status": 404 })] {
        let id = stage.propose(&task("Buy milk")).await;
        let card = stage.open_card("Buy milk").await;
        let mut lost = fault;
        lost["route"] = json!(callback);
        lost["count"] = json!(10);
        stage.world.fault(lost).await;
        stage.zack.press(&card, "Approve").await;
        stage.decided(id, "approved", "executed").await;
        stage
            .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
            .await;
        stage.world.no_faults().await;
        sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
            .bind(id)
            .execute(stage.world.pool())
            .await
            .unwrap();
        let approvals = stage.approvals();
        let zack = &stage.zack.person;
        zack.sees_no_card(&approvals, "Buy milk").await;
        zack.sees_no_card(&stage.room(), "Buy milk").await;
    }
    stage.has_tasks(2).await;
}

#[tokio::test]
async fn a_card_of_last_week_can_be_decided() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let room = stage.room();
    let zack = &stage.zack.person;
    let other = zack
        .sees_card(&room, "Buy milk", "the card", |card| {
            !card.live().is_empty()
        })
        .await;
    let week = 7 * 24 * 60 * 60;
    for card in [&card, &other] {
        stage.world.age(&card.id, week).await;
    }
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals(), room], "Buy milk", "executed")
        .await;
}

#[tokio::test]
async fn without_the_database_a_press_is_answered_and_decides_nothing() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    accept_connections(stage.world.database(), false).await;
    end_connections(stage.world.database()).await;
    let act = stage.zack.press(&card, "Approve").await;
    stage.zack.acknowledged(&act).await;
    let told = stage.zack.told(&act).await;
    assert!(!told.says("approved"), "{told:#?}");
    accept_connections(stage.world.database(), true).await;
    // As a person who was told to try again does.
    eventually("an approval", || async {
        let act = stage.zack.press(&card, "Approve").await;
        let told = stage.zack.told(&act).await;
        if told.says("approved") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
}

#[tokio::test]
async fn a_press_is_answered_at_once_however_much_waits_to_be_shown() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) \
         SELECT 'front-office', 'agent:ricky:main', 'line ' || n, \
                CASE WHEN n % 10 = 0 THEN 'task_proposal' ELSE 'text' END, \
                CASE WHEN n % 10 = 0 THEN $1 END \
         FROM generate_series(1, 400) AS n",
    )
    .bind(task("One of many"))
    .execute(stage.world.pool())
    .await
    .unwrap();
    let room = stage.room();
    let zack = &stage.zack.person;
    zack.sees(&room, "the beginning of the flood", |seen| seen.len() > 5)
        .await;
    for label in ["Details", "Approve"] {
        let pressed = Instant::now();
        let act = stage.zack.press(&card, label).await;
        stage.zack.told(&act).await;
        let waited = pressed.elapsed();
        assert!(waited < ANSWERED, "{label} was answered after {waited:?}");
    }
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals()], "Buy milk", "executed")
        .await;
}
