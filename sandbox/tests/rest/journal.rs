//! What survives.

use anyhow::Result;
use clawdos_sandbox::Sandbox;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, id, options};

#[tokio::test]
async fn messages_webhooks_and_nonces_survive_a_kill() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let world = World::on(dir.path()).await?;
    let message = world.say("before").await?;
    let path = format!("/channels/{}/messages/{message}", world.general);
    world
        .bot(Method::PATCH, &path, Some(json!({"content": "changed"})))
        .await?
        .is(200);
    world
        .zack(
            Method::PUT,
            &format!("{path}/reactions/%E2%9C%85/@me"),
            None,
        )
        .await?
        .is(204);
    let gone = world.say("gone").await?;
    world
        .bot(
            Method::DELETE,
            &format!("/channels/{}/messages/{gone}", world.general),
            None,
        )
        .await?
        .is(204);
    let hook = world.hook(&world.general).await?;
    let body = json!({"content": "n", "nonce": "once", "enforce_nonce": true});
    let posts = format!("/channels/{}/messages", world.general);
    let nonced = id(&world
        .bot(Method::POST, &posts, Some(body.clone()))
        .await?
        .is(200))?;
    // No flush, no goodbye: what a kill leaves is a copy of the folder at this moment.
    let copy = tempfile::tempdir()?;
    std::fs::copy(
        dir.path().join("journal.jsonl"),
        copy.path().join("journal.jsonl"),
    )?;

    let world = World::on(copy.path()).await?;
    let found = world.bot(Method::GET, &path, None).await?.is(200);
    assert_eq!(
        (
            found["content"].as_str(),
            found["reactions"][0]["count"].as_u64()
        ),
        (Some("changed"), Some(1))
    );
    let path = format!("/channels/{}/messages/{gone}", world.general);
    world
        .bot(Method::GET, &path, None)
        .await?
        .refuses(404, 10008);
    world
        .nobody(Method::POST, &hook, Some(json!({"content": "still"})))
        .await?
        .is(204);
    assert_eq!(
        id(&world.bot(Method::POST, &posts, Some(body)).await?.is(200))?,
        nonced
    );
    assert!(world.say("later").await?.parse::<u64>()? > gone.parse()?);
    Ok(())
}

#[tokio::test]
async fn ids_and_tokens_are_minted_once() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let sandbox = Sandbox::start(options(dir.path())).await?;
    let before = serde_json::to_value(sandbox.info())?;
    drop(sandbox);
    let copy = tempfile::tempdir()?;
    std::fs::copy(
        dir.path().join("journal.jsonl"),
        copy.path().join("journal.jsonl"),
    )?;
    let sandbox = Sandbox::start(options(copy.path())).await?;
    let after = serde_json::to_value(sandbox.info())?;
    for key in ["application_id", "guild_id", "bot_token", "users"] {
        assert_eq!(before[key], after[key]);
    }
    assert_eq!(before["users"][0]["operator"], true);
    Ok(())
}

#[tokio::test]
async fn a_line_cut_in_the_middle_is_forgotten() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let world = World::on(dir.path()).await?;
    let message = world.say("whole").await?;
    world.sandbox.stop().await;
    let path = dir.path().join("journal.jsonl");
    let mut bytes = std::fs::read(&path)?;
    bytes.extend_from_slice(br#"{"k":"message","v":{"id":12"#);
    std::fs::write(&path, bytes)?;
    let world = World::on(dir.path()).await?;
    let path = format!("/channels/{}/messages/{message}", world.general);
    world.bot(Method::GET, &path, None).await?.is(200);
    world.say("after").await?;
    Ok(())
}

