//! Verdicts: who may give one, whether it is about what they have seen, and what they are told.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Desk, retry};
use crate::cards::custom_id::Press;
use crate::cards::{Draft, Personas, answers, verdict as words};
use crate::model::proposal::{
    PayloadHash, ProposalRef, ProposalSource, ProposalState, Risk, Verdict,
};
use crate::model::{RoleId, UserId};
use crate::store::Result;
use crate::store::decide::{Decided, Decider, NewVerdict};
use crate::store::proposal::StoredProposal;
use crate::store::task_write::Wakes;

/// How long the second question stands.
const QUESTION: Duration = Duration::from_mins(1);

/// Longest reason that is kept (source: Discord, a form's field holds 4,000 characters).
const REASON: usize = 4_000;

/// Who pressed.
#[derive(Debug, Clone)]
pub struct Presser {
    /// The account.
    pub user: UserId,
    /// Under which name people see it.
    pub name: String,
    /// Whether it is a program.
    pub bot: bool,
    /// Their roles in our server; none where they are no member of it.
    pub roles: Option<Vec<RoleId>>,
}

impl Presser {
    pub(super) fn decider(&self) -> Decider {
        Decider {
            user: self.user,
            name: self.name.chars().take(100).collect(),
        }
    }
}

/// Why somebody may not decide, as they are told; none where they may.
pub fn refused(desk: &Desk, presser: &Presser) -> Option<Draft> {
    let operators = &desk.operators;
    let Some(roles) = &presser.roles else {
        return Some(Draft::text(words::has_left()));
    };
    if operators.is_empty() {
        return Some(Draft::text(words::nobody_is_an_operator()));
    }
    let may = !presser.bot && operators.includes(presser.user, roles);
    (!may).then(|| Draft::text(words::not_an_operator()))
}

/// Does what a button says. Gives back what the person is told.
pub async fn press(
    desk: &Desk,
    presser: &Presser,
    press: Press,
    reason: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Draft> {
    match press {
        Press::Details { reference } => return details(desk, reference).await,
        Press::Again { delivery } => return retry::again(desk, presser, delivery).await,
        _ => {}
    }
    if let Some(refusal) = refused(desk, presser) {
        tracing::info!(user = %presser.user, "somebody who may not decide has pressed a button");
        return Ok(refusal);
    }
    match press {
        Press::Decide {
            reference,
            verdict: Verdict::Approve,
            hash,
        } => match question(desk, reference, hash, now).await? {
            Some(question) => Ok(question),
            None => decide(desk, presser, reference, Verdict::Approve, hash, None).await,
        },
        Press::Confirm {
            reference,
            hash,
            until,
        } => {
            let left = i64::from(until) - now.timestamp();
            // No question of ours has longer.
            if !(0..=QUESTION.as_secs().cast_signed()).contains(&left) {
                return Ok(Draft::text(words::question_has_expired()));
            }
            decide(desk, presser, reference, Verdict::Approve, hash, None).await
        }
        Press::Decide {
            reference,
            verdict: Verdict::Reject,
            hash,
        }
        | Press::RejectWithReason { reference, hash } => {
            decide(desk, presser, reference, Verdict::Reject, hash, reason).await
        }
        Press::Retry { reference } => settle(desk, presser, reference, true).await,
        Press::GiveUp { reference } => settle(desk, presser, reference, false).await,
        Press::Details { reference } => details(desk, reference).await,
        Press::Again { delivery } => retry::again(desk, presser, delivery).await,
    }
}

/// Whether there is something left to give a reason for. Gives back what the person is told where
/// there is not.
pub async fn askable(
    desk: &Desk,
    presser: &Presser,
    reference: ProposalRef,
    seen: PayloadHash,
) -> Result<Option<Draft>> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(Some(refusal));
    }
    let stored = desk.store.proposal(reference).await?;
    Ok(match stored {
        None => Some(Draft::text(words::gone())),
        Some(stored) if !stored.proposal.is_open() => Some(already(&stored)),
        Some(stored) if stored.proposal.hash() != seen => {
            desk.look_at(reference);
            Some(Draft::text(words::changed()))
        }
        Some(_) => None,
    })
}

