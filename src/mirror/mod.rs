//! The mirror keeps Discord true to the database: a row is named dirty, loaded as it is now,
//! rendered, compared with the ledger, and the difference is carried out.

mod activity;
pub mod apply;
pub mod banner;
mod company;
pub mod dirty;
mod gaps;
pub mod keeper;
pub mod labs;
pub mod ledger;
pub mod marks;
pub mod outage;
mod parked;
pub mod plan;
pub mod read_back;
mod receipts;
mod reclaim;
pub mod recover;
pub mod refusals;
pub mod render;
mod request;
mod step;
mod sweep;
mod tasks;
pub mod threads;
pub mod typing;
mod written;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::discord::layout::Layout;
use crate::model::change::{Change, FeedEvent, Table, Xid};
use crate::model::status::Dials;
use crate::model::task::ThreadNews;
use crate::model::view::{Entity, EntityKind};
use crate::store::kept::Kept;
use crate::store::look::ServerStart;
use apply::{Hands, Workers};
use banner::BannerNews;
use company::Company;
use dirty::Dirty;
use gaps::Gaps;
use labs::LabsLook;
use ledger::Done;
use marks::MarkWanted;
use parked::Parked;
use read_back::Channels;
use receipts::ReceiptMemory;
use refusals::Refusals;
use render::Renderer;
use tasks::TaskMemory;
use threads::ThreadWish;
use typing::AtWork;

/// Most rows loaded at once: one query, one ledger write.
const BATCH: usize = 500;

/// Shortest time between two looks at the card in `#status`: what it tells of changes all the time.
const STATUS_PAUSE: Duration = Duration::from_secs(3);

/// Wait after the database did not answer.
const RETRY: Duration = Duration::from_millis(500);

/// How far back the mirror looks.
#[derive(Debug, Clone)]
pub struct Reach {
    /// Time between sweeps.
    pub sweep_every: Duration,
    /// How old a row may be that a sweep still finds.
    pub horizon: chrono::Duration,
    /// How old a row may be when a project is linked for the first time.
    pub first_link: chrono::Duration,
}

/// What the mirror needs.
pub struct Deps {
    /// The way to the channels and the ledger.
    pub channels: Channels,
    /// Where the channels are.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// Asks for the layout to be made whole.
    pub repair: Arc<Notify>,
    /// How far back.
    pub reach: Reach,
    /// Changes in the database.
    pub feed: mpsc::Receiver<FeedEvent>,
    /// Rows of our own tables, which are not in the feed.
    pub own: mpsc::UnboundedReceiver<Entity>,
    /// Tells others that the table of agents has changed.
    pub agents_changed: Arc<Notify>,
    /// Tells an executor of ours that something about jobs was asked for.
    pub jobs: Arc<Notify>,
    /// What only the running bridge knows.
    pub dials: Dials,
    /// The time between two looks at the Control API.
    pub poll: Duration,
    /// Tells others that the flags of the Labs may have changed.
    pub labs_look: LabsLook,
    /// Looks after the threads of tasks.
    pub thread_wishes: mpsc::UnboundedSender<ThreadWish>,
    /// Is told what became of threads.
    pub thread_news: mpsc::UnboundedSender<ThreadNews>,
    /// Sets the marks on people's messages.
    pub marks: mpsc::UnboundedSender<Vec<MarkWanted>>,
    /// Shows where agents work.
    pub typing: mpsc::UnboundedSender<AtWork>,
    /// Keeps the banner of the mission in its place.
    pub banner: mpsc::UnboundedSender<BannerNews>,
}

/// What the feed has said of a row.
struct Announced {
    xid: Xid,
    commit_at: Option<DateTime<Utc>>,
}

