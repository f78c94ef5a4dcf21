//! Tasks as their cards and threads show them, and those that lack one.

use chrono::{DateTime, Utc};
use sqlx::FromRow;
use uuid::Uuid;

use super::kept::Kept;
use super::look::{LookRow, Looked, OptionalView, gather};
use super::thread::ThreadShown;
use super::{Result, Store, readable};
use crate::model::ChannelId;
use crate::model::message::Author;
use crate::model::presence::{Presence, presence};
use crate::model::task::{Task, TaskStatus};
use crate::model::view::EntityKind;

/// Most threads that are not archived: Discord takes 1,000 in a server (source: error 160006), and
/// people have some of their own.
pub const MOST_ACTIVE: i64 = 900;

/// A task with what is known of its thread.
#[derive(Debug, Clone)]
pub struct TaskSeen {
    /// The task.
    pub task: Task,
    /// Whether it is open, was touched within 14 days, or was asked for: then it has a thread.
    pub is_active: bool,
    /// Whether somebody has asked for it since its thread was archived.
    pub is_asked: bool,
    /// Its thread, and what that shows.
    pub thread: Option<(ChannelId, ThreadShown)>,
}

#[derive(FromRow)]
struct Row {
    snapshot: String,
    server: i64,
    wanted_id: Uuid,
    version: Option<String>,
    title: Option<String>,
    description: Option<String>,
    status: Option<String>,
    assignee: Option<String>,
    created: Option<DateTime<Utc>>,
    proposed: Option<bool>,
    rejected: Option<bool>,
    rejected_reason: Option<String>,
    blocked_reason: Option<String>,
    deleted: Option<bool>,
    agent_state: Option<String>,
    agent_seen: Option<DateTime<Utc>>,
    read_at: DateTime<Utc>,
    approvals: Option<i64>,
    active: Option<bool>,
    asked: Option<bool>,
    thread_id: Option<i64>,
    name: Option<String>,
    tag: Option<String>,
    archived: Option<bool>,
    locked: Option<bool>,
    #[sqlx(flatten)]
    view: OptionalView,
}

impl LookRow for Row {
    type Read = TaskSeen;

    fn wanted(&self) -> Uuid {
        self.wanted_id
    }

    fn sight(&self) -> (&str, i64) {
        (&self.snapshot, self.server)
    }

    fn into_view(self) -> OptionalView {
        self.view
    }

    fn read(&mut self) -> Option<(TaskSeen, String)> {
        let assignee = self.assignee.take().filter(|it| !it.trim().is_empty());
        let rejected = self.rejected.unwrap_or(false);
        let shown = ThreadShown {
            name: self.name.take(),
            tag: self.tag.take(),
            archived: self.archived.unwrap_or(false),
            locked: self.locked.unwrap_or(false),
        };
        let thread = self.thread_id.and_then(ChannelId::from_i64);
        let is_silent = is_silent(self.agent_state.as_deref(), self.agent_seen, self.read_at);
        let task = Task {
            id: self.wanted_id,
            title: self.title.take()?,
            description: self.description.take(),
            status: TaskStatus::parse(self.status.as_deref()?),
            assignee: assignee.map(|key| Author::parse(&key)),
            created_at: self.created?,
            is_proposed: self.proposed.unwrap_or(false),
            rejected: rejected.then(|| self.rejected_reason.take()),
            blocked_reason: self.blocked_reason.take(),
            is_deleted: self.deleted.unwrap_or(false),
            is_silent,
            approvals: self.approvals.unwrap_or(0),
        };
        let seen = TaskSeen {
            task,
            is_active: self.active.unwrap_or(false),
            is_asked: self.asked.unwrap_or(false),
            thread: thread.map(|thread| (thread, shown)),
        };
        Some((seen, self.version.take()?))
    }
}

/// SQL for when something happened last in a task `k`, and whether it is active. What a person has
/// removed is not, until something happens after that.
macro_rules! activity {
    () => {
        "SELECT a.touched, \
                k.deleted_at IS NULL \
                AND (t.removed_at IS NULL OR greatest(a.touched, t.asked_at) > t.removed_at) \
                AND ((k.status NOT IN ('done', 'stopped') AND k.rejected_at IS NULL) \
                     OR greatest(a.touched, t.asked_at) > now() - interval '14 days') AS active \
         FROM (SELECT greatest(k.updated_at, k.created_at, \
                   (SELECT max(e.created_at) FROM task_events e WHERE e.task_id = k.id)) AS touched) a"
    };
}

/// Whether an agent has not been heard of for long. Of one without a row nobody knows.
fn is_silent(state: Option<&str>, seen: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    state.is_some() && presence(state, seen, now) == Presence::Offline
}

/// SQL for when an agent `s` was last heard of.
macro_rules! agent_seen {
    () => {
        readable!("greatest(s.last_activity_at, s.last_heartbeat_at)")
    };
}

