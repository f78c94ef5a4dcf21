//! Receipts as views: the mark that a message should have, and the reply under it that says why its
//! delivery failed, or that it waits.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Mirror;
use super::marks::MarkWanted;
use super::plan::Wanted;
use super::render::{Look, Rendered, Renderer};
use crate::cards::delivery;
use crate::discord::layout::Layout;
use crate::model::mode::State;
use crate::model::receipt::{Progress, Step, mark};
use crate::model::rights::Permission;
use crate::model::view::{Entity, EntityKind, View};
use crate::model::{ChannelId, DeliveryId};
use crate::store::receipt::{Home, Receipt};
use crate::store::{Result, Store};

/// What the mirror remembers of receipts.
#[derive(Debug, Default)]
pub(super) struct ReceiptMemory {
    /// Whether the executor was there when they were looked at.
    live: Option<bool>,
    /// Channels in which no marks may be put; none before the first look.
    closed: Option<HashSet<ChannelId>>,
}

/// Most deliveries that are looked at again when the mode changes.
const OPEN_LIMIT: i64 = 5_000;

impl Renderer {
    /// Deliveries, with the receipts of their messages.
    pub(super) async fn deliveries(&self, store: &Store, ids: &[Uuid]) -> Result<Look> {
        let mode = self.mode();
        let live = live_since(&mode);
        let away = mode.mode.is_some() && live.is_none();
        let since = away.then_some(mode.since);
        let ((sight, receipts), mut views) = tokio::try_join!(
            store.receipts(ids, since),
            store.views(EntityKind::Delivery, ids)
        )?;
        let mut look = Look {
            sight,
            ..Look::default()
        };
        for receipt in &receipts {
            look.marks.extend(marks(receipt, live));
            for delivery in &receipt.deliveries {
                look.at_work
                    .push((delivery.id, at_work(receipt, delivery, live)));
                let entity = Entity {
                    kind: EntityKind::Delivery,
                    id: delivery.id.0,
                };
                if ids.contains(&entity.id) {
                    let wanted = self.reply(receipt, delivery, &mode);
                    look.rows.push(rendered(entity, wanted, &mut views));
                }
            }
        }
        for id in ids {
            let entity = Entity {
                kind: EntityKind::Delivery,
                id: *id,
            };
            if look.rows.iter().all(|row| row.entity != entity) {
                look.rows.push(rendered(entity, Vec::new(), &mut views));
                look.at_work.push((DeliveryId(*id), Vec::new()));
            }
        }
        Ok(look)
    }

    fn reply(&self, receipt: &Receipt, delivery: &Progress, mode: &State) -> Vec<Wanted> {
        let personas = self.personas();
        let draft = match delivery.step(live_since(mode)) {
            Step::Failed => delivery::failed(delivery, &personas),
            Step::Waits if delivery.first => delivery::waits(),
            Step::Waits | Step::WithAgent | Step::Answered => return Vec::new(),
        };
        let under = |home: &Home| Wanted {
            surface: home.surface.clone(),
            drafts: vec![draft.clone().under(home.message)],
            row_version: delivery.version.clone(),
        };
        receipt.homes.iter().map(under).collect()
    }
}

/// Since when the executor is there, if it is.
fn live_since(mode: &State) -> Option<DateTime<Utc>> {
    mode.is_live().then_some(mode.since)
}

fn rendered(entity: Entity, wanted: Vec<Wanted>, views: &mut Vec<View>) -> Rendered {
    let its = |view: &mut View| view.key.entity == entity;
    Rendered {
        entity,
        wanted,
        views: views.extract_if(.., its).collect(),
        gone: false,
        at: None,
    }
}

/// The marks of a message that do not show its deliveries as they are.
fn marks(receipt: &Receipt, live: Option<DateTime<Utc>>) -> impl Iterator<Item = MarkWanted> {
    let want = mark(&receipt.deliveries, live);
    let mut shown: Vec<String> = receipt
        .deliveries
        .iter()
        .map(|it| format!("{}:{}", it.id, it.version))
        .collect();
    shown.sort_unstable();
    let there = want.into_iter().collect();
    let homes = receipt.homes.iter();
    homes
        .filter({
            let shown = shown.clone();
            move |home| home.marks != there || home.shown != shown
        })
        .map(move |home| MarkWanted {
            entity: receipt.message.0,
            surface: home.surface.clone(),
            channel: home.channel,
            message: home.message,
            there: home.marks,
            want,
            shown: shown.clone(),
            by: receipt.author,
        })
}

/// Where an agent works on a delivery: where its message stands. Nowhere, when it does not.
fn at_work(receipt: &Receipt, delivery: &Progress, live: Option<DateTime<Utc>>) -> Vec<ChannelId> {
    let works = delivery.step(live) == Step::WithAgent;
    let homes = receipt.homes.iter().filter(|_| works);
    homes.map(|home| home.channel).collect()
}

impl Mirror {
    /// Hands on what is not a message.
    pub(super) fn pass_on(
        &self,
        mut marks: Vec<MarkWanted>,
        mut at_work: Vec<(DeliveryId, Vec<ChannelId>)>,
    ) {
        let layout = self.deps.layout.borrow();
        marks.retain(|mark| layout.has(&mark.surface));
        for (_, channels) in &mut at_work {
            channels.retain(|channel| layout.may(*channel, Permission::SendMessages));
        }
        // Nobody listens only while the process ends.
        if !marks.is_empty() {
            let _ = self.deps.marks.send(marks);
        }
        if !at_work.is_empty() {
            let _ = self.deps.typing.send(at_work);
        }
    }

    /// Marks that the bot was not let set are owed again where it may: the sweep finds their messages.
    pub(super) async fn follow_rights(&mut self, layout: &Layout) -> Result<()> {
        let channels = layout.iter().map(|(_, channel)| channel.id);
        let may = |channel: &ChannelId| layout.may(*channel, Permission::AddReactions);
        let closed: HashSet<ChannelId> = channels.filter(|it| !may(it)).collect();
        // Nobody knows what an earlier run of the process was let do.
        let before = self.receipts.closed.as_ref();
        if before.is_none_or(|before| !before.is_subset(&closed)) {
            let store = &self.deps.channels.store;
            let floor = self.deps.reach.floor(store).await?;
            store.owe_marks(floor).await?;
        }
        self.receipts.closed = Some(closed);
        Ok(())
    }

    /// What waits is told otherwise when the executor goes or comes.
    pub(super) async fn follow_mode(&mut self) {
        let live = {
            let mode = self.deps.dials.mode.borrow();
            mode.mode.map(|_| mode.is_live())
        };
        if live.is_none() || live == self.receipts.live {
            return;
        }
        match self.deps.channels.store.open_deliveries(OPEN_LIMIT).await {
            Ok(ids) => {
                self.receipts.live = live;
                let kind = EntityKind::Delivery;
                for id in ids {
                    self.dirty.mark(Entity { kind, id });
                }
            }
            // The sweep asks again.
            Err(error) => tracing::debug!(%error, "cannot look at what waits: {error}"),
        }
    }
}
