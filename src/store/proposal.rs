//! Proposals from their three sources, each with what has been decided.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::{Result, Store, StoreError, readable};
use crate::model::message::Author;
use crate::model::proposal::action::Action;
use crate::model::proposal::{
    Decision, Ending, Execution, Malformed, Payload, Proposal, ProposalRef, ProposalSource,
    ProposalState, Reading, Risk, Verdict, read_event, read_message, read_task,
};
use crate::model::thread::Place;
use crate::model::{ThreadId, UserId};

/// What stands for an action's name where nobody can read it.
pub(super) const MALFORMED: &str = "malformed";

/// A proposal with the version of everything that its card shows.
#[derive(Debug, Clone)]
pub struct StoredProposal {
    /// The proposal.
    pub proposal: Proposal,
    /// Changes whenever something of it does.
    pub version: String,
    /// The chat thread it was made in.
    pub thread: Option<ThreadId>,
    /// The task it belongs to.
    pub task: Option<Uuid>,
}

/// How much waits for an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRow)]
pub struct OpenProposals {
    /// How many.
    pub count: i64,
    /// Since when the oldest waits.
    pub oldest: Option<DateTime<Utc>>,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    version: String,
    author: Option<String>,
    at: DateTime<Utc>,
    /// Of a message: its type. Of an event: its text.
    text: Option<String>,
    /// JSON as text: the database takes numbers and depths that nobody else can read.
    metadata: Option<String>,
    thread_id: Option<Uuid>,
    thread_title: Option<String>,
    task_id: Option<Uuid>,
    task_title: Option<String>,
    description: Option<String>,
    assignee: Option<String>,
    /// What a dashboard has made of it; none while it is open.
    elsewhere: Option<String>,
    elsewhere_by: Option<String>,
    #[sqlx(flatten)]
    decision: DecisionColumns,
}

#[derive(FromRow)]
struct DecisionColumns {
    verdict: Option<String>,
    state: Option<String>,
    action_type: Option<String>,
    payload: Option<Value>,
    decided_by: Option<i64>,
    decided_by_name: Option<String>,
    decided_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    finished_at: Option<DateTime<Utc>>,
    result: Option<String>,
}

impl DecisionColumns {
    fn decision(&self, row: Uuid) -> Result<Option<Decision>> {
        let bad = |reason: &str| StoreError::bad_row("bridge.decision", row, reason);
        let (Some(verdict), Some(state)) = (&self.verdict, &self.state) else {
            return Ok(None);
        };
        let ending = || Ending {
            at: self.finished_at.or(self.decided_at).unwrap_or_default(),
            result: self.result.clone().unwrap_or_default(),
        };
        Ok(Some(Decision {
            verdict: match verdict.as_str() {
                "approved" => Verdict::Approve,
                "rejected" => Verdict::Reject,
                _ => return Err(bad("unknown verdict")),
            },
            by: self
                .decided_by
                .and_then(UserId::from_i64)
                .ok_or_else(|| bad("decided by nobody"))?,
            by_name: self.decided_by_name.clone().unwrap_or_default(),
            at: self.decided_at.unwrap_or_default(),
            reason: self.reason.clone(),
            execution: match state.as_str() {
                "rejected" | "accepted" => Execution::Nothing,
                "approved" => Execution::Waiting,
                "running" => Execution::Running,
                "executed" => Execution::Executed(ending()),
                "failed" => Execution::Failed(ending()),
                "unknown" => Execution::Unknown,
                _ => return Err(bad("unknown state")),
            },
        }))
    }

    /// What was decided about, where it could be read: the row may say something else by now.
    fn frozen(&self, source: ProposalSource) -> Option<Payload> {
        let (name, payload) = (self.action_type.as_deref()?, self.payload.as_ref()?);
        match Action::read(name, payload.clone()) {
            Some(Ok(action)) => Some(Payload::Action(action)),
            None if source == ProposalSource::TaskEvent && name != MALFORMED => {
                Some(Payload::Free {
                    name: name.to_owned(),
                    details: payload.clone(),
                })
            }
            Some(Err(_)) | None => None,
        }
    }
}

