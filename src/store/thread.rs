//! Which thread shows which task (`bridge.task_thread`), and the tags of the forum.

use std::collections::HashMap;

use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::timeline_look::twin;
use super::{Result, Store};
use crate::model::view::{Entity, EntityKind};
use crate::model::{ChannelId, DiscordMessageId};

/// What Discord shows of a thread, as far as we know.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadShown {
    /// Its name.
    pub name: Option<String>,
    /// The word of its tag; none where it has none of ours.
    pub tag: Option<String>,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether it is locked: only people unlock it.
    pub locked: bool,
}

impl ThreadShown {
    /// Whether nothing can be written in it: a person has closed it for good.
    pub fn is_closed(&self) -> bool {
        self.archived && self.locked
    }
}

#[derive(FromRow)]
struct Unfilled {
    task_id: Uuid,
    kind: Option<String>,
    id: Option<Uuid>,
}

/// How far a thread has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadRead {
    /// The last message of a person that is known; else the begin of the thread.
    pub read_up_to: DiscordMessageId,
    /// The last message of anybody that is known from then.
    pub newest: DiscordMessageId,
}

/// Rows of the tasks `$2` that their threads do not show, oldest first. What an event carries is shown
/// as that.
const MISSING: &str = concat!(
    "
SELECT w.task_id, r.kind, r.id FROM unnest($2::uuid[]) AS w(task_id)
LEFT JOIN LATERAL (
    SELECT 'task_event' AS kind, e.id, e.created_at, e.ctid FROM task_events e
    WHERE e.task_id = w.task_id AND e.project_id = $1
      AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'task_event'
                      AND v.entity_id = e.id::text AND v.surface = 'task-' || w.task_id)
      AND NOT ",
    twin!(),
    "
    UNION ALL
    SELECT 'task_comment', c.id, c.created_at, c.ctid FROM task_comments c
    WHERE c.task_id = w.task_id AND c.project_id = $1
      AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'task_comment'
                      AND v.entity_id = c.id::text)
      AND NOT EXISTS (SELECT FROM task_events e WHERE e.task_id = w.task_id
                      AND e.metadata ->> 'legacy_comment_id' = c.id::text)
    UNION ALL
    SELECT 'task_output', o.id, o.created_at, o.ctid FROM task_outputs o
    WHERE o.task_id = w.task_id AND o.project_id = $1
      AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'task_output'
                      AND v.entity_id = o.id::text)
      AND NOT EXISTS (SELECT FROM task_events e WHERE e.task_id = w.task_id
                      AND e.metadata ->> 'legacy_output_id' = o.id::text)
) r ON true
ORDER BY r.created_at, r.ctid, r.id LIMIT $3"
);

