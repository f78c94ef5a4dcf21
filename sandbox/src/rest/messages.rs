//! Reading and writing messages of a channel.

use std::ops::Bound;

use axum::response::Response;
use serde_json::Value;

use super::attachments;
use super::draft::{Draft, Purpose};
use super::error::{ApiError, ApiResult};
use super::request::{Call, no_content, ok};
use super::validate::id;
use crate::limits;
use crate::state::permissions::bits;
use crate::state::{Actor, Author, Channel, Message, State, now_ms};

/// `GET /channels/{channel_id}/messages`: newest first, also with `after`.
pub(super) async fn list(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    let limit = call.limit(50, 100)?;
    let (before, after) = (call.query_id("before")?, call.query_id("after")?);
    let around = call.query_id("around")?;
    call.app.read(|state| {
        readable(state, user, channel)?;
        if !state.may(user, channel, bits::READ_MESSAGE_HISTORY) {
            return Ok(ok(Value::Array(Vec::new())));
        }
        let page = page(state, channel, limit, before, after, around);
        Ok(ok(page
            .into_iter()
            .map(|message| state.message_for(user, message))
            .collect()))
    })
}

fn page(
    state: &State,
    channel: u64,
    limit: usize,
    before: Option<u64>,
    after: Option<u64>,
    around: Option<u64>,
) -> Vec<&Message> {
    let Some(all) = state.messages.get(&channel) else {
        return Vec::new();
    };
    let older = |than: u64, count: usize| {
        all.range(..than)
            .rev()
            .take(count)
            .map(|(_, found)| found.as_ref())
    };
    let newer = |than: u64, count: usize| {
        let range = (Bound::Excluded(than), Bound::Unbounded);
        let mut found: Vec<&Message> = all
            .range(range)
            .take(count)
            .map(|(_, found)| found.as_ref())
            .collect();
        found.reverse();
        found
    };
    if let Some(middle) = around {
        let mut found = newer(middle, limit / 2);
        found.extend(all.get(&middle).map(Box::as_ref));
        let rest = limit.saturating_sub(found.len());
        found.extend(older(middle, rest));
        return found;
    }
    match (before, after) {
        (Some(before), _) => older(before, limit).collect(),
        (None, Some(after)) => newer(after, limit),
        (None, None) => older(u64::MAX, limit).collect(),
    }
}

/// `GET /channels/{channel_id}/messages/{message_id}`.
pub(super) async fn get(call: Call) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    call.app.read(|state| {
        readable(state, user, channel)?;
        state.need(user, channel, bits::READ_MESSAGE_HISTORY)?;
        let message = state
            .message(channel, id)
            .ok_or_else(|| ApiError::unknown(10008, "Message"))?;
        Ok(ok(state.message_for(user, message)))
    })
}

/// `POST /channels/{channel_id}/messages`.
pub(super) async fn create(call: Call) -> ApiResult {
    let (actor, channel) = (call.actor()?, call.id("channel_id")?);
    let user = actor.user();
    let payload = call.payload()?;
    call.app.read(|state| may_send(state, actor, channel))?;
    let mut draft = Draft::parse(payload, Purpose::Message)?;
    if let Actor::Person { .. } = actor {
        only_text(&mut draft, !payload.files.is_empty())?;
    }
    let before = call.app.read(|state| {
        may_attach(state, user, channel, &draft, !payload.files.is_empty())?;
        Ok::<_, ApiError>(state.sent_before(user, &draft))
    })?;
    if let Some(answer) = before {
        return Ok(ok(answer));
    }
    draft.attachments = attachments::store(&call.app, payload).await?;
    call.app.write(|state| {
        // Looked at again: the channel may have changed while files were written, or the same message
        // may have come twice at once.
        may_send(state, actor, channel)?;
        if state.sent_before(user, &draft).is_none() {
            state.refuse_hasty(user, channel)?;
        }
        state.post(Author::User(user), channel, draft).map(ok)
    })
}

/// People send text and files; embeds and components are for applications.
pub(super) fn only_text(draft: &mut Draft, files: bool) -> ApiResult<()> {
    draft.embeds = None;
    draft.components = None;
    let empty = draft.content.as_ref().is_none_or(String::is_empty);
    if empty
        && !files
        && draft.poll.is_none()
        && draft.reference.is_none_or(|found| found.kind == 0)
    {
        return Err(ApiError::new(400, 50006, "Cannot send an empty message"));
    }
    Ok(())
}

pub(super) fn may_attach(
    state: &State,
    user: u64,
    channel: u64,
    draft: &Draft,
    files: bool,
) -> ApiResult<()> {
    if files {
        state.need(user, channel, bits::ATTACH_FILES)?;
    }
    if draft.embeds.as_ref().is_some_and(|list| !list.is_empty()) {
        state.need(user, channel, bits::EMBED_LINKS)?;
    }
    if draft.reference.is_some_and(|found| found.kind == 0)
        && !state.may(user, channel, bits::READ_MESSAGE_HISTORY)
    {
        let text = "Cannot reply without permission to read message history";
        return Err(ApiError::new(400, 160_002, text));
    }
    Ok(())
}

