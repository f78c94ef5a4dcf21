//! IDENTIFY: who connects, and whether the application may have the intents it asks for.

use serde_json::Value;

use super::close::{self, Close};
use super::filter;
use super::session::Viewer;
use crate::state::{Actor, Application, State};

/// A valid IDENTIFY.
pub(super) struct Identify {
    pub viewer: Viewer,
    pub intents: u64,
    /// Large payloads may be sent as zlib.
    pub compress: bool,
    pub shard: Option<Value>,
    /// The initial presence; an absent one is plain online.
    pub presence: Value,
}

/// Whose token this is. Gateway clients of bots send it with or without the `Bot ` prefix.
pub(super) fn viewer(state: &State, data: &Value) -> Option<Viewer> {
    let token = data.get("token")?.as_str()?;
    let actor = state
        .actor_by_token(token)
        .or_else(|| state.actor_by_token(&format!("Bot {token}")))?;
    Some(match actor {
        Actor::Bot { application, user } => Viewer {
            user,
            application: Some(application),
        },
        Actor::Person { user } => Viewer {
            user,
            application: None,
        },
    })
}

/// Checks an IDENTIFY.
pub(super) fn check(state: &State, data: &Value) -> Result<Identify, Close> {
    if !data.is_object() {
        return Err(close::DECODE_ERROR);
    }
    let viewer = viewer(state, data).ok_or(close::AUTHENTICATION_FAILED)?;
    Ok(Identify {
        viewer,
        intents: intents(state, viewer, data)?,
        compress: data.get("compress").and_then(Value::as_bool) == Some(true),
        shard: shard(data)?,
        presence: data.get("presence").cloned().unwrap_or_default(),
    })
}

fn intents(state: &State, viewer: Viewer, data: &Value) -> Result<u64, Close> {
    let Some(application) = viewer.application else {
        return Ok(filter::EVERYTHING);
    };
    let intents = data
        .get("intents")
        .and_then(Value::as_u64)
        .ok_or(close::INVALID_INTENTS)?;
    if intents & !filter::KNOWN != 0 {
        return Err(close::INVALID_INTENTS);
    }
    let privileged = filter::GUILD_MEMBERS | filter::GUILD_PRESENCES | filter::MESSAGE_CONTENT;
    let allowed = state
        .application(application)
        .map_or(0, Application::privileged_intents);
    if intents & privileged & !allowed != 0 {
        return Err(close::DISALLOWED_INTENTS);
    }
    Ok(intents)
}

/// `[shard, shards]`, where the shard must be one of the shards.
fn shard(data: &Value) -> Result<Option<Value>, Close> {
    match data.get("shard") {
        None | Some(Value::Null) => Ok(None),
        Some(shard) => match (shard[0].as_u64(), shard[1].as_u64()) {
            (Some(id), Some(count)) if id < count => Ok(Some(shard.clone())),
            _ => Err(close::INVALID_SHARD),
        },
    }
}
