//! What people see, on their own message, of what became of it.

mod ladder;
mod retry;
mod waiting;

use serde_json::Value;

use crate::harness::card::Card;
use crate::harness::person::Person;
use crate::harness::wait::eventually;

pub(crate) const QUEUED: &str = "🕓";
pub(crate) const WITH_AGENT: &str = "📨";
pub(crate) const ANSWERED: &str = "✅";
pub(crate) const FAILED: &str = "❌";

/// The bot's replies to a message.
pub(crate) async fn replies(person: &Person, channel: &str, message: &str) -> Vec<Card> {
    let path = format!("/channels/{channel}/messages?limit=100");
    let (_, messages) = person.call(reqwest::Method::GET, &path, None).await;
    let all = messages.as_array().cloned().unwrap_or_default();
    let to_it = |it: &&Value| it["message_reference"]["message_id"] == *message;
    all.iter().filter(to_it).map(Card::of).collect()
}

/// The bot's one reply to a message.
pub(crate) async fn the_reply(person: &Person, channel: &str, message: &str) -> Card {
    eventually("a reply", || async {
        let mut replies = replies(person, channel, message).await;
        replies.pop().ok_or(())
    })
    .await
}

/// Waits until nobody replies to a message any more.
pub(crate) async fn no_reply(person: &Person, channel: &str, message: &str) {
    eventually("no reply", || async {
        let replies = replies(person, channel, message).await;
        if replies.is_empty() {
            Ok(())
        } else {
            Err(replies)
        }
    })
    .await;
}

/// A port that nobody listens on.
pub(super) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port()
}
