//! Receipts: what the bot's one reaction on a message says about it.
//!
//! One worker per channel, one request at a time: Discord takes about four reactions per second and
//! channel (observed, discord-api-docs #2886). A mark that is not wanted any more when its turn
//! comes is never sent, and who writes much does not hold up the marks of others.

mod fair;
mod worker;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::worker::Worker;
use super::lanes::Lanes;
use crate::model::receipt::{Mark, Marks};
use crate::model::{ChannelId, DiscordMessageId, UserId};

/// Called once, when a wish has come true, or cannot: whether the wanted mark is there.
pub type Done = Box<dyn FnOnce(bool) + Send>;

/// Hears of messages whose mark of being held is gone.
pub type Gone = Arc<dyn Fn(ChannelId, DiscordMessageId) + Send + Sync>;

/// Whether the bot may put marks on the messages of a channel.
pub type May = Arc<dyn Fn(ChannelId) -> bool + Send + Sync>;

/// The mark that a message should have, from who knows its deliveries.
pub struct Ladder {
    /// The message.
    pub message: DiscordMessageId,
    /// Marks that may be on it.
    pub there: Marks,
    /// The one that should.
    pub want: Option<Mark>,
    /// Who wrote it, where that is known.
    pub by: Option<UserId>,
    /// When it is so.
    pub done: Done,
}

enum Wish {
    /// It is kept on disk.
    Held(DiscordMessageId, UserId),
    /// It is written: nothing is held any more.
    Written(DiscordMessageId),
    /// It is not kept.
    Refused(DiscordMessageId, UserId),
    Ladder(Ladder),
}

/// The marks on people's messages.
#[derive(Clone)]
pub struct Receipts {
    inner: Arc<Inner>,
}

struct Inner {
    lanes: Lanes,
    gone: Gone,
    may: May,
    cancel: CancellationToken,
    channels: Mutex<HashMap<ChannelId, mpsc::UnboundedSender<Wish>>>,
}

impl fmt::Debug for Receipts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receipts").finish_non_exhaustive()
    }
}

impl Receipts {
    /// Marks that go through these lanes; `gone` hears of every message whose mark of being held has
    /// been taken off, or never came to be. Where `may` says no, none are put.
    pub fn new(lanes: Lanes, gone: Gone, may: May, cancel: CancellationToken) -> Self {
        Self {
            inner: Arc::new(Inner {
                lanes,
                gone,
                may,
                cancel,
                channels: Mutex::default(),
            }),
        }
    }

    /// A message of this person is kept on disk until the database is back.
    pub fn held(&self, channel: ChannelId, message: DiscordMessageId, by: UserId) {
        self.wish(channel, Wish::Held(message, by));
    }

    /// A message that was held is written, by this process or by an earlier one.
    pub fn written(&self, channel: ChannelId, message: DiscordMessageId) {
        self.wish(channel, Wish::Written(message));
    }

    /// A message of this person is not kept.
    pub fn refused(&self, channel: ChannelId, message: DiscordMessageId, by: UserId) {
        self.wish(channel, Wish::Refused(message, by));
    }

    /// A message has this mark now.
    pub fn show(&self, channel: ChannelId, ladder: Ladder) {
        self.wish(channel, Wish::Ladder(ladder));
    }

    fn wish(&self, channel: ChannelId, wish: Wish) {
        let inner = &self.inner;
        let channels = inner.channels.lock();
        // A map of senders is whole whatever happened to who held it.
        let mut channels = channels.unwrap_or_else(PoisonError::into_inner);
        let worker = channels.entry(channel).or_insert_with(|| {
            let (wishes, inbox) = mpsc::unbounded_channel();
            let (gone, may) = (Arc::clone(&inner.gone), Arc::clone(&inner.may));
            let worker = Worker::new(inner.lanes.clone(), channel, gone, may);
            tokio::spawn(worker.run(inbox, inner.cancel.clone()));
            wishes
        });
        // The worker ends only with the process.
        let _ = worker.send(wish);
    }
}
