//! Reactions and pins.

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::request::{Call, no_content, ok};
use crate::state::permissions::bits;
use crate::state::{Message, State, iso};

/// `PUT …/reactions/{emoji_name}/@me`.
pub(super) async fn add(call: Call) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    let emoji = emoji(call.text("emoji_name"))?;
    call.app.write(|state| {
        state.need(user, channel, bits::READ_MESSAGE_HISTORY)?;
        state.add_reaction(user, channel, id, &emoji)?;
        Ok(no_content())
    })
}

/// `DELETE …/reactions/{emoji_name}/@me`.
pub(super) async fn remove_own(call: Call) -> ApiResult {
    let user = call.user()?;
    remove(&call, user)
}

/// `DELETE …/reactions/{emoji_name}/{user_id}`.
pub(super) async fn remove_of(call: Call) -> ApiResult {
    let (user, other) = (call.user()?, call.id("user_id")?);
    if user != other {
        let channel = call.id("channel_id")?;
        call.app
            .read(|state| state.need(user, channel, bits::MANAGE_MESSAGES).map(|_| ()))?;
    }
    remove(&call, other)
}

fn remove(call: &Call, of: u64) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    let emoji = emoji(call.text("emoji_name"))?;
    call.app.write(|state| {
        state.see(user, channel)?;
        state.remove_reaction(of, channel, id, &emoji)?;
        Ok(no_content())
    })
}

/// `DELETE …/reactions` and `DELETE …/reactions/{emoji_name}`.
pub(super) async fn clear(call: Call) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    let emoji = match call.text("emoji_name") {
        "" => None,
        text => Some(emoji(text)?),
    };
    call.app.write(|state| {
        state.need(user, channel, bits::MANAGE_MESSAGES)?;
        state.clear_reactions(channel, id, emoji.as_deref())?;
        Ok(no_content())
    })
}

/// `GET …/reactions/{emoji_name}`: who reacted.
pub(super) async fn list(call: Call) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    let emoji = emoji(call.text("emoji_name"))?;
    let (limit, after) = (call.limit(25, 100)?, call.query_id("after")?.unwrap_or(0));
    call.app.read(|state| {
        state.need(user, channel, bits::READ_MESSAGE_HISTORY)?;
        let message = message(state, channel, id)?;
        let mut users: Vec<u64> = message
            .reactions
            .iter()
            .filter(|reaction| reaction.emoji == emoji)
            .flat_map(|reaction| reaction.users.iter().copied().filter(|user| *user > after))
            .collect();
        users.sort_unstable();
        Ok(ok(users
            .into_iter()
            .take(limit)
            .map(|user| state.user_json(user))
            .collect()))
    })
}

/// A unicode emoji, or `name:id` of an emoji the guild has; anything else is 10014.
fn emoji(text: &str) -> ApiResult<String> {
    let custom = text.rsplit_once(':').is_some();
    // The guild has no emoji of its own, so every custom one is unknown.
    if custom || text.is_empty() || text.chars().count() > 16 || !text.chars().all(is_emoji_part) {
        return Err(ApiError::unknown(10014, "Emoji"));
    }
    if text.is_ascii() {
        return Err(ApiError::unknown(10014, "Emoji"));
    }
    Ok(text.to_owned())
}

/// Blocks in which emoji and the signs that join them lie (Unicode emoji data); digits, `#` and `*` are
/// the keycaps' first part.
fn is_emoji_part(sign: char) -> bool {
    matches!(u32::from(sign),
        0x23 | 0x2A | 0x30..=0x39 | 0xA9 | 0xAE | 0x200D | 0x203C | 0x2049 | 0x20E3 | 0x2122 | 0x2139
        | 0x2190..=0x21FF | 0x2300..=0x23FF | 0x24C2 | 0x25A0..=0x27BF | 0x2900..=0x297F
        | 0x2B00..=0x2BFF | 0x3030 | 0x303D | 0x3297 | 0x3299 | 0xFE0F
        | 0x1F000..=0x1FAFF | 0xE0020..=0xE007F)
}

fn message(state: &State, channel: u64, id: u64) -> ApiResult<&Message> {
    state
        .message(channel, id)
        .ok_or_else(|| ApiError::unknown(10008, "Message"))
}

/// `PUT /channels/{channel_id}/messages/pins/{message_id}` and the older `/pins/{message_id}`.
pub(super) async fn pin(call: Call) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    call.app.write(|state| {
        state.need(user, channel, bits::PIN_MESSAGES)?;
        state.pin(user, channel, id)?;
        Ok(no_content())
    })
}

/// `DELETE /channels/{channel_id}/messages/pins/{message_id}` and the older `/pins/{message_id}`.
pub(super) async fn unpin(call: Call) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    call.app.write(|state| {
        state.need(user, channel, bits::PIN_MESSAGES)?;
        state.unpin(channel, id)?;
        Ok(no_content())
    })
}

/// `GET /channels/{channel_id}/messages/pins`: paged by the time of pinning.
pub(super) async fn pins(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    let limit = call.limit(50, 50)?;
    let before = call
        .query("before")
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
        .and_then(|time| u64::try_from(time.timestamp_millis()).ok())
        .unwrap_or(u64::MAX);
    call.app.read(|state| {
        let found = visible_pins(state, user, channel)?;
        let older: Vec<_> = found
            .into_iter()
            .filter(|message| message.pinned_ms.is_some_and(|at| at < before))
            .collect();
        let items: Vec<Value> = older
            .iter()
            .take(limit)
            .map(|message| {
                let at = message.pinned_ms.map(iso);
                json!({ "pinned_at": at, "message": state.message_for(user, message) })
            })
            .collect();
        Ok(ok(
            json!({ "items": items, "has_more": older.len() > limit }),
        ))
    })
}

/// `GET /channels/{channel_id}/pins`: the older form, the last 50.
pub(super) async fn old_pins(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    call.app.read(|state| {
        let found = visible_pins(state, user, channel)?;
        Ok(ok(found
            .into_iter()
            .take(50)
            .map(|message| state.message_for(user, message))
            .collect()))
    })
}

fn visible_pins(state: &State, user: u64, channel: u64) -> ApiResult<Vec<&Message>> {
    state.see(user, channel)?;
    if !state.may(user, channel, bits::READ_MESSAGE_HISTORY) {
        return Ok(Vec::new());
    }
    Ok(state.pins(channel))
}
