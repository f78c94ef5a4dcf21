//! From a channel into the database, in order. While the database is away messages go to the spool,
//! and their authors see that.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use crate::cards::outage::not_kept;
use crate::discord::events::Written;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::Layout;
use crate::discord::receipts::Receipts;
use crate::discord::rest::{Request, Route};
use crate::model::mode::{Mode, State};
use crate::model::{ChannelId, DiscordMessageId, UserId};
use crate::operations::Desk;
use crate::operations::say::{File, Said, Tried, say};
use crate::spool::{Excess, Found, Held, HeldFile, Kept, Offer, Place, Spool};
use crate::store;

/// Waits between tries while the database is away: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A database that takes longer than this for one message counts as away: people should not wait to
/// see what became of theirs. A write takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often one person is told in words, in one channel, that messages are not kept.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Most messages that are taken in before the next look at the rest.
const BATCH: usize = 100;

/// A message as it comes in.
pub(super) struct Heard {
    /// The message.
    pub(super) written: Written,
    /// For what was read back: the reader goes on when this is dropped. Discord keeps such a
    /// message, so it is never refused.
    pub(super) read_back: Option<OwnedSemaphorePermit>,
}

/// A message in line.
struct Entry {
    held: Held,
    /// Whether it is in the spool.
    kept: bool,
    tried: Tried,
    read_back: Option<OwnedSemaphorePermit>,
}

type Try = Pin<Box<dyn Future<Output = store::Result<()>> + Send>>;

/// Writes down the messages of one channel, one after the other.
pub(super) struct Listener {
    desk: Desk,
    lanes: Lanes,
    layout: watch::Receiver<Arc<Layout>>,
    mode: watch::Receiver<State>,
    spool: Spool,
    receipts: Receipts,
    channel: ChannelId,
    line: VecDeque<Entry>,
    /// The wait after the last try, while the database does not take messages.
    trouble: Option<Duration>,
    next_try: Instant,
    /// Since when the first of the line is on its way.
    trying_since: Option<Instant>,
    gate: watch::Receiver<usize>,
    /// Since when the first of the line stands before a closed gate.
    closed_since: Option<Instant>,
    told: HashMap<UserId, Instant>,
}

/// What listeners are made of.
pub(super) struct Deps<'a> {
    pub(super) desk: &'a Desk,
    pub(super) lanes: &'a Lanes,
    pub(super) layout: &'a watch::Receiver<Arc<Layout>>,
    pub(super) mode: &'a watch::Receiver<State>,
    pub(super) spool: &'a Spool,
    pub(super) receipts: &'a Receipts,
}

impl Listener {
    /// A listener of one channel, with what an earlier run has left in the spool: messages that wait,
    /// and such that are written and still have their mark.
    pub(super) fn new(deps: &Deps<'_>, channel: ChannelId, found: Found, gate: &Gate) -> Self {
        for place in found.marked {
            deps.receipts.written(channel, place.message);
        }
        let line = found.held.into_iter().map(|held| Entry {
            held,
            kept: true,
            tried: Tried::Perhaps,
            read_back: None,
        });
        Self {
            desk: deps.desk.clone(),
            lanes: deps.lanes.clone(),
            layout: deps.layout.clone(),
            mode: deps.mode.clone(),
            spool: deps.spool.clone(),
            receipts: deps.receipts.clone(),
            channel,
            line: line.collect(),
            trouble: None,
            next_try: Instant::now(),
            trying_since: None,
            gate: gate.watch(),
            closed_since: None,
            told: HashMap::new(),
        }
    }

