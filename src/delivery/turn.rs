//! One delivery: handed to the executor, and what came of it written down.

use std::time::Duration;

use metrics::counter;

use super::fallback::{Call, Route, Way};
use crate::control::client::{ControlClient, DeliverOutcome};
use crate::model::delivery::{Claimed, PERHAPS};
use crate::store::{self, Store};
use crate::telemetry::DELIVERIES;

/// Wait between tries to write down what became of a delivery while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// What a turn works with.
pub(super) struct Turn {
    pub(super) store: Store,
    pub(super) control: ControlClient,
    pub(super) route: Route,
}

impl Turn {
    /// Runs one claimed delivery to its end, whatever that is. Whether the next may follow at once.
    pub(super) async fn run(&self, claimed: &Claimed) -> bool {
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
            self.written(claimed, || self.store.requeue(id, claimed.picked_up_at))
                .await;
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
            DeliverOutcome::Done => {
                let reply = self.store.reply_to(claimed).await?;
                self.store.complete(id, reply).await
            }
            DeliverOutcome::NotSent(_) => self.store.requeue(id, claimed.picked_up_at).await,
            DeliverOutcome::Refused(reason) | DeliverOutcome::Failed(reason) => {
                self.store.fail(id, claimed.picked_up_at, reason).await
            }
            DeliverOutcome::Unknown(reason) => self.settle_unknown(claimed, reason).await,
        }
    }

    /// Never sent again by itself: the reply row decides, and where there is none, a person.
    async fn settle_unknown(&self, claimed: &Claimed, reason: &str) -> store::Result<bool> {
        if let Some(reply) = self.store.reply_to(claimed).await? {
            return self.store.complete(claimed.id, Some(reply)).await;
        }
        let error = format!("{reason}. {PERHAPS}");
        self.store
            .fail(claimed.id, claimed.picked_up_at, &error)
            .await
    }
}
