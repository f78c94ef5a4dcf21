//! Deliveries: messages on their way to agents, directly when the Control API is there, queued
//! when it is not. The row is the mutex; nothing here holds a lock across the network.

pub mod fallback;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use metrics::counter;
use tokio::sync::Semaphore;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::control::client::{ControlClient, DeliverOutcome};
use crate::model::AgentKey;
use crate::model::delivery::{Claimed, DeliveryStatus};
use crate::store::{self, Store};
use crate::telemetry::DELIVERIES;
use fallback::{Call, Route, Way};

/// How often stale deliveries are looked for. A failed delivery is at most this much late.
const WATCHDOG_EVERY: Duration = Duration::from_secs(5);

/// Wait between tries to write down what became of a delivery while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// How long turns may take, at the end, to say what became of them.
const LAST_WORDS: Duration = Duration::from_secs(6);

/// Turns that run directly at once; more wait in the queue.
const MOST_AT_ONCE: usize = 16;

/// The desk where deliveries are handed over.
#[derive(Clone)]
pub struct Deliveries {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    control: ControlClient,
    route: Route,
    /// Without progress for so long a delivery has failed.
    stale_after: Duration,
    /// Agents with a direct turn running: one at a time each, so that answers keep their order.
    busy: Mutex<HashSet<AgentKey>>,
    slots: Semaphore,
    turns: TaskTracker,
}

/// The right to run a direct turn with one agent.
pub struct Line {
    inner: Arc<Inner>,
    agent: AgentKey,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.inner.busy().remove(&self.agent);
    }
}

