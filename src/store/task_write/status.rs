//! Where a task stands.

use serde_json::json;
use sqlx::{Acquire, PgConnection};
use uuid::Uuid;

use super::{Changed, Doer, Locked, NewEvent, begins, lock, note, wake, write_event};
use crate::model::task::TaskStatus;
use crate::model::waking::status_words;
use crate::model::{AgentKey, ProjectId};
use crate::store::chat::storable;
use crate::store::{Result, Store};

/// What a stopped task says where the database has no such status and nobody gave a reason.
const STOPPED: &str = "Stopped";

/// SQLSTATE of a row that a CHECK refuses.
const CHECK_VIOLATION: &str = "23514";

/// A change of status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusChange {
    /// From this.
    pub old: TaskStatus,
    /// To this; [`TaskStatus::Blocked`] where the database refuses [`TaskStatus::Stopped`].
    pub new: TaskStatus,
    /// The task's title.
    pub title: String,
    /// Whose it is, as far as that is an agent's key.
    pub assignee: Option<AgentKey>,
    /// The agent that was woken: a message waits for it.
    pub woken: Option<AgentKey>,
}

/// What became of a program's change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// It happened, or was so, or there is no such task.
    Changed(Changed<StatusChange>),
    /// The task is done, which only a person takes back.
    Final,
    /// The task is proposed, and only an operator takes it on.
    Undecided,
}

/// Who may change what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Rules {
    /// An operator: everything.
    Operator,
    /// A program or an agent: not what is done, and not what an operator has to decide.
    Program,
}

impl Store {
    /// Moves a task for an operator, with its event and activity. An assignee is woken where it begins.
    pub async fn set_task_status(
        &self,
        task: Uuid,
        status: &TaskStatus,
        reason: Option<&str>,
        by: Doer<'_>,
    ) -> Result<Changed<StatusChange>> {
        let mut tx = self.pool().begin().await?;
        let project = self.project();
        let moved = change_status(
            &mut tx,
            project,
            task,
            (status, reason),
            by,
            Rules::Operator,
        );
        let moved = moved.await?;
        tx.commit().await?;
        Ok(match moved {
            Moved::Changed(changed) => changed,
            // No rule holds for operators.
            Moved::Final | Moved::Undecided => Changed::Same,
        })
    }

    /// The same for a program: it takes nothing back that is done, and decides no proposal.
    pub async fn move_task_for_program(
        &self,
        task: Uuid,
        status: &TaskStatus,
        reason: Option<&str>,
        by: Doer<'_>,
    ) -> Result<Moved> {
        let mut tx = self.pool().begin().await?;
        let project = self.project();
        let moved = change_status(&mut tx, project, task, (status, reason), by, Rules::Program);
        let moved = moved.await?;
        tx.commit().await?;
        Ok(moved)
    }
}

/// Moves a task in the caller's transaction.
pub(in crate::store) async fn change_status(
    on: &mut PgConnection,
    project: &ProjectId,
    task: Uuid,
    (status, reason): (&TaskStatus, Option<&str>),
    by: Doer<'_>,
    rules: Rules,
) -> Result<Moved> {
    let Some(row) = lock(on, project, task).await? else {
        return Ok(Moved::Changed(Changed::Unknown));
    };
    let old = TaskStatus::parse(&row.status);
    if *status == old {
        return Ok(Moved::Changed(Changed::Same));
    }
    if rules == Rules::Program && old == TaskStatus::Done {
        return Ok(Moved::Final);
    }
    if rules == Rules::Program && row.is_proposed && old == TaskStatus::Inbox {
        return Ok(Moved::Undecided);
    }
    let (new, kept) = match update(on, task, status, reason).await? {
        Updated::Done => (status.clone(), reason),
        Updated::Refused => {
            let kept = reason.unwrap_or(STOPPED);
            if old == TaskStatus::Blocked && row.blocked_reason.as_deref() == Some(kept) {
                return Ok(Moved::Changed(Changed::Same));
            }
            update(on, task, &TaskStatus::Blocked, Some(kept)).await?;
            (TaskStatus::Blocked, Some(kept))
        }
    };
    let step = Step {
        old,
        new,
        wanted: status,
        reason: kept,
    };
    tell(on, project, &row, step, by).await
}

struct Step<'a> {
    old: TaskStatus,
    new: TaskStatus,
    wanted: &'a TaskStatus,
    reason: Option<&'a str>,
}

/// The event, the activity, and the agent that begins.
async fn tell(
    on: &mut PgConnection,
    project: &ProjectId,
    row: &Locked,
    step: Step<'_>,
    by: Doer<'_>,
) -> Result<Moved> {
    let mut content = format!("{} → {}", status_words(&step.old), status_words(&step.new));
    let instead = (step.new != *step.wanted).then_some(step.wanted);
    if let Some(wanted) = instead {
        content = format!("{content}: it is {wanted}, which this database has no status for");
    }
    let mut metadata = json!({ "old_status": step.old.as_str(), "new_status": step.new.as_str() });
    if let Some(reason) = step.reason {
        metadata["reason"] = reason.into();
    }
    if let Some(wanted) = instead {
        metadata["wanted_status"] = wanted.as_str().into();
    }
    let event = NewEvent {
        id: Uuid::new_v4(),
        task: row.id,
        event_type: "status_change",
        author: by.author,
        content: Some(&content),
        metadata: by.metadata(metadata),
        at: None,
    };
    let id = event.id;
    write_event(on, project, event).await?;
    let what = format!("moved {}: {content}", row.title);
    note(on, project, row.id, "task_moved", by, &what).await?;
    let agent = row.agent();
    let begun = agent.clone().filter(|_| step.new == TaskStatus::InProgress);
    let woken = wake(on, project, begun, begins(row, id, false), by).await?;
    Ok(Moved::Changed(Changed::Now(StatusChange {
        old: step.old,
        new: step.new,
        title: row.title.clone(),
        assignee: agent,
        woken,
    })))
}

enum Updated {
    Done,
    /// The table has no such status.
    Refused,
}

/// Writes the status and what hangs on it: whether the task is still proposed, rejected, or blocked and why.
/// Only [`TaskStatus::Stopped`] may be refused without an error (source: `ClawdOS`'s CHECK lacks it).
async fn update(
    on: &mut PgConnection,
    task: Uuid,
    status: &TaskStatus,
    reason: Option<&str>,
) -> Result<Updated> {
    // What fails takes back no more than itself.
    let mut attempt = on.begin().await?;
    let done = sqlx::query(
        "UPDATE tasks SET status = $2, \
             is_proposed = CASE WHEN $2 = 'inbox' THEN is_proposed ELSE false END, \
             rejected_at = CASE WHEN $2 = 'done' THEN rejected_at END, \
             rejected_reason = CASE WHEN $2 = 'done' THEN rejected_reason END, \
             blocked_reason = CASE WHEN $2 = 'blocked' THEN $3 END, \
             blocked_at = CASE WHEN $2 = 'blocked' THEN now() END \
         WHERE id = $1",
    )
    .bind(task)
    .bind(status.as_str())
    .bind(reason.map(storable))
    .execute(&mut *attempt)
    .await;
    match done {
        Ok(_) => {
            attempt.commit().await?;
            Ok(Updated::Done)
        }
        Err(sqlx::Error::Database(refused))
            if *status == TaskStatus::Stopped
                && refused.code().as_deref() == Some(CHECK_VIOLATION) =>
        {
            attempt.rollback().await?;
            Ok(Updated::Refused)
        }
        Err(error) => Err(error.into()),
    }
}
