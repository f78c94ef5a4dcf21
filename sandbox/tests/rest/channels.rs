//! Channels of the guild, private channels, commands, who am I.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, id};

#[tokio::test]
async fn names_are_normalised_as_discord_does() -> Result<()> {
    let world = World::start().await?;
    let made = world
        .channel(json!({"name": "  Team  Room! ", "topic": "t"}))
        .await?;
    assert_eq!(made["name"], "team-room");
    let category = world
        .channel(json!({"name": "Front Office", "type": 4}))
        .await?;
    assert_eq!(category["name"], "Front Office");
    for key in [
        "nsfw",
        "position",
        "flags",
        "permission_overwrites",
        "guild_id",
    ] {
        assert!(
            !made[key].is_null(),
            "an explicit null for {key} breaks clients"
        );
    }
    Ok(())
}

#[tokio::test]
async fn channel_forms_are_checked() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/guilds/{}/channels", world.guild());
    let create = |body: Value| world.bot(Method::POST, &path, Some(body));
    create(json!({"type": 0}))
        .await?
        .blames("name", "BASE_TYPE_REQUIRED");
    create(json!({"name": "x".repeat(101)}))
        .await?
        .blames("name", "BASE_TYPE_BAD_LENGTH");
    create(json!({"name": "x", "topic": "t".repeat(1025)}))
        .await?
        .blames("topic", "BASE_TYPE_MAX_LENGTH");
    create(json!({"name": "x", "type": 99}))
        .await?
        .blames("type", "BASE_TYPE_CHOICES");
    create(json!({"name": "x", "parent_id": world.general}))
        .await?
        .blames("parent_id", "CHANNEL_PARENT_INVALID");
    create(json!({"name": "x", "rate_limit_per_user": 21601}))
        .await?
        .blames("rate_limit_per_user", "NUMBER_TYPE_RANGE");
    // An overwrite cannot grant what the bot does not have: BAN_MEMBERS.
    let grant = json!([{"id": world.guild(), "type": 0, "allow": "4", "deny": "0"}]);
    create(json!({"name": "x", "permission_overwrites": grant}))
        .await?
        .refuses(403, 50013);
    Ok(())
}

#[tokio::test]
async fn a_category_holds_50_channels_and_a_guild_500() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/guilds/{}/channels", world.guild());
    let category = id(&world.channel(json!({"name": "c", "type": 4})).await?)?;
    for n in 0..50 {
        world
            .channel(json!({"name": format!("in-{n}"), "parent_id": category}))
            .await?;
    }
    let body = json!({"name": "x", "parent_id": category});
    world
        .bot(Method::POST, &path, Some(body))
        .await?
        .blames("parent_id", "CHANNEL_PARENT_MAX_CHANNELS");
    for n in 52..500 {
        world.channel(json!({"name": format!("c-{n}")})).await?;
    }
    world
        .bot(Method::POST, &path, Some(json!({"name": "x"})))
        .await?
        .refuses(400, 30013);
    Ok(())
}

#[tokio::test]
async fn a_deleted_category_leaves_its_channels() -> Result<()> {
    let world = World::start().await?;
    let category = id(&world.channel(json!({"name": "c", "type": 4})).await?)?;
    let child = id(&world
        .channel(json!({"name": "child", "parent_id": category}))
        .await?)?;
    world
        .zack(Method::DELETE, &format!("/channels/{category}"), None)
        .await?
        .is(200);
    let left = world
        .bot(Method::GET, &format!("/channels/{child}"), None)
        .await?
        .is(200);
    assert!(left["parent_id"].is_null());
    world
        .bot(Method::GET, &format!("/channels/{category}"), None)
        .await?
        .refuses(404, 10003);
    Ok(())
}

