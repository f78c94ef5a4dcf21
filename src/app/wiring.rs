//! What all homes share, and what hears for all of them.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};

use super::boards::show_gateway;
use super::database::Database;
use super::discord::{Identity, Place};
use super::executor::Control;
use super::feed::Feed;
use super::landlord::Landlord;
use super::lobby::lobby;
use crate::commands;
use crate::commands::lobby::{Front, Porter};
use crate::config::Config;
use crate::discord::files::Files;
use crate::discord::gateway::{Gateway, GatewaySettings, INTENTS};
use crate::discord::lanes::Lanes;
use crate::discord::lobby::LobbyPresses;
use crate::discord::switchboard::{Seats, Switchboard};
use crate::health::{self, Readiness};
use crate::lifecycle::Lifecycle;
use crate::model::mode::State;
use crate::operations::Operators;
use crate::operations::homes::{Home, Homes};
use crate::spool::{Found, Spool};

/// What every home works with.
pub struct Shared {
    /// The configuration.
    pub config: Arc<Config>,
    /// The board on which parts say how they are.
    pub readiness: Readiness,
    /// The database, seen from the configured project.
    pub database: Database,
    /// Which Discord.
    pub place: Place,
    /// Who we are there.
    pub identity: Identity,
    /// The way there.
    pub lanes: Lanes,
    /// Where messages wait while the database is away.
    pub spool: Spool,
    /// Who tells of changes.
    pub feed: Feed,
    /// Where homes listen to Discord.
    pub seats: Seats,
    /// Tells that something was switched off or on.
    pub turned: watch::Sender<()>,
}

impl Shared {
    /// Who may decide, as far as the configuration says so.
    pub(super) fn operators(&self) -> Operators {
        let discord = &self.config.discord;
        let users = discord.operators.iter();
        let roles = discord.operator_roles.iter();
        Operators {
            users: users.chain(&self.place.operators).copied().collect(),
            roles: roles.copied().collect(),
        }
    }

    /// How the bridge's own bot connects.
    fn gateway(&self, mode: watch::Receiver<State>) -> GatewaySettings {
        GatewaySettings {
            api_base: self.place.api_base.clone(),
            gateway_url: self.identity.gateway_url.clone(),
            token: self.place.token.clone(),
            application: self.identity.application.get(),
            mode,
            intents: INTENTS,
            setting: "DISCORD_TOKEN".to_owned(),
        }
    }
}

/// Serves `/healthz`, `/readyz` and `/metrics` from the first moment.
pub async fn serve_health(
    lifecycle: &mut Lifecycle,
    config: &Config,
    readiness: &Readiness,
    prometheus: PrometheusHandle,
) -> anyhow::Result<SocketAddr> {
    let listen = config.health.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("{listen} cannot be listened on: set HEALTH_LISTEN to a free address")
    })?;
    let address = listener.local_addr()?;
    let readiness = readiness.clone();
    let cancel = lifecycle.token();
    lifecycle.spawn("health", async move {
        Ok(health::serve(listener, readiness, prometheus, cancel).await?)
    });
    Ok(address)
}

/// Opens the homes, and then listens to Discord for them. `control` is the executor of the configured project.
pub async fn connect(
    lifecycle: &mut Lifecycle,
    shared: &Arc<Shared>,
    control: Control,
    found: Found,
) -> anyhow::Result<watch::Receiver<Arc<Vec<Home>>>> {
    let cancel = lifecycle.token();
    let bell = Arc::new(Notify::new());
    let at_the_door = (Arc::clone(&bell), found);
    let mut landlord = Landlord::new(Arc::clone(shared), control, at_the_door, cancel.clone());
    landlord.begin().await?;
    let (open, mode) = (landlord.watch(), landlord.mode());
    let homes = Homes::new(open.clone(), landlord.former(), bell);

    let lobby = lobby(shared, homes.clone());
    let porter = Porter {
        lobby: lobby.clone(),
        runtime: tokio::runtime::Handle::current(),
    };
    let framework = commands::Switch::new(commands::Common {
        homes: homes.clone(),
        lanes: shared.lanes.clone(),
        files: Files::new(&shared.place.api_base)?,
        poll: shared.config.mode.poll,
        runtime: tokio::runtime::Handle::current(),
        bot: shared.identity.bot,
    });
    let (tell, heard) = mpsc::unbounded_channel();
    let framework = Front::new(porter, framework);
    let gateway = Gateway::start(shared.gateway(mode), framework, tell)?;
    lifecycle.spawn("gateway", gateway.run(cancel.clone()));
    let connected = watch::Sender::new(false);
    let part = shared.readiness.part("discord");
    show_gateway(lifecycle, part, connected.subscribe());
    let (tell_of_guilds, news) = mpsc::unbounded_channel();
    let switchboard = Switchboard {
        heard,
        seats: shared.seats.clone(),
        homes,
        lobby: LobbyPresses { lobby },
        connected,
        guilds: tell_of_guilds,
    };
    lifecycle.spawn("switchboard", switchboard.run(cancel));
    lifecycle.spawn("homes", landlord.run(news));
    Ok(open)
}
