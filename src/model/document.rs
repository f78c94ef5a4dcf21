//! Documents: what agents are told of themselves and of the project (`brain_docs`), and what the project keeps
//! (`project_documents`).

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AgentKey;

/// Longest text that a form holds (source: Discord, a text input).
pub const IN_FORM: usize = 4_000;

/// Largest file that becomes a document, in bytes.
pub const LARGEST: u64 = 1024 * 1024;

/// Longest title, in characters.
pub const LONGEST_TITLE: usize = 200;

/// The kind of the mission's row, which has rules of its own.
pub const MISSION: &str = "mission";

/// The kind of the overview's row.
pub const OVERVIEW: &str = "project_overview";

/// Which document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocRef {
    /// A row of `brain_docs`.
    Brain(Uuid),
    /// A row of `project_documents`.
    Note(Uuid),
}

impl fmt::Display for DocRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Brain(id) => write!(f, "b{}", id.simple()),
            Self::Note(id) => write!(f, "n{}", id.simple()),
        }
    }
}

/// A text that names no document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this names no document")]
pub struct NoDocRef;

impl FromStr for DocRef {
    type Err = NoDocRef;

    /// Only what we would have written ourselves.
    fn from_str(text: &str) -> Result<Self, NoDocRef> {
        let id = |text: &str| Uuid::try_parse(text).map_err(|_| NoDocRef);
        let doc = match (text.strip_prefix('b'), text.strip_prefix('n')) {
            (Some(rest), _) => Self::Brain(id(rest)?),
            (_, Some(rest)) => Self::Note(id(rest)?),
            _ => return Err(NoDocRef),
        };
        (doc.to_string() == text).then_some(doc).ok_or(NoDocRef)
    }
}

/// Whether a document may be read here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Open,
    /// It holds secrets: it is named, and nothing else.
    Secret,
    /// Its content is not in the database but in a storage that is none of ours.
    Stored,
}

/// A document in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocLine {
    /// Which.
    pub doc: DocRef,
    /// `doc_type` of a brain doc, `source_type` of another.
    pub kind: String,
    /// The title; none of a brain doc.
    pub title: Option<String>,
    /// Whose it is, as the row says; none where it is the project's.
    pub owner: Option<String>,
    /// Whether agents read it before each turn.
    pub pinned: bool,
    /// Whether it may be read.
    pub access: Access,
    /// Bytes of its text.
    pub bytes: u64,
    /// Who wrote it last, where that is known.
    pub by: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl DocLine {
    /// Whether it is the mission, which has rules of its own.
    pub fn is_mission(&self) -> bool {
        matches!(self.doc, DocRef::Brain(_)) && self.owner.is_none() && self.kind == MISSION
    }

    /// Whether existing executors write it by a route of its own: the project's overview.
    pub fn is_overview(&self) -> bool {
        matches!(self.doc, DocRef::Brain(_)) && self.owner.is_none() && self.kind == OVERVIEW
    }

    /// The agent whose it is.
    pub fn agent(&self) -> Option<AgentKey> {
        self.owner.as_deref()?.parse().ok()
    }
}

/// A document with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What stands in the list.
    pub line: DocLine,
    /// The text; empty where it may not be read.
    pub text: String,
    /// Whether there is more of it than is here.
    pub cut: bool,
    /// Tells this text from any other.
    pub version: u64,
}

/// What somebody has seen who writes something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// This version.
    Version(u64),
    /// Nobody knows. Then what somebody else has just written stays.
    Unknown,
}

/// A document that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDoc {
    /// The brain doc's kind; none for a note.
    pub kind: Option<&'static str>,
    /// The note's title.
    pub title: String,
    /// Whose it is; none for the project.
    pub agent: Option<AgentKey>,
    /// Whether agents read it before each turn.
    pub pinned: bool,
}
