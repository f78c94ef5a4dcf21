//! What happened in tasks as their threads show it: events, and the old comments and outputs that no
//! event carries.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::FromRow;
use uuid::Uuid;

use super::kept::Kept;
use super::look::{LookRow, Looked, OptionalView, gather};
use super::{Result, Store, readable};
use crate::model::message::Author;
use crate::model::task::{Answer, Event, Item, TimelineItem};
use crate::model::view::{Entity, EntityKind};

/// Something that happened, with what else has to be looked at.
#[derive(Debug, Clone)]
pub struct EventSeen {
    /// What happened.
    pub event: Event,
    /// Whether an event carries it, or it says what another said a moment before: then it is not
    /// shown.
    pub is_twin: bool,
    /// Whether it is, or follows, a proposal.
    pub proposes: bool,
    /// The question that it answers.
    pub answers: Option<Entity>,
}

#[derive(FromRow)]
struct Row {
    snapshot: String,
    server: i64,
    /// The word of what was asked for.
    kind: String,
    wanted_id: Uuid,
    task_id: Option<Uuid>,
    version: Option<String>,
    event_type: Option<String>,
    author: Option<String>,
    content: Option<String>,
    /// JSON as text: the database takes numbers and depths that nobody else can read.
    metadata: Option<String>,
    at: Option<DateTime<Utc>>,
    twin: Option<bool>,
    answer_author: Option<String>,
    answer_name: Option<String>,
    answer: Option<String>,
    question: Option<Uuid>,
    #[sqlx(flatten)]
    view: OptionalView,
}

impl LookRow for Row {
    type Read = EventSeen;

    fn wanted(&self) -> Uuid {
        self.wanted_id
    }

    fn sight(&self) -> (&str, i64) {
        (&self.snapshot, self.server)
    }

    fn into_view(self) -> OptionalView {
        self.view
    }

    fn read(&mut self) -> Option<(EventSeen, String)> {
        let metadata: Value = self
            .metadata
            .take()
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let id = self.wanted_id;
        let item = match self.kind.as_str() {
            "task_comment" => Item::Said(TimelineItem::Comment(id)),
            "task_output" => Item::Output(id),
            _ => Item::Said(TimelineItem::Event(id)),
        };
        let word = |key: &str| metadata.get(key).and_then(Value::as_str);
        let event_type = self.event_type.take()?;
        let answered_comment = || {
            let id = word("reply_to")?.strip_prefix("lc_")?;
            Some(Entity {
                kind: EntityKind::TaskComment,
                id: Uuid::try_parse(id).ok()?,
            })
        };
        let question = self.question.map(|id| Entity {
            kind: EntityKind::TaskEvent,
            id,
        });
        let answer = self.answer_author.take().zip(self.answer.take());
        let seen = EventSeen {
            is_twin: self.twin.unwrap_or(false),
            proposes: event_type == "approval_request"
                || metadata.get("original_event_id").is_some(),
            answers: question.or_else(answered_comment),
            event: Event {
                item,
                task: self.task_id?,
                author: Author::parse(self.author.as_deref()?),
                author_name: word("author_name").map(str::to_owned),
                content: self.content.take().unwrap_or_default(),
                at: self.at?,
                answer: answer.map(|(author, content)| Answer {
                    author: Author::parse(&author),
                    author_name: self.answer_name.take(),
                    content,
                }),
                kind: event_type,
                metadata,
            },
        };
        Some((seen, self.version.take()?))
    }
}

/// SQL for whether an event `e` tells a change that another one has told within 10 s before: dashboards
/// write two of them at times (source: `ClawdOS`'s detail sheet and board).
macro_rules! twin {
    () => {
        "(e.event_type = 'status_change' AND EXISTS (SELECT FROM task_events b \
             WHERE b.task_id = e.task_id AND b.event_type = 'status_change' AND b.id <> e.id \
               AND b.metadata ->> 'old_status' = e.metadata ->> 'old_status' \
               AND b.metadata ->> 'new_status' = e.metadata ->> 'new_status' \
               AND b.created_at >= e.created_at - interval '10 seconds' \
               AND (b.created_at, b.ctid) < (e.created_at, e.ctid)))"
    };
}
pub(super) use twin;

