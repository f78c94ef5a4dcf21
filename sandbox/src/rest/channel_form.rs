//! The forms that make and change channels and threads.

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult, FormErrors};
use super::threads;
use super::validate::{id, text};
use crate::limits;
use crate::state::permissions::bits;
use crate::state::{Channel, Overwrite, State, now_ms};

/// Flag of a forum post that stays on top.
const PINNED: u64 = 1 << 1;

/// Fills a channel from a create or edit form; absent fields stay.
pub(super) fn fill(
    state: &mut State,
    user: u64,
    mut channel: Channel,
    body: &Value,
) -> ApiResult<Channel> {
    let mut errors = FormErrors::default();
    if let Some(name) = text(&mut errors, "name", &body["name"]).map(str::trim) {
        errors.between("name", name, 1, limits::NAME);
        channel.name = if matches!(channel.kind, 0 | 5 | 15 | 16) {
            normalised(name)
        } else {
            name.to_owned()
        };
    }
    if body.get("topic").is_some() {
        let topic = text(&mut errors, "topic", &body["topic"]).filter(|topic| !topic.is_empty());
        let most = if channel.is_forum() {
            limits::FORUM_TOPIC
        } else {
            limits::TOPIC
        };
        errors.at_most("topic", topic.unwrap_or_default(), most);
        channel.topic = topic.map(ToOwned::to_owned);
    }
    if let Some(seconds) = slowmode(&mut errors, body) {
        channel.slowmode_seconds = seconds;
    }
    if let Some(position) = body["position"].as_i64() {
        channel.position = position;
    }
    if let Some(nsfw) = body["nsfw"].as_bool() {
        channel.nsfw = nsfw;
    }
    if let Some(flags) = body["flags"].as_u64() {
        channel.flags = flags;
    }
    if !body["default_auto_archive_duration"].is_null() {
        let renamed = json!({ "auto_archive_duration": body["default_auto_archive_duration"] });
        channel.default_auto_archive_minutes = auto_archive(&mut errors, &renamed);
    }
    errors.check()?;
    if let Some(parent) = body.get("parent_id") {
        channel.parent = parent_of(state, &channel, parent)?;
    }
    if let Some(items) = body["permission_overwrites"].as_array() {
        if items.len() > limits::OVERWRITES {
            let text = "Maximum number of permission overwrites in the guild reached (1000)";
            return Err(ApiError::new(400, 30060, text));
        }
        channel.overwrites = items
            .iter()
            .map(|item| overwrite(state, user, &channel, item))
            .collect::<ApiResult<_>>()?;
    }
    if channel.is_forum() && !body["available_tags"].is_null() {
        channel.available_tags = available_tags(state, &channel, &body["available_tags"])?;
    }
    Ok(channel)
}

/// Discord shows text channels in lower case with dashes.
fn normalised(name: &str) -> String {
    let mut kept = String::with_capacity(name.len());
    for sign in name.to_lowercase().chars() {
        let sign = if sign.is_whitespace() { '-' } else { sign };
        let dropped = sign.is_ascii_punctuation() && !matches!(sign, '-' | '_');
        if !(dropped || sign == '-' && kept.ends_with('-')) {
            kept.push(sign);
        }
    }
    let kept = kept.trim_matches('-');
    if kept.is_empty() {
        "-".to_owned()
    } else {
        kept.to_owned()
    }
}

pub(super) fn parent_of(state: &State, channel: &Channel, value: &Value) -> ApiResult<Option<u64>> {
    if value.is_null() {
        return Ok(None);
    }
    let category = id(value)
        .and_then(|id| state.channels.get(&id))
        .filter(|found| found.kind == 4 && found.guild == channel.guild);
    let Some(category) = category.filter(|_| channel.kind != 4) else {
        let text = "Category does not exist";
        return Err(ApiError::field("parent_id", "CHANNEL_PARENT_INVALID", text));
    };
    let children = state
        .channels
        .values()
        .filter(|child| child.parent == Some(category.id) && child.id != channel.id)
        .count();
    if children >= limits::CATEGORY_CHANNELS {
        let text = "Maximum number of channels in category reached (50)";
        return Err(ApiError::field(
            "parent_id",
            "CHANNEL_PARENT_MAX_CHANNELS",
            text,
        ));
    }
    Ok(Some(category.id))
}

/// Reads an overwrite; nobody can grant or deny what they do not have themselves.
pub(super) fn overwrite(
    state: &State,
    user: u64,
    channel: &Channel,
    item: &Value,
) -> ApiResult<Overwrite> {
    let bits_of = |key: &str| match &item[key] {
        Value::String(text) => text.parse().unwrap_or(0),
        other => other.as_u64().unwrap_or(0),
    };
    let target = id(&item["id"]).ok_or_else(|| ApiError::unknown(10009, "Overwrite"))?;
    let kind = match &item["type"] {
        Value::String(text) => u8::from(text == "member" || text == "1"),
        other => u8::from(other.as_u64() == Some(1)),
    };
    let found = Overwrite {
        id: target,
        kind,
        allow: bits_of("allow"),
        deny: bits_of("deny"),
    };
    let known = if kind == 0 {
        state
            .roles
            .get(&target)
            .is_some_and(|role| role.guild == channel.guild)
    } else {
        state.users.contains_key(&target)
    };
    if !known {
        let (code, what) = if kind == 0 {
            (10011, "Role")
        } else {
            (10013, "User")
        };
        return Err(ApiError::unknown(code, what));
    }
    let base = state.guild_permissions(channel.guild, user);
    let own = if state.channels.contains_key(&channel.id) {
        base | state.permissions(user, channel.id)
    } else {
        base
    };
    let touched = found.allow | found.deny;
    if base & bits::ADMINISTRATOR == 0 && touched & !own != 0 {
        return Err(ApiError::missing_permissions());
    }
    Ok(found)
}

