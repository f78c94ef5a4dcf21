//! Webhooks themselves; what they write is in `webhook_messages`.

use serde_json::Value;

use super::error::{ApiError, ApiResult, FormErrors};
use super::request::{Call, no_content, ok};
use super::validate::{id, text};
use crate::limits;
use crate::state::mint::random_text;
use crate::state::permissions::bits;
use crate::state::{Actor, Channel, State, Webhook};

/// `POST /channels/{channel_id}/webhooks`.
pub(super) async fn create(call: Call) -> ApiResult {
    let (actor, channel) = (call.actor()?, call.id("channel_id")?);
    let body = call.json()?;
    let name = checked_name(body)?;
    call.app.write(|state| {
        let place = state.need(actor.user(), channel, bits::MANAGE_WEBHOOKS)?;
        if !takes_webhooks(place) {
            return Err(ApiError::new(
                400,
                50024,
                "Cannot execute action on this channel type",
            ));
        }
        room_for_webhook(state, channel)?;
        let webhook = Webhook {
            id: state.snowflake(),
            channel,
            name: name.ok_or_else(|| {
                ApiError::field("name", "BASE_TYPE_REQUIRED", "This field is required")
            })?,
            avatar: body["avatar"].as_str().map(ToOwned::to_owned),
            token: random_text(68),
            application: match actor {
                Actor::Bot { application, .. } => Some(application),
                Actor::Person { .. } => None,
            },
            creator: actor.user(),
        };
        let json = webhook.json(state, true);
        state.put_webhook(webhook);
        Ok(ok(json))
    })
}

fn takes_webhooks(channel: &Channel) -> bool {
    (channel.is_text() && !channel.is_thread() && !channel.is_private()) || channel.is_forum()
}

fn room_for_webhook(state: &State, channel: u64) -> ApiResult<()> {
    let guild = state.guild_of(channel);
    let guilds = state
        .webhooks
        .values()
        .filter(|hook| state.guild_of(hook.channel) == guild);
    if guilds.count() >= limits::GUILD_WEBHOOKS {
        let text = "Maximum number of webhooks per guild reached (1000)";
        return Err(ApiError::new(400, 30058, text));
    }
    let count = state
        .webhooks
        .values()
        .filter(|hook| hook.channel == channel)
        .count();
    if count >= limits::WEBHOOKS {
        return Err(ApiError::new(
            400,
            30007,
            "Maximum number of webhooks reached (15)",
        ));
    }
    Ok(())
}

fn checked_name(body: &Value) -> ApiResult<Option<String>> {
    let mut form = FormErrors::default();
    let name = text(&mut form, "name", &body["name"]).map(|name| name.trim().to_owned());
    if let Some(name) = &name {
        check_name(&mut form, "name", name);
    }
    form.check()?;
    Ok(name)
}

/// Discord's rules for a webhook's name and for the one a message overrides it with: 1 to 80 characters,
/// without "clyde" and "discord", not "everyone" or "here".
pub(super) fn check_name(form: &mut FormErrors, path: &str, name: &str) {
    form.between(path, name, 1, limits::WEBHOOK_NAME);
    let lower = name.to_lowercase();
    if let Some(word) = ["clyde", "discord"]
        .into_iter()
        .find(|word| lower.contains(word))
    {
        let message = format!("Username cannot contain \"{word}\"");
        form.add(path, "USERNAME_INVALID_CONTAINS", &message);
    }
    if matches!(lower.as_str(), "everyone" | "here") {
        let message = format!("Username cannot be \"{lower}\"");
        form.add(path, "USERNAME_INVALID", &message);
    }
}

/// `GET /channels/{channel_id}/webhooks`.
pub(super) async fn list_channel(call: Call) -> ApiResult {
    let (actor, channel) = (call.actor()?, call.id("channel_id")?);
    call.app.read(|state| {
        state.need(actor.user(), channel, bits::MANAGE_WEBHOOKS)?;
        let here = state
            .webhooks
            .values()
            .filter(|hook| hook.channel == channel);
        Ok(ok(here
            .map(|hook| hook.json(state, may_have_token(actor, hook)))
            .collect()))
    })
}