async fn details(desk: &Desk, reference: ProposalRef) -> Result<Draft> {
    let stored = desk.store.proposal(reference).await?;
    Ok(stored.map_or_else(
        || Draft::text(words::gone()),
        |stored| words::details(&stored.proposal),
    ))
}

/// What is asked before something dangerous is approved; none where nothing has to be asked.
async fn question(
    desk: &Desk,
    reference: ProposalRef,
    seen: PayloadHash,
    now: DateTime<Utc>,
) -> Result<Option<Draft>> {
    let stored = desk.store.proposal(reference).await?;
    let asks = |stored: &StoredProposal| {
        let proposal = &stored.proposal;
        proposal.is_open() && proposal.reading.risk == Risk::High && proposal.hash() == seen
    };
    // Whatever else is the matter is found out, and said, by deciding.
    let Some(stored) = stored.filter(asks) else {
        return Ok(None);
    };
    let personas = Personas::new(&desk.store.agents().await?);
    Ok(Some(words::question(
        &stored.proposal,
        &personas,
        now + QUESTION,
    )))
}

async fn decide(
    desk: &Desk,
    presser: &Presser,
    reference: ProposalRef,
    verdict: Verdict,
    seen: PayloadHash,
    reason: Option<&str>,
) -> Result<Draft> {
    let by = presser.decider();
    let reason: Option<String> = reason
        .map(|reason| reason.trim().chars().take(REASON).collect())
        .filter(|reason: &String| !reason.is_empty());
    let feedback = match &reason {
        Some(reason) => {
            let stored = desk.store.proposal(reference).await?;
            let text = stored.map(|it| answers::feedback(&it.proposal, &by.name, reason));
            let delivered = reference.source == ProposalSource::Message;
            text.map(|text| desk.shell.row_text(text, delivered))
        }
        None => None,
    };
    let safe = |text: String| desk.shell.row_text(text, true);
    let new = NewVerdict {
        verdict,
        seen,
        by: &by,
        reason: reason.as_deref(),
        feedback: feedback.as_deref(),
        wakes: Some(Wakes(&safe)),
    };
    let decided = desk.store.decide(reference, new).await?;
    Ok(match decided {
        Decided::Done(_, waits) => {
            tracing::info!(user = %by.user, proposal = %reference.id, "a proposal was {}", verdict.decided());
            if waits.is_some() {
                desk.deliveries.pump();
            }
            if verdict == Verdict::Approve {
                desk.approved.notify_one();
            }
            Draft::text(words::decided(verdict))
        }
        Decided::Already(stored) => {
            desk.look_at(reference);
            already(&stored)
        }
        Decided::Changed => {
            desk.look_at(reference);
            Draft::text(words::changed())
        }
        Decided::Malformed => Draft::text(words::malformed_cannot_be_approved()),
        Decided::Gone => {
            desk.look_at(reference);
            Draft::text(words::gone())
        }
    })
}

/// After an outcome that nobody knows.
async fn settle(
    desk: &Desk,
    presser: &Presser,
    reference: ProposalRef,
    again: bool,
) -> Result<Draft> {
    let by = presser.decider();
    if desk.store.settle_unknown(reference, again, &by).await? {
        tracing::info!(user = %by.user, proposal = %reference.id, again, "an unknown outcome was settled");
        if again {
            desk.approved.notify_one();
        }
        return Ok(Draft::text(if again {
            words::retried()
        } else {
            words::given_up()
        }));
    }
    Ok(Draft::text(words::outcome_is_known()))
}

/// Who was faster.
fn already(stored: &StoredProposal) -> Draft {
    Draft::text(match &stored.proposal.state {
        ProposalState::Decided(decision) => words::already_decided(decision),
        ProposalState::Elsewhere { status, by } => words::decided_elsewhere(status, by.as_deref()),
        ProposalState::Open => words::changed(),
    })
}
