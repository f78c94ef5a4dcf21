//! Keeps known who may decide: what the database says beside the configuration.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::model::operators::Roll;
use crate::store::{Result, Store};

/// The time between two looks: as often as the sweep looks for what it has not heard of. Another process may have
/// written.
const PAUSE: Duration = Duration::from_secs(30);

/// Looks who was chosen for the project of `store`. While the database is away the last known counts.
pub async fn refresh(roll: &Roll, store: &Store) -> Result<()> {
    let look = roll.look();
    let chosen = store.chosen_operators().await?;
    roll.learn(look, &chosen);
    Ok(())
}

/// Looks again and again until cancelled.
pub async fn follow(roll: Roll, store: Store, cancel: CancellationToken) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
        let looked = cancel.run_until_cancelled(refresh(&roll, &store)).await;
        if let Some(Err(error)) = looked {
            tracing::warn!(%error, "who was chosen as an operator cannot be read: {error}");
        }
    }
}
