//! From a channel into the database, in order. While the database is away messages go to the spool,
//! and their authors see that.

mod keeping;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::line::{Entry, Heard, Line, What};
use super::names::Directory;
use super::words::{Why, Words};
use crate::discord::events::Written;
use crate::discord::files::Files;
use crate::discord::lanes::Lanes;
use crate::discord::layout::Layout;
use crate::discord::receipts::Receipts;
use crate::model::ChannelId;
use crate::model::file::inline;
use crate::model::mode::{Mode, State};
use crate::operations::Desk;
use crate::operations::edit::{delete, edit};
use crate::operations::say::{Tried, say};
use crate::spool::{Found, Held, Place, Spool};
use crate::store;
use crate::store::edit::Changed;

/// Waits between tries while the database is away: the first, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// A database that takes longer than this for one message counts as away: people should not wait to
/// see what became of theirs. A write takes milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// Most messages that are taken in before the next look at the rest.
const BATCH: usize = 100;

/// What came of the first of the line.
enum Done {
    /// Its files were looked into.
    Read(Vec<Option<String>>),
    /// It was written down, or not.
    Tried(store::Result<Option<Changed>>),
}

type Try = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Writes down the messages of one channel, one after the other.
pub(super) struct Listener {
    desk: Desk,
    layout: watch::Receiver<Arc<Layout>>,
    mode: watch::Receiver<State>,
    spool: Spool,
    receipts: Receipts,
    files: Files,
    names: Directory,
    words: Words,
    channel: ChannelId,
    line: Line,
    /// The wait after the last try, while the database does not take messages.
    trouble: Option<Duration>,
    next_try: Instant,
    /// Since when the first of the line is on its way.
    trying_since: Option<Instant>,
    gate: watch::Receiver<usize>,
    /// Since when the first of the line stands before a closed gate.
    closed_since: Option<Instant>,
}

/// What listeners are made of.
pub(super) struct Deps<'a> {
    pub(super) desk: &'a Desk,
    pub(super) lanes: &'a Lanes,
    pub(super) layout: &'a watch::Receiver<Arc<Layout>>,
    pub(super) mode: &'a watch::Receiver<State>,
    pub(super) spool: &'a Spool,
    pub(super) receipts: &'a Receipts,
    pub(super) files: &'a Files,
    pub(super) names: &'a Directory,
}

