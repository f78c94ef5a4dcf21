//! Buttons in direct messages: there is a user and no member.

use reqwest::Method;
use serde_json::{Value, json};

use super::stage::{Stage, task};
use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::person::Person;

/// The bot shows these buttons to a person in private.
async fn show(stage: &Stage, person: &Person, custom_ids: &[&str]) -> Card {
    let bot = Person::bot(stage.world.discord());
    let body = json!({ "recipient_id": person.id });
    let (status, channel) = bot
        .call(Method::POST, "/users/@me/channels", Some(body))
        .await;
    assert!(status.is_success(), "{status} {channel}");
    let channel = channel["id"].as_str().expect("a channel").to_owned();
    let mut card = stage.post(&channel, custom_ids).await;
    card.private = true;
    card
}

/// The custom ids of a card.
fn ids(card: &Card) -> Vec<&str> {
    let buttons = card.buttons.iter();
    buttons.map(|button| button.custom_id.as_str()).collect()
}

#[tokio::test]
async fn an_operator_decides_in_private() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let copy = show(&stage, &stage.zack.person, &ids(&card)).await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("approved"), "{told:#?}");
    stage.decided(id, "approved", "executed").await;
    stage
        .ends(&[stage.approvals(), stage.room()], "Buy milk", "executed")
        .await;
}

#[tokio::test]
async fn an_operator_gives_a_reason_in_private() {
    let stage = Stage::start().await;
    let id = stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let copy = show(&stage, &stage.zack.person, &ids(&card)).await;
    let act = stage.zack.press(&copy, "Button 2").await;
    let form = stage.zack.asked(&act).await;
    let act = stage.zack.submit(&form, "There is enough").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("rejected"), "{told:#?}");
    stage.decided(id, "rejected", "rejected").await;
}

#[tokio::test]
async fn who_is_no_operator_decides_nothing_in_private() {
    let stage = Stage::start().await;
    stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let mallory = Client::open(&stage.world, "mallory").await;
    let copy = show(&stage, &mallory.person, &ids(&card)).await;
    for button in ["Button 0", "Button 1", "Button 2"] {
        let act = mallory.press(&copy, button).await;
        let told = mallory.told(&act).await;
        assert!(told.says("operator"), "{told:#?}");
    }
    stage.nothing_happened().await;
}

#[tokio::test]
async fn who_has_left_the_server_decides_nothing() {
    let stage = Stage::start().await;
    stage.propose(&task("Buy milk")).await;
    let card = stage.open_card("Buy milk").await;
    let copy = show(&stage, &stage.zack.person, &ids(&card)).await;
    // What Discord says of somebody who is no member: 10007, Unknown Member.
    let gone: Value = json!({
        "route": "GET /guilds/{guild_id}/members/{user_id}", "count": 100,
        "status": 404, "code": 10007,
    });
    stage.world.fault(gone).await;
    for button in ["Button 0", "Button 1"] {
        let act = stage.zack.press(&copy, button).await;
        let told = stage.zack.told(&act).await;
        assert!(told.says("server"), "{told:#?}");
    }
    stage.nothing_happened().await;
    stage.world.no_faults().await;
    let act = stage.zack.press(&copy, "Button 0").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("approved"), "back again: {told:#?}");
}
