//! What people see when the executor is an existing one, which tells nobody which reply is whose.

use std::time::Duration;

use super::{RICKY, answered, is_live, mode, stage};
use crate::harness::client::Client;
use crate::harness::existing::{Existing, Manner};
use crate::harness::marks::marked;
use crate::harness::world::World;
use crate::receipts::{ANSWERED, FAILED, QUEUED, WITH_AGENT, no_reply, the_reply};

#[tokio::test]
async fn an_answer_in_the_room_quotes_whoever_named_the_agent() {
    let (world, existing) = stage("").await;
    existing.delay(RICKY, Duration::from_secs(1));
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let first = zack.say(&room, "@Ricky what is up?").await;
    let second = zack.say(&room, "@trunks and you?").await;
    let seen = zack
        .sees(&room, "both answers", |seen| {
            answered(seen, "Ricky", "what is up?") && answered(seen, "Trunks", "and you?")
        })
        .await;
    for (name, question) in [("Ricky", &first), ("Trunks", &second)] {
        marked(&zack, &room, question, &[ANSWERED]).await;
        let answer = seen.iter().find(|m| m.name == name).unwrap();
        let line = answer.text.lines().next().unwrap();
        assert!(
            line.starts_with("-# ") && line.contains(&format!("/{question}>")),
            "{answer:#?}"
        );
    }
}

#[tokio::test]
async fn what_waits_is_answered_by_itself_when_it_is_back() {
    let (world, mut existing) = stage("").await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    existing.stop();
    mode(&world, "backup").await;
    let question = zack.say(&dm, "anybody there?").await;
    marked(&zack, &dm, &question, &[QUEUED]).await;
    let reply = the_reply(&zack, &dm, &question).await;
    assert_eq!(reply.content, "Will be delivered when agent comes online.");
    existing.restart().await;
    marked(&zack, &dm, &question, &[ANSWERED]).await;
    no_reply(&zack, &dm, &question).await;
}

#[tokio::test]
async fn a_turn_that_hangs_fails_in_time_and_is_retried_by_hand() {
    let (world, existing) = stage("[delivery]\nwatchdog_seconds = 3\n").await;
    let zack = Client::open(&world, "zack").await;
    let dm = world.channel("dm-ricky");
    existing.behave(Manner::Hanging);
    let question = zack.person.say(&dm, "are you there?").await;
    marked(&zack.person, &dm, &question, &[WITH_AGENT]).await;
    marked(&zack.person, &dm, &question, &[FAILED]).await;
    let reply = the_reply(&zack.person, &dm, &question).await;
    assert!(reply.says("has not answered in time"), "{reply:#?}");
    existing.behave(Manner::Well);
    let answer = zack.told(&zack.press(&reply, "Retry").await).await;
    assert!(answer.says("on its way again"), "{answer:#?}");
    marked(&zack.person, &dm, &question, &[ANSWERED]).await;
    zack.person
        .sees(&dm, "the answer", |seen| {
            answered(seen, "Ricky", "You said: are you there?")
        })
        .await;
}

/// The bridge has given it up, and nothing but thread, author and time says whose the reply is.
#[tokio::test]
async fn a_reply_that_comes_late_repairs_the_receipt() {
    let (world, existing) = stage("[delivery]\nwatchdog_seconds = 3\n").await;
    existing.delay(RICKY, Duration::from_secs(12));
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    let question = zack.say(&dm, "take your time").await;
    marked(&zack, &dm, &question, &[FAILED]).await;
    marked(&zack, &dm, &question, &[ANSWERED]).await;
    let seen = zack
        .sees(&dm, "the answer alone", |seen| {
            answered(seen, "Ricky", "take your time") && seen.len() == 2
        })
        .await;
    assert!(seen[1].text.contains(&format!("/{question}>")), "{seen:#?}");
}

#[tokio::test]
async fn an_agents_own_bot_answers_in_private_and_in_its_channel() {
    let mut world = World::without_bridge().await;
    let ricky = world.make_application("Ricky").await;
    let existing = Existing::start(&world).await;
    world.configure(&format!(
        "[mode]\npoll_seconds = 1\n[agents.ricky]\ndiscord_token = \"{}\"\n",
        ricky.token
    ));
    world.set("CONTROL_API_URL", &existing.url());
    world.start_bridge();
    is_live(&world).await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    let private = zack.opens(&ricky.bot).await;
    let question = zack.say(&private, "between you and me").await;
    marked(&zack, &private, &question, &[ANSWERED]).await;
    for channel in [&private, &dm] {
        zack.sees(channel, "the answer", |seen| {
            answered(seen, "Ricky", "You said: between you and me")
        })
        .await;
    }
    assert_eq!(existing.turns().len(), 1);
}
