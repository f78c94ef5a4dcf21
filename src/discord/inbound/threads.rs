//! The threads of tasks at the begin of a session: how they look now, and what people wrote in them
//! while nobody listened. Only those that hold something new are read: there may be a thousand.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::doors::Door;
use super::line::Heard;
use super::reader::Reader;
use super::{Intake, Queues};
use crate::discord::events::Inbound;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::thread::{ListedThread, ListedThreads};
use crate::discord::rest::{Request, Route};
use crate::model::task::{ThreadNews, ThreadSeen};
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, GuildId};
use crate::store::Store;

/// How far our clock and Discord's may be apart, and how long before listening a bridge may post.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(2);

/// How far before the last message that is known reading begins: others may have come late.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// What one look at all threads needs.
struct Look {
    store: Store,
    lanes: Lanes,
    guild: GuildId,
    tasks: ChannelId,
    since: DateTime<Utc>,
}

impl Look {
    /// How the threads look, and those with something new and where that begins.
    async fn all(&self) -> anyhow::Result<(Vec<ThreadSeen>, Vec<(ChannelId, DiscordMessageId)>)> {
        let before = DiscordMessageId::at(self.since - CLOCK_SKEW);
        let known = self.store.read_threads(before).await?;
        let request = Request::new(Route::active_threads(self.guild.get()));
        let listed = self.lanes.submit(Class::Backlog, request).await;
        let mut active = listed.json::<ListedThreads>().into_result()?.threads;
        active.retain(|thread| thread.parent_id == Some(self.tasks));
        let unread = active.iter().filter_map(|thread| {
            let known = known.get(&thread.id)?;
            let last = thread.last_message_id?;
            let begins = known.read_up_to.created_at() - OVERLAP;
            (last > known.newest).then(|| (thread.id, DiscordMessageId::at(begins)))
        });
        let unread = unread.collect();
        Ok((
            active.iter().filter_map(ListedThread::seen).collect(),
            unread,
        ))
    }
}

/// Most channels of others that are remembered.
const REMEMBERED: usize = 1_000;

/// Channels of nobody in which people have written of late.
#[derive(Default)]
pub(super) struct Strangers(HashSet<ChannelId>);

impl Strangers {
    pub(super) fn note(&mut self, channel: ChannelId) {
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        self.0.insert(channel);
    }
}

impl Intake {
    /// A thread is ours from now on. What people wrote in it before that was heard in vain.
    pub(super) fn read_early(
        &mut self,
        queues: &mut Queues,
        thread: ChannelId,
        cancel: &CancellationToken,
    ) {
        if queues.strangers.0.remove(&thread)
            && let Some(begins) = DiscordMessageId::new(thread.get())
        {
            self.read_thread(queues, thread, begins, cancel);
        }
    }

    /// Looks at all threads; `tell` hears of those that have to be read, because something was written
    /// there since nobody listened, be it by ourselves: others may have been before us.
    pub(super) fn look_at_threads(
        &self,
        since: DateTime<Utc>,
        tell: &mpsc::UnboundedSender<Inbound>,
        cancel: &CancellationToken,
    ) {
        let layout = self.layout.borrow().clone();
        let Some(tasks) = layout.channel(&Surface::Tasks).map(|it| it.id) else {
            return;
        };
        let look = Look {
            store: self.desk.store.clone(),
            lanes: self.lanes.clone(),
            guild: layout.guild,
            tasks,
            since,
        };
        let (news, tell, cancel) = (self.threads.clone(), tell.clone(), cancel.clone());
        tokio::spawn(async move {
            let mut wait = super::reader::RETRY.0;
            loop {
                match look.all().await {
                    Ok((active, unread)) => {
                        // Nobody listens only while the process ends.
                        let _ = news.send(ThreadNews::Active(active));
                        let _ = tell.send(Inbound::Unread(unread));
                        return;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot tell what is new in the threads of tasks: {error}");
                    }
                }
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(wait) => wait = (wait * 2).min(super::reader::RETRY.1),
                }
            }
        });
    }

    /// Reads what is new in a thread into the line in which it is heard.
    pub(super) fn read_thread(
        &mut self,
        queues: &mut Queues,
        thread: ChannelId,
        begins: DiscordMessageId,
        cancel: &CancellationToken,
    ) {
        let guild = self.layout.borrow().guild;
        let (queue, _): (mpsc::UnboundedSender<Heard>, _) =
            self.queue(queues, thread, cancel).clone();
        let door = Door {
            open: true,
            since: Utc::now(),
            turned_away: None,
        };
        let (keep, now) = watch::channel(door);
        let (desk, lanes, spool) = (&self.desk, &self.lanes, &self.spool);
        let reader = Reader::new(
            desk.clone(),
            lanes.clone(),
            spool.clone(),
            (guild, thread),
            (queue, now),
        );
        let cancel = cancel.clone();
        tokio::spawn(async move {
            reader.catch_up(begins, door, cancel).await;
            drop(keep);
        });
    }
}
