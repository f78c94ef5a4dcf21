//! The sweep: what the feed may have missed is found by comparing rows with the ledger.

use metrics::counter;
use tokio::time::Instant;

use super::recover::recover;
use super::{Mirror, RETRY};
use crate::discord::layout::Layout;
use crate::model::AgentKey;
use crate::model::proposal::ProposalSource;
use crate::model::view::{Entity, EntityKind, Surface};
use crate::telemetry;

/// Most rows that a sweep names at once; it comes again as soon as they are done.
const SWEEP_LIMIT: i64 = 5_000;

/// Sweeps that fail one after the other pause twice as long each time, so often: up to 8 s.
const LONGEST_PAUSE: u32 = 4;

impl Mirror {
    /// Finds out what became of views that somebody began and nobody confirmed.
    pub(super) async fn recover(&self) -> anyhow::Result<()> {
        let in_hand = |entity: Entity| self.under_way.contains_key(&entity);
        let (found, lost) = recover(&self.deps.channels, &self.renderer, in_hand).await?;
        if found + lost > 0 {
            tracing::info!(
                found,
                lost,
                "read back after an interruption: {found} messages had been sent, {lost} had not"
            );
        }
        Ok(())
    }

    /// Names every row that Discord does not show as it is. A sweep that fails is soon repeated:
    /// after an outage the first connections are often dead ones.
    pub(super) async fn sweep(&mut self) {
        let recovered = self.recover().await;
        self.look_at_labs(None);
        self.look_at_agents().await;
        let outcome = match self.look_around().await {
            Ok(()) => recovered,
            Err(error) => Err(error.into()),
        };
        match outcome {
            Ok(()) => self.sweep_again = (None, 0),
            Err(error) => {
                tracing::warn!(%error, "the sweep could not look at everything: {error}");
                let failures = self.sweep_again.1;
                let pause = RETRY * 2_u32.pow(failures.min(LONGEST_PAUSE));
                self.sweep_again = (Some(Instant::now() + pause), failures + 1);
            }
        }
    }

    async fn look_around(&mut self) -> crate::store::Result<()> {
        // Taken first: what is written after it and found all the same was told as well.
        let at = self.deps.channels.store.horizon().await?;
        let layout = self.deps.layout.borrow().clone();
        self.follow_rights(&layout).await?;
        let found = self.find(&layout, SWEEP_LIMIT).await?;
        let whole = !is_more(&found);
        if layout.has(&Surface::Tasks) {
            self.tasks.fill = true;
            self.look_at_silence().await?;
            self.archive_surplus().await?;
        }
        for card in self.cards_of_activity().await? {
            self.dirty.mark(card);
        }
        self.name(&found);
        if whole {
            for entity in self.parked.released() {
                self.dirty.mark(entity);
            }
        }
        // These have no row of their own whose version would tell.
        self.dirty.mark(Entity::DIGEST);
        self.status_soon();
        self.watch_for_gaps(at, &found, whole).await
    }

    fn name(&mut self, found: &[Entity]) {
        let more = is_more(found);
        if !found.is_empty() {
            counter!(telemetry::SWEEP_ROWS).increment(found.len() as u64);
            tracing::debug!(rows = found.len(), "the sweep found {} rows", found.len());
        }
        for entity in found {
            let parked = self.parked.has_entirely(entity);
            if !self.under_way.contains_key(entity) && !parked {
                self.dirty.mark(*entity);
                self.sweep_soon |= more;
            }
        }
    }

    /// Reads the names of the agents anew; an agent without a channel gets one.
    pub(super) async fn look_at_agents(&self) {
        if let Err(error) = self.renderer.refresh(&self.deps.channels.store).await {
            tracing::warn!(%error, "cannot read the agents: {error}");
            return;
        }
        let layout = self.deps.layout.borrow();
        let placed = |agent: &AgentKey| layout.agent(&Surface::dm(agent)).is_some();
        if !self.renderer.personas().agents().all(placed) {
            self.deps.agents_changed.notify_one();
        }
    }

    /// At most `limit` rows that Discord does not show as they are, as far as the layout has places
    /// for them.
    pub(super) async fn find(
        &self,
        layout: &Layout,
        limit: i64,
    ) -> crate::store::Result<Vec<Entity>> {
        let store = &self.deps.channels.store;
        // What the bot may not post now is found once it may.
        let open = layout.iter().map(|(surface, _)| surface);
        let open = open.filter(|surface| layout.takes(surface));
        let places: Vec<String> = open.map(ToString::to_string).collect();
        let floor = self.deps.reach.floor(store).await?;
        let kind = EntityKind::Message;
        let mut found: Vec<Entity> = store
            .sweep_messages(&places, floor, limit)
            .await?
            .into_iter()
            .map(|id| Entity { kind, id })
            .collect();
        let private = store.sweep_private(&places, floor, limit).await?;
        found.extend(private.into_iter().map(|id| Entity { kind, id }));
        for source in ProposalSource::ALL {
            let kind = source.into();
            let proposals = store.sweep_proposals(source, &places, limit).await?;
            found.extend(proposals.into_iter().map(|id| Entity { kind, id }));
        }
        if layout.has(&Surface::Tasks) {
            let kind = EntityKind::Task;
            let tasks = store.sweep_tasks(limit).await?;
            found.extend(tasks.into_iter().map(|id| Entity { kind, id }));
            found.extend(store.sweep_timelines(floor, limit).await?);
        }
        let kind = EntityKind::Delivery;
        let live = self.deps.dials.mode.borrow().is_live();
        let deliveries = store.sweep_deliveries(&places, floor, live, limit).await?;
        found.extend(deliveries.into_iter().map(|id| Entity { kind, id }));
        found.extend(self.find_activity(floor, limit).await?);
        let kind = EntityKind::Mode;
        let modes = store.sweep_modes().await?;
        found.extend(modes.into_iter().map(|id| Entity { kind, id }));
        let kind = EntityKind::Gap;
        let gaps = store.sweep_gaps().await?;
        found.extend(gaps.into_iter().map(|id| Entity { kind, id }));
        Ok(found)
    }
}

/// Whether there may be more than was found.
fn is_more(found: &[Entity]) -> bool {
    found.len() >= usize::try_from(SWEEP_LIMIT).unwrap_or(usize::MAX)
}
