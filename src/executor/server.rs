//! The Control API that the built-in executor offers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{SecondsFormat, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::refusal::{BODY_LIMIT, Body, Refused};
use super::skills::Skills;
use super::told::{check_object, malformed_proposal};
use super::turns::{TurnEnd, Turns};
use super::worker::Kick;
use super::{docs, hires, proposal, schedule, skills, tasks};
use crate::control::wire::{
    BUILT_IN_BINARY, Check, DeliverRequest, ExecutorCheck, Health, PROJECT_HEADER, PostRequest,
    Posted, Recent, RecentMessage,
};
use crate::model::addressing::mentioned;
use crate::model::proposal::{ACTION_PROPOSAL, TASK_PROPOSAL, read_message};
use crate::model::thread::Place;
use crate::model::{ProjectId, ThreadId};
use crate::store::StoreError;
use crate::store::chat::{Destination, NewMessage, TEXT_TYPE};

/// Author of a post that names none (source: `ClawdOS`).
pub(super) const DEFAULT_AUTHOR: &str = "dashboard";

/// Characters of an `author` and of a `message_type`.
const WORD: usize = 100;

/// A database that takes longer to answer is none to work with.
const PING: Duration = Duration::from_secs(5);

/// Rows of a list: by default, and at most (source: `ClawdOS`).
const LIMIT: (i64, i64) = (50, 200);

/// What all routes share.
pub(super) struct Api {
    pub(super) turns: Arc<Turns>,
    pub(super) skills: Skills,
    pub(super) kick: Kick,
    token: Option<[u8; 32]>,
}

/// How a route gets it.
pub(super) type Shared = State<Arc<Api>>;

/// All routes.
pub(super) fn router(
    turns: Arc<Turns>,
    (skills, kick): (Skills, Kick),
    token: Option<&SecretString>,
) -> Router {
    let token = token.map(|token| digest(token.expose_secret()));
    let api = Arc::new(Api {
        turns,
        skills,
        kick,
        token,
    });
    Router::new()
        .route("/api/executor-check", get(executor_check))
        .route("/api/chat/deliver", post(deliver))
        .route("/api/chat/post", post(post_message))
        .route("/api/chat/recent", get(recent))
        .merge(tasks::routes())
        .merge(skills::routes())
        .merge(hires::routes())
        .merge(schedule::routes())
        .merge(docs::routes())
        .layer(middleware::from_fn_with_state(Arc::clone(&api), admit))
        .route("/healthz", get(healthz))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .fallback(|| async {
            Refused::new(StatusCode::NOT_FOUND, "There is nothing at this path.")
        })
        .method_not_allowed_fallback(|| async {
            let error = "This path does not answer this method.";
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, error)
        })
        .with_state(api)
}

/// Lets in who has the token and means this project.
async fn admit(State(api): Shared, request: Request, next: Next) -> Result<Response, Refused> {
    let headers = request.headers();
    if let Some(token) = &api.token {
        // Digests are compared: how long that takes says nothing about the token.
        if bearer(headers).map(digest).as_ref() != Some(token) {
            let error = "The bearer token is missing or wrong: set control_api.token to the \
                         executor's token.";
            return Err(Refused::new(StatusCode::UNAUTHORIZED, error));
        }
    }
    if let Some(named) = headers.get(PROJECT_HEADER) {
        let own = api.turns.store().project();
        let named: Option<ProjectId> = named.to_str().ok().and_then(|text| text.parse().ok());
        match named {
            None => {
                let error = "The header X-ClawdOS-Project holds no project id (lower-case letters, \
                             digits and dashes).";
                return Err(Refused::bad(error));
            }
            Some(named) if &named != own => {
                let error = format!("This executor works for project {own}, not for {named}.");
                return Err(Refused::new(StatusCode::NOT_FOUND, error));
            }
            Some(_) => {}
        }
    }
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

async fn healthz() -> Json<Health> {
    Json(Health { ok: true })
}

async fn executor_check(State(api): Shared) -> Json<ExecutorCheck> {
    let database = match tokio::time::timeout(PING, api.turns.store().ping()).await {
        Ok(Ok(())) => passed("it answers"),
        Ok(Err(error)) => not_passed(error.to_string()),
        Err(_) => not_passed(format!("it does not answer within {} s", PING.as_secs())),
    };
    let agents = api.turns.agents();
    let lost: Vec<&str> = agents
        .iter()
        .filter(|(_, command)| command.program().is_none())
        .map(|(short, _)| short.as_str())
        .collect();
    let agents = if agents.is_empty() {
        not_passed("no agent is configured: add executor.agents.<short> to bridge.toml".to_owned())
    } else if lost.is_empty() {
        passed(&format!("{} can be started", agents.len()))
    } else {
        not_passed(format!(
            "the programs of these agents are missing or not executable: {}",
            lost.join(", ")
        ))
    };
    Json(ExecutorCheck {
        binary: Some(BUILT_IN_BINARY.to_owned()),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        checks: [("database", database), ("agents", agents)]
            .map(|(name, check)| (name.to_owned(), check))
            .into(),
    })
}

fn passed(output: &str) -> Check {
    Check {
        ok: true,
        output: Some(output.into()),
        error: None,
    }
}

fn not_passed(error: String) -> Check {
    Check {
        ok: false,
        output: None,
        error: Some(error.into()),
    }
}

async fn deliver(
    State(api): Shared,
    Body(request): Body<DeliverRequest>,
) -> Result<Json<Posted>, Refused> {
    if request.message.trim().is_empty() {
        return Err(Refused::bad("The message is empty.").ran(false));
    }
    let turn = (request.message_id, request.target_agent_key);
    match api.turns.run(turn, request.message).await {
        TurnEnd::Answered(reply) => Ok(posted(reply.map(|id| id.0))),
        TurnEnd::Failed(error) => {
            Err(Refused::new(StatusCode::INTERNAL_SERVER_ERROR, error).ran(true))
        }
        TurnEnd::Impossible(error) => Err(Refused::new(StatusCode::NOT_FOUND, error).ran(false)),
        TurnEnd::NotNow(error) => {
            Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, error).ran(false))
        }
    }
}

