//! One mark that changes: with the agent, answered, failed.

use serde_json::json;

use super::{ANSWERED, FAILED, WITH_AGENT, free_port, replies};
use crate::harness::marks::marked;
use crate::harness::world::World;

#[tokio::test]
async fn one_mark_follows_a_message_to_its_answer_which_quotes_it() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let question = zack.say(&dm, "wait 3 and tell me **more**").await;
    marked(&zack, &dm, &question, &[WITH_AGENT]).await;
    world
        .sees_request("typing", |request| {
            request["route"] == "/channels/{channel_id}/typing"
        })
        .await;
    marked(&zack, &dm, &question, &[ANSWERED]).await;
    let seen = zack
        .sees(&dm, "the answer", |seen| {
            seen.iter().any(|m| m.name == "Trunks" && m.webhook)
        })
        .await;
    let answer = &seen.last().unwrap().text;
    let first = answer.lines().next().unwrap();
    let link = format!("/{}/{dm}/{question}>", world.guild());
    assert!(
        first.starts_with("-# ") && first.contains(&link) && first.contains("zack"),
        "{answer}"
    );
    assert!(first.ends_with("`wait 3 and tell me **more**`"), "{answer}");
    assert_eq!(replies(&zack, &dm, &question).await, [], "nothing else");
}

#[tokio::test]
async fn a_failure_says_why_and_offers_to_try_again() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    let question = zack.say(&dm, "please fail").await;
    marked(&zack, &dm, &question, &[FAILED]).await;
    let reply = zack
        .sees(&dm, "the reply", |seen| seen.len() == 2)
        .await
        .pop()
        .unwrap();
    assert!(!reply.webhook, "{reply:?}");
    let replies = replies(&zack, &dm, &question).await;
    assert!(
        replies[0].says("**Ricky** did not answer") && replies[0].says("I was asked to fail"),
        "{replies:#?}"
    );
    assert_eq!(replies[0].live(), ["Retry"]);
    assert_eq!(replies[0].pings, 0, "{replies:#?}");
}

#[tokio::test]
async fn every_message_of_a_burst_ends_with_one_mark() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    world.fault(json!({ "rate_limits": "off" })).await;
    let mut said = Vec::new();
    for number in 0..12 {
        said.push(zack.say(&dm, &format!("number {number}")).await);
    }
    for message in &said {
        marked(&zack, &dm, message, &[ANSWERED]).await;
    }
}

/// A crash between two requests leaves no mark that nobody knows of.
#[tokio::test]
async fn after_a_crash_there_is_one_mark_again() {
    let mut world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    // The new mark is set, and the old one stays when the bridge dies.
    world
        .fault(json!({
            "route": "DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
            "count": 1000, "status": 503
        }))
        .await;
    let question = zack.say(&dm, "wait 1").await;
    marked(&zack, &dm, &question, &[WITH_AGENT, ANSWERED]).await;
    world.kill_bridge();
    world.no_faults().await;
    world.start_bridge();
    marked(&zack, &dm, &question, &[ANSWERED]).await;
}

/// The executor goes on; its answer is all that tells of the end.
#[tokio::test]
async fn a_bridge_that_was_killed_in_the_middle_finds_the_answer_at_once() {
    let mut world = World::without_bridge().await;
    let port = free_port();
    let _executor = world.start_executor(port);
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.start_bridge();
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let first = zack.say(&dm, "wait 3 first").await;
    marked(&zack, &dm, &first, &[WITH_AGENT]).await;
    let second = zack.say(&dm, "second").await;
    world.kill_bridge();
    world.start_bridge();
    // Long before the watchdog, which takes two minutes.
    for message in [&first, &second] {
        marked(&zack, &dm, message, &[ANSWERED]).await;
    }
}

/// An answer may be shown before its question, which is copied from somewhere else.
#[tokio::test]
async fn a_quote_gets_its_link_as_soon_as_there_is_one() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    sqlx::query(
        "WITH asked AS (INSERT INTO project_chat_messages (project_id, author, message)
                        VALUES ('front-office', 'ui', 'asked in a dashboard') RETURNING id)
         INSERT INTO project_chat_messages (project_id, author, message, metadata)
         SELECT 'front-office', 'agent:ricky:main', 'answered',
                jsonb_build_object('reply_to', id) FROM asked",
    )
    .execute(world.pool())
    .await
    .unwrap();
    zack.sees(&room, "a link", |seen| {
        let question = seen.iter().find(|m| m.text == "asked in a dashboard");
        question.is_some_and(|question| {
            let link = format!("/{}>", question.id);
            seen.iter()
                .any(|m| m.name == "Ricky" && m.text.contains(&link))
        })
    })
    .await;
}
