//! Which rows may look different in Discord: a set, so that a burst costs one look.

use std::collections::{HashSet, VecDeque};

use crate::model::view::Entity;

/// Rows to look at, in the order they were first named. A row that is being worked on is looked at
/// again afterwards, never twice at once.
#[derive(Debug, Default)]
pub struct Dirty {
    queue: VecDeque<Entity>,
    queued: HashSet<Entity>,
    working: HashSet<Entity>,
    again: HashSet<Entity>,
}

impl Dirty {
    /// Names a row.
    pub fn mark(&mut self, entity: Entity) {
        if self.working.contains(&entity) {
            self.again.insert(entity);
        } else if self.queued.insert(entity) {
            self.queue.push_back(entity);
        }
    }

    /// Takes up to `limit` rows to work on.
    pub fn take(&mut self, limit: usize) -> Vec<Entity> {
        let count = limit.min(self.queue.len());
        let taken: Vec<Entity> = self.queue.drain(..count).collect();
        for entity in &taken {
            self.queued.remove(entity);
            self.working.insert(*entity);
        }
        taken
    }

    /// A row is done with. If it was named meanwhile, it is next.
    pub fn done(&mut self, entity: Entity) {
        self.working.remove(&entity);
        if self.again.remove(&entity) {
            self.mark(entity);
        }
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many rows wait or are worked on.
    pub fn len(&self) -> usize {
        self.queue.len() + self.working.len()
    }
}
