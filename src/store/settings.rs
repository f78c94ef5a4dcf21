//! Settings of a project (`project_settings`): the flags of the Labs, which dashboards write as well.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Result, Store, StoreError};
use crate::model::change::Snapshot;
use crate::model::labs::{Feature, LABS_KEY, LONGEST, Labs, Unreadable, written};

/// So often the row may come and go while we want to write it.
const TRIES: u32 = 5;

/// SQL that finds the row. More than one is possible only where the key could not be made unique: the
/// one written last counts.
macro_rules! row {
    ($what:literal, $lock:literal) => {
        concat!(
            "SELECT ",
            $what,
            " FROM project_settings s WHERE s.project_id = $1 AND s.key = $2 \
             ORDER BY s.updated_at DESC, s.id LIMIT 1",
            $lock
        )
    };
}

/// What became of a switch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switched {
    /// The flag is as wanted. `changed` is false where it was so before; then nothing was written.
    Done {
        /// All flags now.
        labs: Labs,
        /// Whether anything was written.
        changed: bool,
    },
    /// The row holds something else than flags, and was left alone.
    Unreadable(Unreadable),
}

impl Store {
    /// The flags as they are, and what the question could see: who was told of a change by the feed
    /// may be a moment too early.
    pub async fn labs(&self) -> Result<(Labs, Option<Snapshot>)> {
        let (snapshot, text, length): (String, Option<String>, Option<i32>) = sqlx::query_as(concat!(
            "SELECT pg_current_snapshot()::text, r.text, r.length FROM (SELECT 1) one LEFT JOIN (",
            row!(
                "CASE WHEN octet_length(s.value) <= $3 THEN s.value END AS text, \
                 octet_length(s.value) AS length",
                ""
            ),
            ") r ON true"
        ))
        .bind(self.project.as_str())
        .bind(LABS_KEY)
        .bind(longest())
        .fetch_one(&self.pool)
        .await?;
        let labs = match (text, length) {
            (None, Some(_)) => Labs::unreadable(Unreadable::TooLong),
            (text, _) => Labs::read(text.as_deref()),
        };
        Ok((labs, snapshot.parse().ok()))
    }

    /// Sets one flag and leaves everything else in the row as it is. The row is locked between being
    /// read and being written, so that of two who write at once neither loses what the other wrote.
    pub async fn set_labs_flag(&self, feature: Feature, on: bool) -> Result<Switched> {
        for _ in 0..TRIES {
            let mut tx = self.pool.begin().await?;
            let row: Option<(Uuid, Option<String>, Option<i32>)> = sqlx::query_as(row!(
                "s.id, CASE WHEN octet_length(s.value) <= $3 THEN s.value END, octet_length(s.value)",
                " FOR UPDATE"
            ))
            .bind(self.project.as_str())
            .bind(LABS_KEY)
            .bind(longest())
            .fetch_optional(&mut *tx)
            .await?;
            let (id, text) = match row {
                Some((_, None, Some(_))) => return Ok(Switched::Unreadable(Unreadable::TooLong)),
                Some((id, text, _)) => (Some(id), text),
                None => (None, None),
            };
            let before = Labs::read(text.as_deref());
            let new = match written(text.as_deref(), feature, on) {
                Ok(new) => new,
                Err(problem) => return Ok(Switched::Unreadable(problem)),
            };
            let labs = before.with(feature, on);
            if labs == before {
                return Ok(Switched::Done {
                    labs,
                    changed: false,
                });
            }
            if self.write_labs(&mut tx, id, &new).await? {
                tx.commit().await?;
                return Ok(Switched::Done {
                    labs,
                    changed: true,
                });
            }
        }
        let reason = format!("it came and went {TRIES} times while a flag was to be written");
        Err(StoreError::bad_row("project_settings", LABS_KEY, reason))
    }

    /// Whether the row is written; not where somebody else has made one in the meantime.
    async fn write_labs(
        &self,
        on: &mut PgConnection,
        id: Option<Uuid>,
        text: &str,
    ) -> Result<bool> {
        let done = match id {
            Some(id) => {
                sqlx::query("UPDATE project_settings SET value = $2 WHERE id = $1")
                    .bind(id)
                    .bind(text)
                    .execute(on)
                    .await?
            }
            None => {
                sqlx::query(
                    "INSERT INTO project_settings (project_id, key, value) VALUES ($1, $2, $3) \
                     ON CONFLICT DO NOTHING",
                )
                .bind(self.project.as_str())
                .bind(LABS_KEY)
                .bind(text)
                .execute(on)
                .await?
            }
        };
        Ok(done.rows_affected() == 1)
    }
}

/// As Postgres counts.
fn longest() -> i32 {
    i32::try_from(LONGEST).unwrap_or(i32::MAX)
}
