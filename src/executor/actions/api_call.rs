//! `api_call`: one request to a host on the list, with limits on everything, and no redirects.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use url::{Position, Url};

use super::address::{self, Resolver};
use crate::executor::settings::AllowedHost;
use crate::model::proposal::action::ApiCall;
use crate::store::execution::Outcome;

/// Time for finding the host and connecting to it.
const CONNECT: Duration = Duration::from_secs(10);

/// Bytes of a request's body.
const LARGEST_BODY: usize = 1024 * 1024;

/// Headers of a request, and bytes of all of them.
const HEADERS: (usize, usize) = (50, 16 * 1024);

/// Bytes of an answer that are read.
const READ: usize = 64 * 1024;

/// Characters of an answer that people get to read.
const SHOWN: usize = 1000;

/// Headers that belong to the connection, or that say what only we know (source: RFC 9110, 7.6.1).
const OURS: [&str; 12] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Said where an answer is missing: a server may act before it answers.
const PERHAPS: &str = "The call may have been carried out: look before it is proposed again.";

/// Calls the hosts on its list.
#[derive(Debug)]
pub(super) struct ApiCaller {
    allowed: Vec<AllowedHost>,
    timeout: Duration,
}

impl ApiCaller {
    pub(super) fn new(allowed: Vec<AllowedHost>, timeout: Duration) -> Self {
        Self { allowed, timeout }
    }

    /// The longest that a call can take.
    pub(super) fn longest(&self) -> Duration {
        CONNECT + self.timeout
    }

    /// Sends the request, once.
    pub(super) async fn call(&self, call: &ApiCall) -> Outcome {
        let request = match self.request(call) {
            Ok(request) => request,
            Err(why) => return Outcome::Failed(format!("{why} Nothing was sent.")),
        };
        match request.send().await {
            Ok(response) => report(response).await,
            Err(error) if error.is_connect() || error.is_builder() => Outcome::Failed(format!(
                "The connection failed: {}. Nothing was sent.",
                in_words(error)
            )),
            Err(error) if error.is_timeout() => Outcome::Failed(format!(
                "There was no answer within {} s. {PERHAPS}",
                self.timeout.as_secs_f32()
            )),
            Err(error) => Outcome::Failed(format!(
                "The connection broke before the answer came: {}. {PERHAPS}",
                in_words(error)
            )),
        }
    }

    fn request(&self, call: &ApiCall) -> Result<RequestBuilder, String> {
        let url = address::check(&call.url, &self.allowed)?;
        let method: Method = call
            .method
            .parse()
            .map_err(|_| format!("{:?} is no HTTP method.", call.method))?;
        let body = match &call.body {
            Some(body) if body.len() > LARGEST_BODY => {
                return Err(format!("The body is larger than {LARGEST_BODY} bytes."));
            }
            Some(body) => body.clone(),
            None if call.body_preview.is_empty() => String::new(),
            None => {
                return Err(
                    "The proposal carries only the beginning of the body, no `body`.".to_owned(),
                );
            }
        };
        let request = self
            .client()
            .map_err(|error| format!("The call cannot be prepared: {}.", in_words(error)))?
            .request(method, url)
            .headers(headers(call)?);
        Ok(if body.is_empty() {
            request
        } else {
            request.body(body)
        })
    }

    /// One client per call: no connection, and nothing that a server says, outlives it.
    fn client(&self) -> reqwest::Result<Client> {
        Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .referer(false)
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .timeout(self.timeout)
            .dns_resolver(Arc::new(Resolver))
            .user_agent(concat!(
                env!("CARGO_PKG_NAME"),
                "/",
                env!("CARGO_PKG_VERSION")
            ))
            .build()
    }
}

fn headers(call: &ApiCall) -> Result<HeaderMap, String> {
    let (most, bytes) = HEADERS;
    let size: usize = call.headers.iter().map(|(k, v)| k.len() + v.len()).sum();
    if call.headers.len() > most || size > bytes {
        return Err(format!(
            "There are more than {most} headers, or more than {bytes} bytes of them."
        ));
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &call.headers {
        let read = HeaderName::from_bytes(name.as_bytes()).ok();
        let Some((read, value)) = read.zip(HeaderValue::from_str(value).ok()) else {
            return Err(format!("The header {name:?} cannot be sent."));
        };
        if OURS.contains(&read.as_str()) {
            return Err(format!("The header {read} is not the caller's to set."));
        }
        headers.append(read, value);
    }
    Ok(headers)
}

/// What was answered, in words. Only a success counts as one.
async fn report(mut response: Response) -> Outcome {
    let status = response.status();
    let mut said = format!("HTTP {status}");
    if status.is_redirection() {
        let target = target(&response).unwrap_or_else(|| "elsewhere".to_owned());
        let _ = write!(said, ", a redirect to {target}, which is not followed");
    }
    let (body, end) = read(&mut response).await;
    match end {
        End::Whole => {
            let _ = write!(said, ", {} bytes", body.len());
        }
        End::TooLong => {
            let _ = write!(said, ", more than {READ} bytes");
        }
        End::Broken => {
            let _ = write!(said, ", broken off after {} bytes", body.len());
        }
    }
    let text = String::from_utf8_lossy(&body);
    let mut shown: String = text.trim().chars().take(SHOWN).collect();
    if shown.len() < text.trim().len() {
        shown.push('…');
    }
    if !shown.is_empty() {
        let _ = write!(said, ": {shown}");
    }
    if status.is_success() {
        Outcome::Executed(said)
    } else {
        Outcome::Failed(said)
    }
}

/// Where a redirect leads, without what may be secret in it.
fn target(response: &Response) -> Option<String> {
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let url: Url = response.url().join(location).ok()?;
    let (scheme, place) = (
        url.scheme(),
        &url[Position::BeforeHost..Position::AfterPath],
    );
    Some(format!("{scheme}://{place}").chars().take(200).collect())
}

enum End {
    Whole,
    TooLong,
    Broken,
}

/// The beginning of the answer, and whether that is all.
async fn read(response: &mut Response) -> (Vec<u8>, End) {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return (body, End::Whole),
            Err(_) => return (body, End::Broken),
        }
        if body.len() > READ {
            body.truncate(READ);
            return (body, End::TooLong);
        }
    }
}

/// The innermost cause says what happened; the address may carry secrets and is left out.
fn in_words(error: reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let text = cause.to_string();
    text.trim_end_matches('.').chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ApiCall, headers};

    fn call(headers: &serde_json::Value) -> ApiCall {
        let call = json!({"url": "http://x.example/", "method": "GET", "headers": headers});
        serde_json::from_value(call).unwrap()
    }

    #[test]
    fn a_proposal_sets_its_own_headers_and_none_of_the_connection() {
        let own = headers(&call(&json!({"Authorization": "Bearer x", "X-A": "b"}))).unwrap();
        assert_eq!(own.len(), 2);
        for name in super::OURS {
            let why = headers(&call(&json!({ name.to_uppercase(): "x" }))).unwrap_err();
            assert!(why.contains(name), "{why}");
        }
        for bad in [
            json!({"a b": "x"}),
            json!({"": "x"}),
            json!({"x": "a\r\nHost: evil"}),
        ] {
            assert!(headers(&call(&bad)).is_err(), "{bad}");
        }
        assert!(headers(&call(&json!({"x": "y".repeat(20_000)}))).is_err());
    }
}
