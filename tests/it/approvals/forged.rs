//! Custom ids come back from the outside: whatever they say, they are answered, and only what an
//! operator saw is done.

use std::collections::BTreeSet;

use serde_json::json;
use uuid::Uuid;

use super::stage::{Stage, task};

/// Discord takes custom ids of up to so many characters.
const LONGEST: usize = 100;

impl Stage {
    /// Presses buttons with these custom ids one after the other and gives back the answers.
    async fn press_all(&self, custom_ids: &BTreeSet<String>) -> Vec<(String, String)> {
        let all: Vec<&str> = custom_ids.iter().map(String::as_str).collect();
        let mut answers = Vec::new();
        for some in all.chunks(25) {
            let message = self.post(&self.room(), some).await;
            for custom_id in some {
                let act = self.zack.press_id(&message, custom_id).await;
                let told = self.zack.told_in_the_end(&act, "because").await;
                assert!(!told.content.trim().is_empty(), "{custom_id}: {told:#?}");
                assert!(
                    told.live().is_empty(),
                    "{custom_id} leads somewhere: {told:#?}"
                );
                answers.push(((*custom_id).to_owned(), told.content));
            }
        }
        answers
    }

    async fn unhurried_card(&self) -> (Uuid, Vec<String>) {
        self.world.fault(json!({ "rate_limits": "off" })).await;
        let id = self.propose(&task("Buy milk")).await;
        let card = self.open_card("Buy milk").await;
        let ids = card.buttons.into_iter().map(|b| b.custom_id).collect();
        (id, ids)
    }
}

#[tokio::test]
async fn every_truncated_custom_id_is_answered_and_does_nothing() {
    let stage = Stage::start().await;
    let (_, ids) = stage.unhurried_card().await;
    let mut cut = BTreeSet::new();
    for id in &ids {
        assert!(id.len() <= LONGEST && id.is_ascii(), "{id}");
        cut.extend((1..id.len()).map(|end| id[..end].to_owned()));
        cut.extend((1..id.len()).map(|start| id[start..].to_owned()));
    }
    for id in &ids {
        cut.remove(id);
    }
    stage.press_all(&cut).await;
    stage.nothing_happened().await;
}

#[tokio::test]
async fn every_altered_custom_id_is_answered_and_does_nothing() {
    let stage = Stage::start().await;
    let (_, ids) = stage.unhurried_card().await;
    let mut altered = BTreeSet::new();
    for id in &ids {
        for at in 0..id.len() {
            let (before, after) = (&id[..at], &id[at + 1..]);
            altered.insert(format!("{before}~{after}"));
            let upper = id[at..=at].to_uppercase();
            altered.insert(format!("{before}{upper}{after}"));
            // Another row, another payload: of the right form and nothing that is there.
            if let Some(digit) = id[at..=at].chars().next().and_then(|c| c.to_digit(16)) {
                let other = char::from_digit(digit ^ 1, 16).unwrap();
                altered.insert(format!("{before}{other}{after}"));
            }
        }
    }
    for id in &ids {
        altered.remove(id);
    }
    stage.press_all(&altered).await;
    stage.nothing_happened().await;
}

#[tokio::test]
async fn foreign_and_oversized_custom_ids_are_answered_and_do_nothing() {
    let stage = Stage::start().await;
    let (_, ids) = stage.unhurried_card().await;
    let mut foreign: BTreeSet<String> = [
        "approve",
        "a",
        " ",
        "{}",
        "null",
        "0",
        "::::::",
        "💥",
        "\u{202e}evorppa",
        "' OR 1=1 --",
        "approve:00000000-0000-0000-0000-000000000000",
        "../../etc/passwd",
        "%s%n%00",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect();
    foreign.insert("a".repeat(LONGEST));
    foreign.insert("9".repeat(LONGEST));
    foreign.insert("\u{1f4a3}".repeat(LONGEST));
    for id in &ids {
        foreign.insert(format!("{id} "));
        foreign.insert(format!(" {id}"));
        foreign.insert(format!("{id}:"));
        foreign.insert(format!("{id}\u{0661}"));
        foreign.insert(format!("{id:0<LONGEST$}"));
        foreign.insert(format!("{id:x<LONGEST$}"));
        let twice: String = format!("{id}{id}").chars().take(LONGEST).collect();
        foreign.insert(twice);
    }
    stage.press_all(&foreign).await;
    stage.nothing_happened().await;
    // The card itself has suffered nothing.
    stage.open_card("Buy milk").await;
}

#[tokio::test]
async fn a_button_of_another_proposal_decides_only_that_one() {
    let stage = Stage::start().await;
    stage.world.fault(json!({ "rate_limits": "off" })).await;
    let milk = stage.propose(&task("Buy milk")).await;
    let fence = stage.propose(&task("Paint the fence")).await;
    let card = stage.open_card("Buy milk").await;
    stage.open_card("Paint the fence").await;
    let approve = card.button("Approve").custom_id.clone();
    // The same button again with the other row's id in it: the hash belongs to the first.
    let swapped = approve.replace(&milk.simple().to_string(), &fence.simple().to_string());
    let swapped = swapped.replace(&milk.to_string(), &fence.to_string());
    assert_ne!(swapped, approve, "the custom id names the row");
    let copy = stage.post(&stage.room(), &[&swapped]).await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("changed"), "{told:#?}");
    stage.nothing_happened().await;
}

