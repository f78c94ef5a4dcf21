//! Discord: the real one or the sandbox, and who we are there.

use std::collections::HashSet;
#[cfg(feature = "sandbox")]
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
#[cfg(feature = "sandbox")]
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::switches::Hands;
#[cfg(feature = "sandbox")]
use super::switches::levers;
use crate::config::Config;
use crate::discord::lanes::{Class, Driver, Lanes};
use crate::discord::portal::{Account, Application, Guild, INTENT_FIX, TOKEN_FIX, invite};
use crate::discord::rest::{ErrorKind, Request, Rest, Route};
use crate::lifecycle::Lifecycle;
use crate::model::{ApplicationId, GuildId, UserId};

/// How long requests that are under way may take at the end.
const DRAIN: Duration = Duration::from_secs(4);

/// Which Discord.
pub struct Place {
    /// REST address, `…/api/v10`.
    pub api_base: Url,
    /// The bot's token.
    pub token: SecretString,
    /// The server, where it is configured or the sandbox's.
    pub guild: Option<GuildId>,
    /// What `run.json` says of it; none for a Discord that is not ours.
    pub sandbox: Option<serde_json::Value>,
    /// Operators that come with the sandbox.
    pub operators: Vec<UserId>,
}

/// Who we are in Discord.
pub struct Identity {
    /// The application.
    pub application: ApplicationId,
    /// The bot's account.
    pub bot: UserId,
    /// Its name.
    pub name: String,
    /// The people whom the application belongs to.
    pub owners: HashSet<UserId>,
    /// The servers that it is in; at least one.
    pub guilds: Vec<Guild>,
    /// The websocket's address.
    pub gateway_url: String,
}

#[derive(Deserialize)]
struct Gateway {
    url: String,
}

/// The Discord of the configuration, or the sandbox; with it the switches that its console offers.
pub async fn place(lifecycle: &mut Lifecycle, config: &Config) -> anyhow::Result<(Place, Hands)> {
    let guild = config.discord.guild_id;
    if let Some(token) = &config.discord.token {
        let place = Place {
            api_base: config.discord.api_base.clone(),
            token: token.clone(),
            guild,
            sandbox: None,
            operators: Vec::new(),
        };
        return Ok((place, Hands::fixed()));
    }
    start_sandbox(lifecycle, config).await
}

#[cfg(not(feature = "sandbox"))]
async fn start_sandbox(_: &mut Lifecycle, _: &Config) -> anyhow::Result<(Place, Hands)> {
    bail!("DISCORD_TOKEN is not set, and this build has no sandbox. Set DISCORD_TOKEN.")
}

#[cfg(feature = "sandbox")]
async fn start_sandbox(
    lifecycle: &mut Lifecycle,
    config: &Config,
) -> anyhow::Result<(Place, Hands)> {
    let (switches, hands) = levers(config);
    let sandbox = open_sandbox(config, switches).await?;
    let info = sandbox.info();
    let place = Place {
        api_base: Url::parse(&info.api)?,
        token: SecretString::from(info.bot_token.clone()),
        guild: Some(info.guild_id.parse()?),
        sandbox: Some(serde_json::to_value(info)?),
        operators: info
            .users
            .iter()
            .filter(|user| user.operator)
            .map(|user| user.id.parse())
            .collect::<Result<_, _>>()?,
    };
    lifecycle.on_shutdown("sandbox", async move {
        sandbox.stop().await;
        Ok(())
    });
    Ok((place, hands))
}

#[cfg(feature = "sandbox")]
async fn open_sandbox(
    config: &Config,
    switches: Vec<clawdos_sandbox::Switch>,
) -> anyhow::Result<clawdos_sandbox::Sandbox> {
    clawdos_sandbox::Sandbox::start(clawdos_sandbox::Options {
        data_dir: config.data_dir.join("sandbox"),
        listen: config.sandbox.listen,
        bot_token: None,
        switches,
    })
    .await
    .context(
        "the sandbox could not be started; SANDBOX_LISTEN (sandbox.listen) says where it listens",
    )
}

