//! All gateway sessions of the sandbox, and the faults that tests ask for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::event::{Audience, Event};
use super::filter;
use super::limits::IdentifyLimits;
use super::payload::Payload;
use super::presence::Presences;
use super::session::{Outgoing, Outlet, ReplayError, Session, Viewer};
use crate::state::State;

/// `VIEW_CHANNEL` (Permissions, "Bitwise Permission Flags").
const VIEW_CHANNEL: u64 = 1 << 10;

/// The gateway sessions. All methods are short and never wait for a client.
#[derive(Default)]
pub(crate) struct Hub {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    sessions: HashMap<String, Session>,
    connections: HashMap<u64, CancellationToken>,
    presences: Presences,
    identify: IdentifyLimits,
    duplicates: u64,
    reorder: bool,
    closed: bool,
    last_connection: u64,
    counters: Counters,
}

/// What happened since the start.
#[derive(Default)]
struct Counters {
    identifies: u64,
    resumes: u64,
    replayed: u64,
    dispatches: u64,
    duplicated: u64,
    dropped: u64,
}

/// Why a RESUME was refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ResumeError {
    /// No such session, or its events are gone: op 9 false.
    Unknown,
    /// The sequence was never sent: close code 4007.
    Sequence,
}

impl Hub {
    /// Appends the event to every session that may and wants to see it. Call it while the state is
    /// locked, so that events leave in the order of the changes.
    pub(crate) fn publish(&self, state: &State, event: Event) {
        let Event {
            name,
            data,
            audience,
        } = event;
        let mut inner = self.lock();
        let inner = &mut *inner;
        let message = name.starts_with("MESSAGE_") && !name.contains("REACTION");
        let mut payload = Payload::new(&data);
        let mut duplicated = false;
        for session in inner.sessions.values_mut() {
            if !addressed(state, &audience, session.viewer)
                || !filter::wanted(session.intents, name, &data)
            {
                continue;
            }
            let hidden = filter::hidden(session.viewer, session.intents, name, &data);
            let view = payload.view(hidden);
            let bot = session.viewer.application.is_some();
            inner.counters.dispatches += 1;
            if bot && inner.duplicates > 0 {
                duplicated = true;
                inner.counters.duplicated += 1;
                session.push(name, view.clone());
            }
            if bot && message && inner.reorder {
                session.push_reordered(name, view);
            } else {
                session.push(name, view);
            }
        }
        if duplicated {
            inner.duplicates -= 1;
        }
    }

    /// Ends every connection without a close frame; the sessions can be resumed.
    pub(crate) fn drop_all(&self) {
        let mut inner = self.lock();
        inner.counters.dropped += inner.connections.len() as u64;
        for kill in inner.connections.values() {
            kill.cancel();
        }
    }

    /// Ends the connections of bots' sessions like [`Hub::drop_all`]; people stay connected.
    pub(crate) fn drop_bots(&self) {
        let mut inner = self.lock();
        let inner = &mut *inner;
        let bots = inner
            .sessions
            .values()
            .filter(|session| session.viewer.application.is_some());
        for outlet in bots.filter_map(|session| session.outlet.as_ref()) {
            inner.counters.dropped += 1;
            outlet.kill.cancel();
        }
    }

    /// Ends every session: connected clients get op 9 with `false`, others at their RESUME.
    pub(crate) fn invalidate_all(&self) {
        let mut inner = self.lock();
        inner.presences = Presences::default();
        for (_, session) in inner.sessions.drain() {
            if let Some(outlet) = session.outlet {
                outlet.send(Outgoing::Invalidated);
            }
        }
    }

