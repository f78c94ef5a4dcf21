//! What people do in Discord becomes operations: in order within a channel, once each, and read
//! back where the gateway missed something.

mod gate;
mod listener;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use serenity::all::Message;
use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::gate::{Closed, Gate};
use self::listener::{Heard, Listener};
use super::events::{self, Inbound, Written};
use super::lanes::{Class, Lanes};
use super::layout::Layout;
use super::presses::Presses;
use super::receipts::Receipt;
use super::rest::{Page, Request, RestError, Route};
use crate::model::mode::State;
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, GuildId, RoleId, UserId};
use crate::operations::Desk;
use crate::spool::{Found, Spool};

/// What is read back overlaps what was seen by so much: events come in any order, and reading a
/// message twice changes nothing.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// Most messages of a page (source: Discord).
const PAGE: u8 = 100;

/// Waits between tries to read a channel back.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Takes in what the gateway hears.
pub struct Intake {
    /// What every operation works with.
    pub desk: Desk,
    /// The way to Discord.
    pub lanes: Lanes,
    /// Where the channels are.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// Asks for the layout to be made whole.
    pub repair: Arc<Notify>,
    /// Answers buttons and forms.
    pub presses: Presses,
    /// What the gateway hears.
    pub heard: mpsc::UnboundedReceiver<Inbound>,
    /// Tells that a session has begun or goes on.
    pub connected: watch::Sender<bool>,
    /// Whether the database is there.
    pub mode: watch::Receiver<State>,
    /// Where messages wait while it is not.
    pub spool: Spool,
    /// What an earlier run has left there.
    pub found: Found,
}

/// The lines in which messages wait to be written down, by channel, and the gates before them.
type Queues = HashMap<ChannelId, (mpsc::UnboundedSender<Heard>, Gate)>;

#[derive(Deserialize)]
struct Member {
    roles: Vec<RoleId>,
}

impl Intake {
    /// Listens until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut queues = Queues::new();
        let mut read = HashSet::new();
        self.resume(&mut queues, &cancel);
        loop {
            let heard = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                changed = self.layout.changed() => {
                    changed?;
                    // People may be quicker in a new channel than the layout.
                    if *self.connected.borrow() {
                        self.read_back(&mut queues, &mut read, &cancel);
                    }
                    continue;
                }
                heard = self.heard.recv() => heard,
            };
            match heard {
                None => anyhow::bail!("the gateway does not speak any more"),
                Some(Inbound::Ready) => {
                    self.connected.send_replace(true);
                    read.clear();
                    self.read_back(&mut queues, &mut read, &cancel);
                }
                Some(Inbound::Resumed) => {
                    self.connected.send_replace(true);
                }
                Some(Inbound::Disconnected) => {
                    self.connected.send_replace(false);
                }
                Some(Inbound::Message(written)) => {
                    self.enqueue(&mut queues, *written, &cancel);
                }
                Some(Inbound::Pressed(pressed)) => self.presses.take(*pressed),
                Some(Inbound::ChannelGone(channel)) => {
                    if self.layout.borrow().surface(channel).is_some() {
                        self.repair.notify_one();
                    }
                }
                Some(Inbound::WebhooksChanged(channel)) => {
                    let layout = self.layout.borrow();
                    if layout.surface(channel).is_some_and(Surface::takes_messages) {
                        self.repair.notify_one();
                    }
                }
            }
        }
    }

    /// Goes on with what an earlier run has accepted, before anything that is heard now.
    fn resume(&mut self, queues: &mut Queues, cancel: &CancellationToken) {
        let project = self.desk.store.project();
        let (ours, theirs): (Vec<_>, Vec<_>) = std::mem::take(&mut self.found.held)
            .into_iter()
            .partition(|held| held.project == *project);
        if let Some(other) = theirs.first() {
            let (count, project) = (theirs.len(), &other.project);
            tracing::error!(%project, "{count} messages stay in the spool: they were meant for the project {project}");
        }
        let marked = self.found.marked.iter().map(|place| place.channel);
        let channels: HashSet<_> = ours.iter().map(|held| held.channel).chain(marked).collect();
        if !ours.is_empty() {
            tracing::info!("{} messages of the spool are written now", ours.len());
        }
        self.found.held = ours;
        for channel in channels {
            if self.layout.borrow().surface(channel).is_none() {
                tracing::warn!(%channel, "channel {channel} is not ours any more; what was accepted there is written all the same");
            }
            self.queue(queues, channel, cancel);
        }
    }

    fn enqueue(&mut self, queues: &mut Queues, written: Written, cancel: &CancellationToken) {
        let takes = self
            .layout
            .borrow()
            .surface(written.channel)
            .is_some_and(Surface::takes_messages);
        if !takes {
            return;
        }
        let (queue, _) = self.queue(queues, written.channel, cancel);
        let read_back = None;
        // A listener lives as long as its queue.
        let _ = queue.send(Heard { written, read_back });
    }

    /// The line in which the messages of a channel wait to be written down.
    fn queue<'a>(
        &mut self,
        queues: &'a mut Queues,
        channel: ChannelId,
        cancel: &CancellationToken,
    ) -> &'a (mpsc::UnboundedSender<Heard>, Gate) {
        queues.entry(channel).or_insert_with(|| {
            let (queue, messages) = mpsc::unbounded_channel();
            let found = self.found.take(channel);
            let deps = listener::Deps {
                desk: &self.desk,
                lanes: &self.lanes,
                layout: &self.layout,
                mode: &self.mode,
                spool: &self.spool,
            };
            let gate = Gate::default();
            let listener = Listener::new(&deps, channel, found, &gate, cancel.clone());
            tokio::spawn(listener.run(messages, cancel.clone()));
            (queue, gate)
        })
    }

    /// Reads what was written while nobody listened, in every channel that has not been read in
    /// this session.
    fn read_back(
        &mut self,
        queues: &mut Queues,
        read: &mut HashSet<ChannelId>,
        cancel: &CancellationToken,
    ) {
        // Channels of the layout get their queue now, so that what is read back stands in the same
        // line as what is heard.
        let layout = self.layout.borrow().clone();
        for (surface, channel) in layout.iter() {
            if !(surface.takes_messages() && read.insert(channel.id)) {
                continue;
            }
            let (queue, gate) = self.queue(queues, channel.id, cancel).clone();
            let reader = Reader {
                desk: self.desk.clone(),
                lanes: self.lanes.clone(),
                spool: self.spool.clone(),
                guild: layout.guild,
                room: Arc::new(Semaphore::new(usize::from(PAGE))),
                queue,
                closed: Some(gate.close()),
                after: None,
            };
            tokio::spawn(reader.run(channel.id, cancel.clone()));
        }
    }
}

