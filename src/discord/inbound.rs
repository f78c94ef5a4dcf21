//! What people do in Discord becomes operations: in order within a channel, once each, and read
//! back where the gateway missed something.

mod doors;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serenity::all::Message;
use tokio::sync::{Notify, mpsc, watch};
use tokio_util::sync::CancellationToken;

use self::doors::{Door, Doors};
use super::events::{self, Inbound, Written};
use super::lanes::{Class, Lanes};
use super::layout::Layout;
use super::presses::Presses;
use super::rest::{Page, Request, RestError, Route};
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, GuildId, RoleId, UserId};
use crate::operations::Desk;
use crate::operations::say::{File, Said, say};
use crate::store::layout::KnownChannel;

/// What is read back overlaps what was seen by so much: events come in any order, and reading a
/// message twice changes nothing.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// Most messages of a page (source: Discord).
const PAGE: u8 = 100;

/// Waits between tries while the database is away. The message is held meanwhile.
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
}

#[derive(Deserialize)]
struct Member {
    roles: Vec<RoleId>,
}

impl Intake {
    /// Listens until cancelled.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let mut queues: HashMap<ChannelId, mpsc::UnboundedSender<Written>> = HashMap::new();
        let mut doors = Doors::default();
        doors.follow(&self.layout.borrow_and_update());
        loop {
            let heard = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                changed = self.layout.changed() => {
                    changed?;
                    doors.follow(&self.layout.borrow_and_update());
                    // People may be quicker in a new channel than the layout.
                    if *self.connected.borrow() {
                        self.read_back(&mut queues, &mut doors, &cancel);
                    }
                    continue;
                }
                heard = self.heard.recv() => heard,
            };
            match heard {
                None => anyhow::bail!("the gateway does not speak any more"),
                Some(Inbound::Ready) => {
                    self.connected.send_replace(true);
                    doors.forget();
                    self.read_back(&mut queues, &mut doors, &cancel);
                }
                Some(Inbound::Resumed) => {
                    self.connected.send_replace(true);
                }
                Some(Inbound::Disconnected) => {
                    self.connected.send_replace(false);
                }
                Some(Inbound::Message(written)) => {
                    self.enqueue(&mut queues, &mut doors, *written, &cancel);
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

    fn enqueue(
        &self,
        queues: &mut HashMap<ChannelId, mpsc::UnboundedSender<Written>>,
        doors: &mut Doors,
        written: Written,
        cancel: &CancellationToken,
    ) {
        let layout = self.layout.borrow().clone();
        let surface = layout.on_or_off(written.channel);
        if !surface.is_some_and(Surface::takes_messages) {
            return;
        }
        if doors.turns_away(&written) {
            return doors.answer(&written, &layout, &self.lanes);
        }
        let queue = self.queue(queues, written.channel, cancel);
        // A listener lives as long as its queue.
        let _ = queue.send(written);
    }

    /// The line in which the messages of a channel wait to be written down.
    fn queue<'a>(
        &self,
        queues: &'a mut HashMap<ChannelId, mpsc::UnboundedSender<Written>>,
        channel: ChannelId,
        cancel: &CancellationToken,
    ) -> &'a mpsc::UnboundedSender<Written> {
        queues.entry(channel).or_insert_with(|| {
            let (queue, messages) = mpsc::unbounded_channel();
            let listener = Listener {
                desk: self.desk.clone(),
                layout: self.layout.clone(),
                cancel: cancel.clone(),
            };
            tokio::spawn(listener.run(messages));
            queue
        })
    }

    /// Reads what was written while nobody listened, in every channel that has not been read in
    /// this session.
    fn read_back(
        &self,
        queues: &mut HashMap<ChannelId, mpsc::UnboundedSender<Written>>,
        doors: &mut Doors,
        cancel: &CancellationToken,
    ) {
        // Channels of the layout get their queue now, so that what is read back stands in the same
        // line as what is heard.
        let layout = self.layout.borrow().clone();
        for channel in doors.unread(&layout) {
            let reader = Reader {
                desk: self.desk.clone(),
                lanes: self.lanes.clone(),
                guild: layout.guild,
                channel,
                queue: self.queue(queues, channel, cancel).clone(),
            };
            let cancel = cancel.clone();
            doors.read_back(channel, |doors| {
                drop(tokio::spawn(reader.run(doors, cancel)));
            });
        }
    }
}

