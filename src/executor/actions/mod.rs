//! Approved actions: taken, carried out, settled. One file per kind that reaches beyond the
//! database; what stays inside it is a matter of `store/`.

mod address;
mod api_call;
mod file_write;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::settings::ExecutorSettings;
use super::turns::{OVERHEAD, Turns};
use super::worker::{Kick, Rounds};
use crate::model::proposal::ProposalRef;
use crate::store::Result;
use crate::store::execution::{Claim, Errand, Outcome, Taken};
use api_call::ApiCaller;
use file_write::Workspace;

/// Errands that run at the same time: a slow server must not hold up the others.
const HANDS: usize = 4;

/// Time after which an action that could not be taken is looked at again.
const LATER: Duration = Duration::from_secs(5);

/// Carries out what an operator has approved.
#[derive(Debug)]
pub(super) struct Actions {
    turns: Arc<Turns>,
    caller: ApiCaller,
    workspace: Arc<Workspace>,
    hands: Arc<Semaphore>,
    later: Mutex<HashMap<ProposalRef, Instant>>,
    kick: Kick,
}

impl Actions {
    pub(super) fn new(turns: Arc<Turns>, settings: &ExecutorSettings, kick: Kick) -> Self {
        Self {
            turns,
            caller: ApiCaller::new(settings.allowed_hosts.clone(), settings.api_timeout),
            workspace: Arc::new(Workspace::new(settings.workspace.clone())),
            hands: Arc::new(Semaphore::new(HANDS)),
            later: Mutex::default(),
            kick,
        }
    }

    /// Works until it is told to stop; errands that run then go on.
    pub(super) async fn run(self: &Arc<Self>, cancel: &CancellationToken) {
        let mut rounds = Rounds::new("approved actions", self.kick.actions());
        while !cancel.is_cancelled() {
            if rounds.is_search_due() {
                self.recover().await;
            }
            rounds.pause(self.step().await, cancel).await;
        }
    }

    /// Takes one; returns how many it took.
    async fn step(self: &Arc<Self>) -> Result<usize> {
        let hand = Arc::clone(&self.hands).try_acquire_owned().ok();
        let pass_over = self.not_now();
        let (store, locks) = (self.turns.store(), self.turns.locks());
        match store.take_action(locks, &pass_over, hand.is_some()).await? {
            Taken::Nothing => return Ok(0),
            Taken::Done(proposal, outcome) => {
                log_end(proposal, &outcome);
                // It may have queued a message.
                self.kick.kick();
            }
            Taken::NotNow(proposal, error) => {
                tracing::warn!(proposal_id = %proposal.id, %error, "an action has to wait");
                let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
                later.insert(proposal, Instant::now() + LATER);
            }
            Taken::Begun(claim) => {
                let actions = Arc::clone(self);
                self.turns.tasks().spawn(async move {
                    actions.run_errand(claim, hand).await;
                });
            }
        }
        Ok(1)
    }

    /// What is not to be tried again yet.
    fn not_now(&self) -> Vec<ProposalRef> {
        let mut later = self.later.lock().unwrap_or_else(PoisonError::into_inner);
        later.retain(|_, until| *until > Instant::now());
        later.keys().copied().collect()
    }

    async fn run_errand(&self, claim: Claim, hand: Option<OwnedSemaphorePermit>) {
        let outcome = tokio::select! {
            outcome = self.act(&claim.errand) => Some(outcome),
            // Nobody knows how far it came. The row stays as it is, and the next executor that
            // finds it without its lock says so.
            () = self.turns.stopping().cancelled() => None,
        };
        if let Some(outcome) = outcome {
            self.settle(&claim, &outcome).await;
        }
        self.turns.locks().release(claim.lock()).await;
        drop(hand);
        self.kick.kick();
    }

    async fn act(&self, errand: &Errand) -> Outcome {
        match errand {
            Errand::ApiCall(call) => self.caller.call(call).await,
            Errand::FileWrite(file) => Arc::clone(&self.workspace).write(file.clone()).await,
        }
    }

    async fn settle(&self, claim: &Claim, outcome: &Outcome) {
        let proposal = claim.reference;
        let settle = || self.turns.store().settle_action(claim, outcome);
        match self.turns.persist(settle).await {
            Ok(true) => log_end(proposal, outcome),
            Ok(false) => {
                tracing::info!(proposal_id = %proposal.id, "an action had been settled before");
            }
            Err(error) => tracing::error!(proposal_id = %proposal.id, %error,
                "the end of an action could not be stored; an operator will be asked"),
        }
    }

    async fn recover(&self) {
        // Longer than any errand can take, its wait for the database included.
        let longest = self.caller.longest() + OVERHEAD;
        let (store, locks) = (self.turns.store(), self.turns.locks());
        match locks.doubt_abandoned(store, longest).await {
            Ok(0) => {}
            Ok(count) => {
                tracing::warn!(count, "actions were cut off; operators decide what to do");
            }
            Err(error) => tracing::warn!(%error, "cut-off actions cannot be searched for"),
        }
    }
}

fn log_end(proposal: ProposalRef, outcome: &Outcome) {
    let source = proposal.source.as_str();
    match outcome {
        Outcome::Executed(_) => {
            tracing::info!(proposal_id = %proposal.id, source, "an approved action is carried out");
        }
        Outcome::Failed(_) => {
            // Why stands on the card: what a server answered may hold what the request did.
            tracing::warn!(proposal_id = %proposal.id, source, "an approved action failed");
        }
    }
}
