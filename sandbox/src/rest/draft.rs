//! A message as a client wants it, checked against Discord's limits.

use serde_json::Value;

use super::error::{ApiError, ApiResult, FormErrors};
use super::payload::{RequestBody, Upload};
use super::validate::{components, embeds, id, poll, text};
use crate::limits;
use crate::state::Attachment;

/// `SUPPRESS_EMBEDS`.
pub(crate) const SUPPRESS_EMBEDS: u64 = 1 << 2;
/// `EPHEMERAL`.
pub(crate) const EPHEMERAL: u64 = 1 << 6;
/// `SUPPRESS_NOTIFICATIONS`.
pub(crate) const SUPPRESS_NOTIFICATIONS: u64 = 1 << 12;
/// `IS_COMPONENTS_V2`.
pub(crate) const COMPONENTS_V2: u64 = 1 << 15;

/// What the message is for, which decides its default mentions and its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A bot's or a person's message in a channel.
    Message,
    /// A webhook's.
    Webhook,
    /// An answer to an interaction or a follow-up.
    Interaction,
    /// A change of a message that exists.
    Edit,
}

/// Which of the users or roles that a text names are mentioned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// All of them.
    All,
    /// Only these.
    Only(Vec<u64>),
}

impl Default for Named {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl Named {
    /// Whether this one counts.
    pub(crate) fn contains(&self, id: u64) -> bool {
        match self {
            Self::All => true,
            Self::Only(ids) => ids.contains(&id),
        }
    }
}

/// Which mentions of a message's text count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllowedMentions {
    /// `@everyone` and `@here`.
    pub(crate) everyone: bool,
    /// Users that the text names.
    pub(crate) users: Named,
    /// Roles that the text names.
    pub(crate) roles: Named,
    /// The author of the message that is replied to.
    pub(crate) replied_user: bool,
}

/// The message a reply or forward points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReferenceDraft {
    /// 0 reply, 1 forward.
    pub(crate) kind: u8,
    /// The message.
    pub(crate) message: u64,
    /// Its channel, if it was named.
    pub(crate) channel: Option<u64>,
    /// Whether a reply to a message that is gone is refused.
    pub(crate) must_exist: bool,
}

/// A checked message body. On an edit, `None` means unchanged.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    /// The text, trimmed.
    pub(crate) content: Option<String>,
    /// Embeds as Discord stores them.
    pub(crate) embeds: Option<Vec<Value>>,
    /// Components as they came.
    pub(crate) components: Option<Vec<Value>>,
    /// New files, once they lie on disk ([`super::attachments::store`]).
    pub(crate) attachments: Vec<Attachment>,
    /// On an edit: the attachments to keep.
    pub(crate) kept_attachments: Option<Vec<u64>>,
    /// The poll as it came.
    pub(crate) poll: Option<Value>,
    /// Flags the sender may set.
    pub(crate) flags: Option<u64>,
    /// Which mentions count.
    pub(crate) allowed: AllowedMentions,
    /// The sender's mark, echoed in `MESSAGE_CREATE`.
    pub(crate) nonce: Option<Value>,
    /// Whether a repeat of the nonce returns the message that exists.
    pub(crate) enforce_nonce: bool,
    /// Read aloud.
    pub(crate) tts: bool,
    /// Reply or forward.
    pub(crate) reference: Option<ReferenceDraft>,
}

impl Draft {
    /// Reads and checks a body. A message that says nothing at all is refused with 50006, except on an
    /// edit, where the result is looked at instead.
    pub(crate) fn parse(body: &RequestBody, purpose: Purpose) -> ApiResult<Self> {
        Self::parse_value(&body.json, &body.files, purpose)
    }

    /// Reads and checks an edit of a message with these flags: what is `IS_COMPONENTS_V2` stays it.
    pub(crate) fn parse_edit(body: &RequestBody, flags: u64) -> ApiResult<Self> {
        Self::parse_as(
            &body.json,
            &body.files,
            Purpose::Edit,
            flags & COMPONENTS_V2 != 0,
        )
    }

