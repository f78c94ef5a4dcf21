//! Comments, and what their authors change of them later.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Doer, Locked, NewEvent, lock, lock_deleted_too, wake, write_event};
use crate::model::waking::Waking;
use crate::model::{AgentKey, DiscordMessageId, MessageId, ProjectId};
use crate::store::chat::PersonView;
use crate::store::edit::VERSION_KEY;
use crate::store::waking::{News, note_mentions};
use crate::store::{Result, Store};

/// A comment that is about to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewComment<'a> {
    /// Its id; drawn at random when absent. A given id makes the write idempotent; that of a message in
    /// Discord is [`MessageId::for_discord`].
    pub id: Option<Uuid>,
    /// The task.
    pub task: Uuid,
    /// What is said.
    pub text: &'a str,
    /// Who says it.
    pub by: Doer<'a>,
    /// What else its metadata says, an object: `reply_to`, `attachments`, …
    pub metadata: Option<&'a Value>,
    /// When; now when absent.
    pub created_at: Option<DateTime<Utc>>,
    /// The agents that it mentions. Those in the team get a row of `mentions`, and are woken where the doer's
    /// doings do that.
    pub mentioned: &'a [AgentKey],
    /// The person's own message, which is its view.
    pub view: Option<PersonView<'a>>,
}

/// What became of a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Commented {
    /// It is written.
    Now {
        /// The event.
        id: Uuid,
        /// The agents that were woken: messages wait for them.
        woken: Vec<AgentKey>,
    },
    /// A comment of this id was there before; nothing was written.
    Before(Uuid),
    /// There is no such task in this project, or it is deleted.
    Unknown,
}

/// What a person has done to the message in Discord that is their comment.
#[derive(Debug, Clone, Copy)]
pub struct Correction<'a> {
    /// The message.
    pub message: DiscordMessageId,
    /// What it says now, as a comment would; none where it is deleted.
    pub text: Option<&'a str>,
    /// When: Discord's time of the edit, or now where it is deleted.
    pub at: DateTime<Utc>,
}

/// What became of a correction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrected {
    /// The timeline says so now.
    Now {
        /// The task.
        task: Uuid,
        /// The new event.
        event: Uuid,
    },
    /// It says so already, or something newer.
    Same,
    /// No comment comes from this message.
    Unknown,
}

impl Store {
    /// Writes a comment, the rows of whom it mentions, the messages that wake them, and the view, once.
    pub async fn comment(&self, comment: NewComment<'_>) -> Result<Commented> {
        let mut tx = self.pool().begin().await?;
        let written = write_comment(&mut tx, self.project(), comment).await?;
        tx.commit().await?;
        Ok(written)
    }

    /// Appends to the timeline that a person has edited or deleted the message that is their comment, in their
    /// name. An older edit that comes late changes nothing, a second hearing neither, and nothing follows a
    /// deletion.
    pub async fn correct_comment(&self, correction: Correction<'_>) -> Result<Corrected> {
        let comment = MessageId::for_discord(correction.message).0;
        let mut tx = self.pool().begin().await?;
        let Some(known) = said_last(&mut tx, self.project(), comment).await? else {
            return Ok(Corrected::Unknown);
        };
        let version = correction.at.timestamp_millis();
        let says_so = match correction.text {
            Some(text) => known.text.as_deref() == Some(text) || known.version >= Some(version),
            None => false,
        };
        if known.is_deleted || says_so {
            return Ok(Corrected::Same);
        }
        let mut metadata = known.person;
        metadata["corrects"] = json!(comment);
        metadata[VERSION_KEY] = json!(version);
        if correction.text.is_none() {
            metadata["deleted"] = true.into();
        }
        let word = format!("corrected {version}");
        let event = Uuid::new_v5(&comment, word.as_bytes());
        let new = NewEvent {
            id: event,
            task: known.task,
            event_type: "comment",
            author: &known.author,
            content: correction.text,
            metadata,
            at: Some(correction.at),
        };
        let written = write_event(&mut tx, self.project(), new).await?;
        tx.commit().await?;
        let task = known.task;
        Ok(if written {
            Corrected::Now { task, event }
        } else {
            Corrected::Same
        })
    }
}

