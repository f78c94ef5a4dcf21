//! Threads and forum posts.

use serde_json::{Value, json};

use super::attachments;
use super::channel_form::{auto_archive, slowmode};
use super::draft::{Draft, Purpose};
use super::error::{ApiError, ApiResult, FormErrors};
use super::messages;
use super::request::{Call, created, no_content, ok};
use super::validate::{id, list, text};
use crate::limits;
use crate::state::permissions::bits;
use crate::state::threads::NewThread;
use crate::state::{Actor, Author, Channel, State};

/// Forum posts must carry a tag.
const REQUIRE_TAG: u64 = 1 << 4;

/// `POST /channels/{channel_id}/messages/{message_id}/threads`.
pub(super) async fn from_message(call: Call) -> ApiResult {
    let (user, parent, message) = (call.user()?, call.id("channel_id")?, call.id("message_id")?);
    let body = call.json()?;
    call.app.write(|state| {
        let place = state.need(
            user,
            parent,
            bits::CREATE_PUBLIC_THREADS | bits::READ_MESSAGE_HISTORY,
        )?;
        let kind = match place.kind {
            0 => 11,
            5 => 10,
            _ => {
                return Err(ApiError::new(
                    400,
                    50024,
                    "Cannot execute action on this channel type",
                ));
            }
        };
        let new = parse(state, parent, kind, user, body)?;
        state.thread_from_message(message, new).map(created)
    })
}

/// `POST /channels/{channel_id}/threads`: a thread without a message, or a forum post.
pub(super) async fn create(call: Call) -> ApiResult {
    let (user, parent) = (call.user()?, call.id("channel_id")?);
    let payload = call.payload()?;
    let forum = call
        .app
        .read(|state| state.see(user, parent).map(Channel::is_forum))?;
    if forum {
        return post(&call, call.actor()?, parent).await;
    }
    let body = &payload.json;
    // Discord's default is a private thread, which surprises those who leave the type out.
    let kind = body["type"].as_u64().unwrap_or(12);
    let (kind, bit) = match kind {
        10 => (10, bits::CREATE_PUBLIC_THREADS),
        11 => (11, bits::CREATE_PUBLIC_THREADS),
        12 => (12, bits::CREATE_PRIVATE_THREADS),
        _ => {
            let text = "Value must be one of (10, 11, 12).";
            return Err(ApiError::field("type", "BASE_TYPE_CHOICES", text));
        }
    };
    call.app.write(|state| {
        let place = state.need(user, parent, bit)?;
        if !matches!(place.kind, 0 | 5) {
            return Err(ApiError::new(
                400,
                50024,
                "Cannot execute action on this channel type",
            ));
        }
        let new = parse(state, parent, kind, user, body)?;
        state.thread_alone(new).map(created)
    })
}

async fn post(call: &Call, actor: Actor, forum: u64) -> ApiResult {
    let user = actor.user();
    let payload = call.payload()?;
    let body = &payload.json;
    let new = call.app.read(|state| {
        state.need(user, forum, bits::SEND_MESSAGES)?;
        let manages = state.may(user, forum, bits::MANAGE_THREADS);
        parse_post(state, forum, user, body, manages)
    })?;
    if !body["message"].is_object() {
        return Err(ApiError::field(
            "message",
            "BASE_TYPE_REQUIRED",
            "This field is required",
        ));
    }
    let mut draft = Draft::parse_value(&body["message"], &payload.files, Purpose::Message)?;
    draft.nonce = None;
    let files = !payload.files.is_empty();
    if let Actor::Person { .. } = actor {
        messages::only_text(&mut draft, files)?;
    }
    call.app
        .read(|state| messages::may_attach(state, user, forum, &draft, files))?;
    draft.attachments = attachments::store(&call.app, payload).await?;
    call.app.write(|state| {
        state
            .forum_post(new, Author::User(user), draft)
            .map(created)
    })
}

fn parse(state: &State, parent: u64, kind: u8, owner: u64, body: &Value) -> ApiResult<NewThread> {
    let mut form = FormErrors::default();
    let name = text(&mut form, "name", &body["name"]).map(str::trim);
    match name {
        Some(name) => form.between("name", name, 1, limits::NAME),
        None => form.required("name"),
    }
    let default = state
        .channels
        .get(&parent)
        .and_then(|found| found.default_auto_archive_minutes)
        .unwrap_or(4320);
    let new = NewThread {
        parent,
        kind,
        name: name.unwrap_or_default().to_owned(),
        auto_archive_minutes: auto_archive(&mut form, body).unwrap_or(default),
        slowmode_seconds: slowmode(&mut form, body).unwrap_or(0),
        invitable: body["invitable"].as_bool().unwrap_or(true),
        applied_tags: Vec::new(),
        owner,
    };
    form.check()?;
    Ok(new)
}

/// Checks the form of a forum post. `manages`: the author may use moderated tags.
pub(super) fn parse_post(
    state: &State,
    forum: u64,
    owner: u64,
    body: &Value,
    manages: bool,
) -> ApiResult<NewThread> {
    let mut new = parse(state, forum, 11, owner, body)?;
    let place = state
        .channels
        .get(&forum)
        .ok_or_else(|| ApiError::unknown(10003, "Channel"))?;
    new.applied_tags = tags(place, &body["applied_tags"], manages)?;
    Ok(new)
}

