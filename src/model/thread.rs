//! Where a chat message belongs.

use super::AgentKey;

/// Title of the Team Room's thread (source: ClawdOS; its chat page takes the thread of this title).
pub const ROOM_TITLE: &str = "General";

/// What stands before the agent key in the title of a DM thread (source: ClawdOS).
pub const DM_PREFIX: &str = "DM:";

/// The place of a message, read from its thread's title.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Place {
    /// The Team Room: thread `General`, and rows without a thread.
    Room,
    /// The private thread with one agent.
    Dm(AgentKey),
    /// A thread that Discord has no place for.
    Elsewhere,
}

impl Place {
    /// Reads a thread's title; `None` is a row without a thread.
    pub fn from_title(title: Option<&str>) -> Self {
        match title {
            None | Some(ROOM_TITLE) => Self::Room,
            Some(title) => title
                .strip_prefix(DM_PREFIX)
                .and_then(|key| key.parse().ok())
                .map_or(Self::Elsewhere, Self::Dm),
        }
    }

    /// The title under which this place's thread is found or made.
    pub fn title(&self) -> Option<String> {
        match self {
            Self::Room => Some(ROOM_TITLE.to_owned()),
            Self::Dm(agent) => Some(format!("{DM_PREFIX}{agent}")),
            Self::Elsewhere => None,
        }
    }
}
