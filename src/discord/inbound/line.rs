//! The line of one channel: what people have said, changed and deleted there, in order, until it is
//! written down.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use tokio::sync::OwnedSemaphorePermit;

use crate::discord::events::Written;
use crate::model::DiscordMessageId;
use crate::model::file::File;
use crate::operations::say::{Said, Tried};
use crate::spool::{Held, Place};

/// Most changes of older messages that wait in a line: the spool does not keep them.
const MOST_CHANGES: usize = 1_000;

/// So many messages are remembered that are gone, or whose text was heard before they were: events come
/// in any order, and twice.
const REMEMBERED: usize = 1_000;

/// What comes in.
pub(super) enum Heard {
    /// A message. For one that was read back: the reader goes on when the permit is dropped. Discord
    /// keeps such a message, so it is never refused.
    Said(Box<Written>, Option<OwnedSemaphorePermit>),
    /// What a message says now.
    Edited(Box<Written>),
    /// A message is gone.
    Deleted(DiscordMessageId),
}

/// What waits.
pub(super) enum What {
    /// A message that becomes a row.
    Message(Box<Held>),
    /// What a message says now that may be a row.
    Edit(Box<Held>),
    /// A message that is gone and may be a row.
    Delete(DiscordMessageId),
}

/// Something in line.
pub(super) struct Entry {
    pub(super) what: What,
    /// Whether it is in the spool.
    pub(super) kept: bool,
    /// Whether the spool has to learn that it says something else now.
    pub(super) amended: bool,
    pub(super) tried: Tried,
    pub(super) read_back: Option<OwnedSemaphorePermit>,
    /// What is in its files, once that was read.
    pub(super) contents: Option<Vec<Option<String>>>,
}

impl Entry {
    fn new(what: What) -> Self {
        Self {
            what,
            kept: false,
            amended: false,
            tried: Tried::Never,
            read_back: None,
            contents: None,
        }
    }

    /// A message that an earlier run has accepted.
    pub(super) fn found(held: Held) -> Self {
        Self {
            kept: true,
            tried: Tried::Perhaps,
            ..Self::new(What::Message(Box::new(held)))
        }
    }

    /// The message that it is about.
    pub(super) fn message(&self) -> DiscordMessageId {
        match &self.what {
            What::Message(held) | What::Edit(held) => held.message,
            What::Delete(message) => *message,
        }
    }

    /// What becomes a row.
    pub(super) fn held(&self) -> Option<&Held> {
        match &self.what {
            What::Message(held) => Some(held),
            What::Edit(_) | What::Delete(_) => None,
        }
    }

    /// The files that have to be looked into first.
    pub(super) fn unread(&self) -> Option<&[File]> {
        match &self.what {
            What::Message(held) | What::Edit(held) if self.contents.is_none() => Some(&held.files),
            _ => None,
        }
    }

    /// What an operation gets of it.
    pub(super) fn said(&self, held: &Held) -> Said {
        Said {
            message: held.message,
            channel: held.channel,
            surface: held.surface.clone(),
            agent: held.agent.clone(),
            user: held.user,
            name: held.name.clone(),
            roles: held.roles.clone(),
            text: held.text.clone(),
            files: held.files.clone(),
            contents: self.contents.clone().unwrap_or_default(),
            named: held.named.clone(),
            reply_to: held.reply_to,
            edited_at: held.edited_at,
            tried: self.tried,
        }
    }
}

/// The line.
#[derive(Default)]
pub(super) struct Line {
    entries: VecDeque<Entry>,
    /// Whether something is done with the first: then it is not changed any more.
    pub(super) busy: bool,
    /// Deleted messages that the spool still keeps.
    pub(super) deleted: Vec<Place>,
    gone: VecDeque<DiscordMessageId>,
    /// Edits of messages that nobody knows.
    early: VecDeque<Box<Held>>,
}

impl Line {
    pub(super) fn of(found: Vec<Held>) -> Self {
        Self {
            entries: found.into_iter().map(Entry::found).collect(),
            ..Self::default()
        }
    }

