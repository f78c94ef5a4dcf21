//! Files of messages: kept in the data folder, served to anybody who has the address.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::response::Response;
use serde_json::Value;

use super::error::{ApiError, ApiResult};
use super::payload::RequestBody;
use super::picture;
use super::request::Call;
use crate::app::App;
use crate::state::Attachment;

/// Writes the files of a request to disk and returns what the message says about them.
pub(crate) async fn store(app: &App, body: &RequestBody) -> ApiResult<Vec<Attachment>> {
    let mut stored = Vec::with_capacity(body.files.len());
    for file in &body.files {
        let listed = described(&body.json, &file.slot);
        let text = |key: &str| {
            listed
                .and_then(|item| item[key].as_str())
                .map(ToOwned::to_owned)
        };
        let name = safe_name(&text("filename").unwrap_or_else(|| file.name.clone()));
        let id = app.write(crate::state::State::snowflake);
        let folder = folder(app, id);
        let written = async {
            tokio::fs::create_dir_all(&folder).await?;
            tokio::fs::write(folder.join(&name), &file.bytes).await
        };
        if let Err(error) = written.await {
            tracing::error!(%error, "an attachment could not be written to the data folder");
            return Err(ApiError::new(500, 0, "500: Internal Server Error"));
        }
        stored.push(Attachment {
            id,
            size: file.bytes.len() as u64,
            content_type: file.content_type.clone().or_else(|| known_type(&name)),
            name,
            description: text("description"),
            pixels: picture::size(&file.bytes),
        });
    }
    Ok(stored)
}

/// What `attachments` says about the file in this slot.
fn described<'a>(json: &'a Value, slot: &str) -> Option<&'a Value> {
    // The message of a forum post or of an interaction answer is one level down.
    let lists = [
        &json["attachments"],
        &json["message"]["attachments"],
        &json["data"]["attachments"],
    ];
    let matches = |item: &&Value| match &item["id"] {
        Value::String(id) => id == slot,
        Value::Number(id) => id.to_string() == slot,
        _ => false,
    };
    lists
        .into_iter()
        .filter_map(Value::as_array)
        .flatten()
        .find(matches)
}

/// Discord keeps letters, digits and a few signs of a file's name.
fn safe_name(name: &str) -> String {
    let kept: String = name
        .chars()
        .map(|sign| {
            if sign.is_alphanumeric() || matches!(sign, '.' | '-' | '_') {
                sign
            } else {
                '_'
            }
        })
        .take(100)
        .collect();
    let kept = kept.trim_start_matches('.');
    if kept.is_empty() {
        "file".to_owned()
    } else {
        kept.to_owned()
    }
}

/// One folder per file: the address names a channel too, but a post's thread is made after its files.
fn folder(app: &App, id: u64) -> PathBuf {
    app.data_dir.join("attachments").join(id.to_string())
}

/// `GET /attachments/{channel_id}/{attachment_id}/{filename}`. Pictures show in a browser; nothing of it
/// runs there, and what is not a picture is only saved.
pub(crate) async fn serve(call: Call) -> ApiResult {
    let id = call.id("attachment_id")?;
    let name = safe_name(call.text("filename"));
    let path = folder(&call.app, id).join(&name);
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|_| ApiError::new(404, 0, "404: Not Found"))?;
    let kind = guess_type(&name);
    let shows = if kind.starts_with("image/") {
        "inline"
    } else {
        "attachment"
    };
    Response::builder()
        .header(CONTENT_TYPE, kind)
        .header(
            CONTENT_DISPOSITION,
            format!(
                "{shows}; filename=\"{}\"",
                name.replace(|sign: char| !sign.is_ascii(), "_")
            ),
        )
        .header(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'")
        // A file never changes under its address.
        .header(CACHE_CONTROL, "private, max-age=86400, immutable")
        .body(Body::from(bytes))
        .map_err(|_| ApiError::new(500, 0, "500: Internal Server Error"))
}

/// What Discord says of a file whose sender has not said what it is.
fn known_type(name: &str) -> Option<String> {
    let guess = guess_type(name);
    (guess != "application/octet-stream").then(|| guess.to_owned())
}

fn guess_type(name: &str) -> &'static str {
    match name
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase())
        .as_deref()
    {
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        Some("txt" | "log" | "md") => "text/plain; charset=utf-8",
        Some("json") => "application/json",
        Some("pdf") => "application/pdf",
        _ => "application/octet-stream",
    }
}
