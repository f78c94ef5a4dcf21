//! The uniform rule of Mission Control, in one function: while the executor is there, it is asked
//! directly; when it is not, the database keeps the request for it.

use std::future::Future;

use tokio::sync::watch;

use crate::mode::Nudge;
use crate::model::mode::State;

/// What became of a call to the executor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call<D> {
    /// The executor has it: whatever follows, it must not be asked a second time.
    Taken(D),
    /// It surely has not, for this reason.
    NotSent(String),
}

/// How a request was carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way<D, Q> {
    /// Directly, by the executor.
    Direct(D),
    /// The database keeps it until the executor is back.
    Backup(Q),
}

/// Who knows whether the executor is there.
#[derive(Debug, Clone)]
pub struct Route {
    mode: watch::Receiver<State>,
    nudge: Nudge,
}

impl Route {
    /// The route that this mode shows. A call that does not get through asks for a look by `nudge`.
    pub fn new(mode: watch::Receiver<State>, nudge: Nudge) -> Self {
        Self { mode, nudge }
    }

    /// Whether the executor would be asked directly now.
    pub fn is_direct(&self) -> bool {
        self.mode.borrow().is_live()
    }

    /// The mode, for who waits for its changes.
    pub fn mode(&self) -> watch::Receiver<State> {
        self.mode.clone()
    }

    /// Asks for a look at the executor: it has just behaved strangely.
    pub fn doubt(&self) {
        self.nudge.now();
    }

    /// Live: makes the call, has `mirrored` write down in the database what came of it, as far as
    /// that is possible, and says that it was direct. Otherwise, and when the executor surely has
    /// not got the call, makes the database keep the request and says that it was backup.
    ///
    /// Neither is begun unless it is needed. What is unknown counts as taken: only a person may
    /// repeat it.
    pub async fn execute_with_fallback<D, Q, C, M, F>(
        &self,
        control_call: impl FnOnce() -> C,
        mirrored: impl FnOnce(D) -> M,
        database_fallback: impl FnOnce(String) -> F,
    ) -> Way<M::Output, Q>
    where
        C: Future<Output = Call<D>>,
        M: Future,
        F: Future<Output = Q>,
    {
        let reason = if self.is_direct() {
            match control_call().await {
                Call::Taken(done) => return Way::Direct(mirrored(done).await),
                Call::NotSent(reason) => {
                    self.nudge.now();
                    reason
                }
            }
        } else {
            let state = self.mode.borrow();
            format!("the mode is not Live: {}", state.reason)
        };
        Way::Backup(database_fallback(reason).await)
    }
}