    /// Listens until cancelled. Hearing never waits for writing.
    pub(super) async fn run(
        mut self,
        mut messages: mpsc::UnboundedReceiver<Heard>,
        cancel: CancellationToken,
    ) {
        let mut heard = Vec::new();
        let mut trying: Option<Try> = None;
        loop {
            if trying.is_none() && self.next_try <= Instant::now() {
                trying = self.try_first();
            }
            let wake = self.wake();
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                count = messages.recv_many(&mut heard, BATCH) => {
                    if count == 0 {
                        return;
                    }
                    for heard in heard.drain(..) {
                        self.take(heard);
                    }
                }
                done = async {
                    match &mut trying {
                        Some(trying) => trying.await,
                        None => std::future::pending().await,
                    }
                } => {
                    trying = None;
                    self.tried(done);
                }
                changed = self.mode.changed() => {
                    if changed.is_err() {
                        // The mode's own part has ended, and with it soon the process.
                        cancel.cancelled().await;
                        return;
                    }
                    if !self.is_offline() {
                        self.next_try = Instant::now();
                    }
                }
                changed = self.gate.changed() => if changed.is_err() {
                    return;
                },
                () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => {}
            }
            self.keep().await;
        }
    }

    /// When there is something to do although nothing happens.
    fn wake(&self) -> Option<Instant> {
        match self.trying_since.or(self.closed_since) {
            None => (!self.line.is_empty()).then_some(self.next_try),
            Some(since) => {
                let unkept = self.line.iter().any(|entry| !entry.kept);
                (unkept && !self.is_away()).then_some(since + PATIENCE)
            }
        }
    }

    fn is_offline(&self) -> bool {
        self.mode.borrow().mode == Some(Mode::Offline)
    }

    /// Whether what people say now has to be kept elsewhere.
    fn is_away(&self) -> bool {
        let waits = self.trying_since.or(self.closed_since);
        let slow = waits.is_some_and(|since| since.elapsed() >= PATIENCE);
        self.trouble.is_some() || slow || self.is_offline()
    }

    /// Puts a message in line.
    fn take(&mut self, heard: Heard) {
        let Heard { written, read_back } = heard;
        // Discord delivers twice what it pleases, and reading back finds everything.
        let in_line = |entry: &Entry| entry.held.message == written.id;
        if self.spool.knows(written.id).is_some() || self.line.iter().any(in_line) {
            return;
        }
        if let Some(held) = self.held(written) {
            self.line.push_back(Entry {
                held,
                kept: false,
                tried: Tried::Never,
                read_back,
            });
        }
    }

    fn held(&self, written: Written) -> Option<Held> {
        let layout = self.layout.borrow();
        // Taken while its feature was on; it may be off by now.
        let surface = layout.on_or_off(written.channel)?.clone();
        let file = |(name, size, url)| HeldFile { name, size, url };
        Some(Held {
            project: self.desk.store.project().clone(),
            message: written.id,
            channel: written.channel,
            agent: layout.agent(&surface).cloned(),
            surface,
            user: written.user,
            name: written.name,
            roles: written.roles,
            text: written.text,
            files: written.files.into_iter().map(file).collect(),
        })
    }

    /// Begins to write the first of the line.
    fn try_first(&mut self) -> Option<Try> {
        let closed = *self.gate.borrow() > 0;
        // What an earlier run has accepted is older than whatever nobody has heard.
        let behind = |first: &Entry| closed && first.tried != Tried::Perhaps;
        if self.line.front().is_some_and(behind) {
            self.closed_since.get_or_insert_with(Instant::now);
            return None;
        }
        self.closed_since = None;
        let first = self.line.front()?;
        let said = said(&first.held, first.tried);
        let desk = self.desk.clone();
        self.trying_since = Some(Instant::now());
        Some(Box::pin(async move { say(&desk, said).await }))
    }

    /// What came of it.
    fn tried(&mut self, done: store::Result<()>) {
        self.trying_since = None;
        self.next_try = Instant::now();
        let Some(first) = self.line.front_mut() else {
            return;
        };
        let message = first.held.message;
        match done {
            Err(error) if error.is_outage() => {
                tracing::warn!(%message, %error, "message {message} is not written down yet: {error}");
                first.tried = Tried::Failed;
                let wait = self.trouble.map_or(RETRY.0, |wait| (wait * 2).min(RETRY.1));
                self.trouble = Some(wait);
                self.next_try += wait;
                return;
            }
            Err(error) if first.kept => tracing::error!(
                %message, %error,
                "message {message} stays in the spool, because the database refuses it: {error}"
            ),
            Err(error) => {
                tracing::warn!(%message, %error, "message {message} is not written down: {error}");
            }
            Ok(()) if first.kept => {
                let channel = self.channel;
                self.spool.written(Place { channel, message });
                self.receipts.written(channel, message);
            }
            Ok(()) => {}
        }
        self.trouble = None;
        self.line.pop_front();
    }

    /// While the database is away, whatever is in line goes to the spool.
    async fn keep(&mut self) {
        if !self.is_away() {
            return;
        }
        let on_its_way = self.trying_since.is_some();
        let unkept = self.line.iter().enumerate().filter(|(_, it)| !it.kept);
        let offers: Vec<Offer> = unkept
            .map(|(at, entry)| {
                // It may be a row already, and we have not heard.
                let perhaps = entry.tried != Tried::Never || (at == 0 && on_its_way);
                let excess = match (&entry.read_back, perhaps) {
                    (Some(_), _) => Excess::Wait,
                    (None, true) => Excess::Keep,
                    (None, false) => Excess::Refuse,
                };
                let held = entry.held.clone();
                Offer { held, excess }
            })
            .collect();
        if offers.is_empty() {
            return;
        }
        let channel = self.channel;
        let mut kept = self.spool.hold(offers).await.into_iter();
        let mut refused = Vec::new();
        self.line.retain_mut(|entry| {
            if entry.kept {
                return true;
            }
            match kept.next() {
                Some(Kept::Yes) => {
                    entry.kept = true;
                    // The reader may go on.
                    entry.read_back = None;
                    self.receipts
                        .held(channel, entry.held.message, entry.held.user);
                    true
                }
                Some(Kept::Refused) => {
                    self.receipts
                        .refused(channel, entry.held.message, entry.held.user);
                    refused.push((entry.held.user, entry.held.message));
                    false
                }
                Some(Kept::NotNow) | None => true,
            }
        });
        for (user, message) in refused {
            self.tell(user, message);
        }
    }

    /// Says in words that a message is not kept, unless the person has just been told.
    fn tell(&mut self, user: UserId, message: DiscordMessageId) {
        let now = Instant::now();
        tracing::warn!(%message, %user, "message {message} is not kept: there is no room for it");
        self.told
            .retain(|_, at| now.duration_since(*at) < TELL_EVERY);
        if self.told.contains_key(&user) {
            return;
        }
        self.told.insert(user, now);
        let body = json!({
            "content": not_kept(),
            "message_reference": { "message_id": message, "fail_if_not_exists": false },
            // At most 25 characters (source: Discord).
            "nonce": format!("full-{message}"),
            "enforce_nonce": true,
        });
        let route = Route::create_message(self.channel.get());
        let request = Request::new(route).json(&body).repeatable();
        let answer = self.lanes.submit(Class::Interactive, request);
        tokio::spawn(async move {
            if let Some(error) = answer.await.done().error() {
                tracing::warn!(%message, %error, "nobody was told that message {message} is not kept: {error}");
            }
        });
    }
}

fn said(held: &Held, tried: Tried) -> Said {
    let file = |file: &HeldFile| File {
        name: file.name.clone(),
        size: file.size,
        url: file.url.clone(),
    };
    Said {
        message: held.message,
        channel: held.channel,
        surface: held.surface.clone(),
        agent: held.agent.clone(),
        user: held.user,
        name: held.name.clone(),
        roles: held.roles.clone(),
        text: held.text.clone(),
        files: held.files.iter().map(file).collect(),
        tried,
    }
}
