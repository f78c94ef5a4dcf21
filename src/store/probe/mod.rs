//! Probe rows: written to prove that their events come out of the change feed, and gone again.
//!
//! ```text
//! rehearse: BEGIN, mark, insert, delete ─▶ commit: logical decoding tells both, nobody ever sees the row
//!                                       └▶ roll back: it can be written and removed; then it may be kept
//! keep:     BEGIN, mark, insert ─▶ commit ─▶ … ─▶ remove_all
//! ```
//! Every row has the same id, [`PROBE_ID`], and belongs to the project [`PROBE_PROJECT`], which nobody looks at. Columns
//! are those that every known version of the schema has. What is a queue gets a row that is done: an existing executor
//! takes queued rows of any project.

mod script;

use std::future::Future;
use std::str::FromStr;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};
use uuid::{Uuid, uuid};

use self::script::{ADD_PROJECT, LOOK, REMOVE_PROJECT, SCRIPTS, script};
use super::locks::LockKey;
use crate::model::change::{RowKey, Table};

/// The project of every probe row.
pub const PROBE_PROJECT: &str = "bridge-doctor-probe";

/// The id of every probe row, in each table; drawn once at random.
pub const PROBE_ID: Uuid = uuid!("d0c70a3b-52f1-4c3e-9a6d-7b1e0c9f4a27");

/// How long the server may take over one statement and, as part of that, wait for somebody else's lock.
const LIMITS: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s'";

/// How long a connection, or a statement on a line that may be dead, is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The key by which the feed tells a probe row.
pub fn probe_key() -> RowKey {
    RowKey::from(PROBE_ID)
}

/// Every table, in the order in which rows can be kept: those that others point at first.
pub fn probe_order() -> impl Iterator<Item = Table> {
    SCRIPTS.iter().map(|script| script.table)
}

/// Why a probe row was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProbeError {
    /// Another doctor is at it.
    #[error("another doctor probes this database right now")]
    Busy,
    /// The database refuses the row; in its words.
    #[error("the database refuses a row there: {0}")]
    Refused(String),
    /// The publication forbids changes there, whoever makes them; in Postgres' words.
    #[error("the publication keeps everybody from changing rows there: {0}")]
    Forbidden(String),
    /// The row could be written and would stay. It was not committed.
    #[error("a row can be written there and not be removed again")]
    WouldStay,
    /// The connection is of no use any more.
    #[error("the connection to the database broke: {0}")]
    Lost(String),
}

/// Writes probe rows over a connection of its own. One at a time per database, held by an advisory lock.
pub struct Prober {
    url: SecretString,
    connection: PgConnection,
    /// A statement was given up halfway: what the connection says next belongs to it.
    lost: bool,
}

impl Prober {
    /// Connects, and removes what a doctor that was killed left behind.
    pub async fn open(url: &SecretString) -> Result<Self, ProbeError> {
        let mut prober = Self {
            url: url.clone(),
            connection: connect(url).await?,
            lost: false,
        };
        let locking = sqlx::query("SELECT pg_advisory_lock($1)")
            .bind(LockKey::of(&[PROBE_PROJECT.as_bytes()]).number())
            .persistent(false)
            .execute(&mut prober.connection);
        in_time(locking).await?.map_err(|error| match &error {
            sqlx::Error::Database(said) if said.code().as_deref() == Some(LOCK_NOT_AVAILABLE) => {
                ProbeError::Busy
            }
            _ => explain(&error),
        })?;
        // The project comes first and goes last: without it there is nothing else.
        let left = sqlx::raw_sql(LOOK).fetch_optional(&mut prober.connection);
        if matches!(in_time(left).await?, Ok(Some(_))) {
            prober.remove_all().await?;
        }
        Ok(prober)
    }

    /// Begins a transaction in which the row was written and removed again. Nothing is committed yet.
    pub async fn rehearse(&mut self, table: Table) -> Result<(), ProbeError> {
        self.begin(script(table).rehearsal).await
    }

    /// Begins a transaction in which the row was written. It needs the project ([`Self::keep_project`]) and those
    /// that were kept before.
    pub async fn keep(&mut self, table: Table) -> Result<(), ProbeError> {
        self.begin(script(table).keep).await
    }

    /// Writes the project that kept rows belong to.
    pub async fn keep_project(&mut self) -> Result<(), ProbeError> {
        self.run(ADD_PROJECT).await.map(drop)
    }

