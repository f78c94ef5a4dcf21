//! A message becomes a proposed task.

use serde_json::json;
use uuid::Uuid;

use super::chat::storable_json;
use super::decide::Decider;
use super::{Result, Store};
use crate::model::message::MEMBER_PREFIX;
use crate::model::{DiscordMessageId, MessageId};

/// Characters of a title that is taken from a message.
const TITLE: usize = 120;

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Promoted {
    /// A proposed task of this title.
    Task(String),
    /// It was one before.
    Before(String),
    /// The message is no row.
    Unknown,
    /// There is no text in it.
    Empty,
}

impl Store {
    /// Makes a proposed task of the row that a Discord message shows, once, with its text as `safe`
    /// gives it back.
    pub async fn promote(
        &self,
        message: DiscordMessageId,
        by: &Decider,
        safe: impl FnOnce(String) -> String,
    ) -> Result<Promoted> {
        let row: Option<(Uuid, String)> = sqlx::query_as(
            "SELECT m.id, m.message FROM bridge.view v
             JOIN project_chat_messages m ON m.id::text = v.entity_id AND m.project_id = $1
             WHERE v.message_id = $2 AND v.project_id = $1 AND v.kind = 'message'",
        )
        .bind(self.project.as_str())
        .bind(message.to_i64())
        .fetch_optional(&self.pool)
        .await?;
        let Some((id, text)) = row else {
            return Ok(Promoted::Unknown);
        };
        let text = safe(text);
        let Some(title) = title(&text) else {
            return Ok(Promoted::Empty);
        };
        let created = self.propose_task(MessageId(id), &title, &text, by).await?;
        Ok(if created {
            Promoted::Task(title)
        } else {
            Promoted::Before(title)
        })
    }

    /// The task, the first event of its timeline and the activity, as `ClawdOS` writes them. The id
    /// comes from the message, so that it cannot exist twice.
    async fn propose_task(
        &self,
        message: MessageId,
        title: &str,
        text: &str,
        by: &Decider,
    ) -> Result<bool> {
        let author = format!("{MEMBER_PREFIX}{}", by.user);
        let snapshot = json!({
            "chat_message_id": message,
            "promoted_by": author,
            "promoted_by_name": by.name,
        });
        let created: i64 = sqlx::query_scalar(
            "WITH task AS (
                 INSERT INTO tasks (id, project_id, title, description, status, is_proposed, context_snapshot)
                 VALUES ($2, $1, $3, $4, 'inbox', true, $5)
                 ON CONFLICT (id) DO NOTHING RETURNING id
             ), event AS (
                 INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata)
                 SELECT $1, task.id, 'comment', $6, 'Promoted from the chat',
                        jsonb_build_object('source', 'discord', 'is_proposed', true)
                 FROM task
             ), activity AS (
                 INSERT INTO activities (project_id, type, message, actor_agent_key, task_id)
                 SELECT $1, 'task_proposed', 'Proposed: ' || $3, $6, task.id FROM task
             )
             SELECT count(*) FROM task",
        )
        .bind(self.project.as_str())
        .bind(Uuid::new_v5(&message.0, b"promoted"))
        .bind(title)
        .bind(text)
        .bind(storable_json(&snapshot))
        .bind(author)
        .fetch_one(&self.pool)
        .await?;
        Ok(created == 1)
    }
}

/// The first line that says something.
fn title(text: &str) -> Option<String> {
    let line = text.lines().map(str::trim).find(|line| !line.is_empty())?;
    let mut title: String = line.chars().take(TITLE).collect();
    if line.chars().nth(TITLE).is_some() {
        title.push('…');
    }
    Some(title)
}
