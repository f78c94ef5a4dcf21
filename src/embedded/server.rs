//! One run of the server: it dies with us, by itself if need be.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::process::{Child, ChildStdin};
use tokio::time::{Instant, sleep};

use super::account::Account;
use super::binaries::Binaries;
use super::error::{EmbeddedError, last_lines};

/// The shell stands between us and the server and holds the other end of a pipe. When the pipe closes, because we say
/// so or because we were killed, it stops the server: fast, and after five seconds at once. `SIGUSR1` then clears its
/// helpers away. It ignores the signals that a service manager sends to everybody: the server stops when we are done.
const GUARDIAN: &str = r#"
trap '' HUP INT TERM
exec 3<&0
"$@" 3<&- </dev/null &
server=$!
(
  read -r line <&3
  kill -INT "$server"
  sleep 5
  kill -QUIT "$server"
) >/dev/null 2>&1 &
wait "$server"
code=$?
trap '' USR1
kill -USR1 0
exit "$code"
"#;

/// What we insist on. `wal_level` is for the change feed; timestamps in UTC as on Supabase; no log lines for the
/// checkpoints of an idle server.
const SETTINGS: [&str; 12] = [
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "wal_level=logical",
    "max_wal_senders=10",
    "max_replication_slots=10",
    "max_connections=100",
    "shared_buffers=32MB",
    "timezone=UTC",
    "log_timezone=UTC",
    "log_checkpoints=off",
    "logging_collector=off",
    "cluster_name=clawdos-bridge",
];

/// After a crash Postgres replays its log first: minutes on a slow disk.
const READY_LIMIT: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(5);
/// Between our asking for a free port and the server's taking it, another program may be quicker.
const PORT_ATTEMPTS: usize = 5;
/// A log beyond this is put aside at the next start; one older log is kept.
const LOG_LIMIT_BYTES: u64 = 1024 * 1024;
/// The part of the log that is looked at for the reason of an end.
const LOG_TAIL_BYTES: u64 = 4096;

/// A server that takes connections.
#[derive(Debug)]
pub(super) struct Server {
    /// The guardian; its exit status is the server's.
    pub(super) child: Child,
    /// While this is open the server runs.
    pub(super) lifeline: ChildStdin,
    pub(super) port: u16,
    pub(super) log: Log,
}

/// Starts the server on this loopback port, or a free one, and waits until it takes connections.
pub(super) async fn launch(
    data: &Path,
    log: &Path,
    binaries: &Binaries,
    account: &Account,
    port: Option<u16>,
) -> Result<Server, EmbeddedError> {
    let mut attempt = 1;
    loop {
        match launch_once(data, log, binaries, account, port).await {
            Err(EmbeddedError::NotStarted { reason, .. })
                if attempt < PORT_ATTEMPTS && reason.contains("Address already in use") =>
            {
                attempt += 1;
            }
            done => return done,
        }
    }
}

async fn launch_once(
    data: &Path,
    log: &Path,
    binaries: &Binaries,
    account: &Account,
    port: Option<u16>,
) -> Result<Server, EmbeddedError> {
    let log = Log::open(log).map_err(EmbeddedError::at(log))?;
    let not_started = |reason: String| EmbeddedError::NotStarted {
        reason,
        log: log.path.clone(),
    };
    let io_failed = |error: io::Error| not_started(format!("{error}."));
    let port = port.map_or_else(free_port, Ok).map_err(io_failed)?;
    let started_after = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let mut command = account.command(Path::new("/bin/sh"));
    command
        .args(["-c", GUARDIAN, "clawdos-postgres"])
        .arg(binaries.postgres())
        .arg("-D")
        .arg(data)
        .args(["-c", &format!("port={port}")])
        .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
        .stdin(Stdio::piped())
        .stdout(log.file.try_clone().map_err(io_failed)?)
        .stderr(log.file.try_clone().map_err(io_failed)?);
    let mut child = command.spawn().map_err(io_failed)?;
    let lifeline = child
        .stdin
        .take()
        .ok_or_else(|| not_started("its pipe was not made.".to_owned()))?;
    let deadline = Instant::now() + READY_LIMIT;
    while !is_ready(data, port, started_after) {
        if let Some(status) = child.try_wait().map_err(io_failed)? {
            return Err(not_started(log.explain(status)));
        }
        if Instant::now() >= deadline {
            let said = log.tail();
            return Err(not_started(format!(
                "it took no connections within {READY_LIMIT:?}. Its last log lines: {said}."
            )));
        }
        sleep(POLL).await;
    }
    Ok(Server {
        child,
        lifeline,
        port,
        log,
    })
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// `postmaster.pid` tells the start time (line 3, Unix seconds), the port (line 4) and the status (line 8): `pg_ctl`
/// waits by the same file. Port and time tell this server's file from a stale one.
fn is_ready(data: &Path, port: u16, started_after: u64) -> bool {
    let Ok(bytes) = fs::read(data.join("postmaster.pid")) else {
        return false;
    };
    // Line 2 is the folder, in whatever encoding its name has.
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let number = |index: usize| lines.get(index).and_then(|line| line.parse::<u64>().ok());
    number(2).is_some_and(|started| started >= started_after)
        && number(3) == Some(u64::from(port))
        && lines.get(7) == Some(&"ready")
}

/// The server's log, and where this run's part of it begins.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
    begin: u64,
}

impl Log {
    fn open(path: &Path) -> io::Result<Self> {
        let long = fs::metadata(path).is_ok_and(|found| found.len() > LOG_LIMIT_BYTES);
        if long {
            fs::rename(path, path.with_extension("log.1"))?;
        }
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            // Statements that failed stand in it with their values.
            .mode(0o600)
            .open(path)?;
        let begin = file.metadata()?.len();
        Ok(Self {
            path: path.to_path_buf(),
            file,
            begin,
        })
    }

    /// How it ended, with its last words.
    pub(super) fn explain(&self, status: ExitStatus) -> String {
        let said = self.tail();
        format!("it ended by itself ({status}). Its last log lines: {said}.")
    }

    /// The last lines of this run.
    fn tail(&self) -> String {
        let read = || {
            let mut file = File::open(&self.path)?;
            let length = file.metadata()?.len();
            let from = length.saturating_sub(LOG_TAIL_BYTES).max(self.begin);
            file.seek(SeekFrom::Start(from))?;
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            Ok::<_, io::Error>(last_lines(&String::from_utf8_lossy(&bytes)))
        };
        match read() {
            Ok(said) if said.is_empty() => "(none)".to_owned(),
            Ok(said) => said,
            Err(error) => format!("(unreadable: {error})"),
        }
    }
}
