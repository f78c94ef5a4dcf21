//! One mark that changes: with the agent, answered, failed.

use serde_json::json;

use super::{ANSWERED, FAILED, WITH_AGENT, replies};
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
