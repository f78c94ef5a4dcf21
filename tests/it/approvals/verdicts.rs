//! Who may decide, and what is said to whom.

use serde_json::json;

use super::stage::{DECIDABLE, Stage, task};
use crate::harness::client::Client;
use crate::harness::person::Person;
use crate::harness::world::World;

#[tokio::test]
async fn a_rejection_with_its_reason_reaches_the_agent_and_stands_on_both_cards() {
    let stage = Stage::start().await;
    let card = stage.ask("propose create_task Buy milk", "Buy milk").await;
    let act = stage.zack.press(&card, "Reject with reason…").await;
    let form = stage.zack.asked(&act).await;
    assert!(form.title.contains("Reject"), "{form:?}");
    let reason = "There is milk in the cellar";
    let act = stage.zack.submit(&form, reason).await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("rejected"), "{told:#?}");

    let dm = stage.dm();
    let zack = &stage.zack.person;
    for channel in [&stage.approvals(), &dm] {
        zack.sees_card(channel, "Buy milk", "who and why", |card| {
            card.says("rejected")
                && card.says("zack")
                && card.says(reason)
                && card.buttons.is_empty()
        })
        .await;
    }
    zack.sees(&dm, "the agent's answer to the reason", |seen| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.webhook && m.text.contains(reason))
    })
    .await;
    let world = &stage.world;
    world
        .database_says("SELECT count(*) FROM tasks", 0_i64)
        .await;
    world
        .database_says("SELECT state FROM bridge.decision", "rejected".to_owned())
        .await;
    world
        .database_says(
            "SELECT metadata->>'rejected_reason' FROM project_chat_messages \
             WHERE message_type = 'task_proposal' AND status = 'rejected'",
            reason.to_owned(),
        )
        .await;
}

#[tokio::test]
async fn a_reason_is_quoted_whole_and_pings_nobody() {
    let stage = Stage::start().await;
    let card = stage.ask("propose create_task Buy milk", "Buy milk").await;
    let act = stage.zack.press(&card, "Reject with reason…").await;
    let form = stage.zack.asked(&act).await;
    let reason = format!(
        "@everyone <@{}> [no](https://thief.example)\n```\n# Approved\n```\n{} the end",
        stage.zack.person.id,
        "because ".repeat(80)
    );
    let act = stage.zack.submit(&form, &reason).await;
    stage.zack.told(&act).await;
    let dm = stage.dm();
    let zack = &stage.zack.person;
    for channel in [&stage.approvals(), &dm] {
        let card = zack
            .sees_card(channel, "Buy milk", "the reason", |card| {
                card.says("rejected") && card.says("because")
            })
            .await;
        assert_eq!(card.pings, 0, "{card:#?}");
        assert_eq!(card.embeds.matches("```").count() % 2, 0, "{card:#?}");
    }
    let written: String = sqlx::query_scalar("SELECT reason FROM bridge.decision")
        .fetch_one(stage.world.pool())
        .await
        .unwrap();
    assert_eq!(written, reason);
    // The agent reads all of it, and it is marked as somebody's words.
    let told: String = sqlx::query_scalar(
        "SELECT m.message FROM project_chat_messages m \
         JOIN chat_delivery_queue q ON q.message_id = m.id \
         ORDER BY m.created_at DESC LIMIT 1",
    )
    .fetch_one(stage.world.pool())
    .await
    .unwrap();
    for line in reason.lines() {
        assert!(told.contains(line), "{line} is missing in {told}");
    }
    for request in stage.world.requests().await {
        let mentions = &request["body"]["allowed_mentions"];
        if mentions.is_object() {
            assert_eq!(mentions["parse"], json!([]), "{request}");
        }
    }
}

#[tokio::test]
async fn a_rejection_without_a_word_is_one_press() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Paint the fence")).await;
    let card = stage.open_card("Paint the fence").await;
    let act = stage.zack.press(&card, "Reject").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("rejected"), "{told:#?}");
    stage
        .ends(
            &[stage.approvals(), stage.room()],
            "Paint the fence",
            "rejected",
        )
        .await;
    stage.decided(id, "rejected", "rejected").await;
}

#[tokio::test]
async fn details_are_the_exact_json_for_the_reader_alone() {
    let stage = Stage::start().await;
    let proposal = task("Paint the fence");
    stage.propose(&proposal).await;
    let card = stage.open_card("Paint the fence").await;
    let act = stage.zack.press(&card, "Details").await;
    let told = stage.zack.told(&act).await;
    let whole = format!("{}{}", told.text(), told.attached().await);
    let json = whole.find('{').zip(whole.rfind('}'));
    let json = json.map(|(from, to)| &whole[from..=to]);
    let read: Option<serde_json::Value> = json.and_then(|json| serde_json::from_str(json).ok());
    assert_eq!(read, Some(proposal), "{told:#?}");
    stage.nothing_happened().await;
}

