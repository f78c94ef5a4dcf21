//! The executor's turns: one agent working on one message. The row makes a turn idempotent; an
//! advisory lock of the session that runs it tells a turn in work from one whose executor died.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use uuid::Uuid;

use super::chat::{TEXT_TYPE, storable, storable_json};
use super::locks::{LockKey, SessionLocks};
use super::task_write::{TaskNews, write_news};
use super::{Result, Store, StoreError};
use crate::model::{AgentKey, MessageId, ThreadId};

/// One agent working on one message.
pub type TurnKey = (MessageId, AgentKey);

/// What [`Store::begin_turn`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The turn is the caller's to run.
    Started,
    /// It has run; this is the message it ended in.
    Done(Option<MessageId>),
    /// It was running when its executor died. It is marked as failed with this text now, and runs
    /// again only when somebody asks again.
    Abandoned(String),
}

/// How a turn ended that somebody else runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnState {
    /// Not yet.
    Running,
    /// With this message.
    Done(Option<MessageId>),
    /// With this error.
    Failed(String),
}

/// A message that a turn writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Outgoing {
    /// Its id, fixed before the first attempt to write it, so that the write can be repeated.
    pub id: MessageId,
    /// What it says.
    pub text: String,
    /// Its `message_type`.
    pub message_type: String,
    /// Its metadata.
    pub metadata: Value,
}

impl Outgoing {
    /// An agent's answer. The link to the question is ours: `ClawdOS` keeps none.
    pub fn reply(to: MessageId, text: String) -> Self {
        Self {
            id: MessageId(Uuid::new_v4()),
            text,
            message_type: TEXT_TYPE.to_owned(),
            metadata: serde_json::json!({"reply_to": to}),
        }
    }
}

/// What is said about a turn that was cut off: nobody can know how far the agent came.
pub const ABANDONED: &str = "The executor stopped while the agent was working. \
     The message may have been processed; look for its effects before you retry.";

/// What stands below an answer whose task was deleted meanwhile.
const TASK_GONE: &str = "\n\n(The agent also told of its task, but the task is gone.)";

impl Store {
    /// The thread of a message of this project; the outer `None` when there is no such message.
    pub async fn thread_of(&self, message: MessageId) -> Result<Option<Option<ThreadId>>> {
        let thread: Option<Option<Uuid>> = sqlx::query_scalar(
            "SELECT thread_id FROM project_chat_messages WHERE id = $1 AND project_id = $2",
        )
        .bind(message.0)
        .bind(self.project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(thread.map(|thread| thread.map(ThreadId)))
    }

    /// Begins a turn, for the one who holds its lock. A turn that failed begins anew: whoever asks
    /// again wants that.
    pub async fn begin_turn(&self, turn: &TurnKey) -> Result<Begun> {
        let mut tx = self.begin_claim().await?;
        let started: Option<DateTime<Utc>> = sqlx::query_scalar(
            "INSERT INTO bridge.executor_turn AS t (message_id, target_agent_key, project_id, state)
             VALUES ($1, $2, $3, 'running')
             ON CONFLICT (message_id, target_agent_key) DO UPDATE
             SET state = 'running', started_at = now(), finished_at = NULL, error = NULL,
                 reply_message_id = NULL
             WHERE t.state = 'failed' RETURNING started_at",
        )
        .bind(turn.0.0)
        .bind(turn.1.as_str())
        .bind(self.project.as_str())
        .fetch_optional(&mut *tx)
        .await?;
        if let Some(at) = started {
            return match tx.commit().await {
                Ok(()) => Ok(Begun::Started),
                Err(lost) => self.has_begun(turn, at, lost).await,
            };
        }
        tx.rollback().await?;
        if let Some(TurnState::Done(reply)) = self.turn_state(turn).await? {
            return Ok(Begun::Done(reply));
        }
        self.fail_turn(turn, ABANDONED).await?;
        Ok(Begun::Abandoned(ABANDONED.to_owned()))
    }

    /// Whether a turn has begun at this time, when nobody told. A row that is not there yet cannot be
    /// waited for; writing it can. One that says something else is left alone.
    async fn has_begun(
        &self,
        turn: &TurnKey,
        at: DateTime<Utc>,
        lost: sqlx::Error,
    ) -> Result<Begun> {
        let begun = self.until_told(&lost, || async {
            let asked = sqlx::query(
                "INSERT INTO bridge.executor_turn AS t
                     (message_id, target_agent_key, project_id, state, started_at)
                 VALUES ($1, $2, $3, 'running', $4)
                 ON CONFLICT (message_id, target_agent_key) DO UPDATE SET state = t.state
                 WHERE t.state = 'running' AND t.started_at = excluded.started_at",
            )
            .bind(turn.0.0)
            .bind(turn.1.as_str())
            .bind(self.project.as_str())
            .bind(at);
            Ok(asked.execute(&self.pool).await?.rows_affected() == 1)
        });
        if begun.await? {
            Ok(Begun::Started)
        } else {
            Err(lost.into())
        }
    }

    /// Where a turn stands.
    pub async fn turn_state(&self, turn: &TurnKey) -> Result<Option<TurnState>> {
        type Row = (String, Option<Uuid>, Option<String>);
        let row: Option<Row> = sqlx::query_as(
            "SELECT state, reply_message_id, error FROM bridge.executor_turn
             WHERE message_id = $1 AND target_agent_key = $2",
        )
        .bind(turn.0.0)
        .bind(turn.1.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|(state, reply, error)| match state.as_str() {
            "done" => TurnState::Done(reply.map(MessageId)),
            "failed" => TurnState::Failed(error.unwrap_or_default()),
            _ => TurnState::Running,
        }))
    }