impl Inner {
    fn busy(&self) -> std::sync::MutexGuard<'_, HashSet<AgentKey>> {
        // A set of names is whole whatever happened to who held it.
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Deliveries {
    /// Deliveries through one Control API.
    pub fn new(store: Store, control: ControlClient, route: Route, stale_after: Duration) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                control,
                route,
                stale_after,
                busy: Mutex::default(),
                slots: Semaphore::new(MOST_AT_ONCE),
                turns: TaskTracker::new(),
            }),
        }
    }

    /// The right to deliver directly to an agent now; none when the message has to be queued.
    pub fn line(&self, agent: &AgentKey) -> Option<Line> {
        if !self.inner.route.is_direct() {
            return None;
        }
        self.inner.busy().insert(agent.clone()).then(|| Line {
            inner: Arc::clone(&self.inner),
            agent: agent.clone(),
        })
    }

    /// In which status a row is born: claimed by who holds the line, queued otherwise.
    pub fn birth(line: Option<&Line>) -> DeliveryStatus {
        if line.is_some() {
            DeliveryStatus::Delivered
        } else {
            DeliveryStatus::Queued
        }
    }

    /// Runs a claimed delivery and then whatever else is queued for that agent.
    pub fn run_line(&self, line: Line, first: Claimed) {
        self.inner.turns.spawn(async move {
            let mut next = Some(first);
            while let Some(claimed) = next {
                if !line.inner.turn(&claimed).await {
                    return;
                }
                next = line.inner.claim_next(&line.agent).await;
            }
        });
    }

    /// Delivers what is queued for an agent, if nobody does so already.
    pub fn pump(&self, agent: &AgentKey) {
        let Some(line) = self.line(agent) else {
            return;
        };
        let desk = self.clone();
        self.inner.turns.spawn(async move {
            if let Some(claimed) = line.inner.claim_next(&line.agent).await {
                desk.run_line(line, claimed);
            }
        });
    }

    /// Fails what went stale, and re-arms the rest when the mode comes back to Live, until
    /// cancelled.
    pub async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut mode = self.inner.route.mode();
        let mut was_live = false;
        // Not a sleep in the loop: every look at the executor would begin it anew.
        let mut watchdog = tokio::time::interval(WATCHDOG_EVERY);
        watchdog.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                changed = mode.changed() => {
                    if changed.is_err() {
                        // The mode's own part has ended, and with it soon the process.
                        cancel.cancelled().await;
                        break;
                    }
                    let live = mode.borrow_and_update().is_live();
                    if live && !was_live {
                        self.rearm().await;
                    }
                    was_live = live;
                }
                _ = watchdog.tick() => self.watchdog().await,
            }
        }
        // The executor ends its turns in time; what became of them is written down before the
        // database goes. What is not, the next start finds.
        self.inner.turns.close();
        let _ = tokio::time::timeout(LAST_WORDS, self.inner.turns.wait()).await;
        Ok(())
    }

    /// One look for stale deliveries.
    pub async fn watchdog(&self) {
        match self.inner.store.fail_stale(self.inner.stale_after).await {
            Ok(failed) => {
                for id in failed {
                    counter!(DELIVERIES, "outcome" => "stale").increment(1);
                    tracing::warn!(delivery_id = %id, "delivery {id} failed: no progress in time");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot look for stale deliveries"),
        }
    }

    /// The executor is back: what was promised is delivered now.
    async fn rearm(&self) {
        let agents = match self.inner.store.rearm_stale().await {
            Ok(count) => {
                if count > 0 {
                    tracing::info!(count, "{count} deliveries re-armed: the executor is back");
                }
                self.inner.store.agents().await
            }
            Err(error) => Err(error),
        };
        match agents {
            Ok(agents) => agents.iter().for_each(|agent| self.pump(&agent.key)),
            Err(error) => tracing::warn!(%error, "cannot re-arm deliveries"),
        }
    }
}

impl Inner {
    async fn claim_next(&self, agent: &AgentKey) -> Option<Claimed> {
        if !self.route.is_direct() {
            return None;
        }
        self.store.claim_for(agent).await.unwrap_or_else(|error| {
            tracing::warn!(%error, %agent, "cannot take the next delivery for {agent}");
            None
        })
    }

    /// One turn. Whether the next may follow.
    async fn turn(&self, claimed: &Claimed) -> bool {
        let Ok(_slot) = self.slots.acquire().await else {
            return false;
        };
        let id = claimed.id;
        let deliver = || async {
            let sent = self
                .control
                .deliver(claimed.message_id, &claimed.agent, &claimed.text);
            match sent.await {
                DeliverOutcome::NotSent(reason) => Call::NotSent(reason),
                taken => Call::Taken(taken),
            }
        };
        let settle = |outcome| async move {
            self.say(claimed, &outcome);
            self.written(claimed, || self.settle(claimed, &outcome))
                .await;
        };
        let requeue = |reason: String| async move {
            counter!(DELIVERIES, "outcome" => "queued").increment(1);
            tracing::info!(delivery_id = %id, %reason, "delivery {id} is queued: {reason}");
            self.written(claimed, || self.store.requeue(id)).await;
        };
        let way = self
            .route
            .execute_with_fallback(deliver, settle, requeue)
            .await;
        matches!(way, Way::Direct(()))
    }

    /// Logs and counts what an executor has made of a delivery.
    fn say(&self, claimed: &Claimed, outcome: &DeliverOutcome) {
        let id = claimed.id;
        let label = match outcome {
            DeliverOutcome::Done => "processed",
            DeliverOutcome::NotSent(_) => "queued",
            DeliverOutcome::Refused(reason) | DeliverOutcome::Failed(reason) => {
                tracing::warn!(delivery_id = %id, %reason, "delivery {id} failed: {reason}");
                "failed"
            }
            DeliverOutcome::Unknown(reason) => {
                tracing::warn!(delivery_id = %id, %reason, "delivery {id} may have been processed: {reason}");
                self.route.doubt();
                "unknown"
            }
        };
        counter!(DELIVERIES, "outcome" => label).increment(1);
    }

    /// Tries until it is written down, or never can be.
    async fn written<F>(&self, claimed: &Claimed, write: impl Fn() -> F)
    where
        F: Future<Output = store::Result<bool>>,
    {
        let id = claimed.id;
        while let Err(error) = write().await {
            tracing::error!(delivery_id = %id, %error, "what became of delivery {id} is not written down yet: {error}");
            if !error.is_outage() {
                break;
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn settle(&self, claimed: &Claimed, outcome: &DeliverOutcome) -> store::Result<bool> {
        let id = claimed.id;
        match outcome {
            DeliverOutcome::Done => self.store.complete(id, None).await,
            DeliverOutcome::NotSent(_) => self.store.requeue(id).await,
            DeliverOutcome::Refused(reason) | DeliverOutcome::Failed(reason) => {
                self.store.fail(id, reason).await
            }
            DeliverOutcome::Unknown(reason) => self.settle_unknown(claimed, reason).await,
        }
    }

    /// Never sent again by itself: the reply row decides, and where there is none, a person.
    async fn settle_unknown(&self, claimed: &Claimed, reason: &str) -> store::Result<bool> {
        if let Some(reply) = self.store.reply_to(claimed).await? {
            return self.store.complete(claimed.id, Some(reply)).await;
        }
        let error = format!("{reason} It may have been processed.");
        self.store.fail(claimed.id, &error).await
    }
}
