//! The Control API's routes of tasks: what happens in them is told here, asked for, and done.

mod change;
mod list;

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::SecondsFormat;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::refusal::{Body, Refused};
use super::server::{Api, DEFAULT_AUTHOR, Shared, broken, check_words, limit, posted};
use super::told::check_event;
use crate::control::wire::{Posted, TaskEvent, TaskEventRequest, TaskEvents};
use crate::model::AgentKey;
use crate::model::addressing::mentioned;
use crate::store::task_write::{Commented, Doer, NewComment};
use crate::store::timeline::NewTaskEvent;

/// All of them.
pub(super) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/tasks", get(list::tasks))
        .route("/api/tasks/assigned", get(list::assigned))
        .route("/api/tasks/propose", post(change::propose))
        .route("/api/tasks/{id}/events", get(events).post(post_event))
        .route("/api/tasks/{id}/status", post(change::status))
        .route("/api/tasks/{id}/assign", post(change::assign))
        .route("/api/tasks/{id}/stop", post(change::stop))
        .route("/api/tasks/{id}/outputs", post(change::add_output))
        .route("/api/tasks/{id}/delete", post(change::delete))
}

/// The query of a list.
#[derive(Deserialize)]
struct ListQuery {
    limit: Option<String>,
}

/// `GET /api/tasks/:id/events`
async fn events(
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
async fn post_event(
    State(api): Shared,
    Path(task): Path<String>,
    Body(request): Body<TaskEventRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = author(request.author.as_deref())?;
    let content = request.content.as_deref();
    let metadata = check_event(&request.event_type, content, request.metadata)?;
    let task = own_task(&api, &task).await?;
    if let ("comment", Some(text)) = (request.event_type.as_str(), content) {
        return comment(&api, task, author, text, metadata.as_ref()).await;
    }
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

async fn comment(
    api: &Api,
    task: Uuid,
    author: &str,
    text: &str,
    metadata: Option<&Value>,
) -> Result<Json<Posted>, Refused> {
    let comment = NewComment {
        id: None,
        task,
        text,
        by: Doer {
            author,
            metadata: &json!({}),
            wakes: None,
        },
        metadata,
        created_at: None,
        mentioned: &mentioned(text),
        view: None,
    };
    match api.turns.store().comment(comment).await {
        Ok(Commented::Now { id, .. } | Commented::Before(id)) => Ok(posted(Some(id))),
        Ok(Commented::Unknown) => Err(no_task()),
        Err(error) => Err(broken(&error)),
    }
}

/// Who calls, as they say.
fn author(named: Option<&str>) -> Result<&str, Refused> {
    let author = named.unwrap_or(DEFAULT_AUTHOR);
    check_words([("author", author)])?;
    Ok(author)
}

async fn own_task(api: &Api, task: &str) -> Result<Uuid, Refused> {
    let task = task_id(task)?;
    match api.turns.store().has_task(task).await {
        Ok(true) => Ok(task),
        Ok(false) => Err(no_task()),
        Err(error) => Err(broken(&error)),
    }
}

/// An id that is none names no task (source: `ClawdOS`).
fn task_id(text: &str) -> Result<Uuid, Refused> {
    Uuid::parse_str(text).map_err(|_| no_task())
}

fn no_task() -> Refused {
    Refused::new(StatusCode::NOT_FOUND, "task_not_found").hint("This project has no such task.")
}

/// An agent of this project's.
async fn own_agent(api: &Api, field: &str, key: &str) -> Result<AgentKey, Refused> {
    let agent: AgentKey = key
        .parse()
        .map_err(|error| Refused::bad(format!("{field}: {error}.")))?;
    match api.turns.store().is_in_team(&agent).await {
        Ok(true) => Ok(agent),
        Ok(false) => Err(Refused::new(StatusCode::NOT_FOUND, "agent_not_found")
            .hint("This project has no such agent.")),
        Err(error) => Err(broken(&error)),
    }
}
