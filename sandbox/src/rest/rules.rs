//! Which buckets a route counts against.

use std::time::Duration;

use axum::http::Method;
use serde_json::Value;

/// Who a refusal is about, as `X-RateLimit-Scope` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The sender.
    User,
    /// Everybody who writes to the resource; such refusals are not held against the sender.
    Shared,
}

impl Scope {
    /// The header's word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Shared => "shared",
        }
    }
}

/// A bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) limit: u32,
    pub(crate) window: Duration,
    /// Shown in headers only once it refuses.
    pub(crate) hidden: bool,
    pub(crate) scope: Scope,
    /// JSON code of the refusal.
    pub(crate) code: u32,
}

const fn rule(name: &'static str, limit: u32, window_ms: u64) -> Rule {
    Rule {
        name,
        limit,
        window: Duration::from_millis(window_ms),
        hidden: false,
        scope: Scope::User,
        code: 0,
    }
}

const fn hidden(name: &'static str, limit: u32, window_ms: u64, code: u32) -> Rule {
    Rule {
        hidden: true,
        code,
        ..rule(name, limit, window_ms)
    }
}

const CREATE_MESSAGE: Rule = rule("message-create", 5, 5_000);
const EDIT_MESSAGE: Rule = rule("message-edit", 5, 5_000);
const DELETE_MESSAGE: Rule = rule("message-delete", 5, 1_000);
const EXECUTE_WEBHOOK: Rule = rule("webhook-execute", 5, 2_000);
const CHANGE_WEBHOOK_MESSAGE: Rule = rule("webhook-message", 5, 2_000);
/// 20028: the channel has hit its write limit.
const WEBHOOK_POSTS: Rule = hidden("webhook-posts", 30, 60_000, 20028);
const REACT: Rule = rule("reaction", 1, 250);
const CHANGE_CHANNEL: Rule = rule("channel-change", 10, 15_000);
const RENAME_CHANNEL: Rule = hidden("channel-rename", 2, 600_000, 0);
const START_THREAD: Rule = Rule {
    scope: Scope::Shared,
    ..rule("thread-start", 10, 15_000)
};
const TYPING: Rule = rule("typing", 5, 5_000);
const READ: Rule = rule("read", 50, 10_000);
const CHANGE: Rule = rule("change", 10, 15_000);
/// People type slower than this.
const PERSON_MESSAGE: Rule = rule("person-message", 10, 5_000);

/// What a route's buckets depend on.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a Method,
    /// The path as the `OpenAPI` description names it.
    pub(crate) route: &'a str,
    /// The channel, guild, webhook or application in the path.
    pub(crate) major: u64,
    pub(crate) body: &'a Value,
    /// For webhooks: the channel they write to.
    pub(crate) webhook_channel: Option<u64>,
    pub(crate) person: bool,
}

/// The buckets of a request, each with the id it is kept per. None for callbacks of interactions, which
/// each have a budget of their own.
pub(crate) fn rules(asked: &Asked<'_>) -> Vec<(Rule, u64)> {
    let major = asked.major;
    if asked.person {
        let posts =
            *asked.method == Method::POST && asked.route == "/channels/{channel_id}/messages";
        return if posts {
            vec![(PERSON_MESSAGE, 0)]
        } else {
            Vec::new()
        };
    }
    match (asked.method.as_str(), asked.route) {
        (_, "/interactions/{interaction_id}/{interaction_token}/callback" | "/interactions") => {
            Vec::new()
        }
        ("GET", _) => vec![(READ, major)],
        ("POST", "/channels/{channel_id}/messages") => vec![(CREATE_MESSAGE, major)],
        ("PATCH", "/channels/{channel_id}/messages/{message_id}") => vec![(EDIT_MESSAGE, major)],
        ("DELETE", "/channels/{channel_id}/messages/{message_id}") => vec![(DELETE_MESSAGE, major)],
        ("POST", "/webhooks/{webhook_id}/{webhook_token}") => {
            let hidden = asked
                .webhook_channel
                .map(|channel| (WEBHOOK_POSTS, channel));
            std::iter::once((EXECUTE_WEBHOOK, major))
                .chain(hidden)
                .collect()
        }
        ("PATCH" | "DELETE", route)
            if route.starts_with("/webhooks/{webhook_id}/{webhook_token}/messages/") =>
        {
            vec![(CHANGE_WEBHOOK_MESSAGE, major)]
        }
        ("POST", "/channels/{channel_id}/typing") => vec![(TYPING, major)],
        ("POST", route) if route.ends_with("/threads") => vec![(START_THREAD, major)],
        ("PATCH", "/channels/{channel_id}") => {
            let renames = !asked.body["name"].is_null() || asked.body.get("topic").is_some();
            if renames {
                vec![(CHANGE_CHANNEL, major), (RENAME_CHANNEL, major)]
            } else {
                vec![(CHANGE_CHANNEL, major)]
            }
        }
        (_, route) if route.contains("/reactions") => vec![(REACT, major)],
        _ => vec![(CHANGE, major)],
    }
}
