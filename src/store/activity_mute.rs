//! Types of activities that nobody wants to see (`bridge.activity_mute`).

use std::collections::HashSet;

use sqlx::PgConnection;

use super::chat::storable;
use super::{Result, Store};
use crate::model::activity::KindSeen;

/// Types of the last 30 days, and those that are muted; the frequent ones first.
const KINDS: &str = "
SELECT coalesce(s.kind, m.type) AS kind, coalesce(s.count, 0) AS count, m.type IS NOT NULL AS muted
FROM (SELECT left(a.type, 100) AS kind, count(*) AS count FROM activities a
      WHERE a.project_id = $1 AND a.created_at > now() - interval '30 days'
      GROUP BY left(a.type, 100)) s
FULL JOIN (SELECT type FROM bridge.activity_mute WHERE project_id = $1) m ON m.type = s.kind
ORDER BY coalesce(s.count, 0) DESC, 1 LIMIT 200";

impl Store {
    /// The types that new rows are left out of.
    pub(super) async fn muted(&self, on: &mut PgConnection) -> Result<HashSet<String>> {
        let muted: Vec<String> =
            sqlx::query_scalar("SELECT type FROM bridge.activity_mute WHERE project_id = $1")
                .bind(self.project.as_str())
                .fetch_all(on)
                .await?;
        Ok(muted.into_iter().collect())
    }

    /// The types that occur or are muted, at most 200.
    pub async fn activity_kinds(&self) -> Result<Vec<KindSeen>> {
        let kinds: Vec<(String, i64, bool)> = sqlx::query_as(KINDS)
            .bind(self.project.as_str())
            .fetch_all(&self.pool)
            .await?;
        let kind = |(kind, count, muted)| KindSeen { kind, count, muted };
        Ok(kinds.into_iter().map(kind).collect())
    }

    /// Leaves new rows of a type out. False where they were already.
    pub async fn mute_activity(&self, kind: &str, by: &str) -> Result<bool> {
        let done = sqlx::query(
            "INSERT INTO bridge.activity_mute (project_id, type, muted_by) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING",
        )
        .bind(self.project.as_str())
        .bind(storable(kind))
        .bind(storable(by))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Shows new rows of a type again. False where they were.
    pub async fn unmute_activity(&self, kind: &str) -> Result<bool> {
        let done =
            sqlx::query("DELETE FROM bridge.activity_mute WHERE project_id = $1 AND type = $2")
                .bind(self.project.as_str())
                .bind(storable(kind))
                .execute(&self.pool)
                .await?;
        Ok(done.rows_affected() > 0)
    }
}
