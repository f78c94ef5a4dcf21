//! Tasks that are proposed, moved, given to somebody, stopped and deleted by programs. What an operator has to
//! decide stays undecided, and nobody is woken: a program that wants an agent to work tells it so.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{author, no_task, own_agent, task_id};
use crate::control::wire::{
    AssignRequest, DeleteRequest, OutputRequest, Posted, ProposeRequest, StatusRequest, StopRequest,
};
use crate::executor::refusal::{Body, MaybeBody, Refused};
use crate::executor::server::{Api, Shared, broken, posted};
use crate::executor::told;
use crate::model::AgentKey;
use crate::model::task::TaskStatus;
use crate::store::StoreError;
use crate::store::task_write::{
    Changed, Doer, LONGEST_TITLE, Moved, NewOutput, NewTask, StatusChange,
};

/// Whoever calls, with where they come from.
fn doer<'a>(author: &'a str, metadata: &'a Value) -> Doer<'a> {
    Doer {
        author,
        metadata,
        wakes: None,
    }
}

fn origin() -> Value {
    json!({ "source": "control_api" })
}

/// `POST /api/tasks/propose`
pub(super) async fn propose(
    State(api): Shared,
    Body(request): Body<ProposeRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = author(request.author.as_deref())?;
    let title = request.title.trim();
    check_title("title", title)?;
    let assignee = match request.assignee_agent_key.as_deref() {
        Some(key) => Some(own_agent(&api, "assignee_agent_key", key).await?),
        None => proposer(&api, author).await?,
    };
    let task = NewTask {
        id: None,
        title,
        description: request.description.as_deref(),
        assignee: assignee.as_ref(),
        proposed: true,
    };
    let origin = origin();
    let id = api.turns.store().new_task(task, doer(author, &origin));
    Ok(posted(id.await.map_err(|error| broken(&error))?))
}

/// What an agent proposes is its own (source: `ClawdOS`).
async fn proposer(api: &Api, author: &str) -> Result<Option<AgentKey>, Refused> {
    if !author.starts_with("agent:") {
        return Ok(None);
    }
    let Ok(agent) = author.parse::<AgentKey>() else {
        return Ok(None);
    };
    let known = api.turns.store().is_in_team(&agent).await;
    Ok(known.map_err(|error| broken(&error))?.then_some(agent))
}

fn check_title(field: &str, title: &str) -> Result<(), Refused> {
    if (1..=LONGEST_TITLE).contains(&title.chars().count()) {
        return Ok(());
    }
    Err(Refused::bad(format!(
        "{field} must have 1 to {LONGEST_TITLE} characters."
    )))
}

/// `POST /api/tasks/:id/status`
pub(super) async fn status(
    State(api): Shared,
    Path(task): Path<String>,
    Body(request): Body<StatusRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = author(request.author.as_deref())?;
    let status = told::status(&request.status)?;
    move_task(&api, &task, &status, request.reason.as_deref(), author).await
}

/// `POST /api/tasks/:id/stop`
pub(super) async fn stop(
    State(api): Shared,
    Path(task): Path<String>,
    MaybeBody(request): MaybeBody<StopRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = author(request.author.as_deref())?;
    let reason = request.reason.as_deref();
    move_task(&api, &task, &TaskStatus::Stopped, reason, author).await
}

async fn move_task(
    api: &Api,
    task: &str,
    status: &TaskStatus,
    reason: Option<&str>,
    author: &str,
) -> Result<Json<Posted>, Refused> {
    let task = task_id(task)?;
    let reason = reason.map(str::trim).filter(|text| !text.is_empty());
    let store = api.turns.store();
    let moved = store
        .move_task_for_program(task, status, reason, doer(author, &origin()))
        .await;
    match moved.map_err(|error| broken(&error))? {
        Moved::Changed(changed) => done::<StatusChange>(Ok(changed)),
        Moved::Final => Err(Refused::bad("cannot_change_done_task")
            .hint("What is done is taken back by a person, in Discord or on the board.")),
        Moved::Undecided => Err(Refused::new(StatusCode::FORBIDDEN, "task_is_proposed")
            .hint("An operator accepts or rejects it first, in Discord or on the board.")),
    }
}

/// `POST /api/tasks/:id/assign`
pub(super) async fn assign(
    State(api): Shared,
    Path(task): Path<String>,
    Body(request): Body<AssignRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = author(request.author.as_deref())?;
    let task = task_id(&task)?;
    let agent = match &request.assignee_agent_key {
        Value::Null => None,
        Value::String(key) => Some(own_agent(&api, "assignee_agent_key", key).await?),
        _ => {
            let error = "assignee_agent_key must be an agent's key, or null for nobody.";
            return Err(Refused::bad(error));
        }
    };
    let store = api.turns.store();
    let by = doer(author, &Value::Null);
    done(store.assign_task(task, agent.as_ref(), by).await)
}

/// `POST /api/tasks/:id/outputs`
pub(super) async fn add_output(
    State(api): Shared,
    Path(task): Path<String>,
    Body(request): Body<OutputRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = author(request.author.as_deref())?;
    let task = task_id(&task)?;
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let title = given(&request.title);
    if let Some(title) = &title {
        check_title("title", title)?;
    }
    let (text, link) = (given(&request.content_text), given(&request.link_url));
    let metadata = json!({
        "output_type": request.output_type, "title": title, "link_url": link,
    });
    told::check_event("output_added", text.as_deref(), Some(metadata))?;
    let output_type = told::output_type(&request.output_type)?;
    let output = NewOutput {
        title: title.as_deref(),
        text: text.as_deref(),
        link_url: link.as_deref(),
        ..NewOutput::of(task, output_type, doer(author, &Value::Null))
    };
    match api.turns.store().add_output(output).await {
        Ok(Changed::Now(id)) => Ok(posted(Some(id))),
        Ok(Changed::Same) => Ok(posted(None)),
        Ok(Changed::Unknown) => Err(no_task()),
        Err(error) => Err(broken(&error)),
    }
}

/// `POST /api/tasks/:id/delete`
pub(super) async fn delete(
    State(api): Shared,
    Path(task): Path<String>,
    MaybeBody(request): MaybeBody<DeleteRequest>,
) -> Result<Json<Posted>, Refused> {
    let author = author(request.author.as_deref())?;
    let task: Uuid = task_id(&task)?;
    let by = doer(author, &Value::Null);
    done(api.turns.store().delete_task(task, by).await)
}

/// That it is so counts, whoever made it so.
fn done<T>(changed: Result<Changed<T>, StoreError>) -> Result<Json<Posted>, Refused> {
    match changed.map_err(|error| broken(&error))? {
        Changed::Now(_) | Changed::Same => Ok(posted(None)),
        Changed::Unknown => Err(no_task()),
    }
}
