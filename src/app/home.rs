//! A home: one project, shown in one server. Which of its parts hears which.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use super::boards::show_mode;
use super::executor::Control;
use super::lobby;
use super::mirroring::Told;
use super::own_bots;
use super::welcome::Welcome;
use super::wiring::Shared;
use crate::clock::Clock;
use crate::delivery::Deliveries;
use crate::delivery::fallback::Route as ControlRoute;
use crate::discord::files::Files;
use crate::discord::inbound::Intake;
use crate::discord::layout::threads::Threads;
use crate::discord::layout::{Builder, Layout};
use crate::discord::own_bots::{Guests, OwnBots};
use crate::discord::presses::Presses;
use crate::discord::receipts::Receipts;
use crate::discord::sessions::Line;
use crate::lifecycle::Lifecycle;
use crate::mirror::banner::BannerNews;
use crate::mirror::keeper::{Keeper, Keeping};
use crate::mirror::labs::{LabsLook, LabsReader};
use crate::mirror::outage::Outage;
use crate::mode::{ModeLoop, Nudge};
use crate::model::bots::Bots;
use crate::model::mode::State;
use crate::model::rights::Permission;
use crate::model::status::Dials;
use crate::model::task::ThreadNews;
use crate::model::view::Entity;
use crate::model::{ChannelId, GuildId, ProjectId};
use crate::operations::homes::Home;
use crate::operations::{Desk, Roll};
use crate::spool::{Found, Place as SpoolPlace, Spool};
use crate::store::Store;

/// Who lives where.
pub(super) struct Tenant {
    pub(super) project: ProjectId,
    /// Its name for people.
    pub(super) name: String,
    pub(super) guild: GuildId,
}

/// What the parts of a home are made of.
pub(super) struct Wires<'a> {
    pub(super) shared: &'a Shared,
    pub(super) tenant: &'a Tenant,
    /// The database, seen from the project.
    pub(super) store: Store,
    /// The same, for parts that try again by themselves.
    pub(super) hot: Store,
    /// The executor.
    pub(super) control: &'a Control,
    /// What an earlier run has accepted.
    pub(super) found: Found,
}

/// What belongs to hearing beside the gateway.
struct Heard {
    guests: Guests,
    bots: own_bots::Started,
    found: Found,
    receipts: Receipts,
    threads: mpsc::UnboundedSender<ThreadNews>,
    bound: mpsc::UnboundedReceiver<ChannelId>,
    banner: mpsc::UnboundedSender<BannerNews>,
}

