//! Requests read strictly, refusals written in words.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

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

/// A JSON body. The content type is not looked at: existing callers do not always send one.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refused;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refused> {
        let bytes = Bytes::from_request(request, state).await.map_err(|error| {
            let status = error.status();
            if status == StatusCode::PAYLOAD_TOO_LARGE {
                return Refused::new(
                    status,
                    format!("The body is larger than {BODY_LIMIT} bytes."),
                );
            }
            Refused::bad("The body could not be read to its end.")
        })?;
        serde_json::from_slice(&bytes)
            .map(Self)
            .map_err(|error| Refused::bad(format!("The body is not what is expected: {error}.")))
    }
}
