//! Who am I, which guilds am I in, private channels, applications, the gateway's address.

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::request::{Call, ok};
use super::validate::id;
use crate::state::{Actor, Guild, State};

/// `GET /gateway`.
pub(super) async fn gateway(call: Call) -> ApiResult {
    Ok(ok(json!({ "url": call.app.read(gateway_url) })))
}

/// The address of the gateway: the same port as the REST API.
pub(crate) fn gateway_url(state: &State) -> String {
    state.origin.replacen("http", "ws", 1)
}

/// `GET /gateway/bot`.
pub(super) async fn gateway_bot(call: Call) -> ApiResult {
    let application = application(&call)?;
    Ok(ok(json!({
        "url": call.app.read(gateway_url),
        "shards": 1,
        "session_start_limit": call.app.hub.session_start_limit(application),
    })))
}

fn application(call: &Call) -> ApiResult<u64> {
    match call.actor()? {
        Actor::Bot { application, .. } => Ok(application),
        Actor::Person { .. } => Err(ApiError::new(403, 20002, "Only bots can use this endpoint")),
    }
}

/// `GET /applications/@me` and `GET /oauth2/applications/@me`.
pub(super) async fn own_application(call: Call) -> ApiResult {
    let id = application(&call)?;
    call.app.read(|state| {
        let found = state
            .application(id)
            .ok_or_else(|| ApiError::unknown(10002, "Application"))?;
        Ok(ok(state.application_json(found, true)))
    })
}

/// `GET /users/@me` and `GET /users/{user_id}`.
pub(super) async fn get(call: Call) -> ApiResult {
    let own = call.user()?;
    let wanted = if call.text("user_id").is_empty() {
        own
    } else {
        call.id("user_id")?
    };
    call.app.read(|state| {
        let user = state
            .users
            .get(&wanted)
            .ok_or_else(|| ApiError::unknown(10013, "User"))?;
        let mut json = user.json();
        if wanted == own {
            json["locale"] = json!("en-US");
            json["mfa_enabled"] = json!(true);
            json["verified"] = json!(true);
            json["email"] = Value::Null;
        }
        Ok(ok(json))
    })
}

/// `GET /users/@me/guilds`.
pub(super) async fn guilds(call: Call) -> ApiResult {
    let user = call.user()?;
    call.app.read(|state| {
        let guild = |guild: &Guild| {
            json!({
                "id": guild.id.to_string(),
                "name": guild.name,
                "icon": null,
                "banner": null,
                "owner": guild.owner == user,
                "permissions": state.guild_permissions(guild.id, user).to_string(),
                "features": ["COMMUNITY"],
            })
        };
        Ok(ok(state.guilds_of(user).map(guild).collect()))
    })
}

/// `GET /users/@me/channels`: people's private channels; bots get an empty list, as at Discord.
pub(super) async fn private_channels(call: Call) -> ApiResult {
    match call.actor()? {
        Actor::Bot { .. } => Ok(ok(json!([]))),
        Actor::Person { user } => Ok(ok(Value::Array(
            call.app.read(|state| state.private_channels(user)),
        ))),
    }
}

/// `POST /users/@me/channels`: opens a private channel, or returns the one that exists. People's
/// clients send `recipients`, bots `recipient_id`.
pub(super) async fn open_private_channel(call: Call) -> ApiResult {
    let user = call.user()?;
    let body = call.json()?;
    let other = id(&body["recipient_id"]).or_else(|| id(&body["recipients"][0]));
    let other = other.ok_or_else(|| {
        ApiError::field(
            "recipient_id",
            "BASE_TYPE_REQUIRED",
            "This field is required",
        )
    })?;
    call.app.write(|state| {
        let target = state
            .users
            .get(&other)
            .ok_or_else(|| ApiError::unknown(10013, "User"))?;
        let both_bots = target.bot && state.users.get(&user).is_some_and(|own| own.bot);
        if other == user || both_bots {
            return Err(ApiError::new(
                403,
                50007,
                "Cannot send messages to this user",
            ));
        }
        let channel = state.private_channel(user, other);
        let found = state.see(user, channel)?;
        Ok(ok(state.channel_json(found, Some(user))))
    })
}
