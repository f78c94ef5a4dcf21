//! Listens to a feed for the events of probe rows.

use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::feed::{FeedEvent, Op};
use crate::model::change::Table;
use crate::store::probe::probe_key;

/// Events that may wait to be heard.
const AHEAD: usize = 64;

/// How long a feed may take to end.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);

/// What the feed has told so far.
#[derive(Default)]
pub(super) struct Heard {
    connected: bool,
    /// Why the connection ended, if it did.
    pub(super) lost: Option<String>,
    /// When the event of a table came.
    pub(super) events: HashMap<Table, Instant>,
}

/// A feed that runs, and what it tells.
pub(super) struct Ear {
    heard: watch::Receiver<Heard>,
    stop: CancellationToken,
    feed: JoinHandle<()>,
}

impl Ear {
    /// Starts a feed and listens to it.
    pub(super) fn open<F: Future<Output = ()> + Send + 'static>(
        run: impl FnOnce(mpsc::Sender<FeedEvent>, CancellationToken) -> F,
    ) -> Self {
        let (tx, mut events) = mpsc::channel(AHEAD);
        let stop = CancellationToken::new();
        let feed = tokio::spawn(run(tx, stop.clone()));
        let (tell, heard) = watch::channel(Heard::default());
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let now = Instant::now();
                tell.send_modify(|heard| heard.take(event, now));
            }
        });
        Self { heard, stop, feed }
    }

    /// Waits until something was heard; false when it was not in time, or nobody wants to know any more.
    async fn until(
        &mut self,
        limit: Duration,
        cancel: &CancellationToken,
        enough: impl Fn(&Heard) -> bool,
    ) -> bool {
        let waiting = self.heard.wait_for(|heard| enough(heard));
        let waiting = tokio::time::timeout(limit, waiting);
        let waited = cancel.run_until_cancelled(waiting).await;
        matches!(waited, Some(Ok(Ok(_))))
    }

    /// Waits until the feed is connected; else, why it is not.
    pub(super) async fn connected(
        &mut self,
        limit: Duration,
        cancel: &CancellationToken,
    ) -> Result<(), String> {
        let known = |heard: &Heard| heard.connected || heard.lost.is_some();
        if !self.until(limit, cancel, known).await {
            let seconds = limit.as_secs();
            return Err(format!(
                "the feed did not connect within {seconds} s: look for old xact_start in pg_stat_activity, and end \
                 these transactions"
            ));
        }
        match &self.heard.borrow().lost {
            Some(reason) => Err(reason.clone()),
            None => Ok(()),
        }
    }

    /// Waits for the events of what was committed.
    pub(super) async fn told(
        &mut self,
        sent: &HashMap<Table, Instant>,
        limit: Duration,
        cancel: &CancellationToken,
    ) {
        let all = |heard: &Heard| {
            let mut tables = sent.keys();
            heard.lost.is_some() || tables.all(|table| heard.events.contains_key(table))
        };
        self.until(limit, cancel, all).await;
    }
    /// What was heard until now.
    pub(super) fn heard(&self) -> watch::Ref<'_, Heard> {
        self.heard.borrow()
    }

    /// Ends the feed in order: an embedded Postgres waits for it when it stops.
    pub(super) async fn close(self) {
        self.stop.cancel();
        let _ = tokio::time::timeout(CLOSE_LIMIT, self.feed).await;
    }
}

impl Heard {
    fn take(&mut self, event: FeedEvent, now: Instant) {
        match event {
            FeedEvent::Connected => self.connected = true,
            FeedEvent::Disconnected { reason } => self.lost = Some(reason),
            FeedEvent::Changes(changes) => {
                let key = probe_key();
                let ours = changes.into_iter();
                let ours = ours.filter(|change| change.op == Op::Insert && change.key == key);
                for change in ours {
                    self.events.entry(change.table).or_insert(now);
                }
            }
            FeedEvent::Sweep { .. } => {}
        }
    }
}
