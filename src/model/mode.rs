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
    /// When the Control API last answered that all is well.
    pub last_ok: Option<DateTime<Utc>>,
}

impl State {
    /// Before anything is known.
    pub fn unknown(now: DateTime<Utc>) -> Self {
        Self {
            mode: None,
            since: now,
            reason: String::new(),
            doubt: None,
            last_ok: None,
        }
    }

    /// Whether messages go directly to agents.
    pub fn is_live(&self) -> bool {
        self.mode == Some(Mode::Live)
    }
}

/// The state after one more sample.
pub fn next(state: &State, sample: &Sample, now: DateTime<Utc>) -> State {
    let last_ok = match sample.mode {
        Mode::Live => Some(now),
        Mode::Backup | Mode::Offline => state.last_ok,
    };
    if state.mode == Some(sample.mode) {
        return State {
            // What is wrong may be another thing by now.
            reason: sample.reason.clone(),
            doubt: None,
            last_ok,
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
            last_ok,
        };
    }
    State {
        doubt: Some((sample.mode, agreeing)),
        last_ok,
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

/// A change of the mode, as people are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeChange {
    /// The mode since then.
    pub mode: Mode,
    /// Why, as a sentence.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The end of the last Live, where there has been one.
    pub down_since: Option<DateTime<Utc>>,
    /// From when on messages may have been asked in vain: the last success before that end.
    pub asked_since: Option<DateTime<Utc>>,
    /// Messages that wait for their agents. On the way back to Live: of those that were said
    /// meanwhile.
    pub queued: i64,
    /// Of those that were said meanwhile, so many were delivered since.
    pub delivered: i64,
    /// And so many failed.
    pub failed: i64,
}

impl ModeChange {
    /// A change of which nothing is counted yet.
    pub fn new(mode: Mode, reason: String, since: DateTime<Utc>) -> Self {
        Self {
            mode,
            reason,
            since,
            down_since: None,
            asked_since: None,
            queued: 0,
            delivered: 0,
            failed: 0,
        }
    }
}
