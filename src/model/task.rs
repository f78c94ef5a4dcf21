//! Tasks, and what happens in them.

use std::fmt;

use uuid::Uuid;

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TaskStatus {
    /// New.
    Inbox,
    /// Somebody's, not begun.
    Assigned,
    /// Being worked on.
    InProgress,
    /// To be looked at.
    Review,
    /// Finished.
    Done,
    /// Waiting for something.
    Blocked,
    /// Given up by a person.
    Stopped,
    /// A word of somebody else's.
    Other(String),
}

impl TaskStatus {
    /// Those that we know, in the order of a task's life.
    pub const KNOWN: [Self; 7] = [
        Self::Inbox,
        Self::Assigned,
        Self::InProgress,
        Self::Review,
        Self::Done,
        Self::Blocked,
        Self::Stopped,
    ];

    /// From the column: whatever stands there.
    pub fn parse(word: &str) -> Self {
        let known = Self::KNOWN.into_iter().find(|known| known.as_str() == word);
        known.unwrap_or_else(|| Self::Other(word.to_owned()))
    }

    /// The word in the column.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Inbox => "inbox",
            Self::Assigned => "assigned",
            Self::InProgress => "in_progress",
            Self::Review => "review",
            Self::Done => "done",
            Self::Blocked => "blocked",
            Self::Stopped => "stopped",
            Self::Other(word) => word,
        }
    }

    /// Whether nothing more is expected of it.
    pub fn is_finished(&self) -> bool {
        matches!(self, Self::Done | Self::Stopped)
    }
}

impl fmt::Display for TaskStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row of a timeline, by the table that holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TimelineItem {
    /// Of `task_events`.
    Event(Uuid),
    /// Of `task_comments`.
    Comment(Uuid),
}

impl TimelineItem {
    /// As answers name it in `metadata.reply_to` (source: `ClawdOS`'s dashboard).
    pub fn reply_to(self) -> String {
        match self {
            Self::Event(id) => id.to_string(),
            Self::Comment(id) => format!("lc_{id}"),
        }
    }
}
