//! Runs of jobs. The job's row is the mutex: a run is claimed by a conditional UPDATE (`claims.rs`), and an advisory lock
//! tells one in work from one whose executor died.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{KeptJob, mirror};
use crate::model::AgentKey;
use crate::model::thread::Place;
use crate::store::chat::{storable, storable_json, thread_titled};
use crate::store::locks::{LockKey, SessionLocks};
use crate::store::turn::Outgoing;
use crate::store::{Result, Store};

/// What is said about a run that was cut off.
pub const CUT_OFF: &str =
    "The executor stopped during the run. The agent may have done part of its work.";

/// A run that is the caller's, to be settled with [`Store::finish_run`] or [`Store::release_run`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Names it.
    pub id: Uuid,
    /// The job as it was claimed.
    pub job: KeptJob,
    /// The request that asked for it; none where its time had come.
    pub request: Option<Uuid>,
}

/// What a run leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    /// When it began, by the executor's clock.
    pub began: DateTime<Utc>,
    /// How long it took, in milliseconds.
    pub duration_ms: i32,
    /// Why it failed; none where it went well.
    pub error: Option<String>,
    /// The end of what the agent printed.
    pub tail: String,
    /// Who ran, where that could be told.
    pub agent: Option<AgentKey>,
    /// Whether it was a heartbeat.
    pub heartbeat: bool,
    /// Type and message of its activity.
    pub activity: Option<(&'static str, String)>,
    /// What is said in the agent's direct thread.
    pub messages: Vec<Outgoing>,
}

impl Ended {
    /// Nobody knows how it went: its executor is gone.
    fn cut_off(began: DateTime<Utc>) -> Self {
        Self {
            began,
            duration_ms: 0,
            error: Some(CUT_OFF.to_owned()),
            tail: String::new(),
            agent: None,
            heartbeat: false,
            activity: None,
            messages: Vec::new(),
        }
    }
}

impl Store {
    /// Writes how a run ended: the job, its mirror, the request, the activity, what the agent said. False when the run
    /// was settled before, or its job is gone; then only the request hears of it. May be repeated.
    pub async fn finish_run(&self, run: &Run, ended: &Ended) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let job: Option<(String, Option<String>)> = sqlx::query_as(
            "UPDATE bridge.job AS j SET run_id = NULL, run_request = NULL, run_began_at = NULL, last_run_at = $3,
                 last_status = $4, last_duration_ms = $5
             FROM (SELECT id, last_status FROM bridge.job WHERE id = $1 FOR UPDATE) AS before
             WHERE j.id = before.id AND run_id = $2 RETURNING job_id, before.last_status",
        )
        .bind(run.job.id)
        .bind(run.id)
        .bind(ended.began)
        .bind(if ended.error.is_none() { "ok" } else { "error" })
        .bind(ended.duration_ms)
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(request) = run.request {
            settle_request(&mut tx, (request, &run.job.job), ended).await?;
        }
        if let Some((job, before)) = &job {
            mirror(&mut tx, &self.project, job).await?;
            // A heartbeat that keeps failing is told once.
            let repeated =
                ended.heartbeat && ended.error.is_some() && before.as_deref() == Some("error");
            if !repeated {
                self.note_run(&mut tx, ended).await?;
            }
            self.say_all(&mut tx, ended).await?;
        }
        tx.commit().await?;
        Ok(job.is_some())
    }

    async fn note_run(&self, on: &mut PgConnection, ended: &Ended) -> Result<()> {
        let agent = ended.agent.as_ref().map(AgentKey::as_str);
        if let Some((kind, message)) = &ended.activity {
            sqlx::query(
                "INSERT INTO activities (project_id, type, message, actor_agent_key) VALUES ($1, $2, $3, $4)",
            )
            .bind(self.project.as_str())
            .bind(kind)
            .bind(storable(message))
            .bind(agent)
            .execute(&mut *on)
            .await?;
        }
        if ended.heartbeat && ended.error.is_none() {
            sqlx::query(
                "UPDATE agent_status SET last_heartbeat_at = now() WHERE project_id = $1 AND agent_key = $2",
            )
            .bind(self.project.as_str())
            .bind(agent)
            .execute(on)
            .await?;
        }
        Ok(())
    }

    async fn say_all(&self, on: &mut PgConnection, ended: &Ended) -> Result<()> {
        let Some(agent) = ended.agent.as_ref().filter(|_| !ended.messages.is_empty()) else {
            return Ok(());
        };
        let thread = match Place::Dm(agent.clone()).title() {
            Some(title) => Some(thread_titled(on, &self.project, &title).await?),
            None => None,
        };
        for (position, message) in (0_i32..).zip(&ended.messages) {
            sqlx::query(
                "INSERT INTO project_chat_messages
                     (id, project_id, thread_id, author, message, message_type, metadata, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 microsecond')
                 ON CONFLICT (id) DO NOTHING",
            )
            .bind(message.id.0)
            .bind(self.project.as_str())
            .bind(thread)
            .bind(agent.as_str())
            .bind(storable(&message.text))
            .bind(&message.message_type)
            .bind(storable_json(&message.metadata))
            .bind(position)
            .execute(&mut *on)
            .await?;
        }
        Ok(())
    }

    /// Gives back a run that was never begun: its time comes again, and its request waits again.
    pub async fn release_run(&self, run: &Run) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "UPDATE bridge.job SET run_id = NULL, run_request = NULL, run_began_at = NULL,
                 next_run_at = CASE WHEN $3 THEN next_run_at ELSE $4 END
             WHERE id = $1 AND run_id = $2",
        )
        .bind(run.job.id)
        .bind(run.id)
        .bind(run.request.is_some())
        .bind(run.job.next)
        .execute(&mut *tx)
        .await?;
        sqlx::query(
            "UPDATE cron_run_requests SET status = 'queued', picked_up_at = NULL
             WHERE id = $1 AND status = 'running'",
        )
        .bind(run.request)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }
}

