//! What is asked of an executor about the team and its skills. A person waits, so none of it may take long.

use std::fmt::Write as _;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};

use super::client::{ControlClient, ControlError, in_words, read, refusal};
use super::wire::{HireItem, HireRequest};

/// Filing a request writes one row.
const HIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// An existing executor runs a program that looks at every skill, for up to 30 s (source: `ClawdOS`).
const SKILLS_TIMEOUT: Duration = Duration::from_secs(35);

/// What became of a request that must not be repeated unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// It was taken.
    Done,
    /// It surely was not: nobody is there, or nobody who lets us in.
    NotSent(String),
    /// It surely was not: who is there does not know the question, or what it is about.
    NotKnown(String),
    /// It was understood and refused, for this reason.
    Refused(String),
    /// Nobody can know.
    Unknown(String),
}

impl ControlClient {
    /// Asks for an agent. Sent once.
    pub async fn request_agent(&self, item: HireItem) -> Asked {
        let body = HireRequest { items: None, item };
        match self.request(Method::POST, "api/agents/request", HIRE_TIMEOUT) {
            Ok(request) => asked(request.json(&body)).await,
            Err(error) => Asked::NotSent(error.to_string()),
        }
    }

    /// Has one skill looked at anew. False where the executor does not know the question, or the skill.
    pub async fn check_skill(&self, id: &str) -> Result<bool, ControlError> {
        let path = format!("api/skills/{}/check", segment(id));
        let request = self.request(Method::POST, &path, SKILLS_TIMEOUT)?;
        let request = request.json(&serde_json::json!({}));
        match asked(request).await {
            Asked::Done => Ok(true),
            Asked::NotSent(why) | Asked::Unknown(why) => Err(ControlError::Unreachable(why)),
            // Existing ones do not know the question (source: `ClawdOS`).
            Asked::NotKnown(_) | Asked::Refused(_) => Ok(false),
        }
    }

    /// Has all skills looked at anew; what is seen stands in the mirror.
    pub async fn refresh_skills(&self) -> Result<(), ControlError> {
        let request = self.request(Method::GET, "api/skills", SKILLS_TIMEOUT)?;
        match asked(request).await {
            Asked::Done => Ok(()),
            Asked::NotSent(why)
            | Asked::NotKnown(why)
            | Asked::Unknown(why)
            | Asked::Refused(why) => Err(ControlError::Unreachable(why)),
        }
    }
}

/// A text as one part of a path, whatever stands in it.
fn segment(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

pub(super) async fn asked(request: RequestBuilder) -> Asked {
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) if error.is_connect() || error.is_builder() => {
            return Asked::NotSent(in_words(error));
        }
        Err(error) => return Asked::Unknown(in_words(error)),
    };
    let status = response.status();
    if status.is_success() {
        return Asked::Done;
    }
    let body = read(response).await.unwrap_or_default();
    let (reason, _) = refusal(&body);
    match status {
        StatusCode::BAD_REQUEST | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            Asked::Refused(reason)
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => {
            Asked::NotKnown(format!("the executor answered {status}: {reason}"))
        }
        // Who does not let us in has done nothing.
        _ if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => {
            Asked::NotSent(format!("the executor answered {status}: {reason}"))
        }
        StatusCode::SERVICE_UNAVAILABLE => Asked::NotSent(reason),
        _ => Asked::Unknown(format!("the executor answered {status}: {reason}")),
    }
}
