//! Webhooks and what they write.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, id};

#[tokio::test]
async fn a_persona_writes_through_a_webhook() -> Result<()> {
    let world = World::start().await?;
    let hook = world.hook(&world.general).await?;
    let body = json!({"content": "hi", "username": "Trunks (ClawdOS)", "avatar_url": "https://example.org/a.png"});
    let made = world
        .nobody(
            Method::POST,
            &format!("{hook}?wait=true"),
            Some(body.clone()),
        )
        .await?
        .is(200);
    assert_eq!(
        (
            made["author"]["username"].as_str(),
            made["author"]["bot"].as_bool()
        ),
        (Some("Trunks (ClawdOS)"), Some(true))
    );
    assert_eq!(made["author"]["id"], made["webhook_id"]);
    assert_eq!(
        made["application_id"],
        world.sandbox.info().application_id.as_str()
    );
    assert_eq!(
        made["author"]["avatar"].as_str().map(str::len),
        Some(32),
        "clients insist on a hash"
    );
    world.nobody(Method::POST, &hook, Some(body)).await?.is(204);

    let one = format!("{hook}/messages/{}", id(&made)?);
    assert_eq!(
        world.nobody(Method::GET, &one, None).await?.is(200)["content"],
        "hi"
    );
    let edited = world
        .nobody(Method::PATCH, &one, Some(json!({"content": "ho"})))
        .await?
        .is(200);
    assert_eq!(edited["content"], "ho");
    let other = world.hook(&world.general).await?;
    let stolen = format!("{other}/messages/{}", id(&made)?);
    world
        .nobody(Method::PATCH, &stolen, Some(json!({"content": "x"})))
        .await?
        .refuses(404, 10008);
    world.nobody(Method::DELETE, &one, None).await?.is(204);
    world
        .nobody(Method::GET, &one, None)
        .await?
        .refuses(404, 10008);
    Ok(())
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_not_a_webhook_with_a_wrong_token() -> Result<()> {
    let world = World::start().await?;
    let hook = world.hook(&world.general).await?;
    let body = json!({"content": "hi"});
    let (base, _) = hook.rsplit_once('/').unwrap_or_default();
    world
        .nobody(Method::POST, &format!("{base}/wrong"), Some(body.clone()))
        .await?
        .refuses(401, 50027);
    world.zack(Method::DELETE, base, None).await?.is(204);
    world
        .nobody(Method::POST, &hook, Some(body))
        .await?
        .refuses(404, 10015);
    world
        .bot(Method::GET, base, None)
        .await?
        .refuses(404, 10015);
    Ok(())
}

#[tokio::test]
async fn names_that_discord_forbids_are_refused() -> Result<()> {
    let world = World::start().await?;
    let hook = world.hook(&world.general).await?;
    let cases = [
        ("Discord fan", "USERNAME_INVALID_CONTAINS"),
        ("xCLYDEx", "USERNAME_INVALID_CONTAINS"),
        ("everyone", "USERNAME_INVALID"),
        ("Here", "USERNAME_INVALID"),
        ("", "BASE_TYPE_BAD_LENGTH"),
    ];
    let long = "n".repeat(81);
    for (name, code) in cases
        .into_iter()
        .chain([(long.as_str(), "BASE_TYPE_BAD_LENGTH")])
    {
        let body = json!({"content": "hi", "username": name});
        world
            .nobody(Method::POST, &hook, Some(body))
            .await?
            .blames("username", code);
        let path = format!("/channels/{}/webhooks", world.general);
        world
            .bot(Method::POST, &path, Some(json!({"name": name})))
            .await?
            .blames("name", code);
    }
    Ok(())
}

#[tokio::test]
async fn a_channel_has_15_webhooks() -> Result<()> {
    let world = World::start().await?;
    for _ in 0..15 {
        world.hook(&world.general).await?;
    }
    let path = format!("/channels/{}/webhooks", world.general);
    world
        .bot(Method::POST, &path, Some(json!({"name": "one more"})))
        .await?
        .refuses(400, 30007);
    let listed = world.bot(Method::GET, &path, None).await?.is(200);
    assert_eq!(listed.as_array().map(Vec::len), Some(15));
    assert!(listed[0]["token"].is_string());
    let for_owner = world.zack(Method::GET, &path, None).await?.is(200);
    assert!(
        for_owner[0]["token"].is_null(),
        "an application's webhook keeps its token from people"
    );
    Ok(())
}

#[tokio::test]
async fn a_forum_wants_a_thread_or_a_name_for_one() -> Result<()> {
    let world = World::start().await?;
    let forum = world.channel(json!({"name": "tasks", "type": 15})).await?;
    let hook = world.hook(&id(&forum)?).await?;
    let path = format!("{hook}?wait=true");
    world
        .nobody(Method::POST, &path, Some(json!({"content": "x"})))
        .await?
        .refuses(400, 220_001);
    let body = json!({"content": "first", "thread_name": "Task 1"});
    let made = world
        .nobody(Method::POST, &path, Some(body.clone()))
        .await?
        .is(200);
    let thread = made["channel_id"].as_str().unwrap_or_default();
    assert_eq!(
        made["id"].as_str(),
        Some(thread),
        "the first message has the thread's id"
    );
    let in_thread = format!("{path}&thread_id={thread}");
    world
        .nobody(Method::POST, &in_thread, Some(body.clone()))
        .await?
        .refuses(400, 220_002);
    let second = world
        .nobody(Method::POST, &in_thread, Some(json!({"content": "second"})))
        .await?
        .is(200);
    assert_eq!(second["channel_id"].as_str(), Some(thread));
    let edit = format!("{hook}/messages/{}", id(&second)?);
    world
        .nobody(Method::PATCH, &edit, Some(json!({"content": "x"})))
        .await?
        .refuses(404, 10008);
    world
        .nobody(
            Method::PATCH,
            &format!("{edit}?thread_id={thread}"),
            Some(json!({"content": "x"})),
        )
        .await?
        .is(200);
    let elsewhere = world.hook(&world.general).await?;
    world
        .nobody(Method::POST, &elsewhere, Some(body))
        .await?
        .refuses(400, 220_003);
    let foreign = format!("{elsewhere}?thread_id={thread}");
    world
        .nobody(Method::POST, &foreign, Some(json!({"content": "x"})))
        .await?
        .refuses(404, 10003);
    Ok(())
}
