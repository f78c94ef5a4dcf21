//! The one thing that Discord shows without a row behind it: that there is no database.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cards::mode::mode_change;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::rest::{Request, Route};
use crate::model::mode::{Mode, State};
use crate::model::view::Surface;

/// Posts to `#status` when the mode becomes Offline.
pub struct Outage {
    lanes: Lanes,
    layout: watch::Receiver<Arc<Layout>>,
    mode: watch::Receiver<State>,
}

impl Outage {
    /// A part that waits for the mode to become Offline.
    pub fn new(
        lanes: Lanes,
        layout: watch::Receiver<Arc<Layout>>,
        mode: watch::Receiver<State>,
    ) -> Self {
        Self {
            lanes,
            layout,
            mode,
        }
    }

    /// Waits and posts until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut before = None;
        loop {
            let state = self.mode.borrow_and_update().clone();
            let now = state.mode;
            if now == Some(Mode::Offline) && before != now {
                self.post(&state).await;
            }
            before = now;
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                changed = self.mode.changed() => changed?,
            }
        }
    }

    async fn post(&self, state: &State) {
        let channel = self.layout.borrow().channel(&Surface::Status).map(|c| c.id);
        let Some(channel) = channel else {
            return;
        };
        let draft = mode_change(Mode::Offline, &state.reason, state.since);
        let nonce = format!("offline-{}", state.since.timestamp());
        let body = json!({ "content": draft.content, "nonce": nonce, "enforce_nonce": true });
        let request = Request::new(Route::create_message(channel.get())).json(&body);
        let outcome = self.lanes.submit(Class::Interactive, request).await.done();
        if let Some(error) = outcome.error() {
            tracing::warn!(%error, "the outage of the database could not be posted: {error}");
        }
    }
}
