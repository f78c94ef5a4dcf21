//! What people change and delete of their own messages, and what a reply is about. The row of a person's
//! message is found by the id that is computed from Discord's, and by nothing else.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::chat::{storable, storable_json};
use super::{Result, Store};
use crate::model::message::Author;
use crate::model::{ChannelId, DiscordMessageId, MessageId};

/// The key in a row's metadata that says which version of the Discord message it shows, in milliseconds
/// since 1970: an older edit that comes late changes nothing.
pub const VERSION_KEY: &str = "discord_edited_ms";

/// What a person's message says now.
#[derive(Debug, Clone)]
pub struct NewText<'a> {
    /// The text, as agents read it.
    pub text: &'a str,
    /// Its files as the metadata lists them; none where there are none.
    pub files: Option<&'a Value>,
    /// When its author changed it.
    pub edited_at: DateTime<Utc>,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// The row follows, and whoever is to get it gets it as it is now.
    Before,
    /// The row follows; an agent has had it as it was, and gets nothing again.
    After,
    /// The row says so already, or something newer.
    Already,
    /// There is no such row.
    Unknown,
}

/// A row that is shown by a message in Discord.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The row.
    pub id: MessageId,
    /// Who said it.
    pub author: Author,
    /// Under which name.
    pub name: String,
    /// Its beginning.
    pub text: String,
}

/// Whether an agent has the message, or had it: its queue row was taken, or a turn was begun.
macro_rules! picked_up {
    () => {
        "(EXISTS (SELECT FROM chat_delivery_queue q WHERE q.message_id = $1 \
                  AND (q.picked_up_at IS NOT NULL OR q.status NOT IN ('queued', 'failed'))) \
          OR EXISTS (SELECT FROM bridge.executor_turn t WHERE t.message_id = $1))"
    };
}

/// Claims of the message wait for the end of the transaction, and it for theirs.
const LOCK_DELIVERIES: &str =
    "SELECT id FROM chat_delivery_queue WHERE message_id = $1 ORDER BY id FOR UPDATE";

/// A number in the metadata that is none counts as no edit at all.
const EDIT: &str = concat!(
    "WITH known AS (
         SELECT m.id, CASE WHEN jsonb_typeof(m.metadata) = 'object' THEN m.metadata ELSE '{}' END
                      AS metadata,
                ",
    picked_up!(),
    " AS picked_up
         FROM project_chat_messages m WHERE m.id = $1 AND m.project_id = $2
     ), changed AS (
         UPDATE project_chat_messages AS m
         SET message = $3,
             metadata = (known.metadata - 'attachments') || $4
                 || CASE WHEN known.picked_up THEN $5 ELSE '{}' END
         FROM known
         WHERE m.id = known.id
           AND CASE WHEN jsonb_typeof(known.metadata -> $6) = 'number'
                    THEN (known.metadata ->> $6)::numeric < $7 ELSE true END
         RETURNING known.picked_up
     )
     SELECT EXISTS (SELECT FROM known), (SELECT picked_up FROM changed)"
);

