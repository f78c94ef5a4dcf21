//! The state of the whole system in one word, and the pure step that leads from one to the next.

use std::fmt;

use chrono::{DateTime, Utc};

/// Who can do what at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// The Control API answers and its own checks are ok: messages go directly to agents.
    Live,
    /// Only the database answers: messages wait in the queue.
    Backup,
    /// Not even the database answers.
    Offline,
}

impl Mode {
    /// The word in logs and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Backup => "Backup",
            Self::Offline => "Offline",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// So many samples in a row must agree before the mode becomes worse; one success brings it back.
const SAMPLES_TO_WORSEN: u8 = 2;

/// What one look at the parts has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The mode that it speaks for.
    pub mode: Mode,
    /// Why, as a sentence without a full stop.
    pub reason: String,
}

/// The mode as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// The mode; none before the first sample.
    pub mode: Option<Mode>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// The last sample that disagreed, and how often in a row it did.
    pub doubt: Option<(Mode, u8)>,
}

impl State {
    /// Before anything is known.
    pub fn unknown(now: DateTime<Utc>) -> Self {
        Self {
            mode: None,
            since: now,
            reason: String::new(),
            doubt: None,
        }
    }

    /// Whether messages go directly to agents.
    pub fn is_live(&self) -> bool {
        self.mode == Some(Mode::Live)
    }
}

/// The state after one more sample.
pub fn next(state: &State, sample: &Sample, now: DateTime<Utc>) -> State {
    if state.mode == Some(sample.mode) {
        return State {
            doubt: None,
            ..state.clone()
        };
    }
    let agreeing = match state.doubt {
        Some((mode, count)) if mode == sample.mode => count + 1,
        _ => 1,
    };
    let better = rank(sample.mode) < state.mode.map_or(u8::MAX, rank);
    if better || agreeing >= SAMPLES_TO_WORSEN {
        return State {
            mode: Some(sample.mode),
            since: now,
            reason: sample.reason.clone(),
            doubt: None,
        };
    }
    State {
        doubt: Some((sample.mode, agreeing)),
        ..state.clone()
    }
}

fn rank(mode: Mode) -> u8 {
    match mode {
        Mode::Live => 0,
        Mode::Backup => 1,
        Mode::Offline => 2,
    }
}
