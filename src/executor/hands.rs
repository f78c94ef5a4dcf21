//! How much a part of the executor does at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::worker::Kick;

/// The hands of one part.
#[derive(Debug)]
pub(super) struct Hands {
    all: usize,
    at_work: Arc<AtomicUsize>,
    kick: Kick,
    bell: fn(&Kick) -> &Notify,
}

/// One hand, at work. When it is free again, the bell of its part rings, which then looks at once.
pub(super) struct Hand {
    at_work: Arc<AtomicUsize>,
    kick: Kick,
    bell: fn(&Kick) -> &Notify,
}

impl Hands {
    /// So many of them, all free.
    pub(super) fn new(all: usize, kick: Kick, bell: fn(&Kick) -> &Notify) -> Self {
        Self {
            all,
            at_work: Arc::default(),
            kick,
            bell,
        }
    }

    /// How many are free now.
    pub(super) fn free(&self) -> usize {
        self.all
            .saturating_sub(self.at_work.load(Ordering::Acquire))
    }

    /// Puts one to work, until it is dropped.
    pub(super) fn raise(&self) -> Hand {
        self.at_work.fetch_add(1, Ordering::AcqRel);
        Hand {
            at_work: Arc::clone(&self.at_work),
            kick: self.kick.clone(),
            bell: self.bell,
        }
    }
}

impl Drop for Hand {
    fn drop(&mut self) {
        self.at_work.fetch_sub(1, Ordering::AcqRel);
        (self.bell)(&self.kick).notify_one();
    }
}
