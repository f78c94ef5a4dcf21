//! The Control API's routes of tasks: what happens in them is told here, and asked for.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::proposal;
use super::refusal::{Body, Refused};
use super::server::{
    Api, DEFAULT_AUTHOR, Shared, broken, check_object, check_words, limit, malformed_proposal,
    posted,
};
use crate::control::wire::{Posted, TaskEvent, TaskEventRequest, TaskEvents};
use crate::model::proposal::{APPROVAL_REQUEST, APPROVAL_RESOLVED, read_event};
use crate::store::timeline::NewTaskEvent;

/// Types of events that may be told; [`APPROVAL_REQUEST`] is one more.
const TOLD: [&str; 3] = ["comment", "agent_update", "output_added"];

/// The query of a list.
#[derive(Deserialize)]
pub(super) struct ListQuery {
    limit: Option<String>,
}

/// `GET /api/tasks/:id/events`
pub(super) async fn events(
    State(api): Shared,
    Path(task): Path<String>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<TaskEvents>, Refused> {
    let Query(query) = query.map_err(|error| Refused::bad(error.body_text()))?;
    let limit = limit(query.limit.as_deref())?;
    let task = own_task(&api, &task).await?;
    let events = api.turns.store().task_events(task, limit).await;
    let events = events.map_err(|error| broken(&error))?;
    let events = events.into_iter().map(|row| TaskEvent {
        id: row.id,
        event_type: row.event_type,
        author: row.author,
        content: row.content,
        metadata: row.metadata,
        created_at: row.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
    });
    Ok(Json(TaskEvents {
        events: events.collect(),
    }))
}

/// `POST /api/tasks/:id/events`
pub(super) async fn post_event(
    State(api): Shared,
    Path(task): Path<String>,
    Body(request): Body<TaskEventRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = request.author.as_deref().unwrap_or(DEFAULT_AUTHOR);
    check_words([("author", author)])?;
    check_object(request.metadata.as_ref())?;
    let content = request.content.as_deref();
    let metadata = match request.event_type.as_str() {
        APPROVAL_REQUEST => Some(check_request(content, request.metadata)?),
        told if TOLD.contains(&told) => request.metadata,
        other => return Err(not_told(other)),
    };
    if request.event_type == "comment" && content.is_none_or(|text| text.trim().is_empty()) {
        return Err(Refused::bad("The comment is empty: it needs a content."));
    }
    let task = own_task(&api, &task).await?;
    let event = NewTaskEvent {
        task,
        event_type: &request.event_type,
        author,
        content,
        metadata: metadata.as_ref(),
    };
    match api.turns.store().add_task_event(event).await {
        Ok(Some(id)) => Ok(posted(Some(id))),
        Ok(None) => Err(no_task()),
        Err(error) => Err(broken(&error)),
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
        _ => Refused::bad("invalid_event_type").hint(format!(
            "It may be {}, {APPROVAL_REQUEST}.",
            TOLD.join(", ")
        )),
    }
}

async fn own_task(api: &Api, task: &str) -> Result<Uuid, Refused> {
    let task = Uuid::parse_str(task).map_err(|_| no_task())?;
    match api.turns.store().has_task(task).await {
        Ok(true) => Ok(task),
        Ok(false) => Err(no_task()),
        Err(error) => Err(broken(&error)),
    }
}

fn no_task() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "task_not_found").hint("This project has no such task.")
}
