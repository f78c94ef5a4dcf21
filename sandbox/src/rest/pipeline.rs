//! What happens around every request to the API: who asks, faults, rate limits, the log of requests.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{ConnectInfo, MatchedPath, RawPathParams, Request, State as AxumState};
use axum::http::header::{AUTHORIZATION, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::buckets::{Standing, Verdict};
use super::error::ApiError;
use super::faults;
use super::login;
use super::payload::{self, Payload, PayloadSlot};
use super::request::Caller;
use super::request_log::Entry;
use super::rules::{Asked, Rule, rules};
use super::weather::Strike;
use crate::app::App;
use crate::limits;
use crate::server::Link;
use crate::state::Actor;

/// Where the API lies on the server.
pub(super) const PREFIX: &str = "/api/v10";

/// A request as far as the pipeline understands it.
struct Seen {
    method: Method,
    /// The path as the `OpenAPI` description names it.
    route: String,
    subject: Subject,
    caller: Option<Actor>,
    /// Whether it comes from this machine.
    near: bool,
    payload: Result<Payload, ApiError>,
}

impl Seen {
    fn is_person(&self) -> bool {
        is_person(self.caller, &self.route)
    }
}

/// Whether a person asks, or somebody who is about to be one.
fn is_person(caller: Option<Actor>, route: &str) -> bool {
    matches!(caller, Some(Actor::Person { .. })) || route == login::ROUTE
}

/// What a route's buckets are kept per.
#[derive(Clone, Copy)]
enum Subject {
    /// The channel, guild or application in the path; 0 for none.
    Resource(u64),
    /// A webhook, and the channel it writes to.
    Webhook { id: u64, channel: u64 },
    /// An interaction, by a hash of its token.
    Interaction(u64),
}

/// Writes the entry of the log even if the client goes away before the answer.
struct Logged<'a> {
    app: &'a App,
    entry: Option<Entry>,
}

impl Drop for Logged<'_> {
    fn drop(&mut self) {
        if let Some(entry) = self.entry.take() {
            self.app.requests.push(entry);
        }
    }
}

/// The layer around all routes of the API.
pub(super) async fn run(
    AxumState(app): AxumState<Arc<App>>,
    ConnectInfo(link): ConnectInfo<Link>,
    matched: MatchedPath,
    params: RawPathParams,
    request: Request,
    next: Next,
) -> Response {
    let at = SystemTime::now();
    let route = matched
        .as_str()
        .strip_prefix(PREFIX)
        .unwrap_or(matched.as_str())
        .to_owned();
    let (mut parts, body) = request.into_parts();
    // Discord counts by address, and what is tried here are the clients of this machine: what others on
    // the network do wrong is not held against them.
    let near = link.peer.ip().to_canonical().is_loopback();
    let (caller, bytes) = match admit(&app, near, &route, &parts.headers, body).await {
        Ok(admitted) => admitted,
        Err(response) => return response,
    };
    let payload = payload::parse(&parts.headers, bytes).await;
    let seen = Seen {
        method: parts.method.clone(),
        subject: subject(&app, &route, &params),
        route,
        caller,
        near,
        payload: payload.clone(),
    };
    let entry = (!seen.is_person()).then(|| entry(&seen, &params, &parts.uri, at));
    let mut logged = Logged { app: &app, entry };
    parts.extensions.insert(Caller(caller));
    parts.extensions.insert(PayloadSlot(payload));
    let request = Request::from_parts(parts, Body::empty());
    let (response, lost) = answer(&app, &seen, request, next).await;
    if lost {
        link.cut();
    } else if let Some(entry) = &mut logged.entry {
        entry.status = response.status().as_u16();
    }
    response
}

/// Who asks, and the body; refused are unknown tokens, banned bots, and bodies that are too large.
async fn admit(
    app: &App,
    near: bool,
    route: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Option<Actor>, Bytes), Response> {
    let caller = identify(app, headers).map_err(|error| {
        if near {
            app.limits.note_invalid(1);
        }
        error.into_response()
    })?;
    if near && !is_person(caller, route) && app.limits.banned() {
        return Err(banned());
    }
    let bytes = read(body).await.map_err(IntoResponse::into_response)?;
    Ok((caller, bytes))
}

