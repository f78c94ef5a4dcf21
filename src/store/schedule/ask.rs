//! Filing requests about jobs, for whichever executor there is.

use serde_json::Value;
use uuid::Uuid;

use crate::model::message::OPERATOR_AUTHOR;
use crate::model::schedule::{Ask, JobText};
use crate::store::chat::{storable, storable_json};
use crate::store::{Result, Store};

macro_rules! again {
    ($table:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET status = 'queued', requested_at = now(), picked_up_at = NULL, completed_at = NULL, result = NULL
             WHERE id = $1 AND project_id = $2 AND status IN ('error', 'failed')"
        )
    };
}

impl Store {
    /// Asks for a new job. The same id asks once; false when it had asked before.
    pub async fn ask_create(&self, id: Uuid, job: &JobText) -> Result<bool> {
        let asked = sqlx::query(
            "INSERT INTO cron_create_requests (id, project_id, name, schedule_kind, schedule_expr, tz, instructions,
                 requested_by, status, target_agent_key, job_intent)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'queued', $9, $10) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(storable(&job.name))
        .bind(&job.kind)
        .bind(&job.expr)
        .bind(&job.tz)
        .bind(storable(&job.instructions))
        .bind(OPERATOR_AUTHOR)
        .bind(&job.agent)
        .bind(&job.intent)
        .execute(&self.pool)
        .await?;
        Ok(asked.rows_affected() == 1)
    }

    /// Asks for a change, as existing dashboards name its fields.
    pub async fn ask_patch(&self, id: Uuid, job: &str, patch: &Value) -> Result<()> {
        sqlx::query(
            "INSERT INTO cron_job_patch_requests (id, project_id, job_id, patch_json, requested_by, status)
             VALUES ($1, $2, $3, $4, $5, 'queued') ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(job)
        .bind(storable_json(patch))
        .bind(OPERATOR_AUTHOR)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Asks for a run now.
    pub async fn ask_run(&self, id: Uuid, job: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO cron_run_requests (id, project_id, job_id, requested_by, status)
             VALUES ($1, $2, $3, $4, 'queued') ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(job)
        .bind(OPERATOR_AUTHOR)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Asks for the end of a job. One that is asked for and not carried out yet is enough.
    pub async fn ask_delete(&self, id: Uuid, job: &str) -> Result<()> {
        sqlx::query(
            "INSERT INTO cron_delete_requests (id, project_id, job_id, requested_by, status)
             SELECT $1, $2, $3, $4, 'queued' WHERE NOT EXISTS (SELECT FROM cron_delete_requests
                 WHERE project_id = $2 AND job_id = $3 AND status IN ('queued', 'running'))
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(job)
        .bind(OPERATOR_AUTHOR)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// How a request for a change ended: well, or not and why. None: not yet.
    pub async fn patch_end(&self, id: Uuid) -> Result<Option<std::result::Result<(), String>>> {
        let end: Option<(String, Option<String>)> = sqlx::query_as(
            "SELECT status, result ->> 'error' FROM cron_job_patch_requests WHERE id = $1 AND project_id = $2",
        )
        .bind(id)
        .bind(self.project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(match end {
            Some((status, _)) if status == "done" => Some(Ok(())),
            Some((status, why)) if status == "error" => Some(Err(why.unwrap_or_default())),
            _ => None,
        })
    }

    /// Asks once more for what has failed. False when it has not, or not any more.
    pub async fn ask_again(&self, ask: Ask, id: Uuid) -> Result<bool> {
        let statement = match ask {
            Ask::Create => again!("cron_create_requests"),
            Ask::Patch => again!("cron_job_patch_requests"),
            Ask::Run => again!("cron_run_requests"),
            Ask::Delete => again!("cron_delete_requests"),
        };
        let asked = sqlx::query(statement)
            .bind(id)
            .bind(self.project.as_str())
            .execute(&self.pool)
            .await?;
        Ok(asked.rows_affected() == 1)
    }
}
