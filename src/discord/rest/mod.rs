//! The one wrapper that carries every REST call to Discord.
//!
//! A [`Request`] says what to do, [`Rest`] does it once, and an [`Outcome`] says what became of it: sent, provably not
//! sent, or unknown. Waiting and trying again belong to [`super::lanes`], through which everything but a first check
//! of the token goes.
//!
//! Our own client instead of serenity's, because that one hides the headers of a 429, resends without end when a
//! header is malformed, and knows no time-out.

mod body;
mod endpoints;
pub mod interaction;
mod limits;
mod outcome;
mod request;
mod route;
pub mod thread;
mod tokens;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{
    AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, USER_AGENT,
};
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::{Host, Url};

use wire::{explanation, form, read_limited, root_cause};

pub use body::{Body, FilePart, Mentions};
pub use endpoints::Page;
pub use outcome::{Answer, ErrorKind, Outcome, RestError};
pub use request::Request;
pub use route::{LaneKey, Route};
pub use tokens::WebhookKey;

pub(crate) use limits::{RateLimits, Scope};
pub(crate) use route::Access;
pub(crate) use tokens::EXECUTE_WEBHOOK;

/// Discord refuses clients that do not introduce themselves like this (error 40333).
const AGENT: &str = concat!(
    "DiscordBot (https://github.com/clawdos/bridge, ",
    env!("CARGO_PKG_VERSION"),
    ")"
);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Kept after a burst over many lanes; each takes memory.
const IDLE_CONNECTIONS: usize = 64;

/// Error texts are for logs and cards.
const MAX_MESSAGE: usize = 300;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum RestBuildError {
    /// The token has characters that cannot stand in an HTTP header.
    #[error(
        "The Discord bot token contains spaces or control characters. Copy it again from the developer portal."
    )]
    Token,
    /// The address is not one of an HTTP server.
    #[error(
        "The address of the Discord API must start with http:// or https://. Check DISCORD_API_BASE."
    )]
    Base,
    /// TLS or the certificates of this machine cannot be set up.
    #[error(
        "The HTTP client cannot start: {0}. Check that the machine's CA certificates are installed."
    )]
    Client(String),
}

/// A client of Discord's REST API. Clones share connections and the memory of a refused token.
#[derive(Clone)]
pub struct Rest {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    base: String,
    authorization: HeaderValue,
    token: SecretString,
    /// Which setting the token comes from, for people who have to mend it.
    setting: String,
    token_refused: AtomicBool,
}

/// One try.
pub(crate) struct Attempt {
    pub outcome: Outcome<Answer>,
    /// What the server said, if it answered.
    pub heard: Option<Heard>,
}

/// What an answer says beside its content.
pub(crate) struct Heard {
    pub status: u16,
    pub limits: RateLimits,
}

impl Rest {
    /// A client for the API at `api_base` (`…/api/v10`), as the bot with this token.
    pub fn new(api_base: &Url, token: SecretString) -> Result<Self, RestBuildError> {
        Self::of_setting(api_base, token, "DISCORD_TOKEN")
    }

    /// The same with a token that comes from another setting.
    pub fn of_setting(
        api_base: &Url,
        token: SecretString,
        setting: &str,
    ) -> Result<Self, RestBuildError> {
        if !matches!(api_base.scheme(), "http" | "https") || !api_base.has_host() {
            return Err(RestBuildError::Base);
        }
        let mut authorization = HeaderValue::from_str(&format!("Bot {}", token.expose_secret()))
            .map_err(|_| RestBuildError::Token)?;
        authorization.set_sensitive(true);
        let mut client = Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            // Reading the system's certificates takes longer than connecting to the sandbox.
            .tls_built_in_root_certs(api_base.scheme() == "https");
        if is_loopback(api_base) {
            client = client.no_proxy();
        }
        let client = client
            .build()
            .map_err(|error| RestBuildError::Client(root_cause(&error)))?;
        Ok(Self {
            inner: Arc::new(Inner {
                client,
                base: api_base.as_str().trim_end_matches('/').to_owned(),
                authorization,
                token,
                setting: setting.to_owned(),
                token_refused: AtomicBool::new(false),
            }),
        })
    }

    /// Sends a request once, past the lanes: for checks before they run. Everything else is paced by them.
    pub async fn send_once(&self, request: &Request) -> Outcome<Answer> {
        self.attempt(request).await.outcome
    }

    /// Whether Discord has refused the bot token, so that nothing more goes out.
    pub fn token_refused(&self) -> bool {
        self.inner.token_refused.load(Ordering::Relaxed)
    }

    /// Sends again after a refused token.
    pub fn trust_token_again(&self) {
        self.inner.token_refused.store(false, Ordering::Relaxed);
    }

    pub(crate) async fn attempt(&self, request: &Request) -> Attempt {
        if self.token_refused() {
            return Attempt::unsent(self.refused_token(request.route().template()));
        }
        if let Some(defect) = request.defect() {
            return Attempt::unsent(defect);
        }
        let built = match self.build(request) {
            Ok(built) => built,
            Err(error) => return Attempt::unsent(self.network_error(request, error)),
        };
        match self.inner.client.execute(built).await {
            Ok(response) => self.heard(request, response).await,
            Err(error) if error.is_connect() || error.is_builder() => {
                Attempt::unsent(self.network_error(request, error))
            }
            Err(error) => Attempt {
                outcome: Outcome::Unknown(self.network_error(request, error)),
                heard: None,
            },
        }
    }