const LOAD: &str = concat!(
    "SELECT pg_current_snapshot()::text AS snapshot, \
            (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8 AS server, \
            w.id AS wanted_id, concat(k.xmin, ':', d.xmin) AS version, k.title, k.description, \
            k.status, k.assignee_agent_key AS assignee, ",
    readable!("k.created_at"),
    " AS created, k.is_proposed AS proposed, k.rejected_at IS NOT NULL AS rejected, \
            k.rejected_reason, coalesce(\
                (SELECT e.metadata ->> 'reason' FROM task_events e \
                 WHERE k.status = 'stopped' AND e.task_id = k.id AND e.event_type = 'status_change' \
                   AND e.metadata ->> 'new_status' = 'stopped' \
                 ORDER BY e.created_at DESC, e.id LIMIT 1), k.blocked_reason) AS blocked_reason, k.deleted_at IS NOT NULL AS deleted, ",
    agent_seen!(),
    " AS agent_seen, s.state AS agent_state, now() AS read_at, p.approvals, a.active OR p.approvals > 0 AS active, \
            t.archived AND t.asked_at > t.updated_at AS asked, \
            t.thread_id, t.name, t.tag, t.archived, t.locked, \
            v.surface, v.part, v.channel_id, v.message_id, v.author_kind, v.hash, v.row_xmin, \
            v.state, v.updated_at \
     FROM unnest($2::uuid[]) AS w(id) \
     LEFT JOIN LATERAL (SELECT c.*, c.xmin FROM tasks c WHERE c.id = w.id OFFSET 0) k \
       ON k.project_id = $1 \
     LEFT JOIN bridge.decision d ON d.entity_id = k.id AND d.source = 'task' \
     LEFT JOIN bridge.task_thread t ON t.project_id = $1 AND t.task_id = w.id \
     LEFT JOIN agent_status s ON s.project_id = $1 AND s.agent_key = k.assignee_agent_key \
     LEFT JOIN LATERAL (",
    activity!(),
    ") a ON k.id IS NOT NULL \
     LEFT JOIN LATERAL ( \
         SELECT count(*) AS approvals FROM task_events e \
         WHERE e.task_id = w.id AND e.event_type = 'approval_request' AND k.deleted_at IS NULL \
           AND NOT EXISTS (SELECT FROM bridge.decision b \
                           WHERE b.entity_id = e.id AND b.source = 'task_event') \
           AND NOT EXISTS (SELECT FROM task_events r WHERE r.task_id = w.id \
                           AND r.event_type = 'approval_resolved' \
                           AND r.metadata ->> 'original_event_id' = e.id::text)) p ON true \
     LEFT JOIN LATERAL (SELECT * FROM bridge.view l \
                        WHERE l.entity_id = w.id::text AND l.kind = 'task' \
                          AND l.project_id = $1 OFFSET 0) v ON true \
     ORDER BY w.id, v.surface, v.part"
);

/// Active tasks that have no card, most recently touched first, as many as there may be threads; cards
/// that show an old version; cards without a thread; threads that should be archived; threads whose tasks
/// are gone.
const SWEEP: &str = concat!(
    "(SELECT k.id FROM tasks k \
      LEFT JOIN bridge.task_thread t ON t.project_id = $1 AND t.task_id = k.id \
      JOIN LATERAL (",
    activity!(),
    ") a ON a.active \
      WHERE k.project_id = $1 AND k.deleted_at IS NULL \
        AND (k.status NOT IN ('done', 'stopped') OR k.updated_at > now() - interval '14 days' \
             OR t.asked_at > now() - interval '14 days') \
        AND NOT EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 AND v.kind = 'task' \
                        AND v.entity_id = k.id::text AND v.surface = 'tasks') \
      ORDER BY a.touched DESC \
      LIMIT greatest(0, least($2, $3 - (SELECT count(*) FROM bridge.view c \
            LEFT JOIN bridge.task_thread o \
              ON o.project_id = $1 AND o.task_id::text = c.entity_id \
            WHERE c.project_id = $1 AND c.kind = 'task' AND c.surface = 'tasks' AND c.part = 0 \
              AND o.archived IS NOT TRUE)))) \
     UNION ALL \
     (SELECT v.entity_id::uuid FROM bridge.view v \
      LEFT JOIN tasks k ON k.id = v.entity_id::uuid \
      LEFT JOIN bridge.decision d ON d.entity_id = k.id AND d.source = 'task' \
      LEFT JOIN bridge.task_thread t ON t.project_id = $1 AND t.task_id = k.id \
      WHERE v.project_id = $1 AND v.kind = 'task' AND v.surface = 'tasks' \
        AND ((v.state IN ('sent', 'failed') AND v.row_xmin IS DISTINCT FROM concat(k.xmin, ':', d.xmin)) \
          OR (v.state = 'sent' AND k.id IS NOT NULL AND t.thread_id IS NULL)) LIMIT $2) \
     UNION ALL \
     (SELECT k.id FROM bridge.task_thread t JOIN tasks k ON k.id = t.task_id \
      JOIN LATERAL (",
    activity!(),
    ") a ON NOT a.active \
      WHERE t.project_id = $1 AND t.thread_id IS NOT NULL AND NOT t.archived LIMIT $2) \
     UNION ALL \
     (SELECT t.task_id FROM bridge.task_thread t \
      WHERE t.project_id = $1 AND t.thread_id IS NOT NULL \
        AND NOT EXISTS (SELECT FROM tasks k WHERE k.id = t.task_id) LIMIT $2)"
);

