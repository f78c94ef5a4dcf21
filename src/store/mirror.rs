//! What the mirror reads: rows together with their views, and what the sweep finds.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ledger::ViewRow;
use super::{Result, Store};
use crate::model::view::{EntityKind, View};

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
     AND (v.entity_id IS NULL AND NOT coalesce(m.metadata ?& '{deleted_at,discord_message_id}', false) OR (v.author_kind <> 'person' AND v.state IN ('sent', 'failed')
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
     AND c.message_type IN ('task_proposal', 'action_proposal')
     AND NOT coalesce(c.metadata ?& '{deleted_at,discord_message_id}', false)) m
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
   AND v.state = 'sent' AND m.id IS NULL AND (v.surface NOT LIKE 'bot-%' OR v.surface = ANY($4))
 LIMIT $3)"
);

/// Rows of threads that private channels show as well, and that lack one of their two views. A
/// channel shows what was said since it was bound, and what waits for a decision.
const SWEEP_PRIVATE: &str = concat!(
    "
SELECT DISTINCT m.id FROM (
   SELECT surface, updated_at, 'dm-' || substring(surface FROM '^bot-(.+)-[0-9]+$') AS dm
   FROM bridge.channel
   WHERE project_id = $1 AND surface LIKE 'bot-%' AND surface = ANY($4) OFFSET 0) c
 JOIN project_chat_threads t ON t.project_id = $1 AND ",
    place!("t.id", "t.title"),
    " = c.dm
 JOIN project_chat_messages m ON m.thread_id = t.id AND m.project_id = $1
   AND NOT coalesce(m.metadata ?& '{deleted_at,discord_message_id}', false)
   AND (m.created_at >= greatest(c.updated_at, $2)
        OR (m.message_type IN ('task_proposal', 'action_proposal')
            AND coalesce(m.metadata->>'status', 'proposed') = 'proposed'
            AND NOT EXISTS (SELECT FROM bridge.decision d
                            WHERE d.entity_id = m.id AND d.source = 'message')))
 WHERE NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'message'
                   AND v.entity_id = m.id::text AND v.surface = c.surface)
    OR (c.dm = ANY($4)
        AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'message'
                        AND v.entity_id = m.id::text AND v.surface = c.dm))
 LIMIT $3"
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

    /// The same for what private channels with agents' own bots lack.
    pub async fn sweep_private(
        &self,
        places: &[String],
        floor: DateTime<Utc>,
        limit: i64,
    ) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(SWEEP_PRIVATE)
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
