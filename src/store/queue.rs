//! The delivery queue. The row is the mutex: every step is a conditional UPDATE, and whoever hits
//! the row has the step. `claimed` is a word that existing code queries and never writes; it counts
//! as `delivered`.

mod claim;

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::Postgres;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use uuid::Uuid;

use super::chat::storable;
use super::{Result, Store, StoreError, readable};
use crate::model::delivery::DeliveryStatus;
use crate::model::{AgentKey, DeliveryId, MessageId};

pub use claim::{ClaimFilter, Lane};

/// A `delivered` row holds back the next one of its thread and agent for this long: far beyond an
/// agent's turn, so that a row that nobody will ever settle cannot block its thread for good.
pub(super) const LANE_HELD_FOR: Duration = Duration::from_mins(10);

/// How much waits in the queue.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct QueueDepth {
    /// Rows that wait for somebody to take them.
    pub queued: i64,
    /// Rows that somebody works on.
    pub delivered: i64,
    /// Since when the oldest waits.
    pub oldest_queued: Option<DateTime<Utc>>,
}

/// A row of the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The row.
    pub id: DeliveryId,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// Why it failed.
    pub error: Option<String>,
    /// Since when it waits; Retry sets it anew.
    pub created_at: DateTime<Utc>,
    /// When somebody took it.
    pub picked_up_at: Option<DateTime<Utc>>,
}

impl Store {
    /// The agent has answered. A failed row too becomes `processed`: a reply that arrives after the
    /// watchdog, or after a connection that broke, is the truth. False when there was nothing to do.
    pub async fn complete(&self, id: DeliveryId, reply: Option<MessageId>) -> Result<bool> {
        let result = match reply {
            Some(reply) => json!({"ok": true, "reply_message_id": reply}),
            None => json!({"ok": true}),
        };
        self.one_row(
            sqlx::query(
                "UPDATE chat_delivery_queue
                 SET status = 'processed', completed_at = now(), result = $3
                 WHERE id = $1 AND project_id = $2 AND status IN ('delivered', 'claimed', 'failed')",
            )
            .bind(id.0)
            .bind(self.project.as_str())
            .bind(result),
        )
        .await
    }

    /// It did not work; `error` is read by people. False when the row was no longer in work, or in
    /// that of somebody who took it at another time than `since`.
    pub async fn fail(&self, id: DeliveryId, since: DateTime<Utc>, error: &str) -> Result<bool> {
        self.one_row(self.failure(id, since, error)).await
    }

    fn failure(
        &self,
        id: DeliveryId,
        since: DateTime<Utc>,
        error: &str,
    ) -> Query<'_, Postgres, PgArguments> {
        sqlx::query(
            "UPDATE chat_delivery_queue
             SET status = 'failed', completed_at = now(), result = $3
             WHERE id = $1 AND project_id = $2 AND status IN ('delivered', 'claimed')
               AND picked_up_at = $4",
        )
        .bind(id.0)
        .bind(self.project.as_str())
        .bind(json!({"error": storable(error)}))
        .bind(since)
    }

    /// Puts a claimed row back: only for what was provably not sent, and only for who took it then.
    pub async fn requeue(&self, id: DeliveryId, since: DateTime<Utc>) -> Result<bool> {
        self.one_row(
            sqlx::query(
                "UPDATE chat_delivery_queue SET status = 'queued', picked_up_at = NULL
                 WHERE id = $1 AND project_id = $2 AND status IN ('delivered', 'claimed')
                   AND picked_up_at = $3",
            )
            .bind(id.0)
            .bind(self.project.as_str())
            .bind(since),
        )
        .await
    }

    /// Puts back what was born claimed with its message and never handed over: only for who claimed
    /// it and knows that. Nothing else is claimed in the very transaction that makes the row.
    pub async fn release_newborn(&self, message: MessageId) -> Result<()> {
        sqlx::query(
            "UPDATE chat_delivery_queue SET status = 'queued', picked_up_at = NULL
             WHERE message_id = $1 AND project_id = $2 AND status = 'delivered'
               AND picked_up_at = created_at",
        )
        .bind(message.0)
        .bind(self.project.as_str())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Somebody wants a failed delivery tried again. Everything starts anew, `created_at` included:
    /// `ClawdOS`' own watchdog would fail the row at once by its age.
    pub async fn retry(&self, id: DeliveryId) -> Result<bool> {
        self.one_row(
            sqlx::query(
                "UPDATE chat_delivery_queue
                 SET status = 'queued', created_at = now(), picked_up_at = NULL,
                     completed_at = NULL, result = NULL
                 WHERE id = $1 AND project_id = $2 AND status = 'failed'",
            )
            .bind(id.0)
            .bind(self.project.as_str()),
        )
        .await
    }

    /// How much waits.
    pub async fn queue_depth(&self) -> Result<QueueDepth> {
        let depth = sqlx::query_as(concat!(
            "SELECT queued, delivered, ",
            readable!("oldest"),
            " AS oldest_queued
             FROM (
                 SELECT count(*) FILTER (WHERE status = 'queued') AS queued,
                        count(*) FILTER (WHERE status <> 'queued') AS delivered,
                        min(created_at) FILTER (WHERE status = 'queued') AS oldest
                 FROM chat_delivery_queue
                 WHERE project_id = $1 AND status IN ('queued', 'delivered', 'claimed')
             ) AS depth"
        ))
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok(depth)
    }

    /// The delivery of one message to one agent.
    pub async fn delivery(&self, message: MessageId, agent: &AgentKey) -> Result<Option<Delivery>> {
        type Row = (
            Uuid,
            String,
            Option<String>,
            DateTime<Utc>,
            Option<DateTime<Utc>>,
        );
        let row: Option<Row> = sqlx::query_as(concat!(
            "SELECT id, status, result ->> 'error', ",
            readable!("created_at"),
            ", ",
            readable!("picked_up_at"),
            " FROM chat_delivery_queue
             WHERE project_id = $1 AND message_id = $2 AND target_agent_key = $3"
        ))
        .bind(self.project.as_str())
        .bind(message.0)
        .bind(agent.as_str())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|(id, status, error, created_at, picked_up_at)| {
            let status = status
                .parse()
                .map_err(|error| StoreError::bad_row("chat_delivery_queue", id, error))?;
            Ok(Delivery {
                id: DeliveryId(id),
                status,
                error,
                created_at,
                picked_up_at,
            })
        })
        .transpose()
    }

    async fn one_row(&self, query: Query<'_, Postgres, PgArguments>) -> Result<bool> {
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }
}
