//! Bodies on the wire: uploads out, answers and explanations in.

use std::error::Error;

use axum::body::Bytes;
use reqwest::multipart::{Form, Part};
use reqwest::{Response, StatusCode};
use serde_json::Value;

use super::body::FilePart;

/// No answer that the bridge asks for comes near; a page of 100 full messages is about 1 MiB.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

pub(super) fn form(payload_json: &Bytes, files: &[FilePart]) -> Form {
    let part = |data: &Bytes, mime: &str| {
        let part = || Part::stream_with_length(data.clone(), data.len() as u64);
        part().mime_str(mime).unwrap_or_else(|_| part())
    };
    let mut form = Form::new().part("payload_json", part(payload_json, "application/json"));
    for (number, file) in files.iter().enumerate() {
        let mime = file
            .content_type
            .as_deref()
            .unwrap_or("application/octet-stream");
        let part = part(&file.data, mime).file_name(file.name.clone());
        form = form.part(format!("files[{number}]"), part);
    }
    form
}

pub(super) async fn read_limited(mut response: Response) -> Option<Bytes> {
    // Most answers arrive in one piece, which is then not copied.
    let mut whole = response.chunk().await.ok()?.unwrap_or_default();
    let mut longer: Option<Vec<u8>> = None;
    while let Some(piece) = response.chunk().await.ok()? {
        let buffer = longer.get_or_insert_with(|| whole.to_vec());
        if buffer.len() + piece.len() > MAX_ANSWER {
            return None;
        }
        buffer.extend_from_slice(&piece);
    }
    if let Some(longer) = longer {
        whole = longer.into();
    }
    (whole.len() <= MAX_ANSWER).then_some(whole)
}

/// Discord's own words; for a form error (50035) also the first field that is wrong and why.
pub(super) fn explanation(status: StatusCode, document: Option<&Value>) -> String {
    let Some(message) = document
        .and_then(|document| document.get("message"))
        .and_then(Value::as_str)
    else {
        return status
            .canonical_reason()
            .unwrap_or("Discord gave no reason")
            .to_owned();
    };
    match document
        .and_then(|document| document.get("errors"))
        .and_then(|errors| first_field_error(errors, &mut Vec::new()))
    {
        Some(field) => format!("{message}: {field}"),
        None => message.to_owned(),
    }
}

fn first_field_error<'a>(errors: &'a Value, path: &mut Vec<&'a str>) -> Option<String> {
    let fields = errors.as_object()?;
    if let Some(reason) = fields.get("_errors").and_then(|list| list.get(0)) {
        let reason = reason.get("message")?.as_str()?;
        return Some(format!("{}: {reason}", path.join(".")));
    }
    // Discord nests a handful of levels; a document that does not end is not followed.
    if path.len() >= 12 {
        return None;
    }
    fields.iter().find_map(|(name, inner)| {
        path.push(name);
        let found = first_field_error(inner, path);
        path.pop();
        found
    })
}

pub(super) fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
