//! Writing, reading, changing and deleting messages.

use anyhow::Result;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{World, id};

fn contents(page: &Value) -> Vec<&str> {
    page.as_array()
        .into_iter()
        .flatten()
        .filter_map(|message| message["content"].as_str())
        .collect()
}

#[tokio::test]
async fn a_bot_writes_changes_and_deletes_its_message() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let body = json!({"content": "hello **world**", "nonce": 7, "tts": false});
    let made = world.bot(Method::POST, &path, Some(body)).await?.is(200);
    assert_eq!(
        (made["content"].as_str(), made["nonce"].as_u64()),
        (Some("hello **world**"), Some(7))
    );
    for key in [
        "id",
        "channel_id",
        "author",
        "timestamp",
        "mentions",
        "attachments",
        "embeds",
        "pinned",
        "type",
    ] {
        assert!(!made[key].is_null(), "{key} is missing in {made}");
    }
    let one = format!("{path}/{}", id(&made)?);
    let edited = world
        .bot(Method::PATCH, &one, Some(json!({"content": "bye"})))
        .await?
        .is(200);
    assert_eq!(edited["content"], "bye");
    assert!(edited["edited_timestamp"].is_string());
    world.bot(Method::DELETE, &one, None).await?.is(204);
    world
        .bot(Method::GET, &one, None)
        .await?
        .refuses(404, 10008);
    Ok(())
}

#[tokio::test]
async fn a_repeated_enforced_nonce_returns_the_message_that_exists() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let send = |text: &str, nonce: &str, enforce: bool| {
        let body = json!({"content": text, "nonce": nonce, "enforce_nonce": enforce});
        world.bot(Method::POST, &path, Some(body))
    };
    let first = send("one", "n-1", true).await?.is(200);
    let again = send("two", "n-1", true).await?.is(200);
    assert_eq!(
        (&first["id"], again["content"].as_str()),
        (&again["id"], Some("one"))
    );
    assert_ne!(
        send("three", "n-1", false).await?.is(200)["id"],
        first["id"]
    );
    send("four", &"n".repeat(26), true)
        .await?
        .blames("nonce", "BASE_TYPE_MAX_LENGTH");
    // Another author's nonces are his own.
    let body = json!({"content": "five", "nonce": "n-1", "enforce_nonce": true});
    assert_eq!(
        world.zack(Method::POST, &path, Some(body)).await?.is(200)["content"],
        "five"
    );
    Ok(())
}

#[tokio::test]
async fn pages_are_newest_first_whatever_was_asked() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let mut ids = Vec::new();
    for n in 0..7 {
        ids.push(world.say(&n.to_string()).await?);
    }
    let cases = [
        ("limit=3".to_owned(), vec!["6", "5", "4"]),
        (format!("limit=2&after={}", ids[1]), vec!["3", "2"]),
        (format!("limit=2&before={}", ids[5]), vec!["4", "3"]),
        (format!("limit=3&around={}", ids[3]), vec!["4", "3", "2"]),
        (format!("after={}", ids[6]), vec![]),
    ];
    for (query, expected) in cases {
        // Clients send "?&limit=…" too.
        let found = world
            .bot(Method::GET, &format!("{path}?&{query}"), None)
            .await?
            .is(200);
        assert_eq!(contents(&found), expected, "{query}");
    }
    let wrong = world
        .bot(Method::GET, &format!("{path}?limit=101"), None)
        .await?;
    wrong.blames("limit", "NUMBER_TYPE_RANGE");
    Ok(())
}

#[tokio::test]
async fn only_the_author_changes_a_message_and_the_owner_may_delete_it() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let by_bot = format!("{path}/{}", world.say("mine").await?);
    let edit = json!({"content": "changed"});
    world
        .zack(Method::PATCH, &by_bot, Some(edit.clone()))
        .await?
        .refuses(403, 50005);
    world
        .mallory(Method::DELETE, &by_bot, None)
        .await?
        .refuses(403, 50013);
    world.zack(Method::DELETE, &by_bot, None).await?.is(204);
    let body = json!({"content": "a person's", "nonce": "abc"});
    let said = world
        .mallory(Method::POST, &path, Some(body))
        .await?
        .is(200);
    assert_eq!(said["nonce"], "abc");
    let by_mallory = format!("{path}/{}", id(&said)?);
    world
        .bot(Method::PATCH, &by_mallory, Some(edit.clone()))
        .await?
        .refuses(403, 50005);
    assert_eq!(
        world
            .mallory(Method::PATCH, &by_mallory, Some(edit))
            .await?
            .is(200)["content"],
        "changed"
    );
    Ok(())
}

#[tokio::test]
async fn old_messages_are_not_edited_for_ever() -> Result<()> {
    let world = World::start().await?;
    let message = world.say("card").await?;
    let path = format!("/channels/{}/messages/{message}", world.general);
    let edit = |n: usize| {
        world.bot(
            Method::PATCH,
            &path,
            Some(json!({"content": n.to_string()})),
        )
    };
    for n in 0..10 {
        edit(n).await?.is(200);
    }
    let age = json!({"message_id": message, "seconds": 3700});
    world.control(Method::POST, "/age", &age).await?.is(204);
    for n in 0..5 {
        edit(n).await?.is(200);
    }
    let refused = edit(5).await?;
    refused.refuses(429, 30046);
    assert!(
        refused.body["retry_after"]
            .as_f64()
            .is_some_and(|wait| wait > 3000.0),
        "{}",
        refused.body
    );
    Ok(())
}

#[tokio::test]
async fn bulk_delete_takes_2_to_100_recent_messages() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages/bulk-delete", world.general);
    let delete = |ids: &[String]| world.bot(Method::POST, &path, Some(json!({"messages": ids})));
    let ids = [
        world.say("a").await?,
        world.say("b").await?,
        world.say("c").await?,
    ];
    delete(&ids[..1]).await?.refuses(400, 50016);
    delete(&vec![ids[0].clone(); 101])
        .await?
        .refuses(400, 50016);
    delete(&[ids[0].clone(), ids[0].clone()])
        .await?
        .blames("messages", "SET_TYPE_ALREADY_CONTAINS_VALUE");
    let age = json!({"message_id": ids[2], "seconds": 15 * 24 * 3600});
    world.control(Method::POST, "/age", &age).await?.is(204);
    delete(&ids[1..]).await?.refuses(400, 50034);
    delete(&ids[..2]).await?.is(204);
    let path = format!("/channels/{}/messages", world.general);
    let left = world.bot(Method::GET, &path, None).await?.is(200);
    assert_eq!(contents(&left), ["c"]);
    Ok(())
}

#[tokio::test]
async fn a_reply_needs_its_target() -> Result<()> {
    let world = World::start().await?;
    let path = format!("/channels/{}/messages", world.general);
    let target = world.say("question").await?;
    let reply = |id: &str, strict: bool| {
        let pointer = json!({"message_id": id, "fail_if_not_exists": strict});
        world.bot(
            Method::POST,
            &path,
            Some(json!({"content": "answer", "message_reference": pointer})),
        )
    };
    let made = reply(&target, true).await?.is(200);
    assert_eq!(
        (
            made["type"].as_u64(),
            made["referenced_message"]["content"].as_str()
        ),
        (Some(19), Some("question"))
    );
    reply("5", true)
        .await?
        .blames("message_reference", "REPLIES_UNKNOWN_MESSAGE");
    reply("5", false).await?.is(200);
    Ok(())
}
