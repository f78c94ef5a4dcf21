//! The replication transport: a session, the decoder, and a new session when the old one ends.

use std::{
    convert::Infallible,
    time::{Duration, Instant},
};

use metrics::{counter, gauge};
use pgwire_replication::ReplicationEvent;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    pgoutput::Decoder, problem::FeedProblem, session::Session, settings::ReplicationSettings,
};
use crate::model::change::FeedEvent;

/// Gauge: 1 while the stream is up.
pub const CONNECTED: &str = "bridge_feed_connected";
/// Counter: changes told.
pub const CHANGES: &str = "bridge_feed_changes_total";
/// Counter: messages of the stream that could not be read.
pub const UNREADABLE: &str = "bridge_feed_unreadable_total";
/// Counter: attempts to connect anew.
pub const RECONNECTS: &str = "bridge_feed_reconnects_total";

/// Changes told at once. A transaction of a million rows comes in parts, so that it does not have
/// to fit in memory.
const PART: usize = 16_384;

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
    /// They are not, for this reason.
    Down(&'a str),
}

/// The change feed over logical replication.
pub struct Replication {
    settings: ReplicationSettings,
    observer: Observer,
}

/// Why the feed stops altogether.
enum Over {
    Cancelled,
    ReaderGone,
}

/// How one connection ended.
enum End {
    Over(Over),
    Failed(FeedProblem),
}

impl From<FeedProblem> for End {
    fn from(problem: FeedProblem) -> Self {
        Self::Failed(problem)
    }
}

impl Replication {
    /// A feed of this publication; nothing happens before [`Replication::run`].
    pub fn new(settings: ReplicationSettings) -> Self {
        Self {
            settings,
            observer: Box::new(|_| {}),
        }
    }

    /// Tells this observer how the stream is, besides those who read the changes.
    #[must_use]
    pub fn observed_by(mut self, observer: Observer) -> Self {
        self.observer = observer;
        self
    }

    /// Tells changes until it is cancelled or nobody listens any more. Failures are told as
    /// [`FeedEvent::Disconnected`] and tried again. When the reader is slow the feed waits for it,
    /// and the server for the feed: nothing is lost.
    pub async fn run(self, tx: mpsc::Sender<FeedEvent>, cancel: CancellationToken) {
        let out = Out { tx, cancel };
        let mut wait = FIRST_WAIT;
        let mut told: Option<FeedProblem> = None;
        gauge!(CONNECTED).set(0.0);
        loop {
            let mut connected_at = None;
            let end = self.connection(&out, &mut connected_at).await;
            gauge!(CONNECTED).set(0.0);
            let problem = match end {
                Ok(never) => match never {},
                Err(End::Over(over)) => return over.log(),
                Err(End::Failed(problem)) => problem,
            };
            if connected_at.is_some() {
                told = None;
            }
            if connected_at.is_some_and(|at: Instant| at.elapsed() >= HEALTHY) {
                wait = FIRST_WAIT;
            }
            // An outage of an hour is one event, and another when its reason changes.
            if told.as_ref() == Some(&problem) {
                debug!(reason = %problem, "the change feed is still down");
            } else {
                warn!(reason = %problem, "the change feed is down: {problem}");
                let reason = problem.to_string();
                (self.observer)(Stream::Down(&reason));
                if let Err(over) = out.send(FeedEvent::Disconnected { reason }).await {
                    return over.log();
                }
                told = Some(problem);
            }
            // Half fixed, half chance: after a restart of the server not everybody comes at once.
            let pause = wait / 2 + rand::random_range(Duration::ZERO..=wait / 2);
            if let Err(over) = out.pause(pause).await {
                return over.log();
            }
            wait = (wait * 2).min(LONGEST_WAIT);
            counter!(RECONNECTS).increment(1);
        }
    }

    /// One connection from login to its end, which is never a success.
    async fn connection(
        &self,
        out: &Out,
        connected_at: &mut Option<Instant>,
    ) -> Result<Infallible, End> {
        let mut session = tokio::select! {
            biased;
            () = out.cancel.cancelled() => return Err(End::Over(Over::Cancelled)),
            session = Session::open(&self.settings) => session?,
        };
        *connected_at = Some(Instant::now());
        info!(
            publication = self.settings.publication,
            "the change feed is connected"
        );
        gauge!(CONNECTED).set(1.0);
        (self.observer)(Stream::Up);
        out.send(FeedEvent::Connected).await.map_err(End::Over)?;
        let mut decoder = Decoder::default();
        let cancelled = out.cancel.cancelled();
        tokio::pin!(cancelled);
        loop {
            let event = tokio::select! {
                biased;
                () = &mut cancelled => return Err(End::Over(Over::Cancelled)),
                event = session.next() => event?,
            };
            out.event(event, &session, &mut decoder)
                .await
                .map_err(End::Over)?;
        }
    }
}

impl Over {
    fn log(&self) {
        match self {
            Self::Cancelled => debug!("the change feed stops"),
            Self::ReaderGone => debug!("the change feed stops: nobody listens"),
        }
    }
}

/// Where events go.
struct Out {
    tx: mpsc::Sender<FeedEvent>,
    cancel: CancellationToken,
}

impl Out {
    /// Handles one event of the stream.
    async fn event(
        &self,
        event: ReplicationEvent,
        session: &Session,
        decoder: &mut Decoder,
    ) -> Result<(), Over> {
        match event {
            ReplicationEvent::XLogData { data, .. } => {
                if let Err(problem) = decoder.message(&data) {
                    counter!(UNREADABLE).increment(1);
                    debug!(%problem, "skipped a message of the replication stream");
                }
                if decoder.waiting() >= PART {
                    self.flush(decoder).await?;
                }
            }
            ReplicationEvent::Begin {
                xid,
                commit_time_micros,
                ..
            } => decoder.begin(xid, commit_time_micros),
            ReplicationEvent::Commit { end_lsn, .. } => {
                self.flush(decoder).await?;
                if let Some(reason) = decoder.take_sweep() {
                    self.send(FeedEvent::Sweep { reason }).await?;
                }
                session.acknowledge(end_lsn);
            }
            // Unrelated WAL moves on too: without this the server would keep it for us.
            ReplicationEvent::KeepAlive { wal_end, .. } => session.acknowledge(wal_end),
            ReplicationEvent::Message { .. } | ReplicationEvent::StoppedAt { .. } => {}
        }
        Ok(())
    }

    async fn flush(&self, decoder: &mut Decoder) -> Result<(), Over> {
        if decoder.waiting() == 0 {
            return Ok(());
        }
        let changes = decoder.take();
        counter!(CHANGES).increment(changes.len() as u64);
        self.send(FeedEvent::Changes(changes)).await
    }

    async fn send(&self, event: FeedEvent) -> Result<(), Over> {
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
