//! Carrying out what has been approved, once. What only changes the database happens in the
//! transaction that says that it did. What reaches beyond is first marked as running; when its
//! executor dies before it says how that ended, nobody knows, and an operator decides.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{Acquire, Postgres, Transaction};
use uuid::Uuid;

use super::decision::{News, tell};
use super::effect::{self, Effect};
use super::locks::{LockKey, SessionLocks};
use super::outcome::refusal;
use super::{Result, Store, StoreError};
use crate::model::proposal::action::{Action, ApiCall, FileWrite};
use crate::model::proposal::{Malformed, ProposalRef, ProposalSource};

pub use super::outcome::Outcome;

/// What is said about an action that was cut off.
pub const UNKNOWN: &str = "The executor stopped while it carried this out, and nobody knows how \
     far it came. Look for the effect, then decide.";

/// The names of all errands.
const ERRANDS: [&str; 2] = ["api_call", "file_write"];

/// An action that reaches beyond the database.
#[derive(Debug, Clone, PartialEq)]
pub enum Errand {
    /// Calls somebody's HTTP interface.
    ApiCall(ApiCall),
    /// Writes a file.
    FileWrite(FileWrite),
}

/// An errand that is the caller's to run, and to settle with [`Store::settle_action`].
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// The proposal that it comes from.
    pub reference: ProposalRef,
    /// What to do.
    pub errand: Errand,
    /// When it was claimed: a later claim of the same proposal has another time.
    at: DateTime<Utc>,
}

impl Claim {
    /// The lock of who runs it.
    pub fn lock(&self) -> LockKey {
        lock_of(self.reference)
    }
}

/// What [`Store::take_action`] found.
#[derive(Debug)]
pub enum Taken {
    /// Nothing that it was not told to pass over.
    Nothing,
    /// One that is carried out already.
    Done(ProposalRef, Outcome),
    /// One that reaches beyond the database. Its lock is held.
    Begun(Claim),
    /// One that cannot be taken now, and why. The others may go on.
    NotNow(ProposalRef, String),
}

/// What has been approved, as it was frozen.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) reference: ProposalRef,
    /// The `author` of whoever proposed it.
    pub(super) proposer: String,
}

type OrderRow = (Uuid, String, String, Value, String);

impl Store {
    /// Takes the oldest approved action of the built-in executor's, apart from those to pass over,
    /// and from errands when there is no hand free for one. Safe with several executors.
    pub async fn take_action(
        &self,
        locks: &SessionLocks,
        pass_over: &[ProposalRef],
        with_errands: bool,
    ) -> Result<Taken> {
        let mut tx = self.begin_claim().await?;
        let passed: Vec<Uuid> = pass_over.iter().map(|reference| reference.id).collect();
        let row: Option<OrderRow> = sqlx::query_as(
            "SELECT entity_id, source, action_type, payload, proposer FROM bridge.decision
             WHERE project_id = $1 AND state = 'approved' AND action_type = ANY($2)
               AND entity_id <> ALL($3) AND ($4 OR action_type <> ALL($5))
             ORDER BY decided_at, entity_id LIMIT 1 FOR UPDATE SKIP LOCKED",
        )
        .bind(self.project.as_str())
        .bind(Action::NAMES)
        .bind(passed)
        .bind(with_errands)
        .bind(ERRANDS)
        .fetch_optional(&mut *tx)
        .await?;
        let Some((id, source, name, payload, proposer)) = row else {
            return Ok(Taken::Nothing);
        };
        let order = Order {
            reference: reference(id, &source)?,
            proposer,
        };
        let action = Action::read(&name, payload);
        // One that cannot be taken must not keep the others waiting.
        self.take(tx, locks, &order, action)
            .await
            .or_else(|error| Ok(Taken::NotNow(order.reference, error.to_string())))
    }

    async fn take(
        &self,
        mut tx: Transaction<'_, Postgres>,
        locks: &SessionLocks,
        order: &Order,
        action: Option<Result<Action, Malformed>>,
    ) -> Result<Taken> {
        sqlx::query("SET LOCAL lock_timeout = '10s'")
            .execute(&mut *tx)
            .await?;
        match action {
            Some(Ok(action)) => match sort(action) {
                Work::Errand(errand) => self.begin(tx, locks, order.reference, errand).await,
                Work::Effect(effect) => self.carry_out(tx, order, &effect).await,
            },
            Some(Err(malformed)) => {
                let why = format!("This cannot be carried out: {malformed}.");
                self.end(tx, order, Outcome::Failed(why)).await
            }
            None => {
                let why = "This executor knows no such action.".to_owned();
                self.end(tx, order, Outcome::Failed(why)).await
            }
        }
    }

