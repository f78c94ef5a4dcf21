//! Types of activities that nobody wants to see (`bridge.activity_mute`), and messages in `#activity`
//! that people have taken away.

use std::collections::HashSet;

use sqlx::PgConnection;

use super::chat::storable;
use super::{Result, Store};
use crate::model::activity::KindSeen;
use crate::model::{ChannelId, DiscordMessageId};

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

    /// Messages of a channel are gone: a post that was one of them grows no more, and the banner is
    /// to be made again. Gives back whether the banner was among them.
    pub async fn activity_removed(
        &self,
        channel: ChannelId,
        messages: &[DiscordMessageId],
    ) -> Result<bool> {
        let messages: Vec<i64> = messages.iter().map(|id| id.to_i64()).collect();
        let banner = sqlx::query_scalar(
            "WITH gone AS (
                 SELECT kind, entity_id FROM bridge.view
                 WHERE project_id = $1 AND channel_id = $2 AND message_id = ANY($3)
             ), closed AS (
                 UPDATE bridge.activity_post p SET closed = true FROM gone
                 WHERE gone.kind = 'activity_post' AND p.project_id = $1
                   AND gone.entity_id = lpad(to_hex(p.id), 32, '0')::uuid::text
             ), banner AS (
                 DELETE FROM bridge.view v USING gone
                 WHERE gone.kind = 'mission' AND v.project_id = $1 AND v.kind = 'mission'
                   AND v.channel_id = $2 AND v.message_id = ANY($3)
                 RETURNING 1
             )
             SELECT EXISTS (SELECT FROM banner)",
        )
        .bind(self.project.as_str())
        .bind(channel.to_i64())
        .bind(&messages)
        .fetch_one(&self.pool)
        .await?;
        Ok(banner)
    }
}
