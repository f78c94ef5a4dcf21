//! Channels in which the bot may not write, or which it may not see.

use reqwest::Method;

use super::{SEND, VIEW, allows_again, forbids, refusals, status_says};
use crate::doctor::examine_world;
use crate::harness::client::Client;
use crate::harness::person::Seen;
use crate::harness::world::{PROJECT, World};

const TRUNKS: &str = "agent:main:main";

fn texts<'a>(seen: &'a [Seen], word: &str) -> Vec<&'a str> {
    let said = seen.iter().filter(|it| it.text.contains(word));
    said.map(|it| it.text.as_str()).collect()
}

async fn happens(world: &World, message: &str) {
    sqlx::query(
        "INSERT INTO activities (project_id, type, message, actor_agent_key) \
         VALUES ($1, 'note', $2, $3)",
    )
    .bind(PROJECT)
    .bind(message)
    .bind(TRUNKS)
    .execute(world.pool())
    .await
    .expect("the database takes an activity");
}

async fn shows(world: &World, channel: &str, text: &str) {
    let zack = world.person("zack");
    let there = |seen: &[Seen]| texts(seen, text).len() == 1;
    zack.sees(channel, text, there).await;
}

#[tokio::test]
async fn a_muted_channel_is_named_and_what_was_missed_comes_in_order_and_once() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let (room, activity) = (world.channel("team-room"), world.channel("activity"));
    world.insert(TRUNKS, "word 0").await;
    shows(&world, &room, "word 0").await;
    let before = world.requests().await.len();
    forbids(&world, &room, SEND).await;
    // It may be said before the bot has heard of it.
    world.insert(TRUNKS, "word 1").await;
    let line = format!("may not write in <#{room}>: **Send Messages**");
    status_says(&world, &line, true).await;
    for number in 2..=5 {
        world.insert(TRUNKS, &format!("word {number}")).await;
    }
    // Everything else goes on.
    happens(&world, "meanwhile").await;
    shows(&world, &activity, "meanwhile").await;
    let told = zack.used(&room, "status", &[]).await;
    assert!(told.says(&line), "{told:?}");
    let refused = refusals(&world, before).await;
    assert!(refused.len() <= 2, "{refused:#?}");
    let said = zack.person.read(&room).await;
    assert!(texts(&said, "word").len() <= 2, "{said:#?}");

    allows_again(&world, &room).await;
    let all = ["word 0", "word 1", "word 2", "word 3", "word 4", "word 5"];
    let whole = |seen: &[Seen]| texts(seen, "word").len() >= all.len();
    let said = zack.person.sees(&room, "what was missed", whole).await;
    assert_eq!(texts(&said, "word"), all);
    status_says(&world, "may not write", false).await;
    world.insert(TRUNKS, "word 6").await;
    shows(&world, &room, "word 6").await;
    let said = zack.person.read(&room).await;
    assert_eq!(texts(&said, "word").len(), all.len() + 1, "{said:#?}");
}

#[tokio::test]
async fn a_bridge_that_starts_with_a_muted_channel_catches_up_as_well() {
    let mut world = World::start().await;
    let room = world.channel("team-room");
    world.insert(TRUNKS, "word 0").await;
    shows(&world, &room, "word 0").await;
    world.stop_bridge();
    forbids(&world, &room, SEND).await;
    for number in 1..=3 {
        world.insert(TRUNKS, &format!("word {number}")).await;
    }
    world.start_bridge();
    let warned = format!("The bot may not write in <#{room}>");
    assert!(world.log().contains(&warned), "{}", world.log());
    status_says(&world, &warned, true).await;
    allows_again(&world, &room).await;
    let zack = world.person("zack");
    let whole = |seen: &[Seen]| texts(seen, "word").len() >= 4;
    let said = zack.sees(&room, "what was missed", whole).await;
    assert_eq!(
        texts(&said, "word"),
        ["word 0", "word 1", "word 2", "word 3"]
    );
}

#[tokio::test]
async fn a_muted_status_channel_is_told_by_the_command_and_by_doctor() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let (room, status) = (world.channel("team-room"), world.channel("status"));
    forbids(&world, &status, SEND).await;
    let line = format!("may not write in <#{status}>");
    crate::harness::wait::eventually("/status names it", || async {
        let told = zack.used(&room, "status", &[]).await;
        if told.says(&line) { Ok(()) } else { Err(told) }
    })
    .await;
    let found = examine_world(&world).await;
    let named = found.says("#status");
    assert!(
        named.starts_with("failure") && named.contains("Send Messages"),
        "{named}"
    );
    assert!(found.step("#status").contains("channel"), "{}", found.text);
    world.insert(TRUNKS, "and yet").await;
    shows(&world, &room, "and yet").await;
    allows_again(&world, &status).await;
    let found = examine_world(&world).await;
    assert!(!found.complaints().contains(&"#status"), "{}", found.text);
}

#[tokio::test]
async fn a_hidden_channel_is_not_made_again() {
    let world = World::start().await;
    let (zack, activity) = (world.person("zack"), world.channel("activity"));
    happens(&world, "before").await;
    shows(&world, &activity, "before").await;
    forbids(&world, &activity, VIEW).await;
    let line = format!("may not write in <#{activity}>: **View Channels**");
    status_says(&world, &line, true).await;
    happens(&world, "hidden from it").await;
    let path = format!("/guilds/{}/channels", world.guild());
    let (_, channels) = zack.call(Method::GET, &path, None).await;
    let named = channels.as_array().unwrap().iter();
    assert_eq!(named.filter(|it| it["name"] == "activity").count(), 1);
    allows_again(&world, &activity).await;
    shows(&world, &activity, "hidden from it").await;
    status_says(&world, "may not write", false).await;
}
