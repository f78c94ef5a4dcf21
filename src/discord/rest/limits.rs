//! Discord's rate-limit headers, read without trusting them.

use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderValue};

/// How long to wait where Discord says "slower" without a readable "how long".
const WAIT_WHEN_UNREADABLE: Duration = Duration::from_secs(5);

/// A wait beyond this is a fault, not a limit: Discord's longest known one is ten minutes (channel names), the
/// longest ban an hour.
const LONGEST_CREDIBLE: f64 = 24.0 * 3600.0;

/// Whose limit a 429 is about (`X-RateLimit-Scope`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Scope {
    /// This bucket of ours.
    #[default]
    User,
    /// All our requests.
    Global,
    /// A resource that others use too; not held against us.
    Shared,
}

impl Scope {
    /// As a metric label.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Global => "global",
            Self::Shared => "shared",
        }
    }
}

/// What one answer says about its limit.
#[derive(Debug, Clone, Default)]
pub(crate) struct RateLimits {
    /// `X-RateLimit-Bucket`.
    pub bucket: Option<HeaderValue>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u32>,
    /// `X-RateLimit-Reset-After`, counted from when the server answered.
    pub reset_after: Option<Duration>,
    /// `X-RateLimit-Scope` or `-Global`.
    pub scope: Scope,
    /// `Retry-After`.
    pub retry_after: Option<Duration>,
}

impl RateLimits {
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &'static str| headers.get(name).and_then(|value| value.to_str().ok());
        let global = text("x-ratelimit-global").is_some_and(|value| value != "false");
        let scope = match text("x-ratelimit-scope") {
            Some("shared") => Scope::Shared,
            Some("global") => Scope::Global,
            _ if global => Scope::Global,
            _ => Scope::User,
        };
        Self {
            bucket: headers.get("x-ratelimit-bucket").cloned(),
            remaining: text("x-ratelimit-remaining").and_then(count),
            reset_after: text("x-ratelimit-reset-after").and_then(seconds),
            scope,
            retry_after: text("retry-after").and_then(seconds),
        }
    }

    /// Whether the server tells its limits. One that does not is not paced.
    pub(crate) fn present(&self) -> bool {
        self.bucket.is_some() || self.remaining.is_some() || self.reset_after.is_some()
    }

    /// Completes a 429 with its body, which is more precise than the headers, and says how long to wait.
    pub(super) fn refused(&mut self, body: Option<&serde_json::Value>) -> Duration {
        let field = |name: &str| body.and_then(|body| body.get(name));
        if field("global").and_then(serde_json::Value::as_bool) == Some(true) {
            self.scope = Scope::Global;
        }
        if body.is_none() && !self.present() {
            // Not Discord's application but the proxy before it, and that blocks the whole address.
            self.scope = Scope::Global;
        }
        field("retry_after")
            .and_then(serde_json::Value::as_f64)
            .and_then(credible)
            .or(self.retry_after)
            .or(self.reset_after)
            .unwrap_or(WAIT_WHEN_UNREADABLE)
    }
}

/// Discord documents an integer; `5.0` is read as what it means, anything else as absent.
fn count(text: &str) -> Option<u32> {
    text.parse().ok().or_else(|| {
        let number: f64 = text.parse().ok()?;
        (number.fract() == 0.0).then_some(())?;
        text.split('.').next()?.parse().ok()
    })
}

fn seconds(text: &str) -> Option<Duration> {
    text.parse().ok().and_then(credible)
}

fn credible(seconds: f64) -> Option<Duration> {
    (0.0..=LONGEST_CREDIBLE)
        .contains(&seconds)
        .then(|| Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = reqwest::header::HeaderName::from_static(name);
                (name, HeaderValue::from_static(value))
            })
            .collect()
    }

    #[test]
    fn a_header_that_is_not_a_number_is_absent_and_never_zero() {
        for garbage in ["abc", "", "-1", "NaN", "inf", "1e300"] {
            let limits = RateLimits::read(&headers(&[
                ("x-ratelimit-remaining", garbage),
                ("x-ratelimit-reset-after", garbage),
                ("retry-after", garbage),
            ]));
            assert_eq!(limits.remaining, None, "{garbage}");
            assert_eq!(limits.reset_after, None, "{garbage}");
            assert_eq!(limits.retry_after, None, "{garbage}");
        }
    }

    #[test]
    fn a_whole_number_with_a_decimal_point_is_read() {
        let limits = RateLimits::read(&headers(&[("x-ratelimit-remaining", "5.0")]));
        assert_eq!(limits.remaining, Some(5));
    }

    #[test]
    fn the_body_is_believed_before_the_header_and_five_seconds_when_neither_is_readable() {
        let mut limits = RateLimits::read(&headers(&[("retry-after", "2")]));
        let body = serde_json::json!({"retry_after": 1.25, "global": false});
        assert_eq!(limits.refused(Some(&body)), Duration::from_millis(1250));
        let body = serde_json::json!({"retry_after": "soon"});
        assert_eq!(limits.refused(Some(&body)), Duration::from_secs(2));
        let mut limits = RateLimits::read(&headers(&[("retry-after", "soon")]));
        assert_eq!(limits.refused(Some(&body)), Duration::from_secs(5));
        assert_eq!(limits.scope, Scope::User);
    }

    #[test]
    fn a_429_that_is_not_discords_own_stops_everything() {
        let mut limits = RateLimits::read(&headers(&[("retry-after", "3600")]));
        assert_eq!(limits.refused(None), Duration::from_hours(1));
        assert_eq!(limits.scope, Scope::Global);
    }
}
