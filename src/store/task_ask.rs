//! Looking for something in tasks: questions of agents, and threads that somebody wants to see.

use sqlx::FromRow;
use uuid::Uuid;

use super::{Result, Store};
use crate::model::task::TimelineItem;

/// A comment that may ask something, with the answer that counts.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Comment {
    /// What it says.
    pub content: String,
    /// The answer's author.
    pub answer_author: Option<String>,
    /// The name that came with it.
    pub answer_name: Option<String>,
    /// What it says: `Answer: A — …`.
    pub answer: Option<String>,
}

/// SQL for the words by which answers may name what `reference` names: an event may carry an old comment,
/// and answers name either (source: `ClawdOS`'s dashboard, and what is converted).
macro_rules! references {
    ($reference:literal, $task:literal) => {
        concat!(
            "SELECT ",
            $reference,
            "::text UNION ALL \
             SELECT 'lc_' || (q.metadata ->> 'legacy_comment_id') FROM task_events q \
             WHERE q.task_id = ",
            $task,
            " AND q.id::text = ",
            $reference,
            " UNION ALL \
             SELECT q.id::text FROM task_events q \
             WHERE q.task_id = ",
            $task,
            " AND 'lc_' || (q.metadata ->> 'legacy_comment_id') = ",
            $reference
        )
    };
}
pub(super) use references;

macro_rules! asked {
    ($from:literal) => {
        concat!(
            "SELECT coalesce(c.content, '') AS content, a.author AS answer_author, \
                    a.metadata ->> 'author_name' AS answer_name, a.content AS answer FROM ",
            $from,
            " c JOIN tasks k ON k.id = c.task_id AND k.deleted_at IS NULL \
             LEFT JOIN LATERAL (SELECT * FROM task_events e \
                 WHERE e.task_id = c.task_id AND e.event_type = 'comment' \
                   AND e.content LIKE 'Answer:%' AND e.metadata ->> 'reply_to' IN (SELECT id FROM (",
            references!("$3", "c.task_id"),
            ") AS r(id)) \
                 ORDER BY e.created_at, e.id LIMIT 1) a ON true \
             WHERE c.id = $1 AND c.project_id = $2"
        )
    };
}

impl Store {
    /// A comment of a task that is not deleted; none where there is none.
    pub async fn comment_asked(&self, item: TimelineItem) -> Result<Option<Comment>> {
        let (query, id) = match item {
            TimelineItem::Event(id) => (asked!("task_events"), id),
            TimelineItem::Comment(id) => (asked!("task_comments"), id),
        };
        let row = sqlx::query_as(query)
            .bind(id)
            .bind(self.project.as_str())
            .bind(item.reply_to())
            .fetch_optional(&self.pool)
            .await?;
        Ok(row)
    }

    /// Writes down that somebody wants to see the thread of a task, also of a finished one.
    pub async fn ask_for_thread(&self, task: Uuid) -> Result<()> {
        sqlx::query(
            "INSERT INTO bridge.task_thread (project_id, task_id, asked_at) VALUES ($1, $2, now()) \
             ON CONFLICT (project_id, task_id) DO UPDATE SET asked_at = excluded.asked_at",
        )
        .bind(self.project.as_str())
        .bind(task)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The title of a task that is not deleted, and where it stands.
    pub async fn task_title(&self, task: Uuid) -> Result<Option<(String, String)>> {
        let row = sqlx::query_as(
            "SELECT title, status FROM tasks \
             WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL",
        )
        .bind(task)
        .bind(self.project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row)
    }
}
