//! Asking how the system is.

use std::time::Duration;

use super::Desk;
use crate::model::mode::Mode;
use crate::model::status::{Facts, Vitals};

/// How long the database may take: the person is answered within 3 s (source: Discord) whatever
/// happens to it.
const PATIENCE: Duration = Duration::from_millis(1_500);

/// The time between two tries: after an outage each connection has to be found dead once.
const PAUSE: Duration = Duration::from_millis(50);

/// What the database knows of the state of the system; none where it cannot be asked now.
pub async fn facts(desk: &Desk, vitals: &Vitals) -> Option<Facts> {
    if vitals.mode.mode == Some(Mode::Offline) {
        return None;
    }
    let asking = async {
        loop {
            match desk.store.facts().await {
                Ok(facts) => break Some(facts),
                Err(error) if error.is_outage() => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::error!(%error, "the state of the system cannot be read: {error}");
                    break None;
                }
            }
        }
    };
    tokio::time::timeout(PATIENCE, asking).await.ok().flatten()
}
