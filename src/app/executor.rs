//! The executor: an existing one behind the Control API, or the built-in one.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tokio::sync::Notify;

use super::{database, run_file};
use crate::config::{self, AgentProgram, Config, Preset};
use crate::control::client::ControlClient;
use crate::control::guard::ShellGuard;
use crate::executor::{
    AgentCommand, AgentInput, AllowedHost, DEFAULT_API_TIMEOUT, Executor, ExecutorSettings, Kick,
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
}

/// The executor of the configuration, or our own.
pub async fn open(
    lifecycle: &mut Lifecycle,
    config: &Config,
    store: &Store,
) -> anyhow::Result<Control> {
    let (url, token, kick) = if let Some(url) = &config.control_api.url {
        (
            url.to_string(),
            config.control_api.token.clone(),
            Kick::default(),
        )
    } else {
        store.requeue_unbegun().await?;
        start(lifecycle, config, store).await?
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
    })
}

async fn start(
    lifecycle: &mut Lifecycle,
    config: &Config,
    store: &Store,
) -> anyhow::Result<(String, Option<SecretString>, Kick)> {
    // Loopback is open to every program of this machine: only who reads run.json may send turns.
    let token = config
        .executor
        .token
        .clone()
        .unwrap_or_else(|| SecretString::from(uuid::Uuid::new_v4().simple().to_string()));
    let settings = ExecutorSettings {
        listen: config.executor.listen,
        token: Some(token.clone()),
        parallel: config.executor.parallel,
        batch: config.executor.batch,
        agents: agents(config)?,
        workspace: config.executor.workspace.clone(),
        allowed_hosts: allowed_hosts(config),
        api_timeout: DEFAULT_API_TIMEOUT,
    };
    let executor = Executor::start(settings, store.clone()).await?;
    let url = format!("http://{}", executor.addr());
    let kick = executor.kick();
    let cancel = lifecycle.token();
    lifecycle.spawn("executor", executor.run(cancel));
    Ok((url, Some(token), kick))
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
    let database = database::open(&mut lifecycle, &config).await?;
    let (url, token, _) = start(&mut lifecycle, &config, &database.store).await?;
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
