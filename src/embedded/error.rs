//! What can go wrong with the embedded Postgres, each with the fix in its text.

use std::io;
use std::path::PathBuf;
use std::process::Output;

use thiserror::Error;

/// Why the data folder or the embedded Postgres cannot be used. The text is meant for the person at the terminal.
#[derive(Debug, Error)]
pub enum EmbeddedError {
    /// The data folder is locked by a bridge that runs.
    #[error(
        "another bridge ({holder}) runs on this data folder, {}. Stop that one, or give this one a folder of its own with --data-dir.",
        folder.display()
    )]
    InUse {
        /// The data folder.
        folder: PathBuf,
        /// "pid 123", or what is known of it.
        holder: String,
    },
    /// The data folder, or a file in it, cannot be created, read or written.
    #[error(
        "the data folder cannot be used: {}: {source}. Make it writable for the user that runs the bridge, or choose another folder with --data-dir.",
        path.display()
    )]
    DataFolder {
        /// The folder or file that failed.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// We are root, Postgres must not be, and its user cannot reach the folder.
    #[error(
        "the data folder {} cannot be reached by the user {user}, because {user} may not enter {}. Postgres refuses to run as root, so the bridge runs it as {user}: choose a folder that {user} can reach with --data-dir, for example --data-dir /var/lib/clawdos-bridge.",
        folder.display(), blocked_at.display()
    )]
    Unreachable {
        /// The data folder.
        folder: PathBuf,
        /// The unprivileged user.
        user: String,
        /// The first folder on the way that refuses the user.
        blocked_at: PathBuf,
    },
    /// No unprivileged user exists to run Postgres as.
    #[error(
        "Postgres refuses to run as root and this system has neither a user `postgres` nor `nobody`. Start the bridge as an ordinary user, or set DATABASE_URL to a Postgres that runs elsewhere."
    )]
    NoAccount,
    /// The database files belong to somebody else, and only root could act for them.
    #[error(
        "the database in {} belongs to the user {owner}. Start the bridge as {owner} or as root, or choose another folder with --data-dir.",
        folder.display()
    )]
    ForeignData {
        /// The database folder.
        folder: PathBuf,
        /// Its owner.
        owner: String,
    },
    /// A folder stands where the database should be, and it is not a database.
    #[error(
        "{} is not a Postgres database and not empty. Move it away, or choose another folder with --data-dir.",
        folder.display()
    )]
    NotADatabase {
        /// The folder.
        folder: PathBuf,
    },
    /// No program was found, and none could be fetched.
    #[error(
        "no PostgreSQL {wanted} is installed and it could not be fetched: {reason}. Install it with `{install}`, or set DATABASE_URL to a Postgres 15 or newer that you have."
    )]
    NoPostgres {
        /// "15 or newer", or the one major version that the existing data needs.
        wanted: String,
        /// Why the download did not help.
        reason: String,
        /// The one command for this platform.
        install: String,
    },
    /// The folder named by `CLAWDOS_POSTGRES_BIN` is of no use.
    #[error(
        "CLAWDOS_POSTGRES_BIN names {}, which holds no working `postgres` and `initdb` of PostgreSQL {wanted}. Correct it, or unset it to let the bridge search.",
        folder.display()
    )]
    NamedFolder {
        /// The folder it names.
        folder: PathBuf,
        /// "15 or newer", or the one major version that the existing data needs.
        wanted: String,
    },
    /// A program of Postgres could not be started or ended with an error while the database was made.
    #[error(
        "{program} failed while the database was prepared: {output}. Free some disk space or memory if that is what it says, or set DATABASE_URL to a Postgres that you have."
    )]
    Prepare {
        /// The program, e.g. `initdb`.
        program: &'static str,
        /// Its last words.
        output: String,
    },
    /// The server ended, or stayed silent, before it took connections.
    #[error(
        "the embedded Postgres did not start: {reason} Its log is {}; or set DATABASE_URL to a Postgres that you have.",
        log.display()
    )]
    NotStarted {
        /// What happened, with the last lines of the log.
        reason: String,
        /// The whole log.
        log: PathBuf,
    },
    /// A server of an earlier run does not end.
    #[error(
        "a Postgres of an earlier run (pid {pid}) still uses {} and does not end. End it with `kill -9 {pid}` and start again.",
        folder.display()
    )]
    Orphan {
        /// Its process id.
        pid: i32,
        /// The database folder.
        folder: PathBuf,
    },
}

impl EmbeddedError {
    /// For `map_err` on file operations: names the path that failed.
    pub(super) fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::DataFolder { path, source }
    }
}

/// The last lines of what a program said, on one line, for a message.
pub(super) fn last_words(output: &Output) -> String {
    let said = last_lines(&String::from_utf8_lossy(&output.stderr));
    if said.is_empty() {
        output.status.to_string()
    } else {
        said
    }
}

/// The last five lines that hold something, on one line.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(5)..].join(" / ")
}
