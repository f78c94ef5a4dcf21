//! Texts of documents, by the same rule as deliveries: directly while the executor is there, else by the database.

use std::future::Future;

use super::Deliveries;
use super::fallback::{Call, Way};
use crate::control::{Asked, Save};

impl Deliveries {
    /// Has the executor write a text; when it surely has not, or does not know how, `keep` writes it.
    pub async fn save<Q, F>(&self, save: &Save, keep: impl FnOnce() -> F) -> Way<Asked, Q>
    where
        F: Future<Output = Q>,
    {
        let call = || async {
            match self.control().save(save).await {
                Asked::NotSent(reason) | Asked::NotKnown(reason) => Call::NotSent(reason),
                taken => Call::Taken(taken),
            }
        };
        let keep = |reason: String| {
            tracing::info!(%reason, "a document is written without the executor: {reason}");
            keep()
        };
        self.route()
            .execute_with_fallback(call, std::future::ready, keep)
            .await
    }
}
