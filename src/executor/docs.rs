//! The Control API's routes by which texts are written: the mission and the overview, as existing executors offer them,
//! and any document.

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::SecondsFormat;
use uuid::Uuid;

use super::refusal::{BODY_LIMIT, Body, Refused};
use super::server::{Api, DEFAULT_AUTHOR, Shared, broken, check_words, posted};
use crate::control::wire::{DocSave, Meta, Overview, OverviewSave, Posted, Writer};
use crate::model::document::{DocRef, Document, MISSION, NewDoc, OVERVIEW, Seen};
use crate::model::mission::NewMission;
use crate::store::document::SavedDoc;
use crate::store::mission::Saved;

/// A document of a megabyte may be twice as long as JSON.
const DOCUMENT_LIMIT: usize = 3 * BODY_LIMIT;

/// All of them.
pub(super) fn routes() -> Router<Arc<Api>> {
    let overview = get(read_overview).post(write_overview);
    let document = post(write_document);
    Router::new()
        .route("/api/project/overview", overview)
        .route("/api/docs", document)
        .layer(DefaultBodyLimit::max(DOCUMENT_LIMIT))
}

async fn read_overview(State(api): Shared) -> Result<Json<Overview>, Refused> {
    let store = api.turns.store();
    let of = async |kind| {
        store
            .project_doc(kind)
            .await
            .map_err(|error| broken(&error))
    };
    let (mission, overview) = (of(MISSION).await?, of(OVERVIEW).await?);
    let meta = |it: &Document| Meta {
        updated_at: it.line.at.to_rfc3339_opts(SecondsFormat::Micros, true),
        updated_by: it.line.by.clone(),
    };
    Ok(Json(Overview {
        ok: true,
        mission_meta: mission.as_ref().map(meta),
        overview_meta: overview.as_ref().map(meta),
        mission: mission.map(|it| it.text),
        overview: overview.map(|it| it.text),
    }))
}

async fn write_overview(
    State(api): Shared,
    Body(request): Body<OverviewSave>,
) -> Result<Json<Posted>, Refused> {
    let (by, name, seen) = writer(&request.writer)?;
    if request.mission.is_none() && request.overview.is_none() {
        return Err(Refused::bad("Neither mission nor overview is there."));
    }
    let store = api.turns.store();
    if let Some(text) = &request.mission {
        let new = NewMission::new(text).map_err(|why| Refused::bad(format!("mission: {why}.")))?;
        let saved = store.set_mission((&new, seen), (by, name)).await;
        if let Saved::Taken(_) = saved.map_err(|error| broken(&error))? {
            return Err(changed("the mission"));
        }
    }
    let Some(text) = &request.overview else {
        return Ok(posted(None));
    };
    let there = store.project_doc(OVERVIEW).await;
    if let Some(there) = there.map_err(|error| broken(&error))? {
        return save(&api, there.line.doc, (seen, text), (by, name)).await;
    }
    let new = NewDoc {
        kind: Some(OVERVIEW),
        title: String::new(),
        agent: None,
        pinned: false,
    };
    let made = store
        .new_document(Uuid::new_v4(), (&new, text), (by, name))
        .await
        .map_err(|error| broken(&error))?;
    // Else somebody has made one at the same moment.
    made.map(|_| posted(None))
        .ok_or_else(|| changed("the overview"))
}

async fn write_document(
    State(api): Shared,
    Body(request): Body<DocSave>,
) -> Result<Json<Posted>, Refused> {
    let (by, name, seen) = writer(&request.writer)?;
    let doc: DocRef = request
        .doc
        .parse()
        .map_err(|error| Refused::bad(format!("doc: {error}.")))?;
    save(&api, doc, (seen, &request.content), (by, name)).await
}

async fn save(
    api: &Api,
    doc: DocRef,
    what: (Seen, &str),
    by: (&str, &str),
) -> Result<Json<Posted>, Refused> {
    let saved = api.turns.store().save_document(doc, what, by).await;
    match saved.map_err(|error| broken(&error))? {
        SavedDoc::Done(_) | SavedDoc::Same => Ok(posted(None)),
        SavedDoc::Changed(_) => Err(changed("the document")),
        SavedDoc::Gone => Err(Refused::new(
            StatusCode::CONFLICT,
            "There is no such document any more.",
        )),
        SavedDoc::Closed(_) => Err(Refused::new(
            StatusCode::CONFLICT,
            "The text of this document is not for writing here.",
        )),
    }
}

fn changed(what: &str) -> Refused {
    let error = format!("Somebody else has changed {what} meanwhile.");
    Refused::new(StatusCode::CONFLICT, error)
}

/// Who writes, under which name, and what they have seen.
fn writer(writer: &Writer) -> Result<(&str, &str, Seen), Refused> {
    let by = writer.updated_by.as_deref().unwrap_or(DEFAULT_AUTHOR);
    let name = writer.name.as_deref().unwrap_or(by);
    check_words([("updated_by", by), ("name", name)])?;
    let seen = match writer.expected.as_deref() {
        None => Seen::Unknown,
        Some(text) => u64::from_str_radix(text, 16)
            .map(Seen::Version)
            .map_err(|_| Refused::bad("expected must be a version, 16 hexadecimal digits."))?,
    };
    Ok((by, name, seen))
}
