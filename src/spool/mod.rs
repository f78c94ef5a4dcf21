//! The spool: what people say while the database is away, on this machine's disk, within bounds.
//!
//! A message that [`Spool::hold`] has kept is durable: it survives a crash of the bridge and a power
//! cut, and is written to the database later, in the order of its channel. A message that it has
//! refused is remembered, so that reading Discord's history back never makes a row of it.
//!
//! ```text
//! held ──row written──▶ written ──🕓 taken off──▶ settled          refused
//!  └──────────────── deleted by its author ───────────▶┘
//! ```
//! Each step is a line in one file; the file is replaced when nothing in it is on its way.

mod file;
mod found;
mod record;
mod state;
mod writer;

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};

use self::state::State;
use self::writer::Command;
use crate::model::status::Level;
use crate::model::{ChannelId, DiscordMessageId};

pub use self::found::Found;
pub use self::record::{Held, Place, Record};
pub use self::writer::Writer;

/// How much may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Messages.
    pub messages: usize,
    /// Bytes of their lines in the file.
    pub bytes: usize,
}

/// What the spool knows of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// It waits for the database.
    Held,
    /// It has become a row.
    Written,
    /// Its author was told to send it again.
    Refused,
}

/// What is to be done with a message for which there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    /// It is refused for good: its author is told to send it again.
    Refuse,
    /// It is kept all the same, because a row of it may exist already and its author waits to hear
    /// of it. One per channel at most: only the first of a line is ever on its way.
    Keep,
    /// It waits: Discord's history keeps it for us, and nobody waits to hear of it.
    Wait,
}

/// A message to be kept.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The message.
    pub held: Held,
    /// What to do where there is no room.
    pub excess: Excess,
}

/// What became of an [`Offer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// It is on the disk.
    Yes,
    /// There is no room, or no disk. It will never be a row: its author should send it again.
    Refused,
    /// The same, for what could not be refused.
    NotNow,
}

/// The spool. Clones share it.
#[derive(Clone)]
pub struct Spool {
    shared: Arc<Shared>,
}

/// Why lines are not on the disk.
enum Failure {
    /// What the disk said.
    Disk(String),
    /// The process ends.
    Stopping,
}

struct Shared {
    path: PathBuf,
    bounds: Bounds,
    state: Mutex<State>,
    level: watch::Sender<Level>,
    /// None where the file cannot be read: what it holds must not be touched then.
    commands: Option<mpsc::UnboundedSender<Command>>,
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool")
            .field("bounds", &self.shared.bounds)
            .field("level", &*self.shared.level.borrow())
            .finish_non_exhaustive()
    }
}

