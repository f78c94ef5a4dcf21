//! What the rows that dashboards read are told of a proposal: they repeat `bridge.decision`, and
//! their change makes the mirror look.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use crate::model::ProjectId;
use crate::model::proposal::{APPROVAL_RESOLVED, ProposalRef, ProposalSource};

/// Author of what existing dashboards write (source: `ClawdOS`).
pub(super) const DASHBOARD: &str = "dashboard";

/// `event_type` of what happens in a task, told by whoever works on it.
const AGENT_UPDATE: &str = "agent_update";

/// What has happened to a proposal.
#[derive(Debug, Clone, Copy)]
pub(super) struct News<'a> {
    /// The word for `status`: `approved`, `rejected`, `executed`, `failed`, `unknown`.
    pub(super) status: &'a str,
    /// What else to write down, an object.
    pub(super) fields: &'a Value,
    /// One line for people who read the timeline of a task.
    pub(super) line: &'a str,
}

/// Tells the row of a proposal. Runs in the transaction of what it tells.
pub(super) async fn tell(
    on: &mut PgConnection,
    project: &ProjectId,
    reference: ProposalRef,
    news: News<'_>,
) -> Result<()> {
    match reference.source {
        ProposalSource::Message => tell_message(on, reference.id, news).await,
        ProposalSource::TaskEvent => tell_task(on, project, reference.id, news).await,
        // A task says by its own status what became of it.
        ProposalSource::Task => Ok(()),
    }
}

async fn tell_message(on: &mut PgConnection, id: Uuid, news: News<'_>) -> Result<()> {
    sqlx::query(
        "UPDATE project_chat_messages
         SET status = $2, metadata = CASE WHEN metadata IS NULL THEN '{}'
                 WHEN jsonb_typeof(metadata) = 'object' THEN metadata
                 ELSE jsonb_build_object('malformed', metadata) END
             || $3 || jsonb_build_object('status', $2::text)
         WHERE id = $1",
    )
    .bind(id)
    .bind(news.status)
    .bind(news.fields)
    .execute(on)
    .await?;
    Ok(())
}

/// The timeline is append-only: what happened is a new event.
async fn tell_task(
    on: &mut PgConnection,
    project: &ProjectId,
    event: Uuid,
    news: News<'_>,
) -> Result<()> {
    let resolved = matches!(news.status, "approved" | "rejected");
    let mut metadata = json!({ "status": news.status, "original_event_id": event });
    if !resolved {
        metadata["kind"] = "execution".into();
    }
    sqlx::query(
        "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata)
         SELECT $1, e.task_id, $3, $4, $5, $6::jsonb || $7::jsonb FROM task_events e WHERE e.id = $2",
    )
    .bind(project.as_str())
    .bind(event)
    .bind(if resolved { APPROVAL_RESOLVED } else { AGENT_UPDATE })
    .bind(if resolved { DASHBOARD } else { "system" })
    .bind(news.line)
    .bind(metadata)
    .bind(news.fields)
    .execute(on)
    .await?;
    Ok(())
}
