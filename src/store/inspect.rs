//! What a database is like, seen without changing it: for those who look after an installation.

use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use super::Result;
use super::gap::open_gaps;
use super::migrate::{MIGRATOR, MigrationError, pending_through};
use crate::model::ProjectId;
use crate::model::change::Table;
use crate::model::realtime::Gap;

const FACTS: &str = "SELECT current_setting('server_version'), current_user::text";

const OPEN_TABLES: &str = "
    SELECT relname::text FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relrowsecurity";

/// Looks at one database over a connection of its own.
pub struct Inspector {
    connection: PgConnection,
    /// Where it is, without the password: `host:port/database`.
    pub address: String,
}

/// Who answers there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The server's version, as it states it.
    pub version: String,
    /// The role we are there.
    pub role: String,
}

impl Inspector {
    /// Connects.
    pub async fn connect(url: &SecretString) -> Result<Self> {
        let options = PgConnectOptions::from_str(url.expose_secret())?
            .application_name("clawdos-bridge doctor");
        let (host, port) = (options.get_host(), options.get_port());
        let database = options.get_database().unwrap_or_default();
        Ok(Self {
            address: format!("{host}:{port}/{database}"),
            connection: PgConnection::connect_with(&options).await?,
        })
    }

    /// Who answers.
    pub async fn facts(&mut self) -> Result<Facts> {
        let (version, role) = sqlx::query_as(FACTS)
            .fetch_one(&mut self.connection)
            .await?;
        Ok(Facts { version, role })
    }

    /// How many people and roles were chosen with `/setup` for a project.
    pub async fn chosen(&mut self, project: &ProjectId) -> Result<(usize, usize)> {
        let (users, roles): (i64, i64) = sqlx::query_as(
            "SELECT count(*) FILTER (WHERE kind = 'user'), count(*) FILTER (WHERE kind = 'role') \
             FROM bridge.operator WHERE project_id = $1",
        )
        .bind(project.as_str())
        .fetch_one(&mut self.connection)
        .await?;
        let count = |number: i64| usize::try_from(number).unwrap_or(0);
        Ok((count(users), count(roles)))
    }

    /// The migrations that are missing, as `number name`, and how many there are in all.
    pub async fn migrations(&mut self) -> Result<(Vec<String>, usize), MigrationError> {
        let missing = pending_through(&mut self.connection).await?;
        Ok((missing, MIGRATOR.iter().count()))
    }

    /// Tables of the feed whose rows anybody sees who may read the table: row level security is off.
    pub async fn without_row_security(&mut self) -> Result<Vec<Table>> {
        let names: Vec<String> = sqlx::query_scalar(OPEN_TABLES)
            .fetch_all(&mut self.connection)
            .await?;
        let mut tables: Vec<Table> = names.iter().filter_map(|name| name.parse().ok()).collect();
        tables.sort_unstable();
        Ok(tables)
    }

    /// Tables of which a running bridge has missed changes in the last hour, or which are not published.
    pub async fn gaps(&mut self, project: &ProjectId) -> Result<Vec<Gap>> {
        open_gaps(&mut self.connection, project).await
    }

    /// Says goodbye.
    pub async fn close(self) {
        // One that is not heard is none the worse.
        let _ = self.connection.close().await;
    }
}
