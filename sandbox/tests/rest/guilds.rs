//! Several guilds: how they begin, who comes and goes, and that each keeps to itself.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, id};

const MANAGE_CHANNELS: u64 = 1 << 4;
const VIEW: u64 = 1 << 10;
const SEND: u64 = 1 << 11;

/// A guild of zack's, and its `#general`.
async fn second(world: &World) -> Result<(String, String)> {
    let body = json!({"name": "Back Office"});
    let made = world.zack(Method::POST, "/guilds", Some(body)).await?;
    let made = made.is(201);
    assert_eq!(made["owner_id"], world.person("zack").id.as_str());
    let guild = id(&made)?;
    let channels = world
        .zack(Method::GET, &format!("/guilds/{guild}/channels"), None)
        .await?
        .is(200);
    assert_eq!(channels[0]["name"], "general");
    assert_eq!(channels[0]["guild_id"], guild.as_str());
    Ok((guild, id(&channels[0])?))
}

fn invitation(world: &World) -> String {
    let client = &world.sandbox.info().application_id;
    format!("/oauth2/authorize?client_id={client}&scope=bot+applications.commands")
}

fn asked(guild: &str, permissions: u64) -> Value {
    let permissions = permissions.to_string();
    json!({"guild_id": guild, "permissions": permissions, "authorize": true})
}

#[tokio::test]
async fn a_bot_is_a_stranger_until_it_is_invited_and_again_once_it_left() -> Result<()> {
    let world = World::start().await?;
    let (guild, general) = second(&world).await?;
    let about = format!("/guilds/{guild}");
    world
        .bot(Method::GET, &about, None)
        .await?
        .refuses(403, 50001);
    let page = invitation(&world);
    // Strangers and members without Manage Server invite nobody, and bots not at all.
    let ask = Some(asked(&guild, VIEW | SEND));
    world
        .mallory(Method::POST, &page, ask.clone())
        .await?
        .refuses(403, 50001);
    world
        .bot(Method::POST, &page, ask.clone())
        .await?
        .refuses(403, 20001);
    let join = json!({"user_id": world.person("mallory").id});
    let control = format!("/guilds/{guild}/members");
    world.control(Method::POST, &control, &join).await?.is(204);
    world
        .mallory(Method::POST, &page, ask.clone())
        .await?
        .refuses(403, 50013);
    let refused = json!({"guild_id": guild, "permissions": "0", "authorize": false});
    world
        .zack(Method::POST, &page, Some(refused))
        .await?
        .is(200);
    world
        .bot(Method::GET, &about, None)
        .await?
        .refuses(403, 50001);

    let answer = world.zack(Method::POST, &page, ask).await?.is(200);
    assert!(answer["location"].is_string(), "{answer}");
    let own = world
        .bot(Method::GET, "/users/@me/guilds", None)
        .await?
        .is(200);
    assert_eq!(own[0]["id"], world.guild());
    assert_eq!(
        (&own[1]["id"], &own[1]["name"]),
        (&json!(guild), &json!("Back Office"))
    );
    assert_eq!(own[1]["owner"], false);
    let told: u64 = own[1]["permissions"].as_str().unwrap_or_default().parse()?;
    assert_eq!(told & MANAGE_CHANNELS, 0, "only what was asked for");
    let channels = format!("/guilds/{guild}/channels");
    let more = Some(json!({"name": "more"}));
    world
        .bot(Method::POST, &channels, more.clone())
        .await?
        .refuses(403, 50013);
    // Invited again, it may what is named now, with the same role.
    let roles = format!("/guilds/{guild}/roles");
    let before = world.bot(Method::GET, &roles, None).await?.is(200);
    world
        .zack(
            Method::POST,
            &page,
            Some(asked(&guild, VIEW | MANAGE_CHANNELS)),
        )
        .await?
        .is(200);
    let after = world.bot(Method::GET, &roles, None).await?.is(200);
    assert_eq!(
        (&before[1]["id"], &before[1]["managed"]),
        (&after[1]["id"], &json!(true))
    );
    let made = world.bot(Method::POST, &channels, more).await?.is(201);
    assert_eq!(made["guild_id"], guild.as_str());

    let leave = format!("/users/@me/guilds/{guild}");
    world.bot(Method::DELETE, &leave, None).await?.is(204);
    world
        .bot(Method::DELETE, &leave, None)
        .await?
        .refuses(403, 50001);
    let posts = format!("/channels/{general}/messages");
    let said = Some(json!({"content": "still here?"}));
    world
        .bot(Method::POST, &posts, said)
        .await?
        .refuses(403, 50001);
    let roles = world.zack(Method::GET, &roles, None).await?.is(200);
    assert_eq!(
        roles.as_array().map(Vec::len),
        Some(1),
        "its role went with it"
    );
    world
        .zack(Method::DELETE, &leave, None)
        .await?
        .refuses(400, 50055);
    Ok(())
}