    /// Like [`Draft::parse`] for a message that is part of a larger body (`data` of an interaction
    /// answer, `message` of a forum post).
    pub(crate) fn parse_value(json: &Value, files: &[Upload], purpose: Purpose) -> ApiResult<Self> {
        Self::parse_as(json, files, purpose, false)
    }

    fn parse_as(json: &Value, files: &[Upload], purpose: Purpose, was_v2: bool) -> ApiResult<Self> {
        let mut form = FormErrors::default();
        let nullable = |key: &str| purpose == Purpose::Edit && json.get(key) == Some(&Value::Null);
        let content =
            text(&mut form, "content", &json["content"]).map(|found| found.trim().to_owned());
        if let Some(content) = &content {
            form.at_most("content", content, limits::CONTENT);
        }
        let flags = json["flags"]
            .as_u64()
            .map(|flags| flags & settable_flags(purpose));
        let v2 = was_v2 || flags.unwrap_or(0) & COMPONENTS_V2 != 0;
        let draft = Self {
            content: if nullable("content") {
                Some(String::new())
            } else {
                content
            },
            embeds: if nullable("embeds") {
                Some(Vec::new())
            } else {
                embeds::check(&mut form, &json["embeds"])
            },
            components: if nullable("components") {
                Some(Vec::new())
            } else {
                components::check(&mut form, &json["components"], v2)
            },
            attachments: Vec::new(),
            kept_attachments: kept_attachments(json, files),
            poll: poll::check(&mut form, &json["poll"]),
            flags,
            allowed: allowed_mentions(&mut form, json, purpose),
            nonce: nonce(&mut form, json),
            enforce_nonce: json["enforce_nonce"].as_bool().unwrap_or(false),
            tts: json["tts"].as_bool().unwrap_or(false),
            reference: reference(&mut form, json),
        };
        if v2 && (draft.has_text_or_embeds() || draft.poll.is_some()) {
            let message = "The 'content', 'embeds' and 'poll' fields cannot be used with MessageFlags.IS_COMPONENTS_V2.";
            form.add(
                "content",
                "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2",
                message,
            );
        }
        stickers(&mut form, json);
        form.check()?;
        check_files(files)?;
        if purpose != Purpose::Edit && draft.says_nothing(json, files) {
            return Err(ApiError::new(400, 50006, "Cannot send an empty message"));
        }
        Ok(draft)
    }

    fn has_text_or_embeds(&self) -> bool {
        self.content.as_ref().is_some_and(|text| !text.is_empty())
            || self.embeds.as_ref().is_some_and(|list| !list.is_empty())
    }

    fn says_nothing(&self, json: &Value, files: &[Upload]) -> bool {
        !self.has_text_or_embeds()
            && self.components.as_ref().is_none_or(Vec::is_empty)
            && files.is_empty()
            && self.poll.is_none()
            && json["sticker_ids"].as_array().is_none_or(Vec::is_empty)
            && self.reference.is_none_or(|reference| reference.kind != 1)
    }
}

fn settable_flags(purpose: Purpose) -> u64 {
    match purpose {
        Purpose::Interaction => {
            SUPPRESS_EMBEDS | EPHEMERAL | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
        }
        Purpose::Edit => SUPPRESS_EMBEDS | COMPONENTS_V2,
        Purpose::Message | Purpose::Webhook => {
            SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
        }
    }
}

fn kept_attachments(json: &Value, files: &[Upload]) -> Option<Vec<u64>> {
    let listed = json["attachments"].as_array()?;
    let is_new = |item: &&Value| {
        let slot = item["id"]
            .as_str()
            .map_or_else(|| item["id"].to_string(), ToOwned::to_owned);
        files.iter().any(|file| file.slot == slot)
    };
    Some(
        listed
            .iter()
            .filter(|item| !is_new(item))
            .filter_map(|item| id(&item["id"]))
            .collect(),
    )
}

