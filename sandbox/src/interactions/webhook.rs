//! What an application does after its first answer: `/webhooks/{application}/{token}…`.

use std::sync::Arc;

use axum::Json;
use axum::http::{Method, StatusCode};
use axum::response::IntoResponse as _;

use super::reply::{self, Form};
use super::store::{Interaction, Phase};
use crate::app::App;
use crate::rest::attachments;
use crate::rest::draft::{Draft, EPHEMERAL, Purpose};
use crate::rest::error::{ApiError, ApiResult};
use crate::rest::payload::Payload;

/// The name of the first answer in place of a message id.
const ORIGINAL: &str = "@original";

/// Whether `/webhooks/{id}/…` is about an application's interactions and not about a webhook.
pub(crate) fn owns(app: &App, id: u64) -> bool {
    app.read(|state| state.application(id).is_some())
}

/// `POST /webhooks/{application}/{token}`: another message. Right after a deferred answer it becomes
/// that answer, and is as ephemeral as was promised.
pub(crate) async fn follow_up(
    app: &Arc<App>,
    application: u64,
    token: &str,
    payload: &Payload,
) -> ApiResult {
    let channel = app
        .interactions
        .lock()
        .answered(application, token)?
        .channel;
    let mut draft = Draft::parse(payload, Purpose::Interaction)?;
    draft.attachments = attachments::store(app, payload).await?;
    let json = app.write(|state| {
        let mut inner = app.interactions.lock();
        let interaction = inner.answered(application, token)?.clone();
        let original = original(&interaction);
        if let (Phase::Answered { deferred: true, .. }, Some(id)) = (interaction.phase, original) {
            draft.flags = None;
            let json = reply::edit(state, &mut inner, channel, id, draft)?;
            inner.answered(application, token)?.phase = Phase::Answered {
                original,
                deferred: false,
            };
            return Ok(json);
        }
        let form = Form {
            ephemeral: draft.flags.unwrap_or(0) & EPHEMERAL != 0,
            loading: false,
            replies_to: original,
        };
        let (id, json) = reply::create(state, &mut inner, &interaction, draft, form);
        inner.answered(application, token)?.messages.push(id);
        Ok::<_, ApiError>(json)
    })?;
    Ok(Json(json).into_response())
}

/// `GET`, `PATCH` and `DELETE /webhooks/{application}/{token}/messages/{which}`, where `which` is an
/// id or `@original`.
pub(crate) async fn message(
    app: &Arc<App>,
    application: u64,
    token: &str,
    which: &str,
    method: &Method,
    payload: &Payload,
) -> ApiResult {
    let interaction = app
        .interactions
        .lock()
        .answered(application, token)?
        .clone();
    let id = target(&interaction, which)?;
    let channel = interaction.channel;
    if method == Method::PATCH {
        let mut draft = Draft::parse(payload, Purpose::Edit)?;
        draft.attachments = attachments::store(app, payload).await?;
        let json = app.write(|state| {
            let mut inner = app.interactions.lock();
            let json = reply::edit(state, &mut inner, channel, id, draft)?;
            let known = inner.answered(application, token)?;
            if original(known) == Some(id) {
                known.phase = Phase::Answered {
                    original: Some(id),
                    deferred: false,
                };
            }
            Ok::<_, ApiError>(json)
        })?;
        return Ok(Json(json).into_response());
    }
    if method == Method::DELETE {
        app.write(|state| {
            let mut inner = app.interactions.lock();
            reply::delete(state, &mut inner, channel, id)?;
            let known = inner.answered(application, token)?;
            known.messages.retain(|known| *known != id);
            if original(known) == Some(id) {
                known.phase = Phase::Answered {
                    original: None,
                    deferred: false,
                };
            }
            Ok::<_, ApiError>(())
        })?;
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let json = app.read(|state| reply::look(state, &app.interactions.lock(), channel, id))?;
    Ok(Json(json).into_response())
}

fn original(interaction: &Interaction) -> Option<u64> {
    match interaction.phase {
        Phase::Answered { original, .. } => original,
        Phase::Waiting | Phase::Failed => None,
    }
}

fn target(interaction: &Interaction, which: &str) -> ApiResult<u64> {
    if which == ORIGINAL {
        return original(interaction).ok_or_else(reply::unknown);
    }
    which
        .parse()
        .ok()
        .filter(|id| interaction.messages.contains(id))
        .ok_or_else(reply::unknown)
}