macro_rules! load {
    ($row:expr, $refs:literal) => {
        concat!(
            "SELECT pg_current_snapshot()::text AS snapshot, \
                    (extract(epoch FROM pg_postmaster_start_time()) * 1e6)::int8 AS server, \
                    $3::text AS kind, w.id AS wanted_id, s.task_id, concat(s.version, ':', n.id) AS version, \
                    s.event_type, s.author, s.content, s.metadata, ",
            readable!("s.created_at"),
            " AS at, s.twin, n.author AS answer_author, n.name AS answer_name, n.content AS answer, \
                    s.question, v.surface, v.part, v.channel_id, v.message_id, v.author_kind, v.hash, \
                    v.row_xmin, v.state, v.updated_at \
             FROM unnest($2::uuid[]) AS w(id) LEFT JOIN LATERAL (",
            $row,
            " OFFSET 0) s ON true \
             LEFT JOIN LATERAL (SELECT a.id, a.author, a.content, a.metadata ->> 'author_name' AS name \
                 FROM task_events a \
                 WHERE s.event_type = 'comment' AND s.content ~* 'needs attention' \
                   AND a.task_id = s.task_id AND a.event_type = 'comment' \
                   AND a.content LIKE 'Answer:%' AND a.metadata ->> 'reply_to' IN (",
            $refs,
            ") ORDER BY a.created_at, a.id LIMIT 1) n ON true \
             LEFT JOIN LATERAL (SELECT * FROM bridge.view l \
                                WHERE l.entity_id = w.id::text AND l.kind = $3 \
                                  AND l.project_id = $1 OFFSET 0) v ON true \
             ORDER BY s.created_at, s.ctid, w.id, v.surface, v.part"
        )
    };
}

const EVENTS: &str = load!(
    concat!(
        "SELECT e.task_id, e.xmin::text AS version, e.event_type, e.author, e.content, \
                e.metadata::text AS metadata, e.created_at, e.ctid, ",
        twin!(),
        " AS twin, e.metadata ->> 'legacy_comment_id' AS legacy, \
                (SELECT q.id FROM task_events q \
                 WHERE e.metadata ->> 'reply_to' IS NOT NULL AND q.task_id = e.task_id \
                   AND e.metadata ->> 'reply_to' \
                       IN (q.id::text, 'lc_' || (q.metadata ->> 'legacy_comment_id')) LIMIT 1) \
                AS question \
         FROM task_events e WHERE e.id = w.id AND e.project_id = $1"
    ),
    "w.id::text, 'lc_' || s.legacy"
);

const COMMENTS: &str = load!(
    "SELECT c.task_id, c.xmin::text AS version, 'comment' AS event_type, \
            coalesce(c.author_agent_key, 'ui') AS author, c.content, NULL AS metadata, c.created_at, \
            c.ctid, EXISTS (SELECT FROM task_events e WHERE e.task_id = c.task_id \
                            AND e.metadata ->> 'legacy_comment_id' = c.id::text) AS twin, \
            NULL::uuid AS question \
     FROM task_comments c WHERE c.id = w.id AND c.project_id = $1",
    "'lc_' || w.id"
);

const OUTPUTS: &str = load!(
    "SELECT o.task_id, o.xmin::text AS version, 'output_added' AS event_type, \
            coalesce(o.created_by, 'ui') AS author, o.content_text AS content, \
            jsonb_build_object('output_type', o.output_type, 'title', o.title, \
                'link_url', o.link_url, 'storage_path', o.storage_path, \
                'mime_type', o.mime_type)::text AS metadata, o.created_at, o.ctid, \
            EXISTS (SELECT FROM task_events e WHERE e.task_id = o.task_id \
                    AND e.metadata ->> 'legacy_output_id' = o.id::text) AS twin, \
            NULL::uuid AS question \
     FROM task_outputs o WHERE o.id = w.id AND o.project_id = $1",
    "'lo_' || w.id"
);