    fn build(&self, request: &Request) -> reqwest::Result<reqwest::Request> {
        let inner = &*self.inner;
        let route = request.route();
        let address = format!("{}{}", inner.base, route.path());
        let mut builder = inner
            .client
            .request(route.method().clone(), address)
            .timeout(request.answer_within());
        let mut headers = HeaderMap::with_capacity(4);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if route.access() == Access::Bot {
            headers.insert(AUTHORIZATION, inner.authorization.clone());
        }
        if let Some(reason) = request
            .encoded_reason()
            .and_then(|reason| HeaderValue::from_str(reason).ok())
        {
            headers.insert(HeaderName::from_static("x-audit-log-reason"), reason);
        }
        match request.body() {
            Body::None => {}
            Body::Json(json) => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                builder = builder.body(json.clone());
            }
            Body::Multipart {
                payload_json,
                files,
            } => builder = builder.multipart(form(payload_json, files)),
        }
        builder.headers(headers).build()
    }

    async fn heard(&self, request: &Request, response: Response) -> Attempt {
        let template = request.route().template();
        let status = response.status();
        let mut limits = RateLimits::read(response.headers());
        let body = read_limited(response).await;
        let outcome = if status.is_success() {
            Outcome::Sent(Answer::new(status, body, template))
        } else {
            let document: Option<Value> = body.and_then(|body| serde_json::from_slice(&body).ok());
            self.refusal(request, status, &mut limits, document.as_ref())
        };
        Attempt {
            outcome,
            heard: Some(Heard {
                status: status.as_u16(),
                limits,
            }),
        }
    }

    fn refusal(
        &self,
        request: &Request,
        status: StatusCode,
        limits: &mut RateLimits,
        document: Option<&Value>,
    ) -> Outcome<Answer> {
        let template = request.route().template();
        let code = document
            .and_then(|document| document.get("code"))
            .and_then(Value::as_u64)
            .and_then(|code| u32::try_from(code).ok())
            .filter(|code| *code != 0);
        let error = |kind: ErrorKind| {
            let said = self.scrub(request, &explanation(status, document));
            RestError::new(kind, template, said)
                .with_status(status)
                .with_code(code)
        };
        match status {
            StatusCode::TOO_MANY_REQUESTS => {
                let wait = limits.refused(document);
                Outcome::NotSent(error(ErrorKind::RateLimited).with_retry_after(wait))
            }
            StatusCode::UNAUTHORIZED if request.route().access() == Access::Bot => {
                if !self.inner.token_refused.swap(true, Ordering::Relaxed) {
                    let setting = &self.inner.setting;
                    tracing::error!(
                        template, %setting,
                        "Discord does not accept the bot token of {setting}; nothing more is sent with it until it is replaced"
                    );
                }
                let error = self.refused_token(template);
                Outcome::NotSent(error.with_status(status).with_code(code))
            }
            status if status.is_server_error() => Outcome::Unknown(error(ErrorKind::ServerFailed)),
            _ => Outcome::NotSent(error(ErrorKind::Rejected)),
        }
    }

    fn refused_token(&self, template: &'static str) -> RestError {
        let setting = &self.inner.setting;
        let said = format!(
            "Discord does not accept the bot token. Reset it in the developer portal and set {setting}."
        );
        RestError::new(ErrorKind::TokenRefused, template, said)
    }

    fn network_error(&self, request: &Request, error: reqwest::Error) -> RestError {
        // The address holds the tokens of webhooks and interactions.
        let error = error.without_url();
        let (kind, text) = if error.is_connect() {
            (
                ErrorKind::Unreachable,
                "Discord cannot be reached; check the network and DISCORD_API_BASE",
            )
        } else if error.is_builder() {
            (
                ErrorKind::Unsendable,
                "The request cannot be put together; report this as a fault of the bridge",
            )
        } else if error.is_timeout() {
            (
                ErrorKind::TimedOut,
                "Discord did not answer in time; read back whether it happened",
            )
        } else {
            (
                ErrorKind::Interrupted,
                "The connection broke before Discord answered; read back whether it happened",
            )
        };
        let message = self.scrub(request, &format!("{text} ({})", root_cause(&error)));
        RestError::new(kind, request.route().template(), message)
    }

    /// Takes secrets out of foreign text: a server may quote what it was sent.
    fn scrub(&self, request: &Request, text: &str) -> String {
        let mut text = text.replace(self.inner.token.expose_secret(), "[token]");
        if let Some(secret) = request.route().secret() {
            text = text.replace(secret, "[token]");
        }
        if let Some((end, _)) = text.char_indices().nth(MAX_MESSAGE) {
            text.truncate(end);
            text.push('…');
        }
        text
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest")
            .field("base", &self.inner.base)
            .field("token_refused", &self.token_refused())
            .finish_non_exhaustive()
    }
}

impl Attempt {
    fn unsent(error: RestError) -> Self {
        Self {
            outcome: Outcome::NotSent(error),
            heard: None,
        }
    }
}

/// For simulations of a server in virtual time.
#[cfg(test)]
impl Attempt {
    pub(crate) fn simulated(status: u16, limits: RateLimits, wait: Option<Duration>) -> Self {
        let outcome = match wait {
            None => Outcome::Sent(Answer::new(StatusCode::OK, None, "simulated")),
            Some(wait) => Outcome::NotSent(
                RestError::new(ErrorKind::RateLimited, "simulated", "slower")
                    .with_retry_after(wait),
            ),
        };
        Self {
            outcome,
            heard: Some(Heard { status, limits }),
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
