//! Receipts: what people see, on a message, of what became of it.

use std::fmt;

use chrono::{DateTime, Utc};

use super::delivery::{DeliveryStatus, STALE_ERROR};
use super::{AgentKey, DeliveryId};

/// A reaction of ours on a message: there is one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// It waits: for the database, or for the agent to come online.
    Queued,
    /// The agent has it.
    WithAgent,
    /// The agent has answered.
    Answered,
    /// It did not work; a reply says why.
    Failed,
    /// It is not kept: it has to be sent again.
    Refused,
}

impl Mark {
    /// Every mark.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::WithAgent,
        Self::Answered,
        Self::Failed,
        Self::Refused,
    ];

    /// The emoji.
    pub const fn emoji(self) -> &'static str {
        match self {
            Self::Queued => "🕓",
            Self::WithAgent => "📨",
            Self::Answered => "✅",
            Self::Failed => "❌",
            Self::Refused => "⛔",
        }
    }

    /// The letter in tables.
    const fn letter(self) -> char {
        match self {
            Self::Queued => 'q',
            Self::WithAgent => 'w',
            Self::Answered => 'a',
            Self::Failed => 'f',
            Self::Refused => 'r',
        }
    }
}

/// Marks that may stand on a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks(u8);

impl Marks {
    /// None.
    pub const NONE: Self = Self(0);

    /// With one more.
    #[must_use]
    pub const fn with(self, mark: Mark) -> Self {
        Self(self.0 | (1 << mark as u8))
    }

    /// With one fewer.
    #[must_use]
    pub const fn without(self, mark: Mark) -> Self {
        Self(self.0 & !(1 << mark as u8))
    }

    /// With all of another set.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one is among them.
    pub const fn has(self, mark: Mark) -> bool {
        self.0 & (1 << mark as u8) != 0
    }

    /// Reads the column; letters that nobody writes are passed over.
    pub fn read(text: &str) -> Self {
        let known = Mark::ALL
            .into_iter()
            .filter(|mark| text.contains(mark.letter()));
        known.collect()
    }
}

impl FromIterator<Mark> for Marks {
    fn from_iter<T: IntoIterator<Item = Mark>>(marks: T) -> Self {
        marks.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Display for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut marks = Mark::ALL.into_iter().filter(|mark| self.has(*mark));
        marks.try_for_each(|mark| write!(f, "{}", mark.letter()))
    }
}

/// A delivery, as far as its receipt tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// The queue row.
    pub id: DeliveryId,
    /// Its version (`xmin`).
    pub version: String,
    /// To whom; none where that is no agent key.
    pub agent: Option<AgentKey>,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// Whether somebody has taken it, as far as the row tells.
    pub picked_up: bool,
    /// Whether it has been armed again by itself; that happens once.
    pub rearmed: bool,
    /// When it failed or was answered, as far as the row tells.
    pub ended_at: Option<DateTime<Utc>>,
    /// Whether it is the first of its thread that waits since the executor went away.
    pub first: bool,
}

/// How far a delivery has come, as people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It waits. What went stale before anybody took it is armed again when the executor is back,
    /// so that it waits as well.
    Waits,
    /// The agent has it.
    WithAgent,
    /// The agent has answered.
    Answered,
    /// It did not work.
    Failed,
}

impl Progress {
    /// Whether it failed because nobody took it in time.
    pub fn is_untouched(&self) -> bool {
        self.status == DeliveryStatus::Failed
            && self.error.as_deref() == Some(STALE_ERROR)
            && !self.picked_up
    }

    fn will_be_rearmed(&self, live: Option<DateTime<Utc>>) -> bool {
        let before = |since| self.ended_at.is_some_and(|at| at < since);
        !self.rearmed && live.is_none_or(before)
    }

    /// How far it has come. `live` says since when the executor is there, if it is: what had failed
    /// untouched before that is about to be armed again.
    pub fn step(&self, live: Option<DateTime<Utc>>) -> Step {
        match self.status {
            DeliveryStatus::Queued => Step::Waits,
            DeliveryStatus::Delivered => Step::WithAgent,
            DeliveryStatus::Processed => Step::Answered,
            DeliveryStatus::Failed if self.is_untouched() && self.will_be_rearmed(live) => {
                Step::Waits
            }
            DeliveryStatus::Failed => Step::Failed,
        }
    }
}

/// The mark of a message with these deliveries: what needs a person comes first, then what is not
/// over yet. None without deliveries.
pub fn mark(deliveries: &[Progress], live: Option<DateTime<Utc>>) -> Option<Mark> {
    let order = |step| match step {
        Step::Failed => (0, Mark::Failed),
        Step::WithAgent => (1, Mark::WithAgent),
        Step::Waits => (2, Mark::Queued),
        Step::Answered => (3, Mark::Answered),
    };
    let steps = deliveries.iter().map(|it| order(it.step(live)));
    steps.min_by_key(|(order, _)| *order).map(|(_, mark)| mark)
}
