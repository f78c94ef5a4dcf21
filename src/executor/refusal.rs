//! Requests read strictly, refusals written in words.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::control::wire::Refusal;

/// Bytes of a request body that are read.
pub(super) const BODY_LIMIT: usize = 1024 * 1024;

/// An answer that is not a success.
#[derive(Debug)]
pub(super) struct Refused {
    status: StatusCode,
    body: Refusal,
}

impl Refused {
    pub(super) fn new(status: StatusCode, error: impl Into<String>) -> Self {
        let body = Refusal {
            ok: false,
            error: Some(error.into()),
            ran: None,
            hint: None,
            allowed: Vec::new(),
        };
        Self { status, body }
    }

    pub(super) fn bad(error: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error)
    }

    /// Says what to do instead.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.body.hint = Some(hint.into());
        self
    }

    /// Says what would have been right.
    pub(super) fn allowed<'a>(mut self, allowed: impl IntoIterator<Item = &'a str>) -> Self {
        self.body.allowed = allowed.into_iter().map(str::to_owned).collect();
        self
    }

    /// The same in a sentence, for people.
    pub(super) fn words(&self) -> String {
        let mut words = self.body.error.clone().unwrap_or_default();
        if let Some(hint) = &self.body.hint {
            words = format!("{words} ({hint})");
        }
        if !self.body.allowed.is_empty() {
            words = format!("{words} (allowed: {})", self.body.allowed.join(", "));
        }
        words
    }

    /// Says whether an agent has worked on it, which decides whether it may be sent again.
    pub(super) fn ran(mut self, ran: bool) -> Self {
        self.body.ran = Some(ran);
        self
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// A JSON object. The content type is not looked at: existing callers do not always send one.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        read(&bytes(request, state).await?).map(Self)
    }
}

/// The same where nothing has to be said: no body at all is an empty object.
#[derive(Debug)]
pub(super) struct MaybeBody<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for MaybeBody<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = bytes(request, state).await?;
        let said: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        read(said).map(Self)
    }
}

async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Refused> {
    Bytes::from_request(request, state).await.map_err(|error| {
        let status = error.status();
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Refused::new(
                status,
                format!("The body is larger than {BODY_LIMIT} bytes."),
            );
        }
        Refused::bad("The body could not be read to its end.")
    })
}

/// An object first: a list would be taken for the fields in their order.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let object: serde_json::Result<Map<String, Value>> = serde_json::from_slice(bytes);
    object
        .and_then(|fields| serde_json::from_value(Value::Object(fields)))
        .map_err(|error| Refused::bad(format!("The body is not what is expected: {error}.")))
}