    /// Asks every client to reconnect and resume (op 7).
    pub(crate) fn reconnect_all(&self) {
        for session in self.lock().sessions.values() {
            if let Some(outlet) = &session.outlet {
                outlet.send(Outgoing::Control(r#"{"op":7,"d":null}"#.into()));
            }
        }
    }

    /// The next `count` events that reach a bot reach it twice, with a sequence number each.
    pub(crate) fn set_duplicates(&self, count: u64) {
        self.lock().duplicates = count;
    }

    /// Whether neighbouring message events change places on their way to bots.
    pub(crate) fn set_reorder(&self, reorder: bool) {
        let mut inner = self.lock();
        inner.reorder = reorder;
        if !reorder {
            inner.sessions.values_mut().for_each(Session::release);
        }
    }

    /// Whether IDENTIFY is limited as at Discord (the default).
    pub(crate) fn set_identify_limits(&self, enforced: bool) {
        self.lock().identify.set_enforced(enforced);
    }

    /// `session_start_limit` of `GET /gateway/bot`.
    pub(crate) fn session_start_limit(&self, application: u64) -> Value {
        self.lock().identify.session_start_limit(application)
    }

    /// Ends all connections for good: the server stops.
    pub(crate) fn shutdown(&self) {
        let mut inner = self.lock();
        inner.closed = true;
        inner.sessions.clear();
        for kill in inner.connections.values() {
            kill.cancel();
        }
    }

    /// Numbers for `GET /_sandbox/stats`.
    pub(crate) fn stats(&self) -> Value {
        let inner = self.lock();
        let connected = inner
            .sessions
            .values()
            .filter(|session| session.outlet.is_some());
        json!({
            "connections": inner.connections.len(),
            "sessions": inner.sessions.len(),
            "connected_sessions": connected.count(),
            "identifies": inner.counters.identifies,
            "resumes": inner.counters.resumes,
            "replayed_events": inner.counters.replayed,
            "dispatches": inner.counters.dispatches,
            "duplicated_events": inner.counters.duplicated,
            "dropped_connections": inner.counters.dropped,
        })
    }

    /// Registers a connection; the token ends it without a close frame.
    pub(super) fn connection_opened(&self) -> (u64, CancellationToken) {
        let mut inner = self.lock();
        inner.last_connection += 1;
        let number = inner.last_connection;
        let kill = CancellationToken::new();
        if inner.closed {
            kill.cancel();
        }
        inner.connections.insert(number, kill.clone());
        (number, kill)
    }

    /// Forgets a connection.
    pub(super) fn connection_closed(&self, connection: u64) {
        self.lock().connections.remove(&connection);
    }

    /// Counts an IDENTIFY; `false` means that it came too soon (op 9 false).
    pub(super) fn may_identify(&self, application: u64) -> bool {
        self.lock().identify.allow(application)
    }

    /// Opens a session whose first events are `events`; nothing that is published later is missed,
    /// as long as the state is locked.
    pub(super) fn open(
        &self,
        id: &str,
        mut session: Session,
        events: impl FnOnce(&Presences) -> Vec<(&'static str, Value)>,
    ) {
        let mut inner = self.lock();
        inner.counters.identifies += 1;
        for (name, data) in events(&inner.presences) {
            session.push(name, Arc::from(data.to_string()));
        }
        inner.sessions.insert(id.to_owned(), session);
    }

    /// Moves a session to a new connection and replays what its client has not seen.
    pub(super) fn resume(
        &self,
        id: &str,
        viewer: Viewer,
        seq: u64,
        outlet: &Outlet,
    ) -> Result<(), ResumeError> {
        let mut inner = self.lock();
        let session = inner
            .sessions
            .get_mut(id)
            .filter(|session| session.viewer == viewer)
            .ok_or(ResumeError::Unknown)?;
        match session.resume(seq, outlet) {
            Ok(replayed) => {
                inner.counters.resumes += 1;
                inner.counters.replayed += replayed as u64;
                Ok(())
            }
            Err(ReplayError::Future) => Err(ResumeError::Sequence),
            Err(ReplayError::Forgotten) => {
                inner.sessions.remove(id);
                Err(ResumeError::Unknown)
            }
        }
    }

    /// The connection of a session ended: it waits for a RESUME.
    pub(super) fn detach(&self, id: &str, connection: u64) {
        if let Some(session) = self.lock().sessions.get_mut(id)
            && session.connection == connection
        {
            session.outlet = None;
        }
    }

    /// Ends a session unless another connection has taken it over. The result is the user whose last
    /// session this was.
    pub(super) fn end(&self, id: &str, connection: u64) -> Option<u64> {
        let mut inner = self.lock();
        let session = inner.sessions.get(id)?;
        if session.connection != connection {
            return None;
        }
        let user = session.viewer.user;
        inner.sessions.remove(id);
        let last = inner
            .sessions
            .values()
            .all(|session| session.viewer.user != user);
        last.then_some(user)
    }

    /// Changes one session, if it still exists.
    pub(super) fn with_session<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Session, &mut Presences) -> T,
    ) -> Option<T> {
        let mut inner = self.lock();
        let inner = &mut *inner;
        inner
            .sessions
            .get_mut(id)
            .map(|session| change(session, &mut inner.presences))
    }

    /// Looks at or changes who is online.
    pub(super) fn with_presences<T>(&self, change: impl FnOnce(&mut Presences) -> T) -> T {
        change(&mut self.lock().presences)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic cannot leave a session half changed in a way that the next event would not repair.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn addressed(state: &State, audience: &Audience, viewer: Viewer) -> bool {
    match audience {
        Audience::Users(users) => users.contains(&viewer.user),
        Audience::Guild { guild, channel } => {
            state.member(*guild, viewer.user).is_some()
                && channel.is_none_or(|channel| {
                    // A channel that is gone has been announced to its viewers while it existed.
                    !state.channels.contains_key(&channel)
                        || state.permissions(viewer.user, channel) & VIEW_CHANNEL != 0
                })
        }
    }
}
