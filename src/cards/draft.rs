//! One Discord message as it should be, before anybody sends it.

use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Embed, Persona, Row};
use crate::model::DiscordMessageId;

/// Largest file that Discord takes from everybody (source: its change log of January 2025).
pub const FILE_LIMIT: usize = 10 * 1024 * 1024;

/// Bytes of a hash that tell what is said; what follows tells which files come with it.
const SAID_BYTES: usize = 16;

/// Bytes of the hash of files.
const FILES_BYTES: usize = 8;

/// One Discord message as it should be. Serialised it is what Discord takes for a message, files
/// aside; empty lists are named, since an edit clears only what is named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Under whose name; none is the bot itself.
    #[serde(skip)]
    pub persona: Option<Persona>,
    /// The text, within [`super::text::CONTENT_LIMIT`].
    pub content: String,
    /// Embeds, at most ten; one is enough for everything here.
    pub embeds: Vec<Embed>,
    /// Rows of buttons and lists, at most five.
    pub components: Vec<Row>,
    /// Files, each within [`FILE_LIMIT`].
    #[serde(skip)]
    pub files: Vec<File>,
    /// How the message is kept true.
    #[serde(skip)]
    pub upkeep: Upkeep,
    /// Whether it makes no phone ring: people know what they wrote elsewhere.
    #[serde(skip)]
    pub silent: bool,
    /// What to show where Discord does not take the files.
    #[serde(skip)]
    pub instead: Option<Box<Draft>>,
    /// The message of its channel that it replies to. Only the bot itself can reply.
    #[serde(skip)]
    pub under: Option<DiscordMessageId>,
    /// For a message that a thread begins with: how that should look.
    #[serde(skip)]
    pub thread: Option<Opening>,
}

/// A thread as it should look from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// What it is called.
    pub name: String,
    /// The word of its tag.
    pub tag: String,
}

/// How a message is kept true, and known again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Upkeep {
    /// All of its text is what it is known by.
    #[default]
    Said,
    /// Its first line names it, whatever else changes.
    Card,
    /// Its first bytes, so many, name it; what follows counts, and changes.
    Counted(usize),
    /// Its first bytes, so many, quote another message, and how they do that may change.
    Quoting(usize),
    /// The same as a card, and it changes for ever: Discord caps edits of messages that are older than an
    /// hour (30046), so that one is posted anew.
    Renewed,
}

/// A text file that comes with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The name people see.
    pub name: String,
    /// What it says.
    pub text: Arc<str>,
    digest: [u8; 32],
}

impl File {
    /// A file of this name.
    pub fn new(name: String, text: String) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update([0]);
        hasher.update(text.as_bytes());
        Self {
            name,
            text: text.into(),
            digest: hasher.finalize().into(),
        }
    }
}

impl From<String> for Draft {
    fn from(content: String) -> Self {
        Self::text(content)
    }
}

impl Draft {
    /// Words of the bot itself.
    pub fn text(content: impl Into<String>) -> Self {
        Self {
            content: content.into(),
            ..Self::default()
        }
    }

    /// Words under a name.
    pub fn spoken(persona: Persona, content: String) -> Self {
        Self {
            persona: Some(persona),
            ..Self::text(content)
        }
    }

    /// The same as a reply to a message.
    #[must_use]
    pub fn under(mut self, message: DiscordMessageId) -> Self {
        self.under = Some(message);
        self
    }

    /// What a draft says, in 16 bytes, and 8 more where files come with it: equal hashes need no
    /// edit.
    pub fn hash(&self) -> Vec<u8> {
        let mut hasher = Sha256::new();
        if let Some(persona) = &self.persona {
            hasher.update(persona.name.as_bytes());
        }
        hasher.update([0]);
        hasher.update(self.content.as_bytes());
        if !(self.embeds.is_empty() && self.components.is_empty()) {
            hasher.update([0]);
            // Plain structs of texts and numbers: nothing in them can fail to be written.
            let shown = serde_json::to_vec(&(&self.embeds, &self.components));
            hasher.update(shown.unwrap_or_default());
        }
        let mut hash = hasher.finalize()[..SAID_BYTES].to_vec();
        hash.extend(self.files_hash());
        hash
    }

    /// Whether the message that was sent under this hash has the files of this draft already.
    pub fn has_files_of(&self, sent: Option<&[u8]>) -> bool {
        let theirs = sent.and_then(|hash| hash.get(SAID_BYTES..));
        theirs.unwrap_or_default() == self.files_hash()
    }

    fn files_hash(&self) -> Vec<u8> {
        if self.files.is_empty() {
            return Vec::new();
        }
        let mut hasher = Sha256::new();
        for file in &self.files {
            hasher.update(file.digest);
        }
        hasher.finalize()[..FILES_BYTES].to_vec()
    }

    /// What tells this message from others of ours when a channel is read back.
    pub fn mark(&self) -> Mark<'_> {
        match self.upkeep {
            Upkeep::Said => Mark::Whole(&self.content),
            Upkeep::Counted(bytes) => {
                Mark::Beginning(self.content.get(..bytes).unwrap_or(&self.content))
            }
            Upkeep::Quoting(bytes) => Mark::Answer(self.content.get(bytes..).unwrap_or_default()),
            Upkeep::Card | Upkeep::Renewed => {
                Mark::FirstLine(self.content.lines().next().unwrap_or_default())
            }
        }
    }
}

/// What a message is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// All of its text.
    Whole(&'a str),
    /// The first line of its text.
    FirstLine(&'a str),
    /// Its beginning.
    Beginning(&'a str),
    /// All of its text after a line that quotes another message.
    Answer(&'a str),
}
