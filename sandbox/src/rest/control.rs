//! `/_sandbox`: what tests and scripts may do that Discord's API has no word for. Who may ask,
//! [`crate::door`] knows.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use serde_json::json;

use super::error::{ApiError, ApiResult};
use super::request::{Call, no_content, ok};
use super::validate::id;
use super::{console, faults, guilds};
use crate::app::App;
use crate::state::PortalIntents;

/// The control routes.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/faults", post(set_faults).delete(clear_faults))
        .route("/requests", get(requests))
        .route("/stats", get(stats).delete(pardon))
        .route("/invalid_requests", post(add_invalid))
        .route("/age", post(age))
        .route("/application", post(application))
        .route("/applications", post(add_application))
        .route("/users", post(change_user))
        .route("/guilds/{guild_id}/members", post(add_member))
        .route("/people", get(console::people))
        .route("/trouble", get(console::trouble))
        .route("/switches/{name}", post(console::switch))
}

/// `POST /_sandbox/faults`.
async fn set_faults(call: Call) -> ApiResult {
    faults::set(&call.app, call.json()?)?;
    Ok(no_content())
}

/// `DELETE /_sandbox/faults`.
async fn clear_faults(call: Call) -> ApiResult {
    faults::clear(&call.app);
    Ok(no_content())
}

/// `GET /_sandbox/requests?after=N`.
async fn requests(call: Call) -> ApiResult {
    let after = call
        .query("after")
        .and_then(|text| text.parse().ok())
        .unwrap_or(0);
    Ok(ok(call.app.requests.after(after)))
}

/// `GET /_sandbox/stats`.
async fn stats(call: Call) -> ApiResult {
    let (invalid, limited) = call.app.limits.counts();
    Ok(ok(json!({
        "requests": call.app.requests.count(),
        "invalid_requests": invalid,
        "rate_limited": limited,
        "banned": call.app.limits.banned(),
        "gateway": call.app.hub.stats(),
    })))
}

/// `DELETE /_sandbox/stats`: forgets the invalid requests and lifts the ban they led to.
async fn pardon(call: Call) -> ApiResult {
    call.app.limits.pardon();
    Ok(no_content())
}

/// `POST /_sandbox/invalid_requests {"count":N}`: as if a bot had made so many.
async fn add_invalid(call: Call) -> ApiResult {
    let count = call.json()?["count"].as_u64().unwrap_or(1);
    call.app
        .limits
        .note_invalid(usize::try_from(count).unwrap_or(0).min(20_000));
    Ok(no_content())
}

/// `POST /_sandbox/age {"message_id" | "interaction_id", "seconds"}`: makes it older than it is.
async fn age(call: Call) -> ApiResult {
    let body = call.json()?;
    let seconds = body["seconds"].as_u64().unwrap_or(0);
    if let Some(interaction) = id(&body["interaction_id"]) {
        if call.app.interactions.age(interaction, seconds) {
            return Ok(no_content());
        }
        return Err(ApiError::unknown(10062, "interaction"));
    }
    let message = id(&body["message_id"]).ok_or_else(|| ApiError::unknown(10008, "Message"))?;
    call.app.write(|state| {
        let place = state
            .messages
            .iter()
            .find(|(_, list)| list.contains_key(&message));
        let channel = place.map(|(channel, _)| *channel).unwrap_or_default();
        if state.age_message(channel, message, seconds) {
            Ok(no_content())
        } else {
            Err(ApiError::unknown(10008, "Message"))
        }
    })
}