    /// The task that a message is about, if that is one of this project's, and what has happened to it: the
    /// word in the message's metadata.
    pub async fn task_of(&self, message: MessageId) -> Result<Option<(Uuid, Option<String>)>> {
        let about = sqlx::query_as(
            "SELECT k.id, m.metadata ->> 'kind' FROM project_chat_messages m
             JOIN tasks k ON k.project_id = $2 AND k.id = CASE
                 WHEN m.metadata ->> 'task_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                 THEN (m.metadata ->> 'task_id')::uuid END
             WHERE m.id = $1 AND m.project_id = $2 AND k.deleted_at IS NULL",
        )
        .bind(message.0)
        .bind(self.project.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(about)
    }

    /// Marks a turn as done and writes what it said, and what it told of its task, in one
    /// transaction. `thread` is where the question stands; the answer is dated after it even when the
    /// question's clock was ahead. Returns the message that the turn ended in: another one than given when
    /// the turn had been answered before, and then nothing is written. May be repeated with the same messages.
    pub async fn finish_turn(
        &self,
        turn: &TurnKey,
        thread: Option<ThreadId>,
        messages: &[Outgoing],
        news: Option<&TaskNews>,
    ) -> Result<Option<MessageId>> {
        let ids: Vec<Uuid> = messages.iter().map(|message| message.id.0).collect();
        let texts: Vec<String> = messages
            .iter()
            .map(|message| storable(&message.text).into_owned())
            .collect();
        let types: Vec<&str> = messages.iter().map(|m| m.message_type.as_str()).collect();
        let metadata: Vec<Value> = messages
            .iter()
            .map(|message| storable_json(&message.metadata))
            .collect();
        let mut tx = self.pool.begin().await?;
        let (ended, reply): (bool, Option<Uuid>) = sqlx::query_as(FINISH)
            .bind(turn.0.0)
            .bind(turn.1.as_str())
            .bind(self.project.as_str())
            .bind(thread.map(|thread| thread.0))
            .bind(ids)
            .bind(texts)
            .bind(types)
            .bind(metadata)
            .fetch_one(&mut *tx)
            .await?;
        if ended {
            if let Some(news) = news
                && !write_news(&mut tx, &self.project, &turn.1, news).await?
            {
                tracing::warn!(task = %news.task, "a turn told of a task that is gone");
                sqlx::query(
                    "UPDATE project_chat_messages SET message = message || $2 WHERE id = $1",
                )
                .bind(reply)
                .bind(TASK_GONE)
                .execute(&mut *tx)
                .await?;
            }
            tx.commit().await?;
            return Ok(reply.map(MessageId));
        }
        drop(tx);
        match self.turn_state(turn).await? {
            Some(TurnState::Done(reply)) => Ok(reply),
            _ => Err(StoreError::bad_row(
                "bridge.executor_turn",
                turn.0,
                "the turn has vanished while it ran",
            )),
        }
    }

    /// Marks a running turn as failed. False when it had ended before.
    pub async fn fail_turn(&self, turn: &TurnKey, error: &str) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE bridge.executor_turn
             SET state = 'failed', error = $3, finished_at = clock_timestamp()
             WHERE message_id = $1 AND target_agent_key = $2 AND state = 'running'",
        )
        .bind(turn.0.0)
        .bind(turn.1.as_str())
        .bind(storable(error))
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Turns of the project that are marked as running, with their age.
    pub async fn running_turns(&self) -> Result<Vec<(TurnKey, Duration)>> {
        let rows: Vec<(Uuid, String, f64)> = sqlx::query_as(
            "SELECT message_id, target_agent_key,
                    extract(epoch FROM clock_timestamp() - started_at)::float8
             FROM bridge.executor_turn WHERE project_id = $1 AND state = 'running'",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(message, agent, age)| {
                let agent = agent
                    .parse()
                    .map_err(|error| StoreError::bad_row("bridge.executor_turn", message, error))?;
                let age = Duration::try_from_secs_f64(age).unwrap_or_default();
                Ok(((MessageId(message), agent), age))
            })
            .collect()
    }

    /// Gives queue rows that are still in work the end of their turn: a crash between the two steps
    /// leaves them apart. Returns how many rows.
    pub async fn settle_deliveries(&self) -> Result<u64> {
        let done = sqlx::query(
            "UPDATE chat_delivery_queue AS q
             SET status = CASE t.state WHEN 'done' THEN 'processed' ELSE 'failed' END,
                 completed_at = now(),
                 result = CASE t.state
                     WHEN 'done' THEN jsonb_build_object('ok', true, 'reply_message_id', t.reply_message_id)
                     ELSE jsonb_build_object('error', t.error) END
             FROM bridge.executor_turn AS t
             WHERE q.project_id = $1 AND q.status = 'delivered'
               AND t.message_id = q.message_id AND t.target_agent_key = q.target_agent_key
               AND t.state IN ('done', 'failed') AND t.finished_at > q.picked_up_at",
        )
        .bind(self.project.as_str())
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }

    /// Shows an agent as working or idle. Only agents that exist get a row: `ClawdOS` is full of
    /// presence rows of nobody.
    pub async fn set_presence(&self, agent: &AgentKey, working: bool) -> Result<()> {
        sqlx::query(
            "INSERT INTO agent_status AS s (project_id, agent_key, state, last_activity_at)
             SELECT project_id, agent_key, $3, now() FROM agents
             WHERE project_id = $1 AND agent_key = $2
             ON CONFLICT (project_id, agent_key) DO UPDATE
             SET state = excluded.state, last_activity_at = excluded.last_activity_at",
        )
        .bind(self.project.as_str())
        .bind(agent.as_str())
        .bind(if working { "working" } else { "idle" })
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Asks the database for an answer, any answer.
    pub async fn ping(&self) -> Result<()> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }
}

