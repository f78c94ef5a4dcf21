//! Brings a database to the schema that this version of the bridge needs: the files of `migrations/`, once each.
//!
//! The bookkeeping lies in schema `bridge`, so that another program's `_sqlx_migrations` in the same database is left
//! alone. What a migration leaves out on an existing database arrives as a Postgres notice, which sqlx logs at `info`
//! under the target `sqlx::postgres::notice`.

use std::collections::HashMap;
use std::sync::LazyLock;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection, PgConnection, PgPool};

/// The migrations of this version, configured to keep their books in schema `bridge`.
///
/// Use [`migrate`] to run them: it also creates that schema and explains what went wrong.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let files: Migrator = sqlx::migrate!("./migrations");
    let mut migrator = Migrator::with_migrations(files.iter().cloned().collect());
    migrator.dangerous_set_table_name("bridge._sqlx_migrations");
    // Migrations only add, so an older bridge runs on a newer database: a rollback needs no restore.
    migrator.set_ignore_missing(true);
    migrator
});

/// The oldest Postgres the bridge supports, as `server_version_num` counts (15.0): the one `ClawdOS` runs on.
pub const OLDEST_SERVER: i32 = 150_000;

/// How long to wait for another process that migrates the same database.
const WAIT_FOR_MIGRATOR: &str = "SET lock_timeout = '60s'";

/// How long to wait for a table in use. Everybody who wants that table queues up behind us meanwhile.
const WAIT_FOR_TABLE: &str = "SET lock_timeout = '10s'";

/// `insufficient_privilege`, Postgres' documentation, appendix A.
const INSUFFICIENT_PRIVILEGE: &str = "42501";
/// `lock_not_available`, which `lock_timeout` raises.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// Why a database could not be brought to the schema that is needed. Nothing of a failed migration remains.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The server cannot be reached, refuses the login, or went away.
    #[error("The database cannot be used: {0}. Check DATABASE_URL and that the server is running.")]
    Unreachable(#[source] sqlx::Error),
    /// The server is older than [`OLDEST_SERVER`].
    #[error(
        "The database is PostgreSQL {found}, but the bridge needs 15 or newer. Upgrade the server, or let DATABASE_URL name another one."
    )]
    TooOld {
        /// The version as the server states it.
        found: String,
    },
    /// A standby, or a database that was set read-only.
    #[error(
        "The database `{database}` is read-only. Let DATABASE_URL name the primary server, not a replica."
    )]
    ReadOnly {
        /// The database we are connected to.
        database: String,
    },
    /// The role lacks a right. The text names the statement that gives it.
    #[error("The database role `{role}` may not set up the schema: {reason}. {fix}")]
    NotAllowed {
        /// The role we are connected as.
        role: String,
        /// What Postgres said.
        reason: String,
        /// What to do about it, as a sentence.
        fix: String,
    },
    /// Another session holds a table, or another process migrates.
    #[error(
        "The database is busy: another session holds a table that has to change, or another bridge is setting it up. Nothing was changed; start again when it is done."
    )]
    Busy,
    /// A migration that was applied earlier is not the one in this version.
    #[error(
        "Migration {version} of this database was made by a different build of the bridge. Use the build that made it, or a released version."
    )]
    Changed {
        /// The number at the front of the file's name.
        version: i64,
    },
    /// A migration failed. This is a defect, or a database of a shape nobody has met.
    #[error(
        "Migration {version} failed and was rolled back: {reason}. Please report it with this sentence."
    )]
    Failed {
        /// The number at the front of the file's name; 0 before the first one.
        version: i64,
        /// What Postgres said.
        reason: String,
    },
}

/// Applies every migration that is missing and returns how many those were: 0 when the database was up to date.
///
/// Safe to call from several processes at once. A role without the right to change anything may call it on a database
/// that is up to date.
pub async fn migrate(pool: &PgPool) -> Result<usize, MigrationError> {
    // A connection of its own: the advisory lock and the time-outs belong to the session and end with it, whatever
    // happens. sqlx keeps the lock when a migration fails, and a pooled connection would hold it for ever.
    let mut connection = PgConnection::connect_with(&pool.connect_options())
        .await
        .map_err(MigrationError::Unreachable)?;
    let outcome = migrate_on(&mut connection).await;
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "the migration's connection did not close cleanly");
    }
    outcome
}

/// The migrations that this database still lacks, as `number name`, oldest first.
pub async fn pending(pool: &PgPool) -> Result<Vec<String>, MigrationError> {
    let mut connection = pool.acquire().await.map_err(MigrationError::Unreachable)?;
    pending_through(&mut connection).await
}

/// [`pending`] through this connection.
pub async fn pending_through(connection: &mut PgConnection) -> Result<Vec<String>, MigrationError> {
    let server = Server::inspect(connection).await?;
    pending_on(connection, &server).await
}

/// Refuses a server older than [`OLDEST_SERVER`]. `number` is its `server_version_num`, `found` its `server_version`.
pub fn require_version(number: i32, found: &str) -> Result<(), MigrationError> {
    if number < OLDEST_SERVER {
        return Err(MigrationError::TooOld {
            found: found.to_owned(),
        });
    }
    Ok(())
}

