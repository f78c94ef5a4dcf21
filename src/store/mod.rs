//! All SQL. One file per family of tables; a row becomes a model type here or is refused here.

pub mod chat;
mod demo;
pub mod direct;
pub mod layout;
pub mod ledger;
pub mod migrate;
pub mod mirror;
pub mod project;
pub mod queue;
pub mod turn;

use std::fmt;

use sqlx::PgPool;

use crate::model::ProjectId;

/// The database, seen from one project.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    project: ProjectId,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is away, too slow, or refuses the statement.
    #[error("the database did not answer as expected: {0}")]
    Database(#[from] sqlx::Error),
    /// A row holds something that no part of this system may write.
    #[error("row {row} of {table} cannot be read: {reason}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// Its key.
        row: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl StoreError {
    /// A row that cannot be read.
    pub fn bad_row(table: &'static str, row: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::BadRow {
            table,
            row: row.to_string(),
            reason: reason.to_string(),
        }
    }

    /// Whether the database itself is out of reach, so that waiting may help.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Database(error) => match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Protocol(_) => true,
                // 57P0x: the server is shutting down or starting up; 08xxx: connection exceptions;
                // 53300: no connection left (source: Postgres, appendix A).
                sqlx::Error::Database(error) => error.code().is_some_and(|code| {
                    code.starts_with("57P") || code.starts_with("08") || code == "53300"
                }),
                _ => false,
            },
            Self::BadRow { .. } => false,
        }
    }
}

/// What every function here gives back.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl Store {
    /// The database behind `pool`, seen from `project`.
    pub fn new(pool: PgPool, project: ProjectId) -> Self {
        Self { pool, project }
    }

    /// The project.
    pub fn project(&self) -> &ProjectId {
        &self.project
    }

    /// The connections.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }
}
