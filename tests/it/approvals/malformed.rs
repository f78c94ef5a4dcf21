//! Proposals that nobody can read: shown as such, and only to be dismissed.

use serde_json::{Value, json};

use super::stage::{DECIDABLE, Stage, task};

const DISMISSABLE: [&str; 2] = ["Dismiss", "Details"];

/// What agents get wrong, and the field that is named for it.
fn mistakes() -> Vec<(Value, &'static str)> {
    let with = |path: &[&str], value: Value| {
        let mut proposal = task("Buy milk");
        let (last, parents) = path.split_last().expect("a path");
        let mut place = &mut proposal;
        for part in parents {
            place = &mut place[*part];
        }
        place[*last] = value;
        proposal
    };
    let mut untitled = task("Buy milk");
    untitled["parameters"]
        .as_object_mut()
        .expect("parameters")
        .remove("title");
    let call = json!({
        "action_type": "api_call", "risk_level": "low",
        "parameters": { "url": "file:///etc/passwd", "method": "GET" },
    });
    vec![
        (untitled, "title"),
        (with(&["parameters", "title"], json!(7)), "parameters.title"),
        (with(&["parameters", "priority"], json!("high")), "priority"),
        (with(&["risk_level"], json!("none")), "risk_level"),
        (with(&["sudo"], json!(true)), "sudo"),
        (
            with(&["requires_approval"], json!("no")),
            "requires_approval",
        ),
        (json!({ "action_type": "self_destruct" }), "action_type"),
        (json!({ "parameters": {} }), "action_type"),
        (json!(["create_task"]), "metadata"),
        (call, "parameters.url"),
    ]
}

#[tokio::test]
async fn a_malformed_proposal_names_the_field_and_can_only_be_dismissed() {
    let stage = Stage::start().await;
    stage.world.fault(json!({ "rate_limits": "off" })).await;
    for (proposal, field) in mistakes() {
        let id = stage.propose(&proposal).await;
        let card = stage
            .card("Malformed proposal", field, |card| {
                card.says(field) && card.live() == DISMISSABLE
            })
            .await;
        assert_eq!(card.buttons.len(), 2, "{card:#?}");
        let act = stage.zack.press(&card, "Dismiss").await;
        stage.zack.told(&act).await;
        stage.decided(id, "rejected", "rejected").await;
        // Its end is awaited, so that the next one is the only one of its kind.
        stage
            .ends(
                &[stage.approvals(), stage.room()],
                "Malformed proposal",
                "dismissed",
            )
            .await;
        sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
            .bind(id)
            .execute(stage.world.pool())
            .await
            .unwrap();
        let approvals = stage.approvals();
        let zack = &stage.zack.person;
        zack.sees_no_card(&approvals, "Malformed proposal").await;
    }
    stage.has_tasks(0).await;
}

#[tokio::test]
async fn what_was_readable_on_the_card_and_is_malformed_now_cannot_be_approved() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    assert_eq!(card.live(), DECIDABLE);
    let copy = stage
        .post(&stage.room(), &[&card.button("Approve").custom_id])
        .await;
    let mut broken = task("Buy milk");
    broken["parameters"]["title"] = json!(null);
    stage.rewrite(id, &broken).await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("changed") || told.says("malformed"), "{told:#?}");
    stage.nothing_happened().await;
    stage
        .card("Malformed proposal", "the new card", |card| {
            card.live() == DISMISSABLE
        })
        .await;
}

#[tokio::test]
async fn a_malformed_proposal_that_is_repaired_can_be_approved() {
    let stage = Stage::start().await;
    let mut broken = task("Buy milk");
    broken["parameters"]["title"] = json!("");
    let id = stage.propose(&broken).await;
    stage
        .card("Malformed proposal", "the card", |card| {
            card.live() == DISMISSABLE
        })
        .await;
    stage.rewrite(id, &task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    stage.zack.press(&card, "Approve").await;
    stage.decided(id, "approved", "executed").await;
}

#[tokio::test]
async fn metadata_that_nobody_can_read_is_malformed_and_stops_nothing() {
    let stage = Stage::start().await;
    let deep = format!("{}1{}", "[".repeat(300), "]".repeat(300));
    for unreadable in [format!("{{\"a\": {deep}}}"), "{\"a\": 1e400}".to_owned()] {
        sqlx::query(
            "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) \
             VALUES ('front-office', 'agent:ricky:main', 'odd', 'action_proposal', $1::jsonb)",
        )
        .bind(unreadable)
        .execute(stage.world.pool())
        .await
        .unwrap();
        let card = stage
            .card("Malformed proposal", "metadata", |card| {
                card.says("metadata") && card.live() == DISMISSABLE
            })
            .await;
        let act = stage.zack.press(&card, "Details").await;
        stage.zack.told(&act).await;
        let act = stage.zack.press(&card, "Dismiss").await;
        stage.zack.told(&act).await;
        stage
            .card("Malformed proposal", "dismissed", |card| {
                card.live().is_empty()
            })
            .await;
        sqlx::query("DELETE FROM project_chat_messages WHERE message = 'odd'")
            .execute(stage.world.pool())
            .await
            .unwrap();
        for channel in [stage.approvals(), stage.room()] {
            stage
                .zack
                .person
                .sees_no_card(&channel, "Malformed proposal")
                .await;
        }
    }
    stage.propose(&task("Buy milk")).await;
    stage.open_card("Buy milk").await;
}