#[tokio::test]
async fn a_private_channel_is_opened_once_and_may_be_closed_to_bots() -> Result<()> {
    let world = World::start().await?;
    let zack = world.person("zack").id.clone();
    let open = || {
        world.bot(
            Method::POST,
            "/users/@me/channels",
            Some(json!({"recipient_id": zack})),
        )
    };
    let first = open().await?.is(200);
    assert_eq!(
        (first["type"].as_u64(), &first["recipients"][0]["username"]),
        (Some(1), &json!("zack"))
    );
    assert_eq!(open().await?.is(200)["id"], first["id"]);
    let path = format!("/channels/{}/messages", id(&first)?);
    let body = json!({"content": "psst"});
    world
        .bot(Method::POST, &path, Some(body.clone()))
        .await?
        .is(200);
    world
        .mallory(Method::GET, &path, None)
        .await?
        .refuses(403, 50001);
    world
        .control(
            Method::POST,
            "/users",
            &json!({"user_id": zack, "closed_dms": true}),
        )
        .await?
        .is(204);
    world
        .bot(Method::POST, &path, Some(body))
        .await?
        .refuses(403, 50007);
    open().await?.is(200);
    let nobody = world
        .bot(
            Method::POST,
            "/users/@me/channels",
            Some(json!({"recipient_id": "5"})),
        )
        .await?;
    nobody.refuses(404, 10013);
    Ok(())
}

#[tokio::test]
async fn commands_are_replaced_as_a_whole_or_one_by_one() -> Result<()> {
    let world = World::start().await?;
    let path = format!(
        "/applications/{}/guilds/{}/commands",
        world.sandbox.info().application_id,
        world.guild()
    );
    let one = |name: &str| json!({"name": name, "description": "d"});
    let body = json!([one("status"), one("task"), {"name": "Promote to task", "type": 3}]);
    let all = world.bot(Method::PUT, &path, Some(body)).await?.is(200);
    assert_eq!(all.as_array().map(Vec::len), Some(3));
    let fewer = world
        .bot(Method::PUT, &path, Some(json!([one("status")])))
        .await?
        .is(200);
    assert_eq!(
        (fewer.as_array().map(Vec::len), &fewer[0]["id"]),
        (Some(1), &all[0]["id"])
    );
    world
        .bot(Method::POST, &path, Some(one("status")))
        .await?
        .is(200);
    let made = world
        .bot(Method::POST, &path, Some(one("ask")))
        .await?
        .is(201);
    world
        .bot(Method::DELETE, &format!("{path}/{}", id(&made)?), None)
        .await?
        .is(204);
    world
        .bot(Method::GET, &format!("{path}/{}", id(&made)?), None)
        .await?
        .refuses(404, 10063);
    world
        .bot(Method::POST, &path, Some(one("Bad Name")))
        .await?
        .blames("name", "APPLICATION_COMMAND_INVALID_NAME");
    world
        .bot(Method::POST, &path, Some(json!({"name": "x"})))
        .await?
        .blames("description", "BASE_TYPE_REQUIRED");
    let doubled = world
        .bot(Method::PUT, &path, Some(json!([one("a"), one("a")])))
        .await?;
    doubled.blames("1.name", "APPLICATION_COMMANDS_DUPLICATE_NAME");
    let many: Vec<Value> = (0..16)
        .map(|n| json!({"name": format!("m{n}"), "type": 3}))
        .collect();
    world
        .bot(Method::PUT, &path, Some(json!(many)))
        .await?
        .refuses(400, 30032);
    Ok(())
}

#[tokio::test]
async fn tokens_are_looked_at_before_anything_else() -> Result<()> {
    let world = World::start().await?;
    let info = world.sandbox.info().clone();
    world
        .nobody(Method::GET, "/users/@me", None)
        .await?
        .refuses(401, 0);
    for token in [
        "Bot wrong".to_owned(),
        info.bot_token.clone(),
        format!("Bot {}", info.users[0].token),
    ] {
        world
            .as_token(Method::GET, "/users/@me", None, Some(&token))
            .await?
            .refuses(401, 0);
    }
    let me = world.bot(Method::GET, "/users/@me", None).await?.is(200);
    assert_eq!(me["bot"], true);
    let application = world
        .bot(Method::GET, "/oauth2/applications/@me", None)
        .await?
        .is(200);
    assert_eq!(application["id"], info.application_id.as_str());
    assert_eq!(
        application["flags"].as_u64(),
        Some(1 << 15 | 1 << 19),
        "members and message content are on"
    );
    let gateway = world.bot(Method::GET, "/gateway/bot", None).await?.is(200);
    assert_eq!(gateway["url"], info.gateway.as_str());
    assert!(gateway["session_start_limit"]["remaining"].is_u64());
    let guilds = world
        .zack(Method::GET, "/users/@me/guilds", None)
        .await?
        .is(200);
    assert_eq!(
        (guilds[0]["id"].as_str(), guilds[0]["owner"].as_bool()),
        (Some(info.guild_id.as_str()), Some(true))
    );
    Ok(())
}

