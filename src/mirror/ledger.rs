//! Writes down what the workers report, many at a time.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;

use super::apply::{Report, settled};
use crate::model::DiscordMessageId;
use crate::model::view::Entity;
use crate::store::Store;
use crate::store::ledger::{Settled, SettledAs};

/// Most reports written in one statement.
const BATCH: usize = 500;

/// Wait between tries while the database is away. Nothing is lost meanwhile: what is not written
/// down is found by reading back.
const RETRY: Duration = Duration::from_millis(500);

/// Messages that are sent and that the ledger does not know yet: whoever reads a channel back must
/// not take them for something else.
#[derive(Debug, Clone, Default)]
pub struct Unwritten(Arc<Mutex<HashSet<DiscordMessageId>>>);

impl Unwritten {
    /// The message of a result, if it has one, is about to be reported.
    pub fn add(&self, result: Option<&SettledAs>) {
        self.ids().extend(result.and_then(message));
    }

    /// All of them now.
    pub fn all(&self) -> HashSet<DiscordMessageId> {
        self.ids().clone()
    }

    fn remove(&self, written: &[Settled]) {
        let mut ids = self.ids();
        for id in written.iter().filter_map(|one| message(&one.result)) {
            ids.remove(&id);
        }
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<DiscordMessageId>> {
        // A set of ids is whole whatever happened to who held it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn message(result: &SettledAs) -> Option<DiscordMessageId> {
    match result {
        SettledAs::Sent { message, .. } => Some(*message),
        _ => None,
    }
}

/// An action that is over.
#[derive(Debug, Clone, Copy)]
pub struct Done {
    /// The row.
    pub entity: Entity,
    /// Whether the row has to be looked at again.
    pub again: bool,
    /// Whether rows may stand nowhere, or elsewhere than the ledger says.
    pub unsure: bool,
}

/// Writes until every worker is gone; tells `done` which rows have one action less to wait for.
pub async fn keep(
    store: Store,
    mut reports: mpsc::UnboundedReceiver<Report>,
    unwritten: Unwritten,
    done: mpsc::UnboundedSender<Done>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while reports.recv_many(&mut batch, BATCH).await > 0 {
        let mut over: Vec<Done> = batch
            .iter()
            .map(|report| Done {
                entity: report.key.entity,
                again: matches!(report.settled, Some(SettledAs::Missing)),
                // What it had not shown yet stands nowhere.
                unsure: matches!(report.settled, Some(SettledAs::Gone { .. })),
            })
            .collect();
        let results: Vec<_> = batch.drain(..).filter_map(settled).collect();
        if !write(&store, &reports, &results).await {
            // One result that cannot be written must not take the others with it.
            for one in &results {
                if !write(&store, &reports, std::slice::from_ref(one)).await {
                    let entity = one.key.entity;
                    let its = over.iter_mut().filter(|done| done.entity == entity);
                    its.for_each(|done| done.unsure = true);
                }
            }
        }
        unwritten.remove(&results);
        for one in over {
            // Nobody waits for it only while the process ends.
            let _ = done.send(one);
        }
    }
}

/// Whether it is written. Waits while the database is away, unless the process ends.
async fn write(
    store: &Store,
    reports: &mpsc::UnboundedReceiver<Report>,
    results: &[Settled],
) -> bool {
    while let Err(error) = store.settle_views(results).await {
        tracing::warn!(%error, "cannot write to the ledger: {error}");
        if reports.is_closed() || !error.is_outage() {
            return false;
        }
        tokio::time::sleep(RETRY).await;
    }
    true
}
