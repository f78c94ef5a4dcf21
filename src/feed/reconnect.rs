//! What every transport shares: where its events go, who is told how it is, and how it comes back.

use std::{
    fmt::Display,
    ops::ControlFlow,
    time::{Duration, Instant},
};

use metrics::{counter, gauge};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::model::change::FeedEvent;

/// Gauge: 1 while the stream is up.
pub const CONNECTED: &str = "bridge_feed_connected";
/// Counter: changes told.
pub const CHANGES: &str = "bridge_feed_changes_total";
/// Counter: messages of the stream that could not be read.
pub const UNREADABLE: &str = "bridge_feed_unreadable_total";
/// Counter: attempts to connect anew.
pub const RECONNECTS: &str = "bridge_feed_reconnects_total";

/// The first wait before a new connection; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest wait before a new connection.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A stream that lived this long was healthy: the next failure starts from [`FIRST_WAIT`] again.
const HEALTHY: Duration = Duration::from_secs(10);

/// Who is told, at once, when the stream comes and goes.
pub type Observer = Box<dyn Fn(Stream<'_>) + Send + Sync>;

/// How the stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream<'a> {
    /// Changes are told.
    Up,
    /// Changes of some tables are told, of others not, for this reason.
    Partly(&'a str),
    /// They are not, for this reason.
    Down(&'a str),
}

/// Why the feed stops altogether.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    Cancelled,
    ReaderGone,
}

impl Over {
    fn log(self) {
        match self {
            Self::Cancelled => debug!("the change feed stops"),
            Self::ReaderGone => debug!("the change feed stops: nobody listens"),
        }
    }
}

/// How one connection ended.
pub(super) enum End<P> {
    Over(Over),
    Failed(P),
}

impl<P> From<P> for End<P> {
    fn from(problem: P) -> Self {
        Self::Failed(problem)
    }
}

/// Where events go.
pub(super) struct Out {
    pub(super) tx: mpsc::Sender<FeedEvent>,
    pub(super) cancel: CancellationToken,
}

impl Out {
    pub(super) async fn tell(&self, event: FeedEvent) -> Result<(), Over> {
        if let FeedEvent::Changes(changes) = &event {
            counter!(CHANGES).increment(changes.len() as u64);
        }
        tokio::select! {
            biased;
            sent = self.tx.send(event) => sent.map_err(|_| Over::ReaderGone),
            () = self.cancel.cancelled() => Err(Over::Cancelled),
        }
    }

    async fn pause(&self, time: Duration) -> Result<(), Over> {
        tokio::select! {
            () = self.cancel.cancelled() => Err(Over::Cancelled),
            () = self.tx.closed() => Err(Over::ReaderGone),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }
}

/// The pauses between connections, and what was said about the last one.
pub(super) struct Retry<P> {
    wait: Duration,
    told: Option<P>,
}

impl<P: PartialEq + Display> Retry<P> {
    pub(super) fn new() -> Self {
        gauge!(CONNECTED).set(0.0);
        Self {
            wait: FIRST_WAIT,
            told: None,
        }
    }

    /// Tells how a connection ended, and pauses before the next one, if there is to be one.
    /// `connected_at`: since when changes were told, if they were.
    pub(super) async fn after(
        &mut self,
        end: End<P>,
        connected_at: Option<Instant>,
        out: &Out,
        observer: &Observer,
    ) -> ControlFlow<()> {
        gauge!(CONNECTED).set(0.0);
        let paused = match end {
            End::Over(over) => Err(over),
            End::Failed(problem) => self.pause(problem, connected_at, out, observer).await,
        };
        match paused {
            Ok(()) => ControlFlow::Continue(()),
            Err(over) => {
                over.log();
                ControlFlow::Break(())
            }
        }
    }

    async fn pause(
        &mut self,
        problem: P,
        connected_at: Option<Instant>,
        out: &Out,
        observer: &Observer,
    ) -> Result<(), Over> {
        if connected_at.is_some() {
            self.told = None;
        }
        if connected_at.is_some_and(|at| at.elapsed() >= HEALTHY) {
            self.wait = FIRST_WAIT;
        }
        // An outage of an hour is one event, and another when its reason changes.
        if self.told.as_ref() == Some(&problem) {
            debug!(reason = %problem, "the change feed is still down");
        } else {
            warn!(reason = %problem, "the change feed is down: {problem}");
            let reason = problem.to_string();
            observer(Stream::Down(&reason));
            out.tell(FeedEvent::Disconnected { reason }).await?;
            self.told = Some(problem);
        }
        out.pause(jittered(self.wait)).await?;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        counter!(RECONNECTS).increment(1);
        Ok(())
    }
}

/// Half fixed, half chance: after a restart of the server not everybody comes at once.
pub(super) fn jittered(wait: Duration) -> Duration {
    wait / 2 + rand::random_range(Duration::ZERO..=wait / 2)
}
