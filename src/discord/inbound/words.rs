//! What people are told in a channel about their messages as a whole: once a minute at most, each.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::time::Instant;

use crate::cards::{flood, outage};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Request, Route};
use crate::model::{ChannelId, DiscordMessageId, UserId};

/// How often one person is told the same, in one channel.
const AGAIN: Duration = Duration::from_mins(1);

/// More messages of one person than this, in this time, are a flood. Discord's own client stops people
/// at about 5 in 5 s; what is pasted line by line, or sent by a program, comes faster.
const FLOOD: (usize, TimeDelta) = (30, TimeDelta::seconds(10));

/// So many people's pace is remembered before those who are quiet are forgotten.
const REMEMBERED: usize = 1_000;

/// What there is to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Why {
    /// The message is not kept.
    NotKept,
    /// There are many, and all are kept.
    Flood,
}

/// Who tells.
pub(super) struct Words {
    lanes: Lanes,
    channel: ChannelId,
    told: HashMap<(UserId, Why), Instant>,
    paces: HashMap<UserId, VecDeque<DateTime<Utc>>>,
}

impl Words {
    pub(super) fn new(lanes: Lanes, channel: ChannelId) -> Self {
        Self {
            lanes,
            channel,
            told: HashMap::new(),
            paces: HashMap::new(),
        }
    }

    /// Counts a message. Whether its author is in the middle of a flood.
    pub(super) fn is_flood(&mut self, user: UserId, message: DiscordMessageId) -> bool {
        let (most, within) = FLOOD;
        let at = message.created_at();
        if self.paces.len() >= REMEMBERED {
            let recent = |pace: &VecDeque<DateTime<Utc>>| pace.back() > Some(&(at - within));
            self.paces.retain(|_, pace| recent(pace));
        }
        let pace = self.paces.entry(user).or_default();
        pace.push_back(at);
        while pace.front().is_some_and(|first| at - first > within) || pace.len() > most + 1 {
            pace.pop_front();
        }
        pace.len() > most
    }

    /// Says it under a message, unless the person has just been told.
    pub(super) fn tell(&mut self, why: Why, user: UserId, message: DiscordMessageId) {
        let now = Instant::now();
        self.told.retain(|_, at| now.duration_since(*at) < AGAIN);
        if self.told.contains_key(&(user, why)) {
            return;
        }
        self.told.insert((user, why), now);
        let (word, content) = match why {
            Why::NotKept => ("full", outage::not_kept()),
            Why::Flood => ("flood", flood::slower()),
        };
        let body = json!({
            "content": content,
            "message_reference": { "message_id": message, "fail_if_not_exists": false },
            // At most 25 characters (source: Discord).
            "nonce": format!("{word}-{message}"),
            "enforce_nonce": true,
        });
        let route = Route::create_message(self.channel.get());
        let request = Request::new(route).json(&body).repeatable();
        let answer = self.lanes.submit(Class::Interactive, request);
        tokio::spawn(async move {
            if let Some(error) = answer.await.done().error() {
                tracing::warn!(%message, %user, %error, "nobody was told about message {message}: {error}");
            }
        });
    }
}