type SurplusRow = (Uuid, i64, Option<String>, Option<String>, bool);

impl Store {
    /// Tasks with their cards and threads, and what the look could see.
    pub async fn load_tasks(&self, on: &mut Kept, ids: &[Uuid]) -> Result<Looked<TaskSeen>> {
        let rows: Vec<Row> = sqlx::query_as(LOAD)
            .bind(self.project().as_str())
            .bind(ids)
            .fetch_all(on.get().await?)
            .await?;
        gather(EntityKind::Task, rows)
    }

    /// Tasks whose cards or threads are not as they should be, at most `limit` of each kind.
    pub async fn sweep_tasks(&self, limit: i64) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(SWEEP)
            .bind(self.project.as_str())
            .bind(limit)
            .bind(MOST_ACTIVE)
            .fetch_all(&self.pool)
            .await?;
        Ok(ids)
    }

    /// Threads above the number that may be open, least recently touched first: without those in
    /// which something waits for a decision.
    pub async fn surplus_threads(&self) -> Result<Vec<(Uuid, ChannelId, ThreadShown)>> {
        let rows: Vec<SurplusRow> = sqlx::query_as(concat!(
            "SELECT k.id, t.thread_id, t.name, t.tag, t.locked FROM bridge.task_thread t JOIN tasks k ON k.id = t.task_id \
             JOIN LATERAL (",
            activity!(),
            ") a ON true \
             WHERE t.project_id = $1 AND t.thread_id IS NOT NULL AND NOT t.archived \
               AND (SELECT count(*) FROM bridge.task_thread o WHERE o.project_id = $1 \
                    AND o.thread_id IS NOT NULL AND NOT o.archived) > $2 \
             ORDER BY EXISTS (SELECT FROM bridge.view v WHERE v.project_id = $1 \
                              AND v.channel_id = t.thread_id AND v.kind = 'task_event' \
                              AND v.part = 0 AND EXISTS (SELECT FROM task_events e \
                                  WHERE e.id = v.entity_id::uuid \
                                    AND e.event_type = 'approval_request' \
                                    AND NOT EXISTS (SELECT FROM bridge.decision d \
                                                    WHERE d.entity_id = e.id))) DESC, \
                      greatest(a.touched, t.asked_at) DESC OFFSET $2"
        ))
        .bind(self.project.as_str())
        .bind(MOST_ACTIVE)
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .filter_map(|(task, thread, name, tag, locked)| {
                let shown = ThreadShown {
                    name,
                    tag,
                    archived: false,
                    locked,
                };
                Some((task, ChannelId::from_i64(thread)?, shown))
            })
            .collect())
    }

    /// Tasks whose cards are open to everybody's eyes: their threads are not archived.
    pub async fn shown_tasks(&self) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "SELECT task_id FROM bridge.task_thread
             WHERE project_id = $1 AND thread_id IS NOT NULL AND NOT archived
             ORDER BY updated_at DESC",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }

    /// The agents that have open tasks and have not been heard of for long.
    pub async fn silent_agents(&self) -> Result<Vec<String>> {
        type Row = (String, String, Option<DateTime<Utc>>, DateTime<Utc>);
        let rows: Vec<Row> = sqlx::query_as(concat!(
            "SELECT s.agent_key, s.state, ",
            agent_seen!(),
            ", now() FROM agent_status s WHERE s.project_id = $1 ORDER BY s.agent_key"
        ))
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        let silent = rows
            .into_iter()
            .filter(|(_, state, seen, now)| is_silent(Some(state), *seen, *now));
        Ok(silent.map(|(key, ..)| key).collect())
    }

    /// The open tasks of these agents that are shown.
    pub async fn tasks_of(&self, agents: &[String]) -> Result<Vec<Uuid>> {
        let ids = sqlx::query_scalar(
            "SELECT k.id FROM tasks k JOIN bridge.task_thread t
                 ON t.project_id = $1 AND t.task_id = k.id AND NOT t.archived
             WHERE k.project_id = $1 AND k.assignee_agent_key = ANY($2)
               AND k.status NOT IN ('done', 'stopped')",
        )
        .bind(self.project.as_str())
        .bind(agents)
        .fetch_all(&self.pool)
        .await?;
        Ok(ids)
    }
}
