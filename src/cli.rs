//! The command line. Parsing only: what it means is decided by [`Config`](crate::config::Config).

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::config::{LogFormat, Overrides};

const ABOUT: &str = "ClawdOS Mission Control in Discord: talk to agents, see what they do, decide what they may do.";

/// What the environment can say, shown below `--help`.
const ENVIRONMENT: &str = "\
What is configured is used; what is not, the bridge brings along: a local Discord-compatible
server (the sandbox), an embedded Postgres, and a built-in executor with two demo agents.

Environment, wins over bridge.toml:
  DISCORD_TOKEN            the bot's token; without it the sandbox is started
  DISCORD_API_BASE         a Discord-compatible server elsewhere (ends in /api/v10)
  DISCORD_GUILD_ID         the Discord server that shows that project
  OPERATOR_IDS             Discord users who may approve, with commas between them
  OPERATOR_ROLE_IDS        Discord roles whose members may approve
  DATABASE_URL             a Postgres 15 or newer, Supabase included
  CONTROL_API_URL          an existing ClawdOS executor
  CONTROL_API_TOKEN        the token it asks for
  SUPABASE_URL             the Supabase project, for feed.kind = \"websocket\"
  SUPABASE_KEY             its key
  SUPABASE_KEY_FILE        a file with the key, if somebody else renews it
  PROJECT_ID               the ClawdOS project to begin with (default: front-office)
  EXECUTOR_LISTEN          where the built-in executor listens
  EXECUTOR_TOKEN           what its callers must send; required beyond this machine
  SANDBOX_LISTEN           where the sandbox listens; beyond this machine it asks for its token
  HEALTH_LISTEN            where /healthz, /readyz and /metrics are served
  LOG_FORMAT               text or json
  RUST_LOG                 what is logged, such as info,clawdos_bridge::mirror=debug
  CLAWDOS_BRIDGE_DATA_DIR  the data folder, as --data-dir

deploy/bridge.example.toml describes every setting.";

/// The whole command line.
#[derive(Debug, Clone, Parser)]
#[command(name = "clawdos-bridge", version, about = ABOUT, after_help = ENVIRONMENT)]
pub struct Cli {
    /// What every subcommand understands.
    #[command(flatten)]
    pub global: GlobalOptions,
    /// What to do; nothing means [`Command::Run`].
    #[command(subcommand)]
    command: Option<Command>,
}

/// Options that may stand before or after the subcommand.
#[derive(Debug, Clone, Default, Args)]
pub struct GlobalOptions {
    /// The folder for everything that must survive: the embedded database, the sandbox, run.json
    /// [default: the platform's data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The configuration file [default: bridge.toml here, else in the data folder]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// How log lines look [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

/// What the binary can do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Run the bridge, with whatever is not configured brought along (the default)
    Run,
    /// Check everything the bridge stands on, one screen, each problem with its next step
    ///
    /// Looks at the database, at the change feed with a probe row for each table, at Discord, the executor and the
    /// operators. Uses the bridge that runs on the data folder, if one does. Exits with 1 if something does not work.
    Doctor(DoctorOptions),
    /// Create or update the tables in the database, then exit
    Migrate,
    /// Convert old task comments and outputs into events, a batch at a time
    ///
    /// Each row of `task_comments` and `task_outputs` becomes an event in `task_events`, once, with the time that it has;
    /// rows that an event carries already are passed over, and the old tables are left as they are. It may be stopped
    /// at any time and goes on when it is started again, and bridges may run meanwhile. Without `DATABASE_URL` it uses the
    /// database of the bridge that runs on the data folder, if one does. Exits with 1 if rows are left to convert.
    Backfill(BackfillOptions),
    /// Run the built-in executor alone: the Control API, the queue worker, the agents
    Executor(ListenOptions),
    /// Run the sandbox alone: a local Discord-compatible server
    #[cfg(feature = "sandbox")]
    Sandbox(ListenOptions),
    /// Take one turn as a demo agent
    #[command(hide = true)]
    DemoAgent(DemoAgentOptions),
}

/// How `doctor` tells what it found.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DoctorOptions {
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}

/// How `backfill` works.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BackfillOptions {
    /// Count what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Rows per transaction
    #[arg(long, value_name = "ROWS", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub batch: u32,
}

/// For subcommands that serve something.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ListenOptions {
    /// Where to listen, such as 127.0.0.1:8787 [default: a free port of this machine]
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
}

/// How the executor calls a demo agent.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DemoAgentOptions {
    /// The agent's short name, such as ricky
    #[arg(long, value_name = "SHORT")]
    pub agent: String,
}

impl Cli {
    /// What to do.
    pub fn command(&self) -> Command {
        self.command.clone().unwrap_or(Command::Run)
    }

    /// What the command line decides over file and environment.
    pub fn overrides(&self) -> Overrides {
        let mut overrides = Overrides {
            data_dir: self.global.data_dir.clone(),
            config: self.global.config.clone(),
            log_format: self.global.log_format,
            ..Overrides::default()
        };
        match &self.command {
            Some(Command::Executor(options)) => overrides.executor_listen = options.listen,
            #[cfg(feature = "sandbox")]
            Some(Command::Sandbox(options)) => overrides.sandbox_listen = options.listen,
            _ => {}
        }
        overrides
    }
}
