//! Who is in the team: a delivery to somebody who has left it has failed.

use uuid::Uuid;

use super::{Result, Store};
use crate::model::delivery::GONE;
use crate::model::{AgentKey, DeliveryId};

/// SQL for the short id in a key, read as `AgentKey` reads it: after any number of `agent:`.
macro_rules! short {
    ($key:literal) => {
        concat!(
            "split_part(regexp_replace(btrim(",
            $key,
            "), '^(agent:)+', ''), ':', 1)"
        )
    };
}
pub(super) use short;

/// Why a delivery to an agent that is gone has failed, as a sentence.
pub fn departed(agent: &AgentKey) -> String {
    let mut letters = agent.short().chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect::<String>() + GONE
}

impl Store {
    /// Whether an agent is in the table of agents, whatever its branch.
    pub async fn is_in_team(&self, agent: &AgentKey) -> Result<bool> {
        let found = sqlx::query_scalar(concat!(
            "SELECT EXISTS (SELECT FROM agents WHERE project_id = $1 AND ",
            short!("agent_key"),
            " = $2)"
        ))
        .bind(self.project.as_str())
        .bind(agent.short())
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Fails what is queued for agents that are gone, with the sentence of [`departed`]. Nobody would
    /// ever take it.
    pub async fn fail_departed(&self) -> Result<Vec<DeliveryId>> {
        let ids: Vec<Uuid> = sqlx::query_scalar(concat!(
            "WITH gone AS (
                 SELECT q.id, left(",
            short!("q.target_agent_key"),
            ", 64) AS short
                 FROM chat_delivery_queue AS q
                 WHERE q.project_id = $1 AND q.status = 'queued' AND NOT EXISTS (
                     SELECT FROM agents WHERE project_id = $1 AND ",
            short!("agent_key"),
            " = ",
            short!("q.target_agent_key"),
            ")
             )
             UPDATE chat_delivery_queue AS q
             SET status = 'failed', completed_at = now(), result = jsonb_build_object(
                 'error', upper(left(gone.short, 1)) || substr(gone.short, 2) || $2::text)
             FROM gone WHERE q.id = gone.id AND q.status = 'queued'
             RETURNING q.id"
        ))
        .bind(self.project.as_str())
        .bind(GONE)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(DeliveryId).collect())
    }
}
