//! The verdict: one transaction that reads the proposal under lock, compares it with what the
//! operator has seen, and writes the decision, once.

use chrono::{SecondsFormat, Utc};
use serde_json::json;
use sqlx::PgConnection;
use uuid::Uuid;

use super::chat::{storable, storable_json};
use super::decision::{DASHBOARD, News, tell};
use super::proposal::{MALFORMED, StoredProposal};
use super::task_write::{
    Changed, Commented, Doer, Moved, NewComment, Rules, Wakes, change_status, write_comment,
};
use super::waking::{ForAgent, queue_for};
use super::{Result, Store};
use crate::model::message::{Author, OPERATOR_AUTHOR};
use crate::model::proposal::{
    Payload, PayloadHash, ProposalRef, ProposalSource, ProposalState, Verdict,
};
use crate::model::task::TaskStatus;
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
    /// How agents are woken: who has a task to begin with, and who is told why not.
    pub wakes: Option<Wakes<'a>>,
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
                "reason": verdict.reason, "author_name": verdict.by.name,
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
        let mut waits = None;
        match reference.source {
            ProposalSource::Task => waits = self.move_task(on, stored, verdict).await?,
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
            Some(feedback) => Ok(self
                .feed_back(on, stored, verdict, feedback)
                .await?
                .or(waits)),
            None => Ok(waits),
        }
    }

    /// As a dashboard does it (source: `ClawdOS`), and in the timeline. Gives back the agent that begins.
    async fn move_task(
        &self,
        on: &mut PgConnection,
        stored: &StoredProposal,
        verdict: &NewVerdict<'_>,
    ) -> Result<Option<AgentKey>> {
        let approved = verdict.verdict == Verdict::Approve;
        let status = if approved {
            TaskStatus::InProgress
        } else {
            TaskStatus::Done
        };
        let id = stored.proposal.reference.id;
        let by = Doer {
            author: DASHBOARD,
            metadata: &json!({
                "author_name": verdict.by.name, "discord_user_id": verdict.by.user,
                "resolved_by_discord_id": verdict.by.user,
            }),
            wakes: verdict.wakes,
        };
        let step = (&status, verdict.reason);
        let moved = change_status(on, &self.project, id, step, by, Rules::Operator).await?;
        if !approved {
            sqlx::query("UPDATE tasks SET rejected_at = now(), rejected_reason = $2 WHERE id = $1")
                .bind(id)
                .bind(verdict.reason.map(storable))
                .execute(&mut *on)
                .await?;
        }
        let kind = if approved {
            "task_accepted"
        } else {
            "task_rejected"
        };
        self.note_activity(on, stored, kind, verdict).await?;
        Ok(match moved {
            Moved::Changed(Changed::Now(change)) => change.woken,
            _ => None,
        })
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
    /// comment that mentions it. Gives it back where a message waits for it.
    async fn feed_back(
        &self,
        on: &mut PgConnection,
        stored: &StoredProposal,
        verdict: &NewVerdict<'_>,
        feedback: &str,
    ) -> Result<Option<AgentKey>> {
        let Author::Agent(agent) = &stored.proposal.proposer else {
            return Ok(None);
        };
        let id = Uuid::new_v5(&stored.proposal.reference.id, b"feedback");
        if stored.proposal.reference.source == ProposalSource::Message {
            let message = ForAgent {
                id,
                thread: stored.thread.map(|thread| thread.0),
                author: OPERATOR_AUTHOR,
                agent,
                text: feedback,
                metadata: None,
            };
            queue_for(on, &self.project, message).await?;
            return Ok(Some(agent.clone()));
        }
        let Some(task) = stored.task else {
            return Ok(None);
        };
        let comment = NewComment {
            id: Some(id),
            task,
            text: &format!("@{} {feedback}", agent.short()),
            by: Doer {
                author: DASHBOARD,
                metadata: &json!({
                    "author_name": verdict.by.name, "discord_user_id": verdict.by.user,
                }),
                wakes: verdict.wakes,
            },
            metadata: None,
            created_at: None,
            mentioned: std::slice::from_ref(agent),
            view: None,
        };
        Ok(match write_comment(on, &self.project, comment).await? {
            Commented::Now { mut woken, .. } => woken.pop(),
            Commented::Before(_) | Commented::Unknown => None,
        })
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
