//! A connection that is kept: for who asks one question after the other and must not wait for a
//! pool, which asks every connection, each time it comes back, whether it still lives (measured:
//! 0.25 ms between COMMIT and request).

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, Postgres};

use super::{Result, Store};

/// Connected with the first question, and anew after [`Kept::forget`].
#[derive(Debug)]
pub struct Kept {
    pool: PgPool,
    connection: Option<PoolConnection<Postgres>>,
}

impl Kept {
    /// Not connected yet.
    pub fn new(store: &Store) -> Self {
        Self {
            pool: store.pool.clone(),
            connection: None,
        }
    }

    /// The connection.
    pub(super) async fn get(&mut self) -> Result<&mut PgConnection> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        Ok(self.connection.insert(connection))
    }

    /// The next question needs another connection: after any error this one may be broken.
    pub fn forget(&mut self) {
        self.connection = None;
    }
}
