//! The team as people look at it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AgentKey;
use super::presence::Presence;

/// An agent as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The row.
    pub row: Uuid,
    /// Its key.
    pub key: AgentKey,
    /// The name people call it by.
    pub name: String,
    /// What it does in the team.
    pub role: Option<String>,
    /// What it is for, at length.
    pub purpose: Option<String>,
    /// One emoji that stands for it.
    pub emoji: Option<String>,
    /// Whether an executor has made it ready.
    pub is_provisioned: bool,
    /// How it is.
    pub presence: Presence,
    /// When it was last heard of.
    pub seen: Option<DateTime<Utc>>,
    /// What it says it is doing.
    pub note: Option<String>,
    /// The task that it works on, with its title.
    pub task: Option<(Uuid, String)>,
    /// Its proposals that wait for a decision.
    pub proposals: usize,
}

/// A scheduled job, as its row of `cron_mirror` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// What it is called.
    pub name: String,
    /// Whether it is a heartbeat.
    pub is_heartbeat: bool,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// When it runs next.
    pub next_run_at: Option<DateTime<Utc>>,
    /// When it ran last.
    pub last_run_at: Option<DateTime<Utc>>,
    /// How that went.
    pub last_status: Option<String>,
}
