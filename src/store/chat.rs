//! Threads and messages of the chat, and the one statement that says something to somebody.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::queue::LANE_HELD_FOR;
use super::team::short;
use super::{Result, Store, StoreError};
use crate::model::agent::Agent;
use crate::model::delivery::DeliveryStatus;
use crate::model::thread::Place;
use crate::model::{
    AgentKey, ChannelId, DeliveryId, DiscordMessageId, MessageId, ProjectId, ThreadId,
};

/// `message_type` of what people and agents say to each other.
pub const TEXT_TYPE: &str = "text";

/// Where a new message goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A thread that the caller knows.
    Thread(ThreadId),
    /// The thread of a place, looked up by its title and made when it is missing.
    Place(Place),
    /// No thread at all, which readers take for the Team Room (source: `ClawdOS`).
    NoThread,
}

/// A row of `project_chat_messages` that is about to be written.
#[derive(Debug, Clone)]
pub struct NewMessage<'a> {
    /// Its id; drawn at random when absent. A given id makes the write idempotent.
    pub id: Option<MessageId>,
    /// Where it goes.
    pub destination: Destination,
    /// The `author` column: `ui`, an agent key, `discord:<user id>`.
    pub author: &'a str,
    /// The agent that it is meant for.
    pub target: Option<&'a AgentKey>,
    /// What is said.
    pub text: &'a str,
    /// [`TEXT_TYPE`], `task_proposal` or `action_proposal`.
    pub message_type: &'a str,
    /// Whatever belongs to it, an object.
    pub metadata: Option<&'a Value>,
    /// When it was said; now when absent.
    pub created_at: Option<DateTime<Utc>>,
    /// The agents that it mentions. Those in the team get a row of `mentions`, which existing agents look for.
    pub mentions: &'a [AgentKey],
}

impl<'a> NewMessage<'a> {
    /// Plain text, said now, to nobody in particular.
    pub fn text(destination: Destination, author: &'a str, text: &'a str) -> Self {
        Self {
            id: None,
            destination,
            author,
            target: None,
            text,
            message_type: TEXT_TYPE,
            metadata: None,
            created_at: None,
            mentions: &[],
        }
    }
}

/// The Discord message that a person wrote: it is the view of its row.
#[derive(Debug, Clone, Copy)]
pub struct PersonView<'a> {
    /// The surface's word in the ledger.
    pub surface: &'a str,
    /// The channel it stands in.
    pub channel: ChannelId,
    /// The message.
    pub message: DiscordMessageId,
}

/// What became of [`Store::say`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The message.
    pub message_id: MessageId,
    /// False when a message of this id was there before; then nothing was written.
    pub created: bool,
    /// The queue rows that were written, and when each was claimed, if it was born so.
    pub deliveries: Vec<(DeliveryId, AgentKey, Option<DateTime<Utc>>)>,
}

/// Postgres' text has no NUL; a visible stand-in is better than a refused message.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') {
        Cow::Owned(text.replace('\0', "\u{fffd}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The same for JSON, whose strings may hold a NUL that `jsonb` refuses.
pub(super) fn storable_json(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(storable(text).into_owned()),
        Value::Array(items) => Value::Array(items.iter().map(storable_json).collect()),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (storable(name).into_owned(), storable_json(value)))
            .collect(),
        other => other.clone(),
    }
}

/// The oldest thread of a title, or a new one, in the caller's transaction. Whoever makes the same
/// waits for its end.
pub(super) async fn thread_titled(
    on: &mut PgConnection,
    project: &ProjectId,
    title: &str,
) -> Result<Uuid> {
    const FIND: &str = "SELECT id FROM project_chat_threads
         WHERE project_id = $1 AND title = $2 ORDER BY created_at, id LIMIT 1";
    let find = || {
        sqlx::query_scalar::<_, Uuid>(FIND)
            .bind(project.as_str())
            .bind(title)
    };
    if let Some(id) = find().fetch_optional(&mut *on).await? {
        return Ok(id);
    }
    sqlx::query(
        "SELECT pg_advisory_xact_lock(hashtextextended('chat thread ' || $1 || ' ' || $2, 0))",
    )
    .bind(project.as_str())
    .bind(title)
    .execute(&mut *on)
    .await?;
    if let Some(id) = find().fetch_optional(&mut *on).await? {
        return Ok(id);
    }
    let made = sqlx::query_scalar(
        "INSERT INTO project_chat_threads (project_id, title) VALUES ($1, $2) RETURNING id",
    )
    .bind(project.as_str())
    .bind(title)
    .fetch_one(on)
    .await?;
    Ok(made)
}

