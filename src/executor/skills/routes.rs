//! The Control API's routes of skills.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Map, Value, json};

use crate::executor::refusal::Refused;
use crate::executor::server::{Api, Shared, broken};
use crate::model::skill::Extra;
use crate::store::skills::Report;

/// All of them.
pub(in crate::executor) fn routes() -> Router<Arc<Api>> {
    Router::new()
        .route("/api/skills", get(list))
        .route("/api/skills/{id}/check", post(check))
}

/// `GET /api/skills`: a bare array, and the mirror is made true (source: `ClawdOS`).
async fn list(State(api): Shared) -> Result<Json<Vec<Value>>, Refused> {
    let reports = api.skills.look().await.map_err(|error| broken(&error))?;
    Ok(Json(reports.iter().map(shown).collect()))
}

/// `POST /api/skills/:id/check`: one skill, looked at now.
async fn check(State(api): Shared, Path(id): Path<String>) -> Result<Json<Value>, Refused> {
    let report = api.skills.check(id).await.map_err(|error| broken(&error))?;
    let Some(report) = report else {
        return Err(Refused::new(StatusCode::NOT_FOUND, "skill_not_found")
            .hint("The skills folder has no skill of this name."));
    };
    let mut shown = shown(&report);
    shown["ok"] = true.into();
    shown["status"] = Extra::read(&report.extra).status.as_str().into();
    Ok(Json(shown))
}

fn shown(report: &Report) -> Value {
    let mut all = match &report.extra {
        Value::Object(fields) => fields.clone(),
        _ => Map::new(),
    };
    let own = json!({
        "id": report.id, "name": report.name, "description": report.description,
        "version": report.version, "installed": true, "lastUpdated": report.updated,
    });
    if let Value::Object(own) = own {
        all.extend(own);
    }
    Value::Object(all)
}
