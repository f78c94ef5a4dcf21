//! What the log holds, and what it must not.

use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use crate::harness::outage::end_connections;
use crate::harness::person::{Person, count};
use crate::harness::world::World;

/// What the announcement of the addresses begins its lines with; it goes to people, not to machines.
const ANNOUNCED: [&str; 8] = [
    "discord ",
    "invite ",
    "database ",
    "executor ",
    "health ",
    "run file ",
    "warning ",
    "ready",
];

#[tokio::test]
async fn json_logs_are_json_line_by_line() {
    let mut world = World::without_bridge().await;
    world.set("LOG_FORMAT", "json");
    world.start_bridge();
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.fault(json!({ "drop_gateways": true })).await;
    end_connections(world.database()).await;
    zack.say(&room, "something \"quoted\"\nand broken").await;
    world
        .database_says("SELECT count(*) FROM project_chat_messages", 1_i64)
        .await;
    world.stop_bridge();
    let log = world.log();
    let mut lines = 0;
    for line in log.lines() {
        if ANNOUNCED.iter().any(|word| line.starts_with(word)) {
            continue;
        }
        let entry: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {line:?}"));
        for key in ["timestamp", "level", "target"] {
            assert!(entry[key].is_string(), "no {key}: {line}");
        }
        lines += 1;
    }
    assert!(lines > 3, "{log}");
}

#[tokio::test]
async fn no_secret_is_ever_logged() {
    let mut world = World::without_bridge().await;
    world.set("RUST_LOG", "debug,clawdos_bridge=trace");
    world.start_bridge();
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let mut secrets = secrets(&world).await;
    for route in [
        "POST /webhooks/{webhook_id}/{webhook_token}",
        "GET /channels/{channel_id}/messages",
    ] {
        world
            .fault(json!({ "route": route, "count": 2, "status": 500 }))
            .await;
    }
    let swallow = "POST /webhooks/{webhook_id}/{webhook_token}";
    world
        .fault(json!({ "route": swallow, "count": 2, "swallow": true }))
        .await;
    let row = world.insert("agent:main:main", "through failures").await;
    zack.say(&world.channel("dm-main"), "please fail").await;
    zack.sees(&room, "the row", |seen| {
        count(seen, "through failures") == 1
    })
    .await;
    let edit = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/{message_id}";
    world
        .fault(json!({ "route": edit, "count": 1, "status": 400 }))
        .await;
    sqlx::query("UPDATE project_chat_messages SET message = 'edited' WHERE id = $1")
        .bind(row)
        .execute(world.pool())
        .await
        .unwrap();
    world
        .sees_request("the edit", |request| request["body"]["content"] == "edited")
        .await;
    let (status, _) = zack
        .call(Method::DELETE, &format!("/channels/{room}"), None)
        .await;
    assert!(status.is_success());
    end_connections(world.database()).await;
    world.fault(json!({ "invalid_session": true })).await;
    zack.say(&world.channel("dm-ricky"), "last").await;
    world
        .database_says(
            "SELECT q.status FROM chat_delivery_queue q JOIN project_chat_messages m \
             ON m.id = q.message_id WHERE m.message = 'last'",
            "processed".to_owned(),
        )
        .await;
    secrets.extend(webhook_tokens(&world).await);
    world.stop_bridge();

    let log = world.log();
    assert!(
        log.contains("TRACE") || log.contains("DEBUG"),
        "nothing was logged:\n{log}"
    );
    for (what, secret) in secrets {
        assert!(secret.len() > 5, "{what} is no secret: {secret}");
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{what} is in the log");
    }
}

async fn secrets(world: &World) -> Vec<(String, String)> {
    let url = Url::parse(world.database_url()).expect("a URL");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut secrets = vec![
        (
            "the bot's token".to_owned(),
            text(&world.discord()["discord"]["bot_token"]),
        ),
        (
            "the database's password".to_owned(),
            url.password().expect("one").to_owned(),
        ),
        (
            "the executor's token".to_owned(),
            text(&world.run()["control_api"]["token"]),
        ),
    ];
    secrets.extend(webhook_tokens(world).await);
    assert!(secrets.len() >= 6, "three rooms have a webhook");
    secrets
}

/// Only the bot itself is told the tokens of its webhooks.
async fn webhook_tokens(world: &World) -> Vec<(String, String)> {
    let bot = Person::bot(world.discord());
    let path = format!("/guilds/{}/webhooks", world.guild());
    let (status, hooks) = bot.call(Method::GET, &path, None).await;
    assert!(status.is_success(), "{status} {hooks}");
    let hooks = hooks.as_array().expect("a list");
    let token = |hook: &Value| {
        Some((
            "a webhook's token".to_owned(),
            hook["token"].as_str()?.to_owned(),
        ))
    };
    hooks.iter().filter_map(token).collect()
}
