//! What an agent is told before each of its turns: the context pack. Pure: what is known goes in, sections come
//! out, in the order and within the caps of `ClawdOS`.

mod assemble;

use chrono::{DateTime, Utc};
use serde_json::Value;

pub use assemble::{assemble, search_words};

/// Most characters of the mission. A dashboard takes 200, others may write more.
pub const MISSION: usize = 2_000;

/// Most characters of the overview.
pub const OVERVIEW: usize = 8_000;

/// Most happenings (source: `ClawdOS`).
pub const CHANGES: usize = 20;

/// Most pinned documents of a scope (source: `ClawdOS`).
pub const PINNED: usize = 5;

/// Most characters of the pinned documents of a scope (source: `ClawdOS`).
pub const PINNED_TEXT: usize = 8_000;

/// Most characters of a task's description.
pub const DESCRIPTION: usize = 4_000;

/// Most comments of a task, the last ones (source: `ClawdOS`).
pub const COMMENTS: usize = 5;

/// Most characters of a comment.
pub const COMMENT: usize = 1_000;

/// Most results of the search (source: `ClawdOS`).
pub const RESULTS: usize = 5;

/// Most characters of all results (source: `ClawdOS`).
pub const RESULTS_TEXT: usize = 6_000;

/// All that the pack is made of. Texts may be beginnings: of each so much that its cap is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// When it was looked.
    pub built: DateTime<Utc>,
    /// Whom it is for.
    pub agent: String,
    /// Which capabilities the project says it has.
    pub version: Option<String>,
    /// What the project is for.
    pub mission: Option<String>,
    /// What the project is.
    pub overview: Option<String>,
    /// What happened last, newest first.
    pub changes: Vec<Change>,
    /// Pinned documents for everybody, the one that changed last first.
    pub global: Pinned,
    /// Pinned documents for this agent alone.
    pub own: Pinned,
    /// The task that the turn is about.
    pub task: Option<About>,
    /// What the search has found.
    pub found: Vec<Found>,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// What, in words.
    pub message: String,
    /// By whom.
    pub by: Option<String>,
}

/// The pinned documents of a scope.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pinned {
    /// [`PINNED`] at most.
    pub documents: Vec<Knowledge>,
    /// How many are pinned in all.
    pub in_all: usize,
}

/// A pinned document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Knowledge {
    /// Its title.
    pub title: String,
    /// Whether it holds secrets: then it is only named.
    pub secret: bool,
    /// What `ClawdOS` has noted of it, as JSON.
    pub notes: Option<Value>,
    /// Its own text.
    pub text: Option<String>,
}

/// A task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// Its title.
    pub title: String,
    /// Its status.
    pub status: String,
    /// What there is to do.
    pub description: Option<String>,
    /// Its last comments, oldest first: by whom, and what.
    pub comments: Vec<(String, String)>,
}

/// A piece of knowledge that the search has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub source: String,
    /// What.
    pub text: String,
}

/// The parts of the pack, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// For whom and when.
    Header,
    /// What the project is for.
    Mission,
    /// What the project is.
    Overview,
    /// What happened last.
    Changes,
    /// Pinned documents for everybody.
    Global,
    /// Pinned documents for this agent.
    Own,
    /// The task.
    Task,
    /// What the search has found.
    Found,
}

impl Part {
    /// What stands above it (source: `ClawdOS`).
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Header => "Context Pack",
            Self::Mission => "Mission",
            Self::Overview => "Project Overview",
            Self::Changes => "Recent Changes",
            Self::Global => "Pinned Knowledge (Global)",
            Self::Own => "Your Knowledge",
            Self::Task => "Task",
            Self::Found => "Relevant Knowledge",
        }
    }

    /// Most characters that it takes from elsewhere; none where lines are counted.
    pub const fn cap(self) -> Option<usize> {
        match self {
            Self::Header | Self::Changes => None,
            Self::Mission => Some(MISSION),
            Self::Overview => Some(OVERVIEW),
            Self::Global | Self::Own => Some(PINNED_TEXT),
            Self::Task => Some(DESCRIPTION + COMMENTS * COMMENT),
            Self::Found => Some(RESULTS_TEXT),
        }
    }
}

/// What did not go into a section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LeftOut {
    /// The end of this text; without a name, of the section's own.
    Cut(String),
    /// All of this text: there was no room.
    Whole(String),
    /// So many more.
    More(usize),
    /// The content of this document, since it holds secrets.
    Secret(String),
}

/// A section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Which.
    pub part: Part,
    /// With its heading, as the agent reads it.
    pub text: String,
    /// What is not in it.
    pub left_out: Vec<LeftOut>,
}

impl Section {
    /// Its size, in characters.
    pub fn size(&self) -> usize {
        self.text.chars().count()
    }
}

/// The pack: sections without which there is nothing to say are not in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pack(pub Vec<Section>);

impl Pack {
    /// As the agent reads it.
    pub fn markdown(&self) -> String {
        let texts: Vec<_> = self.0.iter().map(|it| it.text.as_str()).collect();
        texts.join("\n\n") + "\n"
    }
}
