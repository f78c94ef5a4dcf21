//! What an agent is told besides the message: looked up anew for each turn. A turn never waits long for it, and goes on
//! without it.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::turns::Turns;
use crate::model::AgentKey;
use crate::model::context::assemble;

/// How long the database may take. Somebody waits for the agent.
const PATIENCE: Duration = Duration::from_secs(2);

impl Turns {
    /// The context pack of an agent, perhaps about a task; none where it cannot be had.
    pub(super) async fn context(&self, agent: &AgentKey, task: Option<Uuid>) -> Option<String> {
        let begun = Instant::now();
        let looking = tokio::time::timeout(PATIENCE, self.store().known(agent, task));
        let pack = match looking.await {
            Ok(Ok(known)) => assemble(&known).markdown(),
            Ok(Err(error)) => {
                tracing::warn!(%agent, %error, "a turn begins without its context: {error}");
                return None;
            }
            Err(_) => {
                tracing::warn!(%agent, "a turn begins without its context: the database is slow");
                return None;
            }
        };
        tracing::debug!(
            %agent, bytes = pack.len(), took_ms = begun.elapsed().as_millis(),
            "the context of a turn was built"
        );
        Some(pack)
    }
}
