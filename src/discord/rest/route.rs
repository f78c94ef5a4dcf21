//! Where a request goes, what it may carry, and which lane paces it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use reqwest::Method;

/// The top-level resource that Discord paces by, and so the stream in which one request is in flight.
///
/// Ids are Discord snowflakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LaneKey {
    /// Everything under `/channels/{id}`: threads and direct messages are channels too.
    Channel(u64),
    /// Everything under `/guilds/{id}`.
    Guild(u64),
    /// One webhook. The channel is named because Discord also limits all webhooks of a channel together.
    Webhook {
        /// The webhook's id.
        id: u64,
        /// The channel it posts to.
        channel: u64,
    },
    /// One interaction, by [`LaneKey::interaction`]. Outside of Discord's global limit.
    Interaction(u64),
    /// Opening direct-message channels.
    Dm,
    /// The application itself: its commands, its user, the gateway address.
    Application,
}

impl LaneKey {
    /// The lane of everything that answers one interaction, so that a follow-up never overtakes the callback.
    pub fn interaction(token: &str) -> Self {
        // A hash, because lane keys are logged and the token is a secret.
        let mut hasher = DefaultHasher::new();
        token.hash(&mut hasher);
        Self::Interaction(hasher.finish())
    }
}

/// Whose budget of 50 requests per second a request is taken from (Discord, Rate Limits: per bot, or per address
/// where there is no `Authorization`; interaction endpoints are not counted).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The bot token goes along.
    Bot,
    /// The path holds a webhook token, or none is needed: the bot token stays at home.
    Open,
    /// The path holds an interaction token.
    Interaction,
}

/// Where in a body Discord reads `allowed_mentions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyRule {
    /// Nowhere: the body makes no message.
    Plain,
    /// At the top.
    Message,
    /// In `data`, if the callback's type makes or changes a message.
    Callback,
    /// In `message`, the first post of a forum thread.
    Starter,
}

/// One of Discord's endpoints with its ids filled in.
///
/// `Debug` shows the template only, because paths of webhooks and interactions hold tokens.
#[derive(Clone)]
pub struct Route {
    method: Method,
    template: &'static str,
    path: String,
    secret: Option<Range<usize>>,
    lane: LaneKey,
    access: Access,
    rule: BodyRule,
    repeatable: bool,
}

impl Route {
    pub(super) fn new(method: Method, template: &'static str, lane: LaneKey, path: String) -> Self {
        let repeatable = method != Method::POST;
        Self {
            method,
            template,
            path,
            secret: None,
            lane,
            access: Access::Bot,
            rule: BodyRule::Plain,
            repeatable,
        }
    }

    pub(super) fn with_rule(mut self, rule: BodyRule) -> Self {
        self.rule = rule;
        self
    }

    pub(super) fn with_access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// Marks the part of the path that no error may show.
    pub(super) fn hiding(mut self, token: &str) -> Self {
        self.secret = self
            .path
            .find(token)
            .map(|start| start..start + token.len());
        self
    }

    /// For a POST that changes nothing when it is repeated.
    pub(super) fn harmless_to_repeat(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// `METHOD /path/{with}/{names}`, as Discord's `OpenAPI` description names it. Safe to log.
    pub fn template(&self) -> &'static str {
        self.template
    }

    /// The lane that paces it.
    pub fn lane(&self) -> LaneKey {
        self.lane
    }

    /// The kind of thing it is about: the template without its method.
    pub(crate) fn resource(&self) -> &'static str {
        self.template
            .split_once(' ')
            .map_or(self.template, |(_, path)| path)
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn secret(&self) -> Option<&str> {
        self.secret.clone().and_then(|range| self.path.get(range))
    }

    pub(crate) fn access(&self) -> Access {
        self.access
    }

    pub(crate) fn rule(&self) -> BodyRule {
        self.rule
    }

    pub(crate) fn repeatable(&self) -> bool {
        self.repeatable
    }
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("template", &self.template)
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(super) fn percent_encode(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push(char::from(HEX[usize::from(byte >> 4)]));
            encoded.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    encoded
}
