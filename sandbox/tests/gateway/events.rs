//! Who gets which events, and how much of them.

use serde_json::{Value, json};

use crate::support::{WITH_CONTENT, WITHOUT_CONTENT, World};

/// `GUILDS` and `DIRECT_MESSAGES`.
const NO_GUILD_MESSAGES: u64 = 1 | 1 << 12;

#[tokio::test]
async fn events_come_only_with_their_intent() {
    let world = World::start().await;
    let general = world.general().await;
    let mut bot = world.bot_session(NO_GUILD_MESSAGES).await;
    world.person("zack").say(&general, "in the guild").await;
    let dm = json!({"recipient_id": world.id("zack")});
    let dm = world.bot().post("/users/@me/channels", dm).await.json;
    let dm = dm["id"].as_str().unwrap();
    world.person("zack").say(dm, "in private").await;
    let contents = bot.contents_until("in private").await;
    assert_eq!(contents, ["in private"]);
}

#[tokio::test]
async fn without_the_message_content_intent_content_is_empty() {
    let world = World::start().await;
    let general = world.general().await;
    let mut person = world.person_session("mallory").await;
    let mut bot = world.bot_session(WITHOUT_CONTENT).await;
    world.person("zack").say(&general, "secret").await;
    let message = bot.event("MESSAGE_CREATE").await;
    assert_eq!(message["content"], "");
    for list in ["embeds", "attachments", "components"] {
        assert_eq!(message[list], json!([]));
    }
    assert_eq!(message["author"]["id"], world.id("zack").as_str());
    assert_eq!(message["member"]["roles"], json!([]));
    assert_eq!(person.event("MESSAGE_CREATE").await["content"], "secret");
}

#[tokio::test]
async fn own_messages_mentions_and_private_ones_keep_their_content_without_the_intent() {
    let world = World::start().await;
    let general = world.general().await;
    let mut bot = world.bot_session(WITHOUT_CONTENT).await;
    let me = world.bot().get("/users/@me").await.json["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.bot().say(&general, "my own").await;
    bot.message("MESSAGE_CREATE", "my own").await;
    let call = format!("<@{me}> look");
    world.person("zack").say(&general, &call).await;
    bot.message("MESSAGE_CREATE", &call).await;
    let dm = json!({"recipient_id": me});
    let dm = world
        .person("zack")
        .post("/users/@me/channels", dm)
        .await
        .json;
    world
        .person("zack")
        .say(dm["id"].as_str().unwrap(), "between us")
        .await;
    bot.message("MESSAGE_CREATE", "between us").await;
    let path = format!("/channels/{general}/webhooks");
    let hook = world.bot().post(&path, json!({"name": "Ricky"})).await.json;
    let path = format!("/webhooks/{}/{}", text(&hook["id"]), text(&hook["token"]));
    world
        .bot()
        .post(&path, json!({"content": "by my webhook"}))
        .await;
    bot.message("MESSAGE_CREATE", "by my webhook").await;
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test]
async fn a_reply_does_not_leak_the_content_it_answers() {
    let world = World::start().await;
    let general = world.general().await;
    let first = world.person("zack").say(&general, "secret").await;
    let mut bot = world.bot_session(WITHOUT_CONTENT).await;
    let me = world.bot().get("/users/@me").await.json["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/channels/{general}/messages");
    let call = format!("<@{me}> see above");
    let body = json!({"content": call, "message_reference": {"message_id": first}});
    world.person("mallory").post(&path, body).await;
    let reply = bot.message("MESSAGE_CREATE", &call).await;
    assert_eq!(reply["referenced_message"]["id"], first.as_str());
    assert_eq!(reply["referenced_message"]["content"], "");
}

#[tokio::test]
async fn a_channel_that_somebody_cannot_view_is_silent_for_them() {
    let world = World::start().await;
    let path = format!("/guilds/{}/channels", world.guild());
    let hidden = json!({
        "name": "hidden", "type": 0,
        "permission_overwrites": [
            {"id": world.id("mallory"), "type": 1, "allow": "0", "deny": (1 << 10).to_string()},
        ],
    });
    let mut mallory = world.person_session("mallory").await;
    let mut zack = world.person_session("zack").await;
    let answer = world.person("zack").post(&path, hidden).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let channel = answer.json["id"].as_str().unwrap().to_owned();
    let general = world.general().await;
    world.person("zack").say(&channel, "not for mallory").await;
    world.person("zack").say(&general, "for all").await;
    zack.message("MESSAGE_CREATE", "not for mallory").await;
    assert_eq!(mallory.contents_until("for all").await, ["for all"]);
    let created = mallory
        .history()
        .iter()
        .any(|payload| payload["t"] == "CHANNEL_CREATE");
    assert!(!created, "{:#?}", mallory.history());
}

#[tokio::test]
async fn typing_and_reactions_are_seen() {
    let world = World::start().await;
    let general = world.general().await;
    let mut person = world.person_session("zack").await;
    let mut bot = world.bot_session(WITH_CONTENT).await;
    world
        .bot()
        .post(&format!("/channels/{general}/typing"), json!({}))
        .await;
    assert_eq!(
        person.event("TYPING_START").await["channel_id"],
        general.as_str()
    );
    let message = world.person("zack").say(&general, "well?").await;
    let path = format!("/channels/{general}/messages/{message}/reactions/%E2%9C%85/@me");
    assert_eq!(
        world.person("mallory").put(&path, Value::Null).await.status,
        204
    );
    let reaction = bot.event("MESSAGE_REACTION_ADD").await;
    assert_eq!(reaction["emoji"]["name"], "✅");
    assert_eq!(reaction["user_id"], world.id("mallory").as_str());
    assert_eq!(reaction["burst"], false);
}

#[tokio::test]
async fn events_come_in_the_order_of_the_changes() {
    let world = World::start().await;
    world.fault(json!({"rate_limits": "off"})).await;
    let general = world.general().await;
    let mut bot = world.bot_session(WITH_CONTENT).await;
    let mut expected = Vec::new();
    for number in 0..50 {
        let content = format!("line {number}");
        let id = world.bot().say(&general, &content).await;
        let path = format!("/channels/{general}/messages/{id}");
        world
            .bot()
            .patch(&path, json!({"content": format!("{content} edited")}))
            .await;
        expected.extend([content.clone(), format!("{content} edited")]);
    }
    assert_eq!(bot.contents_until("line 49 edited").await, expected);
}
