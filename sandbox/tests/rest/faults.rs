//! Faults on request, and the log of what bots asked for.

use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

use crate::world::{World, read};

const EXECUTE: &str = "POST /webhooks/{webhook_id}/{webhook_token}";

async fn texts(world: &World) -> Result<Vec<String>> {
    let path = format!("/channels/{}/messages", world.general);
    let page = world.zack(Method::GET, &path, None).await?.is(200);
    Ok(page
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|found| found["content"].as_str())
        .map(ToOwned::to_owned)
        .collect())
}

#[tokio::test]
async fn a_status_is_answered_so_often_and_nothing_is_done() -> Result<()> {
    let world = World::start().await?;
    let hook = world.hook(&world.general).await?;
    let fault = json!({"route": EXECUTE, "count": 2, "status": 503});
    world
        .control(Method::POST, "/faults", &fault)
        .await?
        .is(204);
    let send = |text: &str| world.nobody(Method::POST, &hook, Some(json!({"content": text})));
    send("one").await?.is(503);
    send("two").await?.is(503);
    // People are not hit.
    let path = format!("/channels/{}/messages", world.general);
    world
        .zack(Method::POST, &path, Some(json!({"content": "person"})))
        .await?
        .is(200);
    send("three").await?.is(204);
    assert_eq!(texts(&world).await?, ["three", "person"]);
    let fault = json!({"route": EXECUTE, "count": 5, "status": 404});
    world
        .control(Method::POST, "/faults", &fault)
        .await?
        .is(204);
    send("four").await?.refuses(404, 10015);
    world
        .control(Method::DELETE, "/faults", &json!(null))
        .await?
        .is(204);
    send("five").await?.is(204);
    Ok(())
}

#[tokio::test]
async fn a_swallowed_answer_leaves_the_work_done() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let fault =
        json!({"route": "POST /channels/{channel_id}/messages", "count": 1, "swallow": true});
    world
        .control(Method::POST, "/faults", &fault)
        .await?
        .is(204);
    let lost = world
        .bot(Method::POST, &path, Some(json!({"content": "lost answer"})))
        .await;
    assert!(lost.is_err(), "{lost:?}");
    assert_eq!(texts(&world).await?, ["lost answer"]);
    world
        .bot(Method::POST, &path, Some(json!({"content": "next"})))
        .await?
        .is(200);
    Ok(())
}

#[tokio::test]
async fn a_delay_comes_before_the_work() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let fault =
        json!({"route": "POST /channels/{channel_id}/messages", "count": 1, "delay_ms": 700});
    world
        .control(Method::POST, "/faults", &fault)
        .await?
        .is(204);
    let started = Instant::now();
    let slow = world.bot(Method::POST, &path, Some(json!({"content": "slow"})));
    let fast = world.zack(Method::POST, &path, Some(json!({"content": "fast"})));
    let (slow, fast) = tokio::join!(slow, fast);
    slow?.is(200);
    fast?.is(200);
    assert!(started.elapsed() >= Duration::from_millis(700));
    assert_eq!(texts(&world).await?, ["slow", "fast"]);
    Ok(())
}

#[tokio::test]
async fn a_fault_that_does_not_exist_is_refused() -> Result<()> {
    let world = World::start().await?;
    for wrong in [
        json!({"drop_gateway": true}),
        json!({"route": "messages", "status": 500}),
        json!({"route": EXECUTE}),
        json!({"route": EXECUTE, "status": 200}),
        json!({"rate_limits": "maybe"}),
        json!([]),
    ] {
        assert_eq!(
            world.control(Method::POST, "/faults", &wrong).await?.status,
            400,
            "{wrong}"
        );
    }
    Ok(())
}

/// The requests after the `n`-th.
async fn log(world: &World, n: u64) -> Result<Vec<Value>> {
    let all = world
        .control(Method::GET, &format!("/requests?after={n}"), &json!(null))
        .await?
        .is(200);
    Ok(all.as_array().cloned().unwrap_or_default())
}

#[tokio::test]
async fn the_log_tells_what_bots_asked() -> Result<()> {
    let world = World::start().await?;
    let n = |entry: &Value| entry["n"].as_u64().unwrap_or_default();
    world.say("before").await?;
    let last = log(&world, 0).await?.last().map(n).unwrap_or_default();
    assert!(last > 0);
    let path = format!("/channels/{}/messages", world.general);
    world
        .bot(Method::POST, &path, Some(json!({"content": "a"})))
        .await?
        .is(200);
    world.zack(Method::GET, "/users/@me", None).await?.is(200);
    let form = Form::new()
        .text("payload_json", json!({"content": "b"}).to_string())
        .part("files[0]", Part::bytes(vec![1]).file_name("f.bin"));
    let token = format!("Bot {}", world.sandbox.info().bot_token);
    read(
        world
            .request(Method::POST, &path, Some(&token))
            .multipart(form),
    )
    .await?
    .is(200);
    world
        .bot(Method::GET, "/channels/5?limit=3", None)
        .await?
        .is(404);
    let new = log(&world, last).await?;
    assert_eq!(new.len(), 3, "people's requests are not in it: {new:?}");
    assert_eq!(
        (n(&new[0]), &new[0]["method"], &new[0]["status"]),
        (last + 1, &json!("POST"), &json!(200))
    );
    assert_eq!(new[0]["path"], format!("/api/v10{path}"));
    assert_eq!(new[0]["route"], "/channels/{channel_id}/messages");
    assert_eq!(
        (&new[0]["body"], &new[1]["body"]),
        (&json!({"content": "a"}), &json!({"content": "b"}))
    );
    assert_eq!(
        (&new[2]["body"], &new[2]["status"], &new[2]["query"]),
        (&json!(null), &json!(404), &json!("limit=3"))
    );
    assert!(
        new[0]["at_us"]
            .as_u64()
            .is_some_and(|at| at > 1_700_000_000_000_000)
    );
    Ok(())
}

#[tokio::test]
async fn the_log_keeps_no_webhook_token() -> Result<()> {
    let world = World::start().await?;
    let hook = world.hook(&world.general).await?;
    world
        .nobody(Method::POST, &hook, Some(json!({"content": "a"})))
        .await?
        .is(204);
    let all = log(&world, 0).await?;
    let entry = all.last().cloned().unwrap_or_default();
    assert_eq!(entry["route"], "/webhooks/{webhook_id}/{webhook_token}");
    assert!(
        entry["path"]
            .as_str()
            .is_some_and(|path| path.ends_with("/***")),
        "{entry}"
    );
    let secret = hook.rsplit('/').next().unwrap_or_default();
    assert!(!Value::Array(all).to_string().contains(secret));
    Ok(())
}
