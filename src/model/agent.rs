//! An agent: somebody in the team who is software.

use super::AgentKey;

/// A row of `agents`, as far as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its key in every other table.
    pub key: AgentKey,
    /// The name people call it by.
    pub name: String,
    /// What it does in the team.
    pub role: Option<String>,
    /// One emoji that stands for it.
    pub emoji: Option<String>,
}
