//! One look at what is dirty: loaded, compared with the ledger, and the difference handed over.

use std::collections::HashSet;
use std::time::Duration;

use chrono::Utc;
use metrics::{counter, gauge, histogram};

use super::ledger::Done;
use super::plan::{Action, plan, withdraw};
use super::render::Rendered;
use super::written::{new_views, noted};
use super::{BATCH, Mirror, RETRY};
use crate::discord::layout::Layout;
use crate::model::change::Snapshot;
use crate::model::rights::Permission;
use crate::model::view::{Entity, EntityKind, Surface, View, ViewAuthor};
use crate::telemetry;

/// So often a row that is announced and not visible yet is looked at again at once: a look takes
/// longer than most of these rows need. After that it waits.
const EARLY_LOOKS: u32 = 5;
const EARLY: Duration = Duration::from_millis(1);

impl Mirror {
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
        for kind in EntityKind::ALL {
            let ids: Vec<_> = taken
                .iter()
                .filter(|entity| entity.kind == kind)
                .map(|entity| entity.id)
                .collect();
            let look = self
                .renderer
                .load(&store, &mut self.kept, kind, &ids)
                .await?;
            if let Some(sight) = &look.sight
                && self.reclaim(sight.server).await?
            {
                // What was looked at is older than what was found.
                return Ok(taken.to_vec());
            }
            look.others.into_iter().for_each(|it| self.dirty.mark(it));
            self.pass_on(look.marks, look.at_work);
            self.company.note(look.asked, look.unlinked);
            look.threads.into_iter().for_each(|it| self.wish(it));
            let snapshot = look.sight.and_then(|sight| sight.snapshot);
            for row in look.rows {
                if self.is_early(row.entity, snapshot.as_ref()) {
                    early.push(row.entity);
                } else {
                    if row.entity != Entity::DIGEST && row.concerns_approvals() {
                        self.dirty.mark(Entity::DIGEST);
                        self.status_soon();
                    }
                    self.tell_of_banner(row.entity);
                    let at = row.at;
                    let planned = self.planned(row);
                    actions.extend(planned.into_iter().map(|action| (at, action)));
                }
            }
        }
        // One timeline comes from several tables. The sort is stable: rows of one table stay as they are.
        actions.sort_by_key(|(at, _)| *at);
        let actions: Vec<Action> = actions.into_iter().map(|(_, action)| action).collect();
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

    /// The difference, as far as there are places for it. What stands where the layout has lost a
    /// place is left alone until that is whole again; the same where a feature of the Labs is off,
    /// and then the sweep finds what is missing once it is on, be that in a year.
    fn planned(&mut self, mut row: Rendered) -> Vec<Action> {
        self.hold_back(&mut row);
        let layout = self.deps.layout.borrow().clone();
        // Without its bot nothing can be done in a private channel, and nothing there is forgotten.
        row.views
            .retain(|view| !view.key.surface.is_private() || layout.knows(&view.key.surface));
        // The same where the bot may not post: what was missed is posted in its order once it may.
        row.views
            .retain(|view| layout.lacks_to_post(&view.key.surface).is_empty());
        let missing = |surface: &Surface| !layout.takes(surface);
        let homeless: Vec<Surface> = row
            .wanted
            .extract_if(.., |wanted| missing(&wanted.surface))
            .map(|wanted| wanted.surface)
            .collect();
        if !homeless.is_empty() {
            let entirely = row.wanted.is_empty();
            for surface in &homeless {
                self.ask_for_thread(surface);
            }
            let parks =
                |it: &Surface| !matches!(it, Surface::Task(_)) && layout.lacks(it).is_empty();
            if homeless.iter().any(parks) {
                self.parked.put(row.entity, entirely);
            }
            if entirely {
                return Vec::new();
            }
            let there = |view: &View| !homeless.contains(&view.key.surface);
            row.views.retain(there);
        }
        if row.gone {
            self.leave_to_others(&mut row, &layout);
            return withdraw(row.views);
        }
        plan(row.entity, row.wanted, row.views, Utc::now())
    }

    /// What a person wrote waits where the bot may not take it away: it goes once it may.
    fn leave_to_others(&mut self, row: &mut Rendered, layout: &Layout) {
        let all = row.views.len();
        let may = |view: &View| {
            let theirs = view.author == ViewAuthor::Person && !view.key.surface.is_private();
            !theirs || layout.may(view.channel, Permission::ManageMessages)
        };
        row.views.retain(may);
        if row.views.len() < all {
            self.parked.put(row.entity, row.views.is_empty());
        }
    }

    pub(super) fn finished(&mut self, done: Done) {
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
            self.tell_of_banner(entity);
            self.go_on_filling();
            if entity.kind == EntityKind::Task && self.lacks_thread(entity) {
                // Its card is there now: its thread is next.
                self.dirty.mark(entity);
            }
            for other in self.company.shown(entity) {
                self.dirty.mark(other);
            }
        }
    }
}
