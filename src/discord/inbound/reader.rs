//! Reads back what people wrote in a channel while nobody listened, as far as the channel was open
//! then.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serenity::all::Message;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::doors::Door;
use super::gate::Closed;
use super::line::Heard;
use crate::discord::events;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::own_bots::{Guest, Guests};
use crate::discord::rest::{Page, Request, RestError, Route};
use crate::model::receipt::Mark;
use crate::model::{ChannelId, DiscordMessageId, GuildId, RoleId, UserId};
use crate::operations::Desk;
use crate::spool::Spool;
use crate::store::Store;
use crate::store::layout::KnownChannel;

/// What is read back overlaps what was seen by so much: events come in any order, and reading a
/// message twice changes nothing.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// Most messages of a page (source: Discord).
const PAGE: u8 = 100;

/// Waits between tries to read a channel back.
pub(super) const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A reason to read a channel back.
pub(super) struct Visit {
    /// How the channel is now.
    pub(super) door: Door,
    /// Where to begin: looked up at once, also while an earlier visit goes on.
    pub(super) begins: JoinHandle<Option<DiscordMessageId>>,
}

/// How far a visit has come. A try that fails is continued and not begun anew: what is written
/// meanwhile says nothing about what is missing.
struct Progress {
    door: Door,
    /// From where on messages may be missing.
    begins: DiscordMessageId,
    /// How far it is read.
    after: Option<DiscordMessageId>,
    /// Whether the time before the channel was opened again is read.
    reopened: bool,
    /// From where on the next visit has to read, because the door has turned meanwhile.
    left: Option<DiscordMessageId>,
}

/// Where to begin to read a channel back; none in one that was never ours. Its line is kept closed
/// until that is known: a later row would hide what is missing.
pub(super) async fn begin(
    store: Store,
    guild: GuildId,
    channel: ChannelId,
    closed: Closed,
) -> Option<DiscordMessageId> {
    let mut wait = RETRY.0;
    let known = loop {
        match known(&store, guild, channel).await {
            Ok(known) => break known,
            Err(error) => {
                tracing::warn!(%channel, %error, "cannot tell how far channel {channel} was read: {error}");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(RETRY.1);
            }
        }
    };
    drop(closed);
    let before = |known: KnownChannel| known.read_up_to.created_at() - OVERLAP;
    known.map(|known| DiscordMessageId::at(before(known)))
}

async fn known(
    store: &Store,
    guild: GuildId,
    channel: ChannelId,
) -> crate::store::Result<Option<KnownChannel>> {
    let all = store.channels(guild).await?;
    Ok(all.into_iter().find(|it| it.channel == channel))
}

/// Reads one channel, for as long as there is one.
pub(super) struct Reader {
    desk: Desk,
    lanes: Lanes,
    spool: Spool,
    guild: GuildId,
    channel: ChannelId,
    /// For what is read and waits: while the database is away, Discord keeps the rest.
    room: Arc<Semaphore>,
    queue: mpsc::UnboundedSender<Heard>,
    /// How the channel is now, which may be later than a visit.
    now: watch::Receiver<Door>,
    /// From where on an earlier visit has not read.
    unread: Option<DiscordMessageId>,
    /// Who may write there, for a private channel.
    guests: Option<Guests>,
}

#[derive(Deserialize)]
struct Member {
    roles: Vec<RoleId>,
}

impl Reader {
    /// A reader of this channel, whose messages go into this line, and whose door is watched.
    pub(super) fn new(
        desk: Desk,
        lanes: Lanes,
        spool: Spool,
        (guild, channel): (GuildId, ChannelId),
        (queue, now): (mpsc::UnboundedSender<Heard>, watch::Receiver<Door>),
    ) -> Self {
        Self {
            desk,
            lanes,
            spool,
            guild,
            channel,
            room: Arc::new(Semaphore::new(usize::from(PAGE))),
            queue,
            now,
            unread: None,
            guests: None,
        }
    }

    /// The same for a private channel, where these may write.
    pub(super) fn private(mut self, guests: Option<Guests>) -> Self {
        self.guests = guests;
        self
    }

