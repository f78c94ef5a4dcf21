//! The verdict: one transaction that reads the proposal under lock, compares it with what the
//! operator has seen, and writes the decision, once.

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::chat::{storable, storable_json};
use super::decision::{DASHBOARD, News, tell};
use super::proposal::{MALFORMED, StoredProposal};
use super::{Result, Store};
use crate::model::message::Author;
use crate::model::proposal::{
    Payload, PayloadHash, ProposalRef, ProposalSource, ProposalState, Verdict,
};
use crate::model::{AgentKey, UserId};

/// Who decides.
#[derive(Debug, Clone)]
pub struct Decider {
    /// The account.
    pub user: UserId,
    /// Its name there.
    pub name: String,
}

/// A verdict about to be written.
#[derive(Debug)]
pub struct NewVerdict<'a> {
    /// Which.
    pub verdict: Verdict,
    /// The payload that the operator has seen.
    pub seen: PayloadHash,
    /// Whose.
    pub by: &'a Decider,
    /// Why: only with a rejection.
    pub reason: Option<&'a str>,
    /// What the proposing agent is told of it, if it is told.
    pub feedback: Option<&'a str>,
}

/// What became of a verdict.
#[derive(Debug)]
pub enum Decided {
    /// It counts. With the agent that a message waits for, if one does.
    Done(Box<StoredProposal>, Option<AgentKey>),
    /// Somebody was quicker.
    Already(Box<StoredProposal>),
    /// The proposal says something else than what the operator has seen.
    Changed,
    /// Nobody can tell what would be approved.
    Malformed,
    /// There is no such proposal any more.
    Gone,
}

impl Store {
    /// Decides a proposal. Whatever is not [`Decided::Done`] has written nothing.
    pub async fn decide(&self, reference: ProposalRef, verdict: NewVerdict<'_>) -> Result<Decided> {
        let mut tx = self.pool.begin().await?;
        lock(&mut tx, reference).await?;
        let Some(stored) = self.stored(&mut tx, reference).await? else {
            return Ok(Decided::Gone);
        };
        if stored.proposal.state != ProposalState::Open {
            return Ok(Decided::Already(Box::new(stored)));
        }
        if stored.proposal.hash() != verdict.seen {
            return Ok(Decided::Changed);
        }
        if verdict.verdict == Verdict::Approve && stored.proposal.reading.payload.is_err() {
            return Ok(Decided::Malformed);
        }
        if !self.insert_decision(&mut tx, &stored, &verdict).await? {
            // The lock keeps others out who come through here; nobody else may come.
            return Ok(Decided::Gone);
        }
        let waits = self.tell_everybody(&mut tx, &stored, &verdict).await?;
        let decided = self.stored(&mut tx, reference).await?;
        tx.commit().await?;
        Ok(decided.map_or(Decided::Gone, |it| Decided::Done(Box::new(it), waits)))
    }

