//! What the controls of tasks say when they are used: like [`super::custom_id`], they name a row and
//! are never a permission, and only what we would have written ourselves is read.
//!
//! `v1:<what>:<kind of row>:<id>[:<letter or time>]`, at most 62 characters.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use super::custom_id::UnknownPress;
use crate::model::task::TimelineItem;

/// A press, a choice or a form of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskPress {
    /// An answer to a question with options, by its letter.
    Answer {
        /// The comment that asks.
        item: TimelineItem,
        /// The option.
        letter: char,
    },
    /// Opens the form for an answer that is none of the options.
    AnswerFreely {
        /// The comment that asks.
        item: TimelineItem,
    },
    /// The form of [`Self::AnswerFreely`], sent.
    AnswerForm {
        /// The comment that asks.
        item: TimelineItem,
    },
    /// The select of a card: the status is what was chosen.
    Status {
        /// The task.
        task: Uuid,
    },
    /// Opens the form that asks why a task should stop.
    Stop {
        /// The task.
        task: Uuid,
    },
    /// The form of [`Self::Stop`], sent.
    StopForm {
        /// The task.
        task: Uuid,
    },
    /// Yes to the question before a task is deleted.
    Delete {
        /// The task.
        task: Uuid,
        /// Seconds since 1970, until 2106; the answer does not count after that.
        until: u32,
    },
}

const TASK: &str = "task";
const EVENT: &str = "event";
const COMMENT: &str = "comment";

impl TaskPress {
    /// Whether it is a list that was chosen from.
    pub fn is_list(self) -> bool {
        matches!(self, Self::Status { .. })
    }

    /// Whether it is a form that was sent.
    pub fn is_form(self) -> bool {
        matches!(self, Self::AnswerForm { .. } | Self::StopForm { .. })
    }
}

impl fmt::Display for TaskPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |item: TimelineItem| match item {
            TimelineItem::Event(id) => (EVENT, id),
            TimelineItem::Comment(id) => (COMMENT, id),
        };
        let (what, (kind, id)) = match *self {
            Self::Answer { item, .. } => ("answer", of(item)),
            Self::AnswerFreely { item } => ("custom", of(item)),
            Self::AnswerForm { item } => ("custom-form", of(item)),
            Self::Status { task } => ("status", (TASK, task)),
            Self::Stop { task } => ("stop", (TASK, task)),
            Self::StopForm { task } => ("stop-form", (TASK, task)),
            Self::Delete { task, .. } => ("delete", (TASK, task)),
        };
        write!(f, "v1:{what}:{kind}:{}", id.simple())?;
        match self {
            Self::Answer { letter, .. } => write!(f, ":{letter}"),
            Self::Delete { until, .. } => write!(f, ":{until:010}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for TaskPress {
    type Err = UnknownPress;

    fn from_str(text: &str) -> Result<Self, UnknownPress> {
        read(text)
            .filter(|it| it.to_string() == text)
            .ok_or(UnknownPress)
    }
}

fn read(text: &str) -> Option<TaskPress> {
    let mut parts = text.split(':').skip(1);
    let (what, kind, id) = (parts.next()?, parts.next()?, parts.next()?);
    let task = Uuid::try_parse(id).ok()?;
    let item = match kind {
        EVENT => Some(TimelineItem::Event(task)),
        COMMENT => Some(TimelineItem::Comment(task)),
        _ => None,
    };
    let last = parts.next();
    let letter = last.and_then(|part| part.chars().next());
    Some(match what {
        "answer" => TaskPress::Answer {
            item: item?,
            letter: letter.filter(char::is_ascii_uppercase)?,
        },
        "custom" => TaskPress::AnswerFreely { item: item? },
        "custom-form" => TaskPress::AnswerForm { item: item? },
        "status" => TaskPress::Status { task },
        "stop" => TaskPress::Stop { task },
        "stop-form" => TaskPress::StopForm { task },
        "delete" => TaskPress::Delete {
            task,
            until: last?.parse().ok()?,
        },
        _ => return None,
    })
}
