//! Writes down what the workers report, many at a time.

use std::time::Duration;

use tokio::sync::mpsc;

use super::apply::{Report, settled};
use crate::model::view::Entity;
use crate::store::Store;

/// Most reports written in one statement.
const BATCH: usize = 500;

/// Wait between tries while the database is away. Nothing is lost meanwhile: what is not written
/// down is found by reading back.
const RETRY: Duration = Duration::from_millis(500);

/// Writes until every worker is gone; tells `done` which rows have one action less to wait for.
pub async fn keep(
    store: Store,
    mut reports: mpsc::UnboundedReceiver<Report>,
    done: mpsc::UnboundedSender<Entity>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    while reports.recv_many(&mut batch, BATCH).await > 0 {
        let entities: Vec<Entity> = batch.iter().map(|report| report.key.entity).collect();
        let results: Vec<_> = batch.drain(..).filter_map(settled).collect();
        while let Err(error) = store.settle_views(&results).await {
            tracing::warn!(%error, "cannot write to the ledger: {error}");
            if reports.is_closed() || !error.is_outage() {
                break;
            }
            tokio::time::sleep(RETRY).await;
        }
        for entity in entities {
            // Nobody waits for it only while the process ends.
            let _ = done.send(entity);
        }
    }
}