    /// After an outcome that nobody knows: an operator has looked and wants it done again, or not.
    /// False when it is not in question any more.
    pub async fn settle_unknown(
        &self,
        reference: ProposalRef,
        again: bool,
        by: &Decider,
    ) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let result = format!(
            "Nobody knows whether it was done; {} has looked and let it be.",
            by.name
        );
        let settled = sqlx::query(
            "UPDATE bridge.decision SET state = CASE WHEN $4 THEN 'approved' ELSE 'failed' END, \
                    claimed_at = NULL, finished_at = CASE WHEN $4 THEN NULL ELSE now() END, \
                    result = CASE WHEN $4 THEN NULL ELSE $5 END \
             WHERE project_id = $1 AND entity_id = $2 AND source = $3 AND state = 'unknown'",
        )
        .bind(self.project.as_str())
        .bind(reference.id)
        .bind(reference.source.as_str())
        .bind(again)
        .bind(storable(&result))
        .execute(&mut *tx)
        .await?;
        if settled.rows_affected() == 0 {
            return Ok(false);
        }
        let (status, line) = match (again, reference.source) {
            (false, _) => ("failed", result.as_str()),
            (true, ProposalSource::Message) => ("approved", ""),
            // The verdict stands in the timeline already.
            (true, _) => ("retry", "To be carried out again"),
        };
        let fields = json!({ "execution_result": (!again).then_some(&result) });
        let news = News {
            status,
            fields: &storable_json(&fields),
            line,
        };
        tell(&mut tx, &self.project, reference, news).await?;
        tx.commit().await?;
        Ok(true)
    }

    async fn stored(
        &self,
        on: &mut PgConnection,
        reference: ProposalRef,
    ) -> Result<Option<StoredProposal>> {
        let ids = [reference.id];
        let mut found = self.proposals_on(on, reference.source, &ids).await?;
        Ok(found.pop().filter(|it| it.proposal.reference == reference))
    }

    async fn insert_decision(
        &self,
        on: &mut PgConnection,
        stored: &StoredProposal,
        verdict: &NewVerdict<'_>,
    ) -> Result<bool> {
        let proposal = &stored.proposal;
        let (action, payload) = match &proposal.reading.payload {
            Ok(payload) => (payload.name().to_owned(), payload.parameters()),
            Err(_) => (MALFORMED.to_owned(), proposal.reading.raw.clone()),
        };
        let is_task = matches!(proposal.reading.payload, Ok(Payload::Task(_)));
        let state = match verdict.verdict {
            Verdict::Reject => "rejected",
            Verdict::Approve if is_task => "accepted",
            Verdict::Approve => "approved",
        };
        let inserted = sqlx::query(
            "INSERT INTO bridge.decision (entity_id, source, project_id, verdict, state, \
                 action_type, payload, payload_hash, proposer, thread_id, task_id, decided_by, \
                 decided_by_name, reason) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) \
             ON CONFLICT (entity_id, source) DO NOTHING",
        )
        .bind(proposal.reference.id)
        .bind(proposal.reference.source.as_str())
        .bind(self.project.as_str())
        .bind(verdict.verdict.decided())
        .bind(state)
        .bind(action)
        .bind(payload)
        .bind(verdict.seen.bytes().as_slice())
        .bind(proposal.proposer.as_column())
        .bind(stored.thread.map(|thread| thread.0))
        .bind(stored.task)
        .bind(verdict.by.user.to_i64())
        .bind(storable(&verdict.by.name))
        .bind(verdict.reason.map(storable))
        .execute(on)
        .await?;
        Ok(inserted.rows_affected() == 1)
    }

    /// Everybody who reads other tables than ours. Gives back the agent that a message waits for.
    async fn tell_everybody(
        &self,
        on: &mut PgConnection,
        stored: &StoredProposal,
        verdict: &NewVerdict<'_>,
    ) -> Result<Option<AgentKey>> {
        let reference = stored.proposal.reference;
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let user = verdict.by.user;
        let approved = verdict.verdict == Verdict::Approve;
        let fields = match (reference.source, approved) {
            (ProposalSource::TaskEvent, _) => json!({
                "resolved_by": "ui", "resolved_at": now, "resolved_by_discord_id": user,
                "reason": verdict.reason,
            }),
            (_, true) => json!({
                "approved_by": "ui", "approved_at": now, "resolved_by_discord_id": user,
            }),
            (_, false) => json!({
                "rejected_by": "ui", "rejected_at": now, "rejected_reason": verdict.reason,
                "resolved_by_discord_id": user,
            }),
        };
        let news = News {
            status: verdict.verdict.decided(),
            fields: &storable_json(&fields),
            line: if approved { "Approved" } else { "Rejected" },
        };
        tell(on, &self.project, reference, news).await?;
        match reference.source {
            ProposalSource::Task => self.move_task(on, stored, verdict).await?,
            ProposalSource::TaskEvent => {
                let kind = if approved {
                    "approval_granted"
                } else {
                    "approval_rejected"
                };
                self.note_activity(on, stored, kind, verdict).await?;
            }
            ProposalSource::Message => {}
        }
        match verdict.feedback {
            Some(feedback) => self.feed_back(on, stored, feedback).await,
            None => Ok(None),
        }
    }

    /// As a dashboard does it (source: `ClawdOS`), and in the timeline.
    async fn move_task(
        &self,
        on: &mut PgConnection,
        stored: &StoredProposal,
        verdict: &NewVerdict<'_>,
    ) -> Result<()> {
        let approved = verdict.verdict == Verdict::Approve;
        let status = if approved { "in_progress" } else { "done" };
        let id = stored.proposal.reference.id;
        sqlx::query(
            "UPDATE tasks SET is_proposed = false, status = $3, \
                 rejected_at = CASE WHEN $4 THEN rejected_at ELSE now() END, \
                 rejected_reason = CASE WHEN $4 THEN rejected_reason ELSE $5 END \
             WHERE id = $1 AND project_id = $2",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(status)
        .bind(approved)
        .bind(verdict.reason.map(storable))
        .execute(&mut *on)
        .await?;
        sqlx::query(
            "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) \
             VALUES ($1, $2, 'status_change', $3, $4, $5)",
        )
        .bind(self.project.as_str())
        .bind(id)
        .bind(DASHBOARD)
        .bind(format!("inbox → {status}"))
        .bind(storable_json(&json!({
            "old_status": "inbox", "new_status": status, "reason": verdict.reason,
            "resolved_by_discord_id": verdict.by.user,
        })))
        .execute(&mut *on)
        .await?;
        self.note_activity(on, stored, "task_moved", verdict)
            .await?;
        let kind = if approved {
            "task_accepted"
        } else {
            "task_rejected"
        };
        self.note_activity(on, stored, kind, verdict).await
    }

    async fn note_activity(
        &self,
        on: &mut PgConnection,
        stored: &StoredProposal,
        kind: &str,
        verdict: &NewVerdict<'_>,
    ) -> Result<()> {
        let title = stored.proposal.task_title.as_deref().unwrap_or_default();
        let word = verdict.verdict.decided();
        sqlx::query(
            "INSERT INTO activities (project_id, type, message, actor_agent_key, task_id) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(self.project.as_str())
        .bind(kind)
        .bind(format!("{} {word}: {title}", verdict.by.name).replace('\0', "\u{fffd}"))
        .bind(DASHBOARD)
        .bind(stored.task)
        .execute(on)
        .await?;
        Ok(())
    }

    /// The proposing agent hears of it: in the chat as a message with a delivery, in a task as a
    /// comment that mentions it.
    async fn feed_back(
        &self,
        on: &mut PgConnection,
        stored: &StoredProposal,
        feedback: &str,
    ) -> Result<Option<AgentKey>> {
        let Author::Agent(agent) = &stored.proposal.proposer else {
            return Ok(None);
        };
        let feedback = storable(feedback);
        let id = Uuid::new_v5(&stored.proposal.reference.id, b"feedback");
        if stored.proposal.reference.source == ProposalSource::Message {
            sqlx::query(
                "WITH said AS (INSERT INTO project_chat_messages \
                     (id, project_id, thread_id, author, target_agent_key, message, message_type) \
                     VALUES ($1, $2, $3, 'ui', $4, $5, 'text') RETURNING id) \
                 INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key, status) \
                 SELECT $2, said.id, $4, 'queued' FROM said",
            )
            .bind(id)
            .bind(self.project.as_str())
            .bind(stored.thread.map(|thread| thread.0))
            .bind(agent.as_str())
            .bind(&feedback)
            .execute(on)
            .await?;
            return Ok(Some(agent.clone()));
        }
        let Some(task) = stored.task else {
            return Ok(None);
        };
        sqlx::query(
            "WITH said AS (INSERT INTO task_events \
                 (id, project_id, task_id, event_type, author, content, metadata) \
                 VALUES ($1, $2, $3, 'comment', $4, $5, '{}') RETURNING id) \
             INSERT INTO mentions (project_id, agent_key, source_type, source_id, task_id, author, excerpt) \
             SELECT $2, $6, 'task_event', said.id, $3, $4, left($5, 200) FROM said \
             ON CONFLICT DO NOTHING",
        )
        .bind(id)
        .bind(self.project.as_str())
        .bind(task)
        .bind(DASHBOARD)
        .bind(format!("@{} {feedback}", agent.short()))
        .bind(agent.short())
        .execute(on)
        .await?;
        Ok(None)
    }
}

/// Whoever decides the same proposal waits here. The row is locked too, so that nobody edits it
/// between the look and the verdict; events are never edited, and a row that is gone needs none.
async fn lock(on: &mut PgConnection, reference: ProposalRef) -> Result<()> {
    let row: &'static str = match reference.source {
        ProposalSource::Message => {
            "SELECT FROM project_chat_messages WHERE id = $1 FOR NO KEY UPDATE"
        }
        ProposalSource::TaskEvent => "SELECT FROM task_events WHERE id = $1 FOR NO KEY UPDATE",
        ProposalSource::Task => "SELECT FROM tasks WHERE id = $1 FOR NO KEY UPDATE",
    };
    sqlx::query(row).bind(reference.id).execute(on).await?;
    Ok(())
}
