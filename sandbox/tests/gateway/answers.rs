//! Answers: their deadlines, ephemeral ones, deferred ones, follow-ups.

use serde_json::json;

use crate::people::Scene;

const THINKING: u64 = 1 << 7;
const EPHEMERAL: u64 = 1 << 6;

#[tokio::test]
async fn an_ephemeral_answer_is_seen_by_one_person_and_is_not_in_the_history() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let body = json!({"type": 4, "data": {"content": "psst", "flags": EPHEMERAL}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let message = scene.zack.message("MESSAGE_CREATE", "psst").await;
    assert_eq!(message["flags"], EPHEMERAL);
    assert_eq!(message["channel_id"], scene.general.as_str());
    assert!(message.get("guild_id").is_none() && message.get("member").is_none());
    scene
        .world
        .person("zack")
        .say(&scene.general, "aloud")
        .await;
    assert_eq!(scene.mallory.contents_until("aloud").await, ["aloud"]);
    let path = format!("/channels/{}/messages", scene.general);
    let history = scene.world.person("zack").get(&path).await.json;
    let contents: Vec<_> = history
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["content"])
        .collect();
    assert_eq!(contents, ["aloud"]);
    let original = format!("{}/messages/@original", scene.webhook(&interaction));
    assert_eq!(
        scene.world.bot().get(&original).await.json["content"],
        "psst"
    );
    let edit = json!({"content": "psst!"});
    assert_eq!(scene.world.bot().patch(&original, edit).await.status, 200);
    scene.zack.message("MESSAGE_UPDATE", "psst!").await;
    assert_eq!(scene.world.bot().delete(&original).await.status, 204);
    assert_eq!(
        scene.zack.event("MESSAGE_DELETE").await["id"],
        message["id"]
    );
    assert_eq!(scene.world.bot().get(&original).await.json["code"], 10008);
}

#[tokio::test]
async fn a_second_answer_is_refused_with_40060() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let body = json!({"type": 4, "data": {"content": "once"}});
    assert_eq!(scene.answer(&interaction, body.clone()).await.status, 204);
    let second = scene.answer(&interaction, body).await;
    assert_eq!((second.status, &second.json["code"]), (400, &json!(40060)));
}

#[tokio::test]
async fn an_answer_after_three_seconds_is_refused_and_the_person_is_told() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let failure = scene.zack.event("INTERACTION_FAILURE").await;
    assert_eq!(failure["id"], interaction["id"]);
    assert_eq!(failure["nonce"], "1234567890");
    let late = scene
        .answer(
            &interaction,
            json!({"type": 4, "data": {"content": "late"}}),
        )
        .await;
    assert_eq!((late.status, &late.json["code"]), (404, &json!(10062)));
    let hook = scene.webhook(&interaction);
    let follow_up = scene.world.bot().post(&hook, json!({"content": "x"})).await;
    assert_eq!(follow_up.status, 404);
}

#[tokio::test]
async fn a_token_that_is_wrong_or_older_than_15_minutes_is_worthless() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let mut forged = interaction.clone();
    forged["token"] = json!("forged");
    let body = json!({"type": 5, "data": {}});
    assert_eq!(
        scene.answer(&forged, body.clone()).await.json["code"],
        10062
    );
    let early = scene
        .world
        .bot()
        .post(&scene.webhook(&interaction), json!({"content": "x"}))
        .await;
    assert_eq!(
        (early.status, &early.json["code"]),
        (404, &json!(10015)),
        "no answer yet"
    );
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let age = json!({"interaction_id": interaction["id"], "seconds": 15 * 60});
    scene.world.control("age", age).await;
    let late = scene
        .world
        .bot()
        .post(&scene.webhook(&interaction), json!({"content": "x"}))
        .await;
    assert_eq!((late.status, &late.json["code"]), (401, &json!(50027)));
}

