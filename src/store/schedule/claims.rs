//! Claims of runs: of what is due, and of what people asked for.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::runs::{Run, lock_of};
use super::{KeptJob, kept_by_others};
use crate::store::locks::SessionLocks;
use crate::store::{Result, Store};

/// A claim that waits for its COMMIT.
type Claim = Transaction<'static, Postgres>;

impl Store {
    /// Claims the run of a job whose time has come; `next` is the one after it. None: somebody else was faster, or it
    /// has changed meanwhile.
    pub async fn claim_due(
        &self,
        locks: &SessionLocks,
        job: &KeptJob,
        next: Option<DateTime<Utc>>,
    ) -> Result<Option<Run>> {
        let run = Run {
            id: Uuid::new_v4(),
            job: job.clone(),
            request: None,
        };
        let claim = async {
            let mut tx = self.begin_claim().await?;
            let claimed = sqlx::query(
                "UPDATE bridge.job SET run_id = $2, run_request = NULL, run_began_at = now(), next_run_at = $4
                 WHERE id = $1 AND run_id IS NULL AND enabled AND next_run_at = $3",
            )
            .bind(job.id)
            .bind(run.id)
            .bind(job.next)
            .bind(next)
            .execute(&mut *tx)
            .await?;
            Ok((claimed.rows_affected() == 1).then_some(tx))
        };
        Ok(self.under_lock(locks, &run, claim).await?.then_some(run))
    }

    /// Claims what people asked to be run now, at most `most`, one run a job. Requests for jobs that are gone are
    /// settled at once.
    pub async fn claim_asked(
        &self,
        locks: &SessionLocks,
        jobs: &[KeptJob],
        most: usize,
    ) -> Result<Vec<Run>> {
        self.settle_lost_requests().await?;
        let asked: Vec<(Uuid, Uuid)> = sqlx::query_as(
            "SELECT DISTINCT ON (j.id) r.id, j.id FROM cron_run_requests AS r
             JOIN bridge.job AS j ON j.project_id = $1 AND j.job_id = r.job_id
             WHERE r.project_id = $1 AND r.status = 'queued' AND j.run_id IS NULL
             ORDER BY j.id, r.requested_at, r.id",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        let mut runs = Vec::new();
        for (request, job) in asked {
            let Some(job) = jobs.iter().find(|it| it.id == job) else {
                continue;
            };
            if runs.len() == most {
                break;
            }
            let run = Run {
                id: Uuid::new_v4(),
                job: job.clone(),
                request: Some(request),
            };
            let claim = self.claim_request(&run, request);
            match self.under_lock(locks, &run, claim).await {
                Ok(true) => runs.push(run),
                Ok(false) => {}
                Err(error) if runs.is_empty() => return Err(error),
                // What is claimed already has to be begun.
                Err(error) => {
                    tracing::warn!(%error, "a request for a run has to wait");
                    break;
                }
            }
        }
        Ok(runs)
    }

    async fn claim_request(&self, run: &Run, request: Uuid) -> Result<Option<Claim>> {
        let mut tx = self.begin_claim().await?;
        let taken = sqlx::query(
            "UPDATE cron_run_requests SET status = 'running', picked_up_at = now()
             WHERE id = $1 AND status = 'queued'",
        )
        .bind(request)
        .execute(&mut *tx)
        .await?;
        let claimed = sqlx::query(
            "UPDATE bridge.job SET run_id = $2, run_request = $3, run_began_at = now()
             WHERE id = $1 AND run_id IS NULL",
        )
        .bind(run.job.id)
        .bind(run.id)
        .bind(request)
        .execute(&mut *tx)
        .await?;
        let both = taken.rows_affected() == 1 && claimed.rows_affected() == 1;
        Ok(both.then_some(tx))
    }

    /// The lock comes first: a row that is marked and not locked is one whose executor died.
    async fn under_lock(
        &self,
        locks: &SessionLocks,
        run: &Run,
        claim: impl Future<Output = Result<Option<Claim>>>,
    ) -> Result<bool> {
        let key = lock_of(run.job.id);
        if !locks.take(key).await? {
            return Ok(false);
        }
        let claimed = match claim.await {
            Ok(Some(claim)) => match claim.commit().await {
                Ok(()) => Ok(true),
                Err(lost) => self.is_claimed(locks, run, lost).await,
            },
            Ok(None) => Ok(false),
            Err(error) => Err(error),
        };
        if !matches!(claimed, Ok(true)) {
            locks.release(key).await;
        }
        claimed
    }

    /// Whether a run was claimed, when nobody told: its job says so, and nobody else has its lock.
    async fn is_claimed(&self, locks: &SessionLocks, run: &Run, lost: sqlx::Error) -> Result<bool> {
        let ours = self.until_told(&lost, || async {
            if !locks.renew(lock_of(run.job.id)).await? {
                return Ok(false);
            }
            let named: Option<Option<Uuid>> =
                sqlx::query_scalar("SELECT run_id FROM bridge.job WHERE id = $1 FOR UPDATE")
                    .bind(run.job.id)
                    .fetch_optional(&self.pool)
                    .await?;
            Ok(named.flatten() == Some(run.id))
        });
        if ours.await? {
            Ok(true)
        } else {
            Err(lost.into())
        }
    }

    /// Requests to run what is no job of anybody's.
    async fn settle_lost_requests(&self) -> Result<()> {
        sqlx::query(concat!(
            "UPDATE cron_run_requests AS r SET status = 'error', picked_up_at = now(), completed_at = now(),
                 result = jsonb_build_object('jobId', r.job_id, 'exitCode', 1, 'durationMs', 0, 'stdoutTail', '',
                     'stderrTail', $2::text, 'error', $2::text)
             WHERE r.project_id = $1 AND r.status = 'queued' AND NOT EXISTS (SELECT FROM bridge.job AS j
                 WHERE j.project_id = $1 AND j.job_id = r.job_id)
               AND NOT EXISTS (SELECT FROM cron_create_requests AS c WHERE c.project_id = $1
                 AND c.id::text = r.job_id AND c.status IN ('queued', 'running')) AND NOT ",
            kept_by_others!()
        ))
        .bind(self.project.as_str())
        .bind("There is no such job any more.")
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
