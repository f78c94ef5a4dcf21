//! What a server does not let the bot do is named, one by one, and everything else goes on.

mod messages;
mod missing;
mod muted;
mod threads;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::person::{Person, Seen};
use crate::harness::status::card;
use crate::harness::world::World;

/// Discord's bits.
const ADD_REACTIONS: u64 = 1 << 6;
const MANAGE_CHANNELS: u64 = 1 << 4;
const VIEW: u64 = 1 << 10;
const SEND: u64 = 1 << 11;
const MANAGE_MESSAGES: u64 = 1 << 13;
const EMBED_LINKS: u64 = 1 << 14;
const ATTACH_FILES: u64 = 1 << 15;
const MANAGE_WEBHOOKS: u64 = 1 << 29;
const MANAGE_THREADS: u64 = 1 << 34;
const CREATE_THREADS: u64 = 1 << 35;
const SEND_IN_THREADS: u64 = 1 << 38;

/// Whoever owns the server leaves the bot everything but this: its role, and everybody's, grant it no
/// more. Zack sees and does everything all the same: the server is his.
async fn leaves_all_but(world: &World, bits: u64) {
    let zack = world.person("zack");
    let path = format!("/guilds/{}/roles", world.guild());
    let (_, roles) = zack.call(Method::GET, &path, None).await;
    for role in roles.as_array().expect("a list of roles") {
        let path = format!("{path}/{}", role["id"].as_str().expect("an id"));
        let all = if role["managed"] == true {
            (1 << 53) - 1 - (1 << 3)
        } else {
            VIEW | SEND
        };
        let body = json!({ "permissions": (all & !bits).to_string() });
        let (status, answer) = zack.call(Method::PATCH, &path, Some(body)).await;
        assert!(status.is_success(), "{status} {answer}");
    }
}

/// The bot's account.
async fn bot(world: &World) -> String {
    let bot = Person::bot(world.discord());
    let (_, me) = bot.call(Method::GET, "/users/@me", None).await;
    me["id"].as_str().expect("an account").to_owned()
}

/// The owner forbids the bot this in a channel.
async fn forbids(world: &World, channel: &str, bits: u64) {
    let path = format!("/channels/{channel}/permissions/{}", bot(world).await);
    let body = json!({ "type": 1, "allow": "0", "deny": bits.to_string() });
    let zack = world.person("zack");
    let (status, answer) = zack.call(Method::PUT, &path, Some(body)).await;
    assert!(status.is_success(), "{status} {answer}");
}

/// The owner takes that back.
async fn allows_again(world: &World, channel: &str) {
    let path = format!("/channels/{channel}/permissions/{}", bot(world).await);
    let answer = world.person("zack").call(Method::DELETE, &path, None).await;
    assert!(answer.0.is_success(), "{answer:?}");
}

/// Waits until the card in `#status` says this, or does not.
async fn status_says(world: &World, text: &str, says: bool) {
    let status = world.channel("status");
    let told = |seen: &[Seen]| !card(seen).is_empty() && card(seen).contains(text) == says;
    world.person("zack").sees(&status, text, told).await;
}

/// How often Discord has refused the bot something since a number of requests.
async fn refusals(world: &World, since: usize) -> Vec<Value> {
    let requests = world.requests().await;
    let refused = requests.into_iter().skip(since);
    refused.filter(|it| it["status"] == 403).collect()
}
