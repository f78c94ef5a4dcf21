//! Configuration: `bridge.toml`, the environment and the command line become one checked [`Config`],
//! or the list of everything that is wrong with them.
//!
//! Precedence: command line, environment, file, default. An environment variable that is set but
//! empty counts as not set.

mod agents;
mod load;
mod problem;
mod secret;
mod sections;
mod source;
mod suggest;
mod validate;
mod value;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

pub use self::load::known_keys;
pub use self::problem::{ConfigProblems, Place, Problem};
pub use self::sections::{
    AgentConfig, AgentInput, AgentProgram, AllowedHost, ControlApiConfig, DEFAULT_LOG_FILTER,
    DISCORD_API_BASE, DatabaseConfig, DeliveryConfig, DiscordConfig, ExecutorConfig, FeedConfig,
    FeedKind, HealthConfig, LogConfig, LogFormat, MirrorConfig, ModeConfig, OwnBotConfig, Preset,
    ProjectConfig, SandboxConfig, SpoolConfig, SupabaseConfig,
};
pub use self::source::{Environment, KnownKey};

/// The name of the configuration file, in the current folder or in the data folder.
pub const FILE_NAME: &str = "bridge.toml";

/// The environment variable that names the data folder.
pub const DATA_DIR_VARIABLE: &str = "CLAWDOS_BRIDGE_DATA_DIR";

/// What the command line decides over file and environment.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--data-dir`
    pub data_dir: Option<PathBuf>,
    /// `--config`
    pub config: Option<PathBuf>,
    /// `--log-format`
    pub log_format: Option<LogFormat>,
    /// `executor --listen`
    pub executor_listen: Option<SocketAddr>,
    /// `sandbox --listen`
    pub sandbox_listen: Option<SocketAddr>,
}

/// Everything the bridge was told. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the bridge keeps what must survive: the embedded database, the sandbox's state,
    /// `run.json`. Absolute; not created yet.
    pub data_dir: PathBuf,
    /// The configuration file that was read, if there was one.
    pub file: Option<PathBuf>,
    /// `[discord]`
    pub discord: DiscordConfig,
    /// `[agents.<short>]`: the agents that have a bot of their own, by their short names.
    pub own_bots: BTreeMap<String, OwnBotConfig>,
    /// `[database]`
    pub database: DatabaseConfig,
    /// `[control_api]`
    pub control_api: ControlApiConfig,
    /// `[project]`
    pub project: ProjectConfig,
    /// `[sandbox]`
    pub sandbox: SandboxConfig,
    /// `[executor]`
    pub executor: ExecutorConfig,
    /// `[delivery]`
    pub delivery: DeliveryConfig,
    /// `[mirror]`
    pub mirror: MirrorConfig,
    /// `[feed]`
    pub feed: FeedConfig,
    /// `[supabase]`
    pub supabase: SupabaseConfig,
    /// `[health]`
    pub health: HealthConfig,
    /// `[log]`
    pub log: LogConfig,
    /// `[mode]`
    pub mode: ModeConfig,
    /// `[spool]`
    pub spool: SpoolConfig,
}
