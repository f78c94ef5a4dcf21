//! `POST /interactions/{id}/{token}/callback`: the first answer of an application.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{Path, Query, State as AxumState};
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use serde_json::{Value, json};

use super::reply::{self, Form};
use super::store::{Inner, Interaction, Kind, Modal, Phase};
use super::{choices, notify};
use crate::app::App;
use crate::rest::attachments;
use crate::rest::draft::{Draft, EPHEMERAL, Purpose};
use crate::rest::error::{ApiError, ApiResult, FormErrors};
use crate::rest::payload::{Payload, RequestBody};
use crate::rest::validate::components;
use crate::state::State;

/// An answer, by Discord's callback types.
enum Answer {
    /// 4: a message.
    Message(Box<Draft>),
    /// 5: a message will follow.
    Defer { ephemeral: bool },
    /// 6: the message with the component will be changed later, or not at all.
    DeferUpdate,
    /// 7: the message with the component becomes this.
    Update(Box<Draft>),
    /// 8: choices for the option that is typed.
    Choices(Value),
    /// 9: a modal.
    Modal(Value),
}

/// What an answer led to.
#[derive(Default)]
struct Outcome {
    message: Option<u64>,
    json: Option<Value>,
    deferred: bool,
}

/// The first answer; 204, or with `?with_response=true` what came of it.
pub(super) async fn callback(
    AxumState(app): AxumState<Arc<App>>,
    Path((id, token)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    payload: Payload,
) -> ApiResult {
    let id: u64 = id
        .parse()
        .map_err(|_| ApiError::unknown(10062, "interaction"))?;
    let interaction = app.interactions.lock().unanswered(id, &token)?.clone();
    let mut answer = parse(&interaction, &payload)?;
    if let Answer::Message(draft) | Answer::Update(draft) = &mut answer {
        draft.attachments = attachments::store(&app, &payload).await?;
    }
    let kind = payload.json["type"].clone();
    let response = app.write(|state| {
        let mut inner = app.interactions.lock();
        let interaction = inner.unanswered(id, &token)?.clone();
        let outcome = respond(state, &mut inner, &interaction, answer)?;
        let response = response(&inner, &interaction, &kind, &outcome);
        if let Some(known) = inner.interactions.get_mut(&id) {
            known.messages.extend(outcome.message);
            known.phase = Phase::Answered {
                original: outcome.message,
                deferred: outcome.deferred,
            };
        }
        if interaction.kind != Kind::Autocomplete {
            notify::succeeded(state, &interaction);
        }
        Ok::<Value, ApiError>(response)
    })?;
    if query
        .get("with_response")
        .is_some_and(|wish| wish == "true" || wish == "1")
    {
        return Ok(Json(response).into_response());
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn parse(interaction: &Interaction, body: &RequestBody) -> ApiResult<Answer> {
    let kind = body.json["type"].as_u64().unwrap_or_default();
    let data = &body.json["data"];
    let allowed = match kind {
        4 | 5 => interaction.kind != Kind::Autocomplete,
        6 | 7 => interaction.source.is_some(),
        8 => interaction.kind == Kind::Autocomplete,
        9 => matches!(interaction.kind, Kind::Command | Kind::Component),
        _ => false,
    };
    if !allowed {
        let text = "This response type cannot answer this interaction.";
        return Err(ApiError::field(
            "type",
            "INTERACTION_RESPONSE_TYPE_INVALID",
            text,
        ));
    }
    let draft = |purpose| {
        Draft::parse_value(data, &body.files, purpose)
            .map(Box::new)
            .map_err(|mut error| {
                error.errors = error.errors.map(|errors| json!({"data": errors}));
                error
            })
    };
    let mut form = FormErrors::default();
    let answer = match kind {
        4 => Answer::Message(draft(Purpose::Interaction)?),
        5 => Answer::Defer {
            ephemeral: data["flags"].as_u64().unwrap_or(0) & EPHEMERAL != 0,
        },
        6 => Answer::DeferUpdate,
        7 => Answer::Update(draft(Purpose::Edit)?),
        8 => Answer::Choices(choices::check(&mut form, data)),
        _ => {
            components::check_modal(&mut form, data);
            Answer::Modal(data.clone())
        }
    };
    form.check()?;
    Ok(answer)
}

fn respond(
    state: &mut State,
    inner: &mut Inner,
    interaction: &Interaction,
    answer: Answer,
) -> ApiResult<Outcome> {
    let form = |ephemeral, loading| Form {
        ephemeral,
        loading,
        replies_to: interaction.source,
    };
    let mut outcome = Outcome::default();
    match answer {
        Answer::Message(draft) => {
            let ephemeral = draft.flags.unwrap_or(0) & EPHEMERAL != 0;
            let form = form(ephemeral, false);
            let (id, json) = reply::create(state, inner, interaction, *draft, form);
            outcome.message = Some(id);
            outcome.json = Some(json);
        }
        Answer::Defer { ephemeral } => {
            let form = form(ephemeral, true);
            let (id, json) = reply::create(state, inner, interaction, Draft::default(), form);
            outcome.message = Some(id);
            outcome.json = Some(json);
            outcome.deferred = true;
        }
        Answer::DeferUpdate => outcome.message = interaction.source,
        Answer::Update(draft) => {
            let source = interaction.source.ok_or_else(reply::unknown)?;
            outcome.json = Some(reply::edit(
                state,
                inner,
                interaction.channel,
                source,
                *draft,
            )?);
            outcome.message = Some(source);
        }
        Answer::Choices(choices) => notify::choices(state, interaction, &choices),
        Answer::Modal(data) => {
            notify::modal(state, interaction, &data);
            inner
                .modals
                .insert(interaction.id, modal(interaction, &data));
        }
    }
    Ok(outcome)
}

fn modal(interaction: &Interaction, data: &Value) -> Modal {
    Modal {
        application: interaction.application,
        person: interaction.person,
        channel: interaction.channel,
        source: interaction.source,
        custom_id: data["custom_id"].as_str().unwrap_or_default().to_owned(),
        components: data["components"].as_array().cloned().unwrap_or_default(),
        metadata: interaction.metadata.clone(),
        opened: Instant::now(),
    }
}

/// The Interaction Callback Response object.
fn response(inner: &Inner, interaction: &Interaction, kind: &Value, outcome: &Outcome) -> Value {
    let mut about = json!({
        "id": interaction.id.to_string(),
        "type": interaction.kind.number(),
    });
    let mut resource = json!({"type": kind});
    if let (Some(id), Some(json)) = (outcome.message, &outcome.json) {
        about["response_message_id"] = json!(id.to_string());
        about["response_message_loading"] = json!(outcome.deferred);
        about["response_message_ephemeral"] = json!(inner.ephemeral.contains_key(&id));
        resource["message"] = json.clone();
    }
    json!({"interaction": about, "resource": resource})
}
