//! Claims whose end nobody told: the answer to a COMMIT can be lost, and whether it took effect is then
//! for the rows to say. What was not committed is gone with its connection.

use std::time::Duration;

use sqlx::{Postgres, Transaction};

use super::{Result, Store};

/// Time between two questions while the database does not answer.
const AGAIN: Duration = Duration::from_millis(500);

/// Every statement sees what was committed before it. A server that hears nothing more of a claim
/// gives it up after this time, and does not wait for a broken connection to be found out.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; \
                     SET LOCAL idle_in_transaction_session_timeout = '30s'";

impl Store {
    /// Begins the transaction of a claim.
    pub(super) async fn begin_claim(&self) -> Result<Transaction<'static, Postgres>> {
        Ok(self.pool.begin_with(BEGIN).await?)
    }

    /// Asks until the database tells; no more where the pool is closed, as when the process ends and
    /// the database is away. The question has to wait for the transaction whose COMMIT was `lost`, which
    /// may still go on: it locks what that has changed.
    pub(super) async fn until_told<T, F>(
        &self,
        lost: &sqlx::Error,
        ask: impl Fn() -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        tracing::warn!(error = %lost, "nobody told whether a claim took effect; the database is asked");
        loop {
            match ask().await {
                Err(error) if error.is_outage() && !self.pool.is_closed() => {
                    tracing::warn!(%error, "the database does not tell yet whether a claim took effect");
                    tokio::time::sleep(AGAIN).await;
                }
                told => return told,
            }
        }
    }
}
