//! One request, put together.

use std::time::Duration;

use axum::body::Bytes;
use serde::Serialize;

use super::body::{Body, FilePart, Mentions, guard};
use super::outcome::{ErrorKind, RestError};
use super::route::{BodyRule, Route, percent_encode};

/// Discord's own limit for `X-Audit-Log-Reason`, counted after encoding.
const MAX_AUDIT_REASON: usize = 512;

/// How long an answer may take. Discord answers in well under a second; beyond this the outcome is unknown.
const TIMEOUT: Duration = Duration::from_secs(15);

/// The same for uploads, which take their time on a slow line.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a request that did not get through is tried again, counted from its first try.
const GIVE_UP_AFTER: Duration = Duration::from_mins(1);

/// A request to one of Discord's endpoints. `Debug` holds neither tokens nor content.
///
/// A body that becomes a message gets `allowed_mentions` from [`Mentions`], whatever the body itself says.
#[derive(Debug, Clone)]
pub struct Request {
    route: Route,
    body: Body,
    audit_reason: Option<String>,
    timeout: Option<Duration>,
    give_up_after: Duration,
    repeatable: bool,
    defect: Option<String>,
}

impl Request {
    /// A request without a body.
    pub fn new(route: Route) -> Self {
        Self {
            repeatable: route.repeatable(),
            route,
            body: Body::None,
            audit_reason: None,
            timeout: None,
            give_up_after: GIVE_UP_AFTER,
            defect: None,
        }
    }

    /// With this document; a message notifies nobody.
    #[must_use]
    pub fn json(self, content: &impl Serialize) -> Self {
        self.json_notifying(content, &Mentions::none())
    }

    /// With this document; a message notifies these, if its text names them too.
    #[must_use]
    pub fn json_notifying(mut self, content: &impl Serialize, mentions: &Mentions) -> Self {
        let document = serde_json::to_vec(content)
            .and_then(|json| guard(self.route.rule(), json, mentions))
            .map(Bytes::from);
        match (document, &mut self.body) {
            (Ok(json), Body::Multipart { payload_json, .. }) => *payload_json = json,
            (Ok(json), body) => *body = Body::Json(json),
            (Err(error), _) => self.defect = Some(format!("The body cannot be written: {error}.")),
        }
        self
    }

    /// With these files beside the document.
    #[must_use]
    pub fn files(mut self, files: Vec<FilePart>) -> Self {
        if matches!(self.body, Body::None) && self.route.rule() != BodyRule::Plain {
            self = self.json(&serde_json::Map::new());
        }
        let payload_json = match self.body {
            Body::None => Bytes::from_static(b"{}"),
            Body::Json(payload_json) | Body::Multipart { payload_json, .. } => payload_json,
        };
        self.body = Body::Multipart {
            payload_json,
            files,
        };
        self
    }

    /// What the server's audit log shows, cut to Discord's 512 characters.
    #[must_use]
    pub fn audit_reason(mut self, reason: &str) -> Self {
        let mut encoded = String::new();
        for character in reason.trim().chars() {
            let character = percent_encode(character.encode_utf8(&mut [0; 4]));
            if encoded.len() + character.len() > MAX_AUDIT_REASON {
                break;
            }
            encoded.push_str(&character);
        }
        self.audit_reason = (!encoded.is_empty()).then_some(encoded);
        self
    }

    /// How long the answer may take; 15 s by default, 30 s with files.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long to try again while Discord cannot be reached, from the first try; 60 s by default.
    #[must_use]
    pub fn give_up_after(mut self, patience: Duration) -> Self {
        self.give_up_after = patience;
        self
    }

    /// Vouches that a repeat changes nothing, as with a `nonce` under `enforce_nonce`: then a failure on Discord's
    /// side or a broken connection is tried again, as it is for everything but POST.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Where it goes.
    pub fn route(&self) -> &Route {
        &self.route
    }

    /// What it carries.
    pub fn body(&self) -> &Body {
        &self.body
    }

    pub(super) fn encoded_reason(&self) -> Option<&str> {
        self.audit_reason.as_deref()
    }

    pub(super) fn answer_within(&self) -> Duration {
        self.timeout.unwrap_or(match self.body {
            Body::Multipart { .. } => UPLOAD_TIMEOUT,
            Body::None | Body::Json(_) => TIMEOUT,
        })
    }

    pub(crate) fn patience(&self) -> Duration {
        self.give_up_after
    }

    pub(crate) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    pub(super) fn defect(&self) -> Option<RestError> {
        let message = self.defect.clone()?;
        Some(RestError::new(
            ErrorKind::Unsendable,
            self.route.template(),
            message,
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request::new(Route::create_message(1))
    }

    #[test]
    fn an_audit_reason_is_encoded_and_never_cut_inside_a_character() {
        let reason = request().audit_reason("Zoë: 50%");
        assert_eq!(reason.encoded_reason(), Some("Zo%C3%AB%3A%2050%25"));
        let long = request().audit_reason(&"ë".repeat(600));
        let encoded = long.encoded_reason().expect("there is one");
        assert_eq!(encoded.len(), 510);
        assert!(encoded.ends_with("%C3%AB"));
        assert_eq!(request().audit_reason("  ").encoded_reason(), None);
    }

    #[test]
    fn a_message_of_files_alone_notifies_nobody() {
        let request = request().files(Vec::new());
        let Body::Multipart { payload_json, .. } = request.body() else {
            panic!("files make a multipart body");
        };
        assert_eq!(
            payload_json.as_ref(),
            br#"{"allowed_mentions":{"parse":[]}}"#
        );
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_for_a_message() {
        let request = request().json(&["not", "a", "message"]);
        let error = request.defect().expect("it is refused");
        assert_eq!(error.kind(), ErrorKind::Unsendable);
    }

    #[test]
    fn debug_shows_neither_tokens_nor_content() {
        let webhook = super::super::WebhookKey::new(1, 2, "s3cret-token".into());
        let request = Request::new(Route::execute_webhook(&webhook, None))
            .json(&serde_json::json!({"content": "private words"}));
        let shown = format!("{request:?} {webhook:?}");
        assert!(!shown.contains("s3cret-token"), "{shown}");
        assert!(!shown.contains("private words"), "{shown}");
    }
}
