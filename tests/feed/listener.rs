//! Somebody who listens to the feed.

use std::time::Duration;

use clawdos_bridge::feed::{
    Change, FeedEvent, Op, Replication, ReplicationSettings, Stream, Websocket, WebsocketSettings,
};
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
        let settings = ReplicationSettings::new(url.to_owned().into());
        Self::to(capacity, |tx, cancel| {
            tokio::spawn(Replication::new(settings).run(tx, cancel))
        })
    }

    /// Starts the feed over the websocket. The second gets what its observer is told.
    pub fn realtime(settings: WebsocketSettings) -> (Self, mpsc::UnboundedReceiver<String>) {
        let (tell, told) = mpsc::unbounded_channel();
        let observer = Box::new(move |stream: Stream<'_>| {
            let _ = tell.send(match stream {
                Stream::Up => "up".to_owned(),
                Stream::Partly(reason) => format!("partly: {reason}"),
                Stream::Down(reason) => format!("down: {reason}"),
            });
        });
        let feed = Websocket::new(settings).observed_by(observer);
        let listener = Self::to(16, |tx, cancel| tokio::spawn(feed.run(tx, cancel)));
        (listener, told)
    }

    fn to(
        capacity: usize,
        run: impl FnOnce(mpsc::Sender<FeedEvent>, CancellationToken) -> JoinHandle<()>,
    ) -> Self {
        let (tx, events) = mpsc::channel(capacity);
        let cancel = CancellationToken::new();
        Self {
            events,
            task: run(tx, cancel.clone()),
            cancel,
            history: Vec::new(),
        }
    }

    /// Starts the feed and waits until it is connected.
    pub async fn connected(url: &str) -> Self {
        let mut listener = Self::start(url, 16);
        assert_eq!(listener.next().await, FeedEvent::Connected);
        listener
    }

    /// Waits until the feed is connected.
    pub async fn connected_now(&mut self) {
        assert_eq!(self.next().await, FeedEvent::Connected);
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
