//! Claims of rows of the queue. A row is claimed and read in one transaction: a claim that nobody
//! hears of is none. Only the answer to its COMMIT can be lost, and then the rows are asked.

use chrono::{DateTime, Utc};
use sqlx::{Postgres, Transaction};
use uuid::Uuid;

use super::LANE_HELD_FOR;
use crate::model::delivery::{Claimed, in_reply};
use crate::model::{AgentKey, DeliveryId, MessageId, ThreadId};
use crate::store::{Result, Store};

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
        let mut tx = self.begin_claim().await?;
        let ids: Vec<Uuid> = sqlx::query_scalar(CLAIM_BATCH)
            .bind(self.project.as_str())
            .bind(limit)
            .bind(filter.agents)
            .bind(busy)
            .bind(LANE_HELD_FOR.as_secs_f64())
            .fetch_all(&mut *tx)
            .await?;
        self.conclude(tx, &ids).await
    }

    /// Claims one queued row; `None` when somebody else has it.
    pub async fn claim_one(&self, id: DeliveryId) -> Result<Option<Claimed>> {
        let mut tx = self.begin_claim().await?;
        let id: Option<Uuid> = sqlx::query_scalar(
            "UPDATE chat_delivery_queue SET status = 'delivered', picked_up_at = statement_timestamp()
             WHERE id = $1 AND project_id = $2 AND status = 'queued' RETURNING id",
        )
        .bind(id.0)
        .bind(self.project.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        Ok(self.conclude(tx, id.as_slice()).await?.pop())
    }

    /// What was claimed, read in a statement of its own: an edit that was committed while the row was
    /// being claimed still counts. Then the end of the claim.
    async fn conclude(
        &self,
        mut tx: Transaction<'_, Postgres>,
        ids: &[Uuid],
    ) -> Result<Vec<Claimed>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<ClaimedRow> = sqlx::query_as(CLAIMED)
            .bind(self.project.as_str())
            .bind(ids)
            .fetch_all(&mut *tx)
            .await?;
        let mut claimed = Vec::with_capacity(rows.len());
        for row in rows {
            let (id, since) = (DeliveryId(row.id), row.picked_up_at);
            match read_claim(row) {
                Ok(one) => claimed.push(one),
                // A row that cannot be worked on fails at once, so that the operator sees why.
                Err(why) => {
                    self.failure(id, since, &why).execute(&mut *tx).await?;
                }
            }
        }
        match tx.commit().await {
            Ok(()) => Ok(claimed),
            Err(lost) => self.ours(claimed, lost).await,
        }
    }

    /// Which of these were claimed, when nobody told how the COMMIT ended. Until that is known the
    /// caller claims nothing else, and whoever else does is held off by the rows.
    async fn ours(&self, mut claimed: Vec<Claimed>, lost: sqlx::Error) -> Result<Vec<Claimed>> {
        let Some(since) = claimed.first().map(|one| one.picked_up_at) else {
            return Err(lost.into());
        };
        let ids: Vec<Uuid> = claimed.iter().map(|one| one.id.0).collect();
        let ours: Vec<Uuid> = self
            .until_told(&lost, || async {
                let asked = sqlx::query_scalar(OURS)
                    .bind(self.project.as_str())
                    .bind(&ids)
                    .bind(since);
                Ok(asked.fetch_all(&self.pool).await?)
            })
            .await?;
        if ours.is_empty() {
            return Err(lost.into());
        }
        claimed.retain(|one| ours.contains(&one.id.0));
        Ok(claimed)
    }
}

/// As it is worked on; else why nobody can.
fn read_claim(row: ClaimedRow) -> Result<Claimed, String> {
    let agent = row.target_agent_key.parse();
    let agent = agent.map_err(|error| format!("Nobody can receive this: {error}."))?;
    Ok(Claimed {
        id: DeliveryId(row.id),
        message_id: MessageId(row.message_id),
        agent,
        text: match row.replied_text {
            Some(quoted) => in_reply(row.replied_to.as_deref(), &quoted, &row.message),
            None => row.message,
        },
        picked_up_at: row.picked_up_at,
    })
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
UPDATE chat_delivery_queue AS q SET status = 'delivered', picked_up_at = statement_timestamp()
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

/// Each row is locked before it is looked at: a transaction that still goes on is waited for.
const OURS: &str = "
WITH asked AS MATERIALIZED (
    SELECT id, status, picked_up_at FROM chat_delivery_queue
    WHERE project_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE
)
SELECT id FROM asked WHERE status = 'delivered' AND picked_up_at = $3";
