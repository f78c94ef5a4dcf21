//! Which part hears which: the channels between them, and the tasks that they run in.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::boards::{show_gateway, show_mode};
use super::database::Database;
use super::discord::{Identity, Place};
use super::executor::Control;
use super::mirroring::Told;
use super::welcome::Welcome;
use super::{feed, own_bots, spool};
use crate::clock::Clock;
use crate::commands;
use crate::config::Config;
use crate::delivery::Deliveries;
use crate::delivery::fallback::Route as ControlRoute;
use crate::discord::events::Inbound;
use crate::discord::gateway::{Gateway, GatewaySettings, INTENTS};
use crate::discord::inbound::{Files, Intake};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::threads::Threads;
use crate::discord::layout::{Builder, Layout};
use crate::discord::own_bots::{Guests, OwnBots};
use crate::discord::presses::Presses;
use crate::discord::receipts::Receipts;
use crate::discord::rest::{Request, Route};
use crate::discord::sessions::Line;
use crate::health::{self, Readiness};
use crate::lifecycle::Lifecycle;
use crate::mirror::banner::BannerNews;
use crate::mirror::keeper::{Keeper, Keeping};
use crate::mirror::labs::{LabsLook, LabsReader};
use crate::mirror::outage::Outage;
use crate::mode::{ModeLoop, Nudge};
use crate::model::ChannelId;
use crate::model::mode::State;
use crate::model::rights::Permission;
use crate::model::status::Dials;
use crate::model::task::ThreadNews;
use crate::model::view::Entity;
use crate::operations::{Desk, Operators};
use crate::spool::{Found, Place as SpoolPlace, Spool};

/// What the parts are made of.
pub struct Wires<'a> {
    /// The configuration.
    pub config: &'a Config,
    /// The board on which parts say how they are.
    pub readiness: &'a Readiness,
    /// The database.
    pub database: &'a Database,
    /// The executor.
    pub control: &'a Control,
    /// Which Discord.
    pub place: &'a Place,
    /// Who we are there.
    pub identity: &'a Identity,
    /// The way there.
    pub lanes: Lanes,
    /// Rings when something was switched off or on.
    pub turned: Arc<Notify>,
}

/// What belongs to hearing beside the gateway.
struct Heard {
    guests: Guests,
    bots: own_bots::Started,
    kept: (Spool, Found),
    receipts: Receipts,
    threads: mpsc::UnboundedSender<ThreadNews>,
    bound: mpsc::UnboundedReceiver<ChannelId>,
    banner: mpsc::UnboundedSender<BannerNews>,
}

type Connected = (watch::Receiver<Arc<Layout>>, watch::Receiver<State>);

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