    /// Reads at every visit, one after the other: what was written before a change of the door is
    /// read before the change is written down.
    pub(super) async fn run(
        mut self,
        mut visits: mpsc::UnboundedReceiver<Visit>,
        cancel: CancellationToken,
    ) {
        while let Some(Visit { door, begins }) = visits.recv().await {
            let begins = cancel.run_until_cancelled(begins).await;
            // It ends early only with the process.
            let Some(Ok(Some(begins))) = begins else {
                continue;
            };
            self.spool.forget_refused(self.channel, begins);
            let mut progress = Progress {
                door,
                begins: self.unread.take().map_or(begins, |it| it.min(begins)),
                after: None,
                reopened: false,
                left: None,
            };
            let mut wait = RETRY.0;
            while let Err(error) = self.visit(&mut progress).await {
                let channel = self.channel;
                tracing::warn!(%channel, %error, "cannot read channel {channel} back: {error}");
                if is_gone(&error) {
                    break;
                }
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY.1),
                }
            }
            self.unread = progress.left;
        }
    }

    /// Reads what belongs to the time in which the channel was open, and writes down where that
    /// begins and ends.
    /// Reads everything since `begins`.
    pub(super) async fn catch_up(
        self,
        begins: DiscordMessageId,
        door: Door,
        cancel: CancellationToken,
    ) {
        self.spool.forget_refused(self.channel, begins);
        let mut progress = Progress {
            door,
            begins,
            after: None,
            reopened: false,
            left: None,
        };
        let mut wait = RETRY.0;
        while let Err(error) = self.read(&mut progress, None).await {
            let channel = self.channel;
            tracing::warn!(%channel, %error, "cannot read channel {channel} back: {error}");
            if is_gone(&error) {
                return;
            }
            tokio::select! {
                () = cancel.cancelled() => return,
                () = tokio::time::sleep(wait) => wait = (wait * 2).min(RETRY.1),
            }
        }
    }

    async fn visit(&self, progress: &mut Progress) -> anyhow::Result<()> {
        let (store, door) = (&self.desk.store, progress.door);
        if !progress.reopened {
            let Some(now) = known(store, self.guild, self.channel).await? else {
                return Ok(());
            };
            if !door.open && now.closed_at.is_none() {
                store.close_channel(self.channel, door.since).await?;
            }
            let until = now.closed_at.or((!door.open).then_some(door.since));
            // A try that failed may have opened it.
            let after = progress.after.unwrap_or(progress.begins);
            progress.after = Some(since(now.opened_at, after));
            self.read(progress, until).await?;
            if !(door.open && until.is_some()) {
                return Ok(());
            }
            store.open_channel(self.channel, door.turned_away).await?;
            // The feature may have been on for a while before we knew.
            let now = known(store, self.guild, self.channel).await?;
            let opened_at = now.and_then(|now| now.opened_at);
            progress.after = Some(since(opened_at, progress.begins));
            progress.reopened = true;
        }
        self.read(progress, None).await
    }

    /// Reads on from where a visit has come to.
    async fn read(
        &self,
        progress: &mut Progress,
        until: Option<DateTime<Utc>>,
    ) -> anyhow::Result<()> {
        let mut after = progress.after.unwrap_or(progress.begins);
        let mut roles: HashMap<UserId, Vec<RoleId>> = HashMap::new();
        loop {
            let mut page = self.page(after).await?;
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
                if until.is_some_and(|until| written.id.created_at() > until) {
                    return Ok(());
                }
                if until.is_none() && self.now.borrow().since != progress.door.since {
                    // Who writes now may be turned away.
                    progress.left = Some(after);
                    return Ok(());
                }
                // A message that is read has no member, and so no roles.
                if let Some(guests) = &self.guests {
                    let Guest::Welcome(roles) = guests.look(written.user).await? else {
                        continue;
                    };
                    written.roles = roles;
                } else if !self.desk.operators.now().roles.is_empty() {
                    written.roles = self.roles(written.user, &mut roles).await?;
                }
                let room = Arc::clone(&self.room).acquire_owned();
                let read_back = Some(room.await?);
                let _ = self.queue.send(Heard::Said(Box::new(written), read_back));
            }
            if !full {
                return Ok(());
            }
            after = last;
            progress.after = Some(last);
        }
    }

    async fn page(&self, after: DiscordMessageId) -> Result<Vec<Message>, RestError> {
        let route = Route::get_messages(self.channel.get(), Page::After(after.get()), PAGE);
        let submitted = self.lanes.submit(Class::Backlog, Request::new(route));
        submitted.await.json().into_result()
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

/// From where a channel is read: never from before it was opened.
fn since(opened_at: Option<DateTime<Utc>>, begins: DiscordMessageId) -> DiscordMessageId {
    opened_at.map_or(begins, |at| DiscordMessageId::at(at).max(begins))
}

/// Whether nobody can read there any more.
fn is_gone(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<RestError>();
    error.is_some_and(|error| matches!(error.status(), Some(401..=404)))
}

/// Whether the message has our mark of refusal.
fn is_refused(message: &Message) -> bool {
    let mut marks = message.reactions.iter();
    marks.any(|mark| mark.me && mark.reaction_type.unicode_eq(Mark::Refused.emoji()))
}