/// A forum's tags: the list replaces the old one, ids that are known are kept.
fn available_tags(state: &mut State, forum: &Channel, value: &Value) -> ApiResult<Vec<Value>> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.len() > limits::FORUM_TAGS {
        return Err(ApiError::new(
            400,
            30048,
            "Maximum number of tags in a forum channel reached (20)",
        ));
    }
    let mut errors = FormErrors::default();
    let mut tags: Vec<Value> = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let name = text(
            &mut errors,
            &format!("available_tags.{index}.name"),
            &item["name"],
        )
        .unwrap_or_default();
        errors.between(
            &format!("available_tags.{index}.name"),
            name,
            1,
            limits::TAG_NAME,
        );
        if tags.iter().any(|tag| tag["name"] == name) {
            return Err(ApiError::new(400, 40061, "Tag names must be unique"));
        }
        let known = id(&item["id"]).filter(|tag| {
            forum
                .available_tags
                .iter()
                .any(|old| id(&old["id"]) == Some(*tag))
        });
        let tag = known.unwrap_or_else(|| state.snowflake());
        tags.push(json!({
            "id": tag.to_string(),
            "name": name,
            "moderated": item["moderated"].as_bool().unwrap_or(false),
            "emoji_id": item["emoji_id"],
            "emoji_name": item["emoji_name"],
        }));
    }
    errors.check()?;
    Ok(tags)
}

/// Changes a thread: its maker or `MANAGE_THREADS`; locking asks for the latter; archived ones only take
/// being unarchived.
pub(super) fn change_thread(
    state: &State,
    user: u64,
    mut found: Channel,
    body: &Value,
) -> ApiResult<Channel> {
    let manages = state.may(user, found.id, bits::MANAGE_THREADS);
    let forum = found
        .parent
        .and_then(|parent| state.channels.get(&parent))
        .filter(|parent| parent.is_forum());
    let Some(thread) = &mut found.thread else {
        return Ok(found);
    };
    let wakes = body["archived"] == false;
    let only_wakes = wakes && body.as_object().is_some_and(|body| body.len() == 1);
    if !manages && thread.owner != user && (!only_wakes || thread.locked) {
        return Err(ApiError::missing_permissions());
    }
    if !manages && (thread.locked || !body["locked"].is_null()) {
        return Err(ApiError::missing_permissions());
    }
    if thread.archived && !wakes && body["archived"] != true {
        return Err(ApiError::new(400, 50083, "Thread is archived"));
    }
    let mut errors = FormErrors::default();
    if let Some(name) = text(&mut errors, "name", &body["name"]).map(str::trim) {
        errors.between("name", name, 1, limits::NAME);
        name.clone_into(&mut found.name);
    }
    if let Some(seconds) = slowmode(&mut errors, body) {
        found.slowmode_seconds = seconds;
    }
    if let Some(minutes) = auto_archive(&mut errors, body) {
        thread.auto_archive_minutes = minutes;
    }
    errors.check()?;
    if let Some(archived) = body["archived"]
        .as_bool()
        .filter(|archived| *archived != thread.archived)
    {
        thread.archived = archived;
        thread.archive_ms = now_ms();
    }
    if let Some(locked) = body["locked"].as_bool() {
        thread.locked = locked;
    }
    if let Some(invitable) = body["invitable"].as_bool() {
        thread.invitable = invitable;
    }
    if let Some(flags) = body["flags"].as_u64() {
        if let Some(forum) = forum.filter(|_| flags & !found.flags & PINNED != 0) {
            refuse_second_pin(state, forum.id)?;
        }
        found.flags = flags;
    }
    if let (Some(forum), false) = (forum, body["applied_tags"].is_null()) {
        thread.applied_tags = threads::tags(forum, &body["applied_tags"], manages)?;
    }
    Ok(found)
}

/// A forum shows one pinned post (30047).
fn refuse_second_pin(state: &State, forum: u64) -> ApiResult<()> {
    let mut posts = state
        .channels
        .values()
        .filter(|post| post.parent == Some(forum));
    if posts.any(|post| post.flags & PINNED != 0) {
        let text = "Maximum number of pinned threads in a forum channel has been reached";
        return Err(ApiError::new(400, 30047, text));
    }
    Ok(())
}

/// `rate_limit_per_user` in seconds.
pub(super) fn slowmode(errors: &mut FormErrors, body: &Value) -> Option<u64> {
    let seconds = body["rate_limit_per_user"].as_u64()?;
    if seconds > limits::SLOWMODE_SECONDS {
        let text = "int value should be between 0 and 21600.";
        errors.add("rate_limit_per_user", "NUMBER_TYPE_RANGE", text);
    }
    Some(seconds)
}

/// `auto_archive_duration` in minutes: an hour, a day, three days, a week.
pub(super) fn auto_archive(errors: &mut FormErrors, body: &Value) -> Option<u64> {
    let minutes = body["auto_archive_duration"].as_u64()?;
    if !matches!(minutes, 60 | 1440 | 4320 | 10080) {
        let text = "Value must be one of (60, 1440, 4320, 10080).";
        errors.add("auto_archive_duration", "BASE_TYPE_CHOICES", text);
    }
    Some(minutes)
}