impl Wires<'_> {
    /// Starts every part.
    pub(super) async fn connect(mut self, lifecycle: &mut Lifecycle) -> anyhow::Result<Home> {
        let shared = self.shared;
        let bots = self.own_bots(lifecycle).await?;
        let (own, own_rows) = mpsc::unbounded_channel();
        let (mode, nudge) = self.start_mode(lifecycle, own.clone());

        let (repair, agents_changed) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let configured = Arc::new(shared.operators());
        let operators = lobby::roll(lifecycle, &self.hot, configured).await?;
        let guests = self.guests(&operators);
        let (layout, labs_look) = self
            .start_layout(lifecycle, &repair, &agents_changed, (&bots.bots, &guests))
            .await?;
        let subject = (&*shared.config, &self.tenant.project);
        let (readiness, url) = (&shared.readiness, &shared.database.url);
        let (feed, feed_state) = shared.feed.listen(lifecycle, subject, readiness, url);
        let dials = Dials {
            mode: mode.clone(),
            feed: feed_state,
            spool: shared.spool.level(),
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
        let receipts = receipts(shared, lifecycle, &layout);
        self.start_mirror(lifecycle, &layout, &repair, told, dials.clone(), &receipts);

        let route = ControlRoute::new(mode.clone(), nudge);
        let bells = (own, labs_look);
        let desk = self.desk(lifecycle, route, (dials.bots.clone(), operators), bells);
        let heard = Heard {
            guests,
            bots,
            found: std::mem::take(&mut self.found),
            receipts,
            threads: tell_of_threads,
            bound: bound_threads,
            banner: tell_of_banner,
        };
        self.start_intake(lifecycle, &desk, &layout, repair, &mode, heard)?;
        self.start_notices(lifecycle, &layout, &dials);
        Ok(Home {
            desk,
            layout,
            dials,
            name: self.tenant.name.clone(),
        })
    }

    /// What operations work with.
    fn desk(
        &self,
        lifecycle: &mut Lifecycle,
        route: ControlRoute,
        (bots, operators): (watch::Receiver<Bots>, Roll),
        (look, labs_look): (mpsc::UnboundedSender<Entity>, LabsLook),
    ) -> Desk {
        Desk {
            store: self.hot.clone(),
            control: self.control.client.clone(),
            deliveries: self.start_deliveries(lifecycle, route.clone()),
            route,
            bots,
            operators,
            members_may_ask: self.shared.config.delivery.members_may_ask,
            shell: self.control.shell.clone(),
            approved: Arc::clone(&self.control.approved),
            jobs: Arc::clone(&self.control.jobs),
            look,
            labs_look,
        }
    }

    fn is_configured(&self) -> bool {
        self.tenant.project == self.shared.config.project.id
    }

    /// Agents' own bots belong to the configured project.
    async fn own_bots(&self, lifecycle: &mut Lifecycle) -> anyhow::Result<own_bots::Started> {
        let shared = self.shared;
        if !self.is_configured() {
            return Ok(own_bots::none());
        }
        let (place, identity) = (&shared.place, &shared.identity);
        own_bots::open(lifecycle, &shared.config, place, identity, &shared.lanes).await
    }

    /// Hands messages over to agents.
    fn start_deliveries(&self, lifecycle: &mut Lifecycle, route: ControlRoute) -> Deliveries {
        let config = &self.shared.config;
        let deliveries = Deliveries::new(
            self.store.clone(),
            self.control.client.clone(),
            route,
            config.delivery.watchdog,
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
        let config = &self.shared.config;
        let note = if self.is_configured() {
            "outage.json".to_owned()
        } else {
            format!("outage-{}.json", self.tenant.project)
        };
        let mode_loop = ModeLoop::new(
            self.store.clone(),
            self.control.client.clone(),
            Clock::System,
            config.mode.poll,
            config.data_dir.join(note),
            own,
        );
        let watched = (mode_loop.watch(), mode_loop.nudge());
        let (mut turned, nudge) = (self.shared.turned.subscribe(), mode_loop.nudge());
        let cancel = lifecycle.token();
        lifecycle.spawn("switches", async move {
            while let Some(Ok(())) = cancel.run_until_cancelled(turned.changed()).await {
                nudge.now();
            }
            cancel.cancelled().await;
            Ok(())
        });
        lifecycle.spawn("mode", mode_loop.run(lifecycle.token()));
        watched
    }

    /// Direct turns at once. What an executor of ours would only keep waiting waits in the queue.
    fn parallel(&self) -> usize {
        let config = &self.shared.config;
        let most = config.delivery.parallel;
        match config.control_api.url {
            Some(_) => most,
            None => most.min(config.executor.parallel),
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
        let (labs, labs_look) = LabsReader::start(self.store.clone()).await?;
        let name = (!self.is_configured()).then(|| self.tenant.name.clone());
        let builder = Builder {
            lanes: self.shared.lanes.clone(),
            guild: self.tenant.guild,
            application: self.shared.identity.application,
            bot: self.shared.identity.bot,
            name,
        };
        let keeper = Keeper::start(Keeping {
            builder,
            store: self.store.clone(),
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

    fn guests(&self, operators: &Roll) -> Guests {
        Guests::new(
            self.shared.lanes.clone(),
            self.tenant.guild,
            operators.clone(),
            self.shared.config.delivery.members_may_ask,
        )
    }

    fn start_intake(
        &self,
        lifecycle: &mut Lifecycle,
        desk: &Desk,
        layout: &watch::Receiver<Arc<Layout>>,
        repair: Arc<Notify>,
        mode: &watch::Receiver<State>,
        heard_with: Heard,
    ) -> anyhow::Result<()> {
        let shared = self.shared;
        let (tell, heard) = shared.seats.take(&self.tenant.project, self.tenant.guild);
        heard_with.bots.listen(lifecycle, || Line {
            api_base: shared.place.api_base.clone(),
            gateway_url: shared.identity.gateway_url.clone(),
            mode: mode.clone(),
            heard: tell.clone(),
            operators: desk.operators.clone(),
            layout: layout.clone(),
        });
        let intake = Intake {
            presses: Presses {
                desk: desk.clone(),
                lanes: shared.lanes.clone(),
                layout: layout.clone(),
            },
            guests: heard_with.guests,
            desk: desk.clone(),
            lanes: shared.lanes.clone(),
            layout: layout.clone(),
            repair,
            heard,
            connected: false,
            mode: mode.clone(),
            spool: shared.spool.clone(),
            found: heard_with.found,
            receipts: heard_with.receipts,
            threads: heard_with.threads,
            bound: heard_with.bound,
            banner: heard_with.banner,
            files: Files::new(&shared.place.api_base)?,
            bot: shared.identity.bot,
        };
        lifecycle.spawn("intake", intake.run(lifecycle.token()));
        Ok(())
    }

    /// What is said about the bridge itself.
    fn start_notices(
        &self,
        lifecycle: &mut Lifecycle,
        layout: &watch::Receiver<Arc<Layout>>,
        dials: &Dials,
    ) {
        let shared = self.shared;
        if self.is_configured() {
            show_mode(lifecycle, &shared.readiness, dials.mode.clone());
        }
        let outage = Outage {
            lanes: shared.lanes.clone(),
            layout: layout.clone(),
            dials: dials.clone(),
            poll: shared.config.mode.poll,
            bot: shared.identity.bot,
        };
        lifecycle.spawn("outage", outage.run(lifecycle.token()));
        let welcome = Welcome {
            lanes: shared.lanes.clone(),
            store: self.store.clone(),
            layout: Some(layout.clone()),
            guild: self.tenant.guild,
        };
        lifecycle.spawn("welcome", welcome.run(lifecycle.token()));
    }
}

/// The marks on people's messages; the spool hears which of its own are gone.
fn receipts(
    shared: &Shared,
    lifecycle: &Lifecycle,
    layout: &watch::Receiver<Arc<Layout>>,
) -> Receipts {
    let spool: Spool = shared.spool.clone();
    let gone = move |channel, message| spool.settled(SpoolPlace { channel, message });
    let layout = layout.clone();
    let may = move |channel| layout.borrow().may(channel, Permission::AddReactions);
    let (gone, may) = (Arc::new(gone), Arc::new(may));
    Receipts::new(shared.lanes.clone(), gone, may, lifecycle.token())
}
