//! Tasks in lists.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;

use super::own_agent;
use crate::control::wire::{AssignedTasks, Task, Tasks};
use crate::executor::refusal::Refused;
use crate::executor::server::{Shared, broken, limit};
use crate::executor::told;
use crate::model::task::TaskStatus;
use crate::store::task_list::{TaskFilter, TaskRow};

/// The query of `GET /api/tasks`.
#[derive(Deserialize)]
pub(super) struct TasksQuery {
    status: Option<String>,
    limit: Option<String>,
    updated_since: Option<String>,
}

/// The query of `GET /api/tasks/assigned`.
#[derive(Deserialize)]
pub(super) struct AssignedQuery {
    agent_key: Option<String>,
    status: Option<String>,
    limit: Option<String>,
}

/// `GET /api/tasks`
pub(super) async fn tasks(
    State(api): Shared,
    query: Result<Query<TasksQuery>, QueryRejection>,
) -> Result<Json<Tasks>, Refused> {
    let Query(query) = query.map_err(|error| Refused::bad(error.body_text()))?;
    let limit = limit(query.limit.as_deref())?;
    let filter = TaskFilter {
        statuses: &statuses(query.status.as_deref())?,
        assignee: None,
        updated_since: query.updated_since.as_deref().map(time).transpose()?,
    };
    let rows = api.turns.store().list_tasks(filter, limit).await;
    let rows = rows.map_err(|error| broken(&error))?;
    Ok(Json(Tasks {
        tasks: rows.into_iter().map(task).collect(),
    }))
}

/// `GET /api/tasks/assigned`
pub(super) async fn assigned(
    State(api): Shared,
    query: Result<Query<AssignedQuery>, QueryRejection>,
) -> Result<Json<AssignedTasks>, Refused> {
    let Query(query) = query.map_err(|error| Refused::bad(error.body_text()))?;
    let limit = limit(query.limit.as_deref())?;
    let statuses = statuses(query.status.as_deref())?;
    let agent = query.agent_key.unwrap_or_default();
    let agent = own_agent(&api, "agent_key", &agent).await?;
    let filter = TaskFilter {
        statuses: &statuses,
        assignee: Some(&agent),
        updated_since: None,
    };
    let rows = api.turns.store().list_tasks(filter, limit).await;
    let rows = rows.map_err(|error| broken(&error))?;
    Ok(Json(AssignedTasks {
        ok: true,
        tasks: rows.into_iter().map(task).collect(),
    }))
}

/// A list with commas between its words.
fn statuses(list: Option<&str>) -> Result<Vec<TaskStatus>, Refused> {
    let words = list.unwrap_or_default().split(',').map(str::trim);
    let words = words.filter(|word| !word.is_empty());
    words.map(told::status).collect()
}

/// In a query a plus is a blank, and callers forget that.
fn time(text: &str) -> Result<DateTime<Utc>, Refused> {
    let time = DateTime::parse_from_rfc3339(&text.trim().replace(' ', "+"));
    let time = time
        .map_err(|_| Refused::bad("updated_since must be a time such as 2026-02-25T12:00:00Z."))?;
    Ok(time.to_utc())
}

fn task(row: TaskRow) -> Task {
    let at = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Micros, true);
    Task {
        id: row.id,
        title: row.title,
        status: row.status,
        assignee_agent_key: row.assignee_agent_key,
        is_proposed: row.is_proposed,
        description: row.description,
        updated_at: at(row.updated_at),
        created_at: at(row.created_at),
    }
}
