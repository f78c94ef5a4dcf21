//! A job as people see it.

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::instructions::Instructions;
use super::{Field, Schedule, Wrong, quoted};
use crate::model::AgentKey;

/// The `job_intent` of heartbeats.
pub const HEARTBEAT: &str = "heartbeat";

/// The `job_intent` of jobs that are no heartbeats: without one, whatever runs every so often counts as one.
pub const TASK: &str = "task";

/// The `job_id` of the mirror's own note, which is no job (source: `ClawdOS`).
pub const MIRROR_STATE: &str = "__mirror_state__";

/// Longest name of a job, in characters.
pub const NAME: usize = 100;

/// Longest text that an agent is told, in characters.
pub const INSTRUCTIONS: usize = 4_000;

/// What a person can change about a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobText {
    /// How it is called.
    pub name: String,
    /// The word of the schedule's kind.
    pub kind: Option<String>,
    /// The schedule's expression.
    pub expr: String,
    /// The time zone.
    pub tz: Option<String>,
    /// What to do, with headers.
    pub instructions: String,
    /// Who does it, as the row says.
    pub agent: Option<String>,
    /// What it is for.
    pub intent: Option<String>,
}

impl JobText {
    /// Tells whether somebody has changed it meanwhile: 16 hexadecimal digits.
    pub fn version(&self) -> String {
        let mut hasher = Sha256::new();
        let empty = String::new();
        for part in [
            &self.name,
            self.kind.as_ref().unwrap_or(&empty),
            &self.expr,
            self.tz.as_ref().unwrap_or(&empty),
            &self.instructions,
            self.agent.as_ref().unwrap_or(&empty),
        ] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        format!("{:016x}", u64::from_be_bytes(first))
    }

    /// When it runs.
    pub fn schedule(&self) -> Result<Schedule, Wrong> {
        Schedule::read(self.kind.as_deref(), &self.expr, self.tz.as_deref())
    }

    /// What is wrong with it; else when it runs and whose it is. Whether that agent exists is another question.
    pub fn check(&self) -> Result<(Schedule, AgentKey), Wrong> {
        let length = self.name.trim().chars().count();
        if !(1..=NAME).contains(&length) || self.name.contains(char::is_control) {
            let reason = format!("a name has 1 to {NAME} visible characters");
            return Err(Wrong::new(Field::Name, reason));
        }
        let schedule = self.schedule()?;
        let read = Instructions::read(&self.instructions);
        let said = |word: Option<&str>| word.is_some_and(|it| it.trim() == HEARTBEAT);
        if let Schedule::Every(time) = schedule
            && (said(self.intent.as_deref()) || said(read.intent.as_deref()))
        {
            Schedule::heartbeat(time)?;
        }
        let length = read.body.chars().count();
        if !(1..=INSTRUCTIONS).contains(&length) {
            let reason =
                format!("an agent is told something, in {INSTRUCTIONS} characters at most");
            return Err(Wrong::new(Field::Instructions, reason));
        }
        match (&self.agent, self.agent()) {
            (Some(key), _) if key.parse::<AgentKey>().is_err() => {
                let reason = format!("{} is no agent's key", quoted(key));
                Err(Wrong::new(Field::Agent, reason))
            }
            (_, Some(agent)) => Ok((schedule, agent)),
            (_, None) => Err(Wrong::new(Field::Agent, "the job names no agent")),
        }
    }

    /// Whether it is a heartbeat.
    pub fn is_heartbeat(&self) -> bool {
        let read = Instructions::read(&self.instructions);
        let headed = read.intent.as_deref();
        is_heartbeat(
            self.intent.as_deref(),
            self.kind.as_deref(),
            &self.name,
            headed,
        )
    }

    /// Whose it is: as the row says, else as the headers say, else by the name of a heartbeat.
    pub fn agent(&self) -> Option<AgentKey> {
        let written = self.agent.as_deref().and_then(|key| key.parse().ok());
        let headed = || Instructions::read(&self.instructions).agent;
        let named = || self.name.trim().strip_prefix("heartbeat-")?.parse().ok();
        written.or_else(headed).or_else(named)
    }
}

/// A row of the mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// The row.
    pub row: Uuid,
    /// Its name among executors.
    pub id: String,
    /// What a person can change.
    pub text: JobText,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// When it runs next.
    pub next: Option<DateTime<Utc>>,
    /// When it ran last.
    pub last: Option<DateTime<Utc>>,
    /// How that ended.
    pub status: Option<String>,
    /// How long that took.
    pub duration_ms: Option<i32>,
}

/// Whether a job is a heartbeat, by every signal that there is: what it is for, how it is called, and that it runs
/// every so often for no stated purpose.
pub fn is_heartbeat(
    intent: Option<&str>,
    kind: Option<&str>,
    name: &str,
    headed: Option<&str>,
) -> bool {
    let word = |text: Option<&str>| {
        let text = text.map(|text| text.trim().to_ascii_lowercase());
        text.filter(|text| !text.is_empty())
    };
    let (intent, headed) = (word(intent), word(headed));
    let said = |text: &Option<String>| text.as_deref() == Some(HEARTBEAT);
    let named = name.trim().strip_prefix("heartbeat-");
    let every = matches!(kind.map(str::trim), Some("every" | "interval"));
    said(&intent)
        || said(&headed)
        || named.is_some_and(|short| !short.is_empty() && !short.contains(char::is_whitespace))
        || (every && intent.is_none() && headed.is_none())
}
