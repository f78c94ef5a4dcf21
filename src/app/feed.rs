//! The change feed: which transport carries it, and who is shown how it is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use metrics::gauge;
use secrecy::SecretString;
use tokio::sync::mpsc::error::SendTimeoutError;
use tokio::sync::{mpsc, watch};

use crate::config::{Config, FeedKind};
use crate::feed::check::{check, check_visibility};
use crate::feed::websocket::Key;
use crate::feed::{Replication, ReplicationSettings, Stream, Websocket, WebsocketSettings};
use crate::health::{Part, Readiness};
use crate::lifecycle::Lifecycle;
use crate::model::ProjectId;
use crate::model::change::FeedEvent;
use crate::model::realtime::FeedState;
use crate::telemetry;

/// Transactions that the feed may be ahead of the mirror; beyond it the feed waits, and so does
/// the database's sender, which loses nothing.
const FEED_AHEAD: usize = 1024;

/// How long the feed waits for a project that is so far behind: alone as long as it takes, among others a moment.
const ALONE: Duration = Duration::from_hours(1);
const AMONG_OTHERS: Duration = Duration::from_secs(1);

/// Where homes hear of changes.
pub struct Feed {
    state: watch::Sender<FeedState>,
    source: Source,
}

enum Source {
    /// One connection tells of all projects.
    Shared(Hub),
    /// Supabase Realtime tells of one project a connection.
    Each,
    /// Rows are found by the sweep alone.
    Off,
}

/// Tells everybody who listens what one feed tells. Who comes late is told first how the feed is.
#[derive(Clone, Default)]
struct Hub {
    ears: Arc<Mutex<Ears>>,
}

#[derive(Default)]
struct Ears {
    /// Connected or not, as it was told last.
    last: Option<FeedEvent>,
    listening: Vec<Ear>,
}

#[derive(Clone)]
struct Ear {
    tell: mpsc::Sender<FeedEvent>,
    /// Something was not told: it has to look around when it listens again.
    missed: Arc<AtomicBool>,
}

impl Ear {
    /// Tells it, and waits for so long where it does not listen. Nobody else has to wait for ever.
    async fn hear(&self, event: FeedEvent, patience: Duration) {
        if self.missed.load(Ordering::Relaxed) {
            let reason = "this project was behind with what it was told".to_owned();
            let lost = self.tell.try_send(FeedEvent::Disconnected { reason });
            if lost.is_err() || self.tell.try_send(FeedEvent::Connected).is_err() {
                return;
            }
            self.missed.store(false, Ordering::Relaxed);
        }
        // Whoever has gone meanwhile hears nothing.
        if let Err(SendTimeoutError::Timeout(_)) = self.tell.send_timeout(event, patience).await {
            tracing::warn!(
                "a project is behind with the change feed; what it misses is found by the sweep"
            );
            self.missed.store(true, Ordering::Relaxed);
        }
    }
}

impl Hub {
    fn listen(&self) -> mpsc::Receiver<FeedEvent> {
        let (tell, heard) = mpsc::channel(FEED_AHEAD);
        let mut ears = self.ears();
        if let Some(last) = ears.last.clone() {
            // There is room in a channel that is new.
            let _ = tell.try_send(last);
        }
        ears.listening.push(Ear {
            tell,
            missed: Arc::default(),
        });
        heard
    }

    fn ears(&self) -> MutexGuard<'_, Ears> {
        self.ears.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands on until the feed ends. One listener makes the feed wait; of several each for a moment only.
    async fn run(self, mut feed: mpsc::Receiver<FeedEvent>) {
        while let Some(event) = feed.recv().await {
            let listening = {
                let mut ears = self.ears();
                if matches!(event, FeedEvent::Connected | FeedEvent::Disconnected { .. }) {
                    ears.last = Some(event.clone());
                }
                ears.listening.retain(|ear| !ear.tell.is_closed());
                ears.listening.clone()
            };
            let Some((last, others)) = listening.split_last() else {
                continue;
            };
            let patience = if others.is_empty() {
                ALONE
            } else {
                AMONG_OTHERS
            };
            for ear in others {
                ear.hear(event.clone(), patience).await;
            }
            last.hear(event, patience).await;
        }
    }
}

