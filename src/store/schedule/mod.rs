//! Scheduled jobs: those of the built-in executor (`bridge.job`), the mirror that everybody reads, and the requests.

mod abandoned;
mod ask;
mod claims;
mod look;
mod patch;
mod requests;
pub mod runs;

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Result, Store, readable};
use crate::model::ProjectId;
use crate::model::schedule::{JobText, MIRROR_STATE};

/// The name of the mirror's note where our executor keeps it.
pub const KEEPER: &str = "clawdos-bridge";

/// SQL that is true where another executor keeps the mirror of project `$1`.
macro_rules! kept_by_others {
    () => {
        "EXISTS (SELECT FROM cron_mirror AS kept WHERE kept.project_id = $1
                 AND kept.job_id = '__mirror_state__' AND kept.name <> 'clawdos-bridge')"
    };
}
use kept_by_others;

/// SQL for the columns of a [`KeptJob`].
macro_rules! columns {
    () => {
        "id, job_id, name, schedule_kind, schedule_expr, tz, instructions, target_agent_key, job_intent, enabled,
         run_id, CASE WHEN next_run_at < '0001-01-01' THEN '0001-01-01'
             WHEN next_run_at > '9999-12-31' THEN '9999-12-31' ELSE next_run_at END AS next_run_at"
    };
}
use columns;

/// A job of the built-in executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptJob {
    /// Its row.
    pub id: Uuid,
    /// Its name among executors.
    pub job: String,
    /// What it is.
    pub text: JobText,
    /// Whether it runs by itself.
    pub enabled: bool,
    /// When it runs next.
    pub next: Option<DateTime<Utc>>,
    /// Whether it runs now.
    pub running: bool,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    job_id: String,
    name: String,
    schedule_kind: Option<String>,
    schedule_expr: String,
    tz: Option<String>,
    instructions: String,
    target_agent_key: Option<String>,
    job_intent: Option<String>,
    enabled: bool,
    run_id: Option<Uuid>,
    next_run_at: Option<DateTime<Utc>>,
}

impl From<Row> for KeptJob {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            job: row.job_id,
            text: JobText {
                name: row.name,
                kind: row.schedule_kind,
                expr: row.schedule_expr,
                tz: row.tz,
                instructions: row.instructions,
                agent: row.target_agent_key,
                intent: row.job_intent,
            },
            enabled: row.enabled,
            next: row.next_run_at,
            running: row.run_id.is_some(),
        }
    }
}

impl Store {
    /// The jobs of the built-in executor, the next one first.
    pub async fn kept_jobs(&self) -> Result<Vec<KeptJob>> {
        let rows: Vec<Row> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM bridge.job WHERE project_id = $1 ORDER BY bridge.job.next_run_at, job_id"
        ))
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(KeptJob::from).collect())
    }

    /// Takes over jobs that only the mirror knows, once each, unless another executor keeps the mirror. Returns how
    /// many.
    pub async fn adopt_jobs(&self) -> Result<u64> {
        let adopted = sqlx::query(concat!(
            "INSERT INTO bridge.job (project_id, job_id, name, schedule_kind, schedule_expr, tz, instructions,
                 target_agent_key, job_intent, context_policy, enabled, next_run_at, last_run_at, last_status,
                 last_duration_ms)
             SELECT project_id, job_id, name, schedule_kind, coalesce(schedule_expr, ''), tz,
                 coalesce(instructions, ''), target_agent_key, job_intent, context_policy, enabled, ",
            readable!("next_run_at"),
            ", ",
            readable!("last_run_at"),
            ", last_status, last_duration_ms
             FROM cron_mirror WHERE project_id = $1 AND job_id <> $2 AND NOT ",
            kept_by_others!(),
            " ON CONFLICT DO NOTHING"
        ))
        .bind(self.project.as_str())
        .bind(MIRROR_STATE)
        .execute(&self.pool)
        .await?;
        Ok(adopted.rows_affected())
    }

    /// Corrects when a job runs next, and shows it; only if that still is as it was seen.
    pub async fn correct_next(&self, job: &KeptJob, next: Option<DateTime<Utc>>) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let done = sqlx::query(
            "UPDATE bridge.job SET next_run_at = $3
             WHERE id = $1 AND run_id IS NULL AND enabled
               AND (next_run_at IS NOT DISTINCT FROM $2 OR next_run_at IN ('infinity', '-infinity'))",
        )
        .bind(job.id)
        .bind(job.next)
        .bind(next)
        .execute(&mut *tx)
        .await?;
        mirror(&mut tx, &self.project, &job.job).await?;
        tx.commit().await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes that our executor keeps the mirror, as the mirror's note of existing ones does, and puts back rows that
    /// somebody took out of it. A note of another executor is left alone.
    pub async fn keep_mirror(&self) -> Result<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO cron_mirror (project_id, job_id, name, schedule_kind, enabled, updated_at)
             VALUES ($1, $2, $3, 'state', false, now())
             ON CONFLICT (project_id, job_id) DO UPDATE SET updated_at = now()
             WHERE cron_mirror.name = $3",
        )
        .bind(self.project.as_str())
        .bind(MIRROR_STATE)
        .bind(KEEPER)
        .execute(&mut *tx)
        .await?;
        let lost: Vec<String> = sqlx::query_scalar(
            "SELECT job_id FROM bridge.job AS j WHERE project_id = $1 AND NOT EXISTS (
                 SELECT FROM cron_mirror AS m WHERE m.project_id = $1 AND m.job_id = j.job_id)",
        )
        .bind(self.project.as_str())
        .fetch_all(&mut *tx)
        .await?;
        for job in lost {
            mirror(&mut tx, &self.project, &job).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// Makes the mirror's row of a job say what the job is; without a job there is no row.
async fn mirror(on: &mut PgConnection, project: &ProjectId, job: &str) -> Result<()> {
    let shown = sqlx::query(
        "INSERT INTO cron_mirror AS m (project_id, job_id, name, schedule_kind, schedule_expr, tz, enabled,
             next_run_at, last_run_at, last_status, last_duration_ms, instructions, target_agent_key, job_intent,
             context_policy, updated_at)
         SELECT project_id, job_id, name, schedule_kind, schedule_expr, tz, enabled,
             CASE WHEN enabled THEN next_run_at END, last_run_at, last_status, last_duration_ms, instructions,
             target_agent_key, job_intent, context_policy, now()
         FROM bridge.job WHERE project_id = $1 AND job_id = $2
         ON CONFLICT (project_id, job_id) DO UPDATE SET
             name = excluded.name, schedule_kind = excluded.schedule_kind,
             schedule_expr = excluded.schedule_expr, tz = excluded.tz, enabled = excluded.enabled,
             next_run_at = excluded.next_run_at, last_run_at = excluded.last_run_at,
             last_status = excluded.last_status, last_duration_ms = excluded.last_duration_ms,
             instructions = excluded.instructions, target_agent_key = excluded.target_agent_key,
             job_intent = excluded.job_intent, context_policy = excluded.context_policy,
             updated_at = excluded.updated_at",
    )
    .bind(project.as_str())
    .bind(job)
    .execute(&mut *on)
    .await?;
    if shown.rows_affected() == 0 {
        sqlx::query("DELETE FROM cron_mirror WHERE project_id = $1 AND job_id = $2")
            .bind(project.as_str())
            .bind(job)
            .execute(on)
            .await?;
    }
    Ok(())
}