/// Faults, limits and the work itself. True if the answer must not arrive.
async fn answer(app: &Arc<App>, seen: &Seen, request: Request, next: Next) -> (Response, bool) {
    let planned = if seen.is_person() {
        faults::Planned::default()
    } else {
        let path = request.uri().path();
        let path = path.strip_prefix(PREFIX).unwrap_or(path);
        app.faults.plan(&seen.method, &seen.route, path)
    };
    if let Some(time) = planned.delay {
        tokio::time::sleep(time).await;
    }
    if let Some((status, code)) = planned.status {
        let response = faults::answer(status, code, &seen.route);
        note_if_invalid(app, seen, response.status());
        return (response, planned.swallow);
    }
    let rules = buckets(seen);
    if let Some(response) = weather(app, seen, &rules).await {
        return (response, planned.swallow);
    }
    let standing = match limit(app, seen, &rules) {
        Verdict::Pass(standing) => standing,
        Verdict::Limited(refusal) => {
            if refusal.is_invalid() {
                note_if_invalid(app, seen, StatusCode::TOO_MANY_REQUESTS);
            }
            return (refusal.into_response(), planned.swallow);
        }
    };
    let mut response = match check_agent(seen.caller, request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    note_if_invalid(app, seen, response.status());
    if let Some(standing) = standing {
        Standing::write(&standing, response.headers_mut());
    }
    (response, planned.swallow)
}

/// What the weather answers instead of the API; its refusals are not held against anybody.
async fn weather(app: &App, seen: &Seen, rules: &[(Rule, u64)]) -> Option<Response> {
    if seen.is_person() {
        return None;
    }
    match app.sky.strike() {
        Strike::Nothing => None,
        Strike::Delay(time) => {
            tokio::time::sleep(time).await;
            None
        }
        Strike::Limit(wait) => Some(app.limits.refuse_anyway(rules, wait).into_response()),
        Strike::Fail => Some(faults::answer(503, None, &seen.route)),
    }
}

fn note_if_invalid(app: &App, seen: &Seen, status: StatusCode) {
    if seen.near && !seen.is_person() && matches!(status.as_u16(), 401 | 403 | 429) {
        app.limits.note_invalid(1);
    }
}

/// Who the `Authorization` header names; an unknown token is 401 also where no token is needed.
fn identify(app: &App, headers: &HeaderMap) -> Result<Option<Actor>, ApiError> {
    let Some(value) = headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let token = value.to_str().unwrap_or_default();
    app.read(|state| state.actor_by_token(token))
        .map(Some)
        .ok_or_else(ApiError::unauthorized)
}

/// Bots must say who they are. Discord asks for `DiscordBot (url, version)`; that any name at all is
/// enough here keeps scripts working, and still finds the client that sends none.
fn check_agent(caller: Option<Actor>, headers: &HeaderMap) -> Result<(), ApiError> {
    let named = headers.get(USER_AGENT).is_some_and(|name| !name.is_empty());
    if matches!(caller, Some(Actor::Bot { .. })) && !named {
        return Err(ApiError::new(403, 40333, "internal network error"));
    }
    Ok(())
}

async fn read(body: Body) -> Result<Bytes, ApiError> {
    to_bytes(body, limits::REQUEST_BYTES)
        .await
        .map_err(|_| ApiError::new(413, 40005, "Request entity too large"))
}

/// The buckets that a request counts against.
fn buckets(seen: &Seen) -> Vec<(Rule, u64)> {
    let null = Value::Null;
    let body = seen
        .payload
        .as_ref()
        .map_or(&null, |payload| &payload.0.json);
    let (major, webhook_channel) = match seen.subject {
        Subject::Resource(id) | Subject::Interaction(id) => (id, None),
        Subject::Webhook { id, channel } => (id, Some(channel)),
    };
    let asked = Asked {
        method: &seen.method,
        route: &seen.route,
        major,
        body,
        webhook_channel,
        person: seen.is_person(),
    };
    rules(&asked)
}

fn limit(app: &App, seen: &Seen, rules: &[(Rule, u64)]) -> Verdict {
    // Answers to interactions are outside of the global limit (Rate Limits).
    let of_interaction = matches!(seen.subject, Subject::Interaction(_));
    let caller = seen.caller.map_or(0, Actor::user);
    // A webhook's buckets are the webhook's, whoever holds its token.
    let owner = if seen.route.starts_with("/webhooks/") {
        0
    } else {
        caller
    };
    app.limits
        .count(caller, owner, rules, !seen.is_person() && !of_interaction)
}

fn subject(app: &App, route: &str, params: &RawPathParams) -> Subject {
    let mut values = params.iter().map(|(_, value)| value);
    let first = values
        .next()
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    if route.starts_with("/interactions") {
        return Subject::Interaction(first);
    }
    if !route.starts_with("/webhooks/") {
        return Subject::Resource(first);
    }
    app.read(
        |state| match (state.application(first), state.webhooks.get(&first)) {
            (Some(_), _) => {
                let mut hasher = DefaultHasher::new();
                values.next().hash(&mut hasher);
                Subject::Interaction(hasher.finish())
            }
            (None, Some(hook)) => Subject::Webhook {
                id: first,
                channel: hook.channel,
            },
            (None, None) => Subject::Resource(first),
        },
    )
}

fn entry(seen: &Seen, params: &RawPathParams, uri: &Uri, at: SystemTime) -> Entry {
    let mut path = uri.path().to_owned();
    for (_, value) in params.iter().filter(|(name, _)| name.ends_with("token")) {
        path = path.replace(value, "***");
    }
    let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    Entry {
        at_us: u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX),
        method: seen.method.clone(),
        path,
        query: uri
            .query()
            .unwrap_or_default()
            .trim_start_matches('&')
            .to_owned(),
        route: seen.route.as_str().into(),
        body: seen
            .payload
            .as_ref()
            .map(|payload| payload.text.clone())
            .unwrap_or_default(),
        status: 0,
    }
}

/// What Discord's edge answers to an address that made too many invalid requests.
fn banned() -> Response {
    let page = "<html><body><h1>Error 1015</h1><p>You are being rate limited. The owner of this website \
                (discord.com) has banned you temporarily from accessing this website.</p></body></html>\nerror code: 1015";
    let mut response = (StatusCode::FORBIDDEN, page).into_response();
    response
        .headers_mut()
        .insert("content-type", HeaderValue::from_static("text/html"));
    response
}

/// The layer around `/_sandbox`: the door, and bodies are JSON whatever they say.
pub(super) async fn control(
    AxumState(app): AxumState<Arc<App>>,
    ConnectInfo(link): ConnectInfo<Link>,
    request: Request,
    next: Next,
) -> Response {
    if let Err(error) = app.door.check(link.peer.ip(), request.headers()) {
        return error.into_response();
    }
    let (mut parts, body) = request.into_parts();
    let bytes = match read(body).await {
        Ok(bytes) => bytes,
        Err(error) => return error.into_response(),
    };
    parts
        .headers
        .insert("content-type", HeaderValue::from_static("application/json"));
    let payload = payload::parse(&parts.headers, bytes).await;
    parts.extensions.insert(PayloadSlot(payload));
    next.run(Request::from_parts(parts, Body::empty())).await
}
