//! What can stand between the bridge and the change feed, each as a sentence with its fix.

use std::fmt;

use pgwire_replication::PgWireError;

use crate::model::change::Table;

/// Why the feed cannot work, or works less well than it could.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedProblem {
    /// The database URL cannot be read.
    #[error(
        "DATABASE_URL cannot be used for the change feed: {0}. It looks like postgres://user:password@host:5432/database"
    )]
    BadUrl(String),
    /// Nobody answers, or the line broke.
    #[error(
        "the database cannot be reached for the change feed: {0}. Check that Postgres runs and that host and port in DATABASE_URL are right"
    )]
    Unreachable(String),
    /// The server was silent for longer than it promised.
    #[error(
        "the database fell silent: nothing for {0} seconds, not even a keepalive. The feed connects anew"
    )]
    Silent(u64),
    /// The password or the way of proving it was refused.
    #[error(
        "the database refused the login of the change feed: {0}. Check user and password in DATABASE_URL; passwords have to be stored as scram-sha-256"
    )]
    Login(String),
    /// TLS could not be set up.
    #[error(
        "the change feed could not set up TLS: {0}. Check sslmode and sslrootcert in DATABASE_URL"
    )]
    Tls(String),
    /// Postgres before version 15.
    #[error("Postgres {0} is too old: the bridge needs version 15 or newer")]
    TooOld(String),
    /// `wal_level` is not `logical`.
    #[error(
        "wal_level is {0}, the change feed needs logical: run ALTER SYSTEM SET wal_level = 'logical' and restart Postgres (on Amazon RDS set rds.logical_replication to 1)"
    )]
    WalLevel(String),
    /// The role may not replicate.
    #[error("role {name} may not read the change feed: run ALTER ROLE {role} REPLICATION as a superuser (on Amazon RDS: GRANT rds_replication TO {role})", name = .0, role = quoted(.0))]
    RoleLacksReplication(String),
    /// A connection pooler stands in between.
    #[error(
        "the connection goes through a pooler ({0}), which does not pass replication on: use the direct connection in DATABASE_URL (Supabase: Project Settings, Database, Direct connection, port 5432)"
    )]
    Pooler(String),
    /// There is no such publication.
    #[error("publication {name} does not exist: run clawdos-bridge migrate, or CREATE PUBLICATION {sql}", name = .0, sql = quoted(.0))]
    NoPublication(String),
    /// The publication leaves out a kind of change.
    #[error("publication {publication} leaves out {missing}: run ALTER PUBLICATION {sql} SET (publish = 'insert, update, delete, truncate')", sql = quoted(publication))]
    PublishesLess {
        /// The publication.
        publication: String,
        /// What it leaves out, as in `update, delete`.
        missing: String,
    },
    /// Tables that do not exist.
    #[error("these tables do not exist: {0}. Run clawdos-bridge migrate")]
    NoTable(Tables),
    /// Tables whose changes nobody announces.
    #[error("changes of these tables are not announced: {tables}. Run ALTER PUBLICATION {sql} ADD TABLE {tables}", sql = quoted(publication))]
    Unpublished {
        /// The publication.
        publication: String,
        /// The tables that are missing in it.
        tables: Tables,
    },
    /// Tables of which only some rows are announced.
    #[error(
        "publication {publication} has a row filter on {tables}, so some changes are not announced: drop the table from it and add it without WHERE"
    )]
    Filtered {
        /// The publication.
        publication: String,
        /// The tables that have a filter.
        tables: Tables,
    },
    /// The key of Supabase stands for a role that this database does not have.
    #[error(
        "SUPABASE_KEY is for the role {0}, which this database does not have: check that SUPABASE_URL and DATABASE_URL belong to one project"
    )]
    NoRole(String),
    /// Tables that the role of the key may not select from.
    #[error("Supabase Realtime does not announce changes of these tables to the role {role} of SUPABASE_KEY: {tables}. Run GRANT SELECT ON {tables} TO {sql}, or use a secret or service_role key", sql = quoted(role))]
    Ungranted {
        /// The role.
        role: String,
        /// The tables it may not read.
        tables: Tables,
    },
    /// Tables of which row level security shows nothing to the role of the key.
    #[error("row level security hides these tables from the role {role} of SUPABASE_KEY, so their changes are not announced: {tables}. Use a secret or service_role key, or give each a policy: CREATE POLICY … FOR SELECT TO {sql} USING (true)", sql = quoted(role))]
    Hidden {
        /// The role.
        role: String,
        /// The tables it sees nothing of.
        tables: Tables,
    },
    /// No slot or no walsender is free.
    #[error(
        "{0} of the server is used up: raise it and restart Postgres, or drop slots that nobody reads (see pg_replication_slots)"
    )]
    NoneFree(&'static str),
    /// Transactions stay open for so long that a slot cannot be made.
    #[error(
        "the change feed waited {0} seconds for open transactions to end: look for old xact_start in pg_stat_activity and end them"
    )]
    OpenTransactions(u64),
    /// Commits do not flush their WAL at once.
    #[error(
        "synchronous_commit is off, so changes arrive up to wal_writer_delay (200 ms by default) late: set it to on, or accept the delay"
    )]
    LateCommits,
    /// A row exceeds what the feed buffers.
    #[error(
        "a change of {megabytes} MB is more than the feed reads at once: the feed connects anew and a sweep finds the row"
    )]
    HugeRow {
        /// Size of the message.
        megabytes: usize,
    },
    /// Anything else the server said.
    #[error("the database refused the change feed: {0}")]
    Refused(String),
}