impl Row {
    fn read(&self, source: ProposalSource) -> Reading {
        let metadata = match self.metadata.as_deref().map(serde_json::from_str) {
            None => Value::Null,
            Some(Ok(metadata)) => metadata,
            // What a task came from is not what is decided.
            Some(Err(_)) if source == ProposalSource::Task => Value::Null,
            Some(Err(error)) => return self.unreadable(&error),
        };
        let text = self.text.as_deref();
        let mut reading = match source {
            ProposalSource::Message => read_message(text.unwrap_or_default(), &metadata),
            ProposalSource::TaskEvent => read_event(text, &metadata),
            ProposalSource::Task => read_task(
                self.task_title.as_deref().unwrap_or_default(),
                self.description.as_deref(),
                self.assignee.as_deref(),
                Some(&metadata),
            ),
        };
        if let Some(frozen) = self.decision.frozen(source) {
            reading.payload = Ok(frozen);
        }
        reading
    }

    fn unreadable(&self, error: &serde_json::Error) -> Reading {
        Reading {
            payload: Err(Malformed {
                path: "metadata".to_owned(),
                reason: error.to_string(),
            }),
            risk: Risk::High,
            reason: String::new(),
            raw: self.metadata.clone().unwrap_or_default().into(),
        }
    }

    fn stored(self, source: ProposalSource) -> Result<StoredProposal> {
        let reading = self.read(source);
        let state = match (self.decision.decision(self.id)?, self.elsewhere) {
            (Some(decision), _) => ProposalState::Decided(decision),
            (None, Some(status)) => ProposalState::Elsewhere {
                status,
                by: self.elsewhere_by,
            },
            (None, None) => ProposalState::Open,
        };
        let place = match (source, self.thread_id, self.thread_title.as_deref()) {
            (ProposalSource::Message, None, _) => Place::Room,
            (ProposalSource::Message, Some(_), Some(title)) => Place::from_title(Some(title)),
            _ => Place::Elsewhere,
        };
        Ok(StoredProposal {
            proposal: Proposal {
                reference: ProposalRef {
                    source,
                    id: self.id,
                },
                place,
                proposer: Author::parse(self.author.as_deref().unwrap_or("somebody")),
                proposed_at: self.at,
                task_title: self.task_title,
                reading,
                state,
            },
            version: self.version,
            thread: self.thread_id.map(ThreadId),
            task: self.task_id,
        })
    }
}

macro_rules! decision_columns {
    () => {
        "d.verdict, d.state, d.action_type, d.payload, d.decided_by, d.decided_by_name, \
         d.decided_at, d.reason, d.finished_at, d.result"
    };
}

const MESSAGES: &str = concat!(
    "SELECT m.id, m.xmin::text AS version, m.author, ",
    readable!("m.created_at"),
    " AS at, m.message_type AS text, m.metadata::text AS metadata, m.thread_id, t.title AS thread_title, \
            NULL::uuid AS task_id, NULL AS task_title, NULL AS description, NULL AS assignee, \
            CASE WHEN coalesce(m.metadata->>'status', 'proposed') <> 'proposed' \
                 THEN m.metadata->>'status' END AS elsewhere, \
            coalesce(m.metadata->>'approved_by', m.metadata->>'rejected_by') AS elsewhere_by, ",
    decision_columns!(),
    " FROM unnest($2::uuid[]) AS w(id) \
     JOIN LATERAL (SELECT c.*, c.xmin FROM project_chat_messages c \
                   WHERE c.id = w.id OFFSET 0) m ON m.project_id = $1 \
     LEFT JOIN project_chat_threads t ON t.id = m.thread_id \
     LEFT JOIN bridge.decision d ON d.entity_id = m.id AND d.source = 'message' \
     WHERE m.message_type IN ('task_proposal', 'action_proposal') \
     ORDER BY m.created_at, m.id"
);

