//! What the spool knows in memory: which messages it holds, and which it has refused.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::record::{Place, Record};
use super::{Bounds, Known};
use crate::model::{ChannelId, DiscordMessageId};

/// Most refused messages that are remembered, some 100 bytes each; the oldest are forgotten first.
/// Their ⛔ in Discord still tells them.
const REFUSED: usize = 10_000;

/// The state behind the lock.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Accepted, not written: the bytes of its line.
    held: HashMap<DiscordMessageId, usize>,
    bytes: usize,
    /// Written, and its mark may be there.
    written: HashMap<DiscordMessageId, ChannelId>,
    /// In the order of their ids, which is that of their age.
    refused: BTreeMap<DiscordMessageId, ChannelId>,
}

impl State {
    /// The state after these records.
    pub(super) fn after(records: &[Record]) -> Self {
        let mut state = Self::default();
        for record in records {
            match record {
                Record::Held(held) => state.hold(held.message, record.line().len()),
                Record::Written(place) => state.written(*place),
                Record::Settled(place) => state.settled(place.message),
                Record::Refused(place) => state.refuse(*place),
            }
        }
        state
    }

    pub(super) fn known(&self, message: DiscordMessageId) -> Option<Known> {
        if self.held.contains_key(&message) {
            Some(Known::Held)
        } else if self.written.contains_key(&message) {
            Some(Known::Written)
        } else {
            self.refused
                .contains_key(&message)
                .then_some(Known::Refused)
        }
    }

    pub(super) fn count(&self) -> usize {
        self.held.len()
    }

    /// Whether one more message, with a line of this many bytes, is within bounds.
    pub(super) fn has_room(&self, bounds: Bounds, bytes: usize) -> bool {
        self.held.len() < bounds.messages && self.bytes.saturating_add(bytes) <= bounds.bytes
    }

    pub(super) fn hold(&mut self, message: DiscordMessageId, bytes: usize) {
        let before = self.held.insert(message, bytes);
        self.bytes = self.bytes + bytes - before.unwrap_or_default();
    }

    /// It is not held after all. Whether it was.
    pub(super) fn release(&mut self, message: DiscordMessageId) -> bool {
        let bytes = self.held.remove(&message);
        self.bytes -= bytes.unwrap_or_default();
        bytes.is_some()
    }

    pub(super) fn written(&mut self, place: Place) {
        self.release(place.message);
        self.written.insert(place.message, place.channel);
    }

    pub(super) fn settled(&mut self, message: DiscordMessageId) {
        self.release(message);
        self.written.remove(&message);
    }

    pub(super) fn refuse(&mut self, place: Place) {
        self.release(place.message);
        self.refused.insert(place.message, place.channel);
        while self.refused.len() > REFUSED {
            self.refused.pop_first();
        }
    }

    pub(super) fn forget_refused(&mut self, channel: ChannelId, up_to: DiscordMessageId) {
        self.refused
            .retain(|message, of| *of != channel || *message > up_to);
    }

    /// Whether no message is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.written.is_empty()
    }

    /// Which records are still needed to tell this state.
    pub(super) fn counting(&self) -> Counting {
        Counting {
            held: self.held.keys().copied().collect(),
            written: self.written.keys().copied().collect(),
            refused: self.refused.keys().copied().collect(),
        }
    }

    /// What is written and may still have its mark.
    pub(super) fn marked(&self) -> Vec<Place> {
        let places = self.written.iter();
        places
            .map(|(&message, &channel)| Place { channel, message })
            .collect()
    }
}

/// The ids that a file must go on telling of.
pub(super) struct Counting {
    held: HashSet<DiscordMessageId>,
    written: HashSet<DiscordMessageId>,
    refused: HashSet<DiscordMessageId>,
}

impl Counting {
    /// Whether a record is one of them. A message that is written is told of by that record alone.
    pub(super) fn counts(&self, record: &Record) -> bool {
        match record {
            Record::Held(held) => self.held.contains(&held.message),
            Record::Written(place) => self.written.contains(&place.message),
            Record::Settled(_) => false,
            Record::Refused(place) => self.refused.contains(&place.message),
        }
    }
}