/// A late end beats a failure that was only assumed, but the first answer stays the only one.
const FINISH: &str = "
WITH turn AS (
    UPDATE bridge.executor_turn
    SET state = 'done', reply_message_id = ($5::uuid[])[1], error = NULL,
        finished_at = clock_timestamp()
    WHERE message_id = $1 AND target_agent_key = $2 AND state <> 'done'
    RETURNING reply_message_id
), said AS (
    INSERT INTO project_chat_messages
        (id, project_id, thread_id, author, message, message_type, metadata, created_at)
    SELECT new.id, $3, $4, $2, new.text, new.type, new.metadata,
           greatest(now(), (SELECT created_at FROM project_chat_messages WHERE id = $1))
           + new.position * interval '1 microsecond'
    FROM turn, unnest($5::uuid[], $6::text[], $7::text[], $8::jsonb[])
         WITH ORDINALITY AS new (id, text, type, metadata, position)
)
SELECT EXISTS (SELECT FROM turn), (SELECT reply_message_id FROM turn)";

/// The lock of who runs a turn.
pub fn lock_of((message, agent): &TurnKey) -> LockKey {
    LockKey::of(&[
        b"executor turn ",
        message.0.as_bytes(),
        agent.as_str().as_bytes(),
    ])
}

impl SessionLocks {
    /// Fails the turns whose executor is gone, or that are older than any turn can be, and settles
    /// their queue rows. Returns how many turns.
    pub async fn fail_abandoned(&self, store: &Store, older_than: Duration) -> Result<usize> {
        let mut failed = 0;
        for (turn, age) in store.running_turns().await? {
            let key = lock_of(&turn);
            let free = self.take(key).await?;
            if (free || age > older_than) && store.fail_turn(&turn, ABANDONED).await? {
                failed += 1;
                // Nobody else will: its executor showed it as working and died.
                store.set_presence(&turn.1, false).await?;
            }
            if free {
                self.release(key).await;
            }
        }
        store.settle_deliveries().await?;
        Ok(failed)
    }
}
