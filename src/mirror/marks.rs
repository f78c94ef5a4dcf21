//! The marks on people's messages: written down before they are set, and again when they are, so
//! that a crash in between leaves none that nobody knows of.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::discord::receipts::{Ladder, Receipts};
use crate::model::receipt::{Mark, Marks};
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, UserId};
use crate::store::Store;
use crate::store::receipt::Marked;

/// Most marks written in one statement.
const BATCH: usize = 200;

/// Wait between tries while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// The mark that a message should have.
#[derive(Debug, Clone)]
pub struct MarkWanted {
    /// The row of the message.
    pub entity: Uuid,
    /// Where it stands.
    pub surface: Surface,
    /// The channel.
    pub channel: ChannelId,
    /// The Discord message.
    pub message: DiscordMessageId,
    /// Marks that may be on it.
    pub there: Marks,
    /// The mark that should be; none, if there should be none.
    pub want: Option<Mark>,
    /// The deliveries that it shows, each with its version.
    pub shown: Vec<String>,
    /// Who wrote the message, where that is known.
    pub by: Option<UserId>,
}

type Place = (Uuid, ChannelId);

/// Sets marks until cancelled.
pub struct MarkKeeper {
    store: Store,
    receipts: Receipts,
    wishes: mpsc::UnboundedReceiver<Vec<MarkWanted>>,
    /// The number of the last wish for a message; one that is overtaken is not written down.
    last: HashMap<Place, u64>,
    number: u64,
}

/// A wish that has come true.
struct Set {
    number: u64,
    marked: Marked,
}

impl MarkKeeper {
    /// One that sets what it is told in `wishes`.
    pub fn new(
        store: Store,
        receipts: Receipts,
        wishes: mpsc::UnboundedReceiver<Vec<MarkWanted>>,
    ) -> Self {
        Self {
            store,
            receipts,
            wishes,
            last: HashMap::new(),
            number: 0,
        }
    }

    /// Sets marks until cancelled. What is not set or written down by then, a sweep finds.
    pub async fn run(mut self, cancel: CancellationToken) -> anyhow::Result<()> {
        let (tell, mut set) = mpsc::unbounded_channel::<Set>();
        let mut done = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                _ = set.recv_many(&mut done, BATCH) => {
                    self.settle(done.drain(..), &cancel).await;
                }
                Some(mut wishes) = self.wishes.recv() => {
                    while wishes.len() < BATCH && let Ok(more) = self.wishes.try_recv() {
                        wishes.extend(more);
                    }
                    self.begin(wishes, &tell, &cancel).await;
                }
            }
        }
    }

    async fn begin(
        &mut self,
        wishes: Vec<MarkWanted>,
        tell: &mpsc::UnboundedSender<Set>,
        cancel: &CancellationToken,
    ) {
        // The last wish for a message counts; a statement may name it once.
        let mut latest: HashMap<Place, MarkWanted> = HashMap::new();
        for wish in wishes {
            latest.insert((wish.entity, wish.channel), wish);
        }
        let wishes: Vec<MarkWanted> = latest.into_values().collect();
        let begun: Vec<Marked> = wishes
            .iter()
            .map(|wish| Marked {
                entity: wish.entity,
                channel: wish.channel,
                message: wish.message,
                marks: wish.want.into_iter().fold(wish.there, Marks::with),
                shown: Vec::new(),
            })
            .collect();
        let writing = || self.store.begin_marks(&begun);
        let Some(there) = persist(writing, cancel).await else {
            return;
        };
        for (wish, there) in wishes.into_iter().zip(there) {
            self.number += 1;
            let number = self.number;
            self.last.insert((wish.entity, wish.channel), number);
            let marked = Marked {
                entity: wish.entity,
                channel: wish.channel,
                message: wish.message,
                marks: wish.want.into_iter().collect(),
                shown: wish.shown,
            };
            let tell = tell.clone();
            self.receipts.show(
                wish.channel,
                Ladder {
                    message: wish.message,
                    there,
                    want: wish.want,
                    by: wish.by,
                    // Nobody listens only while the process ends.
                    done: Box::new(move |there| {
                        let marks = if there { marked.marks } else { Marks::NONE };
                        drop(tell.send(Set {
                            number,
                            marked: Marked { marks, ..marked },
                        }));
                    }),
                },
            );
        }
    }

    async fn settle(&mut self, done: impl Iterator<Item = Set>, cancel: &CancellationToken) {
        let mut latest: HashMap<Place, Marked> = HashMap::new();
        for set in done {
            let place = (set.marked.entity, set.marked.channel);
            if self.last.get(&place) == Some(&set.number) {
                self.last.remove(&place);
                latest.insert(place, set.marked);
            }
        }
        let marks: Vec<Marked> = latest.into_values().collect();
        if !marks.is_empty() {
            persist(|| self.store.settle_marks(&marks), cancel).await;
        }
    }
}

/// Tries until the database takes it, or never will.
async fn persist<T, F>(write: impl Fn() -> F, cancel: &CancellationToken) -> Option<T>
where
    F: Future<Output = crate::store::Result<T>>,
{
    loop {
        match write().await {
            Ok(done) => return Some(done),
            Err(error) => {
                tracing::warn!(%error, "marks cannot be written down: {error}");
                if !error.is_outage() {
                    return None;
                }
            }
        }
        tokio::select! {
            () = cancel.cancelled() => return None,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}