/// An event that follows another names it; the answer is about the first one.
const EVENTS: &str = concat!(
    "SELECT e.id, concat(e.xmin, ':', d.xmin, ':', r.id) AS version, e.author, ",
    readable!("e.created_at"),
    " AS at, e.content AS text, e.metadata::text AS metadata, NULL::uuid AS thread_id, NULL AS thread_title, \
            e.task_id, k.title AS task_title, NULL AS description, NULL AS assignee, \
            CASE WHEN r.id IS NOT NULL THEN coalesce(r.metadata->>'status', 'resolved') END \
                AS elsewhere, \
            coalesce(r.metadata->>'resolved_by', r.author) AS elsewhere_by, ",
    decision_columns!(),
    " FROM (SELECT DISTINCT CASE WHEN f.event_type = 'approval_request' THEN f.id \
              WHEN f.metadata->>'original_event_id' \
                   ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' \
              THEN (f.metadata->>'original_event_id')::uuid END AS id \
            FROM unnest($2::uuid[]) AS w(id) JOIN task_events f ON f.id = w.id) o \
     JOIN task_events e ON e.id = o.id AND e.project_id = $1 \
       AND e.event_type = 'approval_request' \
     JOIN tasks k ON k.id = e.task_id AND k.deleted_at IS NULL \
     LEFT JOIN LATERAL (SELECT s.id, s.author, s.metadata FROM task_events s \
                        WHERE s.metadata->>'original_event_id' = e.id::text \
                          AND s.event_type = 'approval_resolved' AND s.task_id = e.task_id \
                        ORDER BY s.created_at, s.id LIMIT 1) r ON true \
     LEFT JOIN bridge.decision d ON d.entity_id = e.id AND d.source = 'task_event' \
     ORDER BY e.created_at, e.id"
);

/// A task that was a proposal once is still one where it is shown as one.
const TASKS: &str = concat!(
    "SELECT k.id, concat(k.xmin, ':', d.xmin) AS version, \
            coalesce(k.context_snapshot->>'promoted_by', \
                (SELECT e.author FROM task_events e WHERE e.task_id = k.id \
                   AND e.event_type = 'comment' AND e.metadata->>'is_proposed' = 'true' \
                 ORDER BY e.created_at, e.id LIMIT 1)) AS author, ",
    readable!("k.created_at"),
    " AS at, NULL AS text, k.context_snapshot::text AS metadata, NULL::uuid AS thread_id, \
            NULL AS thread_title, k.id AS task_id, k.title AS task_title, k.description, \
            k.assignee_agent_key AS assignee, \
            CASE WHEN k.rejected_at IS NOT NULL THEN 'rejected' \
                 WHEN NOT coalesce(k.is_proposed, false) OR k.status <> 'inbox' THEN 'accepted' \
                 END AS elsewhere, NULL AS elsewhere_by, ",
    decision_columns!(),
    " FROM unnest($2::uuid[]) AS w(id) \
     JOIN tasks k ON k.id = w.id AND k.project_id = $1 AND k.deleted_at IS NULL \
     LEFT JOIN bridge.decision d ON d.entity_id = k.id AND d.source = 'task' \
     WHERE k.is_proposed OR d.entity_id IS NOT NULL \
       OR EXISTS (SELECT FROM bridge.view v WHERE v.entity_id = k.id::text \
                  AND v.kind = 'task' AND v.surface = 'approvals' AND v.project_id = $1) \
     ORDER BY k.created_at, k.id"
);