#[tokio::test]
async fn a_deferred_answer_thinks_until_its_follow_up_takes_its_place() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let body = json!({"type": 5, "data": {"flags": EPHEMERAL | 4}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let thinking = scene
        .zack
        .payload(|payload| payload["d"]["flags"] == THINKING | EPHEMERAL)
        .await;
    assert_eq!(thinking["t"], "MESSAGE_CREATE");
    // The flag says public, the promise said ephemeral: the promise holds.
    let body = json!({"content": "thought", "flags": 0});
    let answer = scene
        .world
        .bot()
        .post(&scene.webhook(&interaction), body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["id"], thinking["d"]["id"]);
    assert_eq!(answer.json["flags"], EPHEMERAL);
    let update = scene.zack.message("MESSAGE_UPDATE", "thought").await;
    assert_eq!(update["id"], thinking["d"]["id"]);
    let body = json!({"content": "and more"});
    let more = scene
        .world
        .bot()
        .post(&scene.webhook(&interaction), body)
        .await
        .json;
    assert_ne!(more["id"], thinking["d"]["id"]);
    let public = scene.mallory.message("MESSAGE_CREATE", "and more").await;
    assert_eq!(public["id"], more["id"]);
}

#[tokio::test]
async fn a_deferred_answer_in_public_is_filled_in_by_an_edit() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    assert_eq!(
        scene.answer(&interaction, json!({"type": 5})).await.status,
        204
    );
    let thinking = scene.mallory.event("MESSAGE_CREATE").await;
    assert_eq!(
        (&thinking["flags"], &thinking["content"]),
        (&json!(THINKING), &json!(""))
    );
    let original = format!("{}/messages/@original", scene.webhook(&interaction));
    let edit = json!({"content": "result"});
    assert_eq!(scene.world.bot().patch(&original, edit).await.status, 200);
    let update = scene.mallory.message("MESSAGE_UPDATE", "result").await;
    assert_eq!(
        (&update["id"], &update["flags"]),
        (&thinking["id"], &json!(0))
    );
}

#[tokio::test]
async fn follow_ups_can_be_changed_and_deleted_by_their_interaction_only() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let body = json!({"type": 4, "data": {"content": "first"}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
    let hook = scene.webhook(&interaction);
    let second = scene
        .world
        .bot()
        .post(&hook, json!({"content": "second"}))
        .await
        .json;
    let path = format!("{hook}/messages/{}", second["id"].as_str().unwrap());
    assert_eq!(
        scene
            .world
            .bot()
            .patch(&path, json!({"content": "2nd"}))
            .await
            .status,
        200
    );
    scene.mallory.message("MESSAGE_UPDATE", "2nd").await;
    assert_eq!(scene.world.bot().delete(&path).await.status, 204);
    assert_eq!(
        scene.mallory.event("MESSAGE_DELETE").await["id"],
        second["id"]
    );
    let foreign = scene
        .world
        .bot()
        .say(&scene.general, "not of this interaction")
        .await;
    let path = format!("{hook}/messages/{foreign}");
    assert_eq!(scene.world.bot().delete(&path).await.json["code"], 10008);
}

#[tokio::test]
async fn an_answer_can_be_asked_to_say_what_came_of_it() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let (id, token) = (&interaction["id"], &interaction["token"]);
    let path = format!(
        "/interactions/{}/{}/callback",
        id.as_str().unwrap(),
        token.as_str().unwrap()
    );
    let body = json!({"type": 4, "data": {"content": "here", "flags": EPHEMERAL}});
    let answer = scene
        .world
        .bot()
        .post(&format!("{path}?with_response=true"), body)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json["resource"]["message"]["content"], "here");
    assert_eq!(
        answer.json["interaction"]["response_message_ephemeral"],
        true
    );
}

#[tokio::test]
async fn answers_that_break_the_rules_are_refused_and_the_interaction_stays_open() {
    let mut scene = Scene::start().await;
    let interaction = scene.ping().await;
    let long = json!({"type": 4, "data": {"content": "x".repeat(2001)}});
    let refused = scene.answer(&interaction, long).await;
    assert_eq!(refused.json["code"], 50035, "{refused:?}");
    assert!(
        refused.json.pointer("/errors/data/content").is_some(),
        "{refused:?}"
    );
    let empty = scene
        .answer(&interaction, json!({"type": 4, "data": {}}))
        .await;
    assert_eq!(empty.json["code"], 50006, "{empty:?}");
    for kind in [6, 7, 8, 99] {
        let answer = scene
            .answer(
                &interaction,
                json!({"type": kind, "data": {"content": "x"}}),
            )
            .await;
        assert_eq!(
            answer.status, 400,
            "type {kind} does not answer a command: {answer:?}"
        );
    }
    let body = json!({"type": 4, "data": {"content": "fine"}});
    assert_eq!(scene.answer(&interaction, body).await.status, 204);
}
