//! Checks of what clients send, with Discord's limits and error codes.

pub(crate) mod commands;
pub(crate) mod components;
pub(crate) mod embeds;
pub(crate) mod poll;

use serde_json::Value;

use super::error::FormErrors;

/// Reads an optional text; anything but text or null is noted as wrong.
pub(crate) fn text<'a>(form: &mut FormErrors, path: &str, value: &'a Value) -> Option<&'a str> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => {
            let message = format!("Could not interpret \"{other}\" as string.");
            form.add(path, "STRING_TYPE_CONVERT", &message);
            None
        }
    }
}

/// Reads an optional list of at most `most` items.
pub(crate) fn list<'a>(
    form: &mut FormErrors,
    path: &str,
    value: &'a Value,
    most: usize,
) -> Option<&'a [Value]> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            if items.len() > most {
                let message = format!("Must be {most} or fewer in length.");
                form.add(path, "BASE_TYPE_MAX_LENGTH", &message);
            }
            Some(items)
        }
        _ => {
            form.add(
                path,
                "LIST_TYPE_CONVERT",
                "Only iterables may be used in a ListType",
            );
            None
        }
    }
}

/// Reads an id, which Discord takes as a decimal string and, leniently, as a number.
pub(crate) fn id(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => text.parse().ok().filter(|id| *id != 0),
        Value::Number(number) => number.as_u64().filter(|id| *id != 0),
        _ => None,
    }
}

/// Notes an address that is not http(s) (or `attachment://` where that is allowed).
pub(crate) fn address(form: &mut FormErrors, path: &str, url: &str, attachments: bool) {
    let scheme = url
        .split_once("://")
        .map(|(scheme, _)| scheme.to_ascii_lowercase());
    match scheme.as_deref() {
        Some("http" | "https") => {
            if url
                .split_once("://")
                .is_none_or(|(_, rest)| rest.is_empty())
            {
                form.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL.");
            }
        }
        Some("attachment") if attachments => {}
        Some(other) => {
            let message = format!("Scheme \"{other}\" must be one of ('http', 'https').");
            form.add(path, "URL_TYPE_INVALID_SCHEME", &message);
        }
        None => form.add(path, "URL_TYPE_INVALID_URL", "Not a well formed URL."),
    }
}
