//! The commands a person can use, as Discord's own client asks for them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State as AxumState};
use axum::http::HeaderMap;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use super::submit::person;
use crate::app::App;
use crate::rest::error::{ApiError, ApiResult};
use crate::state::permissions::bits;
use crate::state::{Application, State};

/// `GET /guilds/{guild}/application-command-index`.
pub(super) async fn in_guild(
    AxumState(app): AxumState<Arc<App>>,
    headers: HeaderMap,
    Path(guild): Path<String>,
) -> ApiResult {
    let index = app.read(|state| {
        let person = person(state, &headers)?;
        let guild = guild.parse().unwrap_or_default();
        match state.member(guild, person) {
            Some(_) => Ok(index(state, Some(guild))),
            None => Err(ApiError::unknown(10004, "Guild")),
        }
    })?;
    Ok(Json(index).into_response())
}

/// `GET /channels/{channel}/application-command-index`.
pub(super) async fn in_channel(
    AxumState(app): AxumState<Arc<App>>,
    headers: HeaderMap,
    Path(channel): Path<String>,
) -> ApiResult {
    let index = app.read(|state| {
        let person = person(state, &headers)?;
        let id: u64 = channel.parse().unwrap_or_default();
        let found = state
            .channels
            .get(&id)
            .ok_or_else(|| ApiError::unknown(10003, "Channel"))?;
        if !state.may(person, id, bits::VIEW_CHANNEL) {
            return Err(ApiError::missing_access());
        }
        Ok(index(state, state.guild_of(found.id)))
    })?;
    Ok(Json(index).into_response())
}

/// `GET /users/@me/application-command-index`: what can be used in private channels.
pub(super) async fn for_user(AxumState(app): AxumState<Arc<App>>, headers: HeaderMap) -> ApiResult {
    let index = app.read(|state| {
        person(state, &headers)?;
        Ok::<_, ApiError>(index(state, None))
    })?;
    Ok(Json(index).into_response())
}

/// What can be used in a guild (its own commands, and the global ones of the applications that are in
/// it), or in private channels.
fn index(state: &State, guild: Option<u64>) -> Value {
    let here = |application: &&Application| {
        guild.is_none_or(|guild| state.member(guild, application.bot).is_some())
    };
    let usable = state.commands.values().filter(|command| {
        let application = state.application(command.application);
        command.guild.is_none_or(|its| guild == Some(its)) && application.as_ref().is_some_and(here)
    });
    let applications = state.applications.values().filter(here).map(|application| {
        let mut json = state.application_json(application, false);
        // A client finds the application of a button by the bot that wrote the message.
        json["bot"] = state.user_json(application.bot);
        json
    });
    json!({
        "applications": applications.collect::<Vec<_>>(),
        "application_commands": usable.map(|command| &command.body).collect::<Vec<_>>(),
        "version": state.last_snowflake().to_string(),
    })
}