async fn post_message(
    State(api): Shared,
    Body(mut request): Body<PostRequest>,
) -> Result<Json<Posted>, Refused> {
    let store = api.turns.store();
    let author = request.author.take();
    let author = author.as_deref().unwrap_or(DEFAULT_AUTHOR);
    let message_type = request.message_type.take();
    let message_type = message_type.as_deref().unwrap_or(TEXT_TYPE);
    check_post(&request, author, message_type)?;
    if matches!(message_type, TASK_PROPOSAL | ACTION_PROPOSAL) {
        check_proposal(&mut request, author, message_type)?;
    }
    let destination = match request.thread_id {
        Some(thread) => Destination::Thread(own_thread(&api, thread).await?),
        None => Destination::Place(Place::Room),
    };
    let message = NewMessage {
        target: request.target_agent_key.as_ref(),
        message_type,
        metadata: request.metadata.as_ref(),
        mentions: &mentioned(&request.message),
        ..NewMessage::text(destination, author, &request.message)
    };
    let id = store
        .post_message(message)
        .await
        .map_err(|error| broken(&error))?;
    Ok(posted(Some(id.0)))
}

/// A success.
pub(super) fn posted(id: Option<Uuid>) -> Json<Posted> {
    Json(Posted { ok: true, id })
}

fn check_post(request: &PostRequest, author: &str, message_type: &str) -> Result<(), Refused> {
    if request.message.trim().is_empty() {
        return Err(Refused::bad("The message is empty."));
    }
    check_words([("author", author), ("message_type", message_type)])?;
    check_object(request.metadata.as_ref())
}

/// Refuses what is no short visible word.
pub(super) fn check_words<const N: usize>(words: [(&str, &str); N]) -> Result<(), Refused> {
    let is_word = |text: &str| {
        (1..=WORD).contains(&text.chars().count()) && !text.chars().any(char::is_control)
    };
    match words.iter().find(|(_, word)| !is_word(word)) {
        None => Ok(()),
        Some((name, _)) => Err(Refused::bad(format!(
            "{name} must be a word of 1 to {WORD} visible characters."
        ))),
    }
}

/// Whoever posts a proposal hears at once what is wrong with it, and cannot post a decided one.
fn check_proposal(
    request: &mut PostRequest,
    author: &str,
    message_type: &str,
) -> Result<(), Refused> {
    if let Some(Value::Object(fields)) = &mut request.metadata {
        proposal::stamp(fields, author, Utc::now());
    }
    let metadata = request.metadata.as_ref().unwrap_or(&Value::Null);
    match read_message(message_type, metadata).payload {
        Ok(_) => Ok(()),
        Err(malformed) => Err(malformed_proposal(&malformed)),
    }
}

#[derive(Deserialize)]
struct RecentQuery {
    thread_id: Option<String>,
    limit: Option<String>,
}

async fn recent(
    State(api): Shared,
    query: Result<Query<RecentQuery>, QueryRejection>,
) -> Result<Json<Recent>, Refused> {
    let Query(query) = query.map_err(|error| Refused::bad(error.body_text()))?;
    let limit = limit(query.limit.as_deref())?;
    let thread = match query.thread_id.as_deref() {
        None | Some("") => None,
        Some(text) => {
            let thread = text
                .parse()
                .map_err(|error| Refused::bad(format!("thread_id: {error}.")))?;
            Some(own_thread(&api, thread).await?)
        }
    };
    let store = api.turns.store();
    let messages = store
        .recent_messages(thread, limit)
        .await
        .map_err(|error| broken(&error))?;
    let messages = messages.into_iter().map(|row| RecentMessage {
        id: row.id,
        author: row.author,
        message: row.message,
        thread_id: row.thread_id,
        created_at: row.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
    });
    Ok(Json(Recent {
        messages: messages.collect(),
    }))
}

/// How many rows of a list are wanted.
pub(super) fn limit(text: Option<&str>) -> Result<i64, Refused> {
    let (usual, most) = LIMIT;
    match text {
        None => Ok(usual),
        Some(text) => text
            .parse::<i64>()
            .map(|limit| limit.clamp(1, most))
            .map_err(|_| Refused::bad(format!("limit must be a number from 1 to {most}."))),
    }
}

async fn own_thread(api: &Api, thread: ThreadId) -> Result<ThreadId, Refused> {
    let store = api.turns.store();
    if store
        .has_thread(thread)
        .await
        .map_err(|error| broken(&error))?
    {
        return Ok(thread);
    }
    let error = format!(
        "There is no thread {thread} in project {}.",
        store.project()
    );
    Err(Refused::new(StatusCode::NOT_FOUND, error))
}

/// Logged once, here; the caller needs no more than that it is not their fault.
pub(super) fn broken(error: &StoreError) -> Refused {
    tracing::error!(%error, "a request to the executor failed");
    let (status, text) = if error.is_outage() {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "The database is away; try again later.",
        )
    } else {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "The database refused this; the executor's log says why.",
        )
    };
    Refused::new(status, text)
}