/// `GET /guilds/{guild_id}/webhooks`.
pub(super) async fn list_guild(call: Call) -> ApiResult {
    let (actor, guild) = (call.actor()?, call.id("guild_id")?);
    call.app.read(|state| {
        state.need_in_guild(actor.user(), guild, bits::MANAGE_WEBHOOKS)?;
        let all = state.webhooks.values();
        let here = all.filter(|hook| state.guild_of(hook.channel) == Some(guild));
        Ok(ok(here
            .map(|hook| hook.json(state, may_have_token(actor, hook)))
            .collect()))
    })
}

/// An application's webhook shows its token to that application only.
fn may_have_token(actor: Actor, hook: &Webhook) -> bool {
    match (hook.application, actor) {
        (None, _) => true,
        (Some(owner), Actor::Bot { application, .. }) => owner == application,
        (Some(_), Actor::Person { .. }) => false,
    }
}

/// The webhook of a request: by id with `MANAGE_WEBHOOKS`, or by id and token.
fn find(call: &Call, state: &State) -> ApiResult<Webhook> {
    let hook_id = call.id("webhook_id")?;
    let token = call.text("webhook_token");
    if !token.is_empty() {
        return with_token(state, hook_id, token).cloned();
    }
    let user = call.user()?;
    let hook = state
        .webhooks
        .get(&hook_id)
        .ok_or_else(|| ApiError::unknown(10015, "Webhook"))?;
    state.need(user, hook.channel, bits::MANAGE_WEBHOOKS)?;
    Ok(hook.clone())
}

/// The webhook with this id, if the token is its own: 404/10015 when it is gone, 401/50027 for a wrong token.
pub(super) fn with_token<'a>(state: &'a State, hook: u64, token: &str) -> ApiResult<&'a Webhook> {
    let hook = state
        .webhooks
        .get(&hook)
        .ok_or_else(|| ApiError::unknown(10015, "Webhook"))?;
    if hook.token == token {
        Ok(hook)
    } else {
        Err(ApiError::new(401, 50027, "Invalid Webhook Token"))
    }
}

/// `GET /webhooks/{webhook_id}` and `GET /webhooks/{webhook_id}/{webhook_token}`.
pub(super) async fn get(call: Call) -> ApiResult {
    call.app.read(|state| {
        let hook = find(&call, state)?;
        let by_token = !call.text("webhook_token").is_empty();
        let with_token = by_token
            || call
                .caller()
                .is_some_and(|actor| may_have_token(actor, &hook));
        let mut json = hook.json(state, with_token);
        if by_token && let Some(object) = json.as_object_mut() {
            object.remove("user");
        }
        Ok(ok(json))
    })
}

/// `PATCH /webhooks/{webhook_id}` and `PATCH /webhooks/{webhook_id}/{webhook_token}`.
pub(super) async fn patch(call: Call) -> ApiResult {
    let body = call.json()?;
    let name = checked_name(body)?;
    call.app.write(|state| {
        let mut hook = find(&call, state)?;
        if let Some(name) = name {
            hook.name = name;
        }
        if let Some(avatar) = body.get("avatar") {
            hook.avatar = avatar.as_str().map(ToOwned::to_owned);
        }
        // Only without the token can a webhook be moved.
        if let (Some(to), "") = (id(&body["channel_id"]), call.text("webhook_token")) {
            let place = state.need(call.user()?, to, bits::MANAGE_WEBHOOKS)?;
            if !takes_webhooks(place) {
                return Err(ApiError::new(
                    400,
                    50024,
                    "Cannot execute action on this channel type",
                ));
            }
            if to != hook.channel {
                room_for_webhook(state, to)?;
            }
            hook.channel = to;
        }
        state.put_webhook(hook.clone());
        let with_token = call
            .caller()
            .is_none_or(|actor| may_have_token(actor, &hook));
        Ok(ok(hook.json(state, with_token)))
    })
}

/// `DELETE /webhooks/{webhook_id}` and `DELETE /webhooks/{webhook_id}/{webhook_token}`.
pub(super) async fn delete(call: Call) -> ApiResult {
    call.app.write(|state| {
        let hook = find(&call, state)?;
        state.remove_webhook(hook.id);
        Ok(no_content())
    })
}
