//! Faults at the gateway that a client must survive.

use serde_json::json;

use crate::support::{WITH_CONTENT, World};

#[tokio::test]
async fn the_next_events_come_twice_when_asked_for() {
    let world = World::start().await;
    let general = world.general().await;
    let mut bot = world.bot_session(WITH_CONTENT).await;
    world.fault(json!({"duplicate_events": 2})).await;
    for content in ["one", "two", "three"] {
        world.person("zack").say(&general, content).await;
    }
    let seen = bot.contents_until("three").await;
    assert_eq!(seen, ["one", "one", "two", "two", "three"]);
}

#[tokio::test]
async fn neighbouring_messages_change_places_when_asked_for_and_none_is_lost() {
    let world = World::start().await;
    let general = world.general().await;
    let mut bot = world.bot_session(WITH_CONTENT).await;
    world.fault(json!({"reorder_events": true})).await;
    for content in ["one", "two", "three"] {
        world.person("zack").say(&general, content).await;
    }
    let seen = bot.contents_until("three").await;
    assert_eq!(
        seen,
        ["two", "one", "three"],
        "the last one has nobody to change places with"
    );
}

#[tokio::test]
async fn clients_are_asked_to_reconnect_and_can_resume() {
    let world = World::start().await;
    let mut bot = world.bot_session(WITH_CONTENT).await;
    world.fault(json!({"reconnect": true})).await;
    bot.payload(|payload| payload["op"] == 7).await;
    let (session, seq) = (bot.session.clone(), bot.seq);
    bot.close(4000).await;
    let mut bot = world.connect().await;
    bot.resume(&world.bot_token(), &session, seq).await;
    bot.event("RESUMED").await;
}

#[tokio::test]
async fn bots_alone_can_be_dropped() {
    let world = World::start().await;
    let general = world.general().await;
    let mut bot = world.bot_session(WITH_CONTENT).await;
    let mut person = world.person_session("zack").await;
    world.fault(json!({"drop_gateways": "bots"})).await;
    assert_eq!(bot.closed().await, None, "no close frame");
    world.person("mallory").say(&general, "still here").await;
    person.message("MESSAGE_CREATE", "still here").await;
    let (session, seq) = (bot.session.clone(), bot.seq);
    let mut bot = world.connect().await;
    bot.resume(&world.bot_token(), &session, seq).await;
    bot.message("MESSAGE_CREATE", "still here").await;
    world.fault(json!({"drop_gateways": true})).await;
    assert_eq!(person.closed().await, None);
}

#[tokio::test]
async fn an_invalid_session_must_identify_again() {
    let world = World::start().await;
    world.fault(json!({"rate_limits": "off"})).await;
    let mut bot = world.bot_session(WITH_CONTENT).await;
    world.fault(json!({"invalid_session": true})).await;
    let invalid = bot.payload(|payload| payload["op"] == 9).await;
    assert_eq!(invalid["d"], false);
    let mut resumed = world.connect().await;
    resumed
        .resume(&world.bot_token(), &bot.session, bot.seq)
        .await;
    assert_eq!(resumed.next().await["op"], 9);
    bot.identify(&world.bot_token(), WITH_CONTENT).await;
    assert_eq!(bot.event("READY").await["session_id"], bot.session.as_str());
}
