//! Buttons and select menus.

use serde_json::{Value, json};

use crate::people::{Scene, button};

#[tokio::test]
async fn two_people_press_the_same_button_and_the_bot_learns_who() {
    let mut scene = Scene::start().await;
    let card = scene.post(json!([button("approve")])).await;
    for who in ["zack", "mallory"] {
        scene.act(who, scene.press(&card, "approve")).await;
        let interaction = scene.bot.event("INTERACTION_CREATE").await;
        assert_eq!(interaction["type"], 3);
        assert_eq!(
            interaction["member"]["user"]["id"],
            scene.world.id(who).as_str()
        );
        assert_eq!(
            interaction["data"],
            json!({"custom_id": "approve", "component_type": 2})
        );
        assert_eq!(interaction["message"]["id"], card.as_str());
        assert_eq!(
            interaction["message"]["content"], "card",
            "it is the bot's own"
        );
        let answer = scene
            .answer(&interaction, json!({"type": 6, "data": null}))
            .await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }
    scene.mallory.event("INTERACTION_SUCCESS").await;
}

#[tokio::test]
async fn a_button_that_is_not_there_cannot_be_pressed() {
    let scene = Scene::start().await;
    let mut off = button("off");
    off["disabled"] = json!(true);
    let card = scene.post(json!([button("on"), off])).await;
    for custom_id in ["off", "other", ""] {
        let answer = scene.try_to("zack", scene.press(&card, custom_id)).await;
        let code = answer.json.pointer("/errors/data/_errors/0/code");
        assert_eq!(
            code,
            Some(&json!("COMPONENT_VALIDATION_FAILED")),
            "{custom_id}: {answer:?}"
        );
    }
    let gone = scene.try_to("zack", scene.press("1", "on")).await;
    assert_eq!((gone.status, &gone.json["code"]), (404, &json!(10008)));
    let path = format!("/channels/{}", scene.general);
    let deny = json!([{"id": scene.world.id("mallory"), "type": 1, "deny": "1024", "allow": "0"}]);
    scene
        .world
        .person("zack")
        .patch(&path, json!({"permission_overwrites": deny}))
        .await;
    let hidden = scene.try_to("mallory", scene.press(&card, "on")).await;
    assert_eq!(
        (hidden.status, &hidden.json["code"]),
        (403, &json!(50001)),
        "{hidden:?}"
    );
}

#[tokio::test]
async fn selected_values_are_those_that_were_offered() {
    let mut scene = Scene::start().await;
    let options: Vec<Value> = ["a", "b", "c"]
        .iter()
        .map(|name| json!({"label": name, "value": name}))
        .collect();
    let menu = json!({
        "type": 3, "custom_id": "pick", "options": options, "min_values": 1, "max_values": 2,
    });
    let card = scene.post(json!([menu])).await;
    for values in [
        json!([]),
        json!(["a", "b", "c"]),
        json!(["z"]),
        json!(["a", "a"]),
    ] {
        let answer = scene
            .try_to("zack", scene.select(&card, "pick", values.clone()))
            .await;
        assert_eq!(answer.json["code"], 50035, "{values}: {answer:?}");
    }
    scene
        .act("zack", scene.select(&card, "pick", json!(["b", "c"])))
        .await;
    let interaction = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(interaction["data"]["values"], json!(["b", "c"]));
    assert_eq!(interaction["data"]["component_type"], 3);
}

#[tokio::test]
async fn an_answer_can_change_the_card_it_came_from() {
    let mut scene = Scene::start().await;
    let card = scene.post(json!([button("approve")])).await;
    scene.act("zack", scene.press(&card, "approve")).await;
    let interaction = scene.bot.event("INTERACTION_CREATE").await;
    let body = json!({"type": 7, "data": {"content": "Approved by zack", "components": []}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let update = scene
        .mallory
        .message("MESSAGE_UPDATE", "Approved by zack")
        .await;
    assert_eq!(update["id"], card.as_str());
    assert_eq!(update["components"], json!([]));
    let again = scene.try_to("mallory", scene.press(&card, "approve")).await;
    assert_eq!(again.status, 400, "the button is gone: {again:?}");
    let path = format!("{}/messages/@original", scene.webhook(&interaction));
    assert_eq!(scene.world.bot().get(&path).await.json["id"], card.as_str());
    let edit = json!({"content": "Approved"});
    assert_eq!(scene.world.bot().patch(&path, edit).await.status, 200);
    scene.mallory.message("MESSAGE_UPDATE", "Approved").await;
}

#[tokio::test]
async fn the_button_of_an_ephemeral_message_is_for_its_reader_only() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let row = json!([{"type": 1, "components": [button("sure")]}]);
    let body = json!({"type": 4, "data": {"content": "Sure?", "flags": 64, "components": row}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let question = scene.zack.message("MESSAGE_CREATE", "Sure?").await;
    let id = question["id"].as_str().unwrap().to_owned();
    let stranger = scene.try_to("mallory", scene.press(&id, "sure")).await;
    assert_eq!(
        (stranger.status, &stranger.json["code"]),
        (404, &json!(10008))
    );
    scene.act("zack", scene.press(&id, "sure")).await;
    let press = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(press["message"]["flags"], 64);
    let body = json!({"type": 7, "data": {"content": "Done", "components": []}});
    assert_eq!(scene.answer(&press, body).await.status, 204);
    let update = scene.zack.message("MESSAGE_UPDATE", "Done").await;
    assert_eq!(
        (&update["id"], &update["flags"]),
        (&question["id"], &json!(64))
    );
}
