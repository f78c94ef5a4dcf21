//! Rate limits.

use std::time::{Duration, Instant};

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Answer, World};

fn number(answer: &Answer, header: &str) -> f64 {
    answer
        .header(header)
        .and_then(|text| text.parse().ok())
        .unwrap_or(f64::NAN)
}

async fn say(world: &World) -> Result<Answer> {
    let path = format!("/channels/{}/messages", world.general);
    world
        .bot(Method::POST, &path, Some(json!({"content": "x"})))
        .await
}

#[tokio::test]
async fn a_window_starts_with_its_first_request_and_headers_tell_it() -> Result<()> {
    let world = World::limited().await?;
    let first = say(&world).await?;
    assert_eq!(
        (
            first.header("x-ratelimit-limit"),
            first.header("x-ratelimit-remaining")
        ),
        (Some("5"), Some("4"))
    );
    let window = number(&first, "x-ratelimit-reset-after");
    assert!(window > 4.0 && window <= 5.0, "{window}");
    assert!(number(&first, "x-ratelimit-reset") > 1.7e9);
    assert!(first.header("x-ratelimit-bucket").is_some());
    for _ in 0..4 {
        say(&world).await?.is(200);
    }
    let refused = say(&world).await?;
    refused.refuses(429, 0);
    assert_eq!(refused.header("x-ratelimit-scope"), Some("user"));
    assert_eq!(refused.body["global"], false);
    let wait = refused.body["retry_after"].as_f64().unwrap_or_default();
    assert!(wait > 0.0 && wait <= 5.0, "{wait}");
    assert!(number(&refused, "retry-after") >= wait);
    // The end of the window is what is promised, neither earlier nor later.
    tokio::time::sleep(Duration::from_secs_f64(wait)).await;
    say(&world).await?.is(200);
    Ok(())
}

#[tokio::test]
async fn edits_deletes_and_other_channels_have_their_own_buckets() -> Result<()> {
    let world = World::limited().await?;
    let mut last = Value::Null;
    for _ in 0..5 {
        last = say(&world).await?.is(200);
    }
    let path = format!(
        "/channels/{}/messages/{}",
        world.general,
        last["id"].as_str().unwrap_or_default()
    );
    let edit = world
        .bot(Method::PATCH, &path, Some(json!({"content": "y"})))
        .await?;
    assert_eq!(
        (edit.status, edit.header("x-ratelimit-remaining")),
        (200, Some("4"))
    );
    let delete = world.bot(Method::DELETE, &path, None).await?;
    assert_eq!(
        (delete.status, delete.header("x-ratelimit-remaining")),
        (204, Some("4"))
    );
    let other = world.channel(json!({"name": "other"})).await?;
    let path = format!(
        "/channels/{}/messages",
        other["id"].as_str().unwrap_or_default()
    );
    world
        .bot(Method::POST, &path, Some(json!({"content": "x"})))
        .await?
        .is(200);
    Ok(())
}

#[tokio::test]
async fn webhooks_share_a_hidden_limit_per_channel() -> Result<()> {
    let world = World::limited().await?;
    let mut refused = None;
    let hooks = [
        world.hook(&world.general).await?,
        world.hook(&world.general).await?,
    ];
    let hooks = [&hooks[..], &[world.hook(&world.general).await?]].concat();
    let started = Instant::now();
    let mut passed = 0;
    // Three webhooks of one channel at 5 per 2 s each: the thirty of the channel are used up first.
    while refused.is_none() && started.elapsed() < Duration::from_secs(20) {
        for hook in &hooks {
            let answer = world
                .nobody(Method::POST, hook, Some(json!({"content": "x"})))
                .await?;
            match answer.status {
                204 => passed += 1,
                _ if answer.body["retry_after"]
                    .as_f64()
                    .is_some_and(|wait| wait > 5.0) =>
                {
                    refused = Some(answer);
                }
                _ => {
                    let wait = answer.body["retry_after"].as_f64().unwrap_or_default();
                    tokio::time::sleep(Duration::from_secs_f64(wait)).await;
                }
            }
        }
    }
    assert_eq!(passed, 30);
    let refused = refused.expect("the hidden limit");
    assert_eq!(
        (refused.status, refused.header("x-ratelimit-scope")),
        (429, Some("user"))
    );
    assert!(number(&refused, "retry-after") > 30.0);
    Ok(())
}

