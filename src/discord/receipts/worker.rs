//! The marks of one channel.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::fair::Fair;
use super::{Done, Gone, Ladder, May, Wish};
use crate::discord::lanes::{Class, Lanes, Submission};
use crate::discord::rest::{ErrorKind, Request, RestError, Route};
use crate::model::receipt::{Mark, Marks};
use crate::model::{ChannelId, DiscordMessageId, UserId};

/// Most marks of refusal that wait in a channel: a minute's worth. Who writes more than that has
/// been told in words.
const MOST_REFUSALS: usize = 240;

/// Wait before a mark that Discord could not set is tried again.
const AGAIN: Duration = Duration::from_secs(3);

/// What is known of the marks of one message.
#[derive(Default)]
struct Entry {
    there: Marks,
    /// What was asked for and not answered, or was there once as others know it.
    perhaps: Marks,
    /// From who keeps what the database does not take.
    kept: Kept,
    /// From who knows the deliveries.
    ladder: Option<Mark>,
    by: Option<UserId>,
    done: Option<Done>,
    /// Whether the bot was not let set its last mark.
    withheld: bool,
    /// Whether somebody waits to hear that the mark of being held is gone.
    owed: bool,
    /// Whether a request is on its way: what comes of it decides on the next.
    busy: bool,
}

/// What has become of a message that the database did not take.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Kept {
    /// Nobody has said that it did not.
    #[default]
    No,
    Held,
    Refused,
}

/// One request.
#[derive(Clone, Copy)]
enum Step {
    Show(Mark),
    TakeOff(Mark),
}

impl Entry {
    fn want(&self) -> Option<Mark> {
        match self.kept {
            Kept::No => self.ladder,
            Kept::Held => self.ladder.or(Some(Mark::Queued)),
            Kept::Refused => Some(Mark::Refused),
        }
    }

    /// The next step; none when all is as it should be. The new mark comes before the old one goes,
    /// so that there is always one.
    fn next(&self) -> Option<Step> {
        let want = self.want();
        if let Some(mark) = want.filter(|mark| !self.there.has(*mark)) {
            return Some(Step::Show(mark));
        }
        let mut marks = Mark::ALL.into_iter();
        marks
            .find(|mark| self.there.and(self.perhaps).has(*mark) && Some(*mark) != want)
            .map(Step::TakeOff)
    }
}

pub(super) struct Worker {
    lanes: Lanes,
    channel: ChannelId,
    gone: Gone,
    may: May,
    entries: HashMap<DiscordMessageId, Entry>,
    turns: Fair,
    /// When what failed is tried again.
    again: Option<Instant>,
}

impl Worker {
    pub(super) fn new(lanes: Lanes, channel: ChannelId, gone: Gone, may: May) -> Self {
        Self {
            lanes,
            channel,
            gone,
            may,
            entries: HashMap::new(),
            turns: Fair::default(),
            again: None,
        }
    }

