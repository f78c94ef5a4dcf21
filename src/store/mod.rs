//! All SQL. One file per family of tables; a row becomes a model type here or is refused here.

pub mod activity;
pub mod activity_gone;
mod activity_look;
pub mod activity_mute;
pub mod backfill;
pub mod chat;
pub mod context;
pub mod decide;
mod decision;
mod demo;
pub mod direct;
pub mod document;
mod doubt;
pub mod edit;
mod effect;
pub mod execution;
pub mod gap;
pub mod heartbeat;
pub mod home;
pub mod inspect;
pub mod kept;
pub mod layout;
pub mod ledger;
pub mod locks;
pub mod look;
pub mod migrate;
pub mod mirror;
pub mod mission;
pub mod mode;
mod numbered;
pub mod operator;
mod outcome;
pub mod probe;
pub mod project;
pub mod promote;
pub mod proposal;
mod proposal_sweep;
pub mod provision;
pub mod queue;
pub mod receipt;
pub mod recent;
pub mod schedule;
pub mod settings;
pub mod skills;
pub mod stale;
pub mod status;
pub mod task_ask;
pub mod task_list;
pub mod task_look;
pub mod task_write;
pub mod team;
pub mod team_look;
pub mod thread;
pub mod timeline;
pub mod timeline_look;
pub mod turn;
mod waking;
pub mod welcome;

use std::fmt;

use sqlx::PgPool;

use crate::model::ProjectId;

/// SQL for a time held within what we can read: a row may say `infinity`. None stays none, where
/// `least` and `greatest` would pass over it.
macro_rules! readable {
    ($time:literal) => {
        concat!(
            "CASE WHEN ",
            $time,
            " < '0001-01-01' THEN '0001-01-01' ",
            "WHEN ",
            $time,
            " > '9999-12-31' THEN '9999-12-31' ELSE ",
            $time,
            " END"
        )
    };
}
use readable;

/// SQL that is always true and lets the transaction end without waiting for the disk. For the
/// ledger only: whatever a crash of the server makes it forget is found by reading back, because
/// [`Store::load_messages`] tells which server answers.
macro_rules! relaxed {
    () => {
        "set_config('synchronous_commit', 'off', true) = 'off'"
    };
}
use relaxed;

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

    /// Whether waiting may help: the database is away, starting, closed, full, read-only for a while, or in somebody
    /// else's way. Only what is wrong with the statement or its data stays wrong however often it is tried.
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Database(error) => match error {
                sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::Protocol(_) => true,
                sqlx::Error::Database(error) => error
                    .code()
                    .is_none_or(|code| !HOPELESS.iter().any(|class| code.starts_with(class))),
                _ => false,
            },
            Self::BadRow { .. } => false,
        }
    }
}

/// Classes of SQLSTATE that no waiting repairs (source: Postgres, appendix A): features not supported, wrong
/// cardinality, bad data, broken constraints, syntax, and limits of the program. What lacks a right (42501) is there
/// on purpose: somebody may grant it, but nobody knows when.
const HOPELESS: [&str; 6] = ["0A", "21", "22", "23", "42", "54"];

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
