//! Old comments and outputs become events: read a page at a time, converted a batch at a time.
//!
//! The old tables are only read. The id of an event is computed from the id of its old row, so whoever converts it
//! again, or at the same time, finds it there.

use std::collections::HashSet;

use sqlx::FromRow;
use uuid::Uuid;

use super::{Result, Store, StoreError};
use crate::model::view::EntityKind;

/// Namespaces of the computed ids; each was drawn by lot.
const OF_COMMENTS: Uuid = Uuid::from_u128(0x9f1c_27f4_3a52_4c0e_8d17_52b6_0e7a_91d3);
const OF_OUTPUTS: Uuid = Uuid::from_u128(0x40d8_b9e6_75c1_4f2a_a3e0_1c94_d86f_2b57);

/// Classes of SQLSTATE that are about the row and not about the database (source: Postgres, appendix A): bad data,
/// broken constraints, limits of the program, and what a trigger refuses.
const OF_ROWS: [&str; 4] = ["22", "23", "54", "P0"];

/// SQLSTATEs of transactions that only met another one at the wrong moment: `serialization_failure` and
/// `deadlock_detected`.
const COLLISIONS: [&str; 2] = ["40001", "40P01"];

/// A table that is older than `task_events` and in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldTable {
    /// `task_comments`.
    Comments,
    /// `task_outputs`.
    Outputs,
}

impl OldTable {
    /// Both, in the order in which they are converted.
    pub const ALL: [Self; 2] = [Self::Comments, Self::Outputs];

    /// Its name in schema `public`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comments => "task_comments",
            Self::Outputs => "task_outputs",
        }
    }

    /// The id of the event that a row becomes: always the same.
    pub fn event_id(self, row: Uuid) -> Uuid {
        let namespace = match self {
            Self::Comments => OF_COMMENTS,
            Self::Outputs => OF_OUTPUTS,
        };
        Uuid::new_v5(&namespace, row.as_bytes())
    }

    fn statements(self) -> &'static Statements {
        match self {
            Self::Comments => &OF_COMMENT_ROWS,
            Self::Outputs => &OF_OUTPUT_ROWS,
        }
    }

    fn kind(self) -> EntityKind {
        match self {
            Self::Comments => EntityKind::TaskComment,
            Self::Outputs => EntityKind::TaskOutput,
        }
    }
}

/// A place between two rows, by time and id; the time in Postgres' words, which knows more times than we do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    time: String,
    id: Uuid,
}

impl Cursor {
    /// Before every row.
    pub fn start() -> Self {
        Self {
            time: "-infinity".to_owned(),
            id: Uuid::nil(),
        }
    }
}

/// What became of one old row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is an event now.
    Converted,
    /// An event has its id already.
    Taken,
    /// A bridge is sending its Discord message just now: it is left as it is.
    Busy,
    /// It was deleted meanwhile.
    Gone,
}

/// A row of an old table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OldRow {
    /// Its id.
    pub id: Uuid,
    /// Its task.
    pub task: Uuid,
}

#[derive(FromRow)]
struct Looked {
    id: Uuid,
    task_id: Uuid,
    time: String,
}

#[derive(FromRow)]
struct Treated {
    old: Uuid,
    there: bool,
    busy: bool,
    born: bool,
}

