//! Deliveries: messages on their way to agents, directly when the Control API is there, queued
//! when it is not. The row is the mutex; nothing here holds a lock across the network.

mod cron;
mod desk;
mod docs;
pub mod fallback;
mod turn;

use std::time::Duration;

use metrics::counter;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

pub use self::desk::{Deliveries, Slot};
use crate::telemetry::DELIVERIES;

/// How often stale deliveries are looked for. A failed delivery is at most this much late.
const WATCHDOG_EVERY: Duration = Duration::from_secs(5);

/// How long turns may take, at the end, to say what became of them.
const LAST_WORDS: Duration = Duration::from_secs(6);

impl Deliveries {
    /// Fails what went stale, and re-arms the rest when the mode comes back to Live, until
    /// cancelled.
    pub async fn run(self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut mode = self.route().mode();
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
                        cancel.run_until_cancelled(self.rearm()).await;
                    }
                    was_live = live;
                }
                _ = watchdog.tick() => {
                    // A look can be left at any point; a database that is away would hold up the end.
                    cancel.run_until_cancelled(self.watchdog()).await;
                }
            }
        }
        // The executor ends its turns in time; what became of them is written down before the
        // database goes. What is not, the next start finds.
        self.finish(LAST_WORDS).await;
        Ok(())
    }

    /// One look for stale deliveries, for such whose turn has ended without us, and for replies that
    /// came after their delivery had failed.
    pub async fn watchdog(&self) {
        match self.store().repair_answered(self.began()).await {
            Ok(0) => {}
            Ok(count) => {
                counter!(DELIVERIES, "outcome" => "late").increment(count);
                tracing::info!(
                    count,
                    "{count} deliveries were answered after they had failed"
                );
            }
            Err(error) => tracing::warn!(%error, "cannot look for late replies: {error}"),
        }
        // Of an executor of ours, whose bridge was killed meanwhile.
        if let Err(error) = self.store().settle_deliveries().await {
            tracing::warn!(%error, "cannot look for turns that have ended: {error}");
        }
        match self.store().fail_stale(self.stale_after()).await {
            Ok(failed) => {
                for id in failed {
                    counter!(DELIVERIES, "outcome" => "stale").increment(1);
                    tracing::warn!(delivery_id = %id, "delivery {id} failed: no progress in time");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot look for stale deliveries"),
        }
        // Others write queue rows too; and what waits for a lane has nobody else to call it.
        self.pump();
    }

    /// The executor is back: what was promised is delivered now.
    async fn rearm(&self) {
        match self.store().rearm_stale().await {
            Ok(count) => {
                if count > 0 {
                    tracing::info!(count, "{count} deliveries re-armed: the executor is back");
                }
            }
            Err(error) => tracing::warn!(%error, "cannot re-arm deliveries"),
        }
        self.pump();
    }
}
