//! Bodies, and the one place where `allowed_mentions` comes from.

use std::collections::BTreeMap;
use std::fmt;

use axum::body::Bytes;
use serde::Serialize;
use serde::ser::Serializer;
use serde_json::value::{RawValue, to_raw_value};

use super::route::BodyRule;

/// Discord takes at most 100 ids of a kind (API Reference, Allowed Mentions).
const MAX_MENTIONS: usize = 100;

const FIELD: &str = "allowed_mentions";

/// Who a message may notify: nobody, unless named by id. `parse` is always empty, so text never decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Mentions {
    parse: [(); 0],
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_strings")]
    users: Vec<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_strings")]
    roles: Vec<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    replied_user: bool,
}

fn as_strings<S: Serializer>(ids: &[u64], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(ids.iter().map(ToString::to_string))
}

impl Mentions {
    /// Nobody.
    pub fn none() -> Self {
        Self::default()
    }

    /// These users too. The text must name them as well; ids beyond Discord's 100 are not notified.
    #[must_use]
    pub fn users(mut self, ids: impl IntoIterator<Item = u64>) -> Self {
        self.users.extend(ids);
        self.users.truncate(MAX_MENTIONS);
        self
    }

    /// These roles too, under the same conditions as users.
    #[must_use]
    pub fn roles(mut self, ids: impl IntoIterator<Item = u64>) -> Self {
        self.roles.extend(ids);
        self.roles.truncate(MAX_MENTIONS);
        self
    }

    /// The author of the message that is replied to.
    #[must_use]
    pub fn replied_user(mut self) -> Self {
        self.replied_user = true;
        self
    }
}

/// What a request carries.
#[derive(Clone, Default)]
pub enum Body {
    /// Nothing.
    #[default]
    None,
    /// A JSON document.
    Json(Bytes),
    /// A JSON document and files.
    Multipart {
        /// The JSON document.
        payload_json: Bytes,
        /// Sent as `files[0]`, `files[1]`, …
        files: Vec<FilePart>,
    },
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Lengths only: bodies are people's words.
        match self {
            Self::None => f.write_str("None"),
            Self::Json(json) => write!(f, "Json({} bytes)", json.len()),
            Self::Multipart {
                payload_json,
                files,
            } => write!(
                f,
                "Multipart({} bytes, {} files)",
                payload_json.len(),
                files.len()
            ),
        }
    }
}

/// A file to upload (Discord: 10 per message, 10 MiB each unless the server is boosted).
#[derive(Clone)]
pub struct FilePart {
    /// The name people see.
    pub name: String,
    /// Its MIME type, if known.
    pub content_type: Option<String>,
    /// Its content.
    pub data: Bytes,
}

impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePart({} bytes)", self.data.len())
    }
}

/// Puts our `allowed_mentions` where Discord reads it, whatever the caller's document says about it.
pub(super) fn guard(
    rule: BodyRule,
    json: Vec<u8>,
    mentions: &Mentions,
) -> serde_json::Result<Vec<u8>> {
    match rule {
        BodyRule::Plain => Ok(json),
        BodyRule::Message => guard_message(json, mentions),
        BodyRule::Callback => guard_within(&json, "data", mentions, |callback| {
            // 4: a new message, 7: a changed one. The other types hold flags, choices or a modal.
            matches!(callback.get("type").map(|kind| kind.get()), Some("4" | "7"))
        }),
        BodyRule::Starter => guard_within(&json, "message", mentions, |_| true),
    }
}

fn guard_message(mut json: Vec<u8>, mentions: &Mentions) -> serde_json::Result<Vec<u8>> {
    // Every message passes here, so the document is parsed only if it may hold a field of that name.
    if mentions_field_may_be_there(&json) || json.last() != Some(&b'}') {
        let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(&json)?;
        fields.insert(FIELD.into(), to_raw_value(mentions)?);
        return serde_json::to_vec(&fields);
    }
    json.pop();
    if json.last() != Some(&b'{') {
        json.push(b',');
    }
    json.extend_from_slice(b"\"allowed_mentions\":");
    serde_json::to_writer(&mut json, mentions)?;
    json.push(b'}');
    Ok(json)
}

/// Whether the name occurs, as a key or in a text, or could hide behind a `\u` escape.
fn mentions_field_may_be_there(json: &[u8]) -> bool {
    let (before, after) = FIELD.as_bytes().split_at("allowed".len());
    json.iter().enumerate().any(|(at, byte)| match byte {
        b'_' => json[at..].starts_with(after) && json[..at].ends_with(before),
        b'\\' => json.get(at + 1) == Some(&b'u'),
        _ => false,
    })
}