impl FeedProblem {
    /// Whether there is no feed at all until it is solved; the others leave gaps or delay.
    pub const fn stops_the_feed(&self) -> bool {
        !matches!(
            self,
            Self::PublishesLess { .. }
                | Self::NoTable(_)
                | Self::Unpublished { .. }
                | Self::Filtered { .. }
                | Self::NoRole(_)
                | Self::Ungranted { .. }
                | Self::Hidden { .. }
                | Self::LateCommits
                | Self::HugeRow { .. }
        )
    }

    /// What an error of the replication connection of this user, reading this publication, means.
    pub(super) fn from_connection(error: &PgWireError, user: &str, publication: &str) -> Self {
        match error {
            PgWireError::Io(error) => Self::Unreachable(error.to_string()),
            PgWireError::Auth(text) => Self::Login(text.clone()),
            PgWireError::Tls(text) => Self::Tls(text.clone()),
            PgWireError::MessageTooLarge { payload_bytes, .. } => Self::HugeRow {
                megabytes: payload_bytes >> 20,
            },
            PgWireError::Server(text) => Self::from_server(text, user, publication),
            other => Self::Refused(other.to_string()),
        }
    }

    /// Reads the SQLSTATE that stands behind the server's text (Postgres documentation, appendix
    /// A).
    fn from_server(text: &str, user: &str, publication: &str) -> Self {
        let state = text
            .rsplit_once("SQLSTATE ")
            .map_or("", |(_, state)| state.trim_end_matches(')'));
        match state {
            "42501" => Self::RoleLacksReplication(user.to_owned()),
            "42704" if text.contains(publication) => Self::NoPublication(publication.to_owned()),
            "28P01" | "28000" => Self::Login(text.to_owned()),
            "53300" if text.contains("max_wal_senders") => Self::NoneFree("max_wal_senders"),
            "53400" => Self::NoneFree("max_replication_slots"),
            // A pooler that ignores the wish for replication hands the command to a plain backend.
            "42601" => Self::Pooler("it does not know replication commands".to_owned()),
            "08P01" if text.contains("startup parameter") => Self::Pooler(text.to_owned()),
            "57P01" | "57P02" | "57P03" | "3D000" => Self::Unreachable(text.to_owned()),
            _ => Self::Refused(text.to_owned()),
        }
    }
}

/// A name as SQL needs it: in quotes unless it is plain lower case.
fn quoted(name: &str) -> String {
    let plain = |byte: u8| byte == b'_' || byte.is_ascii_lowercase();
    let mut bytes = name.bytes();
    if bytes.next().is_some_and(plain) && bytes.all(|byte| plain(byte) || byte.is_ascii_digit()) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// Table names in a sentence and in SQL alike: `public.tasks, public.agents`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables(pub Vec<Table>);

impl fmt::Display for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, table) in self.0.iter().enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            write!(f, "{comma}public.{table}")?;
        }
        Ok(())
    }
}
