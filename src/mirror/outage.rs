//! What Discord shows without a row behind it: that there is no database. The post that says so, and
//! the card in `#status`, which would go on saying that all is well.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::cards::mode::mode_change;
use crate::cards::status::{TITLE, status_card};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::rest::{Page, Request, RestError, Route};
use crate::model::mode::{Mode, ModeChange, State};
use crate::model::status::{Dials, Vitals};
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, UserId};

/// Among so many of the newest messages in `#status` is its card (Discord gives no more at once).
const NEWEST: u8 = 100;

/// Shortest time between two changes of the card.
const PAUSE: Duration = Duration::from_secs(3);

/// Speaks in `#status` while the mode is Offline.
pub struct Outage {
    /// The way to Discord.
    pub lanes: Lanes,
    /// Where the channels are.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// What only the running bridge knows.
    pub dials: Dials,
    /// The time between two looks at the Control API.
    pub poll: Duration,
    /// Our own account.
    pub bot: UserId,
}

#[derive(Deserialize)]
struct Listed {
    id: DiscordMessageId,
    content: String,
    author: Account,
}

#[derive(Deserialize)]
struct Account {
    id: UserId,
}

impl Outage {
    /// Waits and posts until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut before = None;
        let mut shown = String::new();
        loop {
            let vitals = self.dials.read(self.layout.borrow().limits());
            let now = vitals.mode.mode;
            if now == Some(Mode::Offline) {
                if before != now {
                    self.post(&vitals.mode).await;
                }
                self.keep_true(&vitals, &mut shown).await;
            } else {
                shown.clear();
            }
            before = now;
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                () = self.dials.changed() => {}
            }
            if before == Some(Mode::Offline) && self.dials.mode.borrow().mode == before {
                tokio::select! {
                    () = cancel.cancelled() => return Ok(()),
                    () = tokio::time::sleep(PAUSE) => {}
                }
            }
        }
    }

    fn channel(&self) -> Option<ChannelId> {
        let layout = self.layout.borrow();
        let open = layout.takes(&Surface::Status);
        let channel = layout.channel(&Surface::Status).filter(|_| open);
        channel.map(|channel| channel.id)
    }

    async fn post(&self, state: &State) {
        let Some(channel) = self.channel() else {
            return;
        };
        let change = ModeChange::new(Mode::Offline, state.reason.clone(), state.since);
        let draft = mode_change(&change);
        // At most 25 characters (source: Discord). Every project has its own card.
        let nonce = format!(
            "{}-{}",
            state.since.timestamp(),
            channel.get() % 100_000_000
        );
        let body = json!({ "content": draft.content, "nonce": nonce, "enforce_nonce": true });
        if let Err(error) = self.send(Route::create_message(channel.get()), &body).await {
            tracing::warn!(%error, "the outage of the database could not be posted: {error}");
        }
    }

    /// Makes the card say what is known without the database. The ledger is not asked, so the card is
    /// found by its first line; the mirror writes it anew when the mode changes, because it tells
    /// since when.
    async fn keep_true(&self, vitals: &Vitals, shown: &mut String) {
        let card = status_card(vitals, None, self.poll).content;
        if *shown == card {
            return;
        }
        match self.edit(&card).await {
            Ok(()) => *shown = card,
            Err(error) => {
                tracing::warn!(%error, "the card in #status could not be changed: {error}");
            }
        }
    }

    async fn edit(&self, card: &str) -> Result<(), RestError> {
        let Some(channel) = self.channel() else {
            return Ok(());
        };
        let route = Route::get_messages(channel.get(), Page::Latest, NEWEST);
        let submitted = self.lanes.submit(Class::Interactive, Request::new(route));
        let messages: Vec<Listed> = submitted.await.json().into_result()?;
        let is_card = |message: &&Listed| {
            message.author.id == self.bot && message.content.lines().next() == Some(TITLE)
        };
        let Some(message) = messages
            .iter()
            .filter(is_card)
            .max_by_key(|message| message.id)
        else {
            return Ok(());
        };
        // Looking took its time: once it is over, the card is the mirror's again.
        if self.dials.mode.borrow().mode != Some(Mode::Offline) {
            return Ok(());
        }
        let route = Route::edit_message(channel.get(), message.id.get());
        self.send(route, &json!({ "content": card })).await
    }

    async fn send(&self, route: Route, body: &Value) -> Result<(), RestError> {
        let request = Request::new(route).json(body);
        let submitted = self.lanes.submit(Class::Interactive, request);
        submitted.await.done().into_result()
    }
}
