//! Threads and forum posts.

use anyhow::Result;
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::world::{World, id, read};

#[tokio::test]
async fn a_message_starts_one_thread() -> Result<()> {
    let world = World::start().await?;
    let message = world.say("topic").await?;
    let path = format!("/channels/{}/messages/{message}/threads", world.general);
    let start = || world.bot(Method::POST, &path, Some(json!({"name": "Talk"})));
    let thread = start().await?.is(201);
    assert_eq!(
        (thread["id"].as_str(), thread["type"].as_u64()),
        (Some(message.as_str()), Some(11))
    );
    assert_eq!(thread["thread_metadata"]["archived"], false);
    start().await?.refuses(400, 160_004);
    let path = format!("/channels/{}/messages/{message}", world.general);
    let starter = world.bot(Method::GET, &path, None).await?.is(200);
    assert_eq!(
        (
            starter["flags"].as_u64(),
            starter["thread"]["name"].as_str()
        ),
        (Some(32), Some("Talk"))
    );
    Ok(())
}

#[tokio::test]
async fn a_thread_without_a_type_is_private() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/threads", world.general);
    world
        .bot(Method::POST, &path, Some(json!({"name": "t"})))
        .await?
        .refuses(403, 50013);
    let thread = world
        .zack(Method::POST, &path, Some(json!({"name": "t"})))
        .await?
        .is(201);
    assert_eq!(thread["type"], 12);
    let path = format!("/channels/{}", id(&thread)?);
    world
        .mallory(Method::GET, &path, None)
        .await?
        .refuses(403, 50001);
    let add = format!("{path}/thread-members/{}", world.person("mallory").id);
    world.zack(Method::PUT, &add, None).await?.is(204);
    world.mallory(Method::GET, &path, None).await?.is(200);
    Ok(())
}

#[tokio::test]
async fn an_archived_thread_wakes_when_somebody_writes() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/threads", world.general);
    let thread = id(&world
        .bot(Method::POST, &path, Some(json!({"name": "t", "type": 11})))
        .await?
        .is(201))?;
    let path = format!("/channels/{thread}");
    let say = json!({"content": "x"});
    let message = world
        .bot(Method::POST, &format!("{path}/messages"), Some(say.clone()))
        .await?
        .is(200);
    let one = format!("{path}/messages/{}", id(&message)?);
    let archive = || world.bot(Method::PATCH, &path, Some(json!({"archived": true})));
    archive().await?.is(200);
    world
        .bot(Method::PATCH, &one, Some(say.clone()))
        .await?
        .refuses(400, 50083);
    world
        .bot(Method::PUT, &format!("{one}/reactions/%E2%9C%85/@me"), None)
        .await?
        .refuses(400, 50083);
    world
        .bot(Method::PATCH, &path, Some(json!({"name": "n"})))
        .await?
        .refuses(400, 50083);
    let listed = world
        .bot(
            Method::GET,
            &format!("/channels/{}/threads/archived/public", world.general),
            None,
        )
        .await?;
    assert_eq!(
        listed.is(200)["threads"][0]["id"].as_str(),
        Some(thread.as_str())
    );
    world
        .mallory(Method::POST, &format!("{path}/messages"), Some(say.clone()))
        .await?
        .is(200);
    assert_eq!(
        world.bot(Method::GET, &path, None).await?.is(200)["thread_metadata"]["archived"],
        false
    );
    world
        .bot(Method::PATCH, &one, Some(say.clone()))
        .await?
        .is(200);
    Ok(())
}

#[tokio::test]
async fn a_locked_thread_takes_only_its_managers() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/threads", world.general);
    let body = json!({"name": "t", "type": 11});
    let thread = id(&world.bot(Method::POST, &path, Some(body)).await?.is(201))?;
    let path = format!("/channels/{thread}");
    let say = json!({"content": "x"});
    let message = world
        .bot(Method::POST, &format!("{path}/messages"), Some(say.clone()))
        .await?
        .is(200);
    let one = format!("{path}/messages/{}", id(&message)?);
    let lock = json!({"archived": true, "locked": true});
    world
        .mallory(Method::PATCH, &path, Some(lock.clone()))
        .await?
        .refuses(403, 50013);
    world.bot(Method::PATCH, &path, Some(lock)).await?.is(200);
    // Deleting works for ever.
    world
        .mallory(Method::POST, &format!("{path}/messages"), Some(say.clone()))
        .await?
        .refuses(400, 160_005);
    world.bot(Method::DELETE, &one, None).await?.is(204);
    world
        .bot(Method::POST, &format!("{path}/messages"), Some(say))
        .await?
        .is(200);
    Ok(())
}

