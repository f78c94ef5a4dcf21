//! Tasks, and what happens in them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::ChannelId;
use super::message::Author;

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

/// A task as its card shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Which one.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// What is to be done.
    pub description: Option<String>,
    /// Where it stands.
    pub status: TaskStatus,
    /// Whose it is.
    pub assignee: Option<Author>,
    /// Since when it is there.
    pub created_at: DateTime<Utc>,
    /// Whether somebody has to say yes to it first.
    pub is_proposed: bool,
    /// Whether somebody has said no, and why.
    pub rejected: Option<Option<String>>,
    /// Why it is blocked or stopped.
    pub blocked_reason: Option<String>,
    /// Whether it is deleted.
    pub is_deleted: bool,
    /// Whether nobody has heard of its assignee for long.
    pub is_silent: bool,
    /// How many requests in it wait for a decision.
    pub approvals: i64,
}

impl Task {
    /// One word for where it stands, proposals and what was rejected included.
    pub fn state(&self) -> &str {
        match self.rejected {
            Some(_) => "rejected",
            None if self.is_proposed && self.status == TaskStatus::Inbox => "proposed",
            None => self.status.as_str(),
        }
    }

    /// Whether something is still expected of it.
    pub fn is_open(&self) -> bool {
        !(self.is_deleted || self.rejected.is_some() || self.status.is_finished())
    }
}

/// Something that happened in a task.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Which row.
    pub item: Item,
    /// The task.
    pub task: Uuid,
    /// Its type, unread.
    pub kind: String,
    /// Who.
    pub author: Author,
    /// What that person is called.
    pub author_name: Option<String>,
    /// What is said.
    pub content: String,
    /// Whatever belongs to it: anything at all.
    pub metadata: Value,
    /// When.
    pub at: DateTime<Utc>,
    /// The answer to it, if it is a question that has one.
    pub answer: Option<Answer>,
}

/// A row of a timeline, by its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item {
    /// One that may be asked: an event or an old comment.
    Said(TimelineItem),
    /// An old output.
    Output(Uuid),
}

/// An answer to a question with options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Who has given it.
    pub author: Author,
    /// What that person is called.
    pub author_name: Option<String>,
    /// What it says, `Answer:` included.
    pub content: String,
}

/// What is heard of threads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ThreadNews {
    /// One looks like this.
    Seen(ThreadSeen),
    /// One is deleted.
    Gone(ChannelId),
    /// One is ours from now on: what was heard of it before counts.
    Ours(ChannelId),
    /// One is not as it was thought to be.
    Doubtful(ChannelId),
    /// All that are not archived, at the begin of a session.
    Active(Vec<ThreadSeen>),
}

/// A thread as Discord shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThreadSeen {
    /// Which one.
    pub thread: ChannelId,
    /// Its name.
    pub name: String,
    /// Its tags.
    pub tags: Vec<u64>,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether it is locked.
    pub locked: bool,
}