impl Store {
    /// Whether the tables of tasks are there: a database may be empty still.
    pub async fn has_old_tables(&self) -> Result<bool> {
        let found = sqlx::query_scalar(
            "SELECT to_regclass('public.task_comments') IS NOT NULL
                AND to_regclass('public.task_outputs') IS NOT NULL
                AND to_regclass('public.task_events') IS NOT NULL",
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// How many rows of this project an old table has.
    pub async fn count_old(&self, table: OldTable) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(table.statements().count)
            .bind(self.project.as_str())
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// The next rows of an old table, oldest first, and where to go on. None where there are no more.
    pub async fn old_rows(
        &self,
        table: OldTable,
        after: &Cursor,
        most: u32,
    ) -> Result<Option<(Vec<OldRow>, Cursor)>> {
        let rows: Vec<Looked> = sqlx::query_as(table.statements().next)
            .bind(self.project.as_str())
            .bind(&after.time)
            .bind(after.id)
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        let last = rows.last().map(|last| Cursor {
            time: last.time.clone(),
            id: last.id,
        });
        let rows = rows.into_iter().map(|row| OldRow {
            id: row.id,
            task: row.task_id,
        });
        Ok(last.map(|last| (rows.collect(), last)))
    }

    /// Every row that an event of its task carries already. Read once and not row by row: who plans a look at an index
    /// that has just been made, or at a table that grows under its hands, plans it wrong.
    pub async fn carried(&self, table: OldTable) -> Result<HashSet<OldRow>> {
        let carried: Vec<(String, Uuid)> = sqlx::query_as(table.statements().carried)
            .bind(self.project.as_str())
            .fetch_all(&self.pool)
            .await?;
        // Only the id as it is printed counts (source: ClawdOS's dashboard).
        let carried = carried.into_iter().filter_map(|(id, task)| {
            let row = Uuid::try_parse(&id).ok()?;
            (row.to_string() == id).then_some(OldRow { id: row, task })
        });
        Ok(carried.collect())
    }

    /// How many of these rows have the event that they become.
    pub async fn have_their_events(&self, table: OldTable, rows: &[Uuid]) -> Result<u64> {
        let events: Vec<Uuid> = rows.iter().map(|row| table.event_id(*row)).collect();
        let count: i64 = sqlx::query_scalar(table.statements().theirs)
            .bind(self.project.as_str())
            .bind(rows)
            .bind(&events)
            .fetch_one(&self.pool)
            .await?;
        Ok(count.unsigned_abs())
    }

    /// Makes events of these rows, and lets the Discord messages that show them show the events: both or nothing.
    pub async fn convert_old(&self, table: OldTable, rows: &[Uuid]) -> Result<Vec<(Uuid, Fate)>> {
        let events: Vec<Uuid> = rows.iter().map(|row| table.event_id(*row)).collect();
        let mut transaction = self.pool.begin().await?;
        let treated: Vec<Treated> = sqlx::query_as(table.statements().convert)
            .bind(self.project.as_str())
            .bind(rows)
            .bind(&events)
            .bind(table.kind().as_str())
            .fetch_all(&mut *transaction)
            .await?;
        let born = treated.iter().filter(|one| one.born);
        let (old, new): (Vec<String>, Vec<String>) = born
            .map(|one| (one.old.to_string(), table.event_id(one.old).to_string()))
            .unzip();
        sqlx::query(MOVE_VIEWS)
            .bind(self.project.as_str())
            .bind(&old)
            .bind(&new)
            .bind(table.kind().as_str())
            .bind(EntityKind::TaskEvent.as_str())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let fates = treated.into_iter().map(|one| (one.old, one.fate()));
        Ok(fates.collect())
    }

    /// How many answers name a comment that is an event now by the id that it had before.
    pub async fn answers_by_old_ids(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM task_events a
             JOIN task_events q ON 'lc_' || (q.metadata ->> 'legacy_comment_id') = a.metadata ->> 'reply_to'
                 AND q.task_id = a.task_id AND q.project_id = a.project_id
             WHERE a.project_id = $1 AND starts_with(a.metadata ->> 'reply_to', 'lc_')",
        )
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok(count.unsigned_abs())
    }
}

impl Treated {
    fn fate(&self) -> Fate {
        match self {
            Self { born: true, .. } => Fate::Converted,
            Self { busy: true, .. } => Fate::Busy,
            Self { there: false, .. } => Fate::Gone,
            _ => Fate::Taken,
        }
    }
}

impl StoreError {
    fn code(&self) -> Option<String> {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().map(std::borrow::Cow::into_owned)
            }
            _ => None,
        }
    }

    /// What the database has against a row, in its own words. None where the row is not what is wrong.
    pub fn against_row(&self) -> Option<String> {
        let code = self.code()?;
        let Self::Database(sqlx::Error::Database(error)) = self else {
            return None;
        };
        let its = OF_ROWS.iter().any(|class| code.starts_with(class));
        its.then(|| error.message().to_owned())
    }

    /// Whether the transaction only met another one at the wrong moment.
    pub fn is_collision(&self) -> bool {
        self.code()
            .is_some_and(|code| COLLISIONS.contains(&code.as_str()))
    }
}

