//! The replication transport: a session, the decoder, and a new session when the old one ends.

use std::{convert::Infallible, time::Instant};

use metrics::{counter, gauge};
use pgwire_replication::ReplicationEvent;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{
    pgoutput::Decoder,
    problem::FeedProblem,
    reconnect::{CONNECTED, End, Observer, Out, Over, Retry, Stream, UNREADABLE},
    session::Session,
    settings::ReplicationSettings,
};
use crate::model::change::FeedEvent;

/// Changes told at once. A transaction of a million rows comes in parts, so that it does not have
/// to fit in memory.
const PART: usize = 16_384;

/// The change feed over logical replication.
pub struct Replication {
    settings: ReplicationSettings,
    observer: Observer,
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
        let mut retry = Retry::new();
        loop {
            let mut connected_at = None;
            let Err(end) = self.connection(&out, &mut connected_at).await;
            let go_on = retry.after(end, connected_at, &out, &self.observer).await;
            if go_on.is_break() {
                return;
            }
        }
    }

    /// One connection from login to its end, which is never a success.
    async fn connection(
        &self,
        out: &Out,
        connected_at: &mut Option<Instant>,
    ) -> Result<Infallible, End<FeedProblem>> {
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
        out.tell(FeedEvent::Connected).await.map_err(End::Over)?;
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
                    self.tell(FeedEvent::Sweep { reason }).await?;
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
        self.tell(FeedEvent::Changes(decoder.take())).await
    }
}
