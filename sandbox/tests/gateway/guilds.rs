//! Bots and people come into guilds and go: who is told what.

use serde_json::{Value, json};

use crate::support::{Client, World};

/// Guilds, members and guild messages.
const INTENTS: u64 = 1 | 1 << 1 | 1 << 9 | 1 << 15;

/// A guild of zack's, as his session hears of it.
async fn second(world: &World, zack: &mut Client) -> String {
    let body = json!({"name": "Back Office"});
    let made = world.person("zack").post("/guilds", body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let told = zack.event("GUILD_CREATE").await;
    assert_eq!(
        (&told["id"], &told["name"]),
        (&made.json["id"], &json!("Back Office"))
    );
    told["id"].as_str().unwrap().to_owned()
}

async fn invite(world: &World, guild: &str) {
    let path = format!(
        "/oauth2/authorize?client_id={}&scope=bot%20applications.commands",
        world.application()
    );
    let body = json!({"guild_id": guild, "permissions": "3072", "authorize": true});
    let answer = world.person("zack").post(&path, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn names(client: &Client) -> Vec<&str> {
    let all = client.history().iter().map(|payload| &payload["t"]);
    all.filter_map(Value::as_str).collect()
}

#[tokio::test]
async fn an_invited_bot_gets_the_guild_and_a_kicked_one_loses_it() {
    let world = World::start().await;
    world.fault(json!({"rate_limits": "off"})).await;
    let mut zack = world.person_session("zack").await;
    let mut mallory = world.person_session("mallory").await;
    let mut bot = world.bot_session(INTENTS).await;
    let guild = second(&world, &mut zack).await;
    invite(&world, &guild).await;
    let entered = bot.event("GUILD_CREATE").await;
    assert_eq!(entered["id"], guild.as_str());
    assert_eq!(entered["channels"][0]["name"], "general");
    assert_eq!(entered["members"][0]["user"]["bot"], true, "{entered}");
    assert_eq!(entered["members"].as_array().map(Vec::len), Some(1));
    assert_eq!(entered["member_count"], 2);
    assert_eq!(
        zack.event("GUILD_ROLE_CREATE").await["role"]["permissions"],
        "3072"
    );
    let joined = zack.event("GUILD_MEMBER_ADD").await;
    assert_eq!(joined["guild_id"], guild.as_str());

    // What happens there reaches those who are there.
    let general = entered["channels"][0]["id"].as_str().unwrap().to_owned();
    world.person("zack").say(&general, "over here").await;
    let heard = bot.message("MESSAGE_CREATE", "over here").await;
    assert_eq!(heard["guild_id"], guild.as_str());
    let first = world.general().await;
    world.person("zack").say(&first, "and here").await;
    let heard = bot.message("MESSAGE_CREATE", "and here").await;
    assert_eq!(heard["guild_id"], world.guild().as_str());
    mallory.message("MESSAGE_CREATE", "and here").await;
    let missed = |event: &Value| event["d"]["content"] != "over here";
    assert!(mallory.history().iter().all(missed));

    // A session that begins now is told of both, the first one first.
    let mut again = world.connect().await;
    again.identify(&world.bot_token(), INTENTS).await;
    let ready = again.event("READY").await;
    let both = [world.guild(), guild.clone()];
    for (place, id) in both.iter().enumerate() {
        assert_eq!(ready["guilds"][place]["id"], id.as_str());
        assert_eq!(&again.event("GUILD_CREATE").await["id"], id.as_str());
    }

    let role = &zack
        .history()
        .iter()
        .rev()
        .find(|event| event["t"] == "GUILD_ROLE_CREATE");
    let role = role.unwrap()["d"]["role"]["id"].clone();
    let path = format!(
        "/guilds/{guild}/members/{}",
        ready["user"]["id"].as_str().unwrap()
    );
    assert_eq!(world.person("zack").delete(&path).await.status, 204);
    let gone = bot.event("GUILD_DELETE").await;
    assert_eq!(
        gone,
        json!({"id": guild}),
        "no `unavailable`: it was removed"
    );
    assert_eq!(
        zack.event("GUILD_MEMBER_REMOVE").await["user"]["id"],
        ready["user"]["id"]
    );
    assert_eq!(zack.event("GUILD_ROLE_DELETE").await["role_id"], role);
    world.person("zack").say(&general, "is it gone?").await;
    world.person("zack").say(&first, "the end").await;
    let heard = bot.contents_until("the end").await;
    assert_eq!(heard, ["the end"], "{:?}", names(&bot));
}

#[tokio::test]
async fn commands_and_people_belong_to_their_guild() {
    let world = World::start().await;
    let mut zack = world.person_session("zack").await;
    let mut mallory = world.person_session("mallory").await;
    let mut bot = world.bot_session(INTENTS).await;
    let guild = second(&world, &mut zack).await;
    invite(&world, &guild).await;
    let general = bot.event("GUILD_CREATE").await["channels"][0]["id"].clone();
    world
        .control(
            &format!("guilds/{guild}/members"),
            json!({"user_id": world.id("mallory")}),
        )
        .await;
    assert_eq!(mallory.event("GUILD_CREATE").await["id"], guild.as_str());
    let joined = bot.event("GUILD_MEMBER_ADD").await;
    assert_eq!(joined["user"]["id"], world.id("mallory").as_str());

    let path = format!(
        "/applications/{}/guilds/{guild}/commands",
        world.application()
    );
    let made = world
        .bot()
        .post(&path, json!({"name": "ping", "description": "d"}))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let use_in = |guild: String, channel: Value| {
        let data = json!({"id": made.json["id"], "name": "ping", "type": 1, "options": []});
        json!({
            "type": 2, "application_id": world.application(), "guild_id": guild,
            "channel_id": channel, "session_id": "s", "nonce": "1", "data": data,
        })
    };
    let person = world.person("mallory");
    let elsewhere = use_in(world.guild(), json!(world.general().await));
    assert_eq!(
        person.post("/interactions", elsewhere).await.json["code"],
        10063
    );
    let answer = person
        .post("/interactions", use_in(guild.clone(), general.clone()))
        .await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let used = bot.event("INTERACTION_CREATE").await;
    assert_eq!(used["guild_id"], guild.as_str());
    assert_eq!(used["member"]["user"]["id"], world.id("mallory").as_str());

    // The bot leaves: its command there goes with it, and nobody can press anything of it.
    let leave = format!("/users/@me/guilds/{guild}");
    assert_eq!(world.bot().delete(&leave).await.status, 204);
    assert_eq!(bot.event("GUILD_DELETE").await["id"], guild.as_str());
    let answer = person.post("/interactions", use_in(guild, general)).await;
    assert_eq!(answer.json["code"], 50001, "{answer:?}");
}

#[tokio::test]
async fn a_bot_hears_that_a_channel_is_hidden_from_it() {
    let world = World::start().await;
    let mut bot = world.bot_session(INTENTS).await;
    let general = world.general().await;
    let me = world.bot().get("/users/@me").await.json["id"].clone();
    let path = format!("/channels/{general}/permissions/{}", me.as_str().unwrap());
    let hidden = json!({"type": 1, "allow": "0", "deny": "1024"});
    let zack = world.person("zack");
    assert_eq!(zack.put(&path, hidden).await.status, 204);
    let told = bot.event("CHANNEL_UPDATE").await;
    assert_eq!(told["permission_overwrites"][0]["deny"], "1024", "{told}");
    zack.say(&general, "behind the door").await;
    assert_eq!(zack.delete(&path).await.status, 204);
    let told = bot.event("CHANNEL_UPDATE").await;
    assert_eq!(told["permission_overwrites"], json!([]));
    zack.say(&general, "in front of it").await;
    let heard = bot.contents_until("in front of it").await;
    assert_eq!(heard, ["in front of it"]);
}