async fn migrate_on(connection: &mut PgConnection) -> Result<usize, MigrationError> {
    let server = Server::inspect(connection).await?;
    if pending_on(connection, &server).await?.is_empty() {
        return Ok(0);
    }
    server.require_writable()?;
    execute(connection, &server, WAIT_FOR_MIGRATOR).await?;
    connection
        .lock()
        .await
        .map_err(|error| server.explain(error))?;
    // Whoever held the lock may have done the work.
    let missing = pending_on(connection, &server).await?.len();
    execute(connection, &server, WAIT_FOR_TABLE).await?;
    create_schema(connection, &server).await?;
    MIGRATOR
        .run(connection)
        .await
        .map_err(|error| server.explain(error))?;
    Ok(missing)
}

async fn create_schema(
    connection: &mut PgConnection,
    server: &Server,
) -> Result<(), MigrationError> {
    let exists: bool = sqlx::query_scalar("SELECT to_regnamespace('bridge') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await
        .map_err(|error| server.explain_sql(error, 0))?;
    // Not IF NOT EXISTS: that asks for CREATE on the database even where the schema is there already.
    if !exists {
        execute(connection, server, "CREATE SCHEMA bridge").await?;
    }
    Ok(())
}

async fn execute(
    connection: &mut PgConnection,
    server: &Server,
    statement: &'static str,
) -> Result<(), MigrationError> {
    sqlx::raw_sql(statement)
        .execute(connection)
        .await
        .map_err(|error| server.explain_sql(error, 0))?;
    Ok(())
}

async fn pending_on(
    connection: &mut PgConnection,
    server: &Server,
) -> Result<Vec<String>, MigrationError> {
    let explain = |error| server.explain_sql(error, 0);
    let has_books: bool =
        sqlx::query_scalar("SELECT to_regclass('bridge._sqlx_migrations') IS NOT NULL")
            .fetch_one(&mut *connection)
            .await
            .map_err(explain)?;
    let mut applied: HashMap<i64, Vec<u8>> = HashMap::new();
    if has_books {
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT version, checksum FROM bridge._sqlx_migrations WHERE success")
                .fetch_all(&mut *connection)
                .await
                .map_err(explain)?;
        applied.extend(rows);
    }
    let mut missing = Vec::new();
    for migration in MIGRATOR.iter() {
        match applied.get(&migration.version) {
            None => missing.push(format!("{} {}", migration.version, migration.description)),
            Some(checksum) if checksum.as_slice() != &*migration.checksum => {
                return Err(MigrationError::Changed {
                    version: migration.version,
                });
            }
            Some(_) => {}
        }
    }
    Ok(missing)
}

/// Who we are and where: what an error has to name.
struct Server {
    role: String,
    database: String,
    read_only: bool,
}

impl Server {
    async fn inspect(connection: &mut PgConnection) -> Result<Self, MigrationError> {
        let (number, version, role, database, read_only): (i32, String, String, String, bool) =
            sqlx::query_as(
                "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                    current_user::text, current_database()::text,
                    current_setting('transaction_read_only')::bool",
            )
            .fetch_one(connection)
            .await
            .map_err(MigrationError::Unreachable)?;
        require_version(number, &version)?;
        Ok(Self {
            role,
            database,
            read_only,
        })
    }

    fn require_writable(&self) -> Result<(), MigrationError> {
        if self.read_only {
            return Err(MigrationError::ReadOnly {
                database: self.database.clone(),
            });
        }
        Ok(())
    }

    fn explain(&self, error: MigrateError) -> MigrationError {
        match error {
            MigrateError::Execute(error) => self.explain_sql(error, 0),
            MigrateError::ExecuteMigration(error, version) => self.explain_sql(error, version),
            MigrateError::VersionMismatch(version) => MigrationError::Changed { version },
            other => MigrationError::Failed {
                version: 0,
                reason: other.to_string(),
            },
        }
    }

    fn explain_sql(&self, error: sqlx::Error, version: i64) -> MigrationError {
        let sqlx::Error::Database(reported) = &error else {
            return MigrationError::Unreachable(error);
        };
        let reason = reported.message().to_owned();
        match reported.code().as_deref() {
            Some(INSUFFICIENT_PRIVILEGE) => MigrationError::NotAllowed {
                role: self.role.clone(),
                fix: self.fix(&reason),
                reason,
            },
            Some(LOCK_NOT_AVAILABLE) => MigrationError::Busy,
            _ => MigrationError::Failed { version, reason },
        }
    }

    fn fix(&self, reason: &str) -> String {
        let Self { role, database, .. } = self;
        if reason.starts_with("must be owner") {
            return "Let DATABASE_URL name the role that owns the ClawdOS tables.".to_owned();
        }
        format!(
            "Let DATABASE_URL name the owner of the database, or run as the owner: \
             GRANT CREATE ON DATABASE \"{database}\" TO \"{role}\"; GRANT CREATE ON SCHEMA public TO \"{role}\";"
        )
    }
}
