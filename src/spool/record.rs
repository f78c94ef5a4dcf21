//! The lines of the spool: one JSON object each, so that a person can read the file and a damaged
//! line harms no other.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::file::File;
use crate::model::view::Surface;
use crate::model::{AgentKey, ChannelId, DiscordMessageId, ProjectId, RoleId, UserId};

/// A person's message that waits for the database: everything that saying it later needs, as it
/// was when it was heard. Channels, agents and roles may be others by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The project it was meant for: the data folder may serve another one next time.
    pub project: ProjectId,
    /// The message in Discord.
    pub message: DiscordMessageId,
    /// The channel.
    pub channel: ChannelId,
    /// What the channel was.
    #[serde(with = "as_text")]
    pub surface: Surface,
    /// The agent whose channel it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentKey>,
    /// Who wrote it.
    pub user: UserId,
    /// Under which name.
    pub name: String,
    /// With which roles.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleId>,
    /// What, with mentions as names.
    pub text: String,
    /// Files that came with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// The agents that it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<AgentKey>,
    /// The message in Discord that it replies to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<DiscordMessageId>,
    /// When its author changed it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<DateTime<Utc>>,
}

/// A message, by where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The channel.
    pub channel: ChannelId,
    /// The message.
    pub message: DiscordMessageId,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Record {
    /// Accepted: it will be a row. A later line of the same message says what it has become.
    Held(Box<Held>),
    /// It is a row; the mark on the Discord message may still be there.
    Written(Place),
    /// Nothing is left to do: it is a row and the mark is gone, or its author has deleted it.
    Settled(Place),
    /// Its author was told to send it again: it must never be a row.
    Refused(Place),
}

impl Record {
    /// The line, with its end.
    pub fn line(&self) -> String {
        // Fails for maps whose keys are no texts, and there is no map.
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }

    /// Reads a line without its end.
    pub fn read(line: &[u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

/// A type as its own words, both ways.
mod as_text {
    use super::{Deserialize, Deserializer, FromStr, Serializer, fmt};

    pub(super) fn serialize<T: fmt::Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
