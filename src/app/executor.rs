//! The executor: an existing one behind the Control API, or the built-in one.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::net::TcpSocket;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::switches::{Hand, hold};
use super::{database, run_file};
use crate::config::{self, AgentProgram, Config, Preset};
use crate::control::client::ControlClient;
use crate::control::guard::ShellGuard;
use crate::executor::{
    AgentCommand, AgentInput, AllowedHost, DEFAULT_API_TIMEOUT, Executor, ExecutorSettings, Hires,
    Kick,
};
use crate::lifecycle::Lifecycle;
use crate::store::Store;
use crate::telemetry;

/// The way to the executor.
pub struct Control {
    /// The client.
    pub client: ControlClient,
    /// Its address.
    pub url: String,
    /// Its token.
    pub token: Option<SecretString>,
    /// Makes texts safe for an executor that is not ours.
    pub shell: ShellGuard,
    /// Tells our own executor that something was approved; nobody listens where it is another.
    pub approved: Arc<Notify>,
    /// Tells it that something about jobs was asked for.
    pub jobs: Arc<Notify>,
}

/// The executor of the configuration, or our own, which can be switched off and on.
pub async fn open(
    lifecycle: &mut Lifecycle,
    config: &Config,
    store: &Store,
    hand: Hand,
) -> anyhow::Result<Control> {
    let (url, token, kick) = if let Some(url) = &config.control_api.url {
        (
            url.to_string(),
            config.control_api.token.clone(),
            Kick::default(),
        )
    } else {
        store.requeue_unbegun().await?;
        start(lifecycle, config, store, hand).await?
    };
    let shell = match &config.control_api.url {
        Some(_) if config.control_api.shell_safe => ShellGuard::watching(),
        _ => ShellGuard::off(),
    };
    let client = ControlClient::new(&url, token.clone(), store.project().clone())?;
    let client = client.with_guard(shell.clone());
    Ok(Control {
        client,
        shell,
        url,
        token,
        approved: kick.approved(),
        jobs: kick.jobs(),
    })
}

async fn start(
    lifecycle: &mut Lifecycle,
    config: &Config,
    store: &Store,
    hand: Hand,
) -> anyhow::Result<(String, Option<SecretString>, Kick)> {
    // Loopback is open to every program of this machine: only who reads run.json may send turns.
    let token = config
        .executor
        .token
        .clone()
        .unwrap_or_else(|| SecretString::from(uuid::Uuid::new_v4().simple().to_string()));
    let (mut listen, mut workspace) = (config.executor.listen, config.executor.workspace.clone());
    if *store.project() != config.project.id {
        // Another project of the same process: its agents may have the same names.
        listen.set_port(0);
        let mut name = workspace.file_name().unwrap_or_default().to_owned();
        name.push(format!("-{}", store.project()));
        // Beside it and not in it: what one may write the other must not reach.
        workspace.set_file_name(name);
    }
    let settings = ExecutorSettings {
        listen,
        token: Some(token.clone()),
        parallel: config.executor.parallel,
        batch: config.executor.batch,
        agents: agents(config)?,
        workspace,
        allowed_hosts: allowed_hosts(config),
        api_timeout: DEFAULT_API_TIMEOUT,
        skills: config.executor.skills.clone(),
        hires: hires(config)?,
    };
    let kick = Kick::default();
    let executor = Executor::start(settings.clone(), store.clone(), kick.clone()).await?;
    let url = format!("http://{}", executor.addr());
    let again = ExecutorSettings {
        listen: executor.addr(),
        ..settings
    };
    let tended = Tended {
        settings: again,
        store: store.clone(),
        kick: kick.clone(),
        hand,
        cancel: lifecycle.token(),
    };
    lifecycle.spawn("executor", tended.run(executor));
    Ok((url, Some(token), kick))
}

/// The executor, which people may switch off and on. One that ends by itself ends the process.
struct Tended {
    settings: ExecutorSettings,
    store: Store,
    kick: Kick,
    hand: Hand,
    cancel: CancellationToken,
}

