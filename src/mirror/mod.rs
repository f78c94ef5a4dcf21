//! The mirror keeps Discord true to the database: a row is named dirty, loaded as it is now,
//! rendered, compared with the ledger, and the difference is carried out.

pub mod apply;
pub mod dirty;
pub mod keeper;
pub mod ledger;
pub mod outage;
pub mod plan;
pub mod read_back;
mod reclaim;
pub mod recover;
pub mod render;
mod request;
mod sweep;
mod written;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use metrics::{counter, gauge, histogram};
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::discord::layout::Layout;
use crate::model::change::{Change, FeedEvent, Snapshot, Table, Xid};
use crate::model::view::{Entity, EntityKind};
use crate::store::kept::Kept;
use crate::store::mirror::ServerStart;
use crate::telemetry;
use apply::{Hands, Workers};
use dirty::Dirty;
use ledger::Done;
use plan::{Action, plan};
use read_back::Channels;
use render::{Rendered, Renderer};
use written::{new_views, noted};

/// Most rows loaded at once: one query, one ledger write.
const BATCH: usize = 500;

/// So often a row that is announced and not visible yet is looked at again at once: a look takes
/// longer than most of these rows need. After that it waits.
const EARLY_LOOKS: u32 = 5;
const EARLY: Duration = Duration::from_millis(1);

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
    /// Rows whose surface does not exist yet.
    parked: HashSet<Entity>,
    workers: Workers,
    done: mpsc::UnboundedReceiver<Done>,
    keeper: tokio::task::JoinHandle<()>,
    sweep_soon: bool,
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
            reports,
            cancel: cancel.clone(),
        });
        Self {
            kept: Kept::new(&deps.channels.store),
            server: None,
            deps,
            renderer: Renderer::default(),
            dirty: Dirty::default(),
            under_way: HashMap::new(),
            announced: HashMap::new(),
            early_looks: 0,
            parked: HashSet::new(),
            workers,
            done,
            keeper,
            sweep_soon: true,
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
            if !self.dirty.is_empty() {
                self.step().await;
            }
            let idle = self.dirty.is_empty() && !self.sweep_soon;
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
                Some(entity) = self.deps.own.recv() => self.dirty.mark(entity),
                _ = self.done.recv_many(&mut done, BATCH) => {
                    done.drain(..).for_each(|one| self.finished(one));
                }
                changed = self.deps.layout.changed() => {
                    changed?;
                    self.unpark();
                }
                _ = sweep.tick() => self.sweep_soon = true,
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
            FeedEvent::Connected | FeedEvent::Sweep { .. } => self.sweep_soon = true,
            FeedEvent::Disconnected { .. } => {}
            FeedEvent::Changes(changes) => {
                for change in changes {
                    self.note(&change).await;
                }
            }
        }
    }

    async fn note(&mut self, change: &Change) {
        match change.table {
            Table::ProjectChatMessages => {
                if let Some(id) = change.key.as_uuid() {
                    let kind = EntityKind::Message;
                    let entity = Entity { kind, id };
                    self.dirty.mark(entity);
                    let announced = change.xid.map(|xid| Announced {
                        xid,
                        commit_at: change.commit_at,
                    });
                    self.announced.extend(announced.map(|it| (entity, it)));
                }
            }
            // A thread's title decides where its messages belong.
            Table::ProjectChatThreads => self.sweep_soon = true,
            Table::Agents => {
                self.deps.agents_changed.notify_one();
                self.look_at_agents().await;
            }
            _ => {}
        }
    }

    /// Takes what is dirty, as much as one query carries, and sets the difference in motion.
    pub async fn step(&mut self) {
        let taken = self.dirty.take(BATCH);
        gauge!(telemetry::DIRTY_ROWS).set(u32::try_from(self.dirty.len()).unwrap_or(u32::MAX));
        match self.work_on(&taken).await {
            Ok(early) => {
                for entity in taken {
                    if !self.under_way.contains_key(&entity) {
                        self.dirty.done(entity);
                    }
                    if !early.contains(&entity) {
                        self.announced.remove(&entity);
                    }
                }
                if early.is_empty() {
                    self.early_looks = 0;
                } else {
                    self.early_looks += 1;
                    if self.early_looks > EARLY_LOOKS {
                        tokio::time::sleep(EARLY).await;
                    }
                    for entity in early {
                        self.dirty.mark(entity);
                    }
                }
            }
            Err(error) => {
                self.kept.forget();
                tracing::warn!(%error, "the mirror could not look at {} rows: {error}", taken.len());
                // What was begun then is not told apart from what was not; the sweep reads it back.
                self.sweep_soon = true;
                tokio::select! {
                    () = self.cancel.cancelled() => {}
                    () = tokio::time::sleep(RETRY) => {}
                }
                for entity in taken {
                    if !self.under_way.contains_key(&entity) {
                        self.dirty.done(entity);
                        self.dirty.mark(entity);
                    }
                }
            }
        }
    }

    /// Sets the difference in motion. Gives back the rows that the feed has announced and that
    /// cannot be seen yet.
    async fn work_on(&mut self, taken: &[Entity]) -> anyhow::Result<Vec<Entity>> {
        let mut actions = Vec::new();
        let mut early = Vec::new();
        let store = self.deps.channels.store.clone();
        for kind in [EntityKind::Message, EntityKind::Mode] {
            let ids: Vec<_> = taken
                .iter()
                .filter(|entity| entity.kind == kind)
                .map(|entity| entity.id)
                .collect();
            let (sight, rows) = self
                .renderer
                .load(&store, &mut self.kept, kind, &ids)
                .await?;
            if let Some(sight) = &sight
                && self.reclaim(sight.server).await?
            {
                // What was looked at is older than what was found.
                return Ok(taken.to_vec());
            }
            let snapshot = sight.and_then(|sight| sight.snapshot);
            for row in rows {
                if self.is_early(row.entity, snapshot.as_ref()) {
                    early.push(row.entity);
                } else {
                    actions.extend(self.planned(row));
                }
            }
        }
        let layout = self.deps.layout.borrow().clone();
        let begun: HashSet<_> = store
            .begin_views(&mut self.kept, &new_views(&actions, &layout))
            .await?
            .into_iter()
            .collect();
        let (notes, requests): (Vec<_>, Vec<_>) = actions
            .into_iter()
            .partition(|action| matches!(action, Action::Note { .. }));
        store.settle_views(&noted(notes)).await?;
        for action in requests {
            let ours = !matches!(action, Action::Create { .. }) || begun.contains(action.key());
            if ours {
                *self.under_way.entry(action.key().entity).or_default() += 1;
                self.measure(action.key().entity);
                self.workers.hand_over(action);
            } else {
                // Somebody who died has begun it, or a layout has lost its place: the sweep finds out.
                self.sweep_soon = true;
            }
        }
        Ok(early)
    }

    fn is_early(&self, entity: Entity, snapshot: Option<&Snapshot>) -> bool {
        let (Some(announced), Some(snapshot)) = (self.announced.get(&entity), snapshot) else {
            return false;
        };
        !snapshot.sees(announced.xid)
    }

    /// How long it took from the commit of a row until its request was handed over.
    fn measure(&mut self, entity: Entity) {
        let announced = self.announced.remove(&entity);
        if let Some(commit_at) = announced.and_then(|it| it.commit_at) {
            // Two clocks: a negative time is none.
            let took = (Utc::now() - commit_at).to_std().unwrap_or_default();
            histogram!(telemetry::COMMIT_TO_REQUEST).record(took.as_secs_f64());
        }
    }

    fn planned(&mut self, row: Rendered) -> Vec<Action> {
        let layout = self.deps.layout.borrow();
        if let Some(wanted) = &row.wanted
            && !layout.has(&wanted.surface)
        {
            self.parked.insert(row.entity);
            return Vec::new();
        }
        drop(layout);
        plan(row.entity, row.wanted, row.views)
    }

    fn finished(&mut self, done: Done) {
        counter!(telemetry::VIEWS).increment(1);
        let Done { entity, .. } = done;
        if done.again {
            self.dirty.mark(entity);
        }
        // Reading back tells what the ledger does not.
        self.sweep_soon |= done.unsure;
        let Some(left) = self.under_way.get_mut(&entity) else {
            return;
        };
        *left -= 1;
        if *left == 0 {
            self.under_way.remove(&entity);
            self.dirty.done(entity);
        }
    }

    fn unpark(&mut self) {
        for entity in self.parked.drain() {
            self.dirty.mark(entity);
        }
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