/// Writes down the messages of one channel, one after the other.
struct Listener {
    desk: Desk,
    layout: watch::Receiver<Arc<Layout>>,
    cancel: CancellationToken,
}

impl Listener {
    async fn run(self, mut messages: mpsc::UnboundedReceiver<Written>) {
        while let Some(written) = messages.recv().await {
            let Some(said) = self.said(written) else {
                continue;
            };
            let mut wait = RETRY.0;
            // Until it is written down: what the process has not written when it dies is read
            // back at the next start.
            while let Err(error) = say(&self.desk, said.clone()).await {
                let message = said.message;
                tracing::warn!(%message, %error, "message {message} is not written down yet: {error}");
                if !error.is_outage() {
                    break;
                }
                tokio::select! {
                    () = self.cancel.cancelled() => return,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY.1),
                }
            }
        }
    }

    fn said(&self, written: Written) -> Option<Said> {
        let layout = self.layout.borrow();
        // Taken while its feature was on; it may be off by now.
        let surface = layout.on_or_off(written.channel)?.clone();
        Some(Said {
            message: written.id,
            channel: written.channel,
            agent: layout.agent(&surface).cloned(),
            surface,
            user: written.user,
            name: written.name,
            roles: written.roles,
            text: written.text,
            files: written
                .files
                .into_iter()
                .map(|(name, size, url)| File { name, size, url })
                .collect(),
        })
    }
}

/// Reads the messages of one channel that nobody has heard.
struct Reader {
    desk: Desk,
    lanes: Lanes,
    guild: GuildId,
    channel: ChannelId,
    queue: mpsc::UnboundedSender<Written>,
}

impl Reader {
    async fn run(self, mut doors: mpsc::UnboundedReceiver<Door>, cancel: CancellationToken) {
        while let Some(door) = doors.recv().await {
            let mut wait = RETRY.0;
            while let Err(error) = self.follow(door).await {
                let channel = self.channel;
                tracing::warn!(%channel, %error, "cannot read channel {channel} back: {error}");
                let gone = error
                    .downcast_ref::<RestError>()
                    .is_some_and(|error| matches!(error.status(), Some(401..=404)));
                if gone {
                    break;
                }
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY.1),
                }
            }
        }
    }

    /// Reads what belongs to the time in which the channel was open, and writes down where that
    /// begins and ends.
    async fn follow(&self, door: Door) -> anyhow::Result<()> {
        let store = &self.desk.store;
        let Some(known) = self.known().await? else {
            return Ok(());
        };
        if !door.open && known.closed_at.is_none() {
            store.close_channel(self.channel, door.since).await?;
        }
        let until = known.closed_at.or((!door.open).then_some(door.since));
        self.read(&known, until).await?;
        if !(door.open && until.is_some()) {
            return Ok(());
        }
        store.open_channel(self.channel, door.turned_away).await?;
        // The feature may have been on for a while before we knew.
        match self.known().await? {
            Some(known) => self.read(&known, None).await,
            None => Ok(()),
        }
    }

    async fn known(&self) -> anyhow::Result<Option<KnownChannel>> {
        let all = self.desk.store.channels(self.guild).await?;
        Ok(all.into_iter().find(|it| it.channel == self.channel))
    }

    async fn read(&self, known: &KnownChannel, until: Option<DateTime<Utc>>) -> anyhow::Result<()> {
        let overlapping = known.read_up_to.created_at() - OVERLAP;
        let from = known
            .opened_at
            .map_or(overlapping, |it| it.max(overlapping));
        let mut after = DiscordMessageId::at(from);
        let mut roles: HashMap<UserId, Vec<RoleId>> = HashMap::new();
        loop {
            let route = Route::get_messages(self.channel.get(), Page::After(after.get()), PAGE);
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
                let Some(mut written) = events::written(message) else {
                    continue;
                };
                if until.is_some_and(|until| written.id.created_at() > until) {
                    return Ok(());
                }
                // A message that is read has no member, and so no roles.
                if !self.desk.operators.roles.is_empty() {
                    written.roles = self.roles(written.user, &mut roles).await?;
                }
                let _ = self.queue.send(written);
            }
            if !full {
                return Ok(());
            }
            after = last;
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