#[tokio::test]
async fn guilds_share_nothing() -> Result<()> {
    let world = World::start().await?;
    let (guild, general) = second(&world).await?;
    world
        .zack(
            Method::POST,
            &invitation(&world),
            Some(asked(&guild, u64::MAX)),
        )
        .await?
        .is(200);
    let first = format!("/guilds/{}", world.guild());
    let application = &world.sandbox.info().application_id;
    // Channels, webhooks and commands.
    let hooks = format!("/channels/{general}/webhooks");
    world
        .bot(Method::POST, &hooks, Some(json!({"name": "Trunks"})))
        .await?
        .is(200);
    let path = format!("{first}/webhooks");
    assert_eq!(
        world.bot(Method::GET, &path, None).await?.is(200),
        json!([])
    );
    let path = format!("/guilds/{guild}/webhooks");
    let found = world.bot(Method::GET, &path, None).await?.is(200);
    assert_eq!(found[0]["guild_id"], guild.as_str());
    let commands = |guild: &str| format!("/applications/{application}/guilds/{guild}/commands");
    let ping = json!({"name": "ping", "description": "d"});
    world
        .bot(Method::POST, &commands(&guild), Some(ping))
        .await?
        .is(201);
    let index = |guild: &str| format!("/guilds/{guild}/application-command-index");
    for (guild, count) in [(world.guild(), 0), (guild.as_str(), 1)] {
        let found = world
            .bot(Method::GET, &commands(guild), None)
            .await?
            .is(200);
        assert_eq!(found.as_array().map(Vec::len), Some(count), "{found}");
        let found = world.zack(Method::GET, &index(guild), None).await?.is(200);
        let found = found["application_commands"].as_array().map(Vec::len);
        assert_eq!(found, Some(count));
    }
    // Threads.
    let threads = format!("/channels/{general}/threads");
    let thread = json!({"name": "t", "type": 11});
    world
        .bot(Method::POST, &threads, Some(thread))
        .await?
        .is(201);
    for (guild, count) in [(world.guild(), 0), (guild.as_str(), 1)] {
        let path = format!("/guilds/{guild}/threads/active");
        let found = world.bot(Method::GET, &path, None).await?.is(200);
        assert_eq!(found["threads"].as_array().map(Vec::len), Some(count));
    }
    // A category, a role and a position of one guild mean nothing in the other.
    let category = world.channel(json!({"name": "c", "type": 4})).await?;
    let body = json!({"name": "x", "parent_id": id(&category)?});
    let path = format!("/guilds/{guild}/channels");
    let refused = world.bot(Method::POST, &path, Some(body)).await?;
    refused.blames("parent_id", "CHANNEL_PARENT_INVALID");
    let moved = json!([{"id": id(&category)?, "position": 3}]);
    world
        .bot(Method::PATCH, &path, Some(moved))
        .await?
        .refuses(404, 10003);
    let path = format!("/channels/{general}/permissions/{}", world.guild());
    let deny = Some(json!({"type": 0, "deny": "1024"}));
    world
        .zack(Method::PUT, &path, deny)
        .await?
        .refuses(404, 10011);
    // Members.
    let mallory = &world.person("mallory").id;
    let path = format!("/guilds/{guild}/members/{mallory}");
    world
        .bot(Method::GET, &path, None)
        .await?
        .refuses(404, 10007);
    let path = format!("/channels/{general}");
    world
        .mallory(Method::GET, &path, None)
        .await?
        .refuses(403, 50001);
    Ok(())
}

