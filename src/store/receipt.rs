//! What receipts are made of: deliveries, where their messages stand in Discord, and which marks are
//! there.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::look::{ServerStart, Sight};
use super::{Result, Store, StoreError, readable};
use crate::model::delivery::STALE_ERROR;
use crate::model::receipt::{Marks, Progress};
use crate::model::view::{EntityKind, Surface};
use crate::model::{ChannelId, DeliveryId, DiscordMessageId, MessageId, UserId};

/// A message with its deliveries and the places where it is shown.
#[derive(Debug)]
pub struct Receipt {
    /// The message.
    pub message: MessageId,
    /// The account that wrote it, where that is known.
    pub author: Option<UserId>,
    /// All of its deliveries.
    pub deliveries: Vec<Progress>,
    /// Where it stands.
    pub homes: Vec<Home>,
}

/// A Discord message that shows the beginning of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home {
    /// Where.
    pub surface: Surface,
    /// The channel.
    pub channel: ChannelId,
    /// The Discord message.
    pub message: DiscordMessageId,
    /// Marks of ours that may be on it.
    pub marks: Marks,
    /// The deliveries that those show, each with its version.
    pub shown: Vec<String>,
}

/// A mark that is about to be set, or is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The row of the message.
    pub entity: Uuid,
    /// The channel.
    pub channel: ChannelId,
    /// The Discord message.
    pub message: DiscordMessageId,
    /// The marks.
    pub marks: Marks,
    /// The deliveries that they show, each with its version.
    pub shown: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct DeliveryRow {
    snapshot: String,
    server: i64,
    id: Option<Uuid>,
    message_id: Option<Uuid>,
    version: Option<String>,
    target_agent_key: Option<String>,
    status: Option<String>,
    error: Option<String>,
    picked_up: Option<bool>,
    rearmed: Option<bool>,
    ended_at: Option<DateTime<Utc>>,
    author: Option<String>,
    first: Option<bool>,
}

impl DeliveryRow {
    fn progress(&mut self) -> Option<Progress> {
        let status = self.status.take()?;
        // A status that nobody is known to write has no receipt.
        Some(Progress {
            id: DeliveryId(self.id?),
            version: self.version.take()?,
            agent: self.target_agent_key.take()?.parse().ok(),
            status: status.parse().ok()?,
            error: self.error.take(),
            picked_up: self.picked_up?,
            rearmed: self.rearmed?,
            ended_at: self.ended_at,
            first: self.first?,
        })
    }
}

type HomeRow = (
    String,
    String,
    i64,
    i64,
    Option<String>,
    Option<Vec<String>>,
);

impl Store {
    /// The receipts of the messages that these queue rows deliver, and what the look could see.
    /// `since` is when the executor went away, while it is: from then on one delivery of each thread
    /// is the first that waits.
    pub async fn receipts(
        &self,
        ids: &[Uuid],
        since: Option<DateTime<Utc>>,
    ) -> Result<(Option<Sight>, Vec<Receipt>)> {
        let rows: Vec<DeliveryRow> = sqlx::query_as(DELIVERIES)
            .bind(self.project.as_str())
            .bind(ids)
            .bind(since)
            .fetch_all(&self.pool)
            .await?;
        let sight = rows.first().map(|row| Sight {
            snapshot: row.snapshot.parse().ok(),
            server: ServerStart::at(row.server),
        });
        let mut receipts: HashMap<Uuid, Receipt> = HashMap::new();
        for mut row in rows {
            let Some(message) = row.message_id else {
                continue;
            };
            let author = row.author.take().and_then(|id| id.parse().ok());
            let receipt = receipts.entry(message).or_insert_with(|| Receipt {
                message: MessageId(message),
                author,
                deliveries: Vec::new(),
                homes: Vec::new(),
            });
            let known = |new: &Progress| receipt.deliveries.iter().any(|it| it.id == new.id);
            if let Some(progress) = row.progress().filter(|it| !known(it)) {
                receipt.deliveries.push(progress);
            }
        }
        let messages: Vec<String> = receipts.keys().map(Uuid::to_string).collect();
        let homes: Vec<HomeRow> = sqlx::query_as(HOMES)
            .bind(self.project.as_str())
            .bind(messages)
            .fetch_all(&self.pool)
            .await?;
        for row in homes {
            let receipt = row.0.parse().ok().and_then(|id| receipts.get_mut(&id));
            if let Some(receipt) = receipt {
                receipt.homes.push(home(row)?);
            }
        }
        Ok((sight, receipts.into_values().collect()))
    }