/// Checks `applied_tags` of a post against its forum: at most five, known, required where the forum says so.
pub(super) fn tags(forum: &Channel, value: &Value, manages: bool) -> ApiResult<Vec<u64>> {
    let mut errors = FormErrors::default();
    let given = list(&mut errors, "applied_tags", value, limits::POST_TAGS).unwrap_or_default();
    errors.check()?;
    let mut tags = Vec::new();
    for item in given {
        let tag = id(item).filter(|tag| {
            forum
                .available_tags
                .iter()
                .any(|known| id(&known["id"]) == Some(*tag))
        });
        let tag = tag.ok_or_else(|| ApiError::unknown(10087, "tag"))?;
        let moderated = forum
            .available_tags
            .iter()
            .any(|known| id(&known["id"]) == Some(tag) && known["moderated"] == true);
        if moderated && !manages {
            return Err(ApiError::missing_permissions());
        }
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    if tags.is_empty() && forum.flags & REQUIRE_TAG != 0 {
        let text = "A tag is required to create a forum post in this channel";
        return Err(ApiError::new(400, 40067, text));
    }
    Ok(tags)
}

/// `GET /guilds/{guild_id}/threads/active`.
pub(super) async fn active(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        let mut found = threads(state, user, None, false);
        found.retain(|thread| thread.guild == guild);
        Ok(ok(listing(state, user, &found)))
    })
}

/// `GET /channels/{channel_id}/threads/archived/public` and `…/private`.
pub(super) async fn archived_public(call: Call) -> ApiResult {
    archived(&call, &[10, 11], false)
}

/// `GET /channels/{channel_id}/threads/archived/private`.
pub(super) async fn archived_private(call: Call) -> ApiResult {
    archived(&call, &[12], false)
}

/// `GET /channels/{channel_id}/users/@me/threads/archived/private`.
pub(super) async fn archived_joined(call: Call) -> ApiResult {
    archived(&call, &[12], true)
}

fn archived(call: &Call, kinds: &[u8], joined: bool) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    let limit = call.limit(50, 100)?;
    let before = call
        .query("before")
        .and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok())
        .and_then(|time| u64::try_from(time.timestamp_millis()).ok())
        .unwrap_or(u64::MAX);
    call.app.read(|state| {
        state.need(user, channel, bits::READ_MESSAGE_HISTORY)?;
        if kinds == [12] && !joined {
            state.need(user, channel, bits::MANAGE_THREADS)?;
        }
        let archived_at =
            |found: &&Channel| found.thread.as_ref().map_or(0, |thread| thread.archive_ms);
        let mut found: Vec<&Channel> = threads(state, user, Some(channel), true)
            .into_iter()
            .filter(|found| kinds.contains(&found.kind) && archived_at(found) < before)
            .filter(|found| {
                !joined
                    || found
                        .thread
                        .as_ref()
                        .is_some_and(|thread| thread.members.contains_key(&user))
            })
            .collect();
        found.sort_by_key(|found| std::cmp::Reverse(archived_at(found)));
        let more = found.len() > limit;
        found.truncate(limit);
        let mut body = listing(state, user, &found);
        body["has_more"] = json!(more);
        Ok(ok(body))
    })
}

fn threads(state: &State, user: u64, parent: Option<u64>, archived: bool) -> Vec<&Channel> {
    let mut found: Vec<&Channel> = state
        .channels
        .values()
        .filter(|channel| parent.is_none() || channel.parent == parent)
        .filter(|channel| {
            channel
                .thread
                .as_ref()
                .is_some_and(|thread| thread.archived == archived)
        })
        .filter(|channel| state.may(user, channel.id, bits::VIEW_CHANNEL))
        .collect();
    found.sort_by_key(|channel| std::cmp::Reverse(channel.id));
    found
}

fn listing(state: &State, user: u64, found: &[&Channel]) -> Value {
    let threads: Vec<Value> = found
        .iter()
        .map(|thread| state.channel_json(thread, Some(user)))
        .collect();
    let members: Vec<Value> = threads
        .iter()
        .map(|thread| thread["member"].clone())
        .filter(Value::is_object)
        .collect();
    json!({ "threads": threads, "members": members })
}

/// `PUT` and `DELETE /channels/{channel_id}/thread-members/@me` and `…/{user_id}`.
pub(super) async fn join(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    let other = if call.text("user_id").is_empty() {
        user
    } else {
        call.id("user_id")?
    };
    call.app.write(|state| {
        of_thread(state, user, channel)?;
        state.refuse_archived(channel)?;
        if state.member_in(channel, other).is_none() {
            return Err(ApiError::unknown(10013, "User"));
        }
        state.join_thread(other, channel);
        Ok(no_content())
    })
}

/// See [`join`].
pub(super) async fn leave(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    let other = if call.text("user_id").is_empty() {
        user
    } else {
        call.id("user_id")?
    };
    call.app.write(|state| {
        of_thread(state, user, channel)?;
        state.refuse_archived(channel)?;
        if other != user {
            state.need(user, channel, bits::MANAGE_THREADS)?;
        }
        state.leave_thread(other, channel);
        Ok(no_content())
    })
}

/// `GET /channels/{channel_id}/thread-members`.
pub(super) async fn members(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    call.app.read(|state| {
        let thread = of_thread(state, user, channel)?;
        Ok(ok(Value::Array(thread.thread_members_json())))
    })
}

fn of_thread(state: &State, user: u64, channel: u64) -> ApiResult<&Channel> {
    let found = state.see(user, channel)?;
    if found.is_thread() {
        return Ok(found);
    }
    Err(ApiError::new(
        400,
        50024,
        "Cannot execute action on this channel type",
    ))
}
