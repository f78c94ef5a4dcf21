//! A chat message as the database has it.

use chrono::{DateTime, Utc};

use super::thread::Place;
use super::view::Surface;
use super::{AgentKey, ChannelId, DiscordMessageId, MessageId, ThreadId, UserId};

/// Author of what the operator says (source: ClawdOS' dashboard).
pub const OPERATOR_AUTHOR: &str = "ui";

/// What stands before the user id of a member who is no operator.
pub const MEMBER_PREFIX: &str = "discord:";

/// Who said it, read from the free text of the `author` column. Never a proof of identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Author {
    /// `ui` or `dashboard`: the operator, or an automatic notice in the operator's name.
    Operator,
    /// A member of the Discord server who is no operator.
    Member(UserId),
    /// An agent.
    Agent(AgentKey),
    /// Anything else: `system`, a service, an unknown word.
    Other(String),
}

impl Author {
    /// Reads the column.
    pub fn parse(text: &str) -> Self {
        if text == OPERATOR_AUTHOR || text == "dashboard" {
            return Self::Operator;
        }
        if let Some(id) = text.strip_prefix(MEMBER_PREFIX)
            && let Ok(id) = id.parse()
        {
            return Self::Member(id);
        }
        if text.starts_with("agent:")
            && let Ok(key) = text.parse()
        {
            return Self::Agent(key);
        }
        Self::Other(text.to_owned())
    }

    /// What the column holds.
    pub fn as_column(&self) -> String {
        match self {
            Self::Operator => OPERATOR_AUTHOR.to_owned(),
            Self::Member(user) => format!("{MEMBER_PREFIX}{user}"),
            Self::Agent(key) => key.to_string(),
            Self::Other(text) => text.clone(),
        }
    }
}

/// A row of `project_chat_messages`, with the place that its thread gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChatMessage {
    /// The row.
    pub id: MessageId,
    /// Its thread; none for old rows of the room.
    pub thread: Option<ThreadId>,
    /// Where it belongs.
    pub place: Place,
    /// Who said it.
    pub author: Author,
    /// A display name that came with it; of an operator only where they wrote it in Discord.
    pub author_name: Option<String>,
    /// Whom it was said to.
    pub target: Option<AgentKey>,
    /// The text, as it was written.
    pub text: String,
    /// The message that it answers.
    pub quotes: Option<Quoted>,
    /// Whether whoever wrote it has deleted it, after an agent had it.
    pub is_deleted: bool,
    /// Whether it carries a proposal, and so is shown as a card.
    pub is_proposal: bool,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// A message that another one answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// The row.
    pub id: MessageId,
    /// Who said it.
    pub author: Author,
    /// A display name that came with it.
    pub author_name: Option<String>,
    /// Its beginning.
    pub text: String,
    /// Where it stands in Discord.
    pub at: Vec<(Surface, ChannelId, DiscordMessageId)>,
}
