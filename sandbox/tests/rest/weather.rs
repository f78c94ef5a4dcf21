//! Bad weather at Discord, which bots meet and people do not.

use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, World};

async fn weather(world: &World, body: Value) -> Result<Answer> {
    world.control(Method::POST, "/faults", &body).await
}

async fn trouble(world: &World) -> Result<Value> {
    let answer = world.control(Method::GET, "/trouble", &json!(null)).await?;
    Ok(answer.is(200))
}

async fn bot(world: &World) -> Result<Answer> {
    world.bot(Method::GET, "/users/@me", None).await
}

#[tokio::test]
async fn three_of_four_calls_are_rate_limited_and_held_against_nobody() -> Result<()> {
    let world = World::limited().await?;
    let hook = world.hook(&world.general).await?;
    weather(&world, json!({"weather": "rate_limited"}))
        .await?
        .is(204);
    let mut seen = Vec::new();
    for _ in 0..4 {
        let body = json!({"content": "hi"});
        seen.push(world.nobody(Method::POST, &hook, Some(body)).await?);
    }
    let statuses: Vec<_> = seen.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [429, 429, 429, 204]);
    let limited = &seen[0];
    assert_eq!(limited.header("x-ratelimit-scope"), Some("user"));
    assert_eq!(limited.header("retry-after"), Some("1"));
    assert_eq!(limited.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(limited.header("x-ratelimit-reset-after"), Some("1.000"));
    assert_eq!(limited.header("x-ratelimit-limit"), Some("5"));
    assert_eq!(
        limited.header("x-ratelimit-bucket"),
        seen[3].header("x-ratelimit-bucket")
    );
    assert_eq!(limited.body["retry_after"], 1.0);
    assert_eq!(limited.body["global"], false);
    for _ in 0..8 {
        world.zack(Method::GET, "/users/@me", None).await?.is(200);
    }
    let stats = world
        .control(Method::GET, "/stats", &json!(null))
        .await?
        .is(200);
    assert_eq!(stats["invalid_requests"], 0, "{stats}");
    Ok(())
}

#[tokio::test]
async fn discord_fails_as_its_edge_does_until_the_weather_is_over() -> Result<()> {
    let world = World::limited().await?;
    assert_eq!(
        trouble(&world).await?,
        json!({"weather": "fair", "seconds_left": 0, "switches": []})
    );
    weather(&world, json!({"weather": "failing", "seconds": 1}))
        .await?
        .is(204);
    assert_eq!(
        trouble(&world).await?,
        json!({"weather": "failing", "seconds_left": 1, "switches": []})
    );
    let failed = bot(&world).await?;
    assert_eq!(failed.status, 503);
    assert!(
        failed.body.is_string(),
        "no JSON of the API: {}",
        failed.body
    );
    let path = format!("/channels/{}/messages", world.general);
    let body = json!({"content": "not hit"});
    world.zack(Method::POST, &path, Some(body)).await?.is(200);
    world
        .nobody(Method::POST, "/auth/login", Some(json!({"login": "zack"})))
        .await?
        .is(200);
    let deadline = Instant::now() + Duration::from_secs(10);
    while bot(&world).await?.status == 503 {
        assert!(Instant::now() < deadline, "it ends by itself");
    }
    assert_eq!(trouble(&world).await?["weather"], "fair");
    Ok(())
}

#[tokio::test]
async fn discord_is_slow_and_is_made_fair_at_once() -> Result<()> {
    let world = World::limited().await?;
    for over in [Method::DELETE, Method::POST] {
        weather(&world, json!({"weather": "slow"})).await?.is(204);
        let told = trouble(&world).await?;
        assert_eq!(
            (&told["weather"], &told["seconds_left"]),
            (&json!("slow"), &json!(60))
        );
        let started = Instant::now();
        bot(&world).await?.is(200);
        assert!(started.elapsed() >= Duration::from_millis(1500));
        let fair = json!({"weather": "fair"});
        world.control(over, "/faults", &fair).await?.is(204);
        assert_eq!(trouble(&world).await?["weather"], "fair");
        let started = Instant::now();
        bot(&world).await?.is(200);
        assert!(started.elapsed() < Duration::from_millis(1500));
    }
    Ok(())
}

#[tokio::test]
async fn weather_that_there_is_not_is_refused() -> Result<()> {
    let world = World::limited().await?;
    for wrong in [
        json!({"weather": "sunny"}),
        json!({"weather": 5}),
        json!({"weather": "slow", "seconds": 0}),
        json!({"weather": "slow", "seconds": 601}),
        json!({"weather": "slow", "seconds": "60"}),
        json!({"seconds": 60}),
        json!({"drop_gateways": "people"}),
    ] {
        let answer = weather(&world, wrong.clone()).await?;
        assert_eq!(answer.status, 400, "{wrong}");
        assert!(answer.body["message"].is_string(), "{}", answer.body);
    }
    assert_eq!(trouble(&world).await?["weather"], "fair");
    Ok(())
}
