//! What else has to be looked at when a message is shown for the first time: answers that quote it
//! can link to it now, and its receipt has a place.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Mirror;
use crate::model::view::{Entity, EntityKind};

/// Most messages that are remembered; the others are found by the sweep, or stay without a link.
const MOST: usize = 10_000;

/// Who waits for a message to be shown.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// Messages that may have a receipt.
    asked: HashSet<Entity>,
    /// By message: the answers that quote it.
    unlinked: HashMap<Entity, Vec<Entity>>,
    /// Messages that have a place now.
    placed: Vec<Uuid>,
}

impl Company {
    /// Remembers what a look has found.
    pub(super) fn note(&mut self, asked: Vec<Entity>, unlinked: Vec<(Entity, Entity)>) {
        if self.asked.len() + self.unlinked.len() > MOST {
            *self = Self::default();
        }
        self.asked.extend(asked);
        for (quoted, answer) in unlinked {
            let answers = self.unlinked.entry(quoted).or_default();
            if !answers.contains(&answer) {
                answers.push(answer);
            }
        }
    }

    /// All views of a message are there. Gives back who has to be looked at again.
    pub(super) fn shown(&mut self, entity: Entity) -> Vec<Entity> {
        if self.asked.remove(&entity) {
            self.placed.push(entity.id);
        }
        self.unlinked.remove(&entity).unwrap_or_default()
    }

    /// Whether messages have a place now whose receipts nobody has looked at.
    pub(super) fn is_placed(&self) -> bool {
        !self.placed.is_empty()
    }
}

impl Mirror {
    /// Names the deliveries of messages that have a place now.
    pub(super) async fn look_at_placed(&mut self) {
        let placed = std::mem::take(&mut self.company.placed);
        match self.deps.channels.store.deliveries_of(&placed).await {
            Ok(ids) => {
                let kind = EntityKind::Delivery;
                for id in ids {
                    self.dirty.mark(Entity { kind, id });
                }
            }
            // The sweep finds them.
            Err(error) => tracing::debug!(%error, "cannot look at receipts: {error}"),
        }
    }
}