#[tokio::test]
async fn an_owner_changes_roles_and_nobody_rises_by_it() -> Result<()> {
    let world = World::start().await?;
    let roles = format!("/guilds/{}/roles", world.guild());
    let found = world.zack(Method::GET, &roles, None).await?.is(200);
    let role = |name: &str| {
        let mut all = found.as_array().into_iter().flatten();
        id(all.find(|role| role["name"] == name).expect("a role"))
    };
    let (everyone, own) = (role("@everyone")?, role("Mission Control")?);
    let only = |bits: u64| Some(json!({"permissions": bits.to_string()}));
    let path = format!("{roles}/{own}");
    world
        .mallory(Method::PATCH, &path, only(8))
        .await?
        .refuses(403, 50013);
    world
        .bot(Method::PATCH, &path, only(8))
        .await?
        .refuses(403, 50013);
    let changed = world.zack(Method::PATCH, &path, only(VIEW)).await?.is(200);
    assert_eq!(changed["permissions"], VIEW.to_string());
    let below = format!("{roles}/{everyone}");
    world.zack(Method::PATCH, &below, only(VIEW)).await?.is(200);
    let posts = format!("/channels/{}/messages", world.general);
    let said = Some(json!({"content": "x"}));
    world
        .bot(Method::POST, &posts, said)
        .await?
        .refuses(403, 50013);
    // With Manage Roles it changes what is below it, and gives away no more than it has.
    let manage_roles = 1 << 28;
    world
        .zack(Method::PATCH, &path, only(VIEW | manage_roles))
        .await?
        .is(200);
    world
        .bot(Method::PATCH, &path, only(u64::MAX))
        .await?
        .refuses(403, 50013);
    world
        .bot(Method::PATCH, &below, only(VIEW | SEND))
        .await?
        .refuses(403, 50013);
    world.bot(Method::PATCH, &below, only(0)).await?.is(200);
    let path = format!("{roles}/{}", world.general);
    world
        .zack(Method::PATCH, &path, only(0))
        .await?
        .refuses(404, 10011);
    Ok(())
}

#[tokio::test]
async fn guilds_survive_a_restart_and_old_journals_are_read() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let world = World::on(dir.path()).await?;
    let (first, token) = (
        world.guild().to_owned(),
        world.sandbox.info().bot_token.clone(),
    );
    let general = world.general.clone();
    let said = world.say("before").await?;
    let journal = std::fs::read_to_string(dir.path().join("journal.jsonl"))?;
    let (guild, _) = second(&world).await?;
    world
        .zack(Method::POST, &invitation(&world), Some(asked(&guild, VIEW)))
        .await?
        .is(200);
    let kicked = format!("/guilds/{first}/members/{}", world.person("mallory").id);
    world
        .mallory(Method::DELETE, &kicked, None)
        .await?
        .refuses(403, 50013);
    world.zack(Method::DELETE, &kicked, None).await?.is(204);
    world.sandbox.stop().await;

    let world = World::on(dir.path()).await?;
    assert_eq!((world.guild(), &world.general), (first.as_str(), &general));
    let own = world
        .bot(Method::GET, "/users/@me/guilds", None)
        .await?
        .is(200);
    assert_eq!(
        (&own[0]["id"], &own[1]["id"]),
        (&json!(first), &json!(guild))
    );
    let own = world
        .mallory(Method::GET, "/users/@me/guilds", None)
        .await?
        .is(200);
    assert_eq!(own, json!([]));
    world.sandbox.stop().await;

    // What was written when there was one guild: no line names it but its own.
    let old: Vec<String> = journal
        .lines()
        .map(|line| {
            let mut record: Value = serde_json::from_str(line)?;
            if let Some(entity) = record["v"].as_object_mut() {
                entity.remove("guild");
            }
            Ok(format!("{record}\n"))
        })
        .collect::<Result<_>>()?;
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("journal.jsonl"), old.concat())?;
    let world = World::on(dir.path()).await?;
    let info = world.sandbox.info();
    assert_eq!((&info.guild_id, &info.bot_token), (&first, &token));
    let path = format!("/channels/{general}/messages/{said}");
    world.bot(Method::GET, &path, None).await?.is(200);
    world.mallory(Method::GET, &path, None).await?.is(200);
    Ok(())
}