    /// The effect and the note of it, or neither.
    async fn carry_out(
        &self,
        mut tx: Transaction<'_, Postgres>,
        order: &Order,
        effect: &Effect,
    ) -> Result<Taken> {
        let mut attempt = tx.begin().await?;
        let done = match effect::apply(&mut attempt, &self.project, order, effect).await {
            Ok(outcome @ Outcome::Executed(_)) => {
                attempt.commit().await?;
                outcome
            }
            Ok(outcome @ Outcome::Failed(_)) => {
                attempt.rollback().await?;
                outcome
            }
            Err(error) => {
                let refused = refusal(&error).ok_or(error)?;
                attempt.rollback().await?;
                refused
            }
        };
        self.end(tx, order, done).await
    }

    /// Notes the end of what was never marked as running.
    async fn end(
        &self,
        mut tx: Transaction<'_, Postgres>,
        order: &Order,
        outcome: Outcome,
    ) -> Result<Taken> {
        let at: DateTime<Utc> = sqlx::query_scalar(
            "UPDATE bridge.decision
             SET state = $3, result = $4, claimed_at = now(), finished_at = now()
             WHERE entity_id = $1 AND source = $2 RETURNING finished_at",
        )
        .bind(order.reference.id)
        .bind(order.reference.source.as_str())
        .bind(outcome.state())
        .bind(outcome.text())
        .fetch_one(&mut *tx)
        .await?;
        outcome
            .announce(&mut tx, &self.project, order.reference, at)
            .await?;
        tx.commit().await?;
        Ok(Taken::Done(order.reference, outcome))
    }

    /// Marks an errand as running. Its lock comes first: a row that is marked and not locked is one
    /// whose executor died.
    async fn begin(
        &self,
        mut tx: Transaction<'_, Postgres>,
        locks: &SessionLocks,
        reference: ProposalRef,
        errand: Errand,
    ) -> Result<Taken> {
        let key = lock_of(reference);
        if !locks.take(key).await? {
            let why = "an executor that began it before still holds its lock".to_owned();
            return Ok(Taken::NotNow(reference, why));
        }
        let marked = async {
            let at: DateTime<Utc> = sqlx::query_scalar(
                "UPDATE bridge.decision SET state = 'running', claimed_at = clock_timestamp()
                 WHERE entity_id = $1 AND source = $2 RETURNING claimed_at",
            )
            .bind(reference.id)
            .bind(reference.source.as_str())
            .fetch_one(&mut *tx)
            .await?;
            match tx.commit().await {
                Ok(()) => Ok(at),
                Err(lost) => self.is_marked(locks, (reference, at), lost).await,
            }
        }
        .await;
        match marked {
            Ok(at) => Ok(Taken::Begun(Claim {
                reference,
                errand,
                at,
            })),
            Err(error) => {
                locks.release(key).await;
                Err(error)
            }
        }
    }

