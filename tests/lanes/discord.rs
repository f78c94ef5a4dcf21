//! A server that answers like Discord as far as limits go: fixed windows that begin with their first request,
//! headers, 429s; and scripted answers for what a test is about.

use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use clawdos_bridge::discord::lanes::Lanes;
use clawdos_bridge::discord::rest::{Rest, WebhookKey};
use serde_json::{Value, json};
use url::Url;

pub const BOT_TOKEN: &str = "MTA.bot-token-of-the-test";

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    /// `METHOD /path`, without `/api/v10` and the query.
    pub what: String,
    pub body: Value,
    pub headers: HeaderMap,
    pub status: u16,
}

/// An answer instead of the usual one.
#[derive(Debug, Clone)]
pub struct Scripted {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Value,
    pub delay: Duration,
}

impl Scripted {
    pub fn status(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body,
            delay: Duration::ZERO,
        }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub fn limited(scope: &str, retry_after: f64) -> Self {
        let global = scope == "global";
        let body = json!({"message": "You are being rate limited.", "retry_after": retry_after, "global": global});
        Self::status(429, body)
            .header("x-ratelimit-scope", scope)
            .header("x-ratelimit-bucket", "scripted")
            .header("retry-after", &retry_after.ceil().to_string())
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    used: u32,
}

impl Window {
    /// How many are left after this one, and how long the window still lasts; `Err` if none was left.
    fn hit(
        &mut self,
        limit: u32,
        span: Duration,
        now: Instant,
    ) -> Result<(u32, Duration), Duration> {
        if now >= self.began + span {
            *self = Self {
                began: now,
                used: 0,
            };
        }
        let left = self.began + span - now;
        if self.used >= limit {
            return Err(left);
        }
        self.used += 1;
        Ok((limit - self.used, left))
    }
}

/// The limits a server has; `None`: no such limit, and without a bucket limit no headers either.
#[derive(Debug, Clone, Copy, Default)]
pub struct Limits {
    pub bucket: Option<(u32, Duration)>,
    pub global: Option<(u32, Duration)>,
}

#[derive(Default)]
struct Inner {
    limits: Limits,
    buckets: HashMap<String, Window>,
    global: HashMap<bool, Window>,
    seen: Vec<Seen>,
    script: HashMap<&'static str, VecDeque<Scripted>>,
    next_id: u64,
}

/// The server.
#[derive(Clone, Default)]
pub struct Discord {
    inner: Arc<Mutex<Inner>>,
}

impl Discord {
    /// Starts it and connects a client and its lanes.
    pub async fn start(limits: Limits) -> (Self, Rest, Lanes) {
        let discord = Self::default();
        discord.lock().limits = limits;
        let app = Router::new().fallback(answer).with_state(discord.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("loopback has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        let (rest, lanes) = connect(&format!("http://{address}/api/v10"));
        (discord, rest, lanes)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next request whose `METHOD /path` starts so is answered like this. The longest match counts.
    pub fn script(&self, what: &'static str, answer: Scripted) {
        self.lock()
            .script
            .entry(what)
            .or_default()
            .push_back(answer);
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.lock().seen.clone()
    }

    /// What was asked, in the order of arrival.
    pub fn asked(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.what).collect()
    }

    pub fn count(&self, status: u16) -> usize {
        let lock = self.lock();
        lock.seen
            .iter()
            .filter(|seen| seen.status == status)
            .count()
    }

    /// Waits until so many requests have arrived.
    pub async fn arrived(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.lock().seen.len() < count {
            assert!(Instant::now() < deadline, "only {:?}", self.asked());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// A client of a server at this address, with running lanes.
pub fn connect(api: &str) -> (Rest, Lanes) {
    let api = Url::parse(api).expect("the test's address is one");
    let rest = Rest::new(&api, BOT_TOKEN.into()).expect("a client for loopback");
    let (lanes, driver) = Lanes::new(rest.clone());
    tokio::spawn(driver.run());
    (rest, lanes)
}

/// Webhook `id`, alone in a channel of its own.
pub fn webhook(id: u64) -> WebhookKey {
    WebhookKey::new(id, id + 1_000, format!("webhook-token-{id}").into())
}

/// The bucket: method, kind of thing, and top-level id.
fn bucket_name(what: &str) -> String {
    let (method, path) = what.split_once(' ').unwrap_or(("", what));
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let mut name = method.to_owned();
    for (index, part) in parts.iter().enumerate() {
        let variable = index > 2 && part.starts_with(|first: char| first.is_ascii_digit());
        let _ = write!(name, "-{}", if variable { "x" } else { part });
    }
    name
}

async fn answer(State(discord): State<Discord>, request: Request) -> Response {
    let at = Instant::now();
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX)
        .await
        .unwrap_or_default();
    let path = parts.uri.path().trim_start_matches("/api/v10").to_owned();
    let what = format!("{} {path}", parts.method);
    let (scripted, limited) = {
        let mut lock = discord.lock();
        let matching = lock
            .script
            .iter()
            .filter(|(start, answers)| what.starts_with(**start) && !answers.is_empty())
            .map(|(start, _)| *start)
            .max_by_key(|start| start.len());
        let scripted = matching
            .and_then(|start| lock.script.get_mut(start))
            .and_then(VecDeque::pop_front);
        let limited = match scripted {
            Some(_) => Ok(HeaderMap::new()),
            None => limit(
                &mut lock,
                &what,
                parts.headers.contains_key("authorization"),
                at,
            ),
        };
        let status = match (&scripted, &limited) {
            (Some(scripted), _) => scripted.status,
            (None, Ok(_)) => 200,
            (None, Err(_)) => 429,
        };
        lock.seen.push(Seen {
            at,
            what,
            body: read(&body),
            headers: parts.headers,
            status,
        });
        (scripted, limited)
    };
    if let Some(scripted) = scripted {
        tokio::time::sleep(scripted.delay).await;
        return scripted_answer(&scripted);
    }
    match limited {
        Err(refusal) => scripted_answer(&refusal),
        Ok(headers) => {
            let id = {
                let mut lock = discord.lock();
                lock.next_id += 1;
                lock.next_id
            };
            (headers, format!("{{\"id\":\"{id}\"}}")).into_response()
        }
    }
}

/// Multipart bodies as the text they are.
fn read(body: &Bytes) -> Value {
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(body).into_owned()))
}

fn limit(inner: &mut Inner, what: &str, bot: bool, now: Instant) -> Result<HeaderMap, Scripted> {
    let fresh = Window {
        began: now,
        used: 0,
    };
    if let Some((limit, span)) = inner.limits.global {
        // Windows that began before the client came, so that they are never aligned with it.
        let window = inner.global.entry(bot).or_insert(Window {
            began: now.checked_sub(span / 3).unwrap_or(now),
            used: 0,
        });
        while now >= window.began + span {
            *window = Window {
                began: window.began + span,
                used: 0,
            };
        }
        if let Err(left) = window.hit(limit, span, now) {
            return Err(Scripted::limited("global", left.as_secs_f64()));
        }
    }
    let Some((limit, span)) = inner.limits.bucket else {
        return Ok(HeaderMap::new());
    };
    let name = bucket_name(what);
    let window = inner.buckets.entry(name.clone()).or_insert(fresh);
    let (remaining, left) = window
        .hit(limit, span, now)
        .map_err(|left| Scripted::limited("user", left.as_secs_f64()))?;
    let mut headers = HeaderMap::new();
    let mut set = |name: &'static str, value: String| {
        let value = HeaderValue::try_from(value).expect("a number or a path is a header");
        headers.insert(name, value);
    };
    set("x-ratelimit-limit", limit.to_string());
    set("x-ratelimit-remaining", remaining.to_string());
    set(
        "x-ratelimit-reset-after",
        format!("{:.3}", left.as_secs_f64()),
    );
    set("x-ratelimit-bucket", name);
    Ok(headers)
}

fn scripted_answer(scripted: &Scripted) -> Response {
    let status = StatusCode::from_u16(scripted.status).expect("a test names real statuses");
    let mut response = Response::new(Body::from(scripted.body.to_string()));
    *response.status_mut() = status;
    for (name, value) in &scripted.headers {
        let value = HeaderValue::try_from(value.as_str()).expect("a test names real headers");
        response.headers_mut().insert(*name, value);
    }
    response
}
