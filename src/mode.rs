//! The loop that keeps the mode: it takes samples; what they mean is decided in [`crate::model::mode`].

mod note;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::control::client::{ControlClient, ControlError};
use crate::model::mode::{Mode, ModeChange, Sample, State, next};
use crate::model::view::Entity;
use crate::store::Store;
use note::{Down, Note};

/// How long after a failure until the next look, while it is not settled what the mode is, and while
/// nobody answers: a refused connection costs nobody anything.
const UNSETTLED_POLL: Duration = Duration::from_secs(5);

/// How long the database may take for its sign of life.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(3);

/// Lets other parts ask for a look now, because they have just seen a failure or a recovery.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// Asks for a look now.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// What `bridge.mode_log` ends in.
enum Logged {
    NotAsked,
    /// No mode, or one that an outage of the database has ended since.
    Nothing,
    Last(Mode),
}

/// The loop that keeps the mode.
pub struct ModeLoop {
    store: Store,
    control: ControlClient,
    clock: Clock,
    poll: Duration,
    nudge: Nudge,
    state: watch::Sender<State>,
    logged: Logged,
    down: Option<Down>,
    note: Note,
    /// Whether the last look was answered, well or not.
    answered: bool,
    changed: mpsc::UnboundedSender<Entity>,
}

impl ModeLoop {
    /// A loop that looks every `poll` and tells `changed` of every change it has written down. `note`
    /// is a file for what has to be remembered while there is no database.
    pub fn new(
        store: Store,
        control: ControlClient,
        clock: Clock,
        poll: Duration,
        note: PathBuf,
        changed: mpsc::UnboundedSender<Entity>,
    ) -> Self {
        let state = watch::Sender::new(State::unknown(clock.now()));
        Self {
            store,
            control,
            clock,
            poll,
            nudge: Nudge::default(),
            state,
            logged: Logged::NotAsked,
            down: None,
            note: Note::new(note),
            answered: false,
            changed,
        }
    }

    /// The mode, for everybody who acts by it.
    pub fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    /// A handle to ask for a look now.
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// One look.
    pub async fn step(&mut self) {
        let sample = self.sample().await;
        let before = self.state.borrow().clone();
        let after = next(&before, &sample, self.clock.now());
        if after.mode != before.mode {
            tracing::info!(
                mode = %sample.mode,
                reason = %sample.reason,
                "mode is {} now: {}", sample.mode, sample.reason
            );
        }
        if self.down.is_none() && !after.is_live() && after.mode.is_some() {
            self.down = Some(Down {
                since: after.since,
                last_ok: before.last_ok,
            });
        }
        if after != before {
            self.state.send_replace(after);
        }
        self.log().await;
    }

    async fn sample(&mut self) -> Sample {
        let database = tokio::time::timeout(DATABASE_TIMEOUT, self.store.ping()).await;
        if !matches!(database, Ok(Ok(()))) {
            self.answered = false;
            return Sample {
                mode: Mode::Offline,
                reason: "The database does not answer".to_owned(),
            };
        }
        let health = self.control.executor_check().await;
        self.answered = !matches!(health, Err(ControlError::Unreachable(_)));
        match health {
            Ok(health) => match health.failures.first() {
                None => Sample {
                    mode: Mode::Live,
                    reason: "The Control API answers".to_owned(),
                },
                Some((check, problem)) => Sample {
                    mode: Mode::Backup,
                    reason: format!("The executor's check {check:?} fails: {problem}"),
                },
            },
            Err(error) => Sample {
                mode: Mode::Backup,
                reason: error.to_string(),
            },
        }
    }

    /// Writes the mode down if the log says something else. Where the database cannot be asked,
    /// the next look tries again.
    async fn log(&mut self) {
        let state = self.state.borrow().clone();
        let Some(mode) = state.mode else {
            return;
        };
        if mode == Mode::Offline {
            // It cannot be written down now; that it is over will be.
            if !matches!(self.logged, Logged::Nothing)
                && let Some(down) = self.down
            {
                self.note.write(down).await;
            }
            self.logged = Logged::Nothing;
            return;
        }
        if matches!(self.logged, Logged::NotAsked) {
            match self.store.last_mode().await {
                Ok(None) => self.logged = Logged::Nothing,
                Ok(Some(last)) => {
                    self.logged = Logged::Last(last.mode);
                    self.remember(&last).await;
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot read the log of modes");
                    return;
                }
            }
        }
        if matches!(self.logged, Logged::Last(last) if last == mode) {
            return;
        }
        let change = ModeChange {
            down_since: self.down.map(|down| down.since),
            asked_since: self.down.and_then(|down| down.last_ok),
            ..ModeChange::new(mode, state.reason, state.since)
        };
        match self.store.log_mode(&change).await {
            Ok(entity) => {
                self.logged = Logged::Last(mode);
                self.note.remove().await;
                if mode == Mode::Live {
                    self.down = None;
                }
                // Nobody listens only while the process ends.
                let _ = self.changed.send(entity);
            }
            Err(error) => tracing::warn!(%error, "cannot write down the mode"),
        }
    }

    /// A bridge that was started anew goes on with the story.
    async fn remember(&mut self, last: &ModeChange) {
        if let Some(noted) = self.note.read().await {
            // The log does not know of the outage that people were told of.
            self.down = Some(noted);
            self.logged = Logged::Nothing;
        } else if last.mode != Mode::Live {
            // It began before this run did.
            self.down = Some(Down {
                since: last.down_since.unwrap_or(last.since),
                last_ok: last.asked_since,
            });
        }
    }

    /// Looks until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        loop {
            self.step().await;
            let settled = self.answered && self.state.borrow().doubt.is_none();
            let wait = if settled {
                self.poll
            } else {
                self.poll.min(UNSETTLED_POLL)
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = self.nudge.0.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}
