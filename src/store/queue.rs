//! The delivery queue. The row is the mutex: every step is a conditional UPDATE, and whoever hits
//! the row has the step. `claimed` is a word that existing code queries and never writes; it counts
//! as `delivered`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::chat::storable;
use super::{Result, Store, StoreError, readable};
use crate::model::delivery::{Claimed, DeliveryStatus, in_reply};
use crate::model::{AgentKey, DeliveryId, MessageId, ThreadId};

/// A `delivered` row holds back the next one of its thread and agent for this long: far beyond an
/// agent's turn, so that a row that nobody will ever settle cannot block its thread for good.
pub(super) const LANE_HELD_FOR: Duration = Duration::from_mins(10);

/// The stream of messages of one thread to one agent, worked on in order.
pub type Lane = (Option<ThreadId>, AgentKey);

/// What a claimer can work on now.
#[derive(Debug, Clone, Default)]
pub struct ClaimFilter<'a> {
    /// Short ids of the agents it runs; absent: all of them.
    pub agents: Option<&'a [String]>,
    /// Lanes it is busy with already.
    pub busy: &'a [Lane],
}

impl ClaimFilter<'_> {
    /// Whatever waits.
    pub fn all() -> Self {
        Self::default()
    }
}

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

#[derive(sqlx::FromRow)]
struct ClaimedRow {
    id: Uuid,
    message_id: Uuid,
    target_agent_key: String,
    picked_up_at: DateTime<Utc>,
    message: String,
    /// Who wrote what the message replies to, and its beginning.
    replied_to: Option<String>,
    replied_text: Option<String>,
}

impl Store {
    /// Claims what can be worked on now, oldest first: at most `limit` rows, one per lane, none of
    /// a lane in which a row is worked on already, here or by another claimer.
    pub async fn claim_batch(&self, limit: i64, filter: ClaimFilter<'_>) -> Result<Vec<Claimed>> {
        let busy: Vec<String> = filter.busy.iter().map(lane_word).collect();
        let ids: Vec<Uuid> = sqlx::query_scalar(CLAIM_BATCH)
            .bind(self.project.as_str())
            .bind(limit)
            .bind(filter.agents)
            .bind(busy)
            .bind(LANE_HELD_FOR.as_secs_f64())
            .fetch_all(&self.pool)
            .await?;
        self.read_claims(&ids).await
    }

    /// Claims one queued row; `None` when somebody else has it.
    pub async fn claim_one(&self, id: DeliveryId) -> Result<Option<Claimed>> {
        let id: Option<Uuid> = sqlx::query_scalar(
            "UPDATE chat_delivery_queue SET status = 'delivered', picked_up_at = now()
             WHERE id = $1 AND project_id = $2 AND status = 'queued' RETURNING id",
        )
        .bind(id.0)
        .bind(self.project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(self.read_claims(id.as_slice()).await?.pop())
    }

    /// What was claimed, read in a statement of its own: an edit that was committed while the row was
    /// being claimed still counts.
    async fn read_claims(&self, ids: &[Uuid]) -> Result<Vec<Claimed>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<ClaimedRow> = sqlx::query_as(CLAIMED)
            .bind(self.project.as_str())
            .bind(ids)
            .fetch_all(&self.pool)
            .await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            claimed.extend(self.read_claim(row).await?);
        }
        Ok(claimed)
    }

    /// A row that cannot be worked on fails at once, so that the operator sees why.
    async fn read_claim(&self, row: ClaimedRow) -> Result<Option<Claimed>> {
        let id = DeliveryId(row.id);
        match row.target_agent_key.parse() {
            Ok(agent) => Ok(Some(Claimed {
                id,
                message_id: MessageId(row.message_id),
                agent,
                text: match row.replied_text {
                    Some(quoted) => in_reply(row.replied_to.as_deref(), &quoted, &row.message),
                    None => row.message,
                },
                picked_up_at: row.picked_up_at,
            })),
            Err(error) => {
                let reason = format!("Nobody can receive this: {error}.");
                self.fail(id, row.picked_up_at, &reason).await?;
                Ok(None)
            }
        }
    }

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
        self.one_row(
            sqlx::query(
                "UPDATE chat_delivery_queue
                 SET status = 'failed', completed_at = now(), result = $3
                 WHERE id = $1 AND project_id = $2 AND status IN ('delivered', 'claimed')
                   AND picked_up_at = $4",
            )
            .bind(id.0)
            .bind(self.project.as_str())
            .bind(json!({"error": storable(error)}))
            .bind(since),
        )
        .await
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

    async fn one_row(
        &self,
        query: sqlx::query::Query<'_, sqlx::Postgres, sqlx::postgres::PgArguments>,
    ) -> Result<bool> {
        Ok(query.execute(&self.pool).await?.rows_affected() == 1)
    }
}

