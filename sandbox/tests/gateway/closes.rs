//! Close codes: what a client did wrong, and what the application may not do.

use serde_json::json;

use crate::support::{WITH_CONTENT, World, identify};

#[tokio::test]
async fn a_wrong_token_is_refused_with_4004() {
    let world = World::start().await;
    let mut client = world.connect().await;
    client.identify("Bot wrong", WITH_CONTENT).await;
    assert_eq!(client.closed().await, Some(4004));
    let mut client = world.connect().await;
    client
        .identify(&format!("Bot {}", world.token("zack")), 0)
        .await;
    assert_eq!(client.closed().await, Some(4004), "a person is not a bot");
    let mut client = world.connect().await;
    client.resume("Bot wrong", "session", 0).await;
    assert_eq!(client.closed().await, Some(4004));
}

#[tokio::test]
async fn intents_that_do_not_exist_are_refused_with_4013() {
    let world = World::start().await;
    let mut client = world.connect().await;
    client.identify(&world.bot_token(), 1 << 40).await;
    assert_eq!(client.closed().await, Some(4013));
    let mut client = world.connect().await;
    client
        .send(json!({"op": 2, "d": {"token": world.bot_token(), "properties": {}}}))
        .await;
    assert_eq!(client.closed().await, Some(4013));
}

#[tokio::test]
async fn intents_that_are_off_in_the_portal_are_refused_with_4014() {
    let world = World::start().await;
    world
        .control(
            "application",
            json!({"intents": {"message_content": false}}),
        )
        .await;
    let mut client = world.connect().await;
    client.identify(&world.bot_token(), WITH_CONTENT).await;
    assert_eq!(client.closed().await, Some(4014));
    world
        .control("application", json!({"intents": {"message_content": true}}))
        .await;
    let mut client = world.connect().await;
    client.identify(&world.bot_token(), WITH_CONTENT).await;
    client.event("READY").await;
}

#[tokio::test]
async fn payloads_that_cannot_be_read_are_refused_with_4002() {
    let world = World::start().await;
    for text in ["{", "[]", r#"{"op":"one"}"#] {
        let mut client = world.connect().await;
        client.send_text(text).await;
        assert_eq!(client.closed().await, Some(4002), "{text}");
    }
    let mut client = world.connect().await;
    let long = json!({"op": 1, "d": null, "padding": "x".repeat(4096)});
    client.send(long).await;
    assert_eq!(client.closed().await, Some(4002), "more than 4096 bytes");
}

#[tokio::test]
async fn payloads_out_of_turn_are_refused_with_their_own_codes() {
    let world = World::start().await;
    let mut client = world.connect().await;
    client.send(json!({"op": 3, "d": {}})).await;
    assert_eq!(client.closed().await, Some(4003), "not authenticated");
    let mut client = world.bot_session(WITH_CONTENT).await;
    client.identify(&world.bot_token(), WITH_CONTENT).await;
    assert_eq!(client.closed().await, Some(4005), "already authenticated");
    let mut client = world.person_session("zack").await;
    client.send(json!({"op": 99, "d": null})).await;
    client.send(json!({"op": 1, "d": null})).await;
    assert_eq!(
        client.next().await["op"],
        11,
        "people's clients send more than the docs name"
    );
}

#[tokio::test]
async fn a_bot_that_sends_an_unknown_opcode_is_refused_with_4001() {
    let world = World::start().await;
    let mut client = world.bot_session(WITH_CONTENT).await;
    client.send(json!({"op": 99, "d": null})).await;
    assert_eq!(client.closed().await, Some(4001));
}

#[tokio::test]
async fn a_shard_beyond_the_shards_is_refused_with_4010() {
    let world = World::start().await;
    let mut client = world.connect().await;
    let mut body = identify(&world.bot_token(), WITH_CONTENT);
    body["d"]["shard"] = json!([1, 1]);
    client.send(body).await;
    assert_eq!(client.closed().await, Some(4010));
}

#[tokio::test]
async fn another_version_of_the_api_is_refused_with_4012() {
    let world = World::start().await;
    let mut client = world.connect_silently("?v=3").await;
    assert_eq!(client.closed().await, Some(4012));
}

#[tokio::test]
async fn more_than_120_payloads_a_minute_are_refused_with_4008() {
    let world = World::start().await;
    let mut client = world.connect().await;
    for _ in 0..120 {
        client.send(json!({"op": 1, "d": null})).await;
    }
    for _ in 0..120 {
        assert_eq!(client.next().await["op"], 11);
    }
    client.send(json!({"op": 1, "d": null})).await;
    assert_eq!(client.closed().await, Some(4008));
}
