//! A delivery: one message on its way to one agent.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};

use super::{AgentKey, DeliveryId, MessageId, ParseIdError};

/// What existing dashboards expect in `result.error` of a delivery that went stale.
pub const STALE_ERROR: &str = "stale_timeout";

/// How the error of a delivery ends whose outcome nobody knows.
pub const PERHAPS: &str = "It may have been processed.";

/// How the error of a delivery ends whose agent is gone.
pub const GONE: &str = " is not in the team any more.";

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryStatus {
    /// Waiting for somebody to take it.
    Queued,
    /// Somebody has it: the agent's turn runs.
    Delivered,
    /// The agent has answered.
    Processed,
    /// It did not work; the row says why.
    Failed,
}

impl DeliveryStatus {
    /// The word in the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Processed => "processed",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for DeliveryStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DeliveryStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "queued" => Ok(Self::Queued),
            // Queried by existing code in two places, never written (source: ClawdOS).
            "delivered" | "claimed" => Ok(Self::Delivered),
            "processed" => Ok(Self::Processed),
            "failed" => Ok(Self::Failed),
            _ => Err(UnknownStatus(text.chars().take(40).collect())),
        }
    }
}

/// A status that nobody is known to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown delivery status {0:?}")]
pub struct UnknownStatus(String);

/// A delivery that somebody claimed: who claims, works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The queue row.
    pub id: DeliveryId,
    /// What was said.
    pub message_id: MessageId,
    /// To whom.
    pub agent: AgentKey,
    /// What the agent is told: the text of the message, as it is now, with what it replies to.
    pub text: String,
    /// When it was claimed: nobody else may say that it failed.
    pub picked_up_at: DateTime<Utc>,
}

/// Most characters of a message that is replied to, as the agent is told it.
const REPLIED: usize = 500;

/// A message that replies to another one, as an agent is told it: one line says to what.
pub fn in_reply(author: Option<&str>, replied: &str, text: &str) -> String {
    let words: Vec<&str> = replied.split_whitespace().collect();
    let line = words.join(" ");
    let (quoted, more) = match line.char_indices().nth(REPLIED) {
        Some((end, _)) => (&line[..end], "…"),
        None => (line.as_str(), ""),
    };
    let author = author.unwrap_or("somebody");
    format!("[In reply to {author}: {quoted}{more}]\n{text}")
}

/// Why a row of the queue cannot be worked on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadDelivery {
    /// Its target is not an agent key.
    #[error(transparent)]
    Target(#[from] ParseIdError),
}
