//! What became of a request: it happened, it did not, or nobody can say.

use std::fmt;
use std::time::Duration;

use axum::body::Bytes;
use reqwest::StatusCode;
use serde::de::DeserializeOwned;

/// What became of a request that changes something.
#[derive(Debug)]
#[must_use = "an unknown outcome has to be resolved by reading back"]
pub enum Outcome<T> {
    /// Discord did it.
    Sent(T),
    /// Provably nothing happened: trying again cannot do it twice.
    NotSent(RestError),
    /// It may have happened. Read back before trying again.
    Unknown(RestError),
}

impl<T> Outcome<T> {
    /// Changes what a success holds.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        match self {
            Self::Sent(value) => Outcome::Sent(change(value)),
            Self::NotSent(error) => Outcome::NotSent(error),
            Self::Unknown(error) => Outcome::Unknown(error),
        }
    }

    /// For reads, where not sent and unknown are the same: there is no answer.
    pub fn into_result(self) -> Result<T, RestError> {
        match self {
            Self::Sent(value) => Ok(value),
            Self::NotSent(error) | Self::Unknown(error) => Err(error),
        }
    }

    /// Whether Discord did it.
    pub fn is_sent(&self) -> bool {
        matches!(self, Self::Sent(_))
    }

    /// What went wrong, if something did.
    pub fn error(&self) -> Option<&RestError> {
        match self {
            Self::Sent(_) => None,
            Self::NotSent(error) | Self::Unknown(error) => Some(error),
        }
    }
}

/// Discord's 2xx answer, not looked into yet: most callers want one field of it, some nothing.
pub struct Answer {
    status: StatusCode,
    /// `None` if the connection broke while the body came in.
    body: Option<Bytes>,
    template: &'static str,
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: Option<Bytes>, template: &'static str) -> Self {
        Self {
            status,
            body,
            template,
        }
    }

    /// The HTTP status, 200 to 299.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    fn parse<T: DeserializeOwned>(&self) -> Result<T, RestError> {
        let unreadable = |why: String| {
            RestError::new(ErrorKind::Unreadable, self.template, why).with_status(self.status)
        };
        let body = self.body.as_ref().ok_or_else(|| {
            unreadable(
                "The connection broke while Discord answered. Read back what is there.".into(),
            )
        })?;
        serde_json::from_slice(body).map_err(|error| {
            // Only where it went wrong: serde's own text can quote the body.
            unreadable(format!(
                "Discord's answer is not what this version of the bridge expects ({:?} error at line {} column {}).",
                error.classify(),
                error.line(),
                error.column()
            ))
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status.as_u16())
            .field("bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

impl Outcome<Answer> {
    /// Reads what the caller needs from the answer. An answer that cannot be read makes the outcome unknown.
    pub fn json<T: DeserializeOwned>(self) -> Outcome<T> {
        match self {
            Self::Sent(answer) => match answer.parse() {
                Ok(value) => Outcome::Sent(value),
                Err(error) => Outcome::Unknown(error),
            },
            Self::NotSent(error) => Outcome::NotSent(error),
            Self::Unknown(error) => Outcome::Unknown(error),
        }
    }

    /// For callers that need nothing from the answer.
    pub fn done(self) -> Outcome<()> {
        self.map(drop)
    }
}

/// Why there is no success, in the terms a caller decides by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No connection came about: name not found, refused, TLS. Nothing was sent.
    Unreachable,
    /// Sent, and no answer in time.
    TimedOut,
    /// Sent, and the connection broke before the answer.
    Interrupted,
    /// Discord said no (4xx). [`RestError::code`] tells why.
    Rejected,
    /// Discord said "slower" more often, or for longer, than the bridge waits; or error 30046.
    RateLimited,
    /// Discord does not accept the bot token. Nothing more goes out until [`super::Rest::trust_token_again`].
    TokenRefused,
    /// Discord failed (5xx).
    ServerFailed,
    /// Discord said yes, and what it said cannot be read.
    Unreadable,
    /// The request could not be put together.
    Unsendable,
    /// The bridge is stopping.
    Stopping,
}

/// Why a request has no success. Neither `Display` nor `Debug` holds a token or an address.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{template}: {message}{}", describe(*.status, *.code))]
pub struct RestError {
    kind: ErrorKind,
    status: Option<StatusCode>,
    code: Option<u32>,
    message: String,
    template: &'static str,
    retry_after: Option<Duration>,
}

fn describe(status: Option<StatusCode>, code: Option<u32>) -> String {
    match (status, code) {
        (Some(status), Some(code)) => format!(" (HTTP {}, Discord code {code})", status.as_u16()),
        (Some(status), None) => format!(" (HTTP {})", status.as_u16()),
        (None, _) => String::new(),
    }
}

impl RestError {
    pub(crate) fn new(kind: ErrorKind, template: &'static str, message: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            code: None,
            message: message.into(),
            template,
            retry_after: None,
        }
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = Some(status);
        self
    }

    pub(super) fn with_code(mut self, code: Option<u32>) -> Self {
        self.code = code;
        self
    }

    pub(super) fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// What a caller decides by.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        self.status.map(|status| status.as_u16())
    }

    /// Discord's own error code (Opcodes and Status Codes), such as 10008 for a message that is gone.
    pub fn code(&self) -> Option<u32> {
        self.code
    }

    /// What Discord or the network said, without secrets.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The endpoint, as [`super::Route::template`].
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// How long Discord asked to wait, on [`ErrorKind::RateLimited`].
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