#[tokio::test]
async fn a_bot_must_say_who_it_is() -> Result<()> {
    let world = World::start().await?;
    let token = format!("Bot {}", world.sandbox.info().bot_token);
    let silent = reqwest::Client::new();
    let url = format!("{}/users/@me", world.sandbox.info().api);
    let answer = crate::world::read(silent.get(url).header("authorization", token)).await?;
    answer.refuses(403, 40333);
    Ok(())
}

#[tokio::test]
async fn unknown_ids_and_routes_have_discords_answers() -> Result<()> {
    let world = World::start().await?;
    let cases = [
        ("/channels/5", 404, 10003),
        ("/guilds/5", 404, 10004),
        ("/users/5", 404, 10013),
        ("/webhooks/5", 404, 10015),
        ("/channels/abc", 400, 50035),
        ("/nothing/here", 404, 0),
    ];
    for (path, status, code) in cases {
        world
            .bot(Method::GET, path, None)
            .await?
            .refuses(status, code);
    }
    let path = format!("/channels/{}/messages/5", world.general);
    world
        .bot(Method::GET, &path, None)
        .await?
        .refuses(404, 10008);
    world
        .bot(Method::PUT, &format!("/channels/{}", world.general), None)
        .await?
        .refuses(405, 0);
    let text = world.request(
        Method::POST,
        &format!("/channels/{}/messages", world.general),
        None,
    );
    let token = format!("Bot {}", world.sandbox.info().bot_token);
    let text = text.header("authorization", token).body("content=hi");
    crate::world::read(text).await?.refuses(400, 50035);
    Ok(())
}

#[tokio::test]
async fn slow_mode_is_for_people_who_manage_nothing() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}", world.general);
    world
        .bot(
            Method::PATCH,
            &path,
            Some(json!({"rate_limit_per_user": 60})),
        )
        .await?
        .is(200);
    let messages = format!("{path}/messages");
    let body = json!({"content": "x"});
    world
        .mallory(Method::POST, &messages, Some(body.clone()))
        .await?
        .is(200);
    let refused = world
        .mallory(Method::POST, &messages, Some(body.clone()))
        .await?;
    refused.refuses(429, 20016);
    assert!(
        refused.body["retry_after"]
            .as_f64()
            .is_some_and(|wait| wait > 50.0 && wait <= 60.0)
    );
    for _ in 0..2 {
        world
            .bot(Method::POST, &messages, Some(body.clone()))
            .await?
            .is(200);
        world
            .zack(Method::POST, &messages, Some(body.clone()))
            .await?
            .is(200);
    }
    Ok(())
}

#[tokio::test]
async fn two_hundred_new_commands_a_day_are_enough() -> Result<()> {
    let world = World::start().await?;
    let path = format!(
        "/applications/{}/commands",
        world.sandbox.info().application_id
    );
    let batch = |from: usize| -> Value {
        (from..from + 100)
            .map(|n| json!({"name": format!("c{n}"), "description": "d"}))
            .collect()
    };
    world.bot(Method::PUT, &path, Some(batch(0))).await?.is(200);
    world
        .bot(Method::PUT, &path, Some(batch(100)))
        .await?
        .is(200);
    world
        .bot(Method::PUT, &path, Some(batch(100)))
        .await?
        .is(200);
    world
        .bot(Method::PUT, &path, Some(batch(200)))
        .await?
        .refuses(400, 30034);
    Ok(())
}
