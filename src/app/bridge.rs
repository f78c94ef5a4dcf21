//! `clawdos-bridge run`: everything, wired together.

use std::process::ExitCode;
use std::sync::Arc;

use futures_util::future::select_all;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::database;
use super::discord::{self, Identity, Place};
use super::executor;
use super::feed::Feed;
use super::run_file;
use super::spool;
use super::wiring::{self, Shared};
use crate::cards;
use crate::clock::Clock;
use crate::config::Config;
use crate::discord::portal::invite;
use crate::discord::switchboard::Seats;
use crate::health::Readiness;
use crate::lifecycle::Lifecycle;
use crate::model::mode::State;
use crate::operations::homes::Home;
use crate::store::Store;

/// Everything that runs, as far as the outside is told.
struct Running {
    shared: Arc<Shared>,
    /// Where the executor of the configured project answers, and its token.
    control: (String, Option<SecretString>),
    homes: watch::Receiver<Arc<Vec<Home>>>,
    health: std::net::SocketAddr,
}

impl Running {
    /// The home of the configured project.
    fn home(&self) -> Option<Home> {
        let homes = self.homes.borrow();
        let is_it = |home: &&Home| *home.project() == self.shared.config.project.id;
        homes.iter().find(is_it).cloned()
    }
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
        discord::identify(&lanes),
    )?;
    settle(&config, &place, &identity, &database.store).await?;
    let control = executor::open(lifecycle, &config, &database.store, hands.executor).await?;
    let told = (control.url.clone(), control.token.clone());
    let feed = Feed::open(lifecycle, &config, &readiness, &database.url);
    let (spool, found) = spool::start(lifecycle, &config, &readiness).await?;
    let shared = Arc::new(Shared {
        config: Arc::new(config),
        readiness: readiness.clone(),
        database,
        place,
        identity,
        lanes,
        spool,
        feed,
        seats: Seats::default(),
        turned: hands.turned,
    });
    let homes = wiring::connect(lifecycle, &shared, control, found).await?;
    let running = Running {
        shared,
        control: told,
        homes,
        health,
    };
    Ok((running, readiness))
}

/// Gives the configured project its server, where it is clear which.
async fn settle(
    config: &Config,
    place: &Place,
    identity: &Identity,
    store: &Store,
) -> anyhow::Result<()> {
    let known = store.known_project(store.project()).await?;
    let chosen = known.and_then(|it| it.guild);
    if let Some(guild) = identity.residence(config, place, chosen)? {
        store.move_in(chosen, guild, None).await?;
    }
    Ok(())
}

/// Says where everything is, and `ready` once all of it answers. An executor that is away is no
/// reason to wait: messages are queued for it.
async fn announce(
    running: &Running,
    readiness: &Readiness,
    file: &std::path::Path,
) -> anyhow::Result<()> {
    readiness.ready().await;
    let home = running.home();
    let state = match &home {
        Some(home) => {
            let mut mode = home.dials.mode.clone();
            mode.wait_for(|state| state.mode.is_some()).await?.clone()
        }
        None => State::unknown(chrono::Utc::now()),
    };
    run_file::write(file, &run_json(running))?;
    let Shared {
        place, identity, ..
    } = &*running.shared;
    let discord = match &place.sandbox {
        Some(info) => format!("the sandbox, {}", info["page"].as_str().unwrap_or_default()),
        None => format!("{} as {}", place.api_base, identity.name),
    };
    println!("discord   {discord}");
    if place.sandbox.is_none() {
        println!("invite    {}", invite(identity.application));
    }
    let database = if running.shared.database.embedded {
        "embedded"
    } else {
        "configured"
    };
    println!("database  {database} Postgres");
    println!("executor  {}", running.control.0);
    println!("health    http://{}/readyz", running.health);
    println!("run file  {}", file.display());
    for warning in warnings(running, home.as_ref(), &state) {
        println!("warning   {warning}");
    }
    println!("ready");
    follow(running, file).await
}

