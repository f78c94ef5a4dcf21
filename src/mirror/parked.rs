//! Rows that wait for a place: their channel is not there, or the bot may not post in it.

use std::collections::HashMap;

use crate::model::view::Entity;

/// The rows, in the order in which they came to wait.
#[derive(Debug, Default)]
pub struct Parked {
    order: Vec<Entity>,
    /// Whether they want no place that is there.
    entirely: HashMap<Entity, bool>,
    /// Those that wait no more, and that nobody has looked at yet.
    released: Vec<Entity>,
}

impl Parked {
    /// A row waits. `entirely`: it wants no place that is there.
    pub fn put(&mut self, entity: Entity, entirely: bool) {
        if self.entirely.insert(entity, entirely).is_none() {
            self.order.push(entity);
        }
    }

    /// Whether a row waits, and wants no place that is there.
    pub fn has_entirely(&self, entity: &Entity) -> bool {
        self.entirely.get(entity) == Some(&true)
    }

    /// Nobody waits any more. A sweep has the word first: it knows of older ones, which never came here.
    pub fn release(&mut self) {
        self.entirely.clear();
        self.released.append(&mut self.order);
    }

    /// Those that were released, the first one first.
    pub fn released(&mut self) -> Vec<Entity> {
        std::mem::take(&mut self.released)
    }
}
