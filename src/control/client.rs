//! The client of the Control API. It tells apart what was done, what was surely not, and what
//! nobody can know; a delivery is never sent twice from here.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::{Host, Url};

use super::guard::ShellGuard;
use super::wire::{
    BUILT_IN_BINARY, DeliverRequest, ExecutorCheck, Health, PROJECT_HEADER, Posted, Refusal,
};
use crate::model::{AgentKey, MessageId, ProjectId};

/// An agent's turn may take 140 s (source: `ClawdOS`), and is answered only then.
const DELIVER_TIMEOUT: Duration = Duration::from_secs(150);

/// An existing executor starts three programs to check itself, 35 s at worst (source: `ClawdOS`).
const CHECK_TIMEOUT: Duration = Duration::from_secs(35);

/// `GET /healthz` touches nothing.
pub(super) const HEALTH_TIMEOUT: Duration = Duration::from_secs(5);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// Existing executors close an idle connection after 5 s (source: Node's HTTP server); one that is
/// reused at that moment makes an outcome unknown for nothing.
const POOL_IDLE: Duration = Duration::from_secs(3);

/// No answer of the Control API that we read is longer.
const ANSWER_LIMIT: usize = 256 * 1024;

/// Length of a foreign error text that people get to read.
const ERROR_CHARS: usize = 300;

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliverOutcome {
    /// The turn ended well; the reply is in the database.
    Done,
    /// The executor never got it: it may be sent again.
    NotSent(String),
    /// The executor understood and did not take it (4xx): sending the same again is useless.
    Refused(String),
    /// The agent worked on it and failed. Only our executor says this for sure.
    Failed(String),
    /// Nobody can know: it may have been processed.
    Unknown(String),
}

/// Why a question to the Control API has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// The address, the token or the machine's certificates cannot be used.
    #[error("The Control API cannot be used: {0}")]
    Setup(String),
    /// Nobody answers there.
    #[error("The Control API did not answer: {0}")]
    Unreachable(String),
    /// It answered that it will not.
    #[error("The Control API answered {status}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it said.
        message: String,
    },
    /// What answers there is no Control API.
    #[error("The Control API answered something unreadable: {0}")]
    Garbage(String),
}

/// What an executor says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecutorHealth {
    /// Whether it is ours: then messages reach agents unaltered, and deliveries are idempotent.
    pub built_in: bool,
    /// Its program.
    pub binary: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// Names of checks that did not pass, with the reason. Empty: it can run agents.
    pub failures: Vec<(String, String)>,
}

impl ExecutorHealth {
    /// Whether agents can run.
    pub fn is_ok(&self) -> bool {
        self.failures.is_empty()
    }
}

impl From<ExecutorCheck> for ExecutorHealth {
    fn from(check: ExecutorCheck) -> Self {
        let mut failures: Vec<(String, String)> = check
            .checks
            .into_iter()
            .filter(|(_, check)| !check.ok)
            .map(|(name, check)| {
                let reason = check.error.or(check.output).map_or_else(
                    || "it gives no reason".to_owned(),
                    |value| value.as_str().map_or(value.to_string(), str::to_owned),
                );
                (name, shorten(&reason))
            })
            .collect();
        if check.binary.is_none() && failures.is_empty() {
            failures.push(("binary".to_owned(), "no program was found".to_owned()));
        }
        Self {
            built_in: check.binary.as_deref() == Some(BUILT_IN_BINARY),
            binary: check.binary,
            version: check.version,
            failures,
        }
    }
}

/// Speaks to one executor about one project. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ControlClient {
    http: reqwest::Client,
    base: Url,
    token: Option<SecretString>,
    project: ProjectId,
    deliver_timeout: Duration,
    guard: ShellGuard,
}