impl Store {
    /// The agents of the project, oldest first. A row whose key is no agent key is left out and logged.
    pub async fn agents(&self) -> Result<Vec<Agent>> {
        type Row = (String, String, Option<String>, Option<String>);
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT agent_key, name, role, emoji FROM agents
             WHERE project_id = $1 ORDER BY created_at, agent_key",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        let agents = rows.into_iter().filter_map(|(key, name, role, emoji)| {
            let key = key
                .parse()
                .inspect_err(|error| tracing::warn!(%error, "an agent is left out"))
                .ok()?;
            Some(Agent {
                key,
                name,
                role,
                emoji,
            })
        });
        Ok(agents.collect())
    }

    /// The thread of a place: the oldest of its title, or a new one. Safe against others who do the
    /// same through this function; a second `General` would make `ClawdOS` create ever more of them.
    pub async fn find_or_create_thread(&self, place: &Place) -> Result<ThreadId> {
        let Some(title) = place.title() else {
            let reason = "this place has no thread of its own";
            return Err(StoreError::bad_row(
                "project_chat_threads",
                "elsewhere",
                reason,
            ));
        };
        let mut tx = self.pool.begin().await?;
        let id = thread_titled(&mut tx, &self.project, &title).await?;
        tx.commit().await?;
        Ok(ThreadId(id))
    }

    /// Whether a thread is one of this project's.
    pub async fn has_thread(&self, thread: ThreadId) -> Result<bool> {
        let found = sqlx::query_scalar(
            "SELECT EXISTS (SELECT FROM project_chat_threads WHERE id = $1 AND project_id = $2)",
        )
        .bind(thread.0)
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok(found)
    }

    /// Writes one message, for nobody's queue. With an id that is there already it writes nothing.
    pub async fn post_message(&self, message: NewMessage<'_>) -> Result<MessageId> {
        Ok(self.say(message, &[], None).await?.message_id)
    }

    /// Writes a message, its queue rows and the ledger's note of the person's own Discord message,
    /// all or nothing, in one statement. A delivery given as `Delivered` is claimed for the caller,
    /// unless something of its thread and agent waits or is in work: then it is queued behind that.
    pub async fn say(
        &self,
        message: NewMessage<'_>,
        deliveries: &[(AgentKey, DeliveryStatus)],
        view: Option<PersonView<'_>>,
    ) -> Result<Said> {
        let id = message.id.unwrap_or_else(|| MessageId(Uuid::new_v4()));
        let said = self.say_at(id, &message, deliveries, view).await?;
        if let (None, Destination::Place(place)) = (&said, &message.destination) {
            let known = NewMessage {
                destination: Destination::Thread(self.find_or_create_thread(place).await?),
                ..message.clone()
            };
            let said = self.say_at(id, &known, deliveries, view).await?;
            return said.ok_or_else(|| StoreError::Database(sqlx::Error::RowNotFound));
        }
        said.ok_or_else(|| StoreError::Database(sqlx::Error::RowNotFound))
    }

    /// `None` when the place has no thread yet.
    async fn say_at(
        &self,
        id: MessageId,
        message: &NewMessage<'_>,
        deliveries: &[(AgentKey, DeliveryStatus)],
        view: Option<PersonView<'_>>,
    ) -> Result<Option<Said>> {
        type Row = (
            bool,
            bool,
            Option<Uuid>,
            Option<String>,
            Option<DateTime<Utc>>,
        );
        let (thread, title) = match &message.destination {
            Destination::Thread(thread) => (Some(thread.0), None),
            Destination::Place(place) => match place.title() {
                Some(title) => (None, Some(title)),
                None => return Ok(None),
            },
            Destination::NoThread => (None, None),
        };
        let (targets, statuses): (Vec<&str>, Vec<&str>) = deliveries
            .iter()
            .map(|(agent, status)| (agent.as_str(), status.as_str()))
            .unzip();
        let shorts: Vec<&str> = message.mentions.iter().map(AgentKey::short).collect();
        let rows: Vec<Row> = sqlx::query_as(SAY)
            .bind(self.project.as_str())
            .bind(thread)
            .bind(title)
            .bind(id.0)
            .bind(message.author)
            .bind(message.target.map(AgentKey::as_str))
            .bind(storable(message.text))
            .bind(message.message_type)
            .bind(message.metadata.map(storable_json))
            .bind(message.created_at)
            .bind(targets)
            .bind(statuses)
            .bind(view.map(|view| view.surface))
            .bind(view.map(|view| view.channel.to_i64()))
            .bind(view.map(|view| view.message.to_i64()))
            .bind(LANE_HELD_FOR.as_secs_f64())
            .bind(shorts)
            .fetch_all(&self.pool)
            .await?;
        let created = rows.iter().any(|row| row.1);
        if !rows.iter().any(|row| row.0) {
            return Ok(None);
        }
        let deliveries = rows
            .into_iter()
            .filter_map(|(_, _, id, agent, claimed)| Some((DeliveryId(id?), agent?, claimed)))
            .map(|(id, agent, claimed)| {
                let agent = agent
                    .parse()
                    .map_err(|error| StoreError::bad_row("chat_delivery_queue", id, error))?;
                Ok((id, agent, claimed))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Some(Said {
            message_id: id,
            created,
            deliveries,
        }))
    }
}

