//! Realtime gaps (`bridge.gap`): tables whose changes the feed should have told and did not.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgExecutor};
use uuid::Uuid;

use super::look::Loaded;
use super::numbered::{numbered, numbers};
use super::{Result, Store, StoreError};
use crate::model::ProjectId;
use crate::model::change::Table;
use crate::model::realtime::{Gap, GapCause};
use crate::model::view::{Entity, EntityKind};

/// A moment in the order of transactions: everything before it had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Horizon(i64);

/// A report of a gap.
#[derive(Debug, Clone, Copy)]
pub struct Noted {
    /// The report.
    pub entity: Entity,
    /// Whether it says something that it did not say before.
    pub changed: bool,
}

#[derive(FromRow)]
struct GapRow {
    id: i64,
    version: String,
    table_name: String,
    cause: String,
    found: i64,
    reported_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl TryFrom<GapRow> for Gap {
    type Error = StoreError;

    fn try_from(row: GapRow) -> Result<Self> {
        let bad = |reason: String| StoreError::bad_row("bridge.gap", row.id, reason);
        let table = row.table_name.parse().map_err(|e| bad(format!("{e}")))?;
        let cause = [GapCause::Unpublished, GapCause::Missed]
            .into_iter()
            .find(|known| known.as_str() == row.cause)
            .ok_or_else(|| bad(format!("cause {:?}", row.cause)))?;
        Ok(Self {
            table,
            cause,
            found: row.found,
            reported_at: row.reported_at,
            ended_at: row.ended_at,
        })
    }
}

/// Within the hour the report that is there grows, and says the graver cause. That a table is still
/// not published is no news, and is written only now and then: it keeps the report open.
const NOTE: &str = "
WITH known AS (
    SELECT id, cause, ended_at, last_at FROM bridge.gap
    WHERE project_id = $1 AND table_name = $2 AND reported_at > now() - interval '1 hour'
    ORDER BY id DESC LIMIT 1
), grown AS (
    UPDATE bridge.gap g SET found = g.found + $4, last_at = now(), ended_at = NULL,
           cause = CASE WHEN $3 = 'unpublished' OR known.ended_at IS NOT NULL THEN $3 ELSE g.cause END
    FROM known
    WHERE g.id = known.id
      AND ($4 > 0 OR known.ended_at IS NOT NULL OR known.cause <> $3
           OR known.last_at < now() - interval '10 minutes')
    RETURNING g.id, $4 > 0 OR known.ended_at IS NOT NULL OR known.cause <> $3 AS changed
), made AS (
    INSERT INTO bridge.gap (project_id, table_name, cause, found)
    SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM known)
    RETURNING id, true AS changed
)
SELECT id, changed FROM made UNION ALL SELECT id, changed FROM grown
UNION ALL SELECT id, false FROM known LIMIT 1";

macro_rules! columns {
    () => {
        "id, xmin::text AS version, table_name, cause, found, reported_at, ended_at"
    };
}

/// The same as [`Store::open_gaps`], over any connection.
pub(super) async fn open_gaps(on: impl PgExecutor<'_>, project: &ProjectId) -> Result<Vec<Gap>> {
    let rows: Vec<GapRow> = sqlx::query_as(concat!(
        "SELECT DISTINCT ON (table_name) ",
        columns!(),
        " FROM bridge.gap WHERE project_id = $1 AND ended_at IS NULL \
           AND last_at > now() - interval '1 hour' ORDER BY table_name, id DESC",
    ))
    .bind(project.as_str())
    .fetch_all(on)
    .await?;
    rows.into_iter().map(Gap::try_from).collect()
}

impl Store {
    /// Where the order of transactions stands now.
    pub async fn horizon(&self) -> Result<Horizon> {
        let at = sqlx::query_scalar("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::int8")
            .fetch_one(self.pool())
            .await?;
        Ok(Horizon(at))
    }

