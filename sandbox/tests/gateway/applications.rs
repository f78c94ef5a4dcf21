//! One more application, as somebody makes it in the Developer Portal and invites its bot.

use serde_json::{Value, json};

use crate::support::World;

/// `DIRECT_MESSAGES`, and what happens to them.
const PRIVATE: u64 = 1 << 12 | 1 << 13 | 1 << 14;

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn its_bot_talks_in_private_without_the_intents_of_the_guild() {
    let world = World::start().await;
    let mut zack = world.person_session("zack").await;
    let made = world
        .control("applications", json!({"name": "Ricky"}))
        .await;
    let joined = zack.event("GUILD_MEMBER_ADD").await;
    assert_eq!(joined["user"]["id"], made["user_id"]);
    assert_eq!(joined["guild_id"], world.guild().as_str());

    let token = format!("Bot {}", text(&made["token"]));
    let ricky = world.api(token.clone());
    let me = ricky.get("/users/@me").await.json;
    assert_eq!(
        (&me["id"], &me["username"]),
        (&made["user_id"], &json!("Ricky"))
    );
    assert_eq!(ricky.get("/applications/@me").await.json["id"], made["id"]);

    let mut session = world.connect().await;
    session.identify(&token, PRIVATE).await;
    let ready = session.event("READY").await;
    assert_eq!(ready["user"]["id"], made["user_id"]);
    assert_eq!(ready["application"]["id"], made["id"]);

    let body = json!({"recipients": [made["user_id"]]});
    let person = world.person("zack");
    let channel = text(&person.post("/users/@me/channels", body).await.json["id"]);
    let said = person.say(&channel, "between us").await;
    let heard = session.event("MESSAGE_CREATE").await;
    assert_eq!(heard["content"], "between us");
    assert!(
        heard.get("guild_id").is_none() && heard.get("member").is_none(),
        "{heard}"
    );

    let path = format!("/channels/{channel}/typing");
    assert_eq!(ricky.post(&path, json!({})).await.status, 204);
    let typing = zack.event("TYPING_START").await;
    assert_eq!(typing["user_id"], made["user_id"]);
    let path = format!("/channels/{channel}/messages/{said}/reactions/%F0%9F%95%93/@me");
    assert_eq!(ricky.put(&path, json!({})).await.status, 204);
    assert_eq!(
        zack.event("MESSAGE_REACTION_ADD").await["user_id"],
        made["user_id"]
    );

    // Somebody else's private channel is nobody's business.
    for other in [world.bot(), world.person("mallory")] {
        let path = format!("/channels/{channel}/messages");
        let answer = other.get(&path).await;
        assert_eq!((answer.status, &answer.json["code"]), (403, &json!(50001)));
    }
}

#[tokio::test]
async fn its_buttons_in_private_come_with_a_user_and_no_member() {
    let world = World::start().await;
    let mut zack = world.person_session("zack").await;
    let made = world
        .control("applications", json!({"name": "Ricky"}))
        .await;
    let token = format!("Bot {}", text(&made["token"]));
    let ricky = world.api(token.clone());
    let mut session = world.connect().await;
    session.identify(&token, PRIVATE).await;
    session.event("READY").await;
    let body = json!({"recipient_id": world.id("zack")});
    let channel = text(&ricky.post("/users/@me/channels", body).await.json["id"]);
    let button = json!({"type": 2, "style": 1, "label": "Go", "custom_id": "go"});
    let body = json!({"content": "?", "components": [{"type": 1, "components": [button]}]});
    let path = format!("/channels/{channel}/messages");
    let message = text(&ricky.post(&path, body).await.json["id"]);
    let press = json!({
        "type": 3, "application_id": made["id"], "channel_id": channel, "message_id": message,
        "message_flags": 0, "session_id": zack.session, "nonce": "1",
        "data": {"component_type": 2, "custom_id": "go"},
    });
    let answer = world.person("zack").post("/interactions", press).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let pressed = session.event("INTERACTION_CREATE").await;
    assert_eq!(pressed["application_id"], made["id"]);
    assert_eq!(pressed["user"]["id"], world.id("zack").as_str());
    assert!(
        pressed.get("member").is_none() && pressed.get("guild_id").is_none(),
        "{pressed}"
    );
    let path = format!(
        "/interactions/{}/{}/callback",
        text(&pressed["id"]),
        text(&pressed["token"])
    );
    let body = json!({"type": 4, "data": {"content": "gone", "flags": 64}});
    assert_eq!(ricky.post(&path, body).await.status, 204);
    let told = zack.message("MESSAGE_CREATE", "gone").await;
    assert_eq!(told["flags"], 64);
}