/// The mirror.
pub struct Mirror {
    deps: Deps,
    renderer: Renderer,
    dirty: Dirty,
    /// How many actions of a row are under way.
    under_way: HashMap<Entity, usize>,
    /// The transaction that the feed has named last for a row. The feed can be earlier than what
    /// other sessions may see (measured: 0.5 % of events, by up to 23 ms).
    announced: HashMap<Entity, Announced>,
    /// How many looks in a row have found a row that is not visible yet.
    early_looks: u32,
    parked: Parked,
    workers: Workers,
    done: mpsc::UnboundedReceiver<Done>,
    keeper: tokio::task::JoinHandle<()>,
    sweep_soon: bool,
    /// When to repeat a sweep that failed, and how many have failed in a row.
    sweep_again: (Option<Instant>, u32),
    gaps: Gaps,
    /// When to look at the card in `#status`, and when that was done last.
    status: (Option<Instant>, Option<Instant>),
    /// Who waits for a message to be shown.
    company: Company,
    /// How receipts were looked at last.
    receipts: ReceiptMemory,
    /// What is remembered of tasks.
    tasks: TaskMemory,
    /// The connection of looks and of what is written before requests.
    kept: Kept,
    /// The server whose ledger is known to be whole.
    server: Option<ServerStart>,
    cancel: CancellationToken,
}

impl Mirror {
    /// A mirror that has not looked yet.
    pub fn new(deps: Deps, cancel: CancellationToken) -> Self {
        let (reports, received) = mpsc::unbounded_channel();
        let (tell_done, done) = mpsc::unbounded_channel();
        let keeper = tokio::spawn(ledger::keep(
            deps.channels.store.clone(),
            received,
            deps.channels.unwritten.clone(),
            tell_done,
        ));
        let workers = Workers::new(Hands {
            channels: deps.channels.clone(),
            layout: deps.layout.clone(),
            repair: Arc::clone(&deps.repair),
            threads: deps.thread_news.clone(),
            refusals: Refusals::default(),
            reports,
            cancel: cancel.clone(),
        });
        let guild = deps.layout.borrow().guild;
        Self {
            kept: Kept::new(&deps.channels.store),
            server: None,
            renderer: Renderer::new(&deps, guild),
            deps,
            dirty: Dirty::default(),
            under_way: HashMap::new(),
            announced: HashMap::new(),
            early_looks: 0,
            parked: Parked::default(),
            workers,
            done,
            keeper,
            sweep_soon: true,
            sweep_again: (None, 0),
            gaps: Gaps::default(),
            status: (None, None),
            company: Company::default(),
            receipts: ReceiptMemory::default(),
            tasks: TaskMemory::default(),
            cancel,
        }
    }

