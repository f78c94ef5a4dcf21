//! Changes of the mode (`bridge.mode_log`), with what became of messages meanwhile.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::look::Loaded;
use super::numbered::{numbered, numbers};
use super::{Result, Store, StoreError};
use crate::model::delivery::STALE_ERROR;
use crate::model::mode::{Mode, ModeChange};
use crate::model::view::{Entity, EntityKind};

#[derive(FromRow)]
struct ModeRow {
    id: i64,
    version: String,
    mode: String,
    reason: String,
    since: DateTime<Utc>,
    down_since: Option<DateTime<Utc>>,
    asked_since: Option<DateTime<Utc>>,
    queued: i64,
    delivered: i64,
    failed: i64,
}

impl TryFrom<ModeRow> for ModeChange {
    type Error = StoreError;

    fn try_from(row: ModeRow) -> Result<Self> {
        let mode = [Mode::Live, Mode::Backup, Mode::Offline]
            .into_iter()
            .find(|known| known.as_str() == row.mode)
            .ok_or_else(|| {
                StoreError::bad_row("bridge.mode_log", row.id, format!("mode {:?}", row.mode))
            })?;
        Ok(Self {
            mode,
            reason: row.reason,
            since: row.since,
            down_since: row.down_since,
            asked_since: row.asked_since,
            queued: row.queued,
            delivered: row.delivered,
            failed: row.failed,
        })
    }
}

macro_rules! columns {
    () => {
        "id, xmin::text AS version, mode, coalesce(reason, '') AS reason, since, down_since, \
         asked_since, queued, delivered, failed"
    };
}

/// Only the latest change counts, and no longer than its post can be edited freely: the card in
/// `#status` goes on. What waits includes what the watchdog has failed and the way back to Live
/// arms again. `asked_since` to `since` is the time in which messages were said that the change is
/// about; what had been answered before it all began is none of them.
const COUNT: &str = "
WITH latest AS (
    SELECT * FROM bridge.mode_log WHERE project_id = $1 ORDER BY id DESC LIMIT 1
), one AS (
    SELECT * FROM latest
    WHERE since > now() - interval '1 hour' AND (mode <> 'Live' OR down_since IS NOT NULL)
), counted AS (
    SELECT count(*) FILTER (WHERE q.status IN ('queued', 'claimed', 'delivered') OR q.promised) AS queued,
           count(*) FILTER (WHERE q.status = 'processed') AS delivered,
           count(*) FILTER (WHERE q.status = 'failed' AND NOT q.promised) AS failed
    FROM one CROSS JOIN LATERAL (
        SELECT d.status, coalesce(d.status = 'failed' AND d.picked_up_at IS NULL
                   AND d.result->>'error' = $2 AND NOT d.result ? 'rearmed', false) AS promised
        FROM project_chat_messages m JOIN chat_delivery_queue d ON d.message_id = m.id
        WHERE one.mode = 'Live' AND m.project_id = $1 AND d.project_id = $1
          AND m.created_at BETWEEN coalesce(one.asked_since, one.down_since) AND one.since
          AND NOT coalesce(d.status = 'processed' AND d.completed_at < one.down_since, false)
        UNION ALL
        SELECT d.status, d.status = 'failed'
        FROM chat_delivery_queue d
        WHERE one.mode <> 'Live' AND d.project_id = $1
          AND (d.status = 'queued'
               OR (d.status = 'failed' AND d.created_at > one.since - interval '1 day'
                   AND d.picked_up_at IS NULL AND d.result->>'error' = $2 AND NOT d.result ? 'rearmed'))
    ) q
)
UPDATE bridge.mode_log l
SET queued = c.queued, delivered = c.delivered, failed = c.failed
FROM one, counted c
WHERE l.id = one.id AND (l.queued, l.delivered, l.failed) <> (c.queued, c.delivered, c.failed)
RETURNING l.id";

impl Store {
    /// Writes down a change of the mode and gives back its entity.
    pub async fn log_mode(&self, change: &ModeChange) -> Result<Entity> {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO bridge.mode_log (project_id, mode, reason, since, down_since, asked_since) \
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        )
        .bind(self.project().as_str())
        .bind(change.mode.as_str())
        .bind(&change.reason)
        .bind(change.since)
        .bind(change.down_since)
        .bind(change.asked_since)
        .fetch_one(self.pool())
        .await?;
        // The first post says the right number already.
        self.count_mode().await?;
        Ok(numbered(EntityKind::Mode, id))
    }

    /// Counts what became of the messages that the latest change of the mode is about. Gives back
    /// its entity when the numbers are others than before.
    pub async fn count_mode(&self) -> Result<Option<Entity>> {
        let id: Option<i64> = sqlx::query_scalar(COUNT)
            .bind(self.project().as_str())
            .bind(STALE_ERROR)
            .fetch_optional(self.pool())
            .await?;
        Ok(id.map(|id| numbered(EntityKind::Mode, id)))
    }

    /// The last change of the mode that was written down.
    pub async fn last_mode(&self) -> Result<Option<ModeChange>> {
        let row: Option<ModeRow> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM bridge.mode_log WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        ))
        .bind(self.project().as_str())
        .fetch_optional(self.pool())
        .await?;
        row.map(ModeChange::try_from).transpose()
    }

    /// Changes of the mode with their views.
    pub async fn load_modes(&self, ids: &[Uuid]) -> Result<Vec<Loaded<ModeChange>>> {
        let rows: Vec<ModeRow> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM bridge.mode_log WHERE project_id = $1 AND id = ANY($2) ORDER BY id",
        ))
        .bind(self.project().as_str())
        .bind(numbers(ids))
        .fetch_all(self.pool())
        .await?;
        let rows = rows
            .into_iter()
            .map(|row| (row.id, row.version.clone(), row));
        self.with_views(EntityKind::Mode, ids, rows).await
    }

    /// Changes of the mode in the last day that nobody has been told of, or whose numbers are
    /// others than those told.
    pub async fn sweep_modes(&self) -> Result<Vec<Uuid>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT l.id FROM bridge.mode_log l \
             WHERE l.project_id = $1 AND l.since > now() - interval '1 day' \
               AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 \
                 AND v.kind = 'mode' AND v.entity_id = \
                   lpad(to_hex(l.id), 32, '0')::uuid::text \
                 AND (v.row_xmin = l.xmin::text OR l.since < now() - interval '1 hour' \
                      OR v.state IN ('sending', 'unknown'))) \
             ORDER BY l.id",
        )
        .bind(self.project().as_str())
        .fetch_all(self.pool())
        .await?;
        let entity = |id| numbered(EntityKind::Mode, id).id;
        Ok(ids.into_iter().map(entity).collect())
    }
}
