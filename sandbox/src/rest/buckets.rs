//! Rate limits: fixed windows that start with their first request, Discord's headers, the global limit,
//! and the count of invalid requests that ends in a ban.
//!
//! Discord documents few of these numbers; the table in [`rules`] holds what has been observed
//! (discord-api-docs issues 367, 1454, 2190, 2208, 2886; discordgo issue 398) and the documented global
//! 50 per second and 10,000 invalid requests per 10 minutes.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::rules::{Rule, Scope};

/// Requests per second of a bot, or of an address without a token.
const GLOBAL: u32 = 50;
/// Invalid requests (401, 403, 429 unless shared) in [`INVALID_WINDOW`] that lead to a ban.
const INVALID: usize = 10_000;
const INVALID_WINDOW: Duration = Duration::from_mins(10);
/// Above this many windows, those that ended are forgotten.
const SWEEP_AT: usize = 4096;

/// A window of one bucket.
#[derive(Clone, Copy)]
struct Window {
    start: Instant,
    used: u32,
}

/// Whose window of which bucket: the caller (0 for nobody), the bucket, the channel, guild or webhook.
type Key = (u64, &'static str, u64);

#[derive(Default)]
struct Book {
    windows: HashMap<Key, Window>,
    invalid: VecDeque<Instant>,
    banned_until: Option<Instant>,
}

/// All windows of the server.
#[derive(Default)]
pub(crate) struct RateLimits {
    book: Mutex<Book>,
    off: AtomicBool,
    limited: AtomicU64,
}

/// What the buckets say about a request.
pub(crate) enum Verdict {
    /// Go on, and put these headers on the answer.
    Pass(Option<Standing>),
    /// Answer 429.
    Limited(Refusal),
}

/// A bucket after a request, as the headers tell it.
#[derive(Clone, Copy)]
pub(crate) struct Standing {
    rule: Rule,
    key: u64,
    remaining: u32,
    reset_after: Duration,
}

/// A refused request.
pub(crate) struct Refusal {
    standing: Option<Standing>,
    wait: Duration,
    scope: Scope,
    global: bool,
    code: u32,
}

impl RateLimits {
    /// Switches all limits off or on.
    pub(crate) fn set_off(&self, off: bool) {
        self.off.store(off, Ordering::Relaxed);
        if off {
            self.book().windows.clear();
        }
    }

    /// Counts a request of `caller` against the buckets of `owner` (`rules`, each with its major id), the
    /// first of which is the one that the headers show; `global` also against the 50 per second.
    pub(crate) fn count(
        &self,
        caller: u64,
        owner: u64,
        rules: &[(Rule, u64)],
        global: bool,
    ) -> Verdict {
        if self.off.load(Ordering::Relaxed) {
            return Verdict::Pass(None);
        }
        let now = Instant::now();
        let mut book = self.book();
        if global
            && let Err(wait) = book.take(now, (caller, "global", 0), GLOBAL, Duration::from_secs(1))
        {
            let refusal = Refusal {
                standing: None,
                wait,
                scope: Scope::User,
                global: true,
                code: 0,
            };
            return self.refuse(refusal);
        }
        let mut shown = None;
        for (rule, major) in rules {
            let key = (owner, rule.name, *major);
            match book.take(now, key, rule.limit, rule.window) {
                Ok((remaining, reset_after)) => {
                    let standing = Standing {
                        rule: *rule,
                        key: *major,
                        remaining,
                        reset_after,
                    };
                    if shown.is_none() && !rule.hidden {
                        shown = Some(standing);
                    }
                }
                Err(wait) => {
                    let standing = Standing {
                        rule: *rule,
                        key: *major,
                        remaining: 0,
                        reset_after: wait,
                    };
                    return self.refuse(Refusal {
                        standing: Some(standing),
                        wait,
                        scope: rule.scope,
                        global: false,
                        code: rule.code,
                    });
                }
            }
        }
        Verdict::Pass(shown)
    }

    fn refuse(&self, refusal: Refusal) -> Verdict {
        self.limited.fetch_add(1, Ordering::Relaxed);
        Verdict::Limited(refusal)
    }

    /// A refusal that no window asked for, as the first of these rules would make it.
    pub(crate) fn refuse_anyway(&self, rules: &[(Rule, u64)], wait: Duration) -> Refusal {
        self.limited.fetch_add(1, Ordering::Relaxed);
        let shown = rules.iter().find(|(rule, _)| !rule.hidden);
        Refusal {
            standing: shown.map(|(rule, major)| Standing {
                rule: *rule,
                key: *major,
                remaining: 0,
                reset_after: wait,
            }),
            wait,
            scope: Scope::User,
            global: false,
            code: 0,
        }
    }

    /// Counts an answer that Discord holds against the sender; too many in ten minutes are a ban of ten.
    pub(crate) fn note_invalid(&self, count: usize) {
        let now = Instant::now();
        let mut book = self.book();
        book.invalid.extend(std::iter::repeat_n(now, count));
        book.forget_old_invalid(now);
        if book.invalid.len() > INVALID && book.banned_until.is_none_or(|until| until <= now) {
            book.banned_until = Some(now + INVALID_WINDOW);
        }
    }

    /// Whether the ban is on.
    pub(crate) fn banned(&self) -> bool {
        self.book()
            .banned_until
            .is_some_and(|until| Instant::now() < until)
    }

    /// Lifts the ban and forgets the invalid requests.
    pub(crate) fn pardon(&self) {
        let mut book = self.book();
        book.invalid.clear();
        book.banned_until = None;
    }

    /// Invalid requests of the last ten minutes, and 429 answers since the start.
    pub(crate) fn counts(&self) -> (usize, u64) {
        let mut book = self.book();
        book.forget_old_invalid(Instant::now());
        (book.invalid.len(), self.limited.load(Ordering::Relaxed))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Each change is a few map operations: a panic elsewhere leaves the book usable.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    /// Takes one request out of a window: what remains and when it ends, or how long to wait.
    fn take(
        &mut self,
        now: Instant,
        key: Key,
        limit: u32,
        length: Duration,
    ) -> Result<(u32, Duration), Duration> {
        if self.windows.len() >= SWEEP_AT {
            self.windows
                .retain(|_, window| now.duration_since(window.start) < INVALID_WINDOW);
        }
        let window = self.windows.entry(key).or_insert(Window {
            start: now,
            used: 0,
        });
        if now.duration_since(window.start) >= length {
            *window = Window {
                start: now,
                used: 0,
            };
        }
        let left = length.saturating_sub(now.duration_since(window.start));
        if window.used >= limit {
            return Err(left);
        }
        window.used += 1;
        Ok((limit - window.used, left))
    }

    fn forget_old_invalid(&mut self, now: Instant) {
        while self
            .invalid
            .front()
            .is_some_and(|at| now.duration_since(*at) >= INVALID_WINDOW)
        {
            self.invalid.pop_front();
        }
    }
}

impl Standing {
    /// Writes the headers Discord puts on every answer of a limited route.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let epoch = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        put(headers, "x-ratelimit-limit", &self.rule.limit.to_string());
        put(
            headers,
            "x-ratelimit-remaining",
            &self.remaining.to_string(),
        );
        put(
            headers,
            "x-ratelimit-reset",
            &seconds(epoch + self.reset_after),
        );
        put(
            headers,
            "x-ratelimit-reset-after",
            &seconds(self.reset_after),
        );
        put(headers, "x-ratelimit-bucket", &bucket_name(self.rule.name));
        tracing::trace!(
            bucket = self.rule.name,
            key = self.key,
            remaining = self.remaining,
            "rate limit"
        );
    }
}

impl Refusal {
    /// Whether Discord counts this one as invalid: all but those of scope `shared`.
    pub(crate) fn is_invalid(&self) -> bool {
        self.scope != Scope::Shared
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let retry_after = (self.wait.as_secs_f64() * 1000.0).ceil() / 1000.0;
        let body = json!({
            "message": if self.code == 0 { "You are being rate limited." } else { "The resource is being rate limited." },
            "retry_after": retry_after,
            "global": self.global,
            "code": self.code,
        });
        let mut response = (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response();
        let headers = response.headers_mut();
        if let Some(standing) = &self.standing {
            standing.write(headers);
        }
        let scope = if self.global {
            "global"
        } else {
            self.scope.name()
        };
        put(headers, "x-ratelimit-scope", scope);
        if self.global {
            put(headers, "x-ratelimit-global", "true");
        }
        // The header is in whole seconds, rounded up; the body is exact (Rate Limits).
        put(
            headers,
            "retry-after",
            &self.wait.as_millis().div_ceil(1000).to_string(),
        );
        response
    }
}

/// Seconds with milliseconds, never rounded down: a client that waits exactly so long is not early.
fn seconds(time: Duration) -> String {
    let ms = time.as_micros().div_ceil(1000);
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Discord's bucket names are opaque hexadecimal.
fn bucket_name(name: &str) -> String {
    crate::state::image_hash(name)
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
