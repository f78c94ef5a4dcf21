//! What operators wrote to a bot that has never heard of their chat: it cannot list its chats, but
//! it can open the one with each of them, which nobody notices, and read there.

use chrono::{TimeDelta, Utc};
use serde::Deserialize;
use serenity::all::Message;

use crate::discord::events::{self, Written};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Page, Request, RestError, Route};
use crate::model::{ChannelId, UserId};

/// How old a message may be that is still found so.
const HORIZON: TimeDelta = TimeDelta::hours(24);

/// Most messages of a page (source: Discord).
const PAGE: u8 = 100;

#[derive(Deserialize)]
struct Chat {
    id: ChannelId,
}

/// The chat of a bot with somebody.
pub(super) async fn chat(lanes: &Lanes, with: UserId) -> Result<ChannelId, RestError> {
    let request = Request::new(Route::create_dm()).json(&serde_json::json!({
        "recipient_id": with,
    }));
    let submitted = lanes.submit(Class::Backlog, request);
    let chat: Chat = submitted.await.json().into_result()?;
    Ok(chat.id)
}

/// What somebody has written there since the bot said something last, oldest first: whatever it has
/// answered, a refusal included, is over.
pub(super) async fn unanswered(
    lanes: &Lanes,
    chat: ChannelId,
    by: UserId,
) -> Result<Vec<Written>, RestError> {
    let route = Route::get_messages(chat.get(), Page::Latest, PAGE);
    let submitted = lanes.submit(Class::Backlog, Request::new(route));
    let newest_first: Vec<Message> = submitted.await.json().into_result()?;
    let since = Utc::now() - HORIZON;
    let mut written: Vec<Written> = newest_first
        .into_iter()
        .take_while(|message| !message.author.bot)
        .filter_map(events::written)
        .filter(|written| written.user == by && written.id.created_at() > since)
        .collect();
    written.reverse();
    Ok(written)
}