fn may_send(state: &State, actor: Actor, channel: u64) -> ApiResult<()> {
    let user = actor.user();
    let found = state.see(user, channel)?;
    if found.is_forum() {
        return Err(ApiError::new(
            400,
            40058,
            "Cannot send a message in a forum channel",
        ));
    }
    if !found.is_text() {
        return Err(ApiError::new(
            400,
            50008,
            "Cannot send messages in a non-text channel",
        ));
    }
    let bit = if found.is_thread() {
        bits::SEND_MESSAGES_IN_THREADS
    } else {
        bits::SEND_MESSAGES
    };
    state.need(user, channel, bit)?;
    if let (Actor::Bot { .. }, true) = (actor, found.is_private()) {
        let closed = |other: &u64| {
            state
                .users
                .get(other)
                .is_some_and(|user| !user.bot && user.closed_dms)
        };
        if found.recipients.iter().any(closed) {
            return Err(ApiError::new(
                403,
                50007,
                "Cannot send messages to this user",
            ));
        }
    }
    Ok(())
}

/// `PATCH /channels/{channel_id}/messages/{message_id}`: own messages; of others only the flags.
pub(super) async fn edit(call: Call) -> ApiResult {
    let (actor, channel, id) = (
        call.actor()?,
        call.id("channel_id")?,
        call.id("message_id")?,
    );
    let user = actor.user();
    let payload = call.payload()?;
    let flags = call
        .app
        .read(|state| state.message(channel, id).map_or(0, |found| found.flags));
    let mut draft = Draft::parse_edit(payload, flags)?;
    call.app
        .read(|state| may_edit(state, user, channel, id, &payload.json))?;
    if let Actor::Person { .. } = actor {
        draft.embeds = None;
        draft.components = None;
    }
    draft.attachments = attachments::store(&call.app, payload).await?;
    call.app
        .write(|state| state.edit(channel, id, draft).map(ok))
}

fn may_edit(state: &State, user: u64, channel: u64, id: u64, body: &Value) -> ApiResult<()> {
    readable(state, user, channel)?;
    let message = state
        .message(channel, id)
        .ok_or_else(|| ApiError::unknown(10008, "Message"))?;
    if message.author == user {
        if message.poll.is_some() {
            return Err(ApiError::new(400, 520_003, "Cannot edit a poll message"));
        }
        if !matches!(message.kind, 0 | 19 | 20 | 23) {
            let text = "Cannot execute action on a system message";
            return Err(ApiError::new(403, 50021, text));
        }
        return Ok(());
    }
    let flags_only = body
        .as_object()
        .is_some_and(|body| body.keys().all(|key| key == "flags"));
    if flags_only && state.may(user, channel, bits::MANAGE_MESSAGES) {
        return Ok(());
    }
    Err(ApiError::new(
        403,
        50005,
        "Cannot edit a message authored by another user",
    ))
}

/// `DELETE /channels/{channel_id}/messages/{message_id}`.
pub(super) async fn delete(call: Call) -> ApiResult {
    let (user, channel, id) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    call.app.write(|state| {
        let private = readable(state, user, channel)?.is_private();
        let message = state
            .message(channel, id)
            .ok_or_else(|| ApiError::unknown(10008, "Message"))?;
        if message.author != user {
            if private {
                return Err(ApiError::new(
                    403,
                    50003,
                    "Cannot execute action on a DM channel",
                ));
            }
            state.need(user, channel, bits::MANAGE_MESSAGES)?;
        }
        state.delete_message(channel, id)?;
        Ok(no_content())
    })
}

/// `POST /channels/{channel_id}/messages/bulk-delete`.
pub(super) async fn bulk_delete(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    let mut ids: Vec<u64> = call.json()?["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(id)
        .collect();
    let asked = ids.len();
    ids.sort_unstable();
    ids.dedup();
    call.app.write(|state| {
        if readable(state, user, channel)?.is_private() {
            return Err(ApiError::new(
                403,
                50003,
                "Cannot execute action on a DM channel",
            ));
        }
        state.need(user, channel, bits::MANAGE_MESSAGES)?;
        check_bulk(state, channel, &ids, asked)?;
        state.delete_messages(channel, &ids);
        Ok(no_content())
    })
}

fn check_bulk(state: &State, channel: u64, ids: &[u64], asked: usize) -> ApiResult<()> {
    if !limits::BULK_DELETE.contains(&asked) {
        let text = "Provided too few or too many messages to delete. Must provide at least 2 and fewer than 100 messages to delete.";
        return Err(ApiError::new(400, 50016, text));
    }
    if ids.len() < asked {
        let text = "The list holds the same message twice.";
        return Err(ApiError::field(
            "messages",
            "SET_TYPE_ALREADY_CONTAINS_VALUE",
            text,
        ));
    }
    let old = |id: &u64| {
        let written = state
            .message(channel, *id)
            .map_or(crate::state::snowflake_ms(*id), Message::written_ms);
        now_ms().saturating_sub(written) > limits::BULK_DELETE_AGE_MS
    };
    if ids.iter().any(old) {
        let text = "You can only bulk delete messages that are under 14 days old.";
        return Err(ApiError::new(400, 50034, text));
    }
    Ok(())
}

/// `POST /channels/{channel_id}/typing`.
pub(super) async fn typing(call: Call) -> ApiResult<Response> {
    let (actor, channel) = (call.actor()?, call.id("channel_id")?);
    call.app.write(|state| {
        may_send(state, actor, channel)?;
        state.typing(actor.user(), channel);
        Ok(no_content())
    })
}

/// A channel that the user can see and that holds messages.
fn readable(state: &State, user: u64, channel: u64) -> ApiResult<&Channel> {
    let found = state.see(user, channel)?;
    if found.is_text() {
        return Ok(found);
    }
    Err(ApiError::new(
        400,
        50024,
        "Cannot execute action on this channel type",
    ))
}