impl Tended {
    async fn run(mut self, mut executor: Executor) -> anyhow::Result<()> {
        loop {
            let stop = self.cancel.child_token();
            let running = executor.run(stop.clone());
            tokio::pin!(running);
            let asking = tokio::select! {
                ended = &mut running => return ended,
                asking = self.hand.asked() => asking,
            };
            // As at a shutdown: turns get a moment, and what waits goes back to the queue.
            stop.cancel();
            running.await?;
            tracing::info!("the executor is switched off");
            self.hand.done(asking);
            let held = hold(self.settings.listen);
            let Some(again) = self.switched_on(held).await else {
                return Ok(());
            };
            executor = again;
        }
    }

    /// The executor, once somebody has switched it on; none when the bridge ends before.
    async fn switched_on(&mut self, mut held: Option<TcpSocket>) -> Option<Executor> {
        loop {
            let cancel = self.cancel.clone();
            let asking = cancel.run_until_cancelled(self.hand.asked()).await?;
            drop(held.take());
            let settings = self.settings.clone();
            match Executor::start(settings, self.store.clone(), self.kick.clone()).await {
                Ok(executor) => {
                    self.hand.done(asking);
                    return Some(executor);
                }
                Err(error) => {
                    tracing::error!(%error, "the executor cannot be switched on");
                    asking.failed(format!("{error:#}."));
                }
            }
        }
    }
}

fn allowed_hosts(config: &Config) -> Vec<AllowedHost> {
    let listed = config.executor.api_allowed_hosts.iter();
    listed
        .map(|entry| AllowedHost {
            host: entry.host.clone(),
            port: entry.port,
        })
        .collect()
}

/// With agents in the configuration, only those; else whoever is asked for is a demo agent.
fn hires(config: &Config) -> anyhow::Result<Hires> {
    if !config.executor.agents.is_empty() {
        return Ok(Hires::Configured);
    }
    let program = std::env::current_exe().context("our own program cannot be found")?;
    Ok(Hires::Demo(program.to_string_lossy().into_owned()))
}

/// The agents of the configuration; without any, the two of the demo.
fn agents(config: &Config) -> anyhow::Result<BTreeMap<String, AgentCommand>> {
    let program = std::env::current_exe().context("our own program cannot be found")?;
    let demo = |short: &str| AgentCommand::demo(&program.to_string_lossy(), short);
    if config.executor.agents.is_empty() {
        let shorts = ["main", "ricky"].into_iter();
        return Ok(shorts
            .map(|short| (short.to_owned(), demo(short)))
            .collect());
    }
    let configured = config.executor.agents.iter();
    Ok(configured
        .map(|(short, agent)| {
            let command = match &agent.program {
                AgentProgram::Preset(Preset::OpenClaw) => AgentCommand::openclaw(),
                AgentProgram::Preset(Preset::Claude) => AgentCommand::claude(),
                AgentProgram::Preset(Preset::Demo) => demo(short),
                AgentProgram::Argv { argv, input } => AgentCommand {
                    input: match input {
                        config::AgentInput::Json => AgentInput::Json,
                        config::AgentInput::Text => AgentInput::Text,
                    },
                    ..AgentCommand::new(argv)
                },
            };
            let command = AgentCommand {
                timeout: agent.timeout,
                output_limit: agent.output_limit,
                env: agent.env.clone(),
                ..command
            };
            (short.clone(), command)
        })
        .collect())
}

/// `clawdos-bridge executor`.
pub async fn run_alone(
    mut lifecycle: Lifecycle,
    config: Config,
    prometheus: PrometheusHandle,
) -> anyhow::Result<ExitCode> {
    let cancel = lifecycle.token();
    lifecycle.spawn("metrics", async move {
        telemetry::upkeep(prometheus, cancel).await;
        Ok(())
    });
    let database = database::open(&mut lifecycle, &config, Hand::fixed()).await?;
    let (url, token, _) = start(&mut lifecycle, &config, &database.store, Hand::fixed()).await?;
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("{} cannot be made", config.data_dir.display()))?;
    let file = config.data_dir.join("executor.json");
    run_file::write(
        &file,
        &json!({
            "ready": true,
            "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"),
            "project_id": config.project.id,
            "control_api": { "url": url, "token": token.as_ref().map(ExposeSecret::expose_secret) },
        }),
    )?;
    println!("executor  {url}");
    println!("run file  {}", file.display());
    println!("ready");
    lifecycle.on_shutdown("run file", async move {
        run_file::remove(&file);
        Ok(())
    });
    Ok(lifecycle.run().await)
}