impl ControlClient {
    /// A client for the executor at `base_url`, such as `http://127.0.0.1:3737`. Connects to nothing yet.
    pub fn new(
        base_url: &str,
        token: Option<SecretString>,
        project: ProjectId,
    ) -> Result<Self, ControlError> {
        let mut base = Url::parse(base_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
                ControlError::Setup("its address must look like http://host:port.".to_owned())
            })?;
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(POOL_IDLE)
            .redirect(redirect::Policy::none())
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ));
        // A proxy of the environment cannot reach our own loopback.
        if is_local(&base) {
            http = http.no_proxy();
        }
        Ok(Self {
            http: http
                .build()
                .map_err(|error| ControlError::Setup(in_words(error)))?,
            base,
            token,
            project,
            deliver_timeout: DELIVER_TIMEOUT,
            guard: ShellGuard::off(),
        })
    }

    /// Waits for the end of a turn for so long instead of 150 s: for agents with shorter limits.
    #[must_use]
    pub fn with_deliver_timeout(mut self, timeout: Duration) -> Self {
        self.deliver_timeout = timeout;
        self
    }

    /// Makes what agents are told safe for whoever answers; each look tells `guard` who that is.
    #[must_use]
    pub fn with_guard(mut self, guard: ShellGuard) -> Self {
        self.guard = guard;
        self
    }

    /// Runs an agent's turn on a message and waits for its end. Sent once.
    pub async fn deliver(
        &self,
        message_id: MessageId,
        agent: &AgentKey,
        message: &str,
    ) -> DeliverOutcome {
        let body = DeliverRequest {
            message_id,
            target_agent_key: agent.clone(),
            // Not every row was written by us.
            message: self.guard.safe(message).into_owned(),
        };
        let request = match self.request(Method::POST, "api/chat/deliver", self.deliver_timeout) {
            Ok(request) => request.json(&body),
            Err(error) => return DeliverOutcome::NotSent(error.to_string()),
        };
        match request.send().await {
            Ok(response) => outcome(response).await,
            Err(error) if error.is_connect() || error.is_builder() => {
                DeliverOutcome::NotSent(in_words(error))
            }
            Err(error) => DeliverOutcome::Unknown(in_words(error)),
        }
    }

    /// What the executor says of itself. Writes nothing there, unlike `/api/status`.
    pub async fn executor_check(&self) -> Result<ExecutorHealth, ControlError> {
        let check = self.get::<ExecutorCheck>("api/executor-check", CHECK_TIMEOUT);
        let health = check.await.map(ExecutorHealth::from);
        self.guard.learn(&health);
        health
    }

    /// Whether our executor is there at all; existing ones do not know the question and answer 404.
    pub async fn healthz(&self) -> Result<(), ControlError> {
        let _: Health = self.get("healthz", HEALTH_TIMEOUT).await?;
        Ok(())
    }

    pub(super) fn request(
        &self,
        method: Method,
        path: &str,
        timeout: Duration,
    ) -> Result<RequestBuilder, ControlError> {
        let url = self
            .base
            .join(path)
            .map_err(|error| ControlError::Setup(error.to_string()))?;
        let request = self
            .http
            .request(method, url)
            .timeout(timeout)
            .header(PROJECT_HEADER, self.project.as_str());
        Ok(match &self.token {
            Some(token) => request.bearer_auth(token.expose_secret()),
            None => request,
        })
    }

    /// Asks twice when a connection breaks: a kept one may have been closed just then.
    async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        timeout: Duration,
    ) -> Result<T, ControlError> {
        let first = self.request(Method::GET, path, timeout)?.send().await;
        let response = match first {
            Err(error) if !error.is_connect() && !error.is_timeout() => {
                self.request(Method::GET, path, timeout)?.send().await
            }
            other => other,
        };
        let response = response.map_err(|error| ControlError::Unreachable(in_words(error)))?;
        let status = response.status();
        let body = read(response).await;
        if !status.is_success() {
            return Err(ControlError::Status {
                status: status.as_u16(),
                message: refusal(&body.unwrap_or_default()).0,
            });
        }
        let body = body.map_err(ControlError::Unreachable)?;
        serde_json::from_slice(&body).map_err(|error| ControlError::Garbage(error.to_string()))
    }
}

