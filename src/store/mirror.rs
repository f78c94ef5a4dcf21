//! What the mirror reads: rows together with their views, and what the sweep finds.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ledger::ViewRow;
use super::look::Loaded;
use super::{Result, Store, StoreError};
use crate::model::mode::Mode;
use crate::model::view::{Entity, EntityKind, View};

/// A change of the mode, as `bridge.mode_log` keeps it.
#[derive(Debug, Clone)]
pub struct ModeChange {
    /// The mode since then.
    pub mode: Mode,
    /// Why, as a sentence.
    pub reason: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// SQL for the surface that a message belongs to, as [`Place::from_title`] reads it from the title of
/// its thread. Null where it has none.
///
/// [`Place::from_title`]: crate::model::thread::Place::from_title
macro_rules! place {
    ($thread:literal, $title:literal) => {
        concat!(
            "CASE WHEN ",
            $thread,
            " IS NULL OR ",
            $title,
            " = 'General' THEN 'team-room' ELSE 'dm-' || substring(",
            $title,
            " FROM '^DM:\\s*(?:agent:)*([A-Za-z0-9_-]{1,64})(?::[A-Za-z0-9_-]{1,64}(?::.*)?)?\\s*$') END"
        )
    };
}

/// Rows that have no view or an old one; proposals that lack one of their two cards; views whose row
/// is gone. The place is asked for only of the few rows that are left (`OFFSET 0`: the planner cannot
/// estimate it, and would look for the views of all rows one by one; measured: 4 times as long at
/// 50,000 rows).
const SWEEP_MESSAGES: &str = concat!(
    "
(SELECT found.id FROM (
   SELECT m.id, m.created_at, v.entity_id IS NOT NULL AS stale, ",
    place!("m.thread_id", "t.title"),
    " AS place
   FROM project_chat_messages m
   LEFT JOIN project_chat_threads t ON t.id = m.thread_id
   LEFT JOIN bridge.view v ON v.project_id = $1 AND v.kind = 'message' AND v.entity_id = m.id::text
   WHERE m.project_id = $1 AND m.created_at >= $2
     AND (v.entity_id IS NULL OR (v.author_kind <> 'person' AND v.state IN ('sent', 'failed')
          AND v.surface = ANY($4) AND v.row_xmin IS DISTINCT FROM m.xmin::text))
   OFFSET 0) found
 WHERE found.stale OR found.place = ANY($4)
 GROUP BY found.id, found.created_at ORDER BY found.created_at, found.id LIMIT $3)
UNION ALL
(SELECT m.id FROM (
   SELECT c.id, c.created_at, ",
    place!("c.thread_id", "t.title"),
    " AS place
   FROM project_chat_messages c
   LEFT JOIN project_chat_threads t ON t.id = c.thread_id
   WHERE c.project_id = $1 AND c.created_at >= $2
     AND c.message_type IN ('task_proposal', 'action_proposal')) m
 WHERE NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'message'
                   AND v.entity_id = m.id::text AND v.surface = 'approvals')
    OR (m.place = ANY($4)
        AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'message'
                        AND v.entity_id = m.id::text
                        AND (v.surface = m.place OR v.author_kind = 'person')))
 ORDER BY m.created_at, m.id LIMIT $3)
UNION ALL
(SELECT DISTINCT v.entity_id::uuid FROM bridge.view v
 LEFT JOIN project_chat_messages m ON m.id = v.entity_id::uuid
 WHERE v.project_id = $1 AND v.kind = 'message' AND v.created_at >= $2
   AND v.state = 'sent' AND m.id IS NULL LIMIT $3)"
);

impl Store {
    /// Rows of the chat since `floor` that Discord does not show as they are: never shown where they
    /// belong, changed since, or gone while their view is still there. `places` are the surfaces that
    /// are there: what belongs elsewhere is not named, and does not keep others from being named. At
    /// most `limit`, oldest first.
    pub async fn sweep_messages(
        &self,
        places: &[String],
        floor: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(SWEEP_MESSAGES)
            .bind(self.project().as_str())
            .bind(floor)
            .bind(limit)
            .bind(places)
            .fetch_all(self.pool())
            .await?;
        Ok(ids)
    }

    /// Since when rows are mirrored. The first call for a project decides: what is older than
    /// `first_link` before it stays where it is.
    pub async fn mirror_since(&self, first_link: chrono::Duration) -> Result<DateTime<Utc>> {
        // Asked at every sweep, written once.
        let known =
            sqlx::query_scalar("SELECT mirror_since FROM bridge.link WHERE project_id = $1")
                .bind(self.project().as_str())
                .fetch_optional(self.pool())
                .await?;
        if let Some(since) = known {
            return Ok(since);
        }
        let since = sqlx::query_scalar(
            "INSERT INTO bridge.link (project_id, mirror_since) VALUES ($1, now() - $2 * interval '1 second') \
             ON CONFLICT (project_id) DO UPDATE SET project_id = excluded.project_id \
             RETURNING mirror_since",
        )
        .bind(self.project().as_str())
        .bind(first_link.num_seconds())
        .fetch_one(self.pool())
        .await?;
        Ok(since)
    }