    /// Commits what was begun.
    pub async fn commit(&mut self) -> Result<(), ProbeError> {
        self.run("COMMIT").await.map(drop)
    }

    /// Takes back what was begun.
    pub async fn roll_back(&mut self) -> Result<(), ProbeError> {
        self.run("ROLLBACK").await.map(drop)
    }

    /// Removes every row that was kept, over a new connection if need be.
    pub async fn remove_all(&mut self) -> Result<(), ProbeError> {
        if self.lost {
            self.connection = connect(&self.url).await?;
            self.lost = false;
        }
        let mut refused = None;
        for script in SCRIPTS.iter().rev() {
            match self.run(script.remove).await {
                Err(ProbeError::Lost(reason)) => return Err(ProbeError::Lost(reason)),
                // A table that does not exist, or takes no row, holds none of ours: the others go on.
                Err(error) => refused = Some(error),
                Ok(_) => {}
            }
        }
        // It stays where a row still points at it, and is the sign that there is one.
        match self.run(REMOVE_PROJECT).await {
            Err(error) => Err(refused.unwrap_or(error)),
            Ok(_) => Ok(()),
        }
    }

    /// Says goodbye; the lock is free again.
    pub async fn close(self) {
        if !self.lost {
            // A goodbye that is not heard is none the worse.
            let _ = in_time(self.connection.close()).await;
        }
    }

    async fn begin(&mut self, script: &'static str) -> Result<(), ProbeError> {
        let touched = self.run(script).await;
        let whole = touched.map(|touched| touched.iter().skip(1).all(|rows| *rows == 1));
        match whole {
            Ok(true) => return Ok(()),
            Ok(false) => self.roll_back().await?,
            Err(ProbeError::Lost(reason)) => return Err(ProbeError::Lost(reason)),
            Err(error) => {
                self.roll_back().await?;
                return Err(error);
            }
        }
        Err(ProbeError::WouldStay)
    }

    /// Sends statements together and tells how many rows each touched.
    async fn run(&mut self, statements: &'static str) -> Result<Vec<u64>, ProbeError> {
        if self.lost {
            return Err(ProbeError::Lost("a statement had no end".to_owned()));
        }
        let answers = sqlx::raw_sql(statements).fetch_many(&mut self.connection);
        let touched = answers.try_filter_map(async |answer| {
            Ok(answer.left().map(|statement| statement.rows_affected()))
        });
        let done = match in_time(touched.try_collect()).await {
            Ok(done) => done.map_err(|error| explain(&error)),
            Err(late) => Err(late),
        };
        self.lost = matches!(done, Err(ProbeError::Lost(_)));
        done
    }
}

/// `lock_not_available`, which `lock_timeout` raises (Postgres' documentation, appendix A).
const LOCK_NOT_AVAILABLE: &str = "55P03";

async fn connect(url: &SecretString) -> Result<PgConnection, ProbeError> {
    let options = PgConnectOptions::from_str(url.expose_secret())
        .map_err(|error| explain(&error))?
        .application_name("clawdos-bridge doctor");
    let connecting = PgConnection::connect_with(&options);
    let mut connection = in_time(connecting)
        .await?
        .map_err(|error| explain(&error))?;
    // Not as options of the connection: poolers refuse those.
    let setting = sqlx::raw_sql(LIMITS).execute(&mut connection);
    in_time(setting).await?.map_err(|error| explain(&error))?;
    Ok(connection)
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, ProbeError> {
    let late = |_| ProbeError::Lost(format!("no answer within {} s", PATIENCE.as_secs()));
    tokio::time::timeout(PATIENCE, work).await.map_err(late)
}

fn explain(error: &sqlx::Error) -> ProbeError {
    match error {
        sqlx::Error::Database(said) if unpublishable(said.code().as_deref()) => {
            ProbeError::Forbidden(said.message().to_owned())
        }
        sqlx::Error::Database(said) => ProbeError::Refused(said.message().to_owned()),
        other => ProbeError::Lost(other.to_string()),
    }
}

/// A change that the publication cannot tell is refused: its row filter wants a column that is no part
/// of the table's key (42P10), or there is no key at all (55000; source: Postgres, `execReplication.c`).
fn unpublishable(code: Option<&str>) -> bool {
    matches!(code, Some("42P10" | "55000"))
}
