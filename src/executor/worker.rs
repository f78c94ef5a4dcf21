//! The queue worker: takes what waits, settles what it took. A kick wakes it at once; without one
//! it looks every second, because a standalone executor hears of new rows from nobody.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::hands::Hands;
use super::turns::{TurnEnd, Turns};
use crate::model::delivery::Claimed;
use crate::store::Result;
use crate::store::queue::ClaimFilter;

/// Time between two looks at an empty queue.
const IDLE: Duration = Duration::from_secs(1);

/// Time until the next look when the database does not answer.
const AWAY: Duration = Duration::from_secs(3);

/// Time between two searches for turns whose executor died.
const RECOVERY: Duration = Duration::from_mins(1);

/// Wakes the executor. For whoever has just put a row into the queue, or approved an action.
#[derive(Debug, Clone, Default)]
pub struct Kick(Arc<Bells>);

#[derive(Debug, Default)]
struct Bells {
    queue: Notify,
    schedule: Arc<Notify>,
    actions: Arc<Notify>,
    hires: Notify,
}

impl Kick {
    /// Look now. Never blocks; kicks during a look count as one more look.
    pub fn kick(&self) {
        self.0.queue.notify_one();
        self.0.actions.notify_one();
        self.0.hires.notify_one();
        self.0.schedule.notify_one();
    }

    /// What rings for approved actions, for whoever approves them.
    pub fn approved(&self) -> Arc<Notify> {
        Arc::clone(&self.0.actions)
    }

    /// What rings for requests about jobs, for whoever files them.
    pub fn jobs(&self) -> Arc<Notify> {
        Arc::clone(&self.0.schedule)
    }

    /// What rings for rows of the queue.
    pub(super) fn queue(&self) -> &Notify {
        &self.0.queue
    }

    /// The same.
    pub(super) fn schedule(&self) -> &Notify {
        &self.0.schedule
    }

    /// What rings for approved actions.
    pub(super) fn actions(&self) -> &Notify {
        &self.0.actions
    }

    /// What rings for new agents.
    pub(super) fn hires(&self) -> &Notify {
        &self.0.hires
    }
}

/// The rhythm of who looks for work again and again: at once after finding some, when it rings, or
/// after a while; now and then for what others left behind.
#[derive(Debug)]
pub(super) struct Rounds<'a> {
    what: &'static str,
    bell: &'a Notify,
    search: Instant,
}

impl<'a> Rounds<'a> {
    /// Begins with a search.
    pub(super) fn new(what: &'static str, bell: &'a Notify) -> Self {
        Self {
            what,
            bell,
            search: Instant::now(),
        }
    }

    /// Whether it is time to search for what others left behind.
    pub(super) fn is_search_due(&mut self) -> bool {
        let due = Instant::now() >= self.search;
        if due {
            self.search = Instant::now() + RECOVERY;
        }
        due
    }

    /// Waits as long as a look with this result suggests.
    pub(super) async fn pause(&self, found: Result<usize>, cancel: &CancellationToken) {
        let pause = match found {
            Ok(0) => IDLE,
            Ok(_) => return,
            Err(error) => {
                tracing::warn!(%error, "the executor cannot look for {}", self.what);
                AWAY
            }
        };
        tokio::select! {
            () = cancel.cancelled() => {}
            () = self.bell.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Takes queue rows as long as it has hands free.
#[derive(Debug)]
pub(super) struct Worker {
    turns: Arc<Turns>,
    batch: usize,
    hands: Hands,
    kick: Kick,
}

impl Worker {
    pub(super) fn new(turns: Arc<Turns>, parallel: usize, batch: usize, kick: Kick) -> Self {
        Self {
            turns,
            batch,
            hands: Hands::new(parallel, kick.clone(), Kick::queue),
            kick,
        }
    }

    /// Works until it is told to stop; turns that run then go on.
    pub(super) async fn run(&self, cancel: &CancellationToken) {
        let mut rounds = Rounds::new("deliveries", &self.kick.0.queue);
        // What was promised for when somebody is there; first, so that the order is kept.
        if let Err(error) = self.turns.store().rearm_stale().await {
            tracing::warn!(%error, "deliveries cannot be armed again: {error}");
        }
        while !cancel.is_cancelled() {
            if rounds.is_search_due() {
                self.recover().await;
            }
            rounds.pause(self.step().await, cancel).await;
        }
    }

    /// Claims once; returns how many rows it took.
    pub(super) async fn step(&self) -> Result<usize> {
        let limit = self.hands.free().min(self.batch);
        let shorts: Vec<String> = self.turns.agents().keys().cloned().collect();
        if limit == 0 || shorts.is_empty() {
            return Ok(0);
        }
        // Nobody takes these, and whoever asked should hear of it now.
        for id in self.turns.store().fail_departed().await? {
            tracing::warn!(delivery_id = %id, "delivery {id} failed: its agent is gone");
        }
        let busy = self.turns.busy();
        let filter = ClaimFilter {
            agents: Some(&shorts),
            busy: &busy,
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let claimed = self.turns.store().claim_batch(limit, filter).await?;
        let count = claimed.len();
        for row in claimed {
            let hand = self.hands.raise();
            let turns = Arc::clone(&self.turns);
            self.turns.tasks().spawn(async move {
                settle(&turns, row).await;
                drop(hand);
            });
        }
        Ok(count)
    }

    async fn recover(&self) {
        match self.turns.recover().await {
            Ok(0) => {}
            Ok(count) => tracing::warn!(count, "turns were cut off when their executor stopped"),
            Err(error) => tracing::warn!(%error, "cut-off turns cannot be searched for"),
        }
    }
}

/// Runs the turn of a claimed row and gives the row its end.
async fn settle(turns: &Arc<Turns>, row: Claimed) {
    let Claimed {
        id,
        message_id,
        agent,
        text,
        picked_up_at,
    } = row;
    let end = turns.run((message_id, agent.clone()), text).await;
    let store = turns.store();
    let settled = turns
        .persist(|| async {
            match &end {
                TurnEnd::Answered(reply) => store.complete(id, *reply).await,
                TurnEnd::Failed(error) | TurnEnd::Impossible(error) => {
                    store.fail(id, picked_up_at, error).await
                }
                TurnEnd::NotNow(_) => store.requeue(id, picked_up_at).await,
            }
        })
        .await;
    match settled {
        Ok(true) => tracing::debug!(delivery_id = %id, %agent, "a delivery is settled"),
        Ok(false) => {
            tracing::info!(delivery_id = %id, %agent, "a delivery had been settled by others");
        }
        Err(error) => {
            tracing::error!(delivery_id = %id, %agent, %error, "a delivery could not be settled");
        }
    }
}
