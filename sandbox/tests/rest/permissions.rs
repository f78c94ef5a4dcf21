//! Who may do what where, and who may read what.

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use crate::world::{World, id};

const MANAGE_CHANNELS: u64 = 1 << 4;
const VIEW: u64 = 1 << 10;
const SEND: u64 = 1 << 11;
const HISTORY: u64 = 1 << 16;

#[tokio::test]
async fn a_hidden_channel_is_50001_and_a_missing_bit_50013() -> Result<()> {
    let world = World::start().await?;
    let hide = json!({"type": 0, "deny": VIEW.to_string(), "allow": "0"});
    let path = format!("/channels/{}/permissions/{}", world.general, world.guild());
    world
        .bot(Method::PUT, &path, Some(hide.clone()))
        .await?
        .refuses(403, 50013);
    world.zack(Method::PUT, &path, Some(hide)).await?.is(204);
    let messages = format!("/channels/{}/messages", world.general);
    // The role of the bot grants VIEW_CHANNEL, but the channel's overwrite for everyone takes it away.
    world
        .bot(Method::GET, &messages, None)
        .await?
        .refuses(403, 50001);
    world
        .mallory(Method::GET, &messages, None)
        .await?
        .refuses(403, 50001);
    world.zack(Method::GET, &messages, None).await?.is(200);
    let listed = world
        .mallory(
            Method::GET,
            &format!("/guilds/{}/channels", world.guild()),
            None,
        )
        .await?
        .is(200);
    assert_eq!(listed, json!([]));
    // An overwrite of the member wins over the one of everyone.
    let mallory = world.person("mallory").id.clone();
    let path = format!("/channels/{}/permissions/{mallory}", world.general);
    world
        .zack(
            Method::PUT,
            &path,
            Some(json!({"type": 1, "allow": VIEW.to_string(), "deny": "0"})),
        )
        .await?
        .is(204);
    world.mallory(Method::GET, &messages, None).await?.is(200);
    Ok(())
}

