//! Request bodies: JSON, or multipart with `payload_json` and `files[n]`.

use std::ops::Deref;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest, FromRequestParts, Multipart};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request};
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use crate::limits;

/// A file that came with a multipart request.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The `n` of `files[n]`, which `attachments[].id` refers to.
    pub(crate) slot: String,
    /// The file's own name.
    pub(crate) name: String,
    /// The content type the client gave.
    pub(crate) content_type: Option<String>,
    /// The bytes.
    pub(crate) bytes: Bytes,
}

/// A parsed request body; an empty body is JSON null.
#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    /// The JSON object (of `payload_json` for multipart).
    pub(crate) json: Value,
    /// The JSON as it came.
    pub(crate) text: String,
    /// The files of a multipart request.
    pub(crate) files: Vec<Upload>,
}

/// The parsed body of the current request, as the pipeline left it.
#[derive(Clone, Debug)]
pub(crate) struct Payload(pub(crate) Arc<RequestBody>);

impl Deref for Payload {
    type Target = RequestBody;

    fn deref(&self) -> &RequestBody {
        &self.0
    }
}

/// What the pipeline puts into a request's extensions: the body, or why it cannot be read.
#[derive(Clone)]
pub(crate) struct PayloadSlot(pub(crate) Result<Payload, ApiError>);

impl<S: Sync> FromRequestParts<S> for Payload {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        match parts.extensions.get::<PayloadSlot>() {
            Some(slot) => slot.0.clone(),
            None => Ok(Self(Arc::new(RequestBody::default()))),
        }
    }
}

/// Parses a body by its content type.
pub(crate) async fn parse(headers: &HeaderMap, bytes: Bytes) -> ApiResult<Payload> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let body = if bytes.is_empty() {
        RequestBody::default()
    } else if kind.starts_with("multipart/form-data") {
        multipart(headers, bytes).await?
    } else if kind.starts_with("application/json") {
        RequestBody {
            json: parse_json(&bytes)?,
            text: text_of(&bytes),
            files: Vec::new(),
        }
    } else {
        return Err(ApiError::field(
            "",
            "CONTENT_TYPE_INVALID",
            "Expected \"Content-Type\" header to be one of {'application/json', 'multipart/form-data'}.",
        ));
    };
    Ok(Payload(Arc::new(body)))
}

fn text_of(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn parse_json(bytes: &[u8]) -> ApiResult<Value> {
    serde_json::from_slice(bytes)
        .map_err(|_| ApiError::new(400, 50109, "The request body contains invalid JSON."))
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> ApiResult<RequestBody> {
    let malformed = || ApiError::new(400, 50035, "Invalid Form Body");
    let mut request = Request::new(Body::from(bytes));
    *request.headers_mut() = headers.clone();
    DefaultBodyLimit::max(limits::REQUEST_BYTES).apply(&mut request);
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|_| malformed())?;
    let mut body = RequestBody {
        json: json!({}),
        ..RequestBody::default()
    };
    while let Some(field) = form.next_field().await.map_err(|_| malformed())? {
        let name = field.name().unwrap_or_default().to_owned();
        let file = field.file_name().map(ToOwned::to_owned);
        let content_type = field.content_type().map(ToOwned::to_owned);
        let bytes = field.bytes().await.map_err(|_| malformed())?;
        if name == "payload_json" {
            body.json = parse_json(&bytes)?;
            body.text = text_of(&bytes);
        } else if let Some(file) = file {
            let slot = name
                .strip_prefix("files[")
                .and_then(|rest| rest.strip_suffix(']'));
            let slot = slot.map_or_else(|| body.files.len().to_string(), ToOwned::to_owned);
            body.files.push(Upload {
                slot,
                name: file,
                content_type,
                bytes,
            });
        }
    }
    Ok(body)
}
