//! The schedule as people see it: the mirror, what waits, and what has failed.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use crate::model::schedule::{Agenda, Ask, Job, JobText, MIRROR_STATE, Request};
use crate::store::{Result, Store, readable};

/// Most jobs that are listed, and requests.
const MOST: i64 = 1_000;
const MOST_REQUESTS: i64 = 20;

#[derive(FromRow)]
struct JobRow {
    id: Uuid,
    job_id: String,
    name: String,
    schedule_kind: Option<String>,
    schedule_expr: Option<String>,
    tz: Option<String>,
    instructions: Option<String>,
    target_agent_key: Option<String>,
    job_intent: Option<String>,
    enabled: bool,
    next_run_at: Option<DateTime<Utc>>,
    last_run_at: Option<DateTime<Utc>>,
    last_status: Option<String>,
    last_duration_ms: Option<i32>,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            row: row.id,
            id: row.job_id,
            text: JobText {
                name: row.name,
                kind: row.schedule_kind,
                expr: row.schedule_expr.unwrap_or_default(),
                tz: row.tz,
                instructions: row.instructions.unwrap_or_default(),
                agent: row.target_agent_key,
                intent: row.job_intent,
            },
            enabled: row.enabled,
            next: row.next_run_at,
            last: row.last_run_at,
            status: row.last_status,
            duration_ms: row.last_duration_ms,
        }
    }
}

impl Store {
    /// The jobs of the mirror, heartbeats first, each group by name; those whose deletion is asked for are left out.
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        let rows: Vec<JobRow> = sqlx::query_as(concat!(
            "SELECT id, job_id, name, schedule_kind, schedule_expr, tz, instructions, target_agent_key, job_intent,
                    enabled, ",
            readable!("next_run_at"),
            " AS next_run_at, ",
            readable!("last_run_at"),
            " AS last_run_at, last_status, last_duration_ms
             FROM cron_mirror AS m WHERE project_id = $1 AND job_id <> $2 ORDER BY lower(name), job_id LIMIT $3"
        ))
        .bind(self.project.as_str())
        .bind(MIRROR_STATE)
        .bind(MOST)
        .fetch_all(&self.pool)
        .await?;
        let mut jobs: Vec<Job> = rows.into_iter().map(Job::from).collect();
        jobs.sort_by_key(|job| !job.text.is_heartbeat());
        Ok(jobs)
    }

    /// One job by its row.
    pub async fn job(&self, row: Uuid) -> Result<Option<Job>> {
        Ok(self.jobs().await?.into_iter().find(|job| job.row == row))
    }

    /// Everything about the schedule.
    pub async fn agenda(&self) -> Result<Agenda> {
        let (seen, ours): (Option<DateTime<Utc>>, bool) = sqlx::query_as(SIGNS)
            .bind(self.project.as_str())
            .fetch_one(&self.pool)
            .await?;
        Ok(Agenda {
            jobs: self.jobs().await?,
            requests: self.job_requests().await?,
            seen,
            ours,
        })
    }

    /// Requests that wait, and those that have failed in the last week; of one job and kind only the newest.
    pub async fn job_requests(&self) -> Result<Vec<Request>> {
        type Row = (
            String,
            Uuid,
            String,
            Option<String>,
            DateTime<Utc>,
            String,
            Option<String>,
        );
        let rows: Vec<Row> = sqlx::query_as(REQUESTS)
            .bind(self.project.as_str())
            .bind(MOST_REQUESTS)
            .fetch_all(&self.pool)
            .await?;
        let request = |(kind, id, job, job_id, at, status, error): Row| {
            let ask = Ask::ALL.into_iter().find(|ask| ask.as_str() == kind)?;
            let failed = matches!(status.as_str(), "error" | "failed");
            Some(Request {
                id,
                ask,
                job,
                job_id,
                at,
                running: status == "running",
                error: failed.then(|| error.unwrap_or_else(|| "No reason was given.".to_owned())),
            })
        };
        Ok(rows.into_iter().filter_map(request).collect())
    }
}

/// Existing keepers never move `updated_at`: runs and settled requests are signs of life as well.
const SIGNS: &str = "
SELECT max(signs.at), bool_or(signs.ours) FROM (
    SELECT greatest(updated_at, last_run_at) AS at,
           job_id = '__mirror_state__' AND name = 'clawdos-bridge' AS ours
    FROM cron_mirror WHERE project_id = $1 AND isfinite(updated_at)
    UNION ALL SELECT max(greatest(picked_up_at, completed_at)), false FROM cron_run_requests WHERE project_id = $1
    UNION ALL SELECT max(greatest(picked_up_at, completed_at)), false FROM cron_job_patch_requests
        WHERE project_id = $1
    UNION ALL SELECT max(greatest(picked_up_at, completed_at)), false FROM cron_delete_requests WHERE project_id = $1
) AS signs WHERE signs.at IS NULL OR isfinite(signs.at)";

const REQUESTS: &str = "
SELECT kind, id, coalesce(left(name, 200), left(job_id, 200)), job_id, requested_at, status, left(error, 500) FROM (
    SELECT DISTINCT ON (r.kind, r.job_key) r.kind, r.id, coalesce(r.name, m.name) AS name, r.job_id, r.requested_at,
           r.status, r.error
    FROM (
        SELECT 'create' AS kind, id, id::text AS job_key, name, NULL AS job_id, requested_at, status,
               coalesce(result ->> 'error', result ->> 'stderrTail') AS error
        FROM cron_create_requests WHERE project_id = $1
        UNION ALL
        SELECT 'edit', id, job_id, NULL, job_id, requested_at, status,
               coalesce(result ->> 'error', result ->> 'stderrTail')
        FROM cron_job_patch_requests WHERE project_id = $1
        UNION ALL
        SELECT 'run', id, job_id, NULL, job_id, requested_at, status,
               coalesce(result ->> 'error', result ->> 'stderrTail')
        FROM cron_run_requests WHERE project_id = $1
        UNION ALL
        SELECT 'delete', id, job_id, NULL, job_id, requested_at, status,
               coalesce(result ->> 'error', result ->> 'stderrTail')
        FROM cron_delete_requests WHERE project_id = $1
    ) AS r
    LEFT JOIN cron_mirror AS m ON m.project_id = $1 AND m.job_id = r.job_id
    WHERE isfinite(r.requested_at)
    ORDER BY r.kind, r.job_key, r.requested_at DESC, r.id
) AS newest
WHERE status IN ('queued', 'running')
   OR (status IN ('error', 'failed') AND requested_at > now() - interval '7 days')
ORDER BY requested_at DESC, id LIMIT $2";