/// Ids of open proposals with their time, of all sources.
macro_rules! open {
    () => {
        "SELECT m.id, 'message' AS source, m.created_at FROM project_chat_messages m \
         WHERE m.project_id = $1 AND m.message_type IN ('task_proposal', 'action_proposal') \
           AND coalesce(m.metadata->>'status', 'proposed') = 'proposed' \
           AND NOT EXISTS (SELECT FROM bridge.decision d \
                           WHERE d.entity_id = m.id AND d.source = 'message') \
         UNION ALL \
         SELECT e.id, 'task_event', e.created_at FROM task_events e \
         JOIN tasks k ON k.id = e.task_id AND k.deleted_at IS NULL \
         WHERE e.project_id = $1 AND e.event_type = 'approval_request' \
           AND NOT EXISTS (SELECT FROM task_events s \
                           WHERE s.metadata->>'original_event_id' = e.id::text \
                             AND s.event_type = 'approval_resolved' AND s.task_id = e.task_id) \
           AND NOT EXISTS (SELECT FROM bridge.decision d \
                           WHERE d.entity_id = e.id AND d.source = 'task_event') \
         UNION ALL \
         SELECT k.id, 'task', k.created_at FROM tasks k \
         WHERE k.project_id = $1 AND k.is_proposed AND k.status = 'inbox' \
           AND k.deleted_at IS NULL AND k.rejected_at IS NULL \
           AND NOT EXISTS (SELECT FROM bridge.decision d \
                           WHERE d.entity_id = k.id AND d.source = 'task')"
    };
}

impl Store {
    /// Proposals of one source, oldest first. Rows that are gone, or no proposals, are left out. Of
    /// [`ProposalSource::TaskEvent`] the events that follow a proposal may be named as well.
    pub async fn proposals(
        &self,
        source: ProposalSource,
        ids: &[Uuid],
    ) -> Result<Vec<StoredProposal>> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut on = self.pool.acquire().await?;
        self.proposals_on(&mut on, source, ids).await
    }

    pub(super) async fn proposals_on(
        &self,
        on: &mut PgConnection,
        source: ProposalSource,
        ids: &[Uuid],
    ) -> Result<Vec<StoredProposal>> {
        let query = match source {
            ProposalSource::Message => MESSAGES,
            ProposalSource::TaskEvent => EVENTS,
            ProposalSource::Task => TASKS,
        };
        let rows: Vec<Row> = sqlx::query_as(query)
            .bind(self.project.as_str())
            .bind(ids)
            .fetch_all(on)
            .await?;
        rows.into_iter().map(|row| row.stored(source)).collect()
    }

    /// One proposal.
    pub async fn proposal(&self, reference: ProposalRef) -> Result<Option<StoredProposal>> {
        let mut found = self.proposals(reference.source, &[reference.id]).await?;
        Ok(found.pop())
    }

    /// What waits for an operator, oldest first, at most so many of each source.
    pub async fn open_proposals(&self, limit: i64) -> Result<Vec<Proposal>> {
        let rows: Vec<(Uuid, String)> = sqlx::query_as(concat!(
            "SELECT id, source FROM (",
            open!(),
            ") AS o ORDER BY created_at, id LIMIT $2"
        ))
        .bind(self.project.as_str())
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let mut open = Vec::with_capacity(rows.len());
        for source in [
            ProposalSource::Message,
            ProposalSource::TaskEvent,
            ProposalSource::Task,
        ] {
            let ids: Vec<Uuid> = rows
                .iter()
                .filter(|(_, name)| name == source.as_str())
                .map(|(id, _)| *id)
                .collect();
            let stored = self.proposals(source, &ids).await?;
            open.extend(stored.into_iter().map(|stored| stored.proposal));
        }
        open.retain(Proposal::is_open);
        open.sort_by_key(|proposal| (proposal.proposed_at, proposal.reference));
        Ok(open)
    }

    /// How much waits for an operator.
    pub async fn open_count(&self) -> Result<OpenProposals> {
        let open = sqlx::query_as(concat!(
            "SELECT count(*) AS count, ",
            readable!("min(created_at)"),
            " AS oldest FROM (",
            open!(),
            ") AS o"
        ))
        .bind(self.project.as_str())
        .fetch_one(&self.pool)
        .await?;
        Ok(open)
    }
}
