//! What happens in a task: `task_events`, which only grows.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::chat::{storable, storable_json};
use super::{Result, Store, readable};

/// An event as `GET /api/tasks/:id/events` shows it, in the words of the row.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskEvent {
    /// The row.
    pub id: Uuid,
    /// Its type, unread.
    pub event_type: String,
    /// Its author, unread.
    pub author: String,
    /// What is said, if anything.
    pub content: Option<String>,
    /// Whatever belongs to it.
    pub metadata: Option<Value>,
    /// When.
    pub created_at: DateTime<Utc>,
}

#[derive(FromRow)]
struct EventRow {
    id: Uuid,
    event_type: String,
    author: String,
    content: Option<String>,
    /// JSON as text: the database takes numbers and depths that nobody else can read.
    metadata: Option<String>,
    created_at: DateTime<Utc>,
}

impl From<EventRow> for TaskEvent {
    fn from(row: EventRow) -> Self {
        // What cannot be read is given as it is written.
        let read = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self {
            id: row.id,
            event_type: row.event_type,
            author: row.author,
            content: row.content,
            metadata: row.metadata.map(read),
            created_at: row.created_at,
        }
    }
}

/// An event that is about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewTaskEvent<'a> {
    /// The task.
    pub task: Uuid,
    /// Its type.
    pub event_type: &'a str,
    /// Its author.
    pub author: &'a str,
    /// What is said.
    pub content: Option<&'a str>,
    /// Whatever belongs to it, an object.
    pub metadata: Option<&'a Value>,
}

impl Store {
    /// Whether a task is one of this project's, and not deleted.
    pub async fn has_task(&self, task: Uuid) -> Result<bool> {
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM tasks
                 WHERE id = $1 AND project_id = $2 AND deleted_at IS NULL)",
        )
        .bind(task)
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// The newest events of a task, newest first.
    pub async fn task_events(&self, task: Uuid, limit: i64) -> Result<Vec<TaskEvent>> {
        let events: Vec<EventRow> = sqlx::query_as(concat!(
            "SELECT e.id, e.event_type, e.author, e.content, e.metadata::text AS metadata, ",
            readable!("e.created_at"),
            " AS created_at FROM task_events e
             WHERE e.task_id = $1 AND e.project_id = $2
             ORDER BY e.created_at DESC, e.id DESC LIMIT $3"
        ))
        .bind(task)
        .bind(self.project.as_str())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(events.into_iter().map(TaskEvent::from).collect())
    }

    /// Writes an event. `None` when this project has no such task.
    pub async fn add_task_event(&self, event: NewTaskEvent<'_>) -> Result<Option<Uuid>> {
        let id = sqlx::query_scalar(
            "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata)
             SELECT $1, k.id, $3, $4, $5, $6 FROM tasks k
             WHERE k.id = $2 AND k.project_id = $1 AND k.deleted_at IS NULL
             RETURNING id",
        )
        .bind(self.project.as_str())
        .bind(event.task)
        .bind(event.event_type)
        .bind(storable(event.author))
        .bind(event.content.map(storable))
        .bind(event.metadata.map(storable_json))
        .fetch_optional(&self.pool)
        .await?;
        Ok(id)
    }
}