impl Store {
    /// Makes the row of a person's message say what the message says now. Who is addressed stays.
    pub async fn edit_message(
        &self,
        message: DiscordMessageId,
        new: NewText<'_>,
    ) -> Result<Changed> {
        let id = MessageId::for_discord(message);
        let version = new.edited_at.timestamp_millis();
        let mut metadata = Map::new();
        metadata.insert(VERSION_KEY.to_owned(), json!(version));
        if let Some(files) = new.files {
            metadata.insert("attachments".to_owned(), storable_json(files));
        }
        let mut tx = self.pool().begin().await?;
        sqlx::query(LOCK_DELIVERIES)
            .bind(id.0)
            .execute(&mut *tx)
            .await?;
        let (known, picked_up): (bool, Option<bool>) = sqlx::query_as(EDIT)
            .bind(id.0)
            .bind(self.project().as_str())
            .bind(storable(new.text))
            .bind(Value::Object(metadata))
            .bind(json!({ "edited_at": new.edited_at }))
            .bind(VERSION_KEY)
            .bind(version)
            .fetch_one(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(match (known, picked_up) {
            (false, _) => Changed::Unknown,
            (true, None) => Changed::Already,
            (true, Some(false)) => Changed::Before,
            (true, Some(true)) => Changed::After,
        })
    }

    /// Takes a person's message away, as they did: nobody who has not taken it yet gets it, and a row
    /// that no agent has had is deleted. One that an agent has had stays as what it saw, with a note of
    /// when it was deleted.
    pub async fn delete_message(
        &self,
        message: DiscordMessageId,
        at: DateTime<Utc>,
    ) -> Result<Changed> {
        let id = MessageId::for_discord(message);
        let mut tx = self.pool().begin().await?;
        // In the same order as for an edit.
        sqlx::query(LOCK_DELIVERIES)
            .bind(id.0)
            .execute(&mut *tx)
            .await?;
        // No delivery can be added while the row is locked.
        let found: Option<Uuid> = sqlx::query_scalar(
            "SELECT id FROM project_chat_messages WHERE id = $1 AND project_id = $2 FOR UPDATE",
        )
        .bind(id.0)
        .bind(self.project().as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if found.is_none() {
            return Ok(Changed::Unknown);
        }
        sqlx::query(
            "DELETE FROM chat_delivery_queue q WHERE q.message_id = $1 AND q.picked_up_at IS NULL \
               AND q.status IN ('queued', 'failed') \
               AND NOT EXISTS (SELECT FROM bridge.executor_turn t \
                               WHERE t.message_id = q.message_id \
                                 AND t.target_agent_key = q.target_agent_key)",
        )
        .bind(id.0)
        .execute(&mut *tx)
        .await?;
        // A statement of its own: it sees what became of rows that were taken while we waited.
        let deleted = sqlx::query(concat!(
            "DELETE FROM project_chat_messages WHERE id = $1 AND NOT ",
            picked_up!(),
            " AND NOT EXISTS (SELECT FROM chat_delivery_queue q WHERE q.message_id = $1)"
        ))
        .bind(id.0)
        .execute(&mut *tx)
        .await?;
        if deleted.rows_affected() == 0 {
            sqlx::query(
                "UPDATE project_chat_messages SET metadata = \
                     CASE WHEN jsonb_typeof(metadata) = 'object' THEN metadata ELSE '{}' END || $2 \
                 WHERE id = $1",
            )
            .bind(id.0)
            .bind(json!({ "deleted_at": at }))
            .execute(&mut *tx)
            .await?;
        }
        tx.commit().await?;
        Ok(if deleted.rows_affected() == 0 {
            Changed::After
        } else {
            Changed::Before
        })
    }

    /// The row of the chat that a Discord message shows; none where it shows none.
    pub async fn shown_by(
        &self,
        channel: ChannelId,
        message: DiscordMessageId,
    ) -> Result<Option<Shown>> {
        let row: Option<(Uuid, String, String, String)> = sqlx::query_as(
            "SELECT m.id, m.author, coalesce(a.name, m.metadata ->> 'author_name', m.author), \
                    left(m.message, 1000) \
             FROM bridge.view v \
             JOIN project_chat_messages m ON m.id = v.entity_id::uuid AND m.project_id = $1 \
             LEFT JOIN agents a ON a.project_id = $1 AND a.agent_key = m.author \
             WHERE v.message_id = $2 AND v.channel_id = $3 AND v.project_id = $1 \
               AND v.kind = 'message'",
        )
        .bind(self.project().as_str())
        .bind(message.to_i64())
        .bind(channel.to_i64())
        .fetch_optional(self.pool())
        .await?;
        Ok(row.map(|(id, author, name, text)| Shown {
            id: MessageId(id),
            author: Author::parse(&author),
            name,
            text,
        }))
    }
}