    pub(super) async fn run(
        mut self,
        mut inbox: mpsc::UnboundedReceiver<Wish>,
        cancel: CancellationToken,
    ) {
        let mut current: Option<(DiscordMessageId, Step, Submission)> = None;
        loop {
            if current.is_none() {
                current = self.begin();
            }
            let again = self.again.unwrap_or_else(Instant::now);
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                wish = inbox.recv() => match wish {
                    Some(wish) => self.note(wish),
                    None => return,
                },
                ended = async {
                    match &mut current {
                        Some((message, step, request)) => (*message, *step, request.await),
                        None => std::future::pending().await,
                    }
                } => {
                    current = None;
                    let (message, step, outcome) = ended;
                    self.ended(message, step, outcome.done().error());
                }
                () = sleep_until(again), if self.again.is_some() => self.try_again(),
            }
        }
    }

    fn note(&mut self, wish: Wish) {
        let message = match &wish {
            Wish::Held(message, _) | Wish::Written(message) | Wish::Refused(message, _) => *message,
            Wish::Ladder(ladder) => ladder.message,
        };
        if matches!(wish, Wish::Refused(..)) && self.refusals() >= MOST_REFUSALS {
            return;
        }
        let known = self.entries.contains_key(&message);
        let entry = self.entries.entry(message).or_default();
        match wish {
            Wish::Held(_, by) => {
                entry.kept = Kept::Held;
                entry.by = Some(by);
            }
            Wish::Written(_) => {
                // One that an earlier run has marked.
                if !known {
                    entry.perhaps = entry.perhaps.with(Mark::Queued);
                }
                entry.kept = Kept::No;
                entry.owed = true;
            }
            Wish::Refused(_, by) => {
                entry.kept = Kept::Refused;
                entry.by = Some(by);
            }
            Wish::Ladder(Ladder {
                there,
                want,
                by,
                done,
                ..
            }) => {
                // What others know may be older than what was done since: the wanted one is set again.
                entry.perhaps = entry.perhaps.and(there);
                entry.ladder = want;
                entry.by = entry.by.or(by);
                // The one before has been overtaken.
                entry.done = Some(done);
            }
        }
        self.turn(message);
    }

    fn refusals(&self) -> usize {
        let waiting = |it: &&Entry| it.kept == Kept::Refused && it.next().is_some();
        self.entries.values().filter(waiting).count()
    }

    /// Puts a message in line, or is done with it.
    fn turn(&mut self, message: DiscordMessageId) {
        let Some(entry) = self.entries.get_mut(&message).filter(|it| !it.busy) else {
            return;
        };
        if entry.next().is_some() {
            self.turns.push(entry.by, message);
            return;
        }
        if let Some(done) = entry.done.take() {
            done(!entry.withheld);
        }
        if std::mem::take(&mut entry.owed) {
            (self.gone)(self.channel, message);
        }
        if entry.kept != Kept::Held {
            self.entries.remove(&message);
        }
    }

    fn begin(&mut self) -> Option<(DiscordMessageId, Step, Submission)> {
        loop {
            let message = self.turns.pop()?;
            let may = (self.may)(self.channel);
            let entry = self.entries.get_mut(&message);
            let next = entry.and_then(|entry| {
                let step = entry.next();
                entry.busy = step.is_some();
                if matches!(step, Some(Step::Show(_))) {
                    entry.withheld = !may;
                }
                step
            });
            match next {
                // It would be refused: done with for now.
                Some(step @ Step::Show(_)) if !may => self.ended(message, step, None),
                Some(step) => return Some((message, step, self.submit(message, step))),
                None => self.turn(message),
            }
        }
    }

    fn submit(&self, message: DiscordMessageId, step: Step) -> Submission {
        let (channel, message) = (self.channel.get(), message.get());
        // A person waits to see a mark; that it goes is a correction of what is on display.
        let (class, route) = match step {
            Step::Show(mark) => (
                Class::Interactive,
                Route::create_reaction(channel, message, mark.emoji()),
            ),
            Step::TakeOff(mark) => (
                Class::Edit,
                Route::delete_own_reaction(channel, message, mark.emoji()),
            ),
        };
        self.lanes.submit(class, Request::new(route))
    }

    /// A mark that fails costs nobody the message. What Discord refuses is as good as done; the rest
    /// is tried again.
    fn ended(&mut self, message: DiscordMessageId, step: Step, error: Option<&RestError>) {
        let absent = error.is_some_and(|error| error.status() == Some(404));
        if let Some(error) = error.filter(|_| !absent) {
            tracing::warn!(%message, %error, "a mark on message {message} does not follow: {error}");
        }
        let Some(entry) = self.entries.get_mut(&message) else {
            return;
        };
        entry.busy = false;
        let settled = error.is_none_or(|error| error.kind() == ErrorKind::Rejected);
        match step {
            Step::Show(mark) if settled => {
                entry.withheld |= error.is_some_and(|error| error.status() == Some(403));
                entry.there = entry.there.with(mark);
            }
            Step::TakeOff(mark) if settled => {
                entry.there = entry.there.without(mark);
                entry.perhaps = entry.perhaps.without(mark);
            }
            Step::Show(_) | Step::TakeOff(_) => {
                if let Step::Show(mark) = step {
                    // An answer that got lost may have been a yes.
                    entry.perhaps = entry.perhaps.with(mark);
                }
                self.again.get_or_insert_with(|| Instant::now() + AGAIN);
                return;
            }
        }
        if entry.next().is_some() {
            self.turns.push_back_to_front(entry.by, message);
        } else {
            self.turn(message);
        }
    }

    fn try_again(&mut self) {
        self.again = None;
        let unfinished = self.entries.iter().filter(|(_, it)| it.next().is_some());
        for (message, entry) in unfinished {
            self.turns.push(entry.by, *message);
        }
    }
}