pub(super) async fn outcome(response: Response) -> DeliverOutcome {
    let status = response.status();
    let body = match read(response).await {
        Ok(body) => body,
        Err(error) if status.is_success() => return DeliverOutcome::Unknown(error),
        Err(_) => Vec::new(),
    };
    if status.is_success() {
        return match serde_json::from_slice::<Posted>(&body) {
            Ok(Posted { ok: true, .. }) => DeliverOutcome::Done,
            _ => DeliverOutcome::Unknown(format!(
                "the executor answered {status} without saying that it was done"
            )),
        };
    }
    let (reason, ran) = refusal(&body);
    let said = format!("the executor answered {status}: {reason}");
    match ran {
        Some(true) => DeliverOutcome::Failed(reason),
        Some(false) if status.is_server_error() => DeliverOutcome::NotSent(said),
        // Ours, in a sentence for people.
        Some(false) if status.is_client_error() => DeliverOutcome::Refused(reason),
        // 408: the server gave up waiting, and does not say for what.
        _ if status.is_client_error() && status != StatusCode::REQUEST_TIMEOUT => {
            DeliverOutcome::Refused(said)
        }
        _ if status.is_redirection() => DeliverOutcome::Refused(said),
        _ => DeliverOutcome::Unknown(said),
    }
}

pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(in_words)? {
        if body.len() + chunk.len() > ANSWER_LIMIT {
            return Err(format!("the answer is longer than {ANSWER_LIMIT} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

pub(super) fn refusal(body: &[u8]) -> (String, Option<bool>) {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(Refusal {
            error: Some(error),
            ran,
            ..
        }) => (shorten(&error), ran),
        Ok(refusal) => ("it gives no reason".to_owned(), refusal.ran),
        Err(_) if body.is_empty() => ("it gives no reason".to_owned(), None),
        Err(_) => (shorten(&String::from_utf8_lossy(body)), None),
    }
}

/// Foreign text on one line, for people: existing executors answer with whole command lines.
fn shorten(text: &str) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(ERROR_CHARS) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// The innermost cause says what happened; the address may carry secrets and is left out.
pub(super) fn in_words(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    shorten(&cause.to_string())
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{ControlClient, ExecutorCheck, ExecutorHealth, shorten};

    fn health(json: &str) -> ExecutorHealth {
        let check: ExecutorCheck = serde_json::from_str(json).unwrap();
        check.into()
    }

    #[test]
    fn an_executor_is_ok_only_when_all_its_checks_are() {
        let good = r#"{"binary":"/usr/bin/openclaw","version":"1","checks":{"cron":{"ok":true,"output":"x"}}}"#;
        assert!(health(good).is_ok() && !health(good).built_in);
        let bad = r#"{"binary":null,"version":null,"checks":{"resolve":{"ok":false}}}"#;
        assert_eq!(health(bad).failures.len(), 1);
        let partly =
            r#"{"binary":"x","checks":{"a":{"ok":true},"b":{"ok":false,"error":"no key"}}}"#;
        assert_eq!(
            health(partly).failures,
            vec![("b".to_owned(), "no key".to_owned())]
        );
        assert!(!health(r#"{"checks":{}}"#).is_ok());
    }

    #[test]
    fn an_address_that_is_none_is_refused_without_being_repeated() {
        for address in ["", "127.0.0.1:3737", "ftp://x", "http://user:secret@"] {
            let project = "front-office".parse().unwrap();
            let error = ControlClient::new(address, None, project).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn a_foreign_error_is_one_short_line() {
        let text = shorten(&format!("a\n  b{}", "x".repeat(1000)));
        assert!(text.starts_with("a bx") && text.chars().count() == 301);
    }
}
