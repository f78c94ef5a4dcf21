//! The change feed: which transport carries it, and who is shown how it is.

use metrics::gauge;
use secrecy::SecretString;
use tokio::sync::{mpsc, watch};

use crate::config::{Config, FeedKind};
use crate::feed::check::{check, check_visibility};
use crate::feed::websocket::Key;
use crate::feed::{Replication, ReplicationSettings, Stream, Websocket, WebsocketSettings};
use crate::health::{Part, Readiness};
use crate::lifecycle::Lifecycle;
use crate::model::change::FeedEvent;
use crate::model::realtime::FeedState;
use crate::telemetry;

/// Transactions that the feed may be ahead of the mirror; beyond it the feed waits, and so does
/// the database's sender, which loses nothing.
const FEED_AHEAD: usize = 1024;

/// Starts the feed, or leaves it to the sweep where there is none. That is said aloud.
pub fn start(
    lifecycle: &mut Lifecycle,
    config: &Config,
    readiness: &Readiness,
    database: &SecretString,
) -> (mpsc::Receiver<FeedEvent>, watch::Receiver<FeedState>) {
    let (events, received) = mpsc::channel(FEED_AHEAD);
    let (state, shown) = watch::channel(FeedState::default());
    let part = readiness.part("feed");
    let cancel = lifecycle.token();
    if config.feed.kind == FeedKind::Off {
        part.ok_with("switched off: rows are found by the sweep alone");
        state.send_replace(FeedState::Off);
        lifecycle.spawn("feed", async move {
            cancel.cancelled().await;
            drop((events, state));
            Ok(())
        });
        return (received, shown);
    }
    let observer = Box::new(move |stream: Stream<'_>| show(&part, &state, stream));
    let database = database.clone();
    // Nobody waits for the looks: a feed that does not come says so by itself.
    if let Some(settings) = websocket(config) {
        lifecycle.spawn("feed", async move {
            tokio::spawn(warn_of_hidden_rows(database, settings.key.clone()));
            let feed = Websocket::new(settings).observed_by(observer);
            feed.run(events, cancel).await;
            Ok(())
        });
        return (received, shown);
    }
    let settings = ReplicationSettings::new(database);
    lifecycle.spawn("feed", async move {
        tokio::spawn(warn_of_gaps(settings.clone()));
        let feed = Replication::new(settings).observed_by(observer);
        feed.run(events, cancel).await;
        Ok(())
    });
    (received, shown)
}

/// What the websocket feed needs, if it is the one that is wanted.
pub fn websocket(config: &Config) -> Option<WebsocketSettings> {
    let supabase = &config.supabase;
    let key = supabase.key.clone().map(Key::Fixed);
    let key = key.or(supabase.key_file.clone().map(Key::File));
    let (url, key) = (supabase.url.clone()?, key?);
    let project = config.project.id.clone();
    let wanted = config.feed.kind == FeedKind::Websocket;
    wanted.then(|| WebsocketSettings::new(url, key, project))
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
