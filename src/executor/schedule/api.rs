//! The Control API's routes of jobs.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::control::wire::Posted;
use crate::executor::refusal::{Body, Refused};
use crate::executor::server::{Api, Shared, broken, posted};
use crate::model::schedule::Job;

/// How long a caller waits for a change that somebody else is carrying out, and the time between two looks.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(20);

/// All of them.
pub(in crate::executor) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/cron", get(jobs))
        .route("/api/cron/{id}/run", post(run))
        .route("/api/cron/{id}/toggle", post(toggle))
        .route("/api/cron/{id}/enable", post(enable))
        .route("/api/cron/{id}/disable", post(disable))
        .route("/api/cron/{id}/edit", post(edit))
}

/// `GET /api/cron`: a bare array.
async fn jobs(State(api): Shared) -> Result<Json<Vec<Value>>, Refused> {
    let jobs = api.turns.store().jobs().await;
    let jobs = jobs.map_err(|error| broken(&error))?;
    Ok(Json(jobs.iter().map(told).collect()))
}

fn told(job: &Job) -> Value {
    json!({
        "id": job.id,
        "name": job.text.name,
        "enabled": job.enabled,
        "scheduleKind": job.text.kind,
        "scheduleExpr": job.text.expr,
        "tz": job.text.tz,
        "nextRun": job.next.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)),
        "nextRunAtMs": job.next.map(|at| at.timestamp_millis()),
        "lastRunStatus": job.status,
        "instructions": job.text.instructions,
        "targetAgentKey": job.text.agent,
    })
}

/// Files the run and answers at once. A `request_id` makes one run of the same request, however often it is heard.
async fn run(
    State(api): Shared,
    Path(job): Path<String>,
    body: axum::body::Bytes,
) -> Result<Json<Posted>, Refused> {
    own(&api, &job).await?;
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let id = body["request_id"]
        .as_str()
        .and_then(|id| Uuid::try_parse(id).ok());
    let id = id.unwrap_or_else(Uuid::new_v4);
    let asked = api.turns.store().ask_run(id, &job).await;
    asked.map_err(|error| broken(&error))?;
    api.kick.schedule().notify_one();
    Ok(posted(Some(id)))
}

async fn toggle(
    State(api): Shared,
    Path(job): Path<String>,
    Body(body): Body<Value>,
) -> Result<Json<Posted>, Refused> {
    match body.get("enabled").and_then(Value::as_bool) {
        Some(on) => patch(&api, &job, json!({ "enabled": on })).await,
        None => Err(Refused::bad("enabled: it must be true or false.")),
    }
}

async fn enable(State(api): Shared, Path(job): Path<String>) -> Result<Json<Posted>, Refused> {
    patch(&api, &job, json!({ "enabled": true })).await
}

async fn disable(State(api): Shared, Path(job): Path<String>) -> Result<Json<Posted>, Refused> {
    patch(&api, &job, json!({ "enabled": false })).await
}

async fn edit(
    State(api): Shared,
    Path(job): Path<String>,
    Body(body): Body<Value>,
) -> Result<Json<Posted>, Refused> {
    patch(&api, &job, body).await
}

/// By a request like any other, so that all changes stand in one line.
async fn patch(api: &Api, job: &str, patch: Value) -> Result<Json<Posted>, Refused> {
    own(api, job).await?;
    let store = api.turns.store();
    let id = Uuid::new_v4();
    let ended = async {
        store.ask_patch(id, job, &patch).await?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            store.settle_job_requests(Utc::now()).await?;
            let end = store.patch_end(id).await?;
            // The scheduler, or another executor, may be at it just now.
            if end.is_some() || Instant::now() > deadline {
                return Ok(end);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let ended = ended.await.map_err(|error| broken(&error))?;
    api.kick.schedule().notify_one();
    match ended {
        Some(Err(why)) => Err(Refused::bad(why).ran(false)),
        // It is in the database, and will be carried out.
        Some(Ok(())) | None => Ok(posted(Some(id))),
    }
}

async fn own(api: &Api, job: &str) -> Result<(), Refused> {
    let kept = api.turns.store().kept_jobs().await;
    let kept = kept.map_err(|error| broken(&error))?;
    if kept.iter().any(|it| it.job == job) {
        return Ok(());
    }
    Err(Refused::new(StatusCode::NOT_FOUND, "There is no such job.").ran(false))
}
