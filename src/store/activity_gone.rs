//! Messages in `#activity` that people have taken away.

use sqlx::PgConnection;
use uuid::Uuid;

use super::activity::hold_places;
use super::numbered::numbers;
use super::{Result, Store};
use crate::model::{ChannelId, DiscordMessageId};

/// What was taken away.
#[derive(Debug, Default)]
pub struct Removed {
    /// Whether the banner was among it: it is to be made again.
    pub banner: bool,
    /// Rows of `activities` that had a place in a post and were not shown there yet.
    pub unseen: Vec<Uuid>,
}

impl Store {
    /// Messages of a channel are gone: a post that was one of them grows no more, and what it had not
    /// shown yet has no place any more.
    pub async fn activity_removed(
        &self,
        channel: ChannelId,
        messages: &[DiscordMessageId],
    ) -> Result<Removed> {
        let messages: Vec<i64> = messages.iter().map(|id| id.to_i64()).collect();
        let mut transaction = self.pool.begin().await?;
        let (banner, posts): (bool, Vec<Uuid>) = sqlx::query_as(
            "WITH gone AS (
                 SELECT kind, entity_id FROM bridge.view
                 WHERE project_id = $1 AND channel_id = $2 AND message_id = ANY($3)
             ), banner AS (
                 DELETE FROM bridge.view v USING gone
                 WHERE gone.kind = 'mission' AND v.project_id = $1 AND v.kind = 'mission'
                   AND v.channel_id = $2 AND v.message_id = ANY($3)
                 RETURNING 1
             )
             SELECT EXISTS (SELECT FROM banner),
                    ARRAY(SELECT entity_id::uuid FROM gone WHERE kind = 'activity_post')",
        )
        .bind(self.project.as_str())
        .bind(channel.to_i64())
        .bind(&messages)
        .fetch_one(&mut *transaction)
        .await?;
        let unseen = self.close_posts(&mut transaction, &posts).await?;
        transaction.commit().await?;
        Ok(Removed { banner, unseen })
    }

    /// The messages of these posts are gone: they grow no more. Gives back the rows that they had not
    /// shown yet, whose places are free. Told again of the same, there are none.
    pub(super) async fn close_posts(
        &self,
        on: &mut PgConnection,
        posts: &[Uuid],
    ) -> Result<Vec<Uuid>> {
        if posts.is_empty() {
            return Ok(Vec::new());
        }
        // What gets a place meanwhile must be seen here.
        hold_places(&self.project, on).await?;
        let unseen = sqlx::query_scalar(
            "WITH shown AS (
                 SELECT p.id, CASE WHEN v.row_xmin <> ''
                     THEN coalesce(nullif(split_part(v.row_xmin, ':', 2), ''), '0')::bigint END AS reach
                 FROM bridge.activity_post p LEFT JOIN bridge.view v
                   ON v.project_id = $1 AND v.kind = 'activity_post'
                  AND v.entity_id = lpad(to_hex(p.id), 32, '0')::uuid::text
                 WHERE p.project_id = $1 AND p.id = ANY($2) AND NOT p.closed
             ), closed AS (
                 UPDATE bridge.activity_post p SET closed = true FROM shown WHERE p.id = shown.id
             )
             DELETE FROM bridge.activity m USING shown
             WHERE m.post_id = shown.id AND m.nth > shown.reach
             RETURNING m.activity_id",
        )
        .bind(self.project.as_str())
        .bind(numbers(posts))
        .fetch_all(&mut *on)
        .await?;
        // Who does not know what is closed goes by the version alone, as before.
        sqlx::query(
            "UPDATE bridge.view SET row_xmin = split_part(row_xmin, ':', 1)
             WHERE project_id = $1 AND kind = 'activity_post' AND state = 'failed'
               AND entity_id = ANY($2::uuid[]::text[])",
        )
        .bind(self.project.as_str())
        .bind(posts)
        .execute(on)
        .await?;
        Ok(unseen)
    }
}