/// Reads the messages of one channel that nobody has heard.
struct Reader {
    desk: Desk,
    lanes: Lanes,
    spool: Spool,
    guild: GuildId,
    /// For what is read and waits: while the database is away, Discord keeps the rest.
    room: Arc<Semaphore>,
    queue: mpsc::UnboundedSender<Heard>,
    /// Until it is known where to begin.
    closed: Option<Closed>,
    /// How far this reader has come.
    after: Option<DiscordMessageId>,
}

impl Reader {
    async fn run(mut self, channel: ChannelId, cancel: CancellationToken) {
        let mut wait = RETRY.0;
        while let Err(error) = self.read(channel).await {
            tracing::warn!(%channel, %error, "cannot read channel {channel} back: {error}");
            let gone = error
                .downcast_ref::<RestError>()
                .is_some_and(|error| matches!(error.status(), Some(401..=404)));
            if gone {
                return;
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY.1),
            }
        }
    }

    /// Where to begin; none in a channel that was never ours.
    async fn begin(&self, channel: ChannelId) -> anyhow::Result<Option<DiscordMessageId>> {
        let known = self.desk.store.channels(self.guild).await?;
        let known = known.into_iter().find(|known| known.channel == channel);
        Ok(known.map(|known| {
            let after = DiscordMessageId::at(known.read_up_to.created_at() - OVERLAP);
            self.spool.forget_refused(channel, after);
            after
        }))
    }

    async fn read(&mut self, channel: ChannelId) -> anyhow::Result<()> {
        // Once: what is written meanwhile says nothing about what is missing.
        if self.after.is_none() {
            self.after = self.begin(channel).await?;
            self.closed = None;
        }
        let Some(mut after) = self.after else {
            return Ok(());
        };
        let mut roles: HashMap<UserId, Vec<RoleId>> = HashMap::new();
        loop {
            let route = Route::get_messages(channel.get(), Page::After(after.get()), PAGE);
            let mut page: Vec<Message> = self
                .lanes
                .submit(Class::Backlog, Request::new(route))
                .await
                .json()
                .into_result()?;
            page.sort_by_key(|message| message.id);
            let Some(last) = page.last().and_then(|m| DiscordMessageId::new(m.id.get())) else {
                return Ok(());
            };
            let full = page.len() == usize::from(PAGE);
            for message in page {
                // Its author was told to send it again, whatever the spool remembers.
                if is_refused(&message) {
                    continue;
                }
                let Some(mut written) = events::written(message) else {
                    continue;
                };
                // A message that is read has no member, and so no roles.
                if !self.desk.operators.roles.is_empty() {
                    written.roles = self.roles(written.user, &mut roles).await?;
                }
                let room = Arc::clone(&self.room).acquire_owned();
                let read_back = Some(room.await?);
                let _ = self.queue.send(Heard { written, read_back });
            }
            if !full {
                return Ok(());
            }
            after = last;
            self.after = Some(last);
        }
    }

    async fn roles(
        &self,
        user: UserId,
        known: &mut HashMap<UserId, Vec<RoleId>>,
    ) -> anyhow::Result<Vec<RoleId>> {
        if let Some(roles) = known.get(&user) {
            return Ok(roles.clone());
        }
        let route = Route::guild_member(self.guild.get(), user.get());
        let member: Result<Member, RestError> = self
            .lanes
            .submit(Class::Backlog, Request::new(route))
            .await
            .json()
            .into_result();
        let roles = match member {
            Ok(member) => member.roles,
            // Who has left has no roles.
            Err(error) if error.status() == Some(404) => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        known.insert(user, roles.clone());
        Ok(roles)
    }
}

/// Whether the message has our mark of refusal.
fn is_refused(message: &Message) -> bool {
    let mut marks = message.reactions.iter();
    marks.any(|mark| mark.me && mark.reaction_type.unicode_eq(Receipt::Refused.emoji()))
}