/// What is asked of one old table.
struct Statements {
    count: &'static str,
    next: &'static str,
    carried: &'static str,
    theirs: &'static str,
    convert: &'static str,
}

/// The statements for a table, the key in an event's metadata that names the row that it carries (source: `ClawdOS`'s
/// dashboard), and type, author, content and metadata of the event.
///
/// All insert in the same order, so that two who convert at once wait for each other and never across.
macro_rules! statements {
    ($table:literal, $key:literal, $event:literal) => {
        Statements {
            count: concat!("SELECT count(*) FROM ", $table, " WHERE project_id = $1"),
            next: concat!(
                "SELECT id, task_id, created_at::text AS time FROM ",
                $table,
                " WHERE project_id = $1 AND (created_at, id) > ($2::text::timestamptz, $3)
                 ORDER BY created_at, id LIMIT $4"
            ),
            carried: concat!(
                "SELECT DISTINCT metadata ->> '",
                $key,
                "', task_id FROM task_events WHERE project_id = $1 AND metadata ->> '",
                $key,
                "' IS NOT NULL"
            ),
            theirs: concat!(
                "SELECT count(*) FROM unnest($2::uuid[], $3::uuid[]) AS a(old, new)
                 JOIN task_events e ON e.id = a.new
                 WHERE e.project_id = $1 AND e.metadata ->> '",
                $key,
                "' = a.old::text"
            ),
            convert: concat!(
                "WITH asked AS (
                     SELECT a.old, a.new, o.id IS NOT NULL AS there,
                            EXISTS (SELECT FROM bridge.view v
                                WHERE v.project_id = $1 AND v.kind = $4
                                  AND v.entity_id = a.old::text
                                  AND v.state NOT IN ('sent', 'failed')) AS busy
                     FROM unnest($2::uuid[], $3::uuid[]) AS a(old, new)
                     LEFT JOIN ",
                $table,
                " o ON o.id = a.old AND o.project_id = $1
                 ), born AS (
                     INSERT INTO task_events (id, project_id, task_id, event_type, author, content,
                                              metadata, created_at)
                     SELECT a.new, o.project_id, o.task_id, ",
                $event,
                ", o.created_at
                     FROM asked a JOIN ",
                $table,
                " o ON o.id = a.old AND o.project_id = $1
                     WHERE NOT a.busy ORDER BY o.created_at, o.id
                     ON CONFLICT (id) DO NOTHING
                     RETURNING id
                 )
                 SELECT a.old, a.there, a.busy, b.id IS NOT NULL AS born
                 FROM asked a LEFT JOIN born b ON b.id = a.new"
            ),
        }
    };
}

static OF_COMMENT_ROWS: Statements = statements!(
    "task_comments",
    "legacy_comment_id",
    "'comment', coalesce(o.author_agent_key, 'ui'), o.content,
     jsonb_build_object('legacy_comment_id', o.id)"
);

static OF_OUTPUT_ROWS: Statements = statements!(
    "task_outputs",
    "legacy_output_id",
    "'output_added', coalesce(o.created_by, 'ui'), o.content_text,
     jsonb_strip_nulls(jsonb_build_object('legacy_output_id', o.id, 'output_type', o.output_type,
         'title', o.title, 'link_url', o.link_url, 'storage_path', o.storage_path,
         'mime_type', o.mime_type))"
);

/// A message that is being sent keeps its key: who sends it writes the result down under that.
const MOVE_VIEWS: &str = "UPDATE bridge.view v SET kind = $5, entity_id = n.new
     FROM unnest($2::text[], $3::text[]) AS n(old, new)
     WHERE v.project_id = $1 AND v.kind = $4 AND v.entity_id = n.old AND v.state IN ('sent', 'failed')
       AND NOT EXISTS (SELECT FROM bridge.view w
                       WHERE w.project_id = $1 AND w.kind = $5 AND w.entity_id = n.new
                         AND w.surface = v.surface AND w.part = v.part)";
