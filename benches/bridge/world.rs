//! Everything that runs: Postgres, Discord, the bridge, each as a process of its own.

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use tokio::task::{JoinHandle, block_in_place, spawn_blocking};

use crate::database::Database;
use crate::discord::Discord;
use crate::process::Process;

/// What the bridge logs unless it is told otherwise; the harness of the tests asks for more.
const LOG: (&str, &str) = ("RUST_LOG", clawdos_bridge::config::DEFAULT_LOG_FILTER);

/// The last lines of the log that are shown after a failure.
const LAST_LINES: usize = 40;

/// The installation that is measured. Whatever runs is killed when this is dropped.
pub struct World {
    bridge: Option<Process>,
    sandbox: Process,
    /// The sandbox.
    pub discord: Discord,
    /// The database.
    pub database: Database,
    folder: TempDir,
}

impl World {
    /// Postgres and Discord; every figure starts a bridge of its own.
    pub async fn start() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let database = Database::start(&folder.path().join("database")).await?;
        let data = folder.path().join("discord");
        let sandbox = spawn_process(
            vec!["sandbox".into(), "--data-dir".into(), text(&data)],
            Vec::new(),
            data.join("sandbox").join("run.json"),
            folder.path().join("sandbox.log"),
        )
        .await
        .context("the sandbox does not start")?;
        let discord = Discord::new(&sandbox.run)?;
        // Making twenty channels takes half a minute at Discord's pace.
        discord.rate_limits(false).await?;
        Ok(Self {
            bridge: None,
            sandbox,
            discord,
            database,
            folder,
        })
    }

    /// Starts a bridge on what is there and waits until it has nothing left to do.
    pub async fn start_bridge(&mut self, control_api: Option<&str>) -> anyhow::Result<()> {
        self.stop_bridge()?;
        let starting = self.starting_bridge(control_api);
        self.bridge = Some(starting.await.context("the bridge does not start")?);
        self.discord.quiet().await
    }

    /// Starts a bridge and does not wait.
    pub fn starting_bridge(&self, control_api: Option<&str>) -> JoinHandle<Process> {
        let data = self.folder.path().join("bridge");
        let mut environment = vec![
            ("DISCORD_TOKEN", self.discord.bot_token.clone()),
            ("DISCORD_API_BASE", self.discord.api().to_owned()),
            ("OPERATOR_IDS", self.discord.operator.clone()),
            ("DATABASE_URL", self.database.url.clone()),
        ];
        if let Some(url) = control_api {
            environment.push(("CONTROL_API_URL", url.to_owned()));
        }
        spawn_process(
            vec!["--data-dir".into(), text(&data)],
            environment,
            data.join("run.json"),
            self.bridge_log(),
        )
    }

    /// Starts a bridge that brings everything along, with its data in a folder of this name.
    pub fn starting_whole(&self, name: &str) -> JoinHandle<Process> {
        let data = self.folder.path().join(name);
        spawn_process(
            vec!["--data-dir".into(), text(&data)],
            Vec::new(),
            data.join("run.json"),
            self.folder.path().join("whole.log"),
        )
    }

    /// Stops the bridge, if one runs, in good order.
    pub fn stop_bridge(&mut self) -> anyhow::Result<()> {
        self.bridge.take().map_or(Ok(()), stop_process)
    }

    /// The bridge's process id.
    pub fn bridge_pid(&self) -> anyhow::Result<u32> {
        let bridge = self.bridge.as_ref().context("no bridge runs")?;
        let pid = bridge.run["pid"]
            .as_u64()
            .context("the run file has no pid")?;
        Ok(u32::try_from(pid)?)
    }

    /// The channel of a surface.
    pub fn channel(&self, surface: &str) -> anyhow::Result<String> {
        let bridge = self.bridge.as_ref().context("no bridge runs")?;
        bridge.run["discord"]["channels"][surface]
            .as_str()
            .map(str::to_owned)
            .with_context(|| format!("the bridge has no channel {surface}"))
    }

    /// What the bridge has logged last.
    pub fn last_words(&self) -> String {
        let log = std::fs::read_to_string(self.bridge_log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }

    fn bridge_log(&self) -> PathBuf {
        self.folder.path().join("bridge.log")
    }

    /// Ends everything in good order.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_bridge()?;
        stop_process(self.sandbox)?;
        self.database.stop().await;
        Ok(())
    }
}

/// Stops a process and expects it to be content.
pub fn stop_process(mut process: Process) -> anyhow::Result<()> {
    let status = block_in_place(|| process.stop());
    ensure!(status.success(), "a process did not stop cleanly: {status}");
    Ok(())
}

/// Starting waits, so it gets a thread of its own.
fn spawn_process(
    arguments: Vec<String>,
    mut environment: Vec<(&'static str, String)>,
    run_file: PathBuf,
    log: PathBuf,
) -> JoinHandle<Process> {
    environment.push((LOG.0, LOG.1.to_owned()));
    spawn_blocking(move || {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let environment: Vec<(&str, &str)> = environment
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        Process::start(&arguments, &environment, &run_file, &log)
    })
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// Now, in microseconds since 1970: the clock of the sandbox's list of requests.
pub fn now_us() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
