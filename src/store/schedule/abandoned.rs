//! Requests whose executor is gone.

use super::kept_by_others;
use crate::store::{Result, Store};

macro_rules! abandoned {
    ($table:literal) => {
        concat!(
            "UPDATE ",
            $table,
            " AS r SET status = 'error', completed_at = now(), result = jsonb_build_object('exitCode', 1, 'error',
                 'The executor that took this stopped before it said how it ended. Look, then try again.')
             WHERE r.project_id = $1 AND r.status = 'running'
               AND coalesce(r.picked_up_at, r.requested_at) < now() - interval '10 minutes'
               AND NOT EXISTS (SELECT FROM bridge.job AS j WHERE j.run_request = r.id)
               AND NOT ",
            kept_by_others!()
        )
    };
}

/// One for each table of requests.
const ABANDONED: [&str; 4] = [
    abandoned!("cron_create_requests"),
    abandoned!("cron_job_patch_requests"),
    abandoned!("cron_delete_requests"),
    abandoned!("cron_run_requests"),
];

impl Store {
    /// Tells of requests that have been in work for so long that whoever took them is gone. Returns how many.
    pub async fn fail_abandoned_requests(&self) -> Result<u64> {
        let mut failed = 0;
        for statement in ABANDONED {
            let done = sqlx::query(statement).bind(self.project.as_str());
            failed += done.execute(&self.pool).await?.rows_affected();
        }
        Ok(failed)
    }
}
