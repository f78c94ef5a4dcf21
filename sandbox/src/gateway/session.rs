//! One gateway session: its sequence, what it may still have to replay, and where it goes now.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::UnboundedSender;
use tokio_util::sync::CancellationToken;

/// A client that lets this many payloads pile up is stuck and is disconnected; it can resume.
const STUCK_AT: usize = 50_000;
/// Events kept for RESUME, at most: more than a client misses in the three minutes of a session.
const REPLAY_EVENTS: usize = 16_384;
/// Bytes kept for RESUME while a client is connected: what may be under way when the socket breaks.
const REPLAY_BYTES: usize = 2 * 1024 * 1024;
/// Bytes kept for RESUME while nobody is connected.
const REPLAY_BYTES_DETACHED: usize = 16 * 1024 * 1024;
/// Acknowledged events that are kept all the same: a client may resume a little further back.
const REPLAY_ACKNOWLEDGED: usize = 256;

/// Who looks through a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Viewer {
    /// The user: a person, or the user of a bot.
    pub user: u64,
    /// The application, when the user is its bot.
    pub application: Option<u64>,
}

/// An event with its place in a session.
#[derive(Debug, Clone)]
pub(super) struct Dispatch {
    pub seq: u64,
    pub name: &'static str,
    pub data: Arc<str>,
}

/// What a connection is told to send or do.
#[derive(Debug)]
pub(super) enum Outgoing {
    /// An event of the session.
    Dispatch(Dispatch),
    /// A payload other than a dispatch, complete.
    Control(String),
    /// The session is over (op 9 false): the client must identify again.
    Invalidated,
    /// An event is held back to be reordered; it must go out soon even if nothing follows.
    Held,
}

/// The way to the connection that serves a session.
#[derive(Debug, Clone)]
pub(super) struct Outlet {
    pub connection: u64,
    pub sender: UnboundedSender<Outgoing>,
    pub pending: Arc<AtomicUsize>,
    /// Ends the connection without a close frame.
    pub kill: CancellationToken,
}

