//! Agents' own bots: which of them can send, and through which lanes. One that fails is no matter of the others.

mod guests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

pub use self::guests::{Guest, Guests};
use super::lanes::Lanes;
use crate::model::bots::{BotState, Bots};
use crate::model::{ChannelId, UserId};

/// A bot that Discord has recognised.
#[derive(Debug, Clone)]
struct Voice {
    lanes: Lanes,
    account: UserId,
}

/// All of them, by their agents' short names. Clones share them.
#[derive(Debug, Clone)]
pub struct OwnBots {
    states: watch::Sender<Bots>,
    voices: Arc<Mutex<HashMap<String, Voice>>>,
}

impl OwnBots {
    /// Bots that Discord knows nothing of yet.
    pub fn new<'a>(shorts: impl IntoIterator<Item = &'a String>) -> Self {
        let starting = |short: &String| (short.clone(), BotState::Starting);
        Self {
            states: watch::Sender::new(shorts.into_iter().map(starting).collect()),
            voices: Arc::default(),
        }
    }

    /// How each of them is.
    pub fn watch(&self) -> watch::Receiver<Bots> {
        self.states.subscribe()
    }

    /// Discord has told who the bot of an agent is: from now on it can send.
    pub fn introduce(&self, short: &str, lanes: Lanes, account: UserId) {
        let voice = Voice { lanes, account };
        let mut voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        voices.insert(short.to_owned(), voice);
        drop(voices);
        if self
            .states
            .borrow()
            .get(short)
            .is_some_and(BotState::is_down)
        {
            self.set(short, BotState::Starting);
        }
    }

    fn voice(&self, short: &str) -> Option<Voice> {
        let voices = self.voices.lock().unwrap_or_else(PoisonError::into_inner);
        let down = self
            .states
            .borrow()
            .get(short)
            .is_none_or(BotState::is_down);
        voices.get(short).filter(|_| !down).cloned()
    }

    /// The bot of an agent is like this now.
    pub fn set(&self, short: &str, state: BotState) {
        self.states.send_if_modified(|states| {
            let changed = states.get(short) != Some(&state);
            if changed {
                states.insert(short.to_owned(), state);
            }
            changed
        });
    }

    /// Which of them can send, in order.
    pub fn senders(&self) -> Vec<String> {
        let states = self.states.borrow().clone();
        let all = states.into_keys();
        all.filter(|short| self.voice(short).is_some()).collect()
    }

    /// Lets requests of `main` about a private channel go through the bot of an agent. Gives back whether that
    /// one can send.
    pub fn lend(&self, main: &Lanes, short: &str, channel: ChannelId) -> bool {
        let voice = self.voice(short);
        if let Some(voice) = &voice {
            main.lend(channel, &voice.lanes, voice.account);
        }
        voice.is_some()
    }
}
