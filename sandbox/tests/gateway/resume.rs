//! RESUME: nothing is lost, nothing comes twice.

use serde_json::json;

use crate::support::{WITH_CONTENT, World};

#[tokio::test]
async fn a_resumed_session_gets_exactly_what_it_missed() {
    let world = World::start().await;
    let general = world.general().await;
    let person = world.person("zack");
    let mut bot = world.bot_session(WITH_CONTENT).await;
    person.say(&general, "seen").await;
    bot.message("MESSAGE_CREATE", "seen").await;
    let (session, seq) = (bot.session.clone(), bot.seq);
    world.fault(json!({"drop_gateways": true})).await;
    assert_eq!(bot.closed().await, None, "no close frame");
    person.say(&general, "missed 1").await;
    person.say(&general, "missed 2").await;
    let mut bot = world.connect().await;
    bot.resume(&world.bot_token(), &session, seq).await;
    let first = bot.next().await;
    assert_eq!(first["s"], seq + 1, "{first}");
    assert_eq!(first["d"]["content"], "missed 1");
    assert_eq!(bot.next().await["d"]["content"], "missed 2");
    let resumed = bot.next().await;
    assert_eq!(
        (&resumed["t"], &resumed["d"]),
        (&json!("RESUMED"), &json!({}))
    );
    person.say(&general, "live").await;
    assert_eq!(bot.next().await["d"]["content"], "live");
}

#[tokio::test]
async fn a_client_may_resume_before_it_has_read_hello() {
    let world = World::start().await;
    let bot = world.bot_session(WITH_CONTENT).await;
    let (session, seq) = (bot.session.clone(), bot.seq);
    drop(bot);
    let mut bot = world.connect_silently("?v=10").await;
    bot.resume(&world.bot_token(), &session, seq).await;
    assert_eq!(bot.next().await["op"], 10);
    bot.event("RESUMED").await;
}

#[tokio::test]
async fn a_resume_takes_the_session_over_from_a_connection_that_hangs() {
    let world = World::start().await;
    let mut old = world.bot_session(WITH_CONTENT).await;
    let mut new = world.connect().await;
    new.resume(&world.bot_token(), &old.session, old.seq).await;
    new.event("RESUMED").await;
    assert_eq!(old.closed().await, None);
    world
        .person("zack")
        .say(&world.general().await, "for one only")
        .await;
    new.message("MESSAGE_CREATE", "for one only").await;
}

#[tokio::test]
async fn a_session_that_does_not_exist_is_invalid_and_a_new_one_can_begin() {
    let world = World::start().await;
    let mut client = world.connect().await;
    client
        .resume(&world.bot_token(), "no such session", 5)
        .await;
    assert_eq!(client.next().await, json!({"op": 9, "d": false}));
    client.identify(&world.bot_token(), WITH_CONTENT).await;
    client.event("READY").await;
}

#[tokio::test]
async fn another_users_session_cannot_be_resumed() {
    let world = World::start().await;
    let bot = world.bot_session(WITH_CONTENT).await;
    let mut client = world.connect().await;
    client
        .resume(&world.token("mallory"), &bot.session, 0)
        .await;
    assert_eq!(client.next().await["op"], 9);
}

#[tokio::test]
async fn a_session_that_was_closed_with_1000_is_over() {
    let world = World::start().await;
    let bot = world.bot_session(WITH_CONTENT).await;
    let (session, seq) = (bot.session.clone(), bot.seq);
    bot.close(1000).await;
    let mut client = world.connect().await;
    client.resume(&world.bot_token(), &session, seq).await;
    assert_eq!(client.next().await, json!({"op": 9, "d": false}));
}

#[tokio::test]
async fn a_sequence_from_the_future_is_refused_with_4007() {
    let world = World::start().await;
    let bot = world.bot_session(WITH_CONTENT).await;
    let mut client = world.connect().await;
    client
        .resume(&world.bot_token(), &bot.session, bot.seq + 100)
        .await;
    assert_eq!(client.closed().await, Some(4007));
}