    /// Writes down marks that are about to be set, for good before the first request. Gives back
    /// those that may be there then, in the same order.
    pub async fn begin_marks(&self, marks: &[Marked]) -> Result<Vec<Marks>> {
        let columns = Columns::of(marks);
        let rows: Vec<(Uuid, i64, String)> = sqlx::query_as(
            "INSERT INTO bridge.receipt AS r (project_id, entity_id, channel_id, message_id, marks)
             SELECT $1, n.* FROM unnest($2::uuid[], $3::int8[], $4::int8[], $5::text[]) AS n
             ON CONFLICT (project_id, entity_id, channel_id) DO UPDATE
             SET marks = CASE WHEN r.message_id = excluded.message_id
                              THEN r.marks || excluded.marks ELSE excluded.marks END,
                 message_id = excluded.message_id, shown = '{}', updated_at = now()
             RETURNING entity_id, channel_id, marks",
        )
        .bind(self.project.as_str())
        .bind(columns.entities)
        .bind(columns.channels)
        .bind(columns.messages)
        .bind(columns.marks)
        .fetch_all(&self.pool)
        .await?;
        let there: HashMap<(Uuid, i64), Marks> = rows
            .into_iter()
            .map(|(entity, channel, marks)| ((entity, channel), Marks::read(&marks)))
            .collect();
        let now = |one: &Marked| there.get(&(one.entity, one.channel.to_i64())).copied();
        let marks = marks.iter().map(|one| now(one).unwrap_or(one.marks));
        Ok(marks.collect())
    }

    /// Writes down which marks are there.
    pub async fn settle_marks(&self, marks: &[Marked]) -> Result<()> {
        let columns = Columns::of(marks);
        let shown: Vec<String> = marks.iter().map(|one| one.shown.join(" ")).collect();
        sqlx::query(
            "UPDATE bridge.receipt r
             SET marks = n.marks, shown = string_to_array(n.shown, ' '), updated_at = now()
             FROM unnest($2::uuid[], $3::int8[], $4::int8[], $5::text[], $6::text[])
                  AS n(entity_id, channel_id, message_id, marks, shown)
             WHERE r.project_id = $1 AND r.entity_id = n.entity_id AND r.channel_id = n.channel_id
               AND r.message_id = n.message_id",
        )
        .bind(self.project.as_str())
        .bind(columns.entities)
        .bind(columns.channels)
        .bind(columns.messages)
        .bind(columns.marks)
        .bind(shown)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Messages without a mark count as not looked at, as far back as `floor`: whoever set their marks may
    /// not have been let.
    pub async fn owe_marks(&self, floor: DateTime<Utc>) -> Result<()> {
        sqlx::query(
            "UPDATE bridge.receipt SET shown = '{}'
             WHERE project_id = $1 AND marks = '' AND shown <> '{}' AND updated_at > $2",
        )
        .bind(self.project.as_str())
        .bind(floor)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Deliveries whose receipts are not as they should be: another version is shown, or a reply is
    /// missing, or one that is there has lost its row. `live` says whether the executor is there.
    pub async fn sweep_deliveries(
        &self,
        places: &[String],
        floor: DateTime<Utc>,
        live: bool,
        limit: i64,
    ) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(SWEEP)
            .bind(self.project.as_str())
            .bind(places)
            .bind(floor)
            .bind(live)
            .bind(STALE_ERROR)
            .bind(limit)
            .bind(EntityKind::Delivery.as_str())
            .fetch_all(&self.pool)
            .await?;
        Ok(ids)
    }

    /// The account that wrote the message of a delivery, where that is known; the outer `None` when
    /// there is no such delivery.
    pub async fn asked_by(&self, delivery: DeliveryId) -> Result<Option<Option<UserId>>> {
        let author: Option<Option<String>> = sqlx::query_scalar(
            "SELECT m.metadata ->> 'discord_user_id' FROM chat_delivery_queue q
             JOIN project_chat_messages m ON m.id = q.message_id
             WHERE q.id = $1 AND q.project_id = $2",
        )
        .bind(delivery.0)
        .bind(self.project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(author.map(|author| author.and_then(|id| id.parse().ok())))
    }

    /// The deliveries of messages.
    pub async fn deliveries_of(&self, messages: &[Uuid]) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "SELECT id FROM chat_delivery_queue WHERE project_id = $1 AND message_id = ANY ($2)",
        )
        .bind(self.project.as_str())
        .bind(messages)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }

    /// Deliveries whose receipts depend on the mode, or are not over.
    pub async fn open_deliveries(&self, limit: i64) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "SELECT id FROM chat_delivery_queue
             WHERE project_id = $1
               AND (status IN ('queued', 'delivered', 'claimed')
                    OR status = 'failed' AND picked_up_at IS NULL AND result ->> 'error' = $2
                       AND created_at > now() - interval '14 days')
             ORDER BY created_at DESC LIMIT $3",
        )
        .bind(self.project.as_str())
        .bind(STALE_ERROR)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }
}

struct Columns {
    entities: Vec<Uuid>,
    channels: Vec<i64>,
    messages: Vec<i64>,
    marks: Vec<String>,
}