/// `clawdos-bridge sandbox`.
#[cfg(feature = "sandbox")]
pub async fn run_sandbox_alone(
    mut lifecycle: Lifecycle,
    config: Config,
    prometheus: PrometheusHandle,
) -> anyhow::Result<ExitCode> {
    let folder = super::database::lock(&config.data_dir.join("sandbox"))?;
    let sandbox = open_sandbox(&config, Vec::new()).await?;
    let file = config.data_dir.join("sandbox").join("run.json");
    super::run_file::write(
        &file,
        &serde_json::json!({
            "ready": true,
            "pid": std::process::id(),
            "version": env!("CARGO_PKG_VERSION"),
            "discord": sandbox.info(),
        }),
    )?;
    println!("sandbox   {}", sandbox.info().page);
    println!("run file  {}", file.display());
    println!("ready");
    lifecycle.on_shutdown("sandbox", async move {
        super::run_file::remove(&file);
        sandbox.stop().await;
        drop(folder);
        Ok(())
    });
    let cancel = lifecycle.token();
    lifecycle.spawn("metrics", async move {
        crate::telemetry::upkeep(prometheus, cancel).await;
        Ok(())
    });
    Ok(lifecycle.run().await)
}

/// Finds out who we are, and whether that is enough. Every problem is a sentence with its fix.
pub async fn identify(lanes: &Lanes) -> anyhow::Result<Identity> {
    let (gateway, account, application, guilds) = tokio::try_join!(
        get::<Gateway>(lanes, Route::gateway()),
        get::<Account>(lanes, Route::current_user()),
        get::<Application>(lanes, Route::current_application()),
        get::<Vec<Guild>>(lanes, Route::current_guilds()),
    )?;
    if !application.reads_messages() {
        bail!("The bot may not read messages: the intent is missing. {INTENT_FIX}");
    }
    if guilds.is_empty() {
        let invite = invite(application.id);
        bail!("The bot is in no server yet. Invite it: {invite}");
    }
    Ok(Identity {
        owners: application.owners(),
        application: application.id,
        bot: account.id,
        name: account.username,
        guilds,
        gateway_url: gateway.url,
    })
}

impl Identity {
    /// The server of the configured project: the one of the configuration, else the one that somebody has chosen for it,
    /// else the sandbox's, else the only one. None where somebody has to choose.
    pub fn residence(
        &self,
        config: &Config,
        place: &Place,
        chosen: Option<GuildId>,
    ) -> anyhow::Result<Option<GuildId>> {
        let here = |wanted: &GuildId| self.guilds.iter().any(|guild| guild.id == *wanted);
        let invite = invite(self.application);
        if let Some(wanted) = config.discord.guild_id {
            anyhow::ensure!(
                here(&wanted),
                "The bot is not in the server {wanted}. Invite it: {invite}"
            );
            return Ok(Some(wanted));
        }
        let only = match self.guilds.as_slice() {
            [only] => Some(only.id),
            _ => None,
        };
        // Who was chosen somewhere else is not shown to whoever is left.
        let unasked = || place.guild.or(only).filter(|_| chosen.is_none());
        let guild = chosen.filter(here).or_else(unasked);
        let Some(guild) = guild.and_then(|id| self.guilds.iter().find(|it| it.id == id)) else {
            return Ok(None);
        };
        Ok(Some(guild.id))
    }
}

async fn get<T: DeserializeOwned>(lanes: &Lanes, route: Route) -> anyhow::Result<T> {
    let outcome = lanes.submit(Class::Interactive, Request::new(route)).await;
    outcome.json().into_result().map_err(|error| {
        if error.status() == Some(401) || error.kind() == ErrorKind::TokenRefused {
            anyhow::anyhow!("Discord does not accept the bot token. {TOKEN_FIX}")
        } else {
            anyhow::Error::new(error).context("Discord did not answer as expected")
        }
    })
}

/// The way to Discord. At the end nothing new goes out, and what is under way is finished.
pub fn lanes(lifecycle: &mut Lifecycle, place: &Place) -> anyhow::Result<Lanes> {
    let rest = Rest::new(&place.api_base, place.token.clone())?;
    let (lanes, driver) = Lanes::new(rest);
    let running = drained(lifecycle.token(), lanes.clone(), driver);
    lifecycle.spawn("lanes", running);
    Ok(lanes)
}

/// Runs lanes until cancelled, and what is under way then to its end.
pub async fn drained(
    cancel: CancellationToken,
    handle: Lanes,
    driver: Driver,
) -> anyhow::Result<()> {
    let drained = async {
        cancel.cancelled().await;
        handle.drain(DRAIN).await
    };
    tokio::select! {
        () = driver.run() => bail!("the lanes stopped by themselves"),
        drained = drained => {
            if drained.unfinished > 0 {
                tracing::warn!(
                    unfinished = drained.unfinished,
                    "{} requests had no answer at the end; the next start reads back what became of them",
                    drained.unfinished
                );
            }
            Ok(())
        }
    }
}
