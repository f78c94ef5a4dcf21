//! What the database says in the end.

use std::time::{Duration, Instant};

use super::person::PATIENCE;
use super::world::World;

impl World {
    /// Waits until a question to the database has the expected answer.
    pub async fn database_says<T>(&self, query: &'static str, expected: T)
    where
        T: PartialEq + std::fmt::Debug + Send + Unpin,
        for<'r> T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        self.database_says_within(query, expected, PATIENCE).await;
    }

    /// The same for what takes long.
    pub async fn database_says_within<T>(
        &self,
        query: &'static str,
        expected: T,
        patience: Duration,
    ) where
        T: PartialEq + std::fmt::Debug + Send + Unpin,
        for<'r> T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
    {
        let deadline = Instant::now() + patience;
        loop {
            // A connection may have been ended just now.
            let answer: Result<Option<T>, _> =
                sqlx::query_scalar(query).fetch_optional(self.pool()).await;
            if matches!(&answer, Ok(Some(answer)) if *answer == expected) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{query}: expected {expected:?}, got {answer:?}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}
