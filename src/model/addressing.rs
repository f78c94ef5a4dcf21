//! Who is addressed in the Team Room: the agents whose names stand behind an `@`.

use std::sync::Arc;

use super::AgentKey;
use super::agent::Agent;
use super::markup::{Piece, pieces};

/// An agent and the name that people call it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// Its key.
    pub key: AgentKey,
    /// Its name; may be empty, and may be another's too.
    pub name: String,
}

impl Called {
    /// Everything that it is called: its name, its short id, its key.
    fn labels(&self) -> [&str; 3] {
        [&self.name, self.key.short(), self.key.as_str()]
    }
}

/// The agents of a project, by what they are called. Clones share it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Roster(Arc<[Called]>);

impl Roster {
    /// From the rows of `agents`, in their order.
    pub fn new(agents: &[Agent]) -> Self {
        let called = |agent: &Agent| Called {
            key: agent.key.clone(),
            name: agent.name.clone(),
        };
        Self(agents.iter().map(called).collect())
    }

    /// Every agent.
    pub fn iter(&self) -> impl Iterator<Item = &Called> {
        self.0.iter()
    }

    /// The agent that is called exactly this, in any case: by its key, else by its short id, else by
    /// its name.
    pub fn find(&self, word: &str) -> Option<&Called> {
        let word = word.trim().trim_start_matches('@').to_lowercase();
        if word.is_empty() {
            return None;
        }
        let by = |label: usize| {
            let mut all = self.0.iter();
            all.find(|it| it.labels()[label].trim().to_lowercase() == word)
        };
        by(2).or_else(|| by(1)).or_else(|| by(0))
    }

    /// The agents that a text names behind an `@`, in its order, each once. Of several names that fit in
    /// one place the longest counts, and with it everybody who is called so. What stands in code, in an
    /// e-mail address or a link, or behind a backslash names nobody.
    pub fn addressed(&self, text: &str) -> Vec<AgentKey> {
        let mut all: Vec<AgentKey> = Vec::new();
        for piece in pieces(text) {
            let Piece::Prose(prose) = piece else {
                continue;
            };
            let mut at = 0;
            while let Some(found) = prose[at..].find('@') {
                let sign = at + found;
                at = sign + 1;
                if prose[..sign].chars().next_back().is_some_and(binds) {
                    continue;
                }
                let (length, named) = self.named(&prose[at..]);
                at += length;
                for key in named {
                    if !all.contains(key) {
                        all.push(key.clone());
                    }
                }
            }
        }
        all
    }

    /// How much of the beginning of a text is a name, and whose.
    fn named(&self, text: &str) -> (usize, Vec<&AgentKey>) {
        let mut best = (0, Vec::new());
        for called in self.0.iter() {
            let lengths = called.labels().map(|label| begins(label, text));
            let length = lengths.into_iter().flatten().max().unwrap_or_default();
            if length > best.0 {
                best = (length, Vec::new());
            }
            if length > 0 && length == best.0 {
                best.1.push(&called.key);
            }
        }
        best
    }
}

/// The agents that a text mentions as `ClawdOS` reads it: `@` and a short id or a key, each once, in their
/// order. Whether they are there is not known here.
pub fn mentioned(text: &str) -> Vec<AgentKey> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':' | '-');
    let mut all: Vec<AgentKey> = Vec::new();
    for part in text.split('@').skip(1) {
        let length = part.find(|c| !word(c)).unwrap_or(part.len());
        // A colon behind a name ends it: "@ricky: look".
        let Ok(key) = part[..length].trim_end_matches(':').parse::<AgentKey>() else {
            continue;
        };
        if !all.iter().any(|known| known.short() == key.short()) {
            all.push(key);
        }
    }
    all
}

/// Whether an `@` behind this belongs to something else: an address, a link, a mention of Discord's.
fn binds(before: char) -> bool {
    before.is_alphanumeric() || matches!(before, '_' | '%' | '+' | '=' | '/' | '<' | '\\')
}

/// How many bytes of a text the label takes where the text begins with it, in any case and with any
/// blanks between its words, as a word of its own.
fn begins(label: &str, text: &str) -> Option<usize> {
    let mut rest = text;
    for (at, word) in label.split_whitespace().enumerate() {
        if at > 0 {
            let next = rest.trim_start_matches([' ', '\t', '\u{a0}']);
            if next.len() == rest.len() {
                return None;
            }
            rest = next;
        }
        for wanted in word.chars() {
            let found = rest.chars().next()?;
            if !wanted.to_lowercase().eq(found.to_lowercase()) {
                return None;
            }
            rest = &rest[found.len_utf8()..];
        }
    }
    let mut after = rest.chars();
    let goes_on = match after.next() {
        Some('-') => after.next().is_some_and(char::is_alphanumeric),
        Some(c) => c.is_alphanumeric() || c == '_',
        None => false,
    };
    let length = text.len() - rest.len();
    (length > 0 && !goes_on).then_some(length)
}