impl Columns {
    fn of(marks: &[Marked]) -> Self {
        Self {
            entities: marks.iter().map(|one| one.entity).collect(),
            channels: marks.iter().map(|one| one.channel.to_i64()).collect(),
            messages: marks.iter().map(|one| one.message.to_i64()).collect(),
            marks: marks.iter().map(|one| one.marks.to_string()).collect(),
        }
    }
}

fn home((entity, surface, channel, message, marks, shown): HomeRow) -> Result<Home> {
    let bad = |reason: String| StoreError::bad_row("bridge.view", &entity, reason);
    Ok(Home {
        surface: surface.parse().map_err(|e| bad(format!("{e}")))?,
        channel: ChannelId::from_i64(channel).ok_or_else(|| bad("no channel id".to_owned()))?,
        message: DiscordMessageId::from_i64(message)
            .ok_or_else(|| bad("no message id".to_owned()))?,
        marks: marks.as_deref().map(Marks::read).unwrap_or_default(),
        shown: shown.unwrap_or_default(),
    })
}

/// What was sent up to a minute before the executor counted as away had found nobody either.
const DELIVERIES: &str = concat!(
    "
SELECT pg_current_snapshot()::text AS snapshot,
       (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8 AS server,
       q.id, m.id AS message_id, q.version, q.target_agent_key, q.status,
       q.result ->> 'error' AS error, q.picked_up_at IS NOT NULL AS picked_up,
       coalesce(q.result ? 'rearmed', false) AS rearmed, ",
    readable!("q.completed_at"),
    " AS ended_at, m.metadata ->> 'discord_user_id' AS author,
       CASE WHEN $3::timestamptz IS NULL THEN false
            ELSE m.created_at > $3 - interval '1 minute' AND NOT EXISTS (
                SELECT FROM project_chat_messages k
                JOIN chat_delivery_queue o ON o.message_id = k.id
                WHERE k.project_id = $1 AND k.thread_id IS NOT DISTINCT FROM m.thread_id
                  AND k.created_at > $3 - interval '1 minute'
                  AND (o.picked_up_at IS NULL OR o.picked_up_at > $3)
                  AND (k.created_at, k.id, o.id) < (m.created_at, m.id, q.id))
       END AS first
FROM unnest($2::uuid[]) AS w(id)
LEFT JOIN LATERAL (SELECT a.message_id FROM chat_delivery_queue a
                   WHERE a.id = w.id AND a.project_id = $1 OFFSET 0) a ON true
LEFT JOIN LATERAL (SELECT b.*, b.xmin::text AS version FROM chat_delivery_queue b
                   WHERE b.message_id = a.message_id AND b.project_id = $1 OFFSET 0) q ON true
LEFT JOIN LATERAL (SELECT * FROM project_chat_messages c
                   WHERE c.id = q.message_id OFFSET 0) m ON true
ORDER BY q.created_at, q.id"
);

const HOMES: &str = "
SELECT v.entity_id, v.surface, v.channel_id, v.message_id, r.marks, r.shown
FROM bridge.view v
LEFT JOIN bridge.receipt r ON r.project_id = v.project_id AND r.entity_id = v.entity_id::uuid
     AND r.channel_id = v.channel_id AND r.message_id = v.message_id
WHERE v.project_id = $1 AND v.kind = 'message' AND v.entity_id = ANY ($2) AND v.part = 0
  AND v.state = 'sent' AND v.message_id IS NOT NULL
ORDER BY v.surface";

const SWEEP: &str = "
(SELECT q.id FROM chat_delivery_queue q
 JOIN bridge.view v ON v.project_id = q.project_id AND v.kind = 'message'
      AND v.entity_id = q.message_id::text AND v.part = 0 AND v.state = 'sent'
      AND v.surface = ANY ($2)
 LEFT JOIN bridge.receipt r ON r.project_id = q.project_id AND r.entity_id = q.message_id
      AND r.channel_id = v.channel_id AND r.message_id = v.message_id
 WHERE q.project_id = $1 AND q.created_at > $3
   AND (NOT coalesce(r.shown @> ARRAY[q.id::text || ':' || q.xmin::text], false)
        OR q.status = 'failed'
           AND NOT (q.picked_up_at IS NULL AND coalesce(q.result ->> 'error' = $5, false) AND NOT $4)
           AND NOT EXISTS (SELECT FROM bridge.view f
                           WHERE f.project_id = $1 AND f.kind = $7 AND f.entity_id = q.id::text
                             AND f.surface = v.surface))
 ORDER BY q.created_at LIMIT $6)
UNION
(SELECT f.entity_id::uuid FROM bridge.view f
 WHERE f.project_id = $1 AND f.kind = $7 AND f.state = 'sent' AND f.surface = ANY ($2)
   AND NOT EXISTS (SELECT FROM chat_delivery_queue q WHERE q.id = f.entity_id::uuid)
 LIMIT $6)";
