//! The websocket transport: Supabase Realtime's Phoenix protocol, for databases that cannot be asked
//! for logical replication.
//!
//! - [`settings`]: where, whose rows, with which key.
//! - `session` is one connection; `channels` knows how far each table has come on it; `frame` reads
//!   and writes what goes over it.
//! - [`problem`]: what stands in the way, in words.
//!
//! Delivery is at most once: the server drops changes above its rate limit without a word. The sweep
//! finds those, as always.

mod channels;
mod frame;
pub mod problem;
mod session;
pub mod settings;

use std::{convert::Infallible, time::Instant};

use metrics::gauge;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::session::{News, Session};
use super::reconnect::{CONNECTED, End, Observer, Out, Over, Retry, Stream};
use crate::model::change::FeedEvent;

pub use problem::{RealtimeProblem, Refusal};
pub use settings::{Key, Timing, WebsocketSettings};

/// The change feed over Supabase Realtime.
pub struct Websocket {
    settings: WebsocketSettings,
    observer: Observer,
}

impl Websocket {
    /// A feed of this project; nothing happens before [`Websocket::run`].
    pub fn new(settings: WebsocketSettings) -> Self {
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
    /// [`FeedEvent::Disconnected`] and tried again. [`FeedEvent::Connected`] means that the server
    /// has confirmed its subscription of every table it can subscribe to; the others are told to the
    /// observer, and asked for again.
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
    ) -> Result<Infallible, End<RealtimeProblem>> {
        let mut session = tokio::select! {
            biased;
            () = out.cancel.cancelled() => return Err(End::Over(Over::Cancelled)),
            session = Session::open(&self.settings) => session?,
        };
        loop {
            let news = tokio::select! {
                biased;
                () = out.cancel.cancelled() => return Err(End::Over(Over::Cancelled)),
                () = out.tx.closed() => return Err(End::Over(Over::ReaderGone)),
                news = session.next() => news?,
            };
            let event = match news {
                News::Connected => {
                    *connected_at = Some(Instant::now());
                    self.up();
                    FeedEvent::Connected
                }
                News::Gaps(gaps) => {
                    self.gaps(&gaps);
                    continue;
                }
                News::Changes(changes) => FeedEvent::Changes(changes),
                News::Sweep(reason) => FeedEvent::Sweep { reason },
            };
            let told = session.wait_for(out.tell(event)).await?;
            told.map_err(End::Over)?;
        }
    }

    fn up(&self) {
        let host = self.settings.url.host_str().unwrap_or_default();
        info!(host, "the change feed is connected to Supabase Realtime");
        gauge!(CONNECTED).set(1.0);
        (self.observer)(Stream::Up);
    }

    fn gaps(&self, gaps: &[RealtimeProblem]) {
        for problem in gaps {
            warn!(%problem, "the change feed has a gap: {problem}");
        }
        let words: Vec<String> = gaps.iter().map(ToString::to_string).collect();
        (self.observer)(match words.join(" ").as_str() {
            "" => Stream::Up,
            words => Stream::Partly(words),
        });
    }
}
