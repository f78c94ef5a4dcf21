//! Tasks in lists: for who looks for one, and for the Control API.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::chat::storable;
use super::team::short;
use super::{Result, Store, readable};
use crate::model::AgentKey;
use crate::model::task::TaskStatus;

/// A task as `GET /api/tasks` shows it, in the words of the row.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct TaskRow {
    /// The row.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// What is to be done.
    pub description: Option<String>,
    /// Its status, unread.
    pub status: String,
    /// Whose it is, unread.
    pub assignee_agent_key: Option<String>,
    /// Whether an operator has to decide first.
    pub is_proposed: bool,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When its row changed last.
    pub updated_at: DateTime<Utc>,
}

/// A task on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLine {
    /// The row.
    pub id: Uuid,
    /// Its title.
    pub title: String,
    /// Where it stands.
    pub status: TaskStatus,
    /// Whose it is, as the column says.
    pub assignee: Option<String>,
    /// Whether an operator has to decide first.
    pub is_proposed: bool,
    /// When its row changed last.
    pub touched_at: DateTime<Utc>,
}

impl From<TaskRow> for TaskLine {
    fn from(row: TaskRow) -> Self {
        Self {
            id: row.id,
            title: row.title,
            status: TaskStatus::parse(&row.status),
            assignee: row.assignee_agent_key,
            is_proposed: row.is_proposed,
            touched_at: row.updated_at,
        }
    }
}

/// Which tasks are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct TaskFilter<'a> {
    /// Of these statuses; any when empty.
    pub statuses: &'a [TaskStatus],
    /// Of this agent's, whatever its branch.
    pub assignee: Option<&'a AgentKey>,
    /// Whose row changed after this time.
    pub updated_since: Option<DateTime<Utc>>,
}

/// Deleted and rejected tasks are in no list.
macro_rules! task_rows {
    () => {
        concat!(
            "SELECT id, title, left(description, 4000) AS description, status, assignee_agent_key, \
                 coalesce(is_proposed, false) AS is_proposed, ",
            readable!("created_at"),
            " AS created_at, ",
            readable!("updated_at"),
            " AS updated_at FROM tasks \
             WHERE project_id = $1 AND deleted_at IS NULL AND rejected_at IS NULL "
        )
    };
}

impl Store {
    /// Tasks, those whose row changed last first, at most so many.
    pub async fn list_tasks(&self, filter: TaskFilter<'_>, limit: i64) -> Result<Vec<TaskRow>> {
        let statuses: Vec<&str> = filter.statuses.iter().map(TaskStatus::as_str).collect();
        let rows = sqlx::query_as(concat!(
            task_rows!(),
            "AND ($2::text[] = '{}' OR status = ANY($2)) AND ($3::text IS NULL OR ",
            short!("assignee_agent_key"),
            " = $3) AND ($4::timestamptz IS NULL OR updated_at > $4) \
             ORDER BY updated_at DESC, id LIMIT $5"
        ))
        .bind(self.project.as_str())
        .bind(statuses)
        .bind(filter.assignee.map(AgentKey::short))
        .bind(filter.updated_since)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// Tasks that somebody may mean who has typed this: by their title, or the beginning of their id. What is
    /// not finished comes first, then what changed last. Nothing typed: all.
    pub async fn find_tasks(&self, typed: &str, limit: i64) -> Result<Vec<TaskLine>> {
        let typed: String = typed.trim().chars().take(100).collect();
        let rows: Vec<TaskRow> = sqlx::query_as(concat!(
            task_rows!(),
            "AND (strpos(lower(title), lower($2)) > 0 OR starts_with(id::text, lower($2))) \
             ORDER BY status IN ('done', 'stopped'), updated_at DESC, id LIMIT $3"
        ))
        .bind(self.project.as_str())
        .bind(storable(&typed))
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(TaskLine::from).collect())
    }
}
