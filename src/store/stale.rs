//! Deliveries that stand still: given up after a while, and armed again when somebody is there.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::queue::LANE_HELD_FOR;
use super::{Result, Store, readable};
use crate::model::DeliveryId;
use crate::model::delivery::STALE_ERROR;

impl Store {
    /// Fails what has made no progress for `older_than`, with the word that existing dashboards
    /// expect. `picked_up_at` stays: it tells [`Store::rearm_stale`] what may have run. What waits
    /// while others are worked on waits for its turn, and is not stale.
    pub async fn fail_stale(&self, older_than: Duration) -> Result<Vec<DeliveryId>> {
        let ids: Vec<Uuid> = sqlx::query_scalar(
            "UPDATE chat_delivery_queue
             SET status = 'failed', completed_at = now(),
                 result = CASE WHEN jsonb_typeof(result) = 'object' THEN result ELSE '{}' END
                          || jsonb_build_object('error', $3::text)
             WHERE project_id = $1 AND status IN ('queued', 'delivered', 'claimed')
               AND greatest(created_at, picked_up_at) < now() - make_interval(secs => $2)
               AND (status <> 'queued' OR NOT EXISTS (
                   SELECT FROM chat_delivery_queue o
                   WHERE o.project_id = $1
                     AND (o.picked_up_at > now() - make_interval(secs => $2)
                          OR o.picked_up_at IS NOT NULL
                             AND o.completed_at > now() - make_interval(secs => $2)
                          OR o.status IN ('delivered', 'claimed')
                             AND o.picked_up_at > now() - make_interval(secs => $4)))
                   AND NOT EXISTS (
                   SELECT FROM bridge.executor_turn t
                   WHERE t.project_id = $1 AND t.state = 'running'
                     AND t.started_at > now() - make_interval(secs => $4)))
             RETURNING id",
        )
        .bind(self.project.as_str())
        .bind(older_than.as_secs_f64())
        .bind(STALE_ERROR)
        .bind(LANE_HELD_FOR.as_secs_f64())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids.into_iter().map(DeliveryId).collect())
    }

    /// Puts back what went stale before anybody took it, and returns how many rows. Each row once:
    /// `result.rearmed` remembers it, and only Retry clears that. What waits beside them is dated anew
    /// as well, so that everybody takes the messages in the order in which they were written; the
    /// microseconds keep it.
    pub async fn rearm_stale(&self) -> Result<u64> {
        let armed: i64 = sqlx::query_scalar(
            "WITH stale AS (
                 SELECT q.id, q.status = 'failed' AS failed,
                        row_number() OVER (ORDER BY m.created_at, q.created_at, q.id) AS position
                 FROM chat_delivery_queue q JOIN project_chat_messages m ON m.id = q.message_id
                 WHERE q.project_id = $1
                   AND (q.status = 'queued'
                        OR q.status = 'failed' AND q.picked_up_at IS NULL
                           AND q.result ->> 'error' = $2 AND NOT q.result ? 'rearmed')
             ), armed AS (
                 UPDATE chat_delivery_queue AS q
                 SET status = 'queued', completed_at = NULL,
                     result = CASE WHEN stale.failed THEN '{\"rearmed\": true}' ELSE q.result END,
                     created_at = now() + stale.position * interval '1 microsecond'
                 FROM stale
                 WHERE q.id = stale.id AND q.status IN ('queued', 'failed')
                   AND EXISTS (SELECT FROM stale WHERE failed)
                 RETURNING stale.failed
             )
             SELECT count(*) FILTER (WHERE failed) FROM armed",
        )
        .bind(self.project.as_str())
        .bind(STALE_ERROR)
        .fetch_one(&self.pool)
        .await?;
        Ok(u64::try_from(armed).unwrap_or(0))
    }

    /// How many deliveries [`Store::rearm_stale`] would put back, and since when the oldest waits.
    pub(super) async fn promised(&self) -> Result<(i64, Option<DateTime<Utc>>)> {
        let promised = sqlx::query_as(concat!(
            "SELECT count, ",
            readable!("oldest"),
            " FROM (SELECT count(*) AS count, min(created_at) AS oldest FROM chat_delivery_queue
                    WHERE project_id = $1 AND status = 'failed' AND picked_up_at IS NULL
                      AND result ->> 'error' = $2 AND NOT result ? 'rearmed') AS promised"
        ))
        .bind(self.project.as_str())
        .bind(STALE_ERROR)
        .fetch_one(&self.pool)
        .await?;
        Ok(promised)
    }

    /// Whether a delivery was given up: who would begin it now would surprise whoever was told so.
    pub async fn is_given_up(&self, turn: &super::turn::TurnKey) -> Result<bool> {
        let given_up = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM chat_delivery_queue WHERE message_id = $1 \
                            AND target_agent_key = $2 AND project_id = $3 AND status = 'failed')",
        )
        .bind(turn.0.0)
        .bind(turn.1.as_str())
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok(given_up)
    }

    /// Whether an executor of ours is still working on a delivery, whatever its row says.
    pub async fn is_running(&self, delivery: DeliveryId) -> Result<bool> {
        let running = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM bridge.executor_turn t \
                            JOIN chat_delivery_queue q USING (message_id, target_agent_key) \
                            WHERE q.id = $1 AND q.project_id = $2 AND t.state = 'running' \
                              AND t.started_at > now() - make_interval(secs => $3))",
        )
        .bind(delivery.0)
        .bind(self.project.as_str())
        .bind(LANE_HELD_FOR.as_secs_f64())
        .fetch_one(&self.pool)
        .await?;
        Ok(running)
    }
}
