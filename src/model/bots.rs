//! Agents' own bots: which of them is up, and why the others are not.

use std::collections::BTreeMap;

/// How an agent's own bot is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BotState {
    /// It connects.
    Starting,
    /// It is connected.
    Up,
    /// Its messages can be sent and changed, but nobody hears what people write to it: why.
    Deaf(String),
    /// Discord does not take anything from it: why.
    Down(String),
}

impl BotState {
    /// Whether Discord takes nothing from it.
    pub fn is_down(&self) -> bool {
        matches!(self, Self::Down(_))
    }

    /// What is wrong, as a part of a sentence; none where all is well.
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Starting | Self::Up => None,
            Self::Deaf(reason) | Self::Down(reason) => Some(reason),
        }
    }
}

/// The bots by their agents' short names.
pub type Bots = BTreeMap<String, BotState>;
