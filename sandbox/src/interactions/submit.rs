//! `POST /interactions`: a person uses a command, a component or a modal.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State as AxumState;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use serde_json::{Value, json};

use super::invocation::{self, Invocation};
use super::store::{ANSWER_WITHIN, Inner, Interaction, Kind, Phase};
use super::{command, component, modal, notify};
use crate::app::App;
use crate::gateway::Audience;
use crate::rest::attachments;
use crate::rest::error::{ApiError, ApiResult};
use crate::rest::payload::Payload;
use crate::state::{Actor, State};

/// What the kinds of interaction differ in.
pub(super) struct Checked {
    /// The `data` for the application.
    pub data: Value,
    /// The message with the component.
    pub source: Option<u64>,
    /// `message` of the event.
    pub message: Option<Value>,
    /// Added to `interaction_metadata`.
    pub metadata: Value,
    /// Whether it is a command of a context menu.
    pub context_menu: bool,
}

/// Who makes a request with this header.
pub(super) fn person(state: &State, headers: &HeaderMap) -> ApiResult<u64> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    match token.and_then(|token| state.actor_by_token(token)) {
        Some(Actor::Person { user }) => Ok(user),
        Some(Actor::Bot { .. }) => Err(ApiError::new(403, 20001, "Bots cannot use this endpoint")),
        None => Err(ApiError::unauthorized()),
    }
}

/// `POST /interactions`, answered with 204: what comes of it is told at the gateway.
pub(super) async fn submit(
    AxumState(app): AxumState<Arc<App>>,
    headers: HeaderMap,
    payload: Payload,
) -> ApiResult {
    app.read(|state| person(state, &headers))?;
    let stored = attachments::store(&app, &payload).await?;
    let id = app.write(|state| {
        let person = person(state, &headers)?;
        let mut invocation = Invocation::parse(state, person, &payload.json)?;
        let slots = payload.files.iter().map(|file| file.slot.clone());
        invocation.files = slots.zip(stored).collect();
        let mut inner = app.interactions.lock();
        let checked = match invocation.kind {
            Kind::Command | Kind::Autocomplete => command::check(state, &invocation)?,
            Kind::Component => component::check(state, &inner, &invocation)?,
            Kind::Modal => modal::check(state, &inner, &invocation)?,
        };
        Ok::<u64, ApiError>(start(state, &mut inner, invocation, checked))
    })?;
    expire_later(app, id);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn start(state: &mut State, inner: &mut Inner, by: Invocation, checked: Checked) -> u64 {
    let id = state.snowflake();
    let secret: u128 = rand::rng().random();
    let mut metadata = json!({
        "id": id.to_string(),
        "type": by.kind.number(),
        "user": state.user_json(by.person),
        "authorizing_integration_owners": invocation::owners(by.guild),
    });
    if let (Some(metadata), Value::Object(more)) = (metadata.as_object_mut(), checked.metadata) {
        metadata.extend(more);
    }
    let interaction = Interaction {
        id,
        token: URL_SAFE_NO_PAD.encode(format!("interaction:{id}:{secret:032x}")),
        kind: by.kind,
        application: by.application,
        bot: by.bot,
        person: by.person,
        nonce: by.nonce,
        channel: by.channel,
        guild: by.guild,
        source: checked.source,
        context_menu: checked.context_menu,
        metadata,
        phase: Phase::Waiting,
        messages: Vec::new(),
        made: Instant::now(),
    };
    notify::created(state, &interaction);
    let event = invocation::event(state, &interaction, &checked.data, checked.message);
    state.emit("INTERACTION_CREATE", event, Audience::Users(vec![by.bot]));
    inner.add(interaction);
    id
}

/// After 3 s without an answer the person is told that it failed, and the token is worthless.
fn expire_later(app: Arc<App>, id: u64) {
    tokio::spawn(async move {
        tokio::time::sleep(ANSWER_WITHIN).await;
        app.write(|state| {
            let mut inner = app.interactions.lock();
            if let Some(interaction) = inner.interactions.get_mut(&id)
                && interaction.phase == Phase::Waiting
            {
                interaction.phase = Phase::Failed;
                notify::failed(state, interaction);
            }
        });
    });
}