/// A lane as [`CLAIM_BATCH`] spells it.
fn lane_word((thread, agent): &Lane) -> String {
    let thread = thread.map(|thread| thread.to_string()).unwrap_or_default();
    format!("{thread} {}", agent.short())
}

/// The short id is read as `AgentKey` reads it: after any number of `agent:`. A lane is a thread
/// and a short id; a row in work stands before every queued one in its lane, so that the lane is
/// taken while it lasts; so does a turn that runs although its delivery was given up. Within a lane
/// the order is that of writing, whatever became of a message before.
const CLAIM_BATCH: &str = "
WITH live AS (
    SELECT q.id, q.status, m.created_at, m.thread_id,
           split_part(regexp_replace(btrim(q.target_agent_key), '^(agent:)+', ''), ':', 1) AS short
    FROM chat_delivery_queue AS q JOIN project_chat_messages AS m ON m.id = q.message_id
    WHERE q.project_id = $1
      AND (q.status = 'queued'
           OR (q.status IN ('delivered', 'claimed')
               AND q.picked_up_at > now() - make_interval(secs => $5)))
    UNION ALL
    SELECT q.id, 'running', m.created_at, m.thread_id, split_part(t.target_agent_key, ':', 2)
    FROM bridge.executor_turn AS t
    JOIN chat_delivery_queue AS q USING (message_id, target_agent_key)
    JOIN project_chat_messages AS m ON m.id = q.message_id
    WHERE t.project_id = $1 AND t.state = 'running' AND q.status = 'failed'
      AND t.started_at > now() - make_interval(secs => $5)
), placed AS (
    SELECT id, status, thread_id, short, row_number() OVER (
        PARTITION BY thread_id, short ORDER BY status = 'queued', created_at, id) AS position
    FROM live
), picked AS (
    SELECT q.id
    FROM chat_delivery_queue AS q JOIN placed USING (id)
    WHERE placed.position = 1 AND q.status = 'queued' AND ($3::text[] IS NULL OR placed.short = ANY ($3))
      AND NOT coalesce(placed.thread_id::text, '') || ' ' || placed.short = ANY ($4)
    ORDER BY q.created_at, q.id
    LIMIT $2
    FOR UPDATE OF q SKIP LOCKED
)
UPDATE chat_delivery_queue AS q SET status = 'delivered', picked_up_at = now()
FROM picked WHERE q.id = picked.id
RETURNING q.id";

/// With the message that each replies to.
const CLAIMED: &str = "
SELECT q.id, q.message_id, q.target_agent_key, q.picked_up_at, m.message,
       coalesce(a.name, o.metadata ->> 'author_name', o.author) AS replied_to,
       left(o.message, 1000) AS replied_text
FROM chat_delivery_queue AS q JOIN project_chat_messages AS m ON m.id = q.message_id
LEFT JOIN project_chat_messages AS o ON o.project_id = $1 AND o.id = CASE
    WHEN m.metadata ->> 'reply_to' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    THEN (m.metadata ->> 'reply_to')::uuid END
LEFT JOIN agents AS a ON a.project_id = $1 AND a.agent_key = o.author
WHERE q.project_id = $1 AND q.id = ANY ($2) AND q.status = 'delivered'
ORDER BY q.created_at, q.id";