    /// Mirrors until cancelled.
    pub async fn run(mut self) -> anyhow::Result<()> {
        if self.start().await.is_none() {
            return Ok(());
        }
        let mut sweep = tokio::time::interval(self.deps.reach.sweep_every);
        sweep.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut done = Vec::with_capacity(BATCH);
        loop {
            if self.sweep_soon && self.dirty.is_empty() {
                self.sweep_soon = false;
                self.sweep().await;
            }
            if self.company.is_placed() {
                self.look_at_placed().await;
            }
            if self.tasks.fill && self.dirty.is_empty() {
                self.fill().await;
            }
            if !self.dirty.is_empty() {
                self.step().await;
            }
            let idle = self.dirty.is_empty() && !self.sweep_soon && !self.tasks.fill;
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => break,
                Some(event) = self.deps.feed.recv() => {
                    self.hear(event).await;
                    // Whatever has gathered is one look and one write, not one each.
                    while let Ok(event) = self.deps.feed.try_recv() {
                        self.hear(event).await;
                    }
                }
                Some(entity) = self.deps.own.recv() => self.hear_own(entity),
                _ = self.done.recv_many(&mut done, BATCH) => {
                    done.drain(..).for_each(|one| self.finished(one));
                }
                changed = self.deps.layout.changed() => {
                    changed?;
                    self.unpark();
                }
                _ = sweep.tick() => self.sweep_soon = true,
                () = until(self.sweep_again.0) => {
                    self.sweep_again.0 = None;
                    self.sweep_soon = true;
                }
                () = self.deps.dials.changed() => {
                    self.status_soon();
                    self.follow_mode().await;
                    self.follow_mode_on_cards().await;
                }
                () = until(self.gaps.due()) => self.judge_suspects().await,
                () = until(self.status.0) => self.look_at_status().await,
                () = std::future::ready(()), if !idle => {}
            }
        }
        self.stop().await;
        Ok(())
    }

    /// What has to be true before the first row is shown. None when cancelled meanwhile.
    async fn start(&mut self) -> Option<()> {
        loop {
            let outcome = match self.renderer.refresh(&self.deps.channels.store).await {
                Ok(()) => self.read_back().await,
                Err(error) => Err(error.into()),
            };
            match outcome {
                Ok(()) => return Some(()),
                Err(error) => {
                    self.kept.forget();
                    tracing::warn!(%error, "cannot read back what was under way: {error}");
                    tokio::select! {
                        () = self.cancel.cancelled() => return None,
                        () = tokio::time::sleep(RETRY) => {}
                    }
                }
            }
        }
    }

    async fn read_back(&mut self) -> anyhow::Result<()> {
        self.recover().await?;
        let server = self.deps.channels.store.server_start().await?;
        self.reclaim(server).await?;
        Ok(())
    }

    async fn hear(&mut self, event: FeedEvent) {
        match event {
            FeedEvent::Connected => {
                self.gaps.connected();
                self.look_around_soon();
            }
            FeedEvent::Sweep { .. } => {
                self.gaps.excused();
                self.look_around_soon();
            }
            FeedEvent::Disconnected { .. } => self.gaps.disconnected(),
            FeedEvent::Changes(changes) => {
                for change in changes {
                    self.note(&change).await;
                }
            }
        }
    }

    fn look_around_soon(&mut self) {
        // The sweep does it too, after whatever is dirty.
        self.look_at_labs(None);
        self.sweep_soon = true;
    }

    async fn note(&mut self, change: &Change) {
        match change.table {
            Table::ProjectChatMessages => self.announce(EntityKind::Message, change),
            // A thread's title decides where its messages belong.
            Table::ProjectChatThreads => self.sweep_soon = true,
            Table::ProjectSettings => {
                self.look_at_labs(change.xid);
                self.status_soon();
            }
            Table::Agents => {
                self.deps.agents_changed.notify_one();
                self.look_at_agents().await;
                self.status_soon();
            }
            Table::ChatDeliveryQueue => {
                self.announce(EntityKind::Delivery, change);
                self.status_soon();
            }
            Table::Activities => self.announce(EntityKind::Activity, change),
            Table::BrainDocs => self.note_of_documents(change),
            _ => self.note_of_tasks(change).await,
        }
    }

    fn look_at_labs(&self, xid: Option<Xid>) {
        // Nobody listens only while the process ends.
        let _ = self.deps.labs_look.send(xid);
    }

    fn announce(&mut self, kind: EntityKind, change: &Change) {
        let Some(id) = change.key.as_uuid() else {
            return;
        };
        let entity = Entity { kind, id };
        self.dirty.mark(entity);
        self.gaps.heard(entity);
        let announced = change.xid.map(|xid| Announced {
            xid,
            commit_at: change.commit_at,
        });
        self.announced.extend(announced.map(|it| (entity, it)));
    }

    /// The card in `#status` may not be true any more.
    fn status_soon(&mut self) {
        let now = Instant::now();
        let due = self.status.1.map_or(now, |last| last + STATUS_PAUSE);
        self.status.0 = Some(self.status.0.map_or(due, |sooner| sooner.min(due)).max(now));
    }

    /// Counts what became of messages since the mode changed, and has the card looked at.
    async fn look_at_status(&mut self) {
        self.status = (None, Some(Instant::now()));
        match self.deps.channels.store.count_mode().await {
            Ok(changed) => changed.into_iter().for_each(|it| self.dirty.mark(it)),
            Err(error) => tracing::debug!(%error, "cannot count what waits: {error}"),
        }
        self.dirty.mark(Entity::STATUS);
    }

    fn unpark(&mut self) {
        self.parked.release();
        self.sweep_soon = true;
    }

    /// Lets the workers finish what they have in hand and writes it down.
    async fn stop(self) {
        drop(self.workers);
        if let Err(error) = self.keeper.await {
            tracing::error!(%error, "the ledger's keeper ended badly");
        }
    }
}

/// A moment that may never come.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
