//! What an executor is told: where it listens, whom it runs.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

/// Time that an agent's turn may take (source: `ClawdOS` runs agents with `--timeout 120`).
pub const DEFAULT_TIMEOUT: Duration = Duration::from_mins(2);

/// Bytes that an agent may print in one turn.
pub const DEFAULT_OUTPUT_LIMIT: usize = 1024 * 1024;

/// Time that the answer to an `api_call` may take.
pub const DEFAULT_API_TIMEOUT: Duration = Duration::from_secs(30);

/// The settings of one executor.
#[derive(Debug, Clone)]
pub struct ExecutorSettings {
    /// Where the Control API listens; port 0 takes a free one. Beyond loopback only with a token.
    pub listen: SocketAddr,
    /// What callers send as a bearer token.
    pub token: Option<SecretString>,
    /// Turns that may run at the same time, at least 1.
    pub parallel: usize,
    /// Queue rows that are claimed in one statement, at least 1.
    pub batch: usize,
    /// How each agent is run, by its short id. Rows of other agents are left to other executors.
    pub agents: BTreeMap<String, AgentCommand>,
    /// The only folder that approved `file_write`s write to; made when the first one does.
    pub workspace: PathBuf,
    /// The hosts that approved `api_call`s may reach. Empty: none.
    pub allowed_hosts: Vec<AllowedHost>,
    /// How long the answer to an `api_call` may take; [`DEFAULT_API_TIMEOUT`].
    pub api_timeout: Duration,
    /// The folder with the skills, one folder each; it need not be there.
    pub skills: PathBuf,
    /// Whom it can provision.
    pub hires: Hires,
}

/// Whom an executor can make ready when somebody asks for a new agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hires {
    /// Only the agents that it is configured to run.
    Configured,
    /// Anybody, as a demo agent: by this program, which is our own.
    Demo(String),
}

/// A host that `api_call`s may reach, even when it is a private one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    /// A lower-case name or an address without brackets.
    pub host: String,
    /// Absent: any port.
    pub port: Option<u16>,
}

/// How one agent is run: one process per turn, by argument vector, never by a shell.
///
/// The placeholders `{short}`, `{key}`, `{session}`, `{session_uuid}`, `{context}` and `{message}` are replaced in
/// every argument; one that holds `{context}` is left out where there is no context. Without `{message}` the agent gets its [`AgentInput`] on standard input. What it
/// prints is the answer: plain text, or JSON with `reply` and optionally `proposals`, `events` and `status`
/// (of the task that the message is about), or what `OpenClaw` or Claude Code print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentCommand {
    /// The program and its arguments; at least the program.
    pub argv: Vec<String>,
    /// What it finds on its standard input.
    pub input: AgentInput,
    /// What is run instead where a session has to be begun first.
    pub fresh: Option<Fresh>,
    /// How long a turn may take before its processes are killed.
    pub timeout: Duration,
    /// Bytes that it may print before its processes are killed.
    pub output_limit: usize,
    /// Environment variables that it gets besides `PATH`, `HOME` and `LANG`.
    pub env: Vec<String>,
}

/// What an agent finds on its standard input when no argument holds the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentInput {
    /// One JSON object: `{"message", "agent", "thread_id", "message_id", "project_id", "task_id", "kind", "context"}`.
    Json,
    /// The message as it is.
    Text,
}

/// How a session is begun by a program that has different words for beginning and going on. Going
/// on is tried first; who does not know the session has not begun to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fresh {
    /// What the program says, as it fails, where it does not know the session.
    pub when: String,
    /// The command that begins it, with the same placeholders.
    pub argv: Vec<String>,
}

impl AgentCommand {
    /// A command with the usual limits.
    pub fn new(argv: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            input: AgentInput::Json,
            fresh: None,
            timeout: DEFAULT_TIMEOUT,
            output_limit: DEFAULT_OUTPUT_LIMIT,
            env: Vec::new(),
        }
    }

    /// The program's file: as given when it names a folder, else as found in `PATH`.
    pub fn program(&self) -> Option<PathBuf> {
        let name = Path::new(self.argv.first()?);
        if name.components().count() > 1 {
            return is_executable(name).then(|| name.to_owned());
        }
        on_path(self.argv.first()?)
    }
}

/// A program that is found on the `PATH`, by its name alone.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    if name.is_empty() || Path::new(name).components().count() > 1 {
        return None;
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
