//! The line of one channel: what people have said, changed and deleted there, in order, until it is
//! written down.

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

    /// Nobody knows the message of an edit. It may have come meanwhile, or may be heard of later.
    pub(super) fn unknown(&mut self, what: What) {
        let What::Edit(held) = what else {
            return;
        };
        if self.has(held.message) {
            self.edit(*held);
        } else {
            self.early.retain(|it| it.message != held.message);
            remember(&mut self.early, held);
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

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use chrono::DateTime;
    use proptest::prelude::*;

    use super::{Line, What};
    use crate::model::view::Surface;
    use crate::model::{ChannelId, DiscordMessageId, UserId};
    use crate::spool::Held;

    fn id(message: u64) -> DiscordMessageId {
        DiscordMessageId::new(message).expect("an id")
    }

    /// A message in one of its versions; 0 is how it was written first.
    fn held(message: u64, version: u8) -> Held {
        Held {
            project: "front-office".parse().expect("a project"),
            message: id(message),
            channel: ChannelId::new(7).expect("an id"),
            surface: Surface::Room,
            agent: None,
            user: UserId::new(9).expect("an id"),
            name: "zack".to_owned(),
            roles: Vec::new(),
            text: version.to_string(),
            files: Vec::new(),
            named: Vec::new(),
            reply_to: None,
            edited_at: (version > 0)
                .then(|| DateTime::from_timestamp(version.into(), 0))
                .flatten(),
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Say(u64),
        Edit(u64, u8),
        Delete(u64),
        /// The first of the line is begun, and done after so many more steps.
        Work(u8),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (1..4_u64).prop_map(Step::Say),
            (1..4_u64, 1..4_u8).prop_map(|(of, version)| Step::Edit(of, version)),
            (1..4_u64).prop_map(Step::Delete),
            (0..4_u8).prop_map(Step::Work),
        ];
        prop::collection::vec(step, 0..40)
    }

    /// What the operations do with the first of the line.
    fn finish(line: &mut Line, rows: &mut HashMap<u64, Held>) {
        line.busy = false;
        let Some(first) = line.pop() else { return };
        let message = first.message().get();
        match first.what {
            What::Message(held) | What::Edit(held) if rows.contains_key(&message) => {
                let row = rows.entry(message).or_insert_with(|| (*held).clone());
                super::follow(row, &held);
            }
            What::Message(held) => {
                rows.insert(message, *held);
            }
            What::Delete(_) => {
                rows.remove(&message);
            }
            edit @ What::Edit(_) => line.unknown(edit),
        }
    }

    proptest! {
        /// Discord's events may come in any order, and any of them several times.
        #[test]
        fn in_the_end_rows_are_what_discord_shows(steps in steps()) {
            let (mut line, mut rows) = (Line::default(), HashMap::new());
            let mut left = 0;
            for step in &steps {
                if line.busy {
                    if left == 0 {
                        finish(&mut line, &mut rows);
                    } else {
                        left -= 1;
                    }
                }
                match *step {
                    Step::Say(message) if !line.has(id(message)) => {
                        line.say(held(message, 0), None);
                    }
                    Step::Edit(message, version) => line.edit(held(message, version)),
                    Step::Delete(message) => line.delete(id(message)),
                    Step::Work(for_steps) if !line.busy && line.first().is_some() => {
                        (line.busy, left) = (true, for_steps);
                    }
                    Step::Say(_) | Step::Work(_) => {}
                }
            }
            while line.first().is_some() {
                finish(&mut line, &mut rows);
            }
            for message in 1..4 {
                let said = steps.iter().any(|it| matches!(it, Step::Say(of) if *of == message));
                let gone = steps.iter().any(|it| matches!(it, Step::Delete(of) if *of == message));
                let versions = steps.iter().filter_map(|it| match it {
                    Step::Edit(of, version) if *of == message => Some(*version),
                    _ => None,
                });
                let wanted = (said && !gone).then(|| versions.max().unwrap_or_default().to_string());
                let row = rows.get(&message).map(|row| row.text.clone());
                prop_assert_eq!(row, wanted, "message {}", message);
            }
        }
    }
}
