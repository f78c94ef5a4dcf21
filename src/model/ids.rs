//! Identities. Every id from outside is parsed once, here, into its own type.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Why a text is not the id it claims to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct ParseIdError {
    value: String,
    expected: &'static str,
}

impl ParseIdError {
    fn new(value: &str, expected: &'static str) -> Self {
        let value = value.chars().take(80).collect();
        Self { value, expected }
    }
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text)
                    .map(Self)
                    .map_err(|_| ParseIdError::new(text, "a UUID"))
            }
        }
    )+};
}

uuid_ids! {
    /// A row of `project_chat_messages`.
    MessageId,
    /// A row of `project_chat_threads`.
    ThreadId,
    /// A row of `chat_delivery_queue`.
    DeliveryId,
}

impl MessageId {
    /// The id of the row that a Discord message becomes. The same message always gives the same
    /// id, so that an event that Discord delivers twice cannot become two rows.
    pub fn for_discord(message: DiscordMessageId) -> Self {
        Self(Uuid::new_v5(
            &DISCORD_MESSAGES,
            &message.get().to_be_bytes(),
        ))
    }

    /// The id of the row that a command makes. The same interaction always gives the same id.
    pub fn for_interaction(interaction: InteractionId) -> Self {
        Self(Uuid::new_v5(
            &DISCORD_INTERACTIONS,
            &interaction.get().to_be_bytes(),
        ))
    }
}

/// Name space of [`MessageId::for_discord`], drawn once at random.
const DISCORD_MESSAGES: Uuid = Uuid::from_u128(0x6b1f_0d6e_5d0a_4a53_9a7c_2f64_c1c8_e0b7);

/// Name space of [`MessageId::for_interaction`], drawn once at random.
const DISCORD_INTERACTIONS: Uuid = Uuid::from_u128(0x1e0c_8a57_93d4_4f0b_b6a2_5c7d_08e9_417f);

/// Milliseconds since 1970 at which Discord's ids begin (source: Discord's API reference).
const DISCORD_EPOCH_MS: i64 = 1_420_070_400_000;

macro_rules! snowflake_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(NonZeroU64);

        impl $name {
            /// From a number; `None` for zero and for what Postgres could not hold as `bigint`.
            pub fn new(value: u64) -> Option<Self> {
                i64::try_from(value).ok()?;
                NonZeroU64::new(value).map(Self)
            }

            /// From a `bigint` column.
            pub fn from_i64(value: i64) -> Option<Self> {
                u64::try_from(value).ok().and_then(Self::new)
            }

            /// As a number.
            pub fn get(self) -> u64 {
                self.0.get()
            }

            /// As a `bigint` column holds it.
            pub fn to_i64(self) -> i64 {
                self.0.get().cast_signed()
            }

            /// When Discord made this id, to the millisecond.
            pub fn created_at(self) -> DateTime<Utc> {
                let ms = (self.to_i64() >> 22) + DISCORD_EPOCH_MS;
                DateTime::from_timestamp_millis(ms).unwrap_or_default()
            }

            /// The smallest id that Discord could have made at a time: works as `before` and
            /// `after` in its lists.
            pub fn at(time: DateTime<Utc>) -> Self {
                let ms = (time.timestamp_millis() - DISCORD_EPOCH_MS).max(0);
                let id = (ms << 22).cast_unsigned().max(1);
                Self(NonZeroU64::new(id).unwrap_or(NonZeroU64::MIN))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse()
                    .ok()
                    .and_then(Self::new)
                    .ok_or_else(|| ParseIdError::new(text, "a Discord id (digits only)"))
            }
        }

        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )+};
}

snowflake_ids! {
    /// A Discord channel or thread.
    ChannelId,
    /// A message in Discord; a row's id is [`MessageId`].
    DiscordMessageId,
    /// A Discord server.
    GuildId,
    /// A Discord account, a bot's included.
    UserId,
    /// A webhook, without its token.
    WebhookId,
    /// A Discord application.
    ApplicationId,
    /// A role in a server.
    RoleId,
    /// Something that a person did with a command or a button.
    InteractionId,
}

/// A project of Mission Control: a slug such as `front-office`, never a UUID (source: ClawdOS).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectId(String);

/// An agent's key, `agent:<short>:main`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentKey(String);

macro_rules! text_id {
    ($name:ident) => {
        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = ParseIdError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

text_id!(ProjectId);
text_id!(AgentKey);

impl FromStr for ProjectId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=100).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !fits {
            let expected = "a project id (lower-case letters, digits and dashes)";
            return Err(ParseIdError::new(text, expected));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for AgentKey {
    type Err = ParseIdError;

    /// Accepts what ClawdOS writes in different places: a doubled `agent:` prefix, a session key
    /// with more parts, a bare short id.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseIdError::new(text, "an agent key (agent:<short>:main)");
        let mut rest = text.trim();
        while let Some(stripped) = rest.strip_prefix("agent:") {
            rest = stripped;
        }
        let mut parts = rest.split(':');
        let short = parts.next().unwrap_or_default();
        let branch = parts.next().unwrap_or("main");
        if !(is_key_part(short) && is_key_part(branch)) {
            return Err(error());
        }
        Ok(Self(format!("agent:{short}:{branch}")))
    }
}

/// The characters ClawdOS' own pattern allows; what passes is also harmless in a shell.
fn is_key_part(part: &str) -> bool {
    (1..=64).contains(&part.len())
        && part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

impl AgentKey {
    /// The second part: `ricky` of `agent:ricky:main`.
    pub fn short(&self) -> &str {
        self.0.split(':').nth(1).unwrap_or_default()
    }
}
