//! How agents hear of what was done: a chat message with a delivery, and the row of `mentions` that existing
//! agents look for. Each in the transaction of what it tells of.

use std::fmt;

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Result;
use super::chat::{TEXT_TYPE, storable, storable_json, thread_titled};
use super::team::short;
use crate::model::message::OPERATOR_AUTHOR;
use crate::model::thread::Place;
use crate::model::waking::{About, Waking};
use crate::model::{AgentKey, ProjectId};

/// Characters of a mention's excerpt (source: `ClawdOS`).
const EXCERPT: usize = 200;

/// What somebody does wakes the agents that it concerns, who are told in texts that this makes fit for
/// whoever reads the queue (`ShellGuard::row_text`).
#[derive(Clone, Copy)]
pub struct Wakes<'a>(pub &'a (dyn Fn(String) -> String + Send + Sync));

impl fmt::Debug for Wakes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wakes")
    }
}

/// A message that waits for an agent.
#[derive(Debug)]
pub(super) struct ForAgent<'a> {
    /// Its id: one that exists is not written again.
    pub(super) id: Uuid,
    /// Its thread.
    pub(super) thread: Option<Uuid>,
    /// Who says it.
    pub(super) author: &'a str,
    /// To whom.
    pub(super) agent: &'a AgentKey,
    /// What.
    pub(super) text: &'a str,
    /// Whatever belongs to it, an object.
    pub(super) metadata: Option<&'a Value>,
}

/// Writes it, with its row in the queue. False where it was there before.
pub(super) async fn queue_for(
    on: &mut PgConnection,
    project: &ProjectId,
    message: ForAgent<'_>,
) -> Result<bool> {
    let written = sqlx::query(
        "WITH said AS (INSERT INTO project_chat_messages \
             (id, project_id, thread_id, author, target_agent_key, message, message_type, metadata) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING id) \
         INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key, status) \
         SELECT $2, said.id, $5, 'queued' FROM said",
    )
    .bind(message.id)
    .bind(project.as_str())
    .bind(message.thread)
    .bind(message.author)
    .bind(message.agent.as_str())
    .bind(storable(message.text))
    .bind(TEXT_TYPE)
    .bind(message.metadata.map(storable_json))
    .execute(on)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// What an agent is to be told of.
#[derive(Debug)]
pub(super) struct News<'a> {
    /// The event that it tells of: one message for each, and agent.
    pub(super) event: Uuid,
    /// The task.
    pub(super) about: About<'a>,
    /// What happened.
    pub(super) what: Waking<'a>,
}

/// Tells an agent in the thread that it has with the operator. False where nobody of that name is in the
/// team, or it was told before.
pub(super) async fn wake(
    on: &mut PgConnection,
    project: &ProjectId,
    agent: &AgentKey,
    news: &News<'_>,
    wakes: Wakes<'_>,
) -> Result<bool> {
    let Some(title) = Place::Dm(agent.clone()).title() else {
        return Ok(false);
    };
    if !is_known(on, project, agent).await? {
        return Ok(false);
    }
    let thread = thread_titled(on, project, &title).await?;
    let text = (wakes.0)(news.what.text(news.about));
    let message = ForAgent {
        id: Uuid::new_v5(&news.event, format!("woken {agent}").as_bytes()),
        thread: Some(thread),
        author: OPERATOR_AUTHOR,
        agent,
        text: &text,
        metadata: Some(&json!({
            "task_id": news.about.task,
            "event_id": news.event,
            "kind": news.what.kind(),
        })),
    };
    queue_for(on, project, message).await
}

/// Whether an agent is in the table of agents, whatever its branch.
pub(super) async fn is_known(
    on: &mut PgConnection,
    project: &ProjectId,
    agent: &AgentKey,
) -> Result<bool> {
    let found = sqlx::query_scalar(concat!(
        "SELECT EXISTS (SELECT FROM agents WHERE project_id = $1 AND ",
        short!("agent_key"),
        " = $2)"
    ))
    .bind(project.as_str())
    .bind(agent.short())
    .fetch_one(on)
    .await?;
    Ok(found)
}

/// Writes down whom of the team an event mentions, each once. What the chat mentions is written with its
/// message (`store/chat.rs`).
pub(super) async fn note_mentions(
    on: &mut PgConnection,
    project: &ProjectId,
    (event, task): (Uuid, Uuid),
    author: &str,
    text: &str,
    agents: &[AgentKey],
) -> Result<()> {
    if agents.is_empty() {
        return Ok(());
    }
    let shorts: Vec<&str> = agents.iter().map(AgentKey::short).collect();
    let excerpt: String = text.chars().take(EXCERPT).collect();
    sqlx::query(concat!(
        "INSERT INTO mentions (project_id, agent_key, source_type, source_id, task_id, author, excerpt) \
         SELECT DISTINCT $1, w.short, 'task_event', $3::uuid, $4::uuid, $5, $6 \
         FROM unnest($2::text[]) AS w(short) \
         WHERE EXISTS (SELECT FROM agents WHERE project_id = $1 AND ",
        short!("agent_key"),
        " = w.short) \
         ON CONFLICT DO NOTHING"
    ))
    .bind(project.as_str())
    .bind(shorts)
    .bind(event)
    .bind(task)
    .bind(storable(author))
    .bind(storable(&excerpt))
    .execute(on)
    .await?;
    Ok(())
}
