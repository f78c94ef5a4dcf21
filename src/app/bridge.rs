//! `clawdos-bridge run`: everything, wired together.

use std::process::ExitCode;
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::database::{self, Database};
use super::discord::{self, Identity, Place};
use super::executor::{self, Control};
use super::own_bots;
use super::run_file;
use super::wiring::{self, Wires};
use crate::cards;
use crate::clock::Clock;
use crate::config::Config;
use crate::discord::layout::Layout;
use crate::discord::portal::invite;
use crate::health::Readiness;
use crate::lifecycle::Lifecycle;
use crate::model::mode::State;

/// Everything that runs, as far as the outside is told.
struct Running {
    config: Config,
    database: Database,
    control: Control,
    place: Place,
    identity: Identity,
    layout: watch::Receiver<Arc<Layout>>,
    mode: watch::Receiver<State>,
    health: std::net::SocketAddr,
}

/// Runs until told to stop, or until a part fails.
pub async fn run(
    mut lifecycle: Lifecycle,
    config: Config,
    prometheus: PrometheusHandle,
) -> anyhow::Result<ExitCode> {
    let cancel = lifecycle.token();
    let lock = database::lock(&config.data_dir)?;
    let run_json = config.data_dir.join("run.json");
    run_file::remove(&run_json);
    let started = cancel
        .run_until_cancelled(Box::pin(start(&mut lifecycle, config, prometheus)))
        .await;
    match started {
        Some(Ok((running, readiness))) => {
            let file = run_json.clone();
            let stop = cancel.clone();
            lifecycle.spawn("announcement", async move {
                stop.run_until_cancelled(announce(&running, &readiness, &file))
                    .await
                    .unwrap_or(Ok(()))?;
                stop.cancelled().await;
                Ok(())
            });
            lifecycle.on_shutdown("run file", async move {
                run_file::remove(&run_json);
                Ok(())
            });
            let code = lifecycle.run().await;
            // Only now is the data folder free for another.
            drop(lock);
            Ok(code)
        }
        None => Ok(lifecycle.run().await),
        Some(Err(error)) => {
            eprintln!("clawdos-bridge: {error:#}");
            cancel.cancel();
            lifecycle.run().await;
            Ok(ExitCode::FAILURE)
        }
    }
}

async fn start(
    lifecycle: &mut Lifecycle,
    config: Config,
    prometheus: PrometheusHandle,
) -> anyhow::Result<(Running, Readiness)> {
    let readiness = Readiness::new(Clock::System);
    let health = wiring::serve_health(lifecycle, &config, &readiness, prometheus).await?;
    let (place, hands) = discord::place(lifecycle, &config).await?;
    let lanes = discord::lanes(lifecycle, &place)?;
    let (database, identity) = tokio::try_join!(
        database::open(lifecycle, &config, hands.database),
        discord::identify(&lanes, &place),
    )?;
    let control = executor::open(lifecycle, &config, &database.store, hands.executor).await?;
    let own_bots = own_bots::open(lifecycle, &config, &place, &identity, &lanes).await?;
    let wires = Wires {
        config: &config,
        readiness: &readiness,
        database: &database,
        control: &control,
        place: &place,
        identity: &identity,
        lanes,
        turned: hands.turned,
    };
    let (layout, mode) = wires.connect(lifecycle, own_bots).await?;
    let running = Running {
        config,
        database,
        control,
        place,
        identity,
        layout,
        mode,
        health,
    };
    Ok((running, readiness))
}

/// Says where everything is, and `ready` once all of it answers. An executor that is away is no
/// reason to wait: messages are queued for it.
async fn announce(
    running: &Running,
    readiness: &Readiness,
    file: &std::path::Path,
) -> anyhow::Result<()> {
    readiness.ready().await;
    let state = running
        .mode
        .clone()
        .wait_for(|state| state.mode.is_some())
        .await?
        .clone();
    run_file::write(file, &run_json(running))?;
    let discord = match &running.place.sandbox {
        Some(info) => format!("the sandbox, {}", info["page"].as_str().unwrap_or_default()),
        None => format!("{} as {}", running.place.api_base, running.identity.name),
    };
    println!("discord   {discord}");
    if running.place.sandbox.is_none() {
        println!("invite    {}", invite(running.identity.application));
    }
    let database = if running.database.embedded {
        "embedded"
    } else {
        "configured"
    };
    println!("database  {database} Postgres");
    println!("executor  {}", running.control.url);
    println!("health    http://{}/readyz", running.health);
    println!("run file  {}", file.display());
    for warning in running.config.warnings() {
        println!("warning   {warning}");
    }
    if !state.is_live() {
        println!("warning   {}", state.reason);
    }
    let mut layout = running.layout.clone();
    let now = layout.borrow_and_update().clone();
    if !now.has_agents() {
        let project = &running.config.project.id;
        println!("warning   the project {project} has no agents yet: add rows to the table agents");
    }
    let limits = now.limits();
    for line in cards::limits::lines(&limits) {
        println!("warning   {line}");
    }
    if !limits.is_empty() {
        let invite = invite(running.identity.application);
        println!("warning   give the bot's role what it lacks, or invite the bot again: {invite}");
    }
    if now.labs().all_off() {
        println!("warning   {}", cards::labs::all_off(now.labs()));
    }
    println!("ready");
    // Channels come and go; a script reads the file when it needs it.
    while layout.changed().await.is_ok() {
        run_file::write(file, &run_json(running))?;
    }
    Ok(())
}

/// What a script needs.
fn run_json(running: &Running) -> Value {
    let mut discord = running.place.sandbox.clone().unwrap_or_else(|| {
        json!({
            "api": running.place.api_base.as_str().trim_end_matches('/'),
            "gateway": running.identity.gateway_url,
            "application_id": running.identity.application,
            "guild_id": running.identity.guild,
        })
    });
    let channels: serde_json::Map<String, Value> = running
        .layout
        .borrow()
        .iter()
        .filter(|(surface, _)| !surface.is_category())
        .map(|(surface, channel)| (surface.to_string(), json!(channel.id)))
        .collect();
    discord["channels"] = Value::Object(channels);
    let token = running
        .control
        .token
        .as_ref()
        .map(ExposeSecret::expose_secret);
    json!({
        "ready": true,
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
        "project_id": running.config.project.id,
        "discord": discord,
        "database": { "url": running.database.url.expose_secret() },
        "control_api": { "url": running.control.url.trim_end_matches('/'), "token": token },
        "health": { "url": format!("http://{}", running.health) },
    })
}
