//! What is done about tasks, by whomever: each in one transaction, with its event, its activity, and the
//! messages that wake the agents it concerns. Decided with the task's row locked, so that of two who do the
//! same at once one did it.

mod answer;
mod change;
mod comment;
mod output;
mod status;
mod turn;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::chat::{storable, storable_json};
use super::waking;
use crate::model::waking::{About, Waking};
use crate::model::{AgentKey, ProjectId};

pub use self::answer::Answered;
pub use self::change::{Assignment, NewTask};
pub use self::comment::{Commented, Corrected, Correction, NewComment};
pub use self::output::NewOutput;
pub use self::status::{Moved, StatusChange};
pub use self::turn::{TaskNews, Told};
pub use super::waking::Wakes;
pub(super) use comment::write_comment;
pub(super) use status::{Rules, change_status};
pub(super) use turn::write_news;

/// Longest title of a task, in characters (source: the issue of task threads).
pub const LONGEST_TITLE: usize = 5_000;

/// Who does something about a task.
#[derive(Debug, Clone, Copy)]
pub struct Doer<'a> {
    /// The `author` of its event: `dashboard` for operators, `discord:<user id>`, an agent's key, `system`.
    pub author: &'a str,
    /// What the event's metadata says of them, an object: `author_name`, `discord_user_id`, …
    pub metadata: &'a Value,
    /// Whether agents are woken by it, and how. Absent for agents, programs and members who may not ask.
    pub wakes: Option<Wakes<'a>>,
}

impl<'a> Doer<'a> {
    /// How activities call them.
    fn name(&self) -> &'a str {
        let name = self.metadata.get("author_name").and_then(Value::as_str);
        name.unwrap_or(self.author)
    }

    /// The metadata of their event: theirs, and over it what the event says.
    fn metadata(&self, event: Value) -> Value {
        let mut all = match self.metadata {
            Value::Object(fields) => fields.clone(),
            _ => Map::new(),
        };
        if let Value::Object(fields) = event {
            all.extend(fields);
        }
        Value::Object(all)
    }
}

/// What became of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changed<T> {
    /// It happened, just now.
    Now(T),
    /// It is so already; nothing was written.
    Same,
    /// There is no such task in this project, or it is deleted.
    Unknown,
}

/// A task as its row says, locked.
#[derive(Debug, sqlx::FromRow)]
struct Locked {
    id: Uuid,
    title: String,
    description: Option<String>,
    status: String,
    assignee: Option<String>,
    is_proposed: bool,
    blocked_reason: Option<String>,
    is_deleted: bool,
}

impl Locked {
    fn about(&self) -> About<'_> {
        About {
            task: self.id,
            title: &self.title,
        }
    }

    /// Whose it is, as far as that is an agent's key.
    fn agent(&self) -> Option<AgentKey> {
        self.assignee.as_deref()?.parse().ok()
    }
}

/// A task of this project with its row locked; none when there is none, or it is deleted.
async fn lock(on: &mut PgConnection, project: &ProjectId, task: Uuid) -> Result<Option<Locked>> {
    let row = lock_deleted_too(on, project, task).await?;
    Ok(row.filter(|row| !row.is_deleted))
}

async fn lock_deleted_too(
    on: &mut PgConnection,
    project: &ProjectId,
    task: Uuid,
) -> Result<Option<Locked>> {
    let row = sqlx::query_as(
        "SELECT id, title, description, status, assignee_agent_key AS assignee, \
                coalesce(is_proposed, false) AS is_proposed, blocked_reason, \
                deleted_at IS NOT NULL AS is_deleted \
         FROM tasks WHERE id = $1 AND project_id = $2 FOR NO KEY UPDATE",
    )
    .bind(task)
    .bind(project.as_str())
    .fetch_optional(on)
    .await?;
    Ok(row)
}

/// An event of one of these functions.
#[derive(Debug)]
struct NewEvent<'a> {
    id: Uuid,
    task: Uuid,
    event_type: &'a str,
    author: &'a str,
    content: Option<&'a str>,
    metadata: Value,
    /// When; now when absent.
    at: Option<DateTime<Utc>>,
}

/// Writes it. Now is what the clock says, not the transaction: what waited for a lock came later. False where
/// an event of that id is there.
async fn write_event(
    on: &mut PgConnection,
    project: &ProjectId,
    event: NewEvent<'_>,
) -> Result<bool> {
    let written = sqlx::query(
        "INSERT INTO task_events \
             (id, project_id, task_id, event_type, author, content, metadata, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, coalesce($8, clock_timestamp())) ON CONFLICT (id) DO NOTHING",
    )
    .bind(event.id)
    .bind(project.as_str())
    .bind(event.task)
    .bind(event.event_type)
    .bind(storable(event.author))
    .bind(event.content.map(storable))
    .bind(storable_json(&event.metadata))
    .bind(event.at)
    .execute(on)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Longest activity, in characters: a title alone may have thousands.
const ACTIVITY: usize = 300;

/// Writes an activity: `what` after the name of who did it.
async fn note(
    on: &mut PgConnection,
    project: &ProjectId,
    task: Uuid,
    kind: &str,
    by: Doer<'_>,
    what: &str,
) -> Result<()> {
    let message = format!("{} {what}", by.name());
    let mut kept: String = message.chars().take(ACTIVITY).collect();
    if kept.len() < message.len() {
        kept.push('…');
    }
    sqlx::query(
        "INSERT INTO activities (project_id, type, message, actor_agent_key, task_id) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(project.as_str())
    .bind(kind)
    .bind(storable(&kept))
    .bind(storable(by.author))
    .bind(task)
    .execute(on)
    .await?;
    Ok(())
}

/// Wakes an agent where the doer's doings do. Gives it back where it was woken.
async fn wake(
    on: &mut PgConnection,
    project: &ProjectId,
    agent: Option<AgentKey>,
    news: waking::News<'_>,
    by: Doer<'_>,
) -> Result<Option<AgentKey>> {
    let (Some(agent), Some(wakes)) = (agent, by.wakes) else {
        return Ok(None);
    };
    let woken = waking::wake(on, project, &agent, &news, wakes).await?;
    Ok(woken.then_some(agent))
}

/// What an agent is told that begins with a task.
fn begins(task: &Locked, event: Uuid, handed_over: bool) -> waking::News<'_> {
    let description = task.description.as_deref();
    waking::News {
        event,
        about: task.about(),
        what: if handed_over {
            Waking::HandedOver { description }
        } else {
            Waking::Started { description }
        },
    }
}