#[tokio::test]
async fn a_press_that_is_replayed_is_told_what_was_decided_and_does_nothing_again() {
    let stage = Stage::start().await;
    let (id, ids) = stage.unhurried_card().await;
    let all: Vec<&str> = ids.iter().map(String::as_str).collect();
    let copy = stage.post(&stage.room(), &all).await;
    stage.zack.press_id(&copy, &ids[0]).await;
    stage.decided(id, "approved", "executed").await;
    for custom_id in [&ids[0], &ids[1], &ids[0]] {
        let act = stage.zack.press_id(&copy, custom_id).await;
        let told = stage.zack.told(&act).await;
        assert!(told.says("zack") && told.says("approved"), "{told:#?}");
    }
    let counts: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM bridge.decision), (SELECT count(*) FROM tasks)",
    )
    .fetch_one(stage.world.pool())
    .await
    .unwrap();
    assert_eq!(counts, (1, 1));
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
}

#[tokio::test]
async fn events_that_come_several_times_decide_once() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    stage.world.fault(json!({ "duplicate_events": 5 })).await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
    stage.has_tasks(1).await;
}

#[tokio::test]
async fn a_second_question_that_has_expired_approves_nothing() {
    let stage = Stage::start().await;
    let mut proposal = task("Buy milk");
    proposal["risk_level"] = json!("high");
    let id = stage.propose(&proposal).await;
    let card = stage.open_card("Buy milk").await;
    let act = stage.zack.press(&card, "Approve").await;
    let question = stage.zack.told(&act).await;
    let confirm = &question.buttons[0].custom_id;
    let now = chrono::Utc::now().timestamp();
    let until = confirm
        .split(':')
        .find(|part| {
            let until = part.parse().ok();
            until.is_some_and(|until: i64| (now..now + 900).contains(&until))
        })
        .unwrap_or_else(|| panic!("it does not say until when, or for too long: {confirm}"));
    // The same question, asked before.
    let expired = confirm.replace(until, &(now - 1).to_string());
    let copy = stage.post(&stage.room(), &[&expired]).await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("expired"), "{told:#?}");
    stage.nothing_happened().await;
    stage.confirm(&question).await;
    stage.decided(id, "approved", "executed").await;
}

#[tokio::test]
async fn a_second_question_does_not_approve_what_was_rewritten_since() {
    let stage = Stage::start().await;
    let mut proposal = task("Buy milk");
    proposal["risk_level"] = json!("high");
    let id = stage.propose(&proposal).await;
    let card = stage.open_card("Buy milk").await;
    let act = stage.zack.press(&card, "Approve").await;
    let question = stage.zack.told(&act).await;
    proposal["parameters"]["title"] = json!("Sell the farm");
    stage.rewrite(id, &proposal).await;
    let act = stage.confirm(&question).await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("changed"), "{told:#?}");
    stage.nothing_happened().await;
}

#[tokio::test]
async fn a_risk_that_is_played_down_after_the_look_does_not_save_the_second_question() {
    let stage = Stage::start().await;
    let mut proposal = task("Buy milk");
    proposal["risk_level"] = json!("high");
    let id = stage.propose(&proposal).await;
    let card = stage.open_card("Buy milk").await;
    let copy = stage
        .post(&stage.room(), &[&card.button("Approve").custom_id])
        .await;
    proposal["risk_level"] = json!("low");
    stage.rewrite(id, &proposal).await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("changed"), "{told:#?}");
    stage.nothing_happened().await;
}