impl Store {
    /// The threads in which something can be written, and whether they show all that happened before
    /// they were there.
    pub async fn open_threads(&self) -> Result<Vec<(Uuid, ChannelId, bool)>> {
        let rows: Vec<(Uuid, i64, bool)> = sqlx::query_as(
            "SELECT task_id, thread_id, filled_at IS NOT NULL FROM bridge.task_thread
             WHERE project_id = $1 AND thread_id IS NOT NULL AND NOT (archived AND locked)",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.into_iter();
        let threads =
            rows.filter_map(|(task, id, whole)| Some((task, ChannelId::from_i64(id)?, whole)));
        Ok(threads.collect())
    }

    /// The threads that are not known to be archived.
    pub async fn active_threads(&self) -> Result<Vec<ChannelId>> {
        let rows: Vec<i64> = sqlx::query_scalar(
            "SELECT thread_id FROM bridge.task_thread
             WHERE project_id = $1 AND thread_id IS NOT NULL AND NOT archived",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().filter_map(ChannelId::from_i64).collect())
    }

    /// Writes down the thread of a task, new, and nothing yet of what it shows. What happened before has
    /// to be put into it.
    pub async fn put_thread(&self, task: Uuid, thread: ChannelId) -> Result<()> {
        sqlx::query(
            "INSERT INTO bridge.task_thread AS t (project_id, task_id, thread_id)
             VALUES ($1, $2, $3)
             ON CONFLICT (project_id, task_id) DO UPDATE
             SET thread_id = excluded.thread_id, name = NULL, tag = NULL, archived = false,
                 locked = false, filled_at = NULL, updated_at = now()
             WHERE t.thread_id IS DISTINCT FROM excluded.thread_id",
        )
        .bind(self.project.as_str())
        .bind(task)
        .bind(thread.to_i64())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// We have changed a thread, if nobody else has since it showed `before`.
    pub async fn change_thread(
        &self,
        thread: ChannelId,
        before: &ThreadShown,
        now: &ThreadShown,
    ) -> Result<()> {
        sqlx::query(
            "UPDATE bridge.task_thread
             SET name = $3, tag = $4, archived = $5, updated_at = now()
             WHERE project_id = $1 AND thread_id = $2
               AND (name, tag, archived, locked) IS NOT DISTINCT FROM ($6, $7, $8, $9)",
        )
        .bind(self.project.as_str())
        .bind(thread.to_i64())
        .bind(now.name.as_deref())
        .bind(now.tag.as_deref())
        .bind(now.archived)
        .bind(before.name.as_deref())
        .bind(before.tag.as_deref())
        .bind(before.archived)
        .bind(before.locked)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// We have given a thread another name, if nobody else has since it had the one `before`.
    pub async fn rename_thread(&self, thread: ChannelId, before: &str, name: &str) -> Result<()> {
        sqlx::query(
            "UPDATE bridge.task_thread SET name = $4, updated_at = now()
             WHERE project_id = $1 AND thread_id = $2 AND name = $3",
        )
        .bind(self.project.as_str())
        .bind(thread.to_i64())
        .bind(before)
        .bind(name)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// A thread was seen like this. Gives back its task, if it is one of ours and was different. What
    /// a closed thread did not take is to be put into it once it is open again.
    pub async fn thread_seen(
        &self,
        thread: ChannelId,
        shown: &ThreadShown,
    ) -> Result<Option<Uuid>> {
        let mut on = self.pool.begin().await?;
        let task = sqlx::query_scalar(
            "UPDATE bridge.task_thread
             SET name = $3, tag = $4, archived = $5, locked = $6, updated_at = now(),
                 filled_at = CASE WHEN NOT (archived AND locked) THEN filled_at END
             WHERE project_id = $1 AND thread_id = $2
               AND (name, tag, archived, locked) IS DISTINCT FROM ($3, $4, $5, $6)
             RETURNING task_id",
        )
        .bind(self.project.as_str())
        .bind(thread.to_i64())
        .bind(shown.name.as_deref())
        .bind(shown.tag.as_deref())
        .bind(shown.archived)
        .bind(shown.locked)
        .fetch_optional(&mut *on)
        .await?;
        if task.is_some() && !shown.is_closed() {
            sqlx::query(
                "DELETE FROM bridge.view
                 WHERE project_id = $1 AND channel_id = $2 AND state = 'failed'",
            )
            .bind(self.project.as_str())
            .bind(thread.to_i64())
            .execute(&mut *on)
            .await?;
        }
        on.commit().await?;
        Ok(task)
    }

    /// A person has deleted a thread: it is made anew when something has happened in its task that was
    /// not shown in it, or when somebody asks for it. Gives back the task and its card, which may be left alone in a text
    /// channel.
    pub async fn thread_gone(
        &self,
        thread: ChannelId,
    ) -> Result<Option<(Uuid, Option<(ChannelId, DiscordMessageId)>)>> {
        let mut on = self.pool.begin().await?;
        let task: Option<Uuid> = sqlx::query_scalar(
            "UPDATE bridge.task_thread
             SET thread_id = NULL, filled_at = NULL, updated_at = now(),
                 removed_at = (SELECT max(greatest(v.updated_at, e.created_at)) FROM bridge.view v
                               LEFT JOIN task_events e ON v.kind = 'task_event' AND e.id = v.entity_id::uuid
                               WHERE v.project_id = $1 AND v.state = 'sent'
                                 AND (v.surface = 'task-' || task_id
                                      OR (v.kind = 'task' AND v.entity_id = task_id::text
                                          AND v.surface = 'tasks')))
             WHERE project_id = $1 AND thread_id = $2 RETURNING task_id",
        )
        .bind(self.project.as_str())
        .bind(thread.to_i64())
        .fetch_optional(&mut *on)
        .await?;
        let Some(task) = task else {
            return Ok(None);
        };
        let cards: Vec<(String, i64, Option<i64>)> = sqlx::query_as(
            "DELETE FROM bridge.view WHERE project_id = $1
               AND (surface = 'task-' || $2
                    OR (kind = 'task' AND entity_id = $2 AND surface = 'tasks'))
             RETURNING surface, channel_id, message_id",
        )
        .bind(self.project.as_str())
        .bind(task.to_string())
        .fetch_all(&mut *on)
        .await?;
        on.commit().await?;
        let card = cards.into_iter().find(|(surface, ..)| surface == "tasks");
        let card = card.and_then(|(_, channel, message)| {
            let message = DiscordMessageId::from_i64(message?)?;
            Some((ChannelId::from_i64(channel)?, message))
        });
        Ok(Some((task, card)))
    }

    /// The channel of all threads is gone, and they with it: they are made anew.
    pub async fn forget_threads(&self) -> Result<()> {
        let mut on = self.pool.begin().await?;
        self.forget_threads_on(&mut on).await?;
        on.commit().await?;
        Ok(())
    }

    /// The same in a transaction.
    pub(super) async fn forget_threads_on(&self, on: &mut PgConnection) -> Result<()> {
        sqlx::query(
            "UPDATE bridge.task_thread
             SET thread_id = NULL, filled_at = NULL, archived = false, locked = false
             WHERE project_id = $1 AND thread_id IS NOT NULL",
        )
        .bind(self.project.as_str())
        .execute(&mut *on)
        .await?;
        sqlx::query(
            "DELETE FROM bridge.view
             WHERE project_id = $1 AND (surface = 'tasks' OR surface LIKE 'task-%')",
        )
        .bind(self.project.as_str())
        .execute(&mut *on)
        .await?;
        Ok(())
    }

    /// What happened in tasks whose threads are not known to show all of it, oldest first, at most
    /// `limit`. With it come the tasks whose threads do: that is written down.
    pub async fn unfilled(&self, limit: i64) -> Result<(Vec<Entity>, Vec<Uuid>)> {
        let tasks: Vec<Uuid> = sqlx::query_scalar(
            "SELECT task_id FROM bridge.task_thread
             WHERE project_id = $1 AND thread_id IS NOT NULL AND filled_at IS NULL
               AND NOT (archived AND locked)
             ORDER BY updated_at LIMIT 50",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        if tasks.is_empty() {
            return Ok((Vec::new(), tasks));
        }
        let mut whole = Vec::new();
        let rows: Vec<Unfilled> = sqlx::query_as(MISSING)
            .bind(self.project.as_str())
            .bind(&tasks)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let lacks = |task: &Uuid| rows.iter().any(|it| it.task_id == *task && it.id.is_some());
        if i64::try_from(rows.len()).unwrap_or(limit) < limit {
            whole = tasks.into_iter().filter(|task| !lacks(task)).collect();
            sqlx::query(
                "UPDATE bridge.task_thread SET filled_at = now()
                 WHERE project_id = $1 AND task_id = ANY($2)",
            )
            .bind(self.project.as_str())
            .bind(&whole)
            .execute(&self.pool)
            .await?;
        }
        let missing = rows.into_iter().filter_map(|row| {
            Some(Entity {
                kind: EntityKind::parse(row.kind.as_deref()?)?,
                id: row.id?,
            })
        });
        Ok((missing.collect(), whole))
    }

    /// How far the threads of tasks have been read, as far as that was before `before`.
    pub async fn read_threads(
        &self,
        before: DiscordMessageId,
    ) -> Result<HashMap<ChannelId, ThreadRead>> {
        let rows: Vec<(i64, Option<i64>, Option<i64>)> = sqlx::query_as(
            "SELECT t.thread_id,
                    max(v.message_id) FILTER (WHERE v.author_kind = 'person' AND v.message_id < $2),
                    max(v.message_id) FILTER (WHERE v.message_id < $2)
             FROM bridge.task_thread t
             LEFT JOIN bridge.view v ON v.project_id = $1 AND v.channel_id = t.thread_id
             WHERE t.project_id = $1 AND t.thread_id IS NOT NULL
             GROUP BY t.thread_id",
        )
        .bind(self.project.as_str())
        .bind(before.to_i64())
        .fetch_all(&self.pool)
        .await?;
        let read = rows.into_iter().filter_map(|(thread, person, newest)| {
            let thread = ChannelId::from_i64(thread)?;
            let begin = DiscordMessageId::new(thread.get())?;
            let id = |id: Option<i64>| id.and_then(DiscordMessageId::from_i64).unwrap_or(begin);
            let read = ThreadRead {
                read_up_to: id(person),
                newest: id(newest),
            };
            Some((thread, read))
        });
        Ok(read.collect())
    }

    /// The tags of a forum that are ours, by the words of tasks' states.
    pub async fn forum_tags(&self, forum: ChannelId) -> Result<HashMap<String, u64>> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "SELECT status, tag_id FROM bridge.forum_tag WHERE project_id = $1 AND forum_id = $2",
        )
        .bind(self.project.as_str())
        .bind(forum.to_i64())
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.into_iter();
        Ok(rows.map(|(word, id)| (word, id.cast_unsigned())).collect())
    }

    /// Writes them down.
    pub async fn bind_tags(&self, forum: ChannelId, tags: &HashMap<String, u64>) -> Result<()> {
        let (words, ids): (Vec<&str>, Vec<i64>) = tags
            .iter()
            .map(|(word, id)| (word.as_str(), id.cast_signed()))
            .unzip();
        sqlx::query(
            "INSERT INTO bridge.forum_tag (project_id, forum_id, status, tag_id)
             SELECT $1, $2, n.word, n.id FROM unnest($3::text[], $4::int8[]) AS n(word, id)
             ON CONFLICT (project_id, forum_id, status) DO UPDATE SET tag_id = excluded.tag_id",
        )
        .bind(self.project.as_str())
        .bind(forum.to_i64())
        .bind(&words)
        .bind(&ids)
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
