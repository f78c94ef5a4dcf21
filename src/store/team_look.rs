//! The team as people look at it: each agent with how it is, what it works on, and its jobs.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::team::short;
use super::{Result, Store, readable};
use crate::model::AgentKey;
use crate::model::message::Author;
use crate::model::presence::presence;
use crate::model::schedule;
use crate::model::team::{Job, Member};

/// Open proposals that are counted; a team with more has other worries.
const MOST_PROPOSALS: i64 = 500;

/// Jobs of one agent that are told.
const MOST_JOBS: usize = 10;

/// Characters of a text of the table that are read: somebody may have written megabytes.
macro_rules! cut {
    ($column:literal) => {
        concat!("left(", $column, ", 2000)")
    };
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    agent_key: String,
    name: String,
    role: Option<String>,
    purpose: Option<String>,
    emoji: Option<String>,
    provisioned: bool,
    state: Option<String>,
    seen: Option<DateTime<Utc>>,
    note: Option<String>,
    task_id: Option<Uuid>,
    task_title: Option<String>,
    read_at: DateTime<Utc>,
}

impl Row {
    fn member(self, proposers: &[Author]) -> Option<Member> {
        // One whose key is none is left out everywhere.
        let key: AgentKey = self.agent_key.parse().ok()?;
        let own = |it: &&Author| matches!(it, Author::Agent(agent) if agent.short() == key.short());
        let text = |it: Option<String>| it.filter(|text| !text.trim().is_empty());
        Some(Member {
            proposals: proposers.iter().filter(own).count(),
            row: self.id,
            name: self.name,
            role: text(self.role),
            purpose: text(self.purpose),
            emoji: text(self.emoji),
            is_provisioned: self.provisioned,
            presence: presence(self.state.as_deref(), self.seen, self.read_at),
            seen: self.seen,
            note: text(self.note),
            task: self.task_id.zip(self.task_title),
            key,
        })
    }
}

/// What an agent works on: what it says itself, unless that is over, else the task in progress that is its own
/// and changed last.
const TEAM: &str = concat!(
    "SELECT a.id, a.agent_key, ",
    cut!("a.name"),
    " AS name, ",
    cut!("a.role"),
    " AS role, ",
    cut!("coalesce(nullif(a.purpose_text, ''), a.description)"),
    " AS purpose, ",
    cut!("a.emoji"),
    " AS emoji, a.provisioned, s.state, ",
    readable!("greatest(s.last_activity_at, s.last_heartbeat_at)"),
    " AS seen, ",
    cut!("s.note"),
    " AS note, k.id AS task_id, ",
    cut!("k.title"),
    " AS task_title, now() AS read_at
     FROM agents a
     LEFT JOIN agent_status s ON s.project_id = a.project_id AND s.agent_key = a.agent_key
     LEFT JOIN LATERAL (
         SELECT t.id, t.title FROM tasks t
         WHERE t.project_id = $1 AND t.deleted_at IS NULL AND t.rejected_at IS NULL
           AND (t.id = s.current_task_id AND t.status NOT IN ('done', 'stopped')
                OR t.status = 'in_progress' AND ",
    short!("t.assignee_agent_key"),
    " = ",
    short!("a.agent_key"),
    ")
         ORDER BY t.id IS NOT DISTINCT FROM s.current_task_id DESC, t.updated_at DESC, t.id LIMIT 1
     ) k ON true
     WHERE a.project_id = $1 ORDER BY a.created_at, a.agent_key"
);

impl Store {
    /// Every agent, oldest first.
    pub async fn members(&self) -> Result<Vec<Member>> {
        let rows: Vec<Row> = sqlx::query_as(TEAM)
            .bind(self.project.as_str())
            .fetch_all(&self.pool)
            .await?;
        let open = self.open_proposals(MOST_PROPOSALS).await?;
        let proposers: Vec<Author> = open.into_iter().map(|it| it.proposer).collect();
        let members = rows.into_iter().filter_map(|row| row.member(&proposers));
        Ok(members.collect())
    }

    /// The first jobs of an agent, heartbeats before the others.
    pub async fn jobs_of(&self, agent: &AgentKey) -> Result<Vec<Job>> {
        let jobs = self.jobs().await?.into_iter();
        let own = jobs.filter(|job| {
            let whose = job.text.agent();
            whose.is_some_and(|whose| whose.short() == agent.short())
        });
        Ok(own.take(MOST_JOBS).map(told).collect())
    }
}

/// What is told of a job beside its agent.
fn told(job: schedule::Job) -> Job {
    Job {
        is_heartbeat: job.text.is_heartbeat(),
        name: job.text.name,
        enabled: job.enabled,
        next_run_at: job.next,
        last_run_at: job.last,
        last_status: job.status,
    }
}