    /// Which of these rows of a table are gone, or were written since a moment.
    pub async fn written_since(
        &self,
        table: Table,
        ids: &[Uuid],
        since: Horizon,
    ) -> Result<Vec<Uuid>> {
        // A row's xmin has the lower half of the number; ages compare across its turns.
        let query = match table {
            Table::ProjectChatMessages => {
                "SELECT w.id FROM unnest($1::uuid[]) AS w (id) \
                 LEFT JOIN project_chat_messages r ON r.id = w.id \
                 WHERE r.id IS NULL OR age(r.xmin) <= age((($2::int8) % 4294967296)::text::xid)"
            }
            Table::TaskEvents => {
                "SELECT w.id FROM unnest($1::uuid[]) AS w (id) \
                 LEFT JOIN task_events r ON r.id = w.id \
                 WHERE r.id IS NULL OR age(r.xmin) <= age((($2::int8) % 4294967296)::text::xid)"
            }
            Table::Tasks => {
                "SELECT w.id FROM unnest($1::uuid[]) AS w (id) \
                 LEFT JOIN tasks r ON r.id = w.id \
                 WHERE r.id IS NULL OR age(r.xmin) <= age((($2::int8) % 4294967296)::text::xid)"
            }
            Table::Activities => {
                "SELECT w.id FROM unnest($1::uuid[]) AS w (id) \
                 LEFT JOIN activities r ON r.id = w.id \
                 WHERE r.id IS NULL OR age(r.xmin) <= age((($2::int8) % 4294967296)::text::xid)"
            }
            // The sweep looks at no others row by row.
            _ => return Ok(Vec::new()),
        };
        let ids = sqlx::query_scalar(query)
            .bind(ids)
            .bind(since.0)
            .fetch_all(self.pool())
            .await?;
        Ok(ids)
    }

    /// Tables that exist and that the publication does not have.
    pub async fn unpublished(&self, publication: &str) -> Result<Vec<Table>> {
        let names: Vec<&str> = Table::ALL.iter().map(|table| table.as_str()).collect();
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT w.name FROM unnest($1::text[]) AS w (name) \
             WHERE to_regclass('public.' || w.name) IS NOT NULL \
               AND NOT EXISTS (SELECT FROM pg_publication_tables p WHERE p.pubname = $2 \
                 AND p.schemaname = 'public' AND p.tablename = w.name)",
        )
        .bind(names)
        .bind(publication)
        .fetch_all(self.pool())
        .await?;
        Ok(found.iter().filter_map(|name| name.parse().ok()).collect())
    }

    /// Reports a gap, once a table and hour; within the hour the report grows by `found` rows.
    pub async fn note_gap(&self, table: Table, cause: GapCause, found: i64) -> Result<Noted> {
        let (id, changed): (i64, bool) = sqlx::query_as(NOTE)
            .bind(self.project().as_str())
            .bind(table.as_str())
            .bind(cause.as_str())
            .bind(found)
            .fetch_one(self.pool())
            .await?;
        let entity = numbered(EntityKind::Gap, id);
        Ok(Noted { entity, changed })
    }

    /// Tables of the publication are not missing in it any more. Gives back the reports that end.
    pub async fn end_gaps(&self, unpublished: &[Table]) -> Result<Vec<Entity>> {
        let still: Vec<&str> = unpublished.iter().map(|table| table.as_str()).collect();
        let ended: Vec<i64> = sqlx::query_scalar(
            "UPDATE bridge.gap SET ended_at = now() WHERE project_id = $1 AND cause = 'unpublished' \
               AND ended_at IS NULL AND NOT table_name = ANY ($2) RETURNING id",
        )
        .bind(self.project().as_str())
        .bind(still)
        .fetch_all(self.pool())
        .await?;
        let entity = |id| numbered(EntityKind::Gap, id);
        Ok(ended.into_iter().map(entity).collect())
    }

    /// Gaps of the last hour that nobody knows to have ended, the latest report of each table.
    pub async fn open_gaps(&self) -> Result<Vec<Gap>> {
        open_gaps(self.pool(), self.project()).await
    }

    /// Reports with their views.
    pub async fn load_gaps(&self, ids: &[Uuid]) -> Result<Vec<Loaded<Gap>>> {
        let rows: Vec<GapRow> = sqlx::query_as(concat!(
            "SELECT ",
            columns!(),
            " FROM bridge.gap WHERE project_id = $1 AND id = ANY($2) ORDER BY id",
        ))
        .bind(self.project().as_str())
        .bind(numbers(ids))
        .fetch_all(self.pool())
        .await?;
        let rows = rows
            .into_iter()
            .map(|row| (row.id, row.version.clone(), row));
        self.with_views(EntityKind::Gap, ids, rows).await
    }

    /// Reports of the last hour that nobody has been told of.
    pub async fn sweep_gaps(&self) -> Result<Vec<Uuid>> {
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT g.id FROM bridge.gap g \
             WHERE g.project_id = $1 AND g.reported_at > now() - interval '1 hour' \
               AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 \
                 AND v.kind = 'gap' AND v.entity_id = lpad(to_hex(g.id), 32, '0')::uuid::text) \
             ORDER BY g.id",
        )
        .bind(self.project().as_str())
        .fetch_all(self.pool())
        .await?;
        let entity = |id| numbered(EntityKind::Gap, id).id;
        Ok(ids.into_iter().map(entity).collect())
    }
}
