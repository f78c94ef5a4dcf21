//! The settings, section by section, as the rest of the bridge sees them: already parsed, already
//! checked, secrets by type. `deploy/bridge.example.toml` shows the same keys as a person writes them.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use crate::model::{GuildId, ProjectId, RoleId, UserId};

/// Discord's own API, version 10 (source: Discord, API reference, "Base URL").
pub const DISCORD_API_BASE: &str = "https://discord.com/api/v10";

/// What the bridge logs when nothing else is asked for: our own story, and only the complaints of
/// the libraries below us.
pub const DEFAULT_LOG_FILTER: &str =
    "info,serenity=warn,poise=warn,sqlx=warn,pgwire_replication=off";

/// `[discord]`: which Discord to talk to, and who may decide there.
#[derive(Debug, Clone)]
pub struct DiscordConfig {
    /// The bot's token. With a token the bridge talks to [`Self::api_base`]; without one it starts
    /// the sandbox.
    pub token: Option<SecretString>,
    /// Where Discord's REST API answers, without a slash at the end; always ends in `/api/v10`.
    pub api_base: Url,
    /// The server (guild) to live in. Absent: the only one the bot is a member of.
    pub guild_id: Option<GuildId>,
    /// Users who may approve. Nobody may when this and [`Self::operator_roles`] are empty.
    pub operators: Vec<UserId>,
    /// Roles whose members may approve.
    pub operator_roles: Vec<RoleId>,
}

/// `[database]`: where the Mission Control tables live.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// A `postgres://` address. A secret, because it carries the password. Absent: the embedded
    /// Postgres is started.
    pub url: Option<SecretString>,
}

/// `[control_api]`: the `ClawdOS` executor's HTTP interface.
#[derive(Debug, Clone)]
pub struct ControlApiConfig {
    /// Its address; the path has no slash at the end. Absent: the built-in executor is started.
    pub url: Option<Url>,
    /// Sent as a bearer token, when it asks for one.
    pub token: Option<SecretString>,
    /// Whether an executor that is not ours gets nothing that a shell would expand: existing ones
    /// pass messages through a shell (source: `ClawdOS`).
    pub shell_safe: bool,
}

/// `[project]`: the one `ClawdOS` project this bridge shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectConfig {
    /// `projects.id`.
    pub id: ProjectId,
    /// The name for people; used when the project has to be created.
    pub name: String,
}

/// `[sandbox]`: the local Discord-compatible server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxConfig {
    /// Where it listens. Port 0 takes a free one. Beyond loopback it asks for its own token.
    pub listen: SocketAddr,
}

/// `[executor]`: the built-in executor.
#[derive(Debug, Clone)]
pub struct ExecutorConfig {
    /// Where its Control API listens. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Turns of agents that may run at the same time.
    pub parallel: usize,
    /// Queue rows that are claimed at once (source: the `ClawdOS` worker takes 5).
    pub batch: usize,
    /// What callers must send as a bearer token. Required beyond loopback.
    pub token: Option<SecretString>,
    /// The folder that `file_write` proposals may write to. Absolute.
    pub workspace: PathBuf,
    /// The folder with the skills, one folder each. Absolute.
    pub skills: PathBuf,
    /// `api_call.allowed_hosts`: hosts that `api_call` proposals may reach. Empty: none.
    pub api_allowed_hosts: Vec<AllowedHost>,
    /// `agents.<short>`: the command line of each agent, by its short name. Empty: the demo agents.
    pub agents: BTreeMap<String, AgentConfig>,
}

/// A host that an `api_call` proposal may reach, even when it is a private one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    /// A lower-case name or an address without brackets.
    pub host: String,
    /// Absent: any port.
    pub port: Option<u16>,
}

/// How one agent is run: as a subprocess, never through a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentConfig {
    /// What is run.
    pub program: AgentProgram,
    /// How long one turn may take (source: `ClawdOS` runs agents with `--timeout 120`).
    pub timeout: Duration,
    /// Bytes of output that are read before the turn is ended.
    pub output_limit: usize,
    /// Names of environment variables that are passed on besides the few every program needs.
    pub env: Vec<String>,
}

/// `[agents.<short>]`: what one agent has in Discord besides its channel.
#[derive(Debug, Clone)]
pub struct OwnBotConfig {
    /// The token of a bot of its own, whose direct messages are the agent's thread.
    pub discord_token: SecretString,
}

/// What is run for an agent's turn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AgentProgram {
    /// `preset`: a program that we know.
    Preset(Preset),
    /// `argv` and `input`: any other.
    Argv {
        /// The program and its arguments, with the placeholders of the executor's runner in them;
        /// at least the program.
        argv: Vec<String>,
        /// What stands on its standard input when no argument holds the message.
        input: AgentInput,
    },
}

/// A program that we know how to talk to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// An agent of an `OpenClaw` installation.
    OpenClaw,
    /// Claude Code, without its terminal.
    Claude,
    /// The agent that shows everything at work.
    Demo,
}

/// What an agent finds on its standard input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentInput {
    /// One JSON object: the message, and where it comes from.
    Json,
    /// The message, and nothing else.
    Text,
}

/// `[delivery]`: messages on their way to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryConfig {
    /// Whether members who are not operators may address agents.
    pub members_may_ask: bool,
    /// How long a delivery may stand still before it counts as failed (source: `ClawdOS`, 120 s).
    pub watchdog: Duration,
    /// Turns that the bridge has under way directly at the same time.
    pub parallel: usize,
}

/// `[mirror]`: keeping Discord a true picture of the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorConfig {
    /// The time between two sweeps.
    pub sweep: Duration,
    /// How far back a sweep looks.
    pub horizon: Duration,
    /// How much history is shown when a project is first connected to Discord.
    pub first_link: Duration,
}

/// How the bridge hears of changes at once. The sweep finds them in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedKind {
    /// The `supabase_realtime` publication through a temporary logical replication slot.
    Replication,
    /// Supabase Realtime's websocket, with what `[supabase]` says.
    Websocket,
    /// Not at all: the sweep alone.
    Off,
}

/// `[feed]`: hearing of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedConfig {
    /// What carries the changes.
    pub kind: FeedKind,
}

/// `[supabase]`: the Supabase project around the database. Only the websocket feed needs it.
#[derive(Debug, Clone)]
pub struct SupabaseConfig {
    /// The project's address; the path has no slash at the end.
    pub url: Option<Url>,
    /// A publishable or secret key, or a JSON Web Token.
    pub key: Option<SecretString>,
    /// A file that holds the key, for keys that somebody else renews. Absolute.
    pub key_file: Option<PathBuf>,
}

/// `[health]`: `/healthz`, `/readyz` and `/metrics`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthConfig {
    /// Where they are served. Port 0 takes a free one.
    pub listen: SocketAddr,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// `[log]`: what is logged, to standard error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogConfig {
    /// How lines look.
    pub format: LogFormat,
    /// Directives of `tracing-subscriber`'s `EnvFilter`.
    pub filter: String,
}

/// `[spool]`: what is kept on disk while the database is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Most messages.
    pub messages: usize,
    /// Most bytes of them all, each with its author and its channel.
    pub bytes: usize,
}

/// `[mode]`: Live, Backup or Offline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModeConfig {
    /// The time between two looks at the Control API (source: `ClawdOS`, 30 s).
    pub poll: Duration,
}

/// A free port that only this machine can reach.
pub(super) const LOOPBACK: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