/// What whoever starts the bridge should know.
fn warnings(running: &Running, home: Option<&Home>, state: &State) -> Vec<String> {
    let config = &running.shared.config;
    let mut warnings = config.warnings();
    let Some(home) = home else {
        let guilds = running.shared.identity.guilds.iter();
        let servers: Vec<_> = guilds
            .map(|it| format!("{} ({})", it.name, it.id))
            .collect();
        warnings.push(cards::homes::no_home(&config.project.name, &servers));
        return warnings;
    };
    if home.desk.operators.is_empty() {
        warnings.push(cards::setup::answers::nobody_decides().to_owned());
    }
    if !state.is_live() {
        warnings.push(state.reason.clone());
    }
    let now = home.layout.borrow();
    if !now.has_agents() {
        let project = &config.project.id;
        warnings.push(format!(
            "the project {project} has no agents yet: add rows to the table agents"
        ));
    }
    let limits = now.limits();
    if !limits.is_empty() {
        warnings.extend(cards::limits::lines(&limits));
        let invite = invite(running.shared.identity.application);
        warnings.push(cards::limits::remedy(&invite));
    }
    if now.labs().all_off() {
        warnings.push(cards::labs::all_off(now.labs()));
    }
    warnings
}

/// Channels and homes come and go; a script reads the file when it needs it.
async fn follow(running: &Running, file: &std::path::Path) -> anyhow::Result<()> {
    let mut homes = running.homes.clone();
    loop {
        let open = homes.borrow_and_update().clone();
        let mut layouts: Vec<_> = open.iter().map(|home| home.layout.clone()).collect();
        // What changes from here on is in the next file.
        layouts.iter_mut().for_each(watch::Receiver::mark_unchanged);
        run_file::write(file, &run_json(running))?;
        let next = layouts.iter_mut().map(|it| Box::pin(it.changed()));
        let any = async {
            if open.is_empty() {
                std::future::pending::<()>().await;
            }
            // A home that is closed is another list of homes in a moment.
            if select_all(next).await.0.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            changed = homes.changed() => if changed.is_err() { return Ok(()) },
            () = any => {}
        }
    }
}

/// What a script needs.
fn run_json(running: &Running) -> Value {
    let shared = &running.shared;
    let home = running.home();
    let mut discord = shared.place.sandbox.clone().unwrap_or_else(|| {
        json!({
            "api": shared.place.api_base.as_str().trim_end_matches('/'),
            "gateway": shared.identity.gateway_url,
            "application_id": shared.identity.application,
        })
    });
    discord["guild_id"] = json!(home.as_ref().map(Home::guild));
    discord["channels"] = home.as_ref().map_or_else(|| json!({}), channels);
    let homes = running.homes.borrow();
    let projects = homes.iter().map(|home| {
        json!({
            "project_id": home.project(),
            "name": home.name,
            "guild_id": home.guild(),
            "channels": channels(home),
        })
    });
    let (url, token) = &running.control;
    let token = token.as_ref().map(ExposeSecret::expose_secret);
    json!({
        "ready": true,
        "pid": std::process::id(),
        "version": env!("CARGO_PKG_VERSION"),
        "project_id": shared.config.project.id,
        "projects": projects.collect::<Vec<_>>(),
        "discord": discord,
        "database": { "url": shared.database.url.expose_secret() },
        "control_api": { "url": url.trim_end_matches('/'), "token": token },
        "health": { "url": format!("http://{}", running.health) },
    })
}

/// The channels of a home, by their names.
fn channels(home: &Home) -> Value {
    let layout = home.layout.borrow();
    let shown = layout.iter().filter(|(surface, _)| !surface.is_category());
    shown
        .map(|(surface, channel)| (surface.to_string(), json!(channel.id)))
        .collect::<serde_json::Map<String, Value>>()
        .into()
}