impl Outlet {
    /// Queues a payload; a connection that ended meanwhile loses it, and the replay buffer has it.
    pub(super) fn send(&self, outgoing: Outgoing) {
        if self.pending.fetch_add(1, Ordering::Relaxed) >= STUCK_AT {
            tracing::warn!(connection = self.connection, "a gateway client is stuck");
            self.kill.cancel();
            return;
        }
        if self.sender.send(outgoing).is_err() {
            self.pending.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// A session, connected or waiting to be resumed.
#[derive(Debug)]
pub(super) struct Session {
    pub viewer: Viewer,
    pub intents: u64,
    /// The connection, or `None` while the session waits for a RESUME.
    pub outlet: Option<Outlet>,
    /// The number of the connection that served it last.
    pub connection: u64,
    seq: u64,
    buffer: VecDeque<Dispatch>,
    buffered: usize,
    held: Option<(&'static str, Arc<str>)>,
}

/// Why a RESUME cannot be served.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReplayError {
    /// The client claims to have seen more than was sent (close code 4007).
    Future,
    /// The events after that sequence are gone (op 9 false).
    Forgotten,
}

impl Session {
    pub(super) fn new(viewer: Viewer, intents: u64, outlet: Outlet) -> Session {
        Session {
            viewer,
            intents,
            connection: outlet.connection,
            outlet: Some(outlet),
            seq: 0,
            buffer: VecDeque::new(),
            buffered: 0,
            held: None,
        }
    }

    /// Appends an event to the session and sends it when somebody is connected.
    pub(super) fn push(&mut self, name: &'static str, data: Arc<str>) {
        self.seq += 1;
        let event = Dispatch {
            seq: self.seq,
            name,
            data,
        };
        self.buffered += event.data.len();
        self.buffer.push_back(event.clone());
        let bytes = if self.outlet.is_some() {
            REPLAY_BYTES
        } else {
            REPLAY_BYTES_DETACHED
        };
        while self.buffer.len() > REPLAY_EVENTS || (self.buffered > bytes && self.buffer.len() > 1)
        {
            self.forget_oldest();
        }
        if let Some(outlet) = &self.outlet {
            outlet.send(Outgoing::Dispatch(event));
        }
    }

    /// Holds an event back until the next one has overtaken it.
    pub(super) fn push_reordered(&mut self, name: &'static str, data: Arc<str>) {
        if let Some((held_name, held)) = self.held.take() {
            self.push(name, data);
            self.push(held_name, held);
        } else {
            self.held = Some((name, data));
            if let Some(outlet) = &self.outlet {
                outlet.send(Outgoing::Held);
            }
        }
    }

    /// Sends what was held back.
    pub(super) fn release(&mut self) {
        if let Some((name, data)) = self.held.take() {
            self.push(name, data);
        }
    }

    /// A heartbeat said that everything up to `seq` has arrived.
    pub(super) fn acknowledge(&mut self, seq: u64) {
        while self.buffer.len() > REPLAY_ACKNOWLEDGED
            && self.buffer.front().is_some_and(|event| event.seq <= seq)
        {
            self.forget_oldest();
        }
    }

    /// Moves the session to a new connection and sends everything after `seq`, in order.
    pub(super) fn resume(&mut self, seq: u64, outlet: &Outlet) -> Result<usize, ReplayError> {
        if seq > self.seq {
            return Err(ReplayError::Future);
        }
        let first = self.buffer.front().map_or(self.seq + 1, |event| event.seq);
        if seq + 1 < first {
            return Err(ReplayError::Forgotten);
        }
        self.connection = outlet.connection;
        if let Some(old) = self.outlet.replace(outlet.clone()) {
            old.kill.cancel();
        }
        let mut replayed = 0;
        for event in self.buffer.iter().filter(|event| event.seq > seq) {
            outlet.send(Outgoing::Dispatch(event.clone()));
            replayed += 1;
        }
        self.push("RESUMED", Arc::from("{}"));
        self.release();
        Ok(replayed)
    }

    fn forget_oldest(&mut self) {
        if let Some(event) = self.buffer.pop_front() {
            self.buffered -= event.data.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

    use super::*;

    fn outlet(connection: u64) -> (Outlet, UnboundedReceiver<Outgoing>) {
        let (sender, receiver) = unbounded_channel();
        let outlet = Outlet {
            connection,
            sender,
            pending: Arc::default(),
            kill: CancellationToken::new(),
        };
        (outlet, receiver)
    }

    fn session() -> (Session, UnboundedReceiver<Outgoing>) {
        let viewer = Viewer {
            user: 1,
            application: None,
        };
        let (outlet, receiver) = outlet(1);
        (Session::new(viewer, 0, outlet), receiver)
    }

    fn sequences(receiver: &mut UnboundedReceiver<Outgoing>) -> Vec<u64> {
        let mut found = Vec::new();
        while let Ok(Outgoing::Dispatch(event)) = receiver.try_recv() {
            found.push(event.seq);
        }
        found
    }

    #[test]
    fn memory_is_bounded_and_a_resume_beyond_it_is_refused() {
        let (mut session, _receiver) = session();
        let large: Arc<str> = "x".repeat(REPLAY_BYTES / 4).into();
        for _ in 0..10 {
            session.push("E", large.clone());
        }
        assert!(session.buffered <= REPLAY_BYTES);
        let (outlet, mut receiver) = outlet(2);
        assert_eq!(session.resume(1, &outlet), Err(ReplayError::Forgotten));
        assert_eq!(session.resume(6, &outlet), Ok(4));
        assert_eq!(sequences(&mut receiver), [7, 8, 9, 10, 11]);
    }

    #[test]
    fn more_is_kept_while_nobody_is_connected() {
        let (mut session, _receiver) = session();
        session.outlet = None;
        let large: Arc<str> = "x".repeat(REPLAY_BYTES / 4).into();
        for _ in 0..10 {
            session.push("E", large.clone());
        }
        let (outlet, mut receiver) = outlet(2);
        assert_eq!(session.resume(0, &outlet), Ok(10));
        assert_eq!(sequences(&mut receiver).len(), 11);
    }

    #[test]
    fn acknowledged_events_are_forgotten_except_the_last_few() {
        let (mut session, _receiver) = session();
        for _ in 0..2 * REPLAY_ACKNOWLEDGED {
            session.push("E", "{}".into());
        }
        session.acknowledge(REPLAY_ACKNOWLEDGED as u64 / 2);
        assert_eq!(
            session.buffer.len(),
            2 * REPLAY_ACKNOWLEDGED - REPLAY_ACKNOWLEDGED / 2
        );
        session.acknowledge(u64::MAX);
        assert_eq!(session.buffer.len(), REPLAY_ACKNOWLEDGED);
        assert_eq!(session.buffered, 2 * REPLAY_ACKNOWLEDGED);
    }

    #[test]
    fn a_client_that_does_not_read_is_cut_off_and_can_resume() {
        let (mut session, _receiver) = session();
        for _ in 0..=STUCK_AT {
            session.push("E", "{}".into());
        }
        let kill = session.outlet.as_ref().map(|outlet| outlet.kill.clone());
        assert!(kill.is_some_and(|kill| kill.is_cancelled()));
        let (outlet, _receiver) = outlet(2);
        assert_eq!(session.resume(STUCK_AT as u64, &outlet), Ok(1));
    }
}
