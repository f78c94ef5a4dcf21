//! Modals.

use serde_json::json;

use crate::people::{Scene, button, modal};

#[tokio::test]
async fn a_modal_is_opened_filled_in_and_answered() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    assert_eq!(
        scene
            .answer(&interaction, modal("reason", "why"))
            .await
            .status,
        204
    );
    let opened = scene.zack.event("INTERACTION_MODAL_CREATE").await;
    assert_eq!(opened["nonce"], "1234567890");
    assert_eq!(opened["title"], "Reason");
    assert_eq!(opened["components"][0]["components"][0]["custom_id"], "why");
    for (value, promise) in [("", "required"), ("eleven char", "at most 10")] {
        let answer = scene
            .try_to("zack", scene.submit(&opened, "why", value))
            .await;
        assert_eq!(answer.json["code"], 50035, "{promise}: {answer:?}");
    }
    let stranger = scene
        .try_to("mallory", scene.submit(&opened, "why", "me"))
        .await;
    assert_eq!(
        (stranger.status, &stranger.json["code"]),
        (404, &json!(10062))
    );
    scene
        .act("zack", scene.submit(&opened, "why", "because"))
        .await;
    let submitted = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(submitted["type"], 5);
    let input = &submitted["data"]["components"][0]["components"][0];
    assert_eq!(
        (&input["custom_id"], &input["value"]),
        (&json!("why"), &json!("because"))
    );
    let again = scene.answer(&submitted, modal("more", "x")).await;
    assert_eq!(
        again.status, 400,
        "a modal cannot answer a modal: {again:?}"
    );
    let body = json!({"type": 4, "data": {"content": "Noted", "flags": 64}});
    assert_eq!(scene.answer(&submitted, body).await.status, 204);
    scene.zack.message("MESSAGE_CREATE", "Noted").await;
}

#[tokio::test]
async fn a_modal_that_nobody_opened_cannot_be_submitted() {
    let scene = Scene::start().await;
    let forged = json!({"id": "1", "custom_id": "reason"});
    let answer = scene
        .try_to("zack", scene.submit(&forged, "why", "x"))
        .await;
    assert_eq!((answer.status, &answer.json["code"]), (404, &json!(10062)));
}

#[tokio::test]
async fn a_modal_from_a_button_can_change_the_card() {
    let mut scene = Scene::start().await;
    let card = scene.post(json!([button("reject")])).await;
    scene.act("zack", scene.press(&card, "reject")).await;
    let press = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(
        scene.answer(&press, modal("reason", "why")).await.status,
        204
    );
    let opened = scene.zack.event("INTERACTION_MODAL_CREATE").await;
    scene
        .act("zack", scene.submit(&opened, "why", "too dear"))
        .await;
    let submitted = scene.bot.event("INTERACTION_CREATE").await;
    assert_eq!(submitted["message"]["id"], card.as_str());
    let body = json!({"type": 7, "data": {"content": "Rejected: too dear", "components": []}});
    assert_eq!(scene.answer(&submitted, body).await.status, 204);
    let update = scene
        .mallory
        .message("MESSAGE_UPDATE", "Rejected: too dear")
        .await;
    assert_eq!(update["id"], card.as_str());
}

#[tokio::test]
async fn modals_beyond_the_limits_are_refused_and_the_interaction_stays_open() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let mut long = modal("reason", "why");
    long["data"]["title"] = json!("t".repeat(46));
    assert_eq!(scene.answer(&interaction, long).await.json["code"], 50035);
    let mut empty = modal("reason", "why");
    empty["data"]["components"] = json!([]);
    assert_eq!(scene.answer(&interaction, empty).await.json["code"], 50035);
    assert_eq!(
        scene
            .answer(&interaction, modal("reason", "why"))
            .await
            .status,
        204
    );
}