/// `POST /_sandbox/application {"application_id"?, "intents":{…}, "permissions":"…", "guild_id"?,
/// "interactions_endpoint_url":"…"|null}`: the privileged intents and the endpoint of the portal, and
/// the permissions of the bot's role in a guild, the first one if none is named.
async fn application(call: Call) -> ApiResult {
    let body = call.json()?;
    call.app.write(|state| {
        let wanted =
            id(&body["application_id"]).or_else(|| state.applications.keys().next().copied());
        let found = wanted.and_then(|id| state.application(id)).cloned();
        let found = found.ok_or_else(|| ApiError::unknown(10002, "Application"))?;
        let on = |key: &str, now: bool| body["intents"][key].as_bool().unwrap_or(now);
        let intents = PortalIntents {
            message_content: on("message_content", found.intents.message_content),
            members: on("members", found.intents.members),
            presences: on("presences", found.intents.presences),
        };
        state.set_intents(found.id, intents);
        if let Some(endpoint) = body.get("interactions_endpoint_url") {
            let url = endpoint.as_str().map(str::to_owned);
            state.set_interactions_endpoint(found.id, url);
        }
        if let Some(permissions) = guilds::permissions(&body["permissions"]) {
            let guild = id(&body["guild_id"]).unwrap_or_else(|| state.first_guild());
            state.set_bot_permissions(guild, found.bot, permissions);
        }
        let found = state
            .application(found.id)
            .ok_or_else(|| ApiError::unknown(10002, "Application"))?;
        Ok(ok(state.application_json(found, true)))
    })
}

/// `POST /_sandbox/applications {"name"}`: what the Developer Portal and the bot's invitation do. One
/// more application, and its bot is in the first guild. `token` is the bot's, without the prefix `Bot `.
async fn add_application(call: Call) -> ApiResult {
    let body = call.json()?;
    let name = body["name"].as_str().map(str::trim).unwrap_or_default();
    // Discord's bounds for the name of an application.
    if !(2..=32).contains(&name.chars().count()) {
        let text = "Must be between 2 and 32 in length.";
        return Err(ApiError::field("name", "BASE_TYPE_BAD_LENGTH", text));
    }
    call.app.write(|state| {
        let id = state.mint_application(name);
        let bot = state
            .application(id)
            .map(|application| application.bot)
            .unwrap_or_default();
        state.announce_member(state.first_guild(), bot);
        let token = state.users.get(&bot).map(|user| user.token.clone());
        Ok(ok(
            json!({ "id": id.to_string(), "token": token, "user_id": bot.to_string() }),
        ))
    })
}

/// `POST /_sandbox/users {"user_id", "closed_dms"?, "role"?: {"name", "permissions"}, "guild_id"?}`: a person who takes no
/// direct messages from bots; one more role of a guild, which this person has from then on. Answers with its `role_id`.
async fn change_user(call: Call) -> ApiResult {
    let body = call.json()?;
    let user = id(&body["user_id"]).ok_or_else(|| ApiError::unknown(10013, "User"))?;
    if let Some(name) = body["role"]["name"].as_str() {
        let permissions = body["role"]["permissions"].as_str().unwrap_or("0");
        let permissions = permissions.parse().unwrap_or(0);
        let role = call
            .app
            .write(|state| {
                let guild = id(&body["guild_id"]).unwrap_or_else(|| state.first_guild());
                state.give_role(guild, user, name, permissions)
            })
            .ok_or_else(|| ApiError::unknown(10007, "Member"))?;
        return Ok(ok(json!({ "role_id": role.to_string() })));
    }
    let closed = body["closed_dms"].as_bool().unwrap_or(false);
    if call.app.write(|state| state.set_closed_dms(user, closed)) {
        Ok(no_content())
    } else {
        Err(ApiError::unknown(10013, "User"))
    }
}

/// `POST /_sandbox/guilds/{guild_id}/members {"user_id"}`: a person follows an invite, which the sandbox
/// has none of.
async fn add_member(call: Call) -> ApiResult {
    let guild = call.id("guild_id")?;
    let user = id(&call.json()?["user_id"]);
    call.app.write(|state| {
        let person = user
            .and_then(|id| state.users.get(&id))
            .filter(|user| !user.bot);
        let user = person.map(|user| user.id);
        let user = user.ok_or_else(|| ApiError::unknown(10013, "User"))?;
        if !state.guilds.contains_key(&guild) {
            return Err(ApiError::unknown(10004, "Guild"));
        }
        state.admit(guild, user);
        Ok(no_content())
    })
}
