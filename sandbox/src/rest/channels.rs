//! Channels of guilds.

use serde_json::json;

use super::channel_form::{change_thread, fill, overwrite, parent_of};
use super::error::{ApiError, ApiResult, FormErrors};
use super::request::{Call, created, no_content, ok};
use super::validate::{id, list};
use crate::limits;
use crate::state::Channel;
use crate::state::permissions::bits;

/// `GET /channels/{channel_id}`.
pub(super) async fn get(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    call.app.read(|state| {
        let found = state.see(user, channel)?;
        Ok(ok(state.channel_json(found, Some(user))))
    })
}

/// `GET /guilds/{guild_id}/channels`: what the caller can see, without threads.
pub(super) async fn list_guild(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    call.app.read(|state| {
        state.in_guild(user, guild)?;
        let here = state
            .channels_of(guild)
            .filter(|channel| !channel.is_thread())
            .filter(|channel| state.may(user, channel.id, bits::VIEW_CHANNEL));
        Ok(ok(here
            .map(|channel| state.channel_json(channel, Some(user)))
            .collect()))
    })
}

/// `POST /guilds/{guild_id}/channels`.
pub(super) async fn create(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    let body = call.json()?;
    call.app.write(|state| {
        state.need_in_guild(user, guild, bits::MANAGE_CHANNELS)?;
        let own = state.channels_of(guild).filter(|found| !found.is_thread());
        let (count, last) = (own.clone().count(), own.map(|found| found.position).max());
        if count >= limits::CHANNELS {
            return Err(ApiError::new(
                400,
                30013,
                "Maximum number of guild channels reached (500)",
            ));
        }
        let kind = u8::try_from(body["type"].as_u64().unwrap_or(0)).unwrap_or(u8::MAX);
        if !matches!(kind, 0 | 2 | 4 | 5 | 13 | 15 | 16) {
            let text = "Value must be one of (0, 2, 4, 5, 13, 14, 15, 16).";
            return Err(ApiError::field("type", "BASE_TYPE_CHOICES", text));
        }
        if body["name"].is_null() {
            return Err(ApiError::field(
                "name",
                "BASE_TYPE_REQUIRED",
                "This field is required",
            ));
        }
        let fresh = Channel {
            id: state.snowflake(),
            guild,
            kind,
            position: last.map_or(0, |last| last + 1),
            ..Channel::default()
        };
        let channel = fill(state, user, fresh, body)?;
        Ok(created(state.add_channel(channel)))
    })
}

/// `PATCH /channels/{channel_id}`, threads included.
pub(super) async fn patch(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    let body = call.json()?;
    call.app.write(|state| {
        let found = state.see(user, channel)?.clone();
        if found.is_private() {
            return Err(ApiError::new(
                403,
                50003,
                "Cannot execute action on a DM channel",
            ));
        }
        let changed = if found.is_thread() {
            change_thread(state, user, found, body)?
        } else {
            state.need(user, channel, bits::MANAGE_CHANNELS)?;
            fill(state, user, found, body)?
        };
        Ok(ok(state.change_channel(changed)))
    })
}

/// `DELETE /channels/{channel_id}`: deletes a channel or thread, closes a private channel.
pub(super) async fn delete(call: Call) -> ApiResult {
    let (user, channel) = (call.user()?, call.id("channel_id")?);
    call.app.write(|state| {
        let found = state.see(user, channel)?;
        if found.is_private() {
            return Ok(ok(state.channel_json(found, Some(user))));
        }
        let bit = if found.is_thread() {
            bits::MANAGE_THREADS
        } else {
            bits::MANAGE_CHANNELS
        };
        state.need(user, channel, bit)?;
        let gone = state
            .remove_channel(channel)
            .ok_or_else(|| ApiError::unknown(10003, "Channel"))?;
        Ok(ok(gone))
    })
}

/// `PUT /channels/{channel_id}/permissions/{overwrite_id}`.
pub(super) async fn put_overwrite(call: Call) -> ApiResult {
    let (user, channel, target) = (
        call.user()?,
        call.id("channel_id")?,
        call.id("overwrite_id")?,
    );
    let mut item = call.json()?.clone();
    item["id"] = json!(target.to_string());
    call.app.write(|state| {
        let mut found = state.need(user, channel, bits::MANAGE_ROLES)?.clone();
        let overwrite = overwrite(state, user, &found, &item)?;
        found.overwrites.retain(|other| other.id != target);
        found.overwrites.push(overwrite);
        state.change_channel(found);
        Ok(no_content())
    })
}

/// `DELETE /channels/{channel_id}/permissions/{overwrite_id}`.
pub(super) async fn delete_overwrite(call: Call) -> ApiResult {
    let (user, channel, target) = (
        call.user()?,
        call.id("channel_id")?,
        call.id("overwrite_id")?,
    );
    call.app.write(|state| {
        let mut found = state.need(user, channel, bits::MANAGE_ROLES)?.clone();
        let before = found.overwrites.len();
        found.overwrites.retain(|other| other.id != target);
        if found.overwrites.len() == before {
            return Err(ApiError::unknown(10009, "Overwrite"));
        }
        state.change_channel(found);
        Ok(no_content())
    })
}

/// `PATCH /guilds/{guild_id}/channels`: new positions and parents of several channels.
pub(super) async fn reorder(call: Call) -> ApiResult {
    let (user, guild) = (call.user()?, call.id("guild_id")?);
    let mut form = FormErrors::default();
    let items = list(&mut form, "", call.json()?, limits::CHANNELS).unwrap_or_default();
    form.check()?;
    call.app.write(|state| {
        state.need_in_guild(user, guild, bits::MANAGE_CHANNELS)?;
        for item in items {
            let found = id(&item["id"])
                .and_then(|id| state.channels.get(&id))
                .filter(|found| found.guild == guild)
                .cloned();
            let mut channel = found.ok_or_else(|| ApiError::unknown(10003, "Channel"))?;
            if let Some(position) = item["position"].as_i64() {
                channel.position = position;
            }
            if let Some(parent) = item.get("parent_id") {
                channel.parent = parent_of(state, &channel, parent)?;
            }
            state.change_channel(channel);
        }
        Ok(no_content())
    })
}