/// Events of late that their threads do not show or not as they are, then old comments and outputs;
/// views of what is gone.
const SWEEP: &str = concat!(
    "SELECT r.kind, r.id FROM ( \
       (SELECT 'task_event' AS kind, e.id, e.created_at FROM task_events e \
        JOIN bridge.task_thread t ON t.project_id = $1 AND t.task_id = e.task_id \
          AND t.filled_at IS NOT NULL AND t.thread_id IS NOT NULL AND NOT (t.archived AND t.locked) \
        LEFT JOIN bridge.view v ON v.project_id = $1 AND v.kind = 'task_event' \
          AND v.entity_id = e.id::text AND v.surface = 'task-' || e.task_id AND v.part = 0 \
        WHERE e.project_id = $1 AND e.created_at >= $2 \
          AND (v.entity_id IS NULL OR (v.state IN ('sent', 'failed') \
               AND v.author_kind <> 'person' AND e.event_type <> 'approval_request' \
               AND split_part(v.row_xmin, ':', 1) IS DISTINCT FROM e.xmin::text)) \
          AND NOT ",
    twin!(),
    " LIMIT $3) \
       UNION ALL \
       (SELECT 'task_comment', c.id, c.created_at FROM task_comments c \
        JOIN bridge.task_thread t ON t.project_id = $1 AND t.task_id = c.task_id \
          AND t.filled_at IS NOT NULL AND t.thread_id IS NOT NULL AND NOT (t.archived AND t.locked) \
        LEFT JOIN bridge.view v ON v.project_id = $1 AND v.kind = 'task_comment' \
          AND v.entity_id = c.id::text AND v.part = 0 \
        WHERE c.project_id = $1 AND c.created_at >= $2 \
          AND (v.entity_id IS NULL OR (v.state IN ('sent', 'failed') \
               AND split_part(v.row_xmin, ':', 1) IS DISTINCT FROM c.xmin::text)) \
          AND NOT EXISTS (SELECT FROM task_events e WHERE e.task_id = c.task_id \
                          AND e.metadata ->> 'legacy_comment_id' = c.id::text) LIMIT $3) \
       UNION ALL \
       (SELECT 'task_output', o.id, o.created_at FROM task_outputs o \
        JOIN bridge.task_thread t ON t.project_id = $1 AND t.task_id = o.task_id \
          AND t.filled_at IS NOT NULL AND t.thread_id IS NOT NULL AND NOT (t.archived AND t.locked) \
        LEFT JOIN bridge.view v ON v.project_id = $1 AND v.kind = 'task_output' \
          AND v.entity_id = o.id::text AND v.part = 0 \
        WHERE o.project_id = $1 AND o.created_at >= $2 \
          AND (v.entity_id IS NULL OR (v.state IN ('sent', 'failed') \
               AND split_part(v.row_xmin, ':', 1) IS DISTINCT FROM o.xmin::text)) \
          AND NOT EXISTS (SELECT FROM task_events e WHERE e.task_id = o.task_id \
                          AND e.metadata ->> 'legacy_output_id' = o.id::text) LIMIT $3) \
       UNION ALL \
       (SELECT v.kind, v.entity_id::uuid, v.created_at FROM bridge.view v \
        WHERE v.project_id = $1 AND v.state = 'sent' AND v.created_at >= $2 \
          AND ((v.kind = 'task_comment' AND NOT EXISTS (SELECT FROM task_comments c \
                                                        WHERE c.id = v.entity_id::uuid)) \
            OR (v.kind = 'task_output' AND NOT EXISTS (SELECT FROM task_outputs o \
                                                       WHERE o.id = v.entity_id::uuid))) LIMIT $3) \
     ) r ORDER BY r.created_at, r.id"
);

impl Store {
    /// Rows of timelines, oldest first, with their views, and what the look could see.
    pub async fn load_timeline(
        &self,
        on: &mut Kept,
        kind: EntityKind,
        ids: &[Uuid],
    ) -> Result<Looked<EventSeen>> {
        let query = match kind {
            EntityKind::TaskComment => COMMENTS,
            EntityKind::TaskOutput => OUTPUTS,
            _ => EVENTS,
        };
        let rows: Vec<Row> = sqlx::query_as(query)
            .bind(self.project().as_str())
            .bind(ids)
            .bind(kind.as_str())
            .fetch_all(on.get().await?)
            .await?;
        gather(kind, rows)
    }

    /// Rows of timelines since `floor` that their threads do not show as they are, at most `limit` of
    /// each kind. Threads that are new are [`Store::unfilled`]'s.
    pub async fn sweep_timelines(&self, floor: DateTime<Utc>, limit: i64) -> Result<Vec<Entity>> {
        let rows: Vec<(String, Uuid)> = sqlx::query_as(SWEEP)
            .bind(self.project.as_str())
            .bind(floor)
            .bind(limit)
            .fetch_all(&self.pool)
            .await?;
        let rows = rows.into_iter().filter_map(|(word, id)| {
            let kind = EntityKind::parse(&word)?;
            Some(Entity { kind, id })
        });
        Ok(rows.collect())
    }

    /// What showed old comments and outputs shows the events that carry them now. Gives back whether
    /// there were any.
    pub async fn adopt_legacy(&self, events: &[Uuid]) -> Result<bool> {
        let moved = sqlx::query(
            "UPDATE bridge.view v SET kind = 'task_event', entity_id = e.id::text
             FROM task_events e
             WHERE e.id = ANY($2) AND e.project_id = $1 AND v.project_id = $1
               AND ((v.kind = 'task_comment' AND v.entity_id = e.metadata ->> 'legacy_comment_id')
                 OR (v.kind = 'task_output' AND v.entity_id = e.metadata ->> 'legacy_output_id'))
               AND NOT EXISTS (SELECT FROM bridge.view o WHERE o.project_id = $1
                               AND o.kind = 'task_event' AND o.entity_id = e.id::text
                               AND o.surface = v.surface AND o.part = v.part)",
        )
        .bind(self.project.as_str())
        .bind(events)
        .execute(&self.pool)
        .await?;
        Ok(moved.rows_affected() > 0)
    }
}
