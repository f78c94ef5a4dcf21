//! What the project is for, in one sentence.

use chrono::{DateTime, Utc};

/// Longest mission, in characters (source: `ClawdOS`' dashboard).
pub const LONGEST: usize = 200;

/// The mission as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mission {
    /// The text, perhaps only the beginning; never blank.
    pub text: String,
    /// Whether there is more of it than is here.
    pub cut: bool,
    /// Who wrote it, as the row says.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Mission {
    /// Reads the beginning of a row's text. A blank one is none, and so is a placeholder, which begins
    /// with `_` (source: `ClawdOS`' context pack).
    pub fn read(text: &str, cut: bool, by: Option<String>, at: DateTime<Utc>) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty() && !text.starts_with('_')).then(|| Self {
            text: text.to_owned(),
            cut,
            by,
            at,
        })
    }
}

/// A text that is to become the mission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMission(String);

/// Why a text is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoMission {
    /// There is nothing in it.
    #[error("the mission is empty")]
    Empty,
    /// It is longer than [`LONGEST`]; so many characters.
    #[error("the mission has {0} characters")]
    TooLong(usize),
    /// It begins like a placeholder, and would be read as none.
    #[error("the mission begins with _")]
    Placeholder,
}

impl NewMission {
    /// Takes a text that somebody has typed, without the blanks around it.
    pub fn new(text: &str) -> Result<Self, NoMission> {
        let text = text.trim();
        match text.chars().count() {
            0 => Err(NoMission::Empty),
            count if count > LONGEST => Err(NoMission::TooLong(count)),
            _ if text.starts_with('_') => Err(NoMission::Placeholder),
            _ => Ok(Self(text.to_owned())),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