impl Spool {
    /// Reads what is there, and gives back the part that has to [`Writer::run`] for anything to be
    /// kept. Blocks. A file that cannot be read is no reason not to start: nothing is kept then.
    pub fn open(path: PathBuf, bounds: Bounds) -> (Self, Found, Writer) {
        let contents = file::read(&path).inspect_err(|error| {
            tracing::error!(%error, "the spool {} cannot be read: {error}", path.display());
        });
        let readable = contents.is_ok();
        let mut level = Level::default();
        if let Err(error) = &contents {
            level.trouble = Some(format!("the spool cannot be read: {error}"));
        }
        let contents = contents.unwrap_or_default();
        look_at_damage(&path, &contents);
        let state = State::after(&contents.records);
        level.held = state.count();
        let found = found(&contents.records, &state);
        let (commands, inbox) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            path: path.clone(),
            bounds,
            state: Mutex::new(state),
            level: watch::Sender::new(level),
            commands: readable.then_some(commands),
        });
        let writer = Writer::new(Arc::clone(&shared), path, &contents, inbox);
        (Self { shared }, found, writer)
    }

    /// What it holds now, from the file. Nothing where that cannot be read: then nothing more of it is written.
    pub async fn found(&self) -> Found {
        let path = self.shared.path.clone();
        let reading = tokio::task::spawn_blocking(move || file::read(&path));
        let Ok(Ok(contents)) = reading.await else {
            return Found::default();
        };
        found(&contents.records, &State::after(&contents.records))
    }

    /// How full it is, always as it is now.
    pub fn level(&self) -> watch::Receiver<Level> {
        self.shared.level.subscribe()
    }

    /// What it knows of a message; none for what it never had or has no need to know any more.
    pub fn knows(&self, message: DiscordMessageId) -> Option<Known> {
        self.shared.state().known(message)
    }

    /// Keeps what fits, in order; what is kept is on the disk when this returns. Behind an offer that
    /// has to wait nothing is kept: a later row would hide from whoever reads the channel back that
    /// an earlier message is missing.
    pub async fn hold(&self, offers: Vec<Offer>) -> Vec<Kept> {
        let mut lines = String::new();
        let (mut durable, mut waits) = (false, false);
        let mut kept = Vec::with_capacity(offers.len());
        {
            let mut state = self.shared.state();
            for offer in &offers {
                let place = place(&offer.held);
                let line = Record::Held(Box::new(offer.held.clone())).line();
                let room = state.has_room(self.shared.bounds, line.len());
                let fits = !waits && (room || offer.excess == Excess::Keep);
                if state.known(place.message) == Some(Known::Held) {
                    kept.push(Kept::Yes);
                } else if fits && self.shared.commands.is_some() {
                    // Its place is taken now; the disk follows.
                    state.hold(place.message, line.len());
                    lines.push_str(&line);
                    durable = true;
                    kept.push(Kept::Yes);
                } else if offer.excess == Excess::Refuse {
                    state.refuse(place);
                    lines.push_str(&Record::Refused(place).line());
                    kept.push(Kept::Refused);
                } else {
                    waits = true;
                    kept.push(Kept::NotNow);
                }
            }
        }
        if !lines.is_empty() {
            match self.append(lines).await {
                Ok(()) if durable => self.shared.judge(None),
                Ok(()) => {}
                Err(failure) => self.give_up(&offers, &mut kept, failure),
            }
        }
        self.shared.count();
        kept
    }

    /// Nothing of it counts. Whose messages are told so by the disk are told to send them again;
    /// at the end of the process nobody is told anything, and the next start reads them back.
    fn give_up(&self, offers: &[Offer], kept: &mut [Kept], failure: Failure) {
        let stopping = matches!(failure, Failure::Stopping);
        let mut state = self.shared.state();
        for (offer, kept) in offers.iter().zip(kept) {
            if *kept == Kept::Yes {
                state.release(offer.held.message);
                *kept = Kept::NotNow;
                if offer.excess == Excess::Refuse && !stopping {
                    state.refuse(place(&offer.held));
                    *kept = Kept::Refused;
                }
            } else if stopping {
                *kept = Kept::NotNow;
            }
        }
        drop(state);
        if let Failure::Disk(problem) = failure {
            tracing::error!(%problem, "the spool cannot be written: {problem}");
            let trouble = format!("the spool cannot be written: {problem}");
            self.shared.judge(Some(trouble));
        }
    }

    /// A message that was held is a row now.
    pub fn written(&self, place: Place) {
        self.shared.state().written(place);
        self.shared.count();
        self.note(&Record::Written(place));
    }

    /// Keeps what messages have become that are held, and forgets those that their authors have deleted;
    /// on the disk when this returns. False where the disk does not take it: then the next try will.
    pub async fn amend(&self, changed: &[Held], deleted: &[Place]) -> bool {
        let changed = changed
            .iter()
            .map(|held| Record::Held(Box::new(held.clone())));
        let deleted = deleted.iter().map(|place| Record::Settled(*place));
        let records: Vec<Record> = changed.chain(deleted).collect();
        let lines: String = records.iter().map(Record::line).collect();
        if let Err(failure) = self.append(lines).await {
            if let Failure::Disk(problem) = failure {
                tracing::error!(%problem, "the spool cannot be written: {problem}");
                let trouble = format!("the spool cannot be written: {problem}");
                self.shared.judge(Some(trouble));
            }
            return false;
        }
        {
            let mut state = self.shared.state();
            for record in &records {
                match record {
                    Record::Held(held) => state.hold(held.message, record.line().len()),
                    Record::Settled(place) => state.settled(place.message),
                    Record::Written(_) | Record::Refused(_) => {}
                }
            }
        }
        self.shared.count();
        true
    }

    /// The mark on the message is gone, too.
    pub fn settled(&self, place: Place) {
        self.shared.state().settled(place.message);
        self.note(&Record::Settled(place));
    }

    /// Nobody will read a channel back up to this message any more.
    pub fn forget_refused(&self, channel: ChannelId, up_to: DiscordMessageId) {
        self.shared.state().forget_refused(channel, up_to);
    }

    async fn append(&self, lines: String) -> Result<(), Failure> {
        let Some(commands) = &self.shared.commands else {
            let problem = "it could not be read at the start";
            return Err(Failure::Disk(problem.to_owned()));
        };
        let (reply, answer) = oneshot::channel();
        let reply = Some(reply);
        if commands.send(Command { lines, reply }).is_err() {
            return Err(Failure::Stopping);
        }
        match answer.await {
            Ok(written) => written.map_err(Failure::Disk),
            Err(_) => Err(Failure::Stopping),
        }
    }

    /// Losing such a line costs a repetition that changes nothing, so nobody waits for it.
    fn note(&self, record: &Record) {
        if let Some(commands) = &self.shared.commands {
            let lines = record.line();
            // Nobody listens only while the process ends.
            let _ = commands.send(Command { lines, reply: None });
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change leaves the state whole, whatever panics elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how much is held now.
    fn count(&self) {
        self.level.send_if_modified(|level| {
            // Counted in here, so that of two who tell the later one is right.
            let held = self.state().count();
            let before = std::mem::replace(&mut level.held, held);
            before != held
        });
    }

    /// Tells whether the disk takes anything now.
    fn judge(&self, trouble: Option<String>) {
        self.level.send_if_modified(|level| {
            let changed = level.trouble != trouble;
            level.trouble = trouble;
            changed
        });
    }
}

fn place(held: &Held) -> Place {
    Place {
        channel: held.channel,
        message: held.message,
    }
}

fn found(records: &[Record], state: &State) -> Found {
    let mut places = std::collections::HashMap::new();
    let mut all: Vec<Held> = Vec::new();
    let held = records.iter().filter_map(|record| match record {
        Record::Held(held) => Some(&**held),
        _ => None,
    });
    for held in held.filter(|held| state.known(held.message) == Some(Known::Held)) {
        // Its place is that of its first line, what it says is that of its last.
        let at = *places.entry(held.message).or_insert(all.len());
        if at == all.len() {
            all.push(held.clone());
        } else {
            all[at] = held.clone();
        }
    }
    Found {
        held: all,
        marked: state.marked(),
    }
}

fn look_at_damage(path: &std::path::Path, contents: &file::Contents) {
    if contents.torn > 0 {
        tracing::warn!(
            bytes = contents.torn,
            "the last line of the spool was cut off by a crash; nobody was told that it is kept"
        );
    }
    if contents.damaged.is_empty() {
        return;
    }
    let lines = &contents.damaged;
    match file::set_aside(path) {
        Ok(aside) => tracing::error!(
            ?lines,
            "lines {lines:?} of the spool cannot be read and are left out; the file as it was is {}",
            aside.display()
        ),
        Err(error) => tracing::error!(
            ?lines, %error,
            "lines {lines:?} of the spool cannot be read and are left out"
        ),
    }
}
