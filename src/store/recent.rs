//! The newest messages of a thread or of the room, for who reads the chat through the Control API.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Result, Store, readable};
use crate::model::ThreadId;
use crate::model::thread::ROOM_TITLE;

/// A message as `GET /api/chat/recent` shows it; unlike a model type it keeps the words of the row.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct RecentMessage {
    /// The row.
    pub id: Uuid,
    /// The `author` column, unread.
    pub author: String,
    /// The text.
    pub message: String,
    /// Its thread.
    pub thread_id: Option<Uuid>,
    /// When.
    pub created_at: DateTime<Utc>,
}

impl Store {
    /// The newest messages, newest first: of a thread, or of the Team Room (every thread `General`
    /// and the rows without a thread, since `ClawdOS` writes both).
    pub async fn recent_messages(
        &self,
        thread: Option<ThreadId>,
        limit: i64,
    ) -> Result<Vec<RecentMessage>> {
        let query = match thread {
            Some(_) => {
                concat!(
                    "SELECT id, author, message, thread_id, ",
                    readable!("created_at"),
                    " AS created_at
                 FROM project_chat_messages
                 WHERE project_id = $1 AND thread_id = $2 AND $3::text IS NOT NULL
                 ORDER BY project_chat_messages.created_at DESC, id DESC LIMIT $4"
                )
            }
            None => {
                concat!(
                    "SELECT id, author, message, thread_id, ",
                    readable!("created_at"),
                    " AS created_at
                 FROM project_chat_messages
                 WHERE project_id = $1 AND $2::uuid IS NULL AND (thread_id IS NULL OR thread_id IN
                     (SELECT id FROM project_chat_threads WHERE project_id = $1 AND title = $3))
                 ORDER BY project_chat_messages.created_at DESC, id DESC LIMIT $4"
                )
            }
        };
        let rows = sqlx::query_as(query)
            .bind(self.project.as_str())
            .bind(thread.map(|thread| thread.0))
            .bind(ROOM_TITLE)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        Ok(rows)
    }
}
