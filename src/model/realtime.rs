//! How complete the change feed is, for people.

use chrono::{DateTime, Utc};

use super::change::Table;

/// How the change feed is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FeedState {
    /// Nothing is known yet.
    #[default]
    Starting,
    /// Every change is told.
    Up,
    /// Changes of some tables are not, for this reason.
    Partly(String),
    /// No change is, for this reason.
    Down(String),
    /// Nobody wants one.
    Off,
}

/// Why changes of a table are not told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GapCause {
    /// The publication does not have the table.
    Unpublished,
    /// It has, and a change was not told all the same.
    Missed,
}

impl GapCause {
    /// The word in `bridge.gap`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unpublished => "unpublished",
            Self::Missed => "missed",
        }
    }
}

/// A table whose changes the feed should have told and did not: a realtime gap, reported once an
/// hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    /// The table.
    pub table: Table,
    /// Why.
    pub cause: GapCause,
    /// Rows that only the sweep found, since it was reported.
    pub found: i64,
    /// When it was reported.
    pub reported_at: DateTime<Utc>,
    /// When it was mended, as far as anybody knows.
    pub ended_at: Option<DateTime<Utc>>,
}