/// `placed` tells a missing thread from a message that was there before: both write nothing.
const SAY: &str = concat!(
    "
WITH place AS MATERIALIZED (
    SELECT $2::uuid AS thread_id WHERE $3::text IS NULL
    UNION ALL
    (SELECT id FROM project_chat_threads
     WHERE project_id = $1 AND title = $3 ORDER BY created_at, id LIMIT 1)
), message AS (
    INSERT INTO project_chat_messages
        (id, project_id, thread_id, author, target_agent_key, message, message_type, metadata, created_at)
    SELECT $4, $1, place.thread_id, $5, $6, $7, $8, $9, coalesce($10, now()) FROM place
    -- What is on display had its row, and is not said again where that was deleted.
    WHERE NOT EXISTS (SELECT FROM bridge.view v
                      WHERE v.project_id = $1 AND v.kind = 'message' AND v.entity_id = $4::uuid::text
                        AND v.author_kind = 'person')
    ON CONFLICT DO NOTHING
    RETURNING id
), delivery AS (
    INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key, status, picked_up_at)
    SELECT $1, message.id, wanted.agent, born.status,
           CASE WHEN born.status = 'delivered' THEN now() END
    FROM message, place, unnest($11::text[], $12::text[]) AS wanted (agent, status),
         LATERAL (SELECT CASE WHEN wanted.status = 'delivered' AND EXISTS (
             SELECT FROM chat_delivery_queue q JOIN project_chat_messages m ON m.id = q.message_id
             WHERE q.project_id = $1 AND q.status IN ('queued', 'delivered', 'claimed')
               AND (q.status = 'queued' OR q.picked_up_at > now() - make_interval(secs => $16))
               AND m.thread_id IS NOT DISTINCT FROM place.thread_id
               AND split_part(regexp_replace(btrim(q.target_agent_key), '^(agent:)+', ''), ':', 1)
                   = split_part(wanted.agent, ':', 2)
             UNION ALL
             SELECT FROM bridge.executor_turn t JOIN project_chat_messages m ON m.id = t.message_id
             WHERE t.project_id = $1 AND t.state = 'running'
               AND t.started_at > now() - make_interval(secs => $16)
               AND m.thread_id IS NOT DISTINCT FROM place.thread_id
               AND split_part(t.target_agent_key, ':', 2) = split_part(wanted.agent, ':', 2)
         ) THEN 'queued' ELSE wanted.status END AS status) AS born
    ON CONFLICT DO NOTHING
    RETURNING id, target_agent_key, picked_up_at
), seen AS (
    INSERT INTO bridge.view
        (project_id, kind, entity_id, surface, part, channel_id, message_id, author_kind, state)
    SELECT $1, 'message', message.id::text, $13, 0, $14, $15, 'person', 'sent'
    FROM message WHERE $13::text IS NOT NULL
    ON CONFLICT DO NOTHING
), named AS (
    INSERT INTO mentions (project_id, agent_key, source_type, source_id, thread_id, author, excerpt)
    SELECT DISTINCT $1, w.short, 'chat_message', message.id, place.thread_id, $5, left($7, 200)
    FROM message, place, unnest($17::text[]) AS w (short)
    WHERE EXISTS (SELECT FROM agents WHERE project_id = $1 AND ",
    short!("agent_key"),
    " = w.short)
    ON CONFLICT DO NOTHING
)
SELECT EXISTS (SELECT FROM place), EXISTS (SELECT FROM message), delivery.id, delivery.target_agent_key,
       delivery.picked_up_at
FROM (VALUES (1)) AS one LEFT JOIN delivery ON true"
);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{storable, storable_json};

    #[test]
    fn a_nul_becomes_visible_wherever_it_stands() {
        assert_eq!(storable("a\0b"), "a\u{fffd}b");
        let value = json!({"k\0": ["x\0", {"y": 1}]});
        assert_eq!(
            storable_json(&value),
            json!({"k\u{fffd}": ["x\u{fffd}", {"y": 1}]})
        );
    }
}