    /// Whether an errand was marked by us at this time, when nobody told: its row says so, and nobody
    /// else has its lock, so that nobody else can have begun it or doubt it. From now on it counts as begun
    /// now: it may have taken long until this was told. Gives back that time, else the error.
    async fn is_marked(
        &self,
        locks: &SessionLocks,
        (reference, at): (ProposalRef, DateTime<Utc>),
        lost: sqlx::Error,
    ) -> Result<DateTime<Utc>> {
        let begun = self.until_told(&lost, || async {
            if !locks.renew(lock_of(reference)).await? {
                return Ok(None);
            }
            // Another time is another's, also where it was written by a question whose answer was lost.
            let begun: Option<DateTime<Utc>> = sqlx::query_scalar(
                "WITH asked AS MATERIALIZED (
                     SELECT entity_id, source, state, claimed_at FROM bridge.decision
                     WHERE entity_id = $1 AND source = $2 FOR UPDATE
                 )
                 UPDATE bridge.decision d SET claimed_at = clock_timestamp() FROM asked
                 WHERE asked.state = 'running' AND asked.claimed_at = $3
                   AND d.entity_id = asked.entity_id AND d.source = asked.source
                 RETURNING d.claimed_at",
            )
            .bind(reference.id)
            .bind(reference.source.as_str())
            .bind(at)
            .fetch_optional(&self.pool)
            .await?;
            Ok(begun)
        });
        begun.await?.ok_or_else(|| lost.into())
    }

    /// Notes how an errand ended. It also corrects an outcome that was thought to be unknown. False
    /// when there is nothing to note any more: it was noted before, or an operator has decided.
    /// May be repeated.
    pub async fn settle_action(&self, claim: &Claim, outcome: &Outcome) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let at: Option<DateTime<Utc>> = sqlx::query_scalar(
            "UPDATE bridge.decision SET state = $4, result = $5, finished_at = now()
             WHERE entity_id = $1 AND source = $2 AND claimed_at = $3
               AND state IN ('running', 'unknown')
             RETURNING finished_at",
        )
        .bind(claim.reference.id)
        .bind(claim.reference.source.as_str())
        .bind(claim.at)
        .bind(outcome.state())
        .bind(outcome.text())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(at) = at else {
            return Ok(false);
        };
        outcome
            .announce(&mut tx, &self.project, claim.reference, at)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Errands that are marked as running, with the time of their claim and their age.
    async fn running_actions(&self) -> Result<Vec<(ProposalRef, DateTime<Utc>, Duration)>> {
        let rows: Vec<(Uuid, String, DateTime<Utc>, f64)> = sqlx::query_as(
            "SELECT entity_id, source, claimed_at,
                    extract(epoch FROM clock_timestamp() - claimed_at)::float8
             FROM bridge.decision
             WHERE project_id = $1 AND state = 'running' AND claimed_at IS NOT NULL",
        )
        .bind(self.project.as_str())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(id, source, at, age)| {
                let age = Duration::try_from_secs_f64(age).unwrap_or_default();
                Ok((reference(id, &source)?, at, age))
            })
            .collect()
    }

    async fn mark_unknown(&self, reference: ProposalRef, claimed: DateTime<Utc>) -> Result<bool> {
        let mut tx = self.pool.begin().await?;
        let marked = sqlx::query(
            "UPDATE bridge.decision SET state = 'unknown', result = $4
             WHERE entity_id = $1 AND source = $2 AND claimed_at = $3 AND state = 'running'",
        )
        .bind(reference.id)
        .bind(reference.source.as_str())
        .bind(claimed)
        .bind(UNKNOWN)
        .execute(&mut *tx)
        .await?;
        if marked.rows_affected() == 0 {
            return Ok(false);
        }
        let news = News {
            status: "unknown",
            fields: &json!({ "execution_result": UNKNOWN }),
            line: UNKNOWN,
        };
        tell(&mut tx, &self.project, reference, news).await?;
        tx.commit().await?;
        Ok(true)
    }
}

impl SessionLocks {
    /// Marks errands as unknown whose executor is gone, or that are older than any can be. Returns
    /// how many. Nothing is ever done again by itself.
    pub async fn doubt_abandoned(&self, store: &Store, older_than: Duration) -> Result<usize> {
        let mut doubted = 0;
        for (reference, claimed, age) in store.running_actions().await? {
            let key = lock_of(reference);
            let free = self.take(key).await?;
            let marked = if free || age > older_than {
                store.mark_unknown(reference, claimed).await
            } else {
                Ok(false)
            };
            if free {
                self.release(key).await;
            }
            doubted += usize::from(marked?);
        }
        Ok(doubted)
    }
}

enum Work {
    Effect(Effect),
    Errand(Errand),
}

fn sort(action: Action) -> Work {
    match action {
        Action::CreateTask(it) => Work::Effect(Effect::CreateTask(it)),
        Action::ScheduleJob(it) => Work::Effect(Effect::ScheduleJob(it)),
        Action::EditDoc(it) => Work::Effect(Effect::EditDoc(it)),
        Action::SendMessage(it) => Work::Effect(Effect::SendMessage(it)),
        Action::ApiCall(it) => Work::Errand(Errand::ApiCall(it)),
        Action::FileWrite(it) => Work::Errand(Errand::FileWrite(it)),
    }
}

fn lock_of(reference: ProposalRef) -> LockKey {
    LockKey::of(&[
        b"executor action ",
        reference.source.as_str().as_bytes(),
        reference.id.as_bytes(),
    ])
}

fn reference(id: Uuid, source: &str) -> Result<ProposalRef> {
    let source: ProposalSource = source
        .parse()
        .map_err(|error| StoreError::bad_row("bridge.decision", id, error))?;
    Ok(ProposalRef { source, id })
}
