//! The schedule as people see it, and what is asked about it.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::Job;

/// Silence after which what the mirror shows may be old.
const STALE: TimeDelta = TimeDelta::minutes(10);

/// What a request is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ask {
    /// Making a job.
    Create,
    /// Changing one.
    Patch,
    /// Running one now.
    Run,
    /// Deleting one.
    Delete,
}

impl Ask {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Create, Self::Patch, Self::Run, Self::Delete];

    /// One word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Patch => "edit",
            Self::Run => "run",
            Self::Delete => "delete",
        }
    }
}

/// The schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct Agenda {
    /// The jobs, heartbeats first, each group by name.
    pub jobs: Vec<Job>,
    /// What waits and what has failed in the last week, newest first.
    pub requests: Vec<Request>,
    /// When whoever keeps the mirror gave its last sign of life.
    pub seen: Option<DateTime<Utc>>,
    /// Whether it is ours, which gives one every two minutes.
    pub ours: bool,
}

/// A request that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its row.
    pub id: Uuid,
    /// What it asks for.
    pub ask: Ask,
    /// The job's name, or its id.
    pub job: String,
    /// The job's id, where there is one already.
    pub job_id: Option<String>,
    /// When it was filed.
    pub at: DateTime<Utc>,
    /// Whether an executor has it.
    pub running: bool,
    /// Why it has failed; none where it waits.
    pub error: Option<String>,
}

impl Agenda {
    /// Since when nobody has kept the list, where it may be old by now. Our executor gives signs of life; existing ones
    /// give none, so there also a job must be overdue.
    pub fn stale_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let overdue = |job: &Job| job.enabled && job.next.is_some_and(|next| now - next > STALE);
        let seen = self.seen.filter(|seen| now - *seen > STALE)?;
        (self.ours || self.jobs.iter().any(overdue)).then_some(seen)
    }
}
