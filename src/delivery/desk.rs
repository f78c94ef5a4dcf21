//! The desk where deliveries are handed over: how many turns run directly at once, and who is next.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;

use super::fallback::Route;
use super::turn::Turn;
use crate::control::client::ControlClient;
use crate::model::AgentKey;
use crate::model::delivery::{Claimed, DeliveryStatus};
use crate::model::thread::Place;
use crate::store::Store;
use crate::store::queue::ClaimFilter;

/// Most rows claimed in one statement.
const BATCH: usize = 16;

/// A thread and an agent: what is said there is delivered in order.
type Lane = (Place, AgentKey);

/// The desk where deliveries are handed over.
#[derive(Clone)]
pub struct Deliveries {
    inner: Arc<Inner>,
}

struct Inner {
    turn: Turn,
    /// Without progress for so long a delivery has failed.
    stale_after: Duration,
    /// Turns that run directly at once; more wait in the queue.
    slots: Arc<Semaphore>,
    /// Lanes in which somebody of ours is about to claim, or has claimed, a message at its birth.
    /// The rows tell of all others.
    reserved: Mutex<HashSet<Lane>>,
    turns: TaskTracker,
    /// How often somebody has asked to look at the queue since the last look began. One looks at a
    /// time: while it does it holds all free slots, and whoever asks then finds none.
    looks: AtomicUsize,
    /// When this process began to deliver.
    began: DateTime<Utc>,
}

/// The right to run one direct turn in a lane.
pub struct Slot {
    inner: Arc<Inner>,
    lane: Lane,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.inner.reserved().remove(&self.lane);
    }
}

impl Inner {
    fn reserved(&self) -> MutexGuard<'_, HashSet<Lane>> {
        // A set of names is whole whatever happened to who held it.
        self.reserved.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deliveries {
    /// Deliveries through one Control API, at most `parallel` turns at once.
    pub fn new(
        store: Store,
        control: ControlClient,
        route: Route,
        stale_after: Duration,
        parallel: usize,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                turn: Turn {
                    store,
                    control,
                    route,
                },
                stale_after,
                slots: Arc::new(Semaphore::new(parallel)),
                reserved: Mutex::default(),
                turns: TaskTracker::new(),
                looks: AtomicUsize::new(0),
                began: Utc::now(),
            }),
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.inner.turn.store
    }

    pub(super) fn control(&self) -> &ControlClient {
        &self.inner.turn.control
    }

    pub(super) fn route(&self) -> &Route {
        &self.inner.turn.route
    }

    pub(super) fn began(&self) -> DateTime<Utc> {
        self.inner.began
    }

    pub(super) fn stale_after(&self) -> Duration {
        self.inner.stale_after
    }

    /// Whether a message would go directly to its agent now.
    pub fn is_direct(&self) -> bool {
        self.route().is_direct()
    }

    /// The right to deliver directly what is about to be said in a place; none when the message has
    /// to be queued.
    pub fn slot(&self, place: &Place, agent: &AgentKey) -> Option<Slot> {
        if !self.is_direct() {
            return None;
        }
        let permit = Arc::clone(&self.inner.slots).try_acquire_owned().ok()?;
        let lane = (place.clone(), agent.clone());
        let free = self.inner.reserved().insert(lane.clone());
        free.then(|| Slot {
            inner: Arc::clone(&self.inner),
            lane,
            _permit: permit,
        })
    }

    /// In which status a row wants to be born: claimed by who holds a slot, queued otherwise.
    pub fn birth(slot: Option<&Slot>) -> DeliveryStatus {
        if slot.is_some() {
            DeliveryStatus::Delivered
        } else {
            DeliveryStatus::Queued
        }
    }

    /// Runs a delivery that was claimed at its birth.
    pub fn begin(&self, slot: Slot, claimed: Claimed) {
        let desk = self.clone();
        self.inner.turns.spawn(async move {
            let went = desk.inner.turn.run(&claimed).await;
            drop(slot);
            desk.next(went);
        });
    }

    /// Delivers what is queued, as long as there are slots.
    pub fn pump(&self) {
        if !self.is_direct() {
            return;
        }
        if self.inner.looks.fetch_add(1, Ordering::AcqRel) > 0 {
            // Whoever looks now looks again.
            return;
        }
        let desk = self.clone();
        self.inner.turns.spawn(async move {
            let looks = &desk.inner.looks;
            loop {
                let asked = looks.load(Ordering::Acquire);
                desk.claim().await;
                let done = looks.compare_exchange(asked, 0, Ordering::AcqRel, Ordering::Acquire);
                if done.is_ok() {
                    return;
                }
            }
        });
    }

    /// After a turn. What did not go through is not tried again at once: the watchdog does that, or
    /// the mode when it comes back.
    fn next(&self, went: bool) {
        if went {
            self.pump();
        }
    }

    async fn claim(&self) {
        // Executors that are not ours would be asked for an agent that nobody knows.
        match self.store().fail_departed().await {
            Ok(failed) => {
                for id in failed {
                    tracing::warn!(delivery_id = %id, "delivery {id} failed: its agent is gone");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot look for agents that are gone: {error}"),
        }
        loop {
            let wanted = self.inner.slots.available_permits().min(BATCH);
            let permits = u32::try_from(wanted).unwrap_or(u32::MAX);
            let slots = Arc::clone(&self.inner.slots).try_acquire_many_owned(permits);
            let Some(mut slots) = slots.ok().filter(|_| wanted > 0 && self.is_direct()) else {
                return;
            };
            let limit = i64::from(permits);
            let claimed = self.store().claim_batch(limit, ClaimFilter::all()).await;
            let claimed = claimed.unwrap_or_else(|error| {
                tracing::warn!(%error, "cannot take the next deliveries: {error}");
                Vec::new()
            });
            // One row per lane: fewer than asked for are all there are.
            let last = claimed.len() < wanted;
            for one in claimed {
                let Some(permit) = slots.split(1) else {
                    break;
                };
                let desk = self.clone();
                self.inner.turns.spawn(async move {
                    let went = desk.inner.turn.run(&one).await;
                    drop(permit);
                    desk.next(went);
                });
            }
            if last {
                return;
            }
        }
    }

    /// Waits for the turns that run, for so long at most.
    pub(super) async fn finish(&self, at_most: Duration) {
        self.inner.turns.close();
        let _ = tokio::time::timeout(at_most, self.inner.turns.wait()).await;
    }
}