async fn settle_request(
    on: &mut PgConnection,
    (request, job): (Uuid, &str),
    ended: &Ended,
) -> Result<()> {
    let error = ended.error.as_deref();
    let mut result = json!({
        "jobId": job,
        "exitCode": i32::from(error.is_some()),
        "durationMs": ended.duration_ms,
        "stdoutTail": ended.tail,
        "stderrTail": error.unwrap_or_default(),
    });
    if let Some(error) = error {
        result["error"] = Value::from(error);
    }
    sqlx::query(
        "UPDATE cron_run_requests SET status = $2, completed_at = clock_timestamp(), result = $3
         WHERE id = $1 AND status = 'running'",
    )
    .bind(request)
    .bind(if error.is_none() { "done" } else { "error" })
    .bind(storable_json(&result))
    .execute(on)
    .await?;
    Ok(())
}

/// The lock of who runs a job.
pub fn lock_of(job: Uuid) -> LockKey {
    LockKey::of(&[b"executor job ", job.as_bytes()])
}

impl SessionLocks {
    /// Settles the runs whose executor is gone. Returns how many.
    pub async fn fail_cut_off_runs(&self, store: &Store) -> Result<usize> {
        type Marked = (Uuid, Uuid, Option<Uuid>, Option<DateTime<Utc>>);
        let running: Vec<Marked> = sqlx::query_as(
            "SELECT id, run_id, run_request, run_began_at FROM bridge.job
             WHERE project_id = $1 AND run_id IS NOT NULL",
        )
        .bind(store.project.as_str())
        .fetch_all(&store.pool)
        .await?;
        let jobs = if running.is_empty() {
            Vec::new()
        } else {
            store.kept_jobs().await?
        };
        let mut failed = 0;
        for (job, run, request, began) in running {
            let Some(job) = jobs.iter().find(|it| it.id == job) else {
                continue;
            };
            if !self.take(lock_of(job.id)).await? {
                continue;
            }
            let run = Run {
                id: run,
                job: job.clone(),
                request,
            };
            let told = store
                .finish_run(&run, &Ended::cut_off(began.unwrap_or_default()))
                .await;
            self.release(lock_of(job.id)).await;
            failed += usize::from(told?);
        }
        Ok(failed)
    }
}