#[tokio::test]
async fn a_webhook_wakes_an_archived_thread() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/threads", world.general);
    let thread = id(&world
        .bot(Method::POST, &path, Some(json!({"name": "t", "type": 11})))
        .await?
        .is(201))?;
    let hook = world.hook(&world.general).await?;
    let path = format!("/channels/{thread}");
    world
        .bot(Method::PATCH, &path, Some(json!({"archived": true})))
        .await?
        .is(200);
    let into = format!("{hook}?wait=true&thread_id={thread}");
    world
        .nobody(Method::POST, &into, Some(json!({"content": "x"})))
        .await?
        .is(200);
    assert_eq!(
        world.bot(Method::GET, &path, None).await?.is(200)["thread_metadata"]["archived"],
        false
    );
    Ok(())
}

#[tokio::test]
async fn a_guild_has_1000_active_threads() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/threads", world.general);
    let mut last = String::new();
    for n in 0..1000 {
        let body = json!({"name": format!("t{n}"), "type": 11});
        last = id(&world.bot(Method::POST, &path, Some(body)).await?.is(201))?;
    }
    let start = || {
        world.bot(
            Method::POST,
            &path,
            Some(json!({"name": "one more", "type": 11})),
        )
    };
    start().await?.refuses(400, 160_006);
    world
        .bot(
            Method::PATCH,
            &format!("/channels/{last}"),
            Some(json!({"archived": true})),
        )
        .await?
        .is(200);
    start().await?.is(201);
    let active = world
        .bot(
            Method::GET,
            &format!("/guilds/{}/threads/active", world.guild()),
            None,
        )
        .await?
        .is(200);
    assert_eq!(active["threads"].as_array().map(Vec::len), Some(1000));
    Ok(())
}

#[tokio::test]
async fn a_forum_takes_posts_with_tags_only() -> Result<()> {
    let world = World::start().await?;
    let tags = json!([{"name": "open"}, {"name": "done"}]);
    let forum = world
        .channel(json!({"name": "tasks", "type": 15, "available_tags": tags, "flags": 16}))
        .await?;
    let (path, tag) = (
        format!("/channels/{}", id(&forum)?),
        forum["available_tags"][0]["id"].clone(),
    );
    let text = json!({"content": "x"});
    world
        .bot(
            Method::POST,
            &format!("{path}/messages"),
            Some(text.clone()),
        )
        .await?
        .refuses(400, 40058);
    let token = format!("Bot {}", world.sandbox.info().bot_token);
    let post = |body: Value| {
        // Forum posts come as multipart from serenity.
        let body = Form::new().text("payload_json", body.to_string());
        read(
            world
                .request(Method::POST, &format!("{path}/threads"), Some(&token))
                .multipart(body),
        )
    };
    post(json!({"name": "p", "message": text}))
        .await?
        .refuses(400, 40067);
    post(json!({"name": "p", "message": text, "applied_tags": ["5"]}))
        .await?
        .refuses(404, 10087);
    post(json!({"name": "p", "applied_tags": [tag]}))
        .await?
        .blames("message", "BASE_TYPE_REQUIRED");
    let six = vec![tag.clone(); 6];
    post(json!({"name": "p", "message": text, "applied_tags": six}))
        .await?
        .blames("applied_tags", "BASE_TYPE_MAX_LENGTH");
    let made = post(json!({"name": "p", "message": text, "applied_tags": [tag]}))
        .await?
        .is(201);
    assert_eq!(made["message"]["id"], made["id"]);
    assert_eq!(made["applied_tags"], json!([tag]));
    Ok(())
}

#[tokio::test]
async fn a_forum_has_20_tags_of_different_names_and_one_pinned_post() -> Result<()> {
    let world = World::start().await?;
    let tags = json!([{"name": "open"}]);
    let forum = world
        .channel(json!({"name": "tasks", "type": 15, "available_tags": tags}))
        .await?;
    let (path, tag) = (
        format!("/channels/{}", id(&forum)?),
        forum["available_tags"][0]["id"].clone(),
    );
    let change =
        |tags: Value| world.bot(Method::PATCH, &path, Some(json!({"available_tags": tags})));
    change(json!([{"name": "a"}, {"name": "a"}]))
        .await?
        .refuses(400, 40061);
    let many: Vec<Value> = (0..21).map(|n| json!({"name": n.to_string()})).collect();
    change(json!(many)).await?.refuses(400, 30048);
    let kept = change(json!([{"id": tag, "name": "opened"}]))
        .await?
        .is(200);
    assert_eq!(kept["available_tags"][0]["id"], tag);
    let mut posts = Vec::new();
    for n in 0..2 {
        let body = json!({"name": n.to_string(), "message": {"content": "x"}});
        let made = world
            .bot(Method::POST, &format!("{path}/threads"), Some(body))
            .await?
            .is(201);
        posts.push(format!("/channels/{}", id(&made)?));
    }
    let pin = json!({"flags": 2});
    world
        .bot(Method::PATCH, &posts[0], Some(pin.clone()))
        .await?
        .is(200);
    world
        .bot(Method::PATCH, &posts[1], Some(pin))
        .await?
        .refuses(400, 30047);
    Ok(())
}