impl Wires<'_> {
    /// Starts every part.
    pub async fn connect(
        self,
        lifecycle: &mut Lifecycle,
        bots: own_bots::Started,
    ) -> anyhow::Result<Connected> {
        let cancel = lifecycle.token();

        let (own, own_rows) = mpsc::unbounded_channel();
        let (mode, nudge) = self.start_mode(lifecycle, own.clone());

        let (repair, agents_changed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let operators = Arc::new(self.operators());
        let guests = self.guests(&operators);
        let (layout, labs_look) = self
            .start_layout(lifecycle, &repair, &agents_changed, (&bots.bots, &guests))
            .await?;
        let (feed, feed_state) =
            feed::start(lifecycle, self.config, self.readiness, &self.database.url);
        let kept = spool::start(lifecycle, self.config, self.readiness).await?;
        let dials = Dials {
            mode: mode.clone(),
            feed: feed_state,
            spool: kept.0.level(),
            bots: bots.bots.watch(),
        };
        let thread_news = mpsc::unbounded_channel();
        let tell_of_threads = thread_news.0.clone();
        let (bound, bound_threads) = mpsc::unbounded_channel();
        let banner = mpsc::unbounded_channel();
        let tell_of_banner = banner.0.clone();
        let told = Told {
            look: own.clone(),
            bound,
            thread_news,
            banner,
            feed,
            own: own_rows,
            agents_changed,
            labs_look: labs_look.clone(),
        };
        let receipts = self.receipts(lifecycle, &kept.0, &layout);
        self.start_mirror(lifecycle, &layout, &repair, told, dials.clone(), &receipts);

        let route = ControlRoute::new(mode.clone(), nudge);
        let deliveries = self.start_deliveries(lifecycle, route.clone());
        let desk = Desk {
            store: self.database.hot.clone(),
            control: self.control.client.clone(),
            route,
            bots: dials.bots.clone(),
            deliveries,
            operators,
            members_may_ask: self.config.delivery.members_may_ask,
            shell: self.control.shell.clone(),
            approved: Arc::clone(&self.control.approved),
            jobs: Arc::clone(&self.control.jobs),
            look: own,
            labs_look,
        };
        let heard = Heard {
            guests,
            bots,
            kept,
            receipts,
            threads: tell_of_threads,
            bound: bound_threads,
            banner: tell_of_banner,
        };
        self.start_gateway(lifecycle, desk, &layout, repair, dials.clone(), heard)?;
        show_mode(lifecycle, self.readiness, mode.clone());
        let outage = Outage {
            lanes: self.lanes.clone(),
            layout: layout.clone(),
            dials,
            poll: self.config.mode.poll,
            bot: self.identity.bot,
        };
        lifecycle.spawn("outage", outage.run(cancel.clone()));
        let welcome = Welcome {
            lanes: self.lanes.clone(),
            store: self.database.store.clone(),
            layout: layout.clone(),
            guild: self.identity.guild,
        };
        lifecycle.spawn("welcome", welcome.run(cancel));
        Ok((layout, mode))
    }

    /// Hands messages over to agents.
    fn start_deliveries(&self, lifecycle: &mut Lifecycle, route: ControlRoute) -> Deliveries {
        let deliveries = Deliveries::new(
            self.database.store.clone(),
            self.control.client.clone(),
            route,
            self.config.delivery.watchdog,
            self.parallel(),
        );
        lifecycle.spawn("deliveries", deliveries.clone().run(lifecycle.token()));
        deliveries
    }

    /// Looks after the mode; with it comes what asks for another look.
    fn start_mode(
        &self,
        lifecycle: &mut Lifecycle,
        own: mpsc::UnboundedSender<Entity>,
    ) -> (watch::Receiver<State>, Nudge) {
        let mode_loop = ModeLoop::new(
            self.database.store.clone(),
            self.control.client.clone(),
            Clock::System,
            self.config.mode.poll,
            self.config.data_dir.join("outage.json"),
            own,
        );
        let watched = (mode_loop.watch(), mode_loop.nudge());
        let (turned, nudge) = (Arc::clone(&self.turned), mode_loop.nudge());
        let cancel = lifecycle.token();
        lifecycle.spawn("switches", async move {
            while cancel
                .run_until_cancelled(turned.notified())
                .await
                .is_some()
            {
                nudge.now();
            }
            Ok(())
        });
        lifecycle.spawn("mode", mode_loop.run(lifecycle.token()));
        watched
    }

    /// Direct turns at once. What an executor of ours would only keep waiting waits in the queue.
    fn parallel(&self) -> usize {
        let most = self.config.delivery.parallel;
        match self.config.control_api.url {
            Some(_) => most,
            None => most.min(self.config.executor.parallel),
        }
    }

    /// The channels, as far as the Labs have switched them on.
    async fn start_layout(
        &self,
        lifecycle: &mut Lifecycle,
        repair: &Arc<Notify>,
        agents_changed: &Arc<Notify>,
        (bots, guests): (&OwnBots, &Guests),
    ) -> anyhow::Result<(watch::Receiver<Arc<Layout>>, LabsLook)> {
        let store = &self.database.store;
        let (labs, labs_look) = LabsReader::start(store.clone()).await?;
        let builder = Builder {
            lanes: self.lanes.clone(),
            guild: self.identity.guild,
            application: self.identity.application,
            bot: self.identity.bot,
        };
        let keeper = Keeper::start(Keeping {
            builder,
            store: store.clone(),
            labs: labs.watch(),
            repair: Arc::clone(repair),
            agents_changed: Arc::clone(agents_changed),
            bots: bots.clone(),
            guests: guests.clone(),
            threads: Threads::default(),
        })
        .await?;
        let layout = keeper.watch();
        lifecycle.spawn("layout", keeper.run(lifecycle.token()));
        lifecycle.spawn("labs", labs.run(lifecycle.token()));
        Ok((layout, labs_look))
    }

    fn guests(&self, operators: &Arc<Operators>) -> Guests {
        Guests::new(
            self.lanes.clone(),
            self.identity.guild,
            Arc::clone(operators),
            self.config.delivery.members_may_ask,
        )
    }

    fn operators(&self) -> Operators {
        let discord = &self.config.discord;
        let users = discord.operators.iter();
        let roles = discord.operator_roles.iter();
        Operators {
            users: users.chain(&self.place.operators).copied().collect(),
            roles: roles.copied().collect(),
        }
    }

    /// The marks on people's messages; the spool hears which of its own are gone.
    fn receipts(
        &self,
        lifecycle: &Lifecycle,
        spool: &Spool,
        layout: &watch::Receiver<Arc<Layout>>,
    ) -> Receipts {
        let spool = spool.clone();
        let gone = move |channel, message| spool.settled(SpoolPlace { channel, message });
        let layout = layout.clone();
        let may = move |channel| layout.borrow().may(channel, Permission::AddReactions);
        let (gone, may) = (Arc::new(gone), Arc::new(may));
        Receipts::new(self.lanes.clone(), gone, may, lifecycle.token())
    }

    fn start_gateway(
        &self,
        lifecycle: &mut Lifecycle,
        desk: Desk,
        layout: &watch::Receiver<Arc<Layout>>,
        repair: Arc<Notify>,
        dials: Dials,
        heard_with: Heard,
    ) -> anyhow::Result<()> {
        let cancel = lifecycle.token();
        let (tell, heard) = mpsc::unbounded_channel::<Inbound>();
        let connected = watch::Sender::new(false);
        show_gateway(
            lifecycle,
            self.readiness.part("discord"),
            connected.subscribe(),
        );
        let mode = dials.mode.clone();
        let framework = commands::framework(commands::Data {
            desk: desk.clone(),
            lanes: self.lanes.clone(),
            layout: layout.clone(),
            dials,
            poll: self.config.mode.poll,
            runtime: tokio::runtime::Handle::current(),
        });
        let (spool, found) = heard_with.kept;
        heard_with.bots.listen(lifecycle, || Line {
            api_base: self.place.api_base.clone(),
            gateway_url: self.identity.gateway_url.clone(),
            mode: mode.clone(),
            heard: tell.clone(),
            operators: desk.operators.users.iter().copied().collect(),
            layout: layout.clone(),
        });
        let gateway = Gateway::start(self.gateway(mode.clone()), framework, tell)?;
        lifecycle.spawn("gateway", gateway.run(cancel.clone()));
        let intake = Intake {
            presses: Presses {
                desk: desk.clone(),
                lanes: self.lanes.clone(),
                layout: layout.clone(),
            },
            guests: heard_with.guests,
            desk,
            lanes: self.lanes.clone(),
            layout: layout.clone(),
            repair,
            heard,
            connected,
            mode,
            spool,
            found,
            receipts: heard_with.receipts,
            threads: heard_with.threads,
            bound: heard_with.bound,
            banner: heard_with.banner,
            files: Files::new(&self.place.api_base)?,
            bot: self.identity.bot,
        };
        lifecycle.spawn("intake", intake.run(cancel.clone()));
        self.register_commands(lifecycle, cancel);
        Ok(())
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

    /// Tells Discord which commands there are. Nobody waits for it.
    fn register_commands(&self, lifecycle: &mut Lifecycle, cancel: CancellationToken) {
        let application = self.identity.application.get();
        let route = Route::put_guild_commands(application, self.identity.guild.get());
        let request = Request::new(route).json(&commands::registration());
        let lanes = self.lanes.clone();
        lifecycle.spawn("commands", async move {
            let outcome = lanes.submit(Class::Backlog, request).await.done();
            if let Some(error) = outcome.error() {
                tracing::error!(%error, "the slash commands could not be registered: {error}");
            }
            cancel.cancelled().await;
            Ok(())
        });
    }
}
