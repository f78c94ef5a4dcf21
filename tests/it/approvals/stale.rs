//! The card and the row do not always say the same: what was not on the card is never approved.

use serde_json::json;

use super::stage::{DECIDABLE, Stage, task};
use crate::harness::world::World;

const EDIT: &str = "PATCH /channels/{channel_id}/messages/{message_id}";

#[tokio::test]
async fn what_was_rewritten_behind_the_card_is_refused_and_redrawn() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    // Discord is slow with edits: the operator still sees the old text when the row has changed.
    for _ in 0..4 {
        stage
            .world
            .fault(json!({ "route": EDIT, "count": 1, "delay_ms": 4_000 }))
            .await;
    }
    stage.rewrite(id, &task("Sell the farm")).await;
    let act = stage.zack.press(&card, "Approve").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("changed"), "{told:#?}");
    stage.nothing_happened().await;

    let redrawn = stage.open_card("Sell the farm").await;
    assert!(!redrawn.says("Buy milk"), "{redrawn:#?}");
    stage.nothing_happened().await;
    stage.zack.press(&redrawn, "Approve").await;
    stage
        .ends(
            &[stage.approvals(), stage.room()],
            "Sell the farm",
            "executed",
        )
        .await;
    stage
        .world
        .database_says("SELECT title FROM tasks", "Sell the farm".to_owned())
        .await;
}

#[tokio::test]
async fn an_old_button_does_not_approve_the_new_text() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let old = card.button("Approve").custom_id.clone();
    for field in ["parameters", "risk_level", "reason"] {
        let mut changed = task("Buy milk");
        match field {
            "parameters" => changed["parameters"]["description"] = json!("Or else."),
            "risk_level" => changed["risk_level"] = json!("med"),
            _ => changed["reason"] = json!("Because."),
        }
        stage.rewrite(id, &changed).await;
        let copy = stage.post(&stage.room(), &[&old]).await;
        let act = stage.zack.press(&copy, "Button 0").await;
        let told = stage.zack.told(&act).await;
        assert!(told.says("changed"), "{field}: {told:#?}");
    }
    stage.nothing_happened().await;
    // What says the same as before is the same again.
    stage.rewrite(id, &task("Buy milk")).await;
    let copy = stage.post(&stage.room(), &[&old]).await;
    stage.zack.press(&copy, "Button 0").await;
    stage.decided(id, "approved", "executed").await;
}

#[tokio::test]
async fn what_is_carried_out_is_what_was_approved_whatever_the_row_says_later() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    // No moment is early enough for a rewrite: this one comes with the verdict itself.
    sqlx::raw_sql(
        "CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
           UPDATE project_chat_messages SET metadata = \
             jsonb_set(metadata, '{parameters,title}', '\"Sell the farm\"') \
           WHERE id = NEW.entity_id; RETURN NULL; END $$; \
         CREATE TRIGGER rewrite AFTER INSERT ON bridge.decision \
           FOR EACH ROW EXECUTE FUNCTION rewrite()",
    )
    .execute(stage.world.pool())
    .await
    .unwrap();
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "executed").await;
    let titles: Vec<String> = sqlx::query_scalar("SELECT title FROM tasks")
        .fetch_all(stage.world.pool())
        .await
        .unwrap();
    assert_eq!(titles, ["Buy milk"]);
    // The card of what was approved says what was approved.
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
}

#[tokio::test]
async fn a_proposal_that_is_gone_is_told_as_gone_and_its_cards_go() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let ids: Vec<&str> = card.buttons.iter().map(|b| b.custom_id.as_str()).collect();
    let copy = stage.post(&stage.room(), &ids).await;
    let act = stage.zack.press(&copy, "Button 2").await;
    let open = stage.zack.asked(&act).await;
    sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
        .bind(id)
        .execute(stage.world.pool())
        .await
        .unwrap();
    for button in ["Button 0", "Button 1", "Button 2", "Button 3"] {
        let act = stage.zack.press(&copy, button).await;
        let told = stage.zack.told(&act).await;
        assert!(told.says("does not exist"), "{button}: {told:#?}");
    }
    // Somebody was still writing.
    let act = stage.zack.submit(&open, "too late").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("does not exist"), "{told:#?}");
    stage.nothing_happened().await;
    for channel in [stage.approvals(), stage.room()] {
        stage.zack.person.sees_no_card(&channel, "Buy milk").await;
    }
}

#[tokio::test]
async fn a_row_that_stops_being_a_proposal_cannot_be_approved() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let copy = stage
        .post(&stage.room(), &[&card.button("Approve").custom_id])
        .await;
    sqlx::query("UPDATE project_chat_messages SET message_type = 'text' WHERE id = $1")
        .bind(id)
        .execute(stage.world.pool())
        .await
        .unwrap();
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("does not exist"), "{told:#?}");
    stage.nothing_happened().await;
}

#[tokio::test]
async fn a_verdict_from_a_dashboard_is_shown_and_never_carried_out() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let copy = stage
        .post(&stage.room(), &[&card.button("Approve").custom_id])
        .await;
    let mut forged = task("Buy milk");
    forged["status"] = json!("approved");
    forged["approved_by"] = json!("somebody");
    stage.rewrite(id, &forged).await;
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "approved")
        .await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(!told.content.is_empty(), "{told:#?}");
    let counts: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM bridge.decision), (SELECT count(*) FROM tasks)",
    )
    .fetch_one(stage.world.pool())
    .await
    .unwrap();
    assert_eq!(counts, (0, 0));
}

#[tokio::test]
async fn an_old_card_works_after_a_crash_and_a_new_start() {
    let mut stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    stage.world.kill_bridge();
    let (_, (status, _)) = stage
        .zack
        .try_press(&card, &card.button("Approve").custom_id)
        .await;
    assert!(status.is_success(), "Discord takes it: {status}");
    stage.world.start_bridge();
    let same = stage.open_card("Buy milk").await;
    assert_eq!(same.id, card.id, "it is not posted anew");
    stage.nothing_happened().await;
    let act = stage.zack.press(&card, "Approve").await;
    stage.zack.told(&act).await;
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
}

#[tokio::test]
async fn a_proposal_that_was_made_while_nobody_listened_becomes_a_card() {
    let world = World::without_bridge().await;
    let mut stage = Stage::open(world).await;
    stage.world.stop_bridge();
    stage.propose(&task("Buy milk")).await;
    stage.world.start_bridge();
    let card = stage.open_card("Buy milk").await;
    assert_eq!(card.live(), DECIDABLE);
}

#[tokio::test]
async fn an_old_card_is_drawn_anew_however_long_ago_it_was_proposed() {
    let mut stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    sqlx::query(
        "UPDATE project_chat_messages SET created_at = now() - interval '30 days' WHERE id = $1",
    )
    .bind(id)
    .execute(stage.world.pool())
    .await
    .unwrap();
    stage.open_card("Buy milk").await;
    stage.world.kill_bridge();
    stage.rewrite(id, &task("Sell the farm")).await;
    stage.world.start_bridge();
    let card = stage.open_card("Sell the farm").await;
    assert!(!card.says("Buy milk"), "{card:#?}");
}