impl Feed {
    /// Starts the feed that all homes share, where there is one. That there is none is said aloud.
    pub fn open(
        lifecycle: &mut Lifecycle,
        config: &Config,
        readiness: &Readiness,
        database: &SecretString,
    ) -> Self {
        let state = watch::Sender::new(FeedState::default());
        let part = readiness.part("feed");
        let source = match config.feed.kind {
            FeedKind::Off => {
                part.ok_with("switched off: rows are found by the sweep alone");
                state.send_replace(FeedState::Off);
                Source::Off
            }
            FeedKind::Websocket => Source::Each,
            FeedKind::Replication => {
                let (events, received) = mpsc::channel(FEED_AHEAD);
                let (hub, cancel) = (Hub::default(), lifecycle.token());
                let shown = state.clone();
                let observer = Box::new(move |stream: Stream<'_>| show(&part, &shown, stream));
                let settings = ReplicationSettings::new(database.clone());
                let hands = hub.clone();
                lifecycle.spawn("feed", async move {
                    // Nobody waits for the look: a feed that does not come says so by itself.
                    tokio::spawn(warn_of_gaps(settings.clone()));
                    tokio::spawn(hands.run(received));
                    let feed = Replication::new(settings).observed_by(observer);
                    feed.run(events, cancel).await;
                    Ok(())
                });
                Source::Shared(hub)
            }
        };
        Self { state, source }
    }

    /// Listens for one project, as a part of its home.
    pub fn listen(
        &self,
        lifecycle: &mut Lifecycle,
        (config, project): (&Config, &ProjectId),
        readiness: &Readiness,
        database: &SecretString,
    ) -> (mpsc::Receiver<FeedEvent>, watch::Receiver<FeedState>) {
        let cancel = lifecycle.token();
        match (&self.source, websocket(config, project)) {
            (Source::Shared(hub), _) => (hub.listen(), self.state.subscribe()),
            (Source::Each, Some(settings)) => {
                let (events, received) = mpsc::channel(FEED_AHEAD);
                let (state, shown) = watch::channel(FeedState::default());
                let part = readiness.part(part_of(config, project));
                let observer = Box::new(move |stream: Stream<'_>| show(&part, &state, stream));
                let database = database.clone();
                lifecycle.spawn("feed", async move {
                    tokio::spawn(warn_of_hidden_rows(database, settings.key.clone()));
                    let feed = Websocket::new(settings).observed_by(observer);
                    feed.run(events, cancel).await;
                    Ok(())
                });
                (received, shown)
            }
            (Source::Each | Source::Off, _) => {
                let (events, received) = mpsc::channel(1);
                // Silent, and there as long as the home.
                lifecycle.spawn("feed", async move {
                    cancel.cancelled().await;
                    drop(events);
                    Ok(())
                });
                (received, self.state.subscribe())
            }
        }
    }
}

/// What the part is called on the board of a process that may show several projects.
fn part_of(config: &Config, project: &ProjectId) -> String {
    if *project == config.project.id {
        "feed".to_owned()
    } else {
        format!("feed of {project}")
    }
}

/// What the websocket feed needs, if it is the one that is wanted.
pub fn websocket(config: &Config, project: &ProjectId) -> Option<WebsocketSettings> {
    let supabase = &config.supabase;
    let key = supabase.key.clone().map(Key::Fixed);
    let key = key.or(supabase.key_file.clone().map(Key::File));
    let (url, key) = (supabase.url.clone()?, key?);
    let wanted = config.feed.kind == FeedKind::Websocket;
    wanted.then(|| WebsocketSettings::new(url, key, project.clone()))
}

/// A table that is not published is silence, not an error: said aloud at every start.
async fn warn_of_gaps(settings: ReplicationSettings) {
    for problem in check(&settings).await {
        if !problem.stops_the_feed() {
            tracing::warn!(%problem, "the change feed has a gap: {problem}");
        }
    }
}

/// Rows that the key may not see are silence as well.
async fn warn_of_hidden_rows(database: SecretString, key: Key) {
    let Some(role) = key.role().await else {
        return;
    };
    for problem in check_visibility(&database, &role).await {
        tracing::warn!(%problem, "the change feed may have a gap: {problem}");
    }
}

fn show(part: &Part, state: &watch::Sender<FeedState>, stream: Stream<'_>) {
    match stream {
        Stream::Up => {
            state.send_replace(FeedState::Up);
            gauge!(telemetry::FEED_CONNECTED).set(1.0);
            part.ok();
        }
        Stream::Partly(reason) => {
            state.send_replace(FeedState::Partly(reason.to_owned()));
            gauge!(telemetry::FEED_CONNECTED).set(1.0);
            part.ok_with(format!("some rows are found by the sweep alone: {reason}"));
        }
        Stream::Down(reason) => {
            state.send_replace(FeedState::Down(reason.to_owned()));
            gauge!(telemetry::FEED_CONNECTED).set(0.0);
            tracing::warn!(%reason, "no change feed, rows are found by the sweep alone: {reason}");
            part.ok_with(format!("rows are found by the sweep alone: {reason}"));
        }
    }
}
