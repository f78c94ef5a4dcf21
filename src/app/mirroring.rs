//! The mirror and what belongs to it: what it hears, and what shows beside its views.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use super::home::Wires;
use crate::discord::layout::Layout;
use crate::discord::receipts::Receipts;
use crate::lifecycle::Lifecycle;
use crate::mirror::banner::{BannerKeeper, BannerNews};
use crate::mirror::labs::LabsLook;
use crate::mirror::ledger::Unwritten;
use crate::mirror::marks::MarkKeeper;
use crate::mirror::read_back::Channels;
use crate::mirror::refusals::Refusals;
use crate::mirror::threads::{Busy, ThreadHands};
use crate::mirror::{Deps, Mirror, Reach, typing};
use crate::model::ChannelId;
use crate::model::change::FeedEvent;
use crate::model::status::Dials;
use crate::model::task::ThreadNews;
use crate::model::view::Entity;

/// What the mirror hears, and whom it tells.
pub(super) struct Told {
    pub(super) feed: mpsc::Receiver<FeedEvent>,
    pub(super) own: mpsc::UnboundedReceiver<Entity>,
    pub(super) agents_changed: Arc<Notify>,
    pub(super) labs_look: LabsLook,
    pub(super) look: mpsc::UnboundedSender<Entity>,
    pub(super) bound: mpsc::UnboundedSender<ChannelId>,
    pub(super) thread_news: (
        mpsc::UnboundedSender<ThreadNews>,
        mpsc::UnboundedReceiver<ThreadNews>,
    ),
    pub(super) banner: (
        mpsc::UnboundedSender<BannerNews>,
        mpsc::UnboundedReceiver<BannerNews>,
    ),
}

impl Wires<'_> {
    /// Starts it, with the marks and the typing that it asks for.
    pub(super) fn start_mirror(
        &self,
        lifecycle: &mut Lifecycle,
        layout: &watch::Receiver<Arc<Layout>>,
        repair: &Arc<Notify>,
        told: Told,
        dials: Dials,
        receipts: &Receipts,
    ) {
        let (shared, store) = (self.shared, &self.store);
        let mirror = &shared.config.mirror;
        let (marks, wishes) = mpsc::unbounded_channel();
        let marking = MarkKeeper::new(store.clone(), receipts.clone(), wishes);
        lifecycle.spawn("marks", marking.run(lifecycle.token()));
        let (typing, at_work) = mpsc::unbounded_channel();
        let showing = typing::run(shared.lanes.clone(), at_work, lifecycle.token());
        lifecycle.spawn("typing", showing);
        let banner = BannerKeeper {
            lanes: shared.lanes.clone(),
            store: store.clone(),
            layout: layout.clone(),
            look: told.look.clone(),
            news: told.banner.1,
        };
        lifecycle.spawn("banner", banner.run(lifecycle.token()));
        let (wish, wishes) = mpsc::unbounded_channel();
        let hands = ThreadHands {
            lanes: shared.lanes.clone(),
            store: store.clone(),
            layout: layout.clone(),
            look: told.look,
            news: told.thread_news.0.clone(),
            bound: told.bound,
            busy: Busy::default(),
            refusals: Refusals::default(),
        };
        let news = told.thread_news.1;
        lifecycle.spawn("threads", hands.run(wishes, news, lifecycle.token()));
        let deps = Deps {
            channels: Channels {
                lanes: shared.lanes.clone(),
                store: self.hot.clone(),
                application: shared.identity.application,
                bot: shared.identity.bot,
                guild: self.tenant.guild,
                unwritten: Unwritten::default(),
            },
            layout: layout.clone(),
            repair: Arc::clone(repair),
            reach: Reach {
                sweep_every: mirror.sweep,
                horizon: chrono::Duration::from_std(mirror.horizon)
                    .unwrap_or(chrono::Duration::MAX),
                first_link: chrono::Duration::from_std(mirror.first_link)
                    .unwrap_or(chrono::Duration::MAX),
            },
            feed: told.feed,
            own: told.own,
            agents_changed: told.agents_changed,
            jobs: Arc::clone(&self.control.jobs),
            labs_look: told.labs_look,
            dials,
            poll: shared.config.mode.poll,
            thread_wishes: wish,
            thread_news: told.thread_news.0,
            marks,
            typing,
            banner: told.banner.0,
        };
        let mirror = Mirror::new(deps, lifecycle.token());
        lifecycle.spawn("mirror", mirror.run());
    }
}