#[tokio::test]
async fn each_route_asks_for_its_permission() -> Result<()> {
    let world = World::start().await?;
    let message = world.say("here").await?;
    let general = world.general.clone();
    leave_to_bot(&world, VIEW | HISTORY).await?;
    world.allow(VIEW | HISTORY).await?;
    let messages = format!("/channels/{general}/messages");
    let guild_channels = format!("/guilds/{}/channels", world.guild());
    let cases = [
        (Method::POST, messages.clone(), json!({"content": "x"})),
        (
            Method::POST,
            format!("/channels/{general}/typing"),
            json!({}),
        ),
        (
            Method::PUT,
            format!("{messages}/{message}/reactions/%E2%9C%85/@me"),
            json!({}),
        ),
        (
            Method::PUT,
            format!("/channels/{general}/pins/{message}"),
            json!({}),
        ),
        (
            Method::POST,
            format!("/channels/{general}/webhooks"),
            json!({"name": "w"}),
        ),
        (
            Method::GET,
            format!("/channels/{general}/webhooks"),
            json!({}),
        ),
        (
            Method::PATCH,
            format!("/channels/{general}"),
            json!({"name": "x"}),
        ),
        (Method::DELETE, format!("/channels/{general}"), json!({})),
        (Method::POST, guild_channels, json!({"name": "x"})),
        (
            Method::POST,
            format!("{messages}/{message}/threads"),
            json!({"name": "t"}),
        ),
        (
            Method::POST,
            format!("/channels/{general}/threads"),
            json!({"name": "t", "type": 11}),
        ),
        (
            Method::POST,
            format!("{messages}/bulk-delete"),
            json!({"messages": ["1", "2"]}),
        ),
    ];
    for (method, path, body) in cases {
        let answer = world.bot(method.clone(), &path, Some(body)).await?;
        assert_eq!(
            (answer.status, answer.body["code"].as_u64()),
            (403, Some(50013)),
            "{method} {path}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn without_history_there_is_nothing_to_read_or_reply_to() -> Result<()> {
    let world = World::start().await?;
    let message = world.say("here").await?;
    let messages = format!("/channels/{}/messages", world.general);
    leave_to_bot(&world, VIEW | SEND).await?;
    let history = world.bot(Method::GET, &messages, None).await?.is(200);
    assert_eq!(
        history,
        json!([]),
        "without READ_MESSAGE_HISTORY the list is empty, not refused"
    );
    let reply = json!({"content": "x", "message_reference": {"message_id": message}});
    world
        .bot(Method::POST, &messages, Some(reply))
        .await?
        .refuses(400, 160_002);
    let embed = json!({"embeds": [{"title": "t"}]});
    world
        .bot(Method::POST, &messages, Some(embed))
        .await?
        .refuses(403, 50013);
    Ok(())
}

/// Takes from everyone in #general what they have, and gives the role of the bot these permissions.
async fn leave_to_bot(world: &World, permissions: u64) -> Result<()> {
    let path = format!("/guilds/{}/roles", world.guild());
    let roles = world.zack(Method::GET, &path, None).await?.is(200);
    let find = |name: &str| {
        roles
            .as_array()
            .into_iter()
            .flatten()
            .find(|role| role["name"] == name)
    };
    let (everyone, own) = (
        find("@everyone").expect("a role"),
        find("Mission Control").expect("a role"),
    );
    let path = format!("/channels/{}/permissions", world.general);
    let deny = json!({"type": 0, "deny": everyone["permissions"]});
    world
        .zack(
            Method::PUT,
            &format!("{path}/{}", id(everyone)?),
            Some(deny),
        )
        .await?
        .is(204);
    let allow = json!({"type": 0, "allow": permissions.to_string()});
    world
        .zack(Method::PUT, &format!("{path}/{}", id(own)?), Some(allow))
        .await?
        .is(204);
    Ok(())
}

#[tokio::test]
async fn manage_channels_is_enough_for_channels() -> Result<()> {
    let world = World::start().await?;
    world.allow(VIEW | MANAGE_CHANNELS).await?;
    let made = world.channel(json!({"name": "x"})).await?;
    world
        .bot(Method::DELETE, &format!("/channels/{}", id(&made)?), None)
        .await?
        .is(200);
    Ok(())
}

#[tokio::test]
async fn the_interactions_endpoint_of_the_portal_is_told_until_it_is_cleared() -> Result<()> {
    let world = World::start().await?;
    for url in [json!("https://example.com/interactions"), json!(null)] {
        let change = json!({ "interactions_endpoint_url": url });
        world
            .control(Method::POST, "/application", &change)
            .await?
            .is(200);
        let unrelated = json!({"intents": {"members": false}});
        world
            .control(Method::POST, "/application", &unrelated)
            .await?
            .is(200);
        let mine = world.bot(Method::GET, "/applications/@me", None).await?;
        assert_eq!(mine.is(200)["interactions_endpoint_url"], url);
    }
    Ok(())
}

#[tokio::test]
async fn without_the_intent_content_is_hidden_over_rest_too() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let off = json!({"intents": {"message_content": false}});
    let application = world
        .control(Method::POST, "/application", &off)
        .await?
        .is(200);
    assert_eq!(application["flags"].as_u64(), Some(1 << 15));
    let me = application["bot"]["id"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    world
        .zack(Method::POST, &path, Some(json!({"content": "secret"})))
        .await?
        .is(200);
    world
        .zack(
            Method::POST,
            &path,
            Some(json!({"content": format!("for <@{me}>")})),
        )
        .await?
        .is(200);
    world.say("mine").await?;
    let hook = world.hook(&world.general).await?;
    world
        .nobody(
            Method::POST,
            &hook,
            Some(json!({"content": "my webhook's"})),
        )
        .await?
        .is(204);
    let page = world.bot(Method::GET, &path, None).await?.is(200);
    let contents: Vec<_> = page
        .as_array()
        .into_iter()
        .flatten()
        .map(|found| found["content"].clone())
        .collect();
    assert_eq!(
        contents,
        [
            json!("my webhook's"),
            json!("mine"),
            json!(format!("for <@{me}>")),
            json!("")
        ]
    );
    let person = world.mallory(Method::GET, &path, None).await?.is(200);
    assert_eq!(person[3]["content"], "secret");
    Ok(())
}

#[tokio::test]
async fn a_member_is_refused_what_is_not_theirs() -> Result<()> {
    let world = World::start().await?;
    let message = world.say("the bot's").await?;
    let channel = format!("/channels/{}", world.general);
    let one = format!("{channel}/messages/{message}");
    let text = Some(json!({"content": "mine now"}));
    world
        .mallory(Method::PATCH, &one, text)
        .await?
        .refuses(403, 50005);
    for (method, path, body) in [
        (Method::DELETE, one.clone(), None),
        (Method::DELETE, format!("{one}/reactions"), None),
        (
            Method::PUT,
            format!("{channel}/messages/pins/{message}"),
            None,
        ),
        (
            Method::PATCH,
            channel.clone(),
            Some(json!({"name": "mine"})),
        ),
        (Method::DELETE, channel.clone(), None),
        (
            Method::POST,
            format!("{channel}/webhooks"),
            Some(json!({"name": "mine"})),
        ),
        (
            Method::POST,
            format!("{channel}/threads"),
            Some(json!({"name": "secret", "type": 12})),
        ),
        (
            Method::POST,
            format!("/guilds/{}/channels", world.guild()),
            Some(json!({"name": "mine"})),
        ),
    ] {
        let answer = world.mallory(method.clone(), &path, body).await?;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (403, &json!(50013)),
            "{method} {path}: {}",
            answer.body
        );
    }
    // What is theirs, they may change and take back.
    let path = format!("{channel}/messages");
    let own = world
        .mallory(Method::POST, &path, Some(json!({"content": "own"})))
        .await?
        .is(200);
    let one = format!("{path}/{}", id(&own)?);
    let edited = world
        .mallory(Method::PATCH, &one, Some(json!({"content": "better"})))
        .await?
        .is(200);
    assert!(edited["edited_timestamp"].is_string(), "{edited}");
    let empty = Some(json!({"content": ""}));
    world
        .mallory(Method::PATCH, &one, empty)
        .await?
        .refuses(400, 50006);
    world.mallory(Method::DELETE, &one, None).await?.is(204);
    Ok(())
}
