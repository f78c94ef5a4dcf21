//! What all requests and gateway sessions of one sandbox share.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::door::Door;
use crate::gateway::Hub;
use crate::interactions::Interactions;
use crate::rest::{
    buckets::RateLimits, faults::Faults, login::Tries, request_log::RequestLog, weather::Sky,
};
use crate::state::State;
use crate::state::journal::Journal;
use crate::switches::Switches;

/// The server's shared parts; handlers get it as `Arc<App>`.
pub(crate) struct App {
    /// The gateway sessions.
    pub(crate) hub: Hub,
    /// Interactions that may still be answered, and ephemeral messages.
    pub(crate) interactions: Interactions,
    /// Faults asked for by tests.
    pub(crate) faults: Faults,
    /// The weather that bots meet.
    pub(crate) sky: Sky,
    /// Rate-limit windows.
    pub(crate) limits: RateLimits,
    /// The last requests that bots made.
    pub(crate) requests: RequestLog,
    /// Who may come in.
    pub(crate) door: Door,
    /// Wrong tries to log in.
    pub(crate) logins: Tries,
    /// What the console turns off and on.
    pub(crate) switches: Switches,
    /// Where attachments and the journal lie.
    pub(crate) data_dir: PathBuf,
    state: Mutex<State>,
    journal: Journal,
}

impl App {
    /// Puts the parts together.
    pub(crate) fn new(
        data_dir: PathBuf,
        state: State,
        journal: Journal,
        door: Door,
        switches: Switches,
    ) -> Self {
        Self {
            hub: Hub::default(),
            interactions: Interactions::default(),
            faults: Faults::default(),
            sky: Sky::default(),
            limits: RateLimits::default(),
            requests: RequestLog::default(),
            door,
            logins: Tries::default(),
            switches,
            data_dir,
            state: Mutex::new(state),
            journal,
        }
    }

    /// Looks at the state. `look` must not call back into `read` or `write`.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    /// Changes the state, then publishes the events it emitted and writes the journal, all under the
    /// same lock, so that events leave in the order of the changes and nothing is acknowledged that a
    /// kill of the process could lose. `change` must not call back into `read` or `write`.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let outcome = change(&mut state);
        let lines = state.take_journal();
        if !lines.is_empty() {
            self.journal.append(&lines);
        }
        for event in state.take_events() {
            self.hub.publish(&state, event);
        }
        outcome
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a handler leaves the maps usable: each change is a few map operations.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