#[tokio::test]
async fn a_channel_is_renamed_twice_in_ten_minutes() -> Result<()> {
    let world = World::limited().await?;
    let path = format!("/channels/{}", world.general);
    let rename = |name: &str| world.bot(Method::PATCH, &path, Some(json!({"name": name})));
    assert_eq!(
        rename("one").await?.header("x-ratelimit-limit"),
        Some("10"),
        "the small limit is not shown"
    );
    rename("two").await?.is(200);
    let refused = rename("three").await?;
    refused.refuses(429, 0);
    assert!(
        refused.body["retry_after"]
            .as_f64()
            .is_some_and(|wait| wait > 590.0),
        "{}",
        refused.body
    );
    world
        .bot(Method::PATCH, &path, Some(json!({"nsfw": true})))
        .await?
        .is(200);
    Ok(())
}

#[tokio::test]
async fn the_fifty_first_request_of_a_second_is_refused_globally() -> Result<()> {
    let world = World::limited().await?;
    let mut paths = Vec::new();
    for n in 0..4 {
        let made = world.channel(json!({"name": format!("c{n}")})).await?;
        paths.push(format!(
            "/channels/{}",
            made["id"].as_str().unwrap_or_default()
        ));
    }
    let mut refused = None;
    for _ in 0..8 {
        let burst = (0..100).map(|n| world.bot(Method::GET, &paths[n % 4], None));
        let answers = all(burst).await?;
        refused = answers
            .into_iter()
            .find(|answer| answer.body["global"] == true);
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("a global 429");
    refused.refuses(429, 0);
    assert_eq!(refused.header("x-ratelimit-global"), Some("true"));
    assert_eq!(refused.header("x-ratelimit-scope"), Some("global"));
    Ok(())
}

async fn all(
    requests: impl Iterator<Item = impl Future<Output = Result<Answer>>>,
) -> Result<Vec<Answer>> {
    futures_util::future::try_join_all(requests).await
}

#[tokio::test]
async fn people_are_limited_only_when_they_type_too_fast() -> Result<()> {
    let world = World::limited().await?;
    let path = format!("/channels/{}/messages", world.general);
    let say = || world.zack(Method::POST, &path, Some(json!({"content": "x"})));
    for _ in 0..10 {
        say().await?.is(200);
    }
    say().await?.refuses(429, 0);
    world.zack(Method::GET, &path, None).await?.is(200);
    Ok(())
}

#[tokio::test]
async fn off_means_no_waiting_and_no_headers() -> Result<()> {
    let world = World::start().await?;
    for _ in 0..60 {
        let answer = say(&world).await?;
        assert_eq!(
            (answer.status, answer.header("x-ratelimit-limit")),
            (200, None)
        );
    }
    world
        .control(Method::POST, "/faults", &json!({"rate_limits": "discord"}))
        .await?
        .is(204);
    assert_eq!(say(&world).await?.header("x-ratelimit-limit"), Some("5"));
    Ok(())
}

#[tokio::test]
async fn ten_thousand_invalid_requests_are_a_ban() -> Result<()> {
    let world = World::limited().await?;
    world.bot(Method::GET, "/users/@me", None).await?.is(200);
    let before = world
        .control(Method::GET, "/stats", &json!(null))
        .await?
        .is(200);
    assert_eq!(before["invalid_requests"], 0);
    world
        .as_token(Method::GET, "/users/@me", None, Some("Bot wrong"))
        .await?
        .refuses(401, 0);
    world
        .control(Method::POST, "/invalid_requests", &json!({"count": 9_999}))
        .await?
        .is(204);
    world.bot(Method::GET, "/users/@me", None).await?.is(200);
    world
        .as_token(Method::GET, "/users/@me", None, Some("Bot wrong"))
        .await?
        .refuses(401, 0);
    let banned = world.bot(Method::GET, "/users/@me", None).await?;
    assert_eq!(
        (banned.status, banned.header("content-type")),
        (403, Some("text/html"))
    );
    assert!(
        banned
            .body
            .as_str()
            .is_some_and(|page| page.contains("1015"))
    );
    let stats = world
        .control(Method::GET, "/stats", &json!(null))
        .await?
        .is(200);
    assert_eq!(
        (
            stats["banned"].as_bool(),
            stats["invalid_requests"].as_u64()
        ),
        (Some(true), Some(10_001))
    );
    world.zack(Method::GET, "/users/@me", None).await?.is(200);
    Ok(())
}
