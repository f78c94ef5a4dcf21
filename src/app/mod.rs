//! The composition root: the only place where parts are wired together.

mod backfill;
mod boards;
mod bridge;
mod database;
mod discord;
mod doctor;
mod executor;
mod feed;
mod home;
mod instance;
mod landlord;
mod mirroring;
mod own_bots;
mod registration;
mod run_file;
mod spool;
mod switches;
mod welcome;
mod wiring;

use std::process::ExitCode;

use anyhow::Context as _;

use crate::cli::{Cli, Command};
use crate::config::{Config, DEFAULT_LOG_FILTER, Overrides};
use crate::embedded;
use crate::executor::demo;
use crate::lifecycle::Lifecycle;
use crate::telemetry;

/// Does what the command line says.
pub fn run(cli: &Cli) -> ExitCode {
    let command = cli.command();
    if let Command::DemoAgent(options) = &command {
        let (input, output) = (std::io::stdin().lock(), std::io::stdout().lock());
        return demo::demo_agent(&options.agent, input, output, std::io::stderr());
    }
    let ran = match prepare(&cli.overrides()) {
        Ok(config) => start(&command, config),
        Err(problem) => match &command {
            Command::Doctor(options) => doctor::misconfigured(&problem, options),
            _ => Err(problem),
        },
    };
    match ran {
        Ok(code) => code,
        Err(error) => {
            eprintln!("clawdos-bridge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn prepare(overrides: &Overrides) -> anyhow::Result<Config> {
    let environment = |name: &str| std::env::var(name).ok();
    let folder = std::env::current_dir().context("the current folder cannot be read")?;
    Ok(Config::load(
        overrides,
        &environment,
        &folder,
        &embedded::default_data_dir(),
    )?)
}

fn start(command: &Command, mut config: Config) -> anyhow::Result<ExitCode> {
    // The report says it all, unless somebody asks for the log.
    if matches!(command, Command::Doctor(_)) && config.log.filter == DEFAULT_LOG_FILTER {
        "off".clone_into(&mut config.log.filter);
    }
    if matches!(command, Command::Backfill(_)) && config.log.filter == DEFAULT_LOG_FILTER {
        "error".clone_into(&mut config.log.filter);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    let code = runtime.block_on(async {
        let prometheus = telemetry::init(&config.log)?;
        let lifecycle = Lifecycle::start()?;
        match command {
            Command::Run => Box::pin(bridge::run(lifecycle, config, prometheus)).await,
            Command::Doctor(options) => doctor::run(lifecycle, config, options).await,
            Command::Backfill(options) => Box::pin(backfill::run(lifecycle, config, options)).await,
            Command::Migrate => database::migrate_only(lifecycle, &config).await,
            Command::Executor(_) => executor::run_alone(lifecycle, config, prometheus).await,
            #[cfg(feature = "sandbox")]
            Command::Sandbox(_) => discord::run_sandbox_alone(lifecycle, config, prometheus).await,
            Command::DemoAgent(_) => Ok(ExitCode::FAILURE),
        }
    });
    // What hangs must not hold up the exit: the process ends, and with it every thread.
    runtime.shutdown_background();
    code
}
