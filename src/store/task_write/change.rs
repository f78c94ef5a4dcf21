//! Tasks that begin, change hands and go.

use serde_json::json;
use uuid::Uuid;

use super::{Changed, Doer, NewEvent, begins, lock, note, wake, write_event};
use crate::model::AgentKey;
use crate::model::task::TaskStatus;
use crate::store::chat::{storable, storable_json};
use crate::store::{Result, Store};

/// A task that is about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewTask<'a> {
    /// Its id; drawn at random when absent. A given id makes the write idempotent.
    pub id: Option<Uuid>,
    /// Its title: 1 to [`super::LONGEST_TITLE`] characters, which is for the caller to see to.
    pub title: &'a str,
    /// What is to be done.
    pub description: Option<&'a str>,
    /// Whose it is; that the agent is known is for the caller to see to.
    pub assignee: Option<&'a AgentKey>,
    /// Whether an operator has to decide first.
    pub proposed: bool,
}

/// A task that changed hands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Whose it was, as the column said.
    pub old: Option<String>,
    /// Whose it is.
    pub new: Option<AgentKey>,
    /// The task's title.
    pub title: String,
    /// The agent that was woken: a message waits for it.
    pub woken: Option<AgentKey>,
}

impl Store {
    /// Makes a task, with its first event and an activity: in the inbox, or assigned where it is an agent's
    /// and not proposed. None where a task of that id exists; then nothing is written.
    pub async fn new_task(&self, task: NewTask<'_>, by: Doer<'_>) -> Result<Option<Uuid>> {
        let id = task.id.unwrap_or_else(Uuid::new_v4);
        let mut tx = self.pool().begin().await?;
        let assigned = task.assignee.is_some() && !task.proposed;
        let description = task.description.map(str::trim).unwrap_or_default();
        let snapshot = by.metadata(json!({ "created_by": by.author }));
        let written = sqlx::query(
            "INSERT INTO tasks (id, project_id, title, description, status, assignee_agent_key, \
                 is_proposed, context_snapshot) \
             VALUES ($1, $2, $3, nullif($4, ''), $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(self.project().as_str())
        .bind(storable(task.title.trim()))
        .bind(storable(description))
        .bind(if assigned { "assigned" } else { "inbox" })
        .bind(task.assignee.map(AgentKey::as_str))
        .bind(task.proposed)
        .bind(storable_json(&snapshot))
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Ok(None);
        }
        let event = NewEvent {
            id: Uuid::new_v4(),
            task: id,
            event_type: "comment",
            author: by.author,
            content: Some(if task.proposed { "Proposed" } else { "Created" }),
            metadata: by.metadata(json!({
                "is_proposed": task.proposed, "assignee_agent_key": task.assignee,
            })),
            at: None,
        };
        write_event(&mut tx, self.project(), event).await?;
        let (kind, verb) = if task.proposed {
            ("task_proposed", "proposed")
        } else {
            ("task_created", "created")
        };
        let what = format!("{verb} {}", task.title.trim());
        note(&mut tx, self.project(), id, kind, by, &what).await?;
        tx.commit().await?;
        Ok(Some(id))
    }

    /// Gives a task to an agent, or to nobody. An agent that gets one in progress is woken. That the agent is
    /// known is for the caller to see to.
    pub async fn assign_task(
        &self,
        task: Uuid,
        agent: Option<&AgentKey>,
        by: Doer<'_>,
    ) -> Result<Changed<Assignment>> {
        let mut tx = self.pool().begin().await?;
        let Some(row) = lock(&mut tx, self.project(), task).await? else {
            return Ok(Changed::Unknown);
        };
        if row.agent().as_ref() == agent && row.assignee.is_some() == agent.is_some() {
            return Ok(Changed::Same);
        }
        sqlx::query("UPDATE tasks SET assignee_agent_key = $2 WHERE id = $1")
            .bind(task)
            .bind(agent.map(AgentKey::as_str))
            .execute(&mut *tx)
            .await?;
        let to = agent.map_or("nobody", AgentKey::as_str);
        let content = match &row.assignee {
            Some(old) => format!("Assigned to {to}; it was {old}'s"),
            None => format!("Assigned to {to}"),
        };
        let event = NewEvent {
            id: Uuid::new_v4(),
            task,
            event_type: "assignment_change",
            author: by.author,
            content: Some(&content),
            metadata: by.metadata(json!({
                "old_assignee": row.assignee, "new_assignee": agent,
            })),
            at: None,
        };
        let id = event.id;
        write_event(&mut tx, self.project(), event).await?;
        let what = format!("assigned {} to {to}", row.title);
        note(&mut tx, self.project(), task, "task_assigned", by, &what).await?;
        let works = TaskStatus::parse(&row.status) == TaskStatus::InProgress;
        let agent_now = agent.cloned();
        let begun = agent_now.clone().filter(|_| works);
        let news = begins(&row, id, true);
        let woken = wake(&mut tx, self.project(), begun, news, by).await?;
        tx.commit().await?;
        Ok(Changed::Now(Assignment {
            old: row.assignee,
            new: agent_now,
            title: row.title,
            woken,
        }))
    }

    /// Deletes a task as `ClawdOS` does: the row stays, and says when and by whom.
    pub async fn delete_task(&self, task: Uuid, by: Doer<'_>) -> Result<Changed<()>> {
        let mut tx = self.pool().begin().await?;
        let Some(row) = lock(&mut tx, self.project(), task).await? else {
            return Ok(Changed::Unknown);
        };
        sqlx::query(
            "UPDATE tasks SET deleted_at = clock_timestamp(), deleted_by = $2 WHERE id = $1",
        )
        .bind(task)
        .bind(storable(by.author))
        .execute(&mut *tx)
        .await?;
        let event = NewEvent {
            id: Uuid::new_v4(),
            task,
            event_type: "task_deleted",
            author: by.author,
            content: Some("Deleted"),
            metadata: by.metadata(json!({})),
            at: None,
        };
        write_event(&mut tx, self.project(), event).await?;
        let what = format!("deleted {}", row.title);
        note(&mut tx, self.project(), task, "task_deleted", by, &what).await?;
        tx.commit().await?;
        Ok(Changed::Now(()))
    }
}