    pub(super) fn first(&self) -> Option<&Entry> {
        self.entries.front()
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut Entry> {
        self.entries.front_mut()
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.entries.pop_front()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    pub(super) fn retain(&mut self, keep: impl FnMut(&mut Entry) -> bool) {
        self.entries.retain_mut(keep);
    }

    pub(super) fn has(&self, message: DiscordMessageId) -> bool {
        self.position(message).is_some()
    }

    /// Where a message waits to become a row.
    fn position(&self, message: DiscordMessageId) -> Option<usize> {
        let is = |entry: &Entry| entry.held().is_some_and(|held| held.message == message);
        self.entries.iter().position(is)
    }

    /// A message, unless its end was heard before; as it says now, where that was heard before.
    pub(super) fn say(&mut self, mut held: Held, read_back: Option<OwnedSemaphorePermit>) {
        if self.gone.contains(&held.message) {
            return;
        }
        if let Some(newer) = self.early.iter().find(|it| it.message == held.message) {
            follow(&mut held, newer);
        }
        self.entries.push_back(Entry {
            read_back,
            ..Entry::new(What::Message(Box::new(held)))
        });
    }

    /// What a message says now. One that waits is changed where it stands, as if it had been written
    /// so; a row is changed when it is the change's turn.
    pub(super) fn edit(&mut self, new: Held) {
        let begun = usize::from(self.busy);
        let waits = self.position(new.message).filter(|at| *at >= begun);
        let changes =
            |entry: &Entry| matches!(&entry.what, What::Edit(it) if it.message == new.message);
        let mut later = self.entries.iter().enumerate().skip(begun);
        let at = waits.or_else(|| later.find(|(_, it)| changes(it)).map(|(at, _)| at));
        let Some(entry) = at.and_then(|at| self.entries.get_mut(at)) else {
            return self.change(What::Edit(Box::new(new)));
        };
        let (What::Message(held) | What::Edit(held)) = &mut entry.what else {
            return;
        };
        if follow(held, &new) {
            entry.contents = None;
            entry.amended = entry.kept;
        }
    }

    /// A message is gone. One that waits leaves the line; it may be a row all the same, since Discord
    /// tells twice and reading back finds everything.
    pub(super) fn delete(&mut self, message: DiscordMessageId) {
        if self.gone.contains(&message) {
            return;
        }
        remember(&mut self.gone, message);
        let begun = usize::from(self.busy);
        let mut deleted = Vec::new();
        let mut at = 0;
        self.entries.retain(|entry| {
            at += 1;
            let leaves = at > begun && entry.message() == message;
            if let (true, true, Some(held)) = (leaves, entry.kept, entry.held()) {
                let channel = held.channel;
                deleted.push(Place { channel, message });
            }
            !leaves
        });
        self.deleted.append(&mut deleted);
        self.change(What::Delete(message));
    }

    /// The first is not written yet. What was heard of it meanwhile counts now, so that the spool learns
    /// of it, too.
    pub(super) fn put_back(&mut self) {
        self.busy = false;
        let Some(message) = self.first().and_then(Entry::held).map(|held| held.message) else {
            return;
        };
        if self.gone.contains(&message) {
            let first = self.entries.pop_front();
            let kept = first.as_ref().filter(|it| it.kept).and_then(Entry::held);
            let place = kept.map(|held| Place {
                channel: held.channel,
                message,
            });
            self.deleted.extend(place);
            return;
        }
        let edits = |it: &Entry| matches!(&it.what, What::Edit(held) if held.message == message);
        let at = self.entries.iter().position(edits);
        if let Some(What::Edit(new)) = at.and_then(|at| self.entries.remove(at)).map(|it| it.what) {
            self.edit(*new);
        }
    }

    /// Nobody knows the message of an edit. It may have come meanwhile, or may be heard of later.
    pub(super) fn unknown(&mut self, what: What) {
        let What::Edit(held) = what else {
            return;
        };
        if self.has(held.message) {
            return self.edit(*held);
        }
        let mut early = self.early.iter_mut();
        match early.find(|it| it.message == held.message) {
            // Of several the newest counts, in whichever order they came.
            Some(known) => {
                follow(known, &held);
            }
            None => remember(&mut self.early, held),
        }
    }

    fn change(&mut self, what: What) {
        let changes = self.entries.iter().filter(|entry| entry.held().is_none());
        if changes.count() >= MOST_CHANGES {
            let message = Entry::new(what).message();
            tracing::warn!(%message, "a change of message {message} is lost: too many wait for the database");
            return;
        }
        self.entries.push_back(Entry::new(what));
    }
}

/// Puts something behind the others; the oldest is forgotten when there are too many.
fn remember<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() >= REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

/// Makes what waits say what is newer. Whether it was.
fn follow(held: &mut Held, new: &Held) -> bool {
    let newer = new.edited_at > held.edited_at;
    if newer {
        held.text.clone_from(&new.text);
        held.files.clone_from(&new.files);
        held.named.clone_from(&new.named);
        held.edited_at = new.edited_at;
    }
    newer
}