fn guard_within(
    json: &[u8],
    field: &str,
    mentions: &Mentions,
    wanted: impl Fn(&BTreeMap<String, Box<RawValue>>) -> bool,
) -> serde_json::Result<Vec<u8>> {
    let mut fields: BTreeMap<String, Box<RawValue>> = serde_json::from_slice(json)?;
    if wanted(&fields) {
        let message = match fields.get(field).map(|message| message.get()) {
            None | Some("null") => "{}",
            Some(message) => message,
        };
        let guarded = guard_message(message.as_bytes().to_vec(), mentions)?;
        fields.insert(field.into(), serde_json::from_slice(&guarded)?);
    }
    serde_json::to_vec(&fields)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn guarded(rule: BodyRule, body: &Value, mentions: &Mentions) -> Value {
        let json = serde_json::to_vec(body).expect("a value serialises");
        let json = guard(rule, json, mentions).expect("an object is guarded");
        let text = String::from_utf8(json).expect("JSON is UTF-8");
        let value: Value = serde_json::from_str(&text).expect("the result is JSON");
        let keys = text.matches("\"allowed_mentions\":").count();
        let in_texts = text.matches("\\\"allowed_mentions\\\":").count();
        assert!(keys - in_texts <= 1, "the field is there twice: {text}");
        value
    }

    #[test]
    fn a_message_without_allowed_mentions_notifies_nobody() {
        for body in [json!({}), json!({"content": "@everyone"}), json!({"a": {}})] {
            let sent = guarded(BodyRule::Message, &body, &Mentions::none());
            assert_eq!(sent["allowed_mentions"], json!({"parse": []}));
            assert_eq!(sent["content"], body["content"]);
        }
    }

    #[test]
    fn what_the_document_says_about_mentions_does_not_count() {
        let loud = json!({"content": "x", "allowed_mentions": {"parse": ["everyone"]}});
        let sent = guarded(BodyRule::Message, &loud, &Mentions::none());
        assert_eq!(sent["allowed_mentions"], json!({"parse": []}));
        let nested =
            json!({"content": "\"allowed_mentions\": {}", "embeds": [{"a": "allowed_mentions"}]});
        let sent = guarded(BodyRule::Message, &nested, &Mentions::none());
        assert_eq!(sent["allowed_mentions"], json!({"parse": []}));
        assert_eq!(sent["embeds"], nested["embeds"]);
        let hidden =
            RawValue::from_string(r#"{"allowed\u005fmentions":{"parse":["roles"]}}"#.into())
                .expect("an escaped key is JSON");
        let json = hidden.get().as_bytes().to_vec();
        let sent = guard(BodyRule::Message, json, &Mentions::none()).expect("it is guarded");
        assert_eq!(sent, br#"{"allowed_mentions":{"parse":[]}}"#);
    }

    #[test]
    fn only_named_ids_are_notified() {
        let mentions = Mentions::none().users([1, 2]).roles([3]).replied_user();
        let sent = guarded(BodyRule::Message, &json!({"content": "x"}), &mentions);
        assert_eq!(
            sent["allowed_mentions"],
            json!({"parse": [], "users": ["1", "2"], "roles": ["3"], "replied_user": true})
        );
        let crowd = serde_json::to_value(Mentions::none().users(0..500)).expect("serialises");
        assert_eq!(crowd["users"].as_array().map(Vec::len), Some(100));
    }

    #[test]
    fn an_interaction_that_makes_a_message_is_guarded_and_a_modal_is_left_alone() {
        let reply =
            json!({"type": 4, "data": {"content": "x", "allowed_mentions": {"parse": ["users"]}}});
        let sent = guarded(BodyRule::Callback, &reply, &Mentions::none());
        assert_eq!(
            sent["data"],
            json!({"content": "x", "allowed_mentions": {"parse": []}})
        );
        for body in [
            json!({"type": 5, "data": {"flags": 64}}),
            json!({"type": 6, "data": null}),
            json!({"type": 9, "data": {"title": "Why?"}}),
        ] {
            assert_eq!(guarded(BodyRule::Callback, &body, &Mentions::none()), body);
        }
    }

    #[test]
    fn the_first_post_of_a_forum_thread_is_guarded() {
        let post = json!({"name": "Task", "message": {"content": "@everyone"}});
        let sent = guarded(BodyRule::Starter, &post, &Mentions::none());
        assert_eq!(sent["message"]["allowed_mentions"], json!({"parse": []}));
        assert_eq!(sent["name"], "Task");
    }
}
