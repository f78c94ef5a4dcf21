//! Where direct messages to agents' own bots are received: who may talk is let in, the others are told why not. The
//! first message of somebody who may opens their private channel.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::cards::{bots as words, labs};
use crate::discord::events::{Inbound, Written};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::own_bots::{Guest, Guests};
use crate::discord::rest::{Request, Route};
use crate::model::ChannelId;
use crate::model::view::Surface;
use crate::store::Store;

/// Nobody is told the same more often.
const AGAIN: Duration = Duration::from_mins(1);

/// Waits between tries to find out who somebody is.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// How long the layout may take to know a new channel. Whatever waits longer is read back later.
const KNOWN_WITHIN: Duration = Duration::from_secs(10);

/// What everybody at the reception works with.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) store: Store,
    pub(super) lanes: Lanes,
    pub(super) layout: watch::Receiver<Arc<Layout>>,
    pub(super) repair: Arc<Notify>,
    pub(super) guests: Guests,
    /// Where what is let in goes.
    pub(super) let_in: mpsc::UnboundedSender<Inbound>,
}

/// One porter for each private channel, so that messages stay in order and nobody waits for another.
pub(super) struct Reception {
    desk: Desk,
    porters: HashMap<ChannelId, mpsc::UnboundedSender<Written>>,
}

impl Reception {
    /// Nobody is there yet.
    pub(super) fn new(desk: Desk) -> Self {
        Self {
            desk,
            porters: HashMap::new(),
        }
    }

    /// Receives what the bot of an agent was told. All but messages is let in as it is.
    pub(super) fn receive(&mut self, short: &str, event: Inbound, cancel: &CancellationToken) {
        match event {
            Inbound::Message(written) => self.line_up(short, *written, cancel),
            // Its own connection alone is meant, and nobody makes its channels anew.
            Inbound::Resumed
            | Inbound::Disconnected
            | Inbound::ChannelGone(_)
            | Inbound::WebhooksChanged(_) => {}
            other => drop(self.desk.let_in.send(other)),
        }
    }

    fn line_up(&mut self, short: &str, written: Written, cancel: &CancellationToken) {
        let Written { channel, user, .. } = written;
        let porter = self.porters.entry(channel).or_insert_with(|| {
            let (tell, visitors) = mpsc::unbounded_channel();
            let porter = Porter {
                desk: self.desk.clone(),
                surface: Surface::BotDm {
                    short: short.to_owned(),
                    user,
                },
                channel,
                told: None,
                forgotten: false,
            };
            let cancel = cancel.clone();
            tokio::spawn(async move { cancel.run_until_cancelled(porter.run(visitors)).await });
            tell
        });
        // A porter lives as long as its line.
        let _ = porter.send(written);
    }
}

struct Porter {
    desk: Desk,
    surface: Surface,
    channel: ChannelId,
    /// What was said last, and when.
    told: Option<(Instant, String)>,
    /// Whether the database knows nothing of the channel.
    forgotten: bool,
}

impl Porter {
    async fn run(mut self, mut visitors: mpsc::UnboundedReceiver<Written>) {
        while let Some(written) = visitors.recv().await {
            let message = written.id;
            match self.admit(written).await {
                Ok(Some(written)) => {
                    // Nobody listens only while the process ends.
                    let _ = self.desk.let_in.send(Inbound::Message(Box::new(written)));
                }
                Ok(None) => {}
                Err(refusal) => {
                    tracing::info!(%message, surface = %self.surface, "a direct message is not taken: {refusal}");
                    self.tell(refusal);
                }
            }
        }
    }

    /// The message with its author's roles, once its channel is known; nothing where it is read back
    /// later; else why it is not taken.
    async fn admit(&mut self, mut written: Written) -> Result<Option<Written>, String> {
        written.roles = match self.look(&written).await {
            Guest::Welcome(roles) => roles,
            other => {
                self.forget().await;
                let members = self.desk.guests.takes_members();
                return Err(match other {
                    Guest::NoOperator => words::only_operators(),
                    _ if members => words::only_members(),
                    _ => words::only_operators(),
                });
            }
        };
        if self.is_known() {
            return Ok(Some(written));
        }
        self.open(&written).await?;
        self.desk.repair.notify_one();
        let mut layout = self.desk.layout.clone();
        let known = layout.wait_for(|layout| layout.on_or_off(self.channel).is_some());
        let known = tokio::time::timeout(KNOWN_WITHIN, known).await;
        Ok(matches!(known, Ok(Ok(_))).then_some(written))
    }

    /// Who it is. While Discord does not say, everything in this channel waits.
    async fn look(&self, written: &Written) -> Guest {
        let mut wait = RETRY.0;
        loop {
            match self.desk.guests.look(written.user).await {
                Ok(guest) => return guest,
                Err(error) => {
                    tracing::warn!(%error, "cannot tell who writes to a bot: {error}");
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY.1);
                }
            }
        }
    }

    fn is_known(&self) -> bool {
        let layout = self.desk.layout.borrow();
        layout.on_or_off(self.channel).is_some()
    }

    /// Whoever may not talk is shown nothing more either.
    async fn forget(&mut self) {
        if self.forgotten {
            return;
        }
        match self.desk.store.unbind_private(self.channel).await {
            Ok(known) => {
                self.forgotten = true;
                if known {
                    self.desk.repair.notify_one();
                }
            }
            Err(error) => {
                tracing::warn!(%error, "a private channel could not be forgotten: {error}");
            }
        }
    }

    /// From this message on, and no earlier one, the channel is read and shown.
    async fn open(&mut self, written: &Written) -> Result<(), String> {
        let guild = {
            let layout = self.desk.layout.borrow();
            if layout.has_departed(&self.surface) {
                let Surface::BotDm { short, .. } = &self.surface else {
                    return Ok(());
                };
                return Err(words::no_agent(short));
            }
            let missing = layout.lacks(&self.surface);
            if !missing.is_empty() {
                return Err(labs::switched_off(&self.surface, &missing));
            }
            layout.guild
        };
        // Ids are exact to the millisecond, and what is read begins after this moment.
        let since = written.id.created_at() - TimeDelta::milliseconds(1);
        self.forgotten = false;
        let store = &self.desk.store;
        let bound = store.bind_private(guild, &self.surface, self.channel, since);
        bound.await.map_err(|error| {
            tracing::warn!(%error, "a private channel could not be opened: {error}");
            words::database_away()
        })?;
        tracing::info!(surface = %self.surface, channel = %self.channel, "a private channel is open");
        Ok(())
    }

    fn tell(&mut self, refusal: String) {
        let recent = |(at, what): &(Instant, String)| at.elapsed() < AGAIN && *what == refusal;
        if self.told.as_ref().is_some_and(recent) {
            return;
        }
        let request = Request::new(Route::create_message(self.channel.get()))
            .json(&json!({ "content": refusal }));
        self.told = Some((Instant::now(), refusal));
        let sending = self.desk.lanes.submit(Class::Interactive, request);
        tokio::spawn(async move {
            if let Some(error) = sending.await.done().error() {
                tracing::warn!(%error, "nobody could be told why a direct message is not taken: {error}");
            }
        });
    }
}
