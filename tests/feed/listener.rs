//! Somebody who listens to the feed.

use std::time::Duration;

use clawdos_bridge::feed::{Change, FeedEvent, Op, Replication, ReplicationSettings};
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

/// How long anything may take before a test gives up: the machine may be busy.
const DEADLINE: Duration = Duration::from_secs(40);

/// A running feed and its events.
pub struct Listener {
    pub events: mpsc::Receiver<FeedEvent>,
    pub cancel: CancellationToken,
    pub task: JoinHandle<()>,
    history: Vec<FeedEvent>,
}

impl Listener {
    /// Starts the feed, without waiting for it.
    pub fn start(url: &str, capacity: usize) -> Self {
        let (tx, events) = mpsc::channel(capacity);
        let cancel = CancellationToken::new();
        let settings = ReplicationSettings::new(url.to_owned().into());
        let task = tokio::spawn(Replication::new(settings).run(tx, cancel.clone()));
        Self {
            events,
            cancel,
            task,
            history: Vec::new(),
        }
    }

    /// Starts the feed and waits until it is connected.
    pub async fn connected(url: &str) -> Self {
        let mut listener = Self::start(url, 16);
        assert_eq!(listener.next().await, FeedEvent::Connected);
        listener
    }

    pub async fn next(&mut self) -> FeedEvent {
        match timeout(DEADLINE, self.events.recv()).await {
            Ok(Some(event)) => {
                self.history.push(event.clone());
                event
            }
            Ok(None) => panic!("the feed ended after {:?}", self.history),
            Err(elapsed) => panic!("no event ({elapsed}) after {:?}", self.history),
        }
    }

    /// The next event, which has to be a transaction.
    pub async fn transaction(&mut self) -> Vec<Change> {
        match self.next().await {
            FeedEvent::Changes(changes) => changes,
            other => panic!("a transaction was expected, not {other:?}"),
        }
    }

    /// The next transaction as `insert tasks <key>` lines.
    pub async fn lines(&mut self) -> Vec<String> {
        let line = |change: &Change| {
            let op = match change.op {
                Op::Insert => "insert",
                Op::Update => "update",
                Op::Delete => "delete",
            };
            format!("{op} {} {}", change.table, change.key)
        };
        self.transaction().await.iter().map(line).collect()
    }

    /// The reason of the next event, which has to be an outage.
    pub async fn outage(&mut self) -> String {
        match self.next().await {
            FeedEvent::Disconnected { reason } => reason,
            other => panic!("an outage was expected, not {other:?}"),
        }
    }
}
