//! How sessions begin.

use serde_json::{Value, json};

use crate::support::{WITH_CONTENT, World, identify};

fn assert_has(value: &Value, keys: &[&str]) {
    for key in keys {
        assert!(!value[*key].is_null(), "{key} is missing in {value:#}");
    }
}

#[tokio::test]
async fn a_bot_is_told_all_that_serenity_insists_on() {
    let world = World::start().await;
    let mut bot = world.connect().await;
    bot.identify(&world.bot_token(), WITH_CONTENT).await;
    let ready = bot.next().await;
    assert_eq!(
        (&ready["t"], &ready["s"], &ready["op"]),
        (&json!("READY"), &json!(1), &json!(0))
    );
    let ready = &ready["d"];
    assert_has(ready, &["v", "session_id", "resume_gateway_url"]);
    assert_has(&ready["user"], &["id", "username"]);
    assert_has(&ready["application"], &["id", "flags"]);
    assert_eq!(
        ready["guilds"],
        json!([{"id": world.guild(), "unavailable": true}])
    );
    let guild = bot.event("GUILD_CREATE").await;
    let texts = ["id", "name", "owner_id", "joined_at", "preferred_locale"];
    assert_has(&guild, &texts);
    let numbers = [
        "large",
        "member_count",
        "verification_level",
        "default_message_notifications",
        "explicit_content_filter",
        "mfa_level",
        "nsfw_level",
        "premium_tier",
        "premium_progress_bar_enabled",
        "system_channel_flags",
    ];
    assert_has(&guild, &numbers);
    for list in [
        "roles",
        "emojis",
        "stickers",
        "features",
        "members",
        "channels",
        "threads",
        "voice_states",
        "presences",
        "stage_instances",
        "guild_scheduled_events",
    ] {
        assert!(guild[list].is_array(), "{list} is missing in {guild:#}");
    }
    let members = guild["members"].as_array().unwrap();
    assert!(
        members
            .iter()
            .any(|member| member["user"]["id"] == ready["user"]["id"])
    );
}

#[tokio::test]
async fn a_person_gets_the_guild_and_the_private_channels_at_once() {
    let world = World::start().await;
    let bot = world.bot();
    let body = json!({"recipient_id": world.id("mallory")});
    let channel = bot.post("/users/@me/channels", body).await.json;
    let mut person = world.connect().await;
    person.identify(&world.token("mallory"), 0).await;
    let ready = person.event("READY").await;
    assert_eq!(ready["user"]["id"], world.id("mallory").as_str());
    assert_eq!(ready["guilds"][0]["id"], world.guild().as_str());
    assert!(
        !ready["guilds"][0]["channels"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(ready["private_channels"][0]["id"], channel["id"]);
    assert!(ready.get("application").is_none());
}

#[tokio::test]
async fn every_heartbeat_is_acknowledged() {
    let world = World::start().await;
    let mut client = world.connect().await;
    client.send(json!({"op": 1, "d": null})).await;
    assert_eq!(client.next().await["op"], 11);
    client.identify(&world.bot_token(), WITH_CONTENT).await;
    client.event("GUILD_CREATE").await;
    client.send(json!({"op": 1, "d": 2})).await;
    assert_eq!(client.next().await["op"], 11);
}

#[tokio::test]
async fn a_bot_that_identifies_twice_within_five_seconds_must_wait() {
    let world = World::start().await;
    let _first = world.bot_session(WITH_CONTENT).await;
    let mut second = world.connect().await;
    second.identify(&world.bot_token(), WITH_CONTENT).await;
    assert_eq!(second.next().await, json!({"op": 9, "d": false}));
    let limit = world.bot().get("/gateway/bot").await.json;
    assert_eq!(limit["session_start_limit"]["remaining"], 999, "{limit}");
}

#[tokio::test]
async fn a_bot_may_identify_at_once_when_rate_limits_are_off() {
    let world = World::start().await;
    world.fault(json!({"rate_limits": "off"})).await;
    for _ in 0..3 {
        world.bot_session(WITH_CONTENT).await;
    }
}

#[tokio::test]
async fn a_token_without_its_prefix_is_known_at_the_gateway() {
    let world = World::start().await;
    let mut client = world.connect().await;
    client
        .identify(&world.sandbox.info().bot_token, WITH_CONTENT)
        .await;
    assert_eq!(
        client.event("READY").await["application"]["id"],
        world.application().as_str()
    );
}

#[tokio::test]
async fn people_see_who_is_online_and_what_a_bot_is_doing() {
    let world = World::start().await;
    let mut person = world.person_session("zack").await;
    let mut bot = world.connect().await;
    let mut body = identify(&world.bot_token(), WITH_CONTENT);
    // serenity sends `since` as an object.
    body["d"]["presence"] = json!({
        "status": "idle", "afk": false,
        "since": {"secs_since_epoch": 1, "nanos_since_epoch": 2},
        "activities": [{"name": "the queue", "type": 3}],
    });
    bot.send(body).await;
    let ready = bot.event("READY").await;
    let presence = person.event("PRESENCE_UPDATE").await;
    assert_eq!(presence["user"]["id"], ready["user"]["id"]);
    assert_eq!(presence["status"], "idle");
    assert_eq!(presence["activities"][0]["name"], "the queue");
    let update = json!({"status": "dnd", "afk": false, "since": null, "activities": []});
    bot.send(json!({"op": 3, "d": update})).await;
    assert_eq!(person.event("PRESENCE_UPDATE").await["status"], "dnd");
    let mut other = world.connect().await;
    other.identify(&world.token("mallory"), 0).await;
    let guild = other.event("GUILD_CREATE").await;
    let presences = guild["presences"].as_array().unwrap();
    assert!(
        presences
            .iter()
            .any(|one| one["user"]["id"] == ready["user"]["id"]),
        "{presences:?}"
    );
    bot.close(1000).await;
    let gone = person
        .payload(|payload| payload["d"]["status"] == "offline")
        .await;
    assert_eq!(gone["d"]["user"]["id"], ready["user"]["id"]);
}

#[tokio::test]
async fn members_come_on_request() {
    let world = World::start().await;
    let mut person = world.person_session("zack").await;
    let data = json!({"guild_id": world.guild(), "query": "mall", "limit": 5, "nonce": "n"});
    person.send(json!({"op": 8, "d": data})).await;
    let chunk = person.event("GUILD_MEMBERS_CHUNK").await;
    assert_eq!(chunk["members"].as_array().unwrap().len(), 1);
    assert_eq!(
        chunk["members"][0]["user"]["id"],
        world.id("mallory").as_str()
    );
    assert_eq!(chunk["nonce"], "n");
}
