//! Compression.

use std::io::Read as _;

use serde_json::Value;

use crate::support::{Received, WITH_CONTENT, World, identify};

fn inflate(bytes: &[u8]) -> Value {
    let mut text = String::new();
    flate2::read::ZlibDecoder::new(bytes)
        .read_to_string(&mut text)
        .unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn large_payloads_are_whole_zlib_documents_for_those_who_asked() {
    let world = World::start().await;
    let general = world.general().await;
    let mut bot = world.connect().await;
    let mut body = identify(&world.bot_token(), WITH_CONTENT);
    body["d"]["compress"] = true.into();
    bot.send(body).await;
    let guild = loop {
        let payload = match bot.receive().await {
            Received::Binary(bytes) => inflate(&bytes),
            Received::Payload(payload) => {
                assert_ne!(payload["t"], "GUILD_CREATE", "large enough for zlib");
                payload
            }
            Received::Closed(code) => panic!("closed: {code:?}"),
        };
        if payload["t"] == "GUILD_CREATE" {
            break payload;
        }
    };
    assert_eq!(guild["d"]["id"], world.guild().as_str());
    world.person("zack").say(&general, "short").await;
    bot.message("MESSAGE_CREATE", "short").await;
    world
        .person("zack")
        .say(&general, &"long ".repeat(300))
        .await;
    let Received::Binary(bytes) = bot.receive().await else {
        panic!("binary was due")
    };
    assert_eq!(inflate(&bytes)["d"]["content"], "long ".repeat(300).trim());
}

#[tokio::test]
async fn a_zlib_stream_carries_everything() {
    let world = World::start().await;
    let general = world.general().await;
    let mut bot = world
        .connect_silently("?v=10&encoding=json&compress=zlib-stream")
        .await;
    bot.inflate = Some(flate2::Decompress::new(true));
    assert_eq!(bot.next().await["op"], 10);
    bot.identify(&world.bot_token(), WITH_CONTENT).await;
    bot.event("GUILD_CREATE").await;
    world
        .person("zack")
        .say(&general, &"x y ".repeat(400))
        .await;
    bot.message("MESSAGE_CREATE", "x y ".repeat(400).trim())
        .await;
    world.person("zack").say(&general, "short").await;
    bot.message("MESSAGE_CREATE", "short").await;
}
