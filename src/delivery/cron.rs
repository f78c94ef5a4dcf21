//! Requests about jobs, by the same rule as deliveries: directly while the executor is there, else by the database.

use std::future::Future;

use serde_json::Value;

use super::Deliveries;
use super::fallback::{Call, Way};
use crate::control::DeliverOutcome;

impl Deliveries {
    /// Asks the executor for something about a job; when it surely has not got that, `keep` files the request.
    pub async fn ask_about_job<Q, F>(
        &self,
        job: &str,
        (action, body): (&str, &Value),
        keep: impl FnOnce() -> F,
    ) -> Way<DeliverOutcome, Q>
    where
        F: Future<Output = Q>,
    {
        let call = || async {
            match self.control().ask_about_job(job, action, body).await {
                DeliverOutcome::NotSent(reason) => Call::NotSent(reason),
                taken => Call::Taken(taken),
            }
        };
        let keep = |reason: String| {
            tracing::info!(job, action, %reason, "a request about a job waits in the database");
            keep()
        };
        self.route()
            .execute_with_fallback(call, std::future::ready, keep)
            .await
    }
}
