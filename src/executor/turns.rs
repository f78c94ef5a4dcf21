//! Turns: at most one at a time per message and agent, in order within a thread and agent, so many
//! at once in all. A turn belongs to nobody who waits for it: a caller who hangs up changes nothing.

mod unasked;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{self, Sorted};
use super::lanes::{Lanes, Ticket};
use super::question::Question;
use super::settings::{AgentCommand, Hires};
use super::{output, runner};
use crate::model::{AgentKey, MessageId, ThreadId};
use crate::store::locks::SessionLocks;
use crate::store::queue::Lane;
use crate::store::team::departed;
use crate::store::turn::{ABANDONED, Begun, TurnKey, TurnState, lock_of};
use crate::store::{Result as StoreResult, Store, StoreError};

pub(super) use unasked::Unasked;

/// How long the end of a turn waits for a database that is away before it is given up.
const OUTAGE: Duration = Duration::from_mins(2);

/// Time between two tries of the same write, and between two looks at another executor's turn.
const PAUSE: Duration = Duration::from_millis(500);

/// What a turn may take beyond its agent's limit: starting, storing, waiting for the database.
pub(super) const OVERHEAD: Duration = Duration::from_secs(150);

/// How a turn ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TurnEnd {
    /// With this message.
    Answered(Option<MessageId>),
    /// The agent worked, or may have, and there is no answer.
    Failed(String),
    /// The agent was never started, and would not be if it were tried again.
    Impossible(String),
    /// The agent was never started; later it may be.
    NotNow(String),
}

/// Everything that turns share.
#[derive(Debug)]
pub(super) struct Turns {
    store: Store,
    locks: SessionLocks,
    agents: RwLock<Arc<BTreeMap<String, AgentCommand>>>,
    hires: Hires,
    permits: Semaphore,
    lanes: Arc<Lanes>,
    running: Mutex<HashMap<TurnKey, watch::Receiver<Option<TurnEnd>>>>,
    at_work: Mutex<HashMap<AgentKey, usize>>,
    presence: tokio::sync::Mutex<()>,
    tasks: TaskTracker,
    closing: CancellationToken,
    stop: CancellationToken,
}

