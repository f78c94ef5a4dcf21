//! What may be told of a task: the same for who calls the Control API and for what an agent prints.

use axum::http::StatusCode;
use reqwest::Url;
use serde_json::{Map, Value, json};

use super::proposal;
use super::refusal::Refused;
use crate::model::output::OutputType;
use crate::model::proposal::{APPROVAL_REQUEST, APPROVAL_RESOLVED, Malformed, read_event};
use crate::model::task::TaskStatus;

/// Types of events that may be told.
const TOLD: [&str; 4] = ["comment", "agent_update", "output_added", APPROVAL_REQUEST];

/// The words of an output's metadata that are something to look at.
const SHOWN: [&str; 3] = ["title", "link_url", "storage_path"];

/// Reads an event that somebody tells, and gives back its metadata as it may be written.
pub(super) fn check_event(
    event_type: &str,
    content: Option<&str>,
    metadata: Option<Value>,
) -> Result<Option<Value>, Refused> {
    if !TOLD.contains(&event_type) {
        return Err(not_told(event_type));
    }
    check_object(metadata.as_ref())?;
    let is_blank = content.is_none_or(|text| text.trim().is_empty());
    match event_type {
        APPROVAL_REQUEST => check_request(content, metadata).map(Some),
        "output_added" => check_output(is_blank, metadata).map(Some),
        "comment" if is_blank => Err(Refused::bad("The comment is empty: it needs a content.")),
        "agent_update" if is_blank => Err(Refused::bad(
            "The agent_update is empty: it needs a content.",
        )),
        _ => Ok(metadata),
    }
}

/// A request for approval, read by the types that will be approved; it asks, and says no more.
fn check_request(content: Option<&str>, metadata: Option<Value>) -> Result<Value, Refused> {
    let mut metadata = metadata.unwrap_or_else(|| json!({}));
    if let Value::Object(fields) = &mut metadata {
        proposal::undecide(fields);
    }
    match read_event(content, &metadata).payload {
        Ok(_) => Ok(metadata),
        Err(malformed) => Err(malformed_proposal(&malformed)),
    }
}

/// An output says what kind it is, and has something to look at.
fn check_output(is_blank: bool, metadata: Option<Value>) -> Result<Value, Refused> {
    let mut fields = match metadata {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let link = match fields.get("link_url") {
        None | Some(Value::Null) => None,
        Some(Value::String(link)) => Some(check_link(link)?),
        Some(_) => return Err(bad_link()),
    };
    let shown = |name: &str| {
        let text = fields.get(name).and_then(Value::as_str);
        text.is_some_and(|text| !text.trim().is_empty())
    };
    if is_blank && !SHOWN.into_iter().any(shown) {
        return Err(Refused::bad(
            "The output is empty: it needs a content, a title or a link_url.",
        ));
    }
    let kind = match fields.get("output_type") {
        None | Some(Value::Null) if link.is_some() => OutputType::Link,
        None | Some(Value::Null) => OutputType::Summary,
        Some(kind) => output_type(kind.as_str().unwrap_or_default())?,
    };
    if kind == OutputType::Link && link.is_none() {
        return Err(bad_link());
    }
    fields.insert("output_type".to_owned(), kind.as_str().into());
    Ok(Value::Object(fields))
}

/// The kind of an output.
pub(super) fn output_type(word: &str) -> Result<OutputType, Refused> {
    OutputType::parse(word).ok_or_else(|| {
        Refused::bad("invalid_output_type").allowed(OutputType::ALL.map(OutputType::as_str))
    })
}

/// The address of an output.
pub(super) fn check_link(link: &str) -> Result<&str, Refused> {
    let url = Url::parse(link).map_err(|_| bad_link())?;
    matches!(url.scheme(), "http" | "https")
        .then_some(link)
        .ok_or_else(bad_link)
}

fn bad_link() -> Refused {
    Refused::bad("link_url must be an address that begins with http:// or https://.")
}

/// A status that a task may have.
pub(super) fn status(word: &str) -> Result<TaskStatus, Refused> {
    match TaskStatus::parse(word) {
        TaskStatus::Other(_) => {
            let known = TaskStatus::KNOWN;
            Err(Refused::bad("invalid_status").allowed(known.iter().map(TaskStatus::as_str)))
        }
        status => Ok(status),
    }
}

/// Refuses metadata that is no object.
pub(super) fn check_object(metadata: Option<&Value>) -> Result<(), Refused> {
    match metadata {
        Some(metadata) if !metadata.is_object() => Err(Refused::bad("metadata must be an object.")),
        _ => Ok(()),
    }
}

/// The refusal of a proposal that nobody can read.
pub(super) fn malformed_proposal(malformed: &Malformed) -> Refused {
    Refused::bad(format!("The proposal is malformed: {malformed}."))
}

/// Why an event of this type cannot be told here; the codes are `ClawdOS`'s.
fn not_told(event_type: &str) -> Refused {
    match event_type {
        APPROVAL_RESOLVED => Refused::new(
            StatusCode::FORBIDDEN,
            "Only an operator approves or rejects, in Discord: this event is written by the bridge.",
        ),
        "status_change" => {
            Refused::bad("use_status_endpoint").hint("POST /api/tasks/:id/status changes it.")
        }
        "assignment_change" => {
            Refused::bad("use_assign_endpoint").hint("POST /api/tasks/:id/assign changes it.")
        }
        "task_deleted" => {
            Refused::bad("use_delete_endpoint").hint("POST /api/tasks/:id/delete deletes it.")
        }
        _ => Refused::bad("invalid_event_type").allowed(TOLD),
    }
}
