//! What the direct path asks: the next message for an agent, and whether a reply has come.

use uuid::Uuid;

use super::queue::ClaimFilter;
use super::{Result, Store};
use crate::model::delivery::Claimed;
use crate::model::{AgentKey, MessageId};

impl Store {
    /// Claims the oldest queued message for one agent, if none of its turns is running.
    pub async fn claim_for(&self, agent: &AgentKey) -> Result<Option<Claimed>> {
        let filter = ClaimFilter {
            agents: &[agent.short().to_owned()],
            busy: &[],
        };
        Ok(self.claim_batch(1, filter).await?.pop())
    }

    /// Puts back what a bridge and its built-in executor had claimed when they died, and had not
    /// begun: without a turn nothing ran. Only for who starts that executor. Returns how many.
    pub async fn requeue_unbegun(&self) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE chat_delivery_queue q SET status = 'queued', picked_up_at = NULL \
             WHERE q.project_id = $1 AND q.status = 'delivered' \
               AND NOT EXISTS (SELECT FROM bridge.executor_turn t \
                 WHERE t.message_id = q.message_id AND t.target_agent_key = q.target_agent_key)",
        )
        .bind(self.project().as_str())
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected())
    }

    /// The agent's reply to a claimed message: said in the same thread after it was picked up.
    /// Existing executors link a reply to nothing else (source: `ClawdOS`).
    pub async fn reply_to(&self, claimed: &Claimed) -> Result<Option<MessageId>> {
        let reply: Option<Uuid> = sqlx::query_scalar(
            "SELECT r.id FROM chat_delivery_queue q \
             JOIN project_chat_messages m ON m.id = q.message_id \
             JOIN project_chat_messages r ON r.project_id = q.project_id \
               AND r.thread_id IS NOT DISTINCT FROM m.thread_id \
               AND r.author = q.target_agent_key AND r.created_at >= q.picked_up_at \
             WHERE q.id = $1 ORDER BY r.created_at, r.id LIMIT 1",
        )
        .bind(claimed.id.0)
        .fetch_optional(self.pool())
        .await?;
        Ok(reply.map(MessageId))
    }
}