#[tokio::test]
async fn who_is_no_operator_is_told_so_and_nothing_changes() {
    let stage = Stage::start().await;
    stage.propose(&task("Paint the fence")).await;
    let card = stage.open_card("Paint the fence").await;
    let mallory = Client::open(&stage.world, "mallory").await;
    for label in ["Approve", "Reject", "Reject with reason…"] {
        let act = mallory.press(&card, label).await;
        let told = mallory.told(&act).await;
        assert!(told.says("operator"), "{label}: {told:#?}");
        assert!(told.live().is_empty(), "{label}: {told:#?}");
    }
    stage.nothing_happened().await;
    let now = stage.open_card("Paint the fence").await;
    assert_eq!(now, card);
}

#[tokio::test]
async fn who_is_no_operator_cannot_confirm_what_an_operator_was_asked() {
    let stage = Stage::start().await;
    let mut proposal = task("Paint the fence");
    proposal["risk_level"] = json!("high");
    stage.propose(&proposal).await;
    let card = stage.open_card("Paint the fence").await;
    let act = stage.zack.press(&card, "Approve").await;
    let second = stage.zack.told(&act).await;
    let [confirm, ..] = second.buttons.as_slice() else {
        panic!("no second question: {second:#?}");
    };
    let copy = stage.post(&stage.room(), &[&confirm.custom_id]).await;
    let mallory = Client::open(&stage.world, "mallory").await;
    let act = mallory.press(&copy, "Button 0").await;
    let told = mallory.told(&act).await;
    assert!(told.says("operator"), "{told:#?}");
    stage.nothing_happened().await;
}

#[tokio::test]
async fn a_program_cannot_press_a_button() {
    let stage = Stage::start().await;
    stage.propose(&task("Paint the fence")).await;
    let card = stage.open_card("Paint the fence").await;
    let bot = Person::bot(stage.world.discord());
    let body = json!({
        "type": 3, "application_id": bot.id, "channel_id": card.channel,
        "guild_id": stage.world.guild(), "message_id": card.id, "session_id": "none",
        "data": { "component_type": 2, "custom_id": card.button("Approve").custom_id },
    });
    let (status, _) = bot
        .call(reqwest::Method::POST, "/interactions", Some(body))
        .await;
    assert_eq!(status, reqwest::StatusCode::FORBIDDEN);
    stage.nothing_happened().await;
}

#[tokio::test]
async fn without_operators_nobody_decides_and_the_start_says_so() {
    let mut world = World::without_bridge().await;
    world.set("OPERATOR_IDS", "");
    let stage = Stage::open(world).await;
    let log = stage.world.log();
    assert!(log.contains("Nobody may approve anything"), "{log}");
    stage.propose(&task("Paint the fence")).await;
    let card = stage.open_card("Paint the fence").await;
    for label in ["Approve", "Reject"] {
        let act = stage.zack.press(&card, label).await;
        let told = stage.zack.told(&act).await;
        assert!(
            told.says("OPERATOR_IDS") || told.says("operators"),
            "{told:#?}"
        );
    }
    stage.nothing_happened().await;
}

#[tokio::test]
async fn the_second_of_two_presses_is_told_who_decided_and_when() {
    let stage = Stage::with_two_operators().await;
    let id = stage.propose(&task("Paint the fence")).await;
    let card = stage.open_card("Paint the fence").await;
    let copy = stage
        .post(
            &stage.room(),
            &[
                &card.button("Approve").custom_id,
                &card.button("Reject").custom_id,
                &card.button("Reject with reason…").custom_id,
            ],
        )
        .await;
    let act = stage.zack.press(&card, "Reject").await;
    stage.zack.told(&act).await;
    let mallory = Client::open(&stage.world, "mallory").await;
    for button in ["Button 0", "Button 1"] {
        let act = mallory.press(&copy, button).await;
        let told = mallory.told(&act).await;
        assert!(
            told.says("zack") && told.says("rejected") && told.says("<t:"),
            "{told:#?}"
        );
    }
    stage.decided(id, "rejected", "rejected").await;
    let by: String = sqlx::query_scalar("SELECT decided_by_name FROM bridge.decision")
        .fetch_one(stage.world.pool())
        .await
        .unwrap();
    assert_eq!(by, "zack");
}

#[tokio::test]
async fn no_auto_approval_ever() {
    let stage = Stage::with("[mirror]\nsweep_seconds = 1\n").await;
    let mut proposal = task("Paint the fence");
    proposal["requires_approval"] = json!(false);
    stage.propose(&proposal).await;
    let before = stage.open_card("Paint the fence").await;
    // Something else goes all the way meanwhile: whatever would approve by itself has had its turn.
    stage.propose(&task("Buy milk")).await;
    let other = stage.open_card("Buy milk").await;
    stage.zack.press(&other, "Approve").await;
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
    let after = stage.open_card("Paint the fence").await;
    assert_eq!(after.live(), DECIDABLE);
    assert_eq!(after, before);
    stage
        .world
        .database_says("SELECT count(*) FROM bridge.decision", 1_i64)
        .await;
}