/// Writes a comment in the caller's transaction.
pub(in crate::store) async fn write_comment(
    on: &mut PgConnection,
    project: &ProjectId,
    comment: NewComment<'_>,
) -> Result<Commented> {
    // A thread outlives its task by a while: what a person says there is kept, and wakes nobody.
    let row = match comment.view {
        Some(_) => lock_deleted_too(on, project, comment.task).await?,
        None => lock(on, project, comment.task).await?,
    };
    let Some(row) = row else {
        return Ok(Commented::Unknown);
    };
    let by = comment.by;
    let id = comment.id.unwrap_or_else(Uuid::new_v4);
    let event = NewEvent {
        id,
        task: row.id,
        event_type: "comment",
        author: by.author,
        content: Some(comment.text),
        metadata: by.metadata(comment.metadata.cloned().unwrap_or_default()),
        at: comment.created_at,
    };
    if !write_event(on, project, event).await? {
        return Ok(Commented::Before(id));
    }
    let mentioned = comment.mentioned;
    let source = (id, row.id);
    note_mentions(on, project, source, by.author, comment.text, mentioned).await?;
    if let Some(view) = comment.view {
        show(on, project, id, view).await?;
    }
    let woken = wake_mentioned(on, project, &row, id, comment).await?;
    Ok(Commented::Now { id, woken })
}

async fn wake_mentioned(
    on: &mut PgConnection,
    project: &ProjectId,
    row: &Locked,
    event: Uuid,
    comment: NewComment<'_>,
) -> Result<Vec<AgentKey>> {
    if row.is_deleted {
        return Ok(Vec::new());
    }
    // Everybody makes threads in the same order: nobody waits for somebody who waits for them.
    let mut agents: Vec<&AgentKey> = comment.mentioned.iter().collect();
    agents.sort();
    let mut woken = Vec::new();
    for agent in agents {
        let news = News {
            event,
            about: row.about(),
            what: Waking::Mentioned {
                by: comment.by.name(),
                comment: comment.text,
            },
        };
        woken.extend(wake(on, project, Some(agent.clone()), news, comment.by).await?);
    }
    Ok(woken)
}

/// The person's message is the view of the event.
async fn show(
    on: &mut PgConnection,
    project: &ProjectId,
    event: Uuid,
    view: PersonView<'_>,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO bridge.view \
             (project_id, kind, entity_id, surface, part, channel_id, message_id, author_kind, state) \
         VALUES ($1, 'task_event', $2, $3, 0, $4, $5, 'person', 'sent') ON CONFLICT DO NOTHING",
    )
    .bind(project.as_str())
    .bind(event.to_string())
    .bind(view.surface)
    .bind(view.channel.to_i64())
    .bind(view.message.to_i64())
    .execute(on)
    .await?;
    Ok(())
}

/// A comment with its last correction.
struct Known {
    task: Uuid,
    author: String,
    /// What its metadata says of the person.
    person: Value,
    text: Option<String>,
    /// Milliseconds since 1970 of the version that it shows, where that was an edit.
    version: Option<i64>,
    is_deleted: bool,
}

/// Reads a comment, locked: whoever corrects it waits.
async fn said_last(
    on: &mut PgConnection,
    project: &ProjectId,
    comment: Uuid,
) -> Result<Option<Known>> {
    type Row = (Uuid, String, Option<String>, Option<Value>);
    let row: Option<Row> = sqlx::query_as(
        "SELECT e.task_id, e.author, e.content, e.metadata FROM task_events e \
         WHERE e.id = $1 AND e.project_id = $2 AND e.event_type = 'comment' FOR NO KEY UPDATE OF e",
    )
    .bind(comment)
    .bind(project.as_str())
    .fetch_optional(&mut *on)
    .await?;
    let Some((task, author, text, metadata)) = row else {
        return Ok(None);
    };
    let last: Option<(Option<String>, Value)> = sqlx::query_as(
        "SELECT content, metadata FROM task_events \
         WHERE task_id = $1 AND event_type = 'comment' AND metadata ->> 'corrects' = $2 \
         ORDER BY coalesce(metadata ->> 'deleted', '') = 'true' DESC, created_at DESC, id DESC LIMIT 1",
    )
    .bind(task)
    .bind(comment.to_string())
    .fetch_optional(on)
    .await?;
    let metadata = metadata.unwrap_or_default();
    let (text, state) = last.unwrap_or((text, metadata.clone()));
    let mut person = json!({});
    for name in ["author_name", "discord_user_id", "discord_message_id"] {
        if let Some(value) = metadata.get(name) {
            person[name] = value.clone();
        }
    }
    Ok(Some(Known {
        task,
        author,
        person,
        text,
        version: state.get(VERSION_KEY).and_then(Value::as_i64),
        is_deleted: state.get("deleted") == Some(&Value::Bool(true)),
    }))
}
