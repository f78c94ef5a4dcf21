//! What a handler knows about the request it answers.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{FromRequestParts, Query, RawPathParams};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::payload::{Payload, PayloadSlot};
use crate::app::App;
use crate::state::permissions::bits;
use crate::state::{Actor, Channel, Guild, State};

/// Who made the request, as the pipeline found out from the `Authorization` header.
#[derive(Clone, Copy)]
pub(crate) struct Caller(pub(crate) Option<Actor>);

/// One request: who, where, what.
pub(crate) struct Call {
    /// The server.
    pub(crate) app: Arc<App>,
    caller: Option<Actor>,
    params: Vec<(String, String)>,
    query: HashMap<String, String>,
    payload: Result<Payload, ApiError>,
}

impl FromRequestParts<Arc<App>> for Call {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Response> {
        let params = RawPathParams::from_request_parts(parts, app)
            .await
            .map_err(IntoResponse::into_response)?
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let query = Query::<HashMap<String, String>>::from_request_parts(parts, app)
            .await
            .map_or_else(|_| HashMap::new(), |query| query.0);
        let caller = parts.extensions.get::<Caller>().and_then(|caller| caller.0);
        let payload = match parts.extensions.remove::<PayloadSlot>() {
            Some(slot) => slot.0,
            None => Payload::from_request_parts(parts, app).await,
        };
        Ok(Self {
            app: Arc::clone(app),
            caller,
            params,
            query,
            payload,
        })
    }
}

impl Call {
    /// Who makes the request; 401 for nobody.
    pub(crate) fn actor(&self) -> ApiResult<Actor> {
        self.caller.ok_or_else(ApiError::unauthorized)
    }

    /// The user that makes the request; 401 for nobody.
    pub(crate) fn user(&self) -> ApiResult<u64> {
        Ok(self.actor()?.user())
    }

    /// The user that makes the request, for routes that also take a token in the path.
    pub(crate) fn caller(&self) -> Option<Actor> {
        self.caller
    }

    /// The id in this place of the path.
    pub(crate) fn id(&self, name: &str) -> ApiResult<u64> {
        let text = self.text(name);
        text.parse().map_err(|_| {
            let message = format!("Value \"{text}\" is not snowflake.");
            ApiError::field(name, "NUMBER_TYPE_COERCE", &message)
        })
    }

    /// The (percent-decoded) text in this place of the path.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// A query parameter.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A query parameter that is an id.
    pub(crate) fn query_id(&self, name: &str) -> ApiResult<Option<u64>> {
        let Some(text) = self.query(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| {
            let message = format!("Value \"{text}\" is not snowflake.");
            ApiError::field(name, "NUMBER_TYPE_COERCE", &message)
        })
    }

    /// A query parameter that is a yes or no; `true`, `True` and `1` are yes.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.query(name), Some("true" | "True" | "1"))
    }

    /// A page size within `1..=most`.
    pub(crate) fn limit(&self, default: usize, most: usize) -> ApiResult<usize> {
        let Some(text) = self.query("limit") else {
            return Ok(default);
        };
        match text.parse() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            _ => {
                let message = format!("int value should be between 1 and {most}.");
                Err(ApiError::field("limit", "NUMBER_TYPE_RANGE", &message))
            }
        }
    }

    /// The body.
    pub(crate) fn payload(&self) -> ApiResult<&Payload> {
        self.payload.as_ref().map_err(Clone::clone)
    }

    /// The JSON of the body.
    pub(crate) fn json(&self) -> ApiResult<&Value> {
        Ok(&self.payload()?.0.json)
    }
}

impl State {
    /// The channel, if this user can see it: 404/10003 when it does not exist, 403/50001 when it is hidden.
    pub(crate) fn see(&self, user: u64, channel: u64) -> ApiResult<&Channel> {
        let found = self
            .channels
            .get(&channel)
            .ok_or_else(|| ApiError::unknown(10003, "Channel"))?;
        if self.may(user, channel, bits::VIEW_CHANNEL) {
            Ok(found)
        } else {
            Err(ApiError::missing_access())
        }
    }

    /// The channel, if this user has all of these permissions there: 403/50013 otherwise.
    pub(crate) fn need(&self, user: u64, channel: u64, wanted: u64) -> ApiResult<&Channel> {
        let found = self.see(user, channel)?;
        if self.may(user, channel, wanted) {
            Ok(found)
        } else {
            Err(ApiError::missing_permissions())
        }
    }

    /// The guild, if this user is in it: 404/10004 for an unknown id, 403/50001 for strangers.
    pub(crate) fn in_guild(&self, user: u64, guild: u64) -> ApiResult<&Guild> {
        let found = self.guilds.get(&guild);
        let found = found.ok_or_else(|| ApiError::unknown(10004, "Guild"))?;
        if self.member(guild, user).is_some() {
            Ok(found)
        } else {
            Err(ApiError::missing_access())
        }
    }

    /// Checks guild-wide permissions: 403/50013.
    pub(crate) fn need_in_guild(&self, user: u64, guild: u64, wanted: u64) -> ApiResult<&Guild> {
        let found = self.in_guild(user, guild)?;
        if self.guild_permissions(guild, user) & wanted == wanted {
            Ok(found)
        } else {
            Err(ApiError::missing_permissions())
        }
    }
}

/// 200 with JSON.
pub(crate) fn ok(body: Value) -> Response {
    Json(body).into_response()
}

/// 201 with JSON.
pub(crate) fn created(body: Value) -> Response {
    (StatusCode::CREATED, Json(body)).into_response()
}

/// 204 without a body.
pub(crate) fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