impl Listener {
    /// A listener of one channel, with what an earlier run has left in the spool: messages that wait,
    /// and such that are written and still have their mark.
    pub(super) fn new(deps: &Deps<'_>, channel: ChannelId, found: Found, gate: &Gate) -> Self {
        for place in found.marked {
            deps.receipts.written(channel, place.message);
        }
        Self {
            desk: deps.desk.clone(),
            layout: deps.layout.clone(),
            mode: deps.mode.clone(),
            spool: deps.spool.clone(),
            receipts: deps.receipts.clone(),
            files: deps.files.clone(),
            names: deps.names.clone(),
            words: Words::new(deps.lanes.clone(), channel),
            channel,
            line: Line::of(found.held),
            trouble: None,
            next_try: Instant::now(),
            trying_since: None,
            gate: gate.watch(),
            closed_since: None,
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
                () = cancel.cancelled() => return self.leave().await,
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
                    self.done(done);
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
            // Its files are looked into, for a few seconds at most.
            None if self.line.busy => None,
            None => self.line.first().map(|_| self.next_try),
            Some(since) => {
                let unkept = |entry: &Entry| entry.held().is_some() && !entry.kept;
                let unkept = self.line.iter().any(unkept);
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

    /// Puts what was heard in line.
    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Deleted(message) => self.line.delete(message),
            Heard::Edited(written) => {
                if let Some(held) = self.held(*written) {
                    self.line.edit(held);
                }
            }
            Heard::Said(written, read_back) => self.take_said(*written, read_back),
        }
    }

    fn take_said(&mut self, written: Written, read_back: Option<OwnedSemaphorePermit>) {
        let (message, user, heard_now) = (written.id, written.user, read_back.is_none());
        let known = self.spool.knows(message).is_some() || self.line.has(message);
        let edited = written.edited_at.is_some();
        // Discord delivers twice what it pleases, and reading back finds everything, also what was
        // changed while nobody listened.
        if known && !edited {
            return;
        }
        let Some(held) = self.held(written) else {
            return;
        };
        if known {
            return self.line.edit(held);
        }
        self.line.say(held, read_back);
        let flood = heard_now && self.words.is_flood(user, message);
        if flood && !self.is_away() {
            self.words.tell(Why::Flood, user, message);
        }
    }

    fn held(&self, written: Written) -> Option<Held> {
        let layout = self.layout.borrow();
        // Taken while its feature was on; it may be off by now.
        let surface = layout.on_or_off(written.channel)?;
        let agent = layout.agent(&surface).cloned();
        let named = match agent {
            Some(_) => Vec::new(),
            None => layout.roster().addressed(&written.text),
        };
        Some(Held {
            project: self.desk.store.project().clone(),
            message: written.id,
            channel: written.channel,
            agent,
            surface,
            user: written.user,
            text: self.names.readable(&written),
            name: written.name,
            roles: written.roles,
            files: written.files,
            named,
            reply_to: written.reply_to,
            edited_at: written.edited_at,
        })
    }

    /// Begins to write the first of the line.
    fn try_first(&mut self) -> Option<Try> {
        let closed = *self.gate.borrow() > 0;
        // What an earlier run has accepted is older than whatever nobody has heard.
        let behind = |first: &Entry| closed && first.tried != Tried::Perhaps;
        if self.line.first().is_some_and(behind) {
            self.closed_since.get_or_insert_with(Instant::now);
            return None;
        }
        self.closed_since = None;
        let first = self.line.first()?;
        let desk = self.desk.clone();
        let files = first.unread().filter(|files| !inline(files).is_empty());
        let begun: Try = match (&first.what, files) {
            (_, Some(files)) => {
                let reading = self.files.clone().read(files.to_vec());
                self.line.busy = true;
                return Some(Box::pin(async move { Done::Read(reading.await) }));
            }
            (What::Message(held), None) => {
                let said = first.said(held);
                Box::pin(async move { Done::Tried(say(&desk, &said).await.map(|()| None)) })
            }
            (What::Edit(held), None) => {
                let said = first.said(held);
                Box::pin(async move { Done::Tried(edit(&desk, &said).await.map(Some)) })
            }
            (What::Delete(message), None) => {
                let message = *message;
                Box::pin(async move { Done::Tried(delete(&desk, message).await.map(Some)) })
            }
        };
        self.line.busy = true;
        self.trying_since = Some(Instant::now());
        Some(begun)
    }

    fn done(&mut self, done: Done) {
        self.line.busy = false;
        match done {
            Done::Tried(done) => self.tried(done),
            Done::Read(contents) => {
                if let Some(first) = self.line.first_mut() {
                    first.contents = Some(contents);
                }
            }
        }
    }

    /// What came of it.
    fn tried(&mut self, done: store::Result<Option<Changed>>) {
        self.trying_since = None;
        self.next_try = Instant::now();
        let Some(first) = self.line.first_mut() else {
            return;
        };
        let message = first.message();
        match done {
            Err(error) if error.is_outage() => {
                tracing::warn!(%message, %error, "message {message} is not written down yet: {error}");
                first.tried = Tried::Failed;
                let wait = self.trouble.map_or(RETRY.0, |wait| (wait * 2).min(RETRY.1));
                self.trouble = Some(wait);
                self.next_try += wait;
                return self.line.put_back();
            }
            Err(error) if first.kept => tracing::error!(
                %message, %error,
                "message {message} stays in the spool, because the database refuses it: {error}"
            ),
            Err(error) => {
                tracing::warn!(%message, %error, "message {message} is not written down: {error}");
            }
            Ok(_) if first.kept => {
                let channel = self.channel;
                self.spool.written(Place { channel, message });
                self.receipts.written(channel, message);
            }
            Ok(changed) => {
                let unknown = changed == Some(Changed::Unknown);
                let first = self.line.pop().filter(|_| unknown);
                if let Some(first) = first {
                    self.line.unknown(first.what);
                }
                self.trouble = None;
                return;
            }
        }
        self.trouble = None;
        self.line.pop();
    }
}