fn allowed_mentions(form: &mut FormErrors, json: &Value, purpose: Purpose) -> AllowedMentions {
    let given = &json["allowed_mentions"];
    if !given.is_object() {
        // Absent: everything counts for messages and edits, users only for webhooks and interactions.
        let all = matches!(purpose, Purpose::Message | Purpose::Edit);
        return AllowedMentions {
            everyone: all,
            users: Named::All,
            roles: if all { Named::All } else { Named::default() },
            replied_user: true,
        };
    }
    let parses = |what: &str| {
        given["parse"]
            .as_array()
            .is_some_and(|list| list.iter().any(|item| item == what))
    };
    let ids = |key: &str| -> Vec<u64> {
        given[key]
            .as_array()
            .map(|list| list.iter().filter_map(id).collect())
            .unwrap_or_default()
    };
    let (users, roles) = (ids("users"), ids("roles"));
    for (key, list) in [("users", &users), ("roles", &roles)] {
        if parses(key) && !list.is_empty() {
            let message = format!("parse:[\"{key}\"] and {key}: [ids...] are mutually exclusive.");
            form.add(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                &message,
            );
        }
        if list.len() > 100 {
            let message = "Must be 100 or fewer in length.";
            form.add(
                &format!("allowed_mentions.{key}"),
                "BASE_TYPE_MAX_LENGTH",
                message,
            );
        }
    }
    AllowedMentions {
        everyone: parses("everyone"),
        users: if parses("users") {
            Named::All
        } else {
            Named::Only(users)
        },
        roles: if parses("roles") {
            Named::All
        } else {
            Named::Only(roles)
        },
        replied_user: given["replied_user"].as_bool().unwrap_or(false),
    }
}

fn nonce(form: &mut FormErrors, json: &Value) -> Option<Value> {
    match &json["nonce"] {
        Value::String(text) => form.at_most("nonce", text, limits::NONCE),
        Value::Number(number) if number.is_i64() || number.is_u64() => {}
        Value::Null => return None,
        _ => form.add(
            "nonce",
            "BASE_TYPE_CHOICES",
            "Must be an integer or a string.",
        ),
    }
    Some(json["nonce"].clone())
}

fn reference(form: &mut FormErrors, json: &Value) -> Option<ReferenceDraft> {
    let given = json["message_reference"].as_object()?;
    let field = |key: &str| given.get(key).and_then(id);
    let kind = given.get("type").and_then(Value::as_u64).unwrap_or(0);
    if kind > 1 {
        form.add(
            "message_reference.type",
            "BASE_TYPE_CHOICES",
            "Value must be one of (0, 1).",
        );
    }
    let Some(message) = field("message_id") else {
        form.required("message_reference.message_id");
        return None;
    };
    Some(ReferenceDraft {
        kind: u8::from(kind == 1),
        message,
        channel: field("channel_id"),
        must_exist: given
            .get("fail_if_not_exists")
            .and_then(Value::as_bool)
            .unwrap_or(true),
    })
}

fn stickers(form: &mut FormErrors, json: &Value) {
    let count = json["sticker_ids"].as_array().map_or(0, Vec::len);
    if count > limits::STICKERS {
        form.add(
            "sticker_ids",
            "BASE_TYPE_MAX_LENGTH",
            "Must be 3 or fewer in length.",
        );
    }
}

fn check_files(files: &[Upload]) -> ApiResult<()> {
    if files.len() > limits::ATTACHMENTS {
        let message = "Maximum number of attachments in a message reached (10)";
        return Err(ApiError::new(400, 30015, message));
    }
    if files
        .iter()
        .any(|file| file.bytes.len() > limits::ATTACHMENT_BYTES)
    {
        return Err(ApiError::new(413, 40005, "Request entity too large"));
    }
    Ok(())
}