    /// When the ledger was told something last; where it knows nothing, since when rows are
    /// mirrored.
    pub async fn last_word(&self) -> Result<DateTime<Utc>> {
        let at = sqlx::query_scalar(
            "SELECT greatest(l.mirror_since, (SELECT max(v.updated_at) FROM bridge.view v \
                                              WHERE v.project_id = $1)) \
             FROM bridge.link l WHERE l.project_id = $1",
        )
        .bind(self.project().as_str())
        .fetch_one(self.pool())
        .await?;
        Ok(at)
    }

    /// Writes down a change of the mode and gives back its entity.
    pub async fn log_mode(&self, change: &ModeChange) -> Result<Entity> {
        let id: i64 = sqlx::query_scalar(
            "INSERT INTO bridge.mode_log (project_id, mode, reason, since) \
             VALUES ($1, $2, $3, $4) RETURNING id",
        )
        .bind(self.project().as_str())
        .bind(change.mode.as_str())
        .bind(&change.reason)
        .bind(change.since)
        .fetch_one(self.pool())
        .await?;
        Ok(mode_entity(id))
    }

    /// The last change of the mode that was written down.
    pub async fn last_mode(&self) -> Result<Option<ModeChange>> {
        let row: Option<(String, String, DateTime<Utc>)> = sqlx::query_as(
            "SELECT mode, coalesce(reason, ''), since FROM bridge.mode_log \
             WHERE project_id = $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(self.project().as_str())
        .fetch_optional(self.pool())
        .await?;
        row.map(|row| mode_change("last", row)).transpose()
    }

    /// Changes of the mode with their views.
    pub async fn load_modes(&self, ids: &[Uuid]) -> Result<Vec<Loaded<ModeChange>>> {
        let numbers: Vec<i64> = ids.iter().filter_map(mode_number).collect();
        let rows: Vec<(i64, String, String, DateTime<Utc>)> = sqlx::query_as(
            "SELECT id, mode, coalesce(reason, ''), since FROM bridge.mode_log \
             WHERE project_id = $1 AND id = ANY($2) ORDER BY id",
        )
        .bind(self.project().as_str())
        .bind(&numbers)
        .fetch_all(self.pool())
        .await?;
        let mut views = self.views(EntityKind::Mode, ids).await?;
        rows.into_iter()
            .map(|(id, mode, reason, since)| {
                let entity = mode_entity(id);
                let change = mode_change(id, (mode, reason, since))?;
                Ok(Loaded {
                    entity,
                    // A change of the mode is written once and never edited.
                    row: Some((change, String::new())),
                    views: views.extract_if(.., |v| v.key.entity == entity).collect(),
                })
            })
            .collect()
    }

    /// Changes of the mode in the last day that nobody has been told of.
    pub async fn sweep_modes(&self) -> Result<Vec<Uuid>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT l.id FROM bridge.mode_log l \
             WHERE l.project_id = $1 AND l.since > now() - interval '1 day' \
               AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 \
                 AND v.kind = 'mode' AND v.entity_id = \
                   lpad(to_hex(l.id), 32, '0')::uuid::text) \
             ORDER BY l.id",
        )
        .bind(self.project().as_str())
        .fetch_all(self.pool())
        .await?;
        Ok(ids.into_iter().map(|id| mode_entity(id).id).collect())
    }

    /// The views of rows of one kind.
    pub async fn views(&self, kind: EntityKind, ids: &[Uuid]) -> Result<Vec<View>> {
        let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
        let rows: Vec<ViewRow> = sqlx::query_as(
            "SELECT kind, entity_id, surface, part, channel_id, message_id, author_kind, hash, \
                    row_xmin, state, updated_at FROM bridge.view \
             WHERE project_id = $1 AND kind = $2 AND entity_id = ANY($3)",
        )
        .bind(self.project().as_str())
        .bind(kind.as_str())
        .bind(&ids)
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(View::try_from).collect()
    }
}

/// The ledger names rows by UUID; a numbered row takes its number as one.
fn mode_entity(id: i64) -> Entity {
    Entity {
        kind: EntityKind::Mode,
        id: Uuid::from_u128(u128::from(id.cast_unsigned())),
    }
}

fn mode_number(id: &Uuid) -> Option<i64> {
    i64::try_from(id.as_u128()).ok()
}

fn mode_change(
    row: impl std::fmt::Display,
    (mode, reason, since): (String, String, DateTime<Utc>),
) -> Result<ModeChange> {
    let mode = [Mode::Live, Mode::Backup, Mode::Offline]
        .into_iter()
        .find(|known| known.as_str() == mode)
        .ok_or_else(|| StoreError::bad_row("bridge.mode_log", row, format!("mode {mode:?}")))?;
    Ok(ModeChange {
        mode,
        reason,
        since,
    })
}
