//! The state of the whole system in one word.

use std::fmt;

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