#[tokio::test]
async fn two_sandboxes_do_not_share_a_folder() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let first = Sandbox::start(options(dir.path())).await?;
    let second = Sandbox::start(options(dir.path())).await;
    let text = second
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(text.contains("Another sandbox is running"), "{text}");
    first.stop().await;
    Sandbox::start(options(dir.path())).await?.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_journal_of_outdated_lines_is_rewritten() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let world = World::on(dir.path()).await?;
    world
        .control(Method::POST, "/faults", &json!({"rate_limits": "off"}))
        .await?
        .is(204);
    let message = world.say("0").await?;
    let path = format!("/channels/{}/messages/{message}", world.general);
    for n in 0..1100 {
        world
            .bot(
                Method::PATCH,
                &path,
                Some(json!({"content": n.to_string()})),
            )
            .await?
            .is(200);
    }
    world.sandbox.stop().await;
    let lines = |text: String| text.lines().count();
    let journal = dir.path().join("journal.jsonl");
    assert!(lines(std::fs::read_to_string(&journal)?) > 1100);
    let world = World::on(dir.path()).await?;
    assert_eq!(
        world.bot(Method::GET, &path, None).await?.is(200)["content"],
        "1099"
    );
    assert!(lines(std::fs::read_to_string(&journal)?) < 30);
    world.say("still written").await?;
    world.sandbox.stop().await;
    let world = World::on(dir.path()).await?;
    let page = world
        .bot(
            Method::GET,
            &format!("/channels/{}/messages", world.general),
            None,
        )
        .await?
        .is(200);
    assert_eq!(page.as_array().map(Vec::len), Some(2));
    Ok(())
}

#[tokio::test]
async fn a_second_bot_token_may_be_named() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let mut options = options(dir.path());
    options.bot_token = Some("configured.by.hand".to_owned());
    let sandbox = Sandbox::start(options).await?;
    assert_eq!(sandbox.info().bot_token, "configured.by.hand");
    let url = format!("{}/users/@me", sandbox.info().api);
    let request = reqwest::Client::new()
        .get(url)
        .header("authorization", "Bot configured.by.hand");
    let answer = crate::world::read(request.header("user-agent", "DiscordBot (x, 1)")).await?;
    assert_eq!(answer.is(200)["bot"], true);
    sandbox.stop().await;
    Ok(())
}

#[tokio::test]
async fn another_applications_bot_and_its_private_channel_survive_a_kill() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let world = World::on(dir.path()).await?;
    let body = json!({"name": "Ricky"});
    let path = "/applications";
    let made = world.control(Method::POST, path, &body).await?.is(200);
    let token = format!("Bot {}", made["token"].as_str().unwrap_or_default());
    let recipients = json!({"recipients": [made["user_id"]]});
    let opened = world.zack(Method::POST, "/users/@me/channels", Some(recipients));
    let channel = id(&opened.await?.is(200))?;
    let path = format!("/channels/{channel}/messages");
    world
        .zack(Method::POST, &path, Some(json!({"content": "hello"})))
        .await?
        .is(200);
    let copy = tempfile::tempdir()?;
    std::fs::copy(
        dir.path().join("journal.jsonl"),
        copy.path().join("journal.jsonl"),
    )?;

    let world = World::on(copy.path()).await?;
    let seen = world
        .as_token(Method::GET, &path, None, Some(&token))
        .await?
        .is(200);
    assert_eq!(seen[0]["content"], "hello");
    let me = world
        .as_token(Method::GET, "/users/@me", None, Some(&token))
        .await?
        .is(200);
    assert_eq!(me["id"], made["user_id"]);
    assert_ne!(
        world.sandbox.info().application_id,
        made["id"].as_str().unwrap_or_default()
    );
    Ok(())
}

#[tokio::test]
async fn an_application_needs_a_name_as_long_as_discord_wants_it() -> Result<()> {
    let world = World::start().await?;
    for name in ["", " x ", &"x".repeat(33)] {
        let path = "/applications";
        let answer = world
            .control(Method::POST, path, &json!({"name": name}))
            .await?;
        answer.refuses(400, 50035);
        answer.blames("name", "BASE_TYPE_BAD_LENGTH");
    }
    Ok(())
}
