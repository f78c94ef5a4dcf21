//! Requests to make, change and delete jobs: each is taken and settled in one transaction, so that none is ever half
//! done. What another executor left in the middle is told as such.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::patch::patched;
use super::{KeptJob, Row, columns, kept_by_others, mirror};
use crate::model::AgentKey;
use crate::model::schedule::{JobText, Wrong};
use crate::store::chat::storable;
use crate::store::team::short;
use crate::store::{Result, Store};

/// SQL that settles a request.
macro_rules! ended {
    ($table:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " SET status = $2, picked_up_at = now(), completed_at = clock_timestamp(),
                 result = $3::jsonb || jsonb_build_object('durationMs',
                     floor(1000 * extract(epoch FROM clock_timestamp() - now()))::int)
             WHERE id = $1 AND status = 'queued'"
        )
    };
}

/// A name that is longer is no `context_policy`.
const WORD: usize = 60;

/// How a request ended.
enum End {
    /// Well: the job, and what to say.
    Done(String, String),
    /// Not at all, and why.
    Refused(String),
}

impl From<Wrong> for End {
    fn from(wrong: Wrong) -> Self {
        Self::Refused(format!("{wrong}."))
    }
}

type Asked = (
    Uuid,
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Store {
    /// Carries out the requests that wait, oldest first; `now` decides when jobs run next. Returns how many.
    pub async fn settle_job_requests(&self, now: DateTime<Utc>) -> Result<usize> {
        let mut count = 0;
        while self.create_one(now).await? || self.patch_one(now).await? || self.delete_one().await?
        {
            count += 1;
        }
        Ok(count)
    }

    async fn create_one(&self, now: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let asked: Option<Asked> = sqlx::query_as(
            "SELECT id, name, schedule_kind, schedule_expr, tz, instructions, target_agent_key, job_intent,
                    context_policy
             FROM cron_create_requests WHERE project_id = $1 AND status = 'queued'
             ORDER BY requested_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        )
        .bind(self.project.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((id, name, kind, expr, tz, instructions, agent, intent, policy)) = asked else {
            return Ok(false);
        };
        let text = JobText {
            name: name.trim().to_owned(),
            kind,
            expr,
            tz,
            instructions: instructions.unwrap_or_default(),
            agent,
            intent,
        };
        let policy = policy.filter(|word| word.len() <= WORD);
        let end = self.create(&mut tx, (id, &text, policy), now).await?;
        self.settle(&mut tx, "cron_create_requests", id, &end)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The request's id is the job's: whatever happens, one request makes one job.
    async fn create(
        &self,
        on: &mut PgConnection,
        (id, text, policy): (Uuid, &JobText, Option<String>),
        now: DateTime<Utc>,
    ) -> Result<End> {
        let (schedule, agent) = match text.check() {
            Ok(read) => read,
            Err(wrong) => return Ok(wrong.into()),
        };
        if !self.has_member(on, &agent).await? {
            return Ok(no_agent(&agent));
        }
        let job = id.to_string();
        sqlx::query(
            "INSERT INTO bridge.job (project_id, job_id, name, schedule_kind, schedule_expr, tz, instructions,
                 target_agent_key, job_intent, context_policy, next_run_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, nullif(btrim($9), ''), $10, $11) ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .bind(&job)
        .bind(storable(&text.name))
        .bind(schedule.kind())
        .bind(schedule.expr())
        .bind(schedule.tz())
        .bind(storable(&text.instructions))
        .bind(agent.as_str())
        .bind(text.intent.as_deref())
        .bind(policy)
        .bind(schedule.next(now))
        .execute(&mut *on)
        .await?;
        mirror(on, &self.project, &job).await?;
        let said = format!("The job “{}” is scheduled {}.", text.name, schedule.words());
        Ok(End::Done(job, said))
    }

    async fn patch_one(&self, now: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let asked: Option<(Uuid, String, Value)> = sqlx::query_as(concat!(
            "SELECT id, job_id, patch_json FROM cron_job_patch_requests AS r
             WHERE project_id = $1 AND status = 'queued' AND (EXISTS (SELECT FROM bridge.job AS j
                 WHERE j.project_id = $1 AND j.job_id = r.job_id) OR NOT ",
            kept_by_others!(),
            ") ORDER BY requested_at, id LIMIT 1 FOR UPDATE OF r SKIP LOCKED"
        ))
        .bind(self.project.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((id, job, patch)) = asked else {
            return Ok(false);
        };
        let end = self.patch(&mut tx, &job, &patch, now).await?;
        self.settle(&mut tx, "cron_job_patch_requests", id, &end)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn patch(
        &self,
        on: &mut PgConnection,
        job: &str,
        patch: &Value,
        now: DateTime<Utc>,
    ) -> Result<End> {
        let Some(kept) = self.locked_job(on, job).await? else {
            return Ok(no_job(job));
        };
        let changed = match patched(&kept, patch) {
            Ok(changed) => changed,
            Err(why) => return Ok(End::Refused(why)),
        };
        let (text, enabled) = changed;
        // Whatever is wrong with a job, it can be paused.
        let only_paused = text == kept.text;
        let (schedule, agent) = match text.check() {
            Ok(read) => read,
            Err(_) if only_paused && !enabled => {
                self.pause(on, &kept).await?;
                return Ok(End::Done(job.to_owned(), "The job is paused.".to_owned()));
            }
            Err(wrong) => return Ok(wrong.into()),
        };
        if !only_paused && !self.has_member(on, &agent).await? {
            return Ok(no_agent(&agent));
        }
        let was = kept.text.schedule().ok();
        let keeps_time = was.as_ref() == Some(&schedule) && enabled == kept.enabled;
        let next = if keeps_time {
            kept.next
        } else {
            schedule.next(now)
        };
        sqlx::query(
            "UPDATE bridge.job SET name = $2, schedule_kind = $3, schedule_expr = $4, tz = $5, instructions = $6,
                 target_agent_key = $7, job_intent = $8, enabled = $9, next_run_at = $10 WHERE id = $1",
        )
        .bind(kept.id)
        .bind(storable(text.name.trim()))
        .bind(schedule.kind())
        .bind(schedule.expr())
        .bind(schedule.tz())
        .bind(storable(&text.instructions))
        .bind(agent.as_str())
        .bind(text.intent)
        .bind(enabled)
        .bind(next)
        .execute(&mut *on)
        .await?;
        mirror(on, &self.project, job).await?;
        let said = match (only_paused, enabled) {
            (true, true) => "The job runs again.",
            (true, false) => "The job is paused.",
            (false, _) => "The job is changed.",
        };
        Ok(End::Done(job.to_owned(), said.to_owned()))
    }

    async fn pause(&self, on: &mut PgConnection, job: &KeptJob) -> Result<()> {
        sqlx::query("UPDATE bridge.job SET enabled = false WHERE id = $1")
            .bind(job.id)
            .execute(&mut *on)
            .await?;
        mirror(on, &self.project, &job.job).await
    }

    async fn delete_one(&self) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let asked: Option<(Uuid, String)> = sqlx::query_as(concat!(
            "SELECT id, job_id FROM cron_delete_requests AS r
             WHERE project_id = $1 AND status = 'queued' AND (EXISTS (SELECT FROM bridge.job AS j
                 WHERE j.project_id = $1 AND j.job_id = r.job_id) OR NOT ",
            kept_by_others!(),
            ") ORDER BY requested_at, id LIMIT 1 FOR UPDATE OF r SKIP LOCKED"
        ))
        .bind(self.project.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        let Some((id, job)) = asked else {
            return Ok(false);
        };
        let gone = sqlx::query("DELETE FROM bridge.job WHERE project_id = $1 AND job_id = $2")
            .bind(self.project.as_str())
            .bind(&job)
            .execute(&mut *tx)
            .await?;
        mirror(&mut tx, &self.project, &job).await?;
        let said = match gone.rows_affected() {
            0 => "The job was gone before.",
            _ => "The job is deleted.",
        };
        let end = End::Done(job, said.to_owned());
        self.settle(&mut tx, "cron_delete_requests", id, &end)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn locked_job(&self, on: &mut PgConnection, job: &str) -> Result<Option<KeptJob>> {
        let row: Option<Row> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM bridge.job WHERE project_id = $1 AND job_id = $2 FOR UPDATE"
        ))
        .bind(self.project.as_str())
        .bind(job)
        .fetch_optional(on)
        .await?;
        Ok(row.map(KeptJob::from))
    }

    async fn has_member(&self, on: &mut PgConnection, agent: &AgentKey) -> Result<bool> {
        let found = sqlx::query_scalar(concat!(
            "SELECT EXISTS (SELECT FROM agents WHERE project_id = $1 AND ",
            short!("agent_key"),
            " = $2)"
        ))
        .bind(self.project.as_str())
        .bind(agent.short())
        .fetch_one(on)
        .await?;
        Ok(found)
    }

    async fn settle(
        &self,
        on: &mut PgConnection,
        table: &'static str,
        id: Uuid,
        end: &End,
    ) -> Result<()> {
        let statement = match table {
            "cron_create_requests" => ended!("cron_create_requests"),
            "cron_job_patch_requests" => ended!("cron_job_patch_requests"),
            _ => ended!("cron_delete_requests"),
        };
        let (status, result) = match end {
            End::Done(job, said) => (
                "done",
                json!({ "jobId": job, "exitCode": 0, "stdoutTail": said, "stderrTail": "",
                        "removed": table == "cron_delete_requests" }),
            ),
            End::Refused(why) => (
                "error",
                json!({ "exitCode": 1, "stdoutTail": "", "stderrTail": why, "error": why }),
            ),
        };
        sqlx::query(statement)
            .bind(id)
            .bind(status)
            .bind(result)
            .execute(on)
            .await?;
        Ok(())
    }
}

fn no_agent(agent: &AgentKey) -> End {
    End::Refused(format!(
        "agent: there is no agent {} any more.",
        agent.short()
    ))
}

fn no_job(job: &str) -> End {
    let job: String = job.chars().take(60).collect();
    End::Refused(format!("There is no job {job} any more."))
}
