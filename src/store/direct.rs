//! What the direct path asks: whether a reply has come, in time or late.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Result, Store};
use crate::model::MessageId;
use crate::model::delivery::{Claimed, PERHAPS, STALE_ERROR};

/// SQL for the reply to a delivery `q` of a message `m`: said by its agent, in the same thread, after
/// it was picked up. Our executor links a reply to its question; others link it to nothing (source:
/// `ClawdOS`), so one that follows a later pick-up, or belongs to another delivery, is none.
macro_rules! reply {
    () => {
        "SELECT r.id FROM project_chat_messages r
         WHERE r.project_id = q.project_id AND r.thread_id IS NOT DISTINCT FROM m.thread_id
           AND r.author = q.target_agent_key AND r.created_at >= q.picked_up_at
           AND CASE WHEN r.metadata ? 'reply_to' THEN r.metadata ->> 'reply_to' = m.id::text
                    ELSE NOT EXISTS (
                        SELECT FROM chat_delivery_queue o
                        JOIN project_chat_messages k ON k.id = o.message_id
                        WHERE o.project_id = q.project_id AND o.id <> q.id
                          AND o.target_agent_key = q.target_agent_key
                          AND k.thread_id IS NOT DISTINCT FROM m.thread_id
                          AND (o.result ->> 'reply_message_id' = r.id::text
                               OR o.picked_up_at > q.picked_up_at
                                  AND o.picked_up_at <= r.created_at))
               END
         ORDER BY r.created_at, r.id LIMIT 1"
    };
}

impl Store {
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

    /// The agent's reply to a claimed message, if there is one.
    pub async fn reply_to(&self, claimed: &Claimed) -> Result<Option<MessageId>> {
        let reply: Option<Option<Uuid>> = sqlx::query_scalar(concat!(
            "SELECT (",
            reply!(),
            ") FROM chat_delivery_queue q
             JOIN project_chat_messages m ON m.id = q.message_id WHERE q.id = $1"
        ))
        .bind(claimed.id.0)
        .fetch_optional(self.pool())
        .await?;
        Ok(reply.flatten().map(MessageId))
    }

    /// A reply is the truth, also when it arrives after its delivery has failed, or when whoever had
    /// that in hand is gone: gives such deliveries their end. Without a link that is believed only of
    /// deliveries whose outcome nobody knew, for a quarter of an hour, and of what was claimed before
    /// `since`, when this process began. Returns how many.
    pub async fn repair_answered(&self, since: DateTime<Utc>) -> Result<u64> {
        let done = sqlx::query(concat!(
            "WITH late AS (
                 SELECT q.id, m.id AS message_id, q.status, q.picked_up_at,
                        q.result ->> 'error' AS error, (",
            reply!(),
            ") AS reply
                 FROM chat_delivery_queue q JOIN project_chat_messages m ON m.id = q.message_id
                 WHERE q.project_id = $1 AND q.status IN ('failed', 'delivered', 'claimed')
                   AND q.picked_up_at > now() - interval '1 day'
             )
             UPDATE chat_delivery_queue q
             SET status = 'processed', completed_at = now(),
                 result = jsonb_build_object('ok', true, 'reply_message_id', r.id)
             FROM late JOIN project_chat_messages r ON r.id = late.reply
             WHERE q.id = late.id AND q.status = late.status AND q.picked_up_at = late.picked_up_at
               AND (r.metadata ->> 'reply_to' = late.message_id::text
                    OR late.status <> 'failed' AND late.picked_up_at < $4
                    OR late.status = 'failed' AND (late.error = $2 OR late.error LIKE '%' || $3)
                       AND r.created_at < late.picked_up_at + interval '15 minutes')"
        ))
        .bind(self.project().as_str())
        .bind(STALE_ERROR)
        .bind(PERHAPS)
        .bind(since)
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected())
    }
}