impl Turns {
    pub(super) fn new(
        store: Store,
        (agents, hires): (BTreeMap<String, AgentCommand>, Hires),
        parallel: usize,
    ) -> Self {
        Self {
            locks: SessionLocks::new(store.clone()),
            store,
            agents: RwLock::new(Arc::new(agents)),
            hires,
            permits: Semaphore::new(parallel),
            lanes: Arc::default(),
            running: Mutex::default(),
            at_work: Mutex::default(),
            presence: tokio::sync::Mutex::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            stop: CancellationToken::new(),
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The agents that can be run now.
    pub(super) fn agents(&self) -> Arc<BTreeMap<String, AgentCommand>> {
        Arc::clone(&self.agents.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Who can be provisioned.
    pub(super) fn hires(&self) -> &Hires {
        &self.hires
    }

    /// One more agent can be run. One that could be already stays as it is.
    pub(super) fn hire(&self, short: &str, command: AgentCommand) {
        let mut agents = self.agents.write().unwrap_or_else(PoisonError::into_inner);
        if !agents.contains_key(short) {
            Arc::make_mut(&mut agents).insert(short.to_owned(), command);
        }
    }

    /// The locks of what this executor works on.
    pub(super) fn locks(&self) -> &SessionLocks {
        &self.locks
    }

    /// Cancelled when what still runs has to end now.
    pub(super) fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    /// Tasks that the executor waits for when it ends.
    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Lanes in which a turn runs or waits.
    pub(super) fn busy(&self) -> Vec<Lane> {
        self.lanes.busy()
    }

    /// Begins no turn from now on.
    pub(super) fn close(&self) {
        self.closing.cancel();
    }

    /// Ends the turns that run.
    pub(super) fn stop(&self) {
        self.stop.cancel();
    }

    /// Fails the turns of executors that died.
    pub(super) async fn recover(&self) -> StoreResult<usize> {
        let longest = self.agents().values().map(|agent| agent.timeout).max();
        self.locks
            .fail_abandoned(&self.store, longest.unwrap_or_default() + OVERHEAD)
            .await
    }

    /// Runs a turn, or joins the one that runs, and waits for its end.
    pub(super) async fn run(self: &Arc<Self>, turn: TurnKey, text: String) -> TurnEnd {
        let mut end = match self.submit(turn, text).await {
            Ok(end) => end,
            Err(end) => return end,
        };
        match end.wait_for(Option::is_some).await.map(|end| end.clone()) {
            Ok(Some(end)) => end,
            _ => TurnEnd::Failed("The turn ended without a result; see the log.".to_owned()),
        }
    }

    async fn submit(
        self: &Arc<Self>,
        turn: TurnKey,
        text: String,
    ) -> Result<watch::Receiver<Option<TurnEnd>>, TurnEnd> {
        let short = turn.1.short();
        if !self.store.is_in_team(&turn.1).await.map_err(|e| away(&e))? {
            return Err(TurnEnd::Impossible(departed(&turn.1)));
        }
        if !self.can_run(short).await.map_err(|e| away(&e))? {
            return Err(TurnEnd::Impossible(format!(
                "This executor has no agent {short:?}. Add executor.agents.{short} to bridge.toml."
            )));
        }
        let thread = self.store.thread_of(turn.0).await.map_err(|e| away(&e))?;
        let thread = thread.ok_or_else(|| {
            let project = self.store.project();
            TurnEnd::Impossible(format!(
                "There is no message {} in project {project}.",
                turn.0
            ))
        })?;
        let mut running = lock(&self.running);
        if let Some(end) = running.get(&turn) {
            return Ok(end.clone());
        }
        let (send, receive) = watch::channel(None);
        running.insert(turn.clone(), receive.clone());
        drop(running);
        let ticket = self.lanes.join((thread, turn.1.clone()));
        let turns = Arc::clone(self);
        let listed = Listed(Arc::clone(self), turn.clone());
        self.tasks.spawn(async move {
            let end = turns.work(&turn, thread, text, ticket).await;
            send.send_replace(Some(end));
            drop(listed);
        });
        Ok(receive)
    }

    async fn work(
        self: &Arc<Self>,
        turn: &TurnKey,
        thread: Option<ThreadId>,
        text: String,
        mut ticket: Ticket,
    ) -> TurnEnd {
        ticket.called().await;
        let permit = self.permits.acquire().await;
        if self.closing.is_cancelled() {
            return TurnEnd::NotNow("The executor is shutting down.".to_owned());
        }
        match self.locks.take(lock_of(turn)).await {
            Ok(true) => {
                let end = self.begin(turn, thread, text).await;
                self.locks.release(lock_of(turn)).await;
                end
            }
            Ok(false) => {
                drop(permit);
                self.follow(turn).await
            }
            Err(error) => away(&error),
        }
    }

    async fn begin(
        self: &Arc<Self>,
        turn: &TurnKey,
        thread: Option<ThreadId>,
        text: String,
    ) -> TurnEnd {
        match self.store.is_given_up(turn).await {
            Ok(false) => {}
            Ok(true) => return TurnEnd::NotNow("Nobody waits for this any more.".to_owned()),
            Err(error) => return away(&error),
        }
        let (task, kind) = match self.store.task_of(turn.0).await {
            Ok(about) => about.unzip(),
            Err(error) => return away(&error),
        };
        match self.store.begin_turn(turn).await {
            Ok(Begun::Started) => {}
            Ok(Begun::Done(reply)) => return TurnEnd::Answered(reply),
            Ok(Begun::Abandoned(error)) => return TurnEnd::Failed(error),
            // It has not begun. Or the process ended before the database told; then the next try
            // finds it abandoned, which is the safe side.
            Err(error) => return away(&error),
        }
        let (message_id, agent) = turn;
        let question = Question {
            agent: agent.clone(),
            project: self.store.project().clone(),
            thread,
            message_id: *message_id,
            task,
            kind: kind.flatten(),
            text,
            context: self.context(agent, task).await,
        };
        self.show(agent, true);
        let answer = self.ask(&question).await;
        let end = match answer {
            Ok(said) => self.finish(turn, thread, &said).await,
            Err(error) => Err(error),
        };
        let end = match end {
            Ok(reply) => TurnEnd::Answered(reply),
            Err(error) => {
                tracing::warn!(message_id = %message_id, %agent, %error, "a turn failed");
                let failed = || self.store.fail_turn(turn, &error);
                if let Err(lost) = self.persist(failed).await {
                    tracing::error!(message_id = %message_id, %agent, error = %lost,
                        "the failure of a turn could not be stored");
                }
                TurnEnd::Failed(error)
            }
        };
        self.show(agent, false);
        end
    }

    /// What the agent says.
    async fn ask(&self, question: &Question) -> Result<Sorted, String> {
        let short = question.agent.short();
        let agents = self.agents();
        let Some(command) = agents.get(short) else {
            return Err(format!("This executor has no agent {short:?}."));
        };
        let printed = tokio::select! {
            printed = runner::run(command, question) => printed?,
            () = self.stop.cancelled() => return Err(ABANDONED.to_owned()),
        };
        Ok(answer::sort(question, output::read(&printed)?))
    }

    async fn finish(
        &self,
        turn: &TurnKey,
        thread: Option<ThreadId>,
        said: &Sorted,
    ) -> Result<Option<MessageId>, String> {
        let news = said.news.as_ref();
        let stored = self
            .persist(|| self.store.finish_turn(turn, thread, &said.messages, news))
            .await;
        stored.map_err(|error| {
            tracing::error!(message_id = %turn.0, agent = %turn.1, %error, "a reply is lost");
            "The agent answered, but its reply could not be stored; the log says why.".to_owned()
        })
    }

    /// Waits for a turn that another executor runs.
    async fn follow(&self, turn: &TurnKey) -> TurnEnd {
        loop {
            match self.store.turn_state(turn).await {
                Ok(Some(TurnState::Done(reply))) => return TurnEnd::Answered(reply),
                Ok(Some(TurnState::Failed(error))) => return TurnEnd::Failed(error),
                Ok(Some(TurnState::Running) | None) => {}
                Err(error) => return away(&error),
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                () = self.closing.cancelled() => {
                    return TurnEnd::NotNow("The executor is shutting down.".to_owned());
                }
            }
        }
    }

    /// Repeats a write that may be repeated until the database is back.
    pub(super) async fn persist<T, F>(&self, write: impl Fn() -> F) -> StoreResult<T>
    where
        F: Future<Output = StoreResult<T>>,
    {
        let deadline = tokio::time::Instant::now() + OUTAGE;
        loop {
            match write().await {
                Err(error)
                    if error.is_outage()
                        && tokio::time::Instant::now() < deadline
                        && !self.stop.is_cancelled() =>
                {
                    tracing::warn!(%error, "the database is away; a result waits for it");
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// Shows an agent as working while it has a turn. Nobody waits for that.
    fn show(self: &Arc<Self>, agent: &AgentKey, begins: bool) {
        let mut at_work = lock(&self.at_work);
        let count = at_work.entry(agent.clone()).or_default();
        *count = if begins {
            *count + 1
        } else {
            count.saturating_sub(1)
        };
        drop(at_work);
        let turns = Arc::clone(self);
        let agent = agent.clone();
        self.tasks.spawn(async move {
            // One at a time, and each looks anew: so the last one to write knows the latest.
            let _alone = turns.presence.lock().await;
            let working = lock(&turns.at_work).get(&agent).is_some_and(|n| *n > 0);
            if let Err(error) = turns.store.set_presence(&agent, working).await {
                tracing::debug!(%agent, %error, "the presence of an agent could not be shown");
            }
        });
    }
}

/// Takes a turn off the list when its task ends, however it ends.
struct Listed(Arc<Turns>, TurnKey);

impl Drop for Listed {
    fn drop(&mut self) {
        lock(&self.0.running).remove(&self.1);
    }
}

fn away(error: &StoreError) -> TurnEnd {
    TurnEnd::NotNow(format!("The executor cannot work now: {error}."))
}

/// Nothing here panics while it holds a lock, and what the lists hold is true after any step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
