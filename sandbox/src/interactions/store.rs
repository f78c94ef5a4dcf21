//! Interactions that may still be answered, modals that are open, and ephemeral messages.
//!
//! All of it is in memory only: Discord keeps none of it for long either.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rest::error::{ApiError, ApiResult};
use crate::state::Message;

/// The first answer is due within 3 s (Receiving and Responding).
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// An interaction's token is valid for 15 minutes.
const TOKEN_LIFE: Duration = Duration::from_mins(15);
/// Ephemeral messages that are kept, so that their buttons work.
const EPHEMERAL_KEPT: usize = 1000;
/// When more interactions than this are known, the expired ones are forgotten.
const SWEEP_AT: usize = 256;

/// What a person did, by Discord's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// 2: a slash command or a context-menu command.
    Command,
    /// 3: a button or a select menu.
    Component,
    /// 4: typing in an option of a command.
    Autocomplete,
    /// 5: a submitted modal.
    Modal,
}

impl Kind {
    /// Discord's number.
    pub(super) fn number(self) -> u8 {
        match self {
            Kind::Command => 2,
            Kind::Component => 3,
            Kind::Autocomplete => 4,
            Kind::Modal => 5,
        }
    }

    /// The kind with Discord's number.
    pub(super) fn from_number(number: u64) -> Option<Kind> {
        [
            Kind::Command,
            Kind::Component,
            Kind::Autocomplete,
            Kind::Modal,
        ]
        .into_iter()
        .find(|kind| u64::from(kind.number()) == number)
    }
}

/// How far the application is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No answer yet.
    Waiting,
    /// The 3 s passed; the token is worthless.
    Failed,
    /// Answered. `original` is the message that `@original` names; `deferred` until the promised
    /// message has come.
    Answered {
        original: Option<u64>,
        deferred: bool,
    },
}

/// One interaction.
#[derive(Debug, Clone)]
pub(super) struct Interaction {
    pub id: u64,
    pub token: String,
    pub kind: Kind,
    pub application: u64,
    /// The application's bot user, which gets the event.
    pub bot: u64,
    pub person: u64,
    /// The client's mark, echoed in what the person is told.
    pub nonce: Value,
    pub channel: u64,
    pub guild: Option<u64>,
    /// The message whose component was used, also through a modal.
    pub source: Option<u64>,
    /// Whether it is a command of a context menu (message type 23 instead of 20).
    pub context_menu: bool,
    /// `interaction_metadata` of the messages that answer it.
    pub metadata: Value,
    pub phase: Phase,
    /// All messages that this token may change: the original and the follow-ups.
    pub messages: Vec<u64>,
    /// When it was made, or longer ago when a test aged it.
    pub made: Instant,
}

/// A modal that a person was shown.
#[derive(Debug, Clone)]
pub(super) struct Modal {
    pub application: u64,
    pub person: u64,
    pub channel: u64,
    pub source: Option<u64>,
    pub custom_id: String,
    pub components: Vec<Value>,
    /// `interaction_metadata` of the interaction that opened it.
    pub metadata: Value,
    pub opened: Instant,
}

/// A message that only one person sees.
#[derive(Debug, Clone)]
pub(super) struct Ephemeral {
    pub person: u64,
    pub bot: u64,
    pub message: Message,
}

/// Everything about interactions that is still of use.
#[derive(Default)]
pub(crate) struct Interactions {
    inner: Mutex<Inner>,
}

/// The maps behind the lock.
#[derive(Default)]
pub(super) struct Inner {
    pub interactions: HashMap<u64, Interaction>,
    /// Open modals by the interaction that opened them.
    pub modals: HashMap<u64, Modal>,
    /// Ephemeral messages by id.
    pub ephemeral: BTreeMap<u64, Ephemeral>,
}

impl Interactions {
    /// Locks the maps. The state must be locked before, never after.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // Each change is one map operation: a panic elsewhere leaves the maps usable.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes an interaction older than it is, for tests of what depends on age. `false` when there is
    /// no such interaction.
    pub(crate) fn age(&self, interaction: u64, seconds: u64) -> bool {
        let mut inner = self.lock();
        let Some(found) = inner.interactions.get_mut(&interaction) else {
            return false;
        };
        match found.made.checked_sub(Duration::from_secs(seconds)) {
            Some(earlier) => {
                found.made = earlier;
                true
            }
            None => false,
        }
    }
}

impl Inner {
    /// Adds an interaction and forgets what is too old to be answered.
    pub(super) fn add(&mut self, interaction: Interaction) {
        if self.interactions.len() >= SWEEP_AT {
            self.interactions
                .retain(|_, known| known.made.elapsed() < TOKEN_LIFE);
            self.modals
                .retain(|_, modal| modal.opened.elapsed() < TOKEN_LIFE);
        }
        self.interactions.insert(interaction.id, interaction);
    }

    /// The interaction that a first answer is for.
    pub(super) fn unanswered(&mut self, id: u64, token: &str) -> ApiResult<&mut Interaction> {
        let unknown = || ApiError::unknown(10062, "interaction");
        let found = self
            .interactions
            .get_mut(&id)
            .filter(|interaction| interaction.token == token)
            .ok_or_else(unknown)?;
        match found.phase {
            Phase::Waiting if found.made.elapsed() < ANSWER_WITHIN => Ok(found),
            Phase::Waiting | Phase::Failed => Err(unknown()),
            Phase::Answered { .. } => Err(ApiError::new(
                400,
                40060,
                "Interaction has already been acknowledged.",
            )),
        }
    }

    /// The answered interaction whose messages a token may change.
    pub(super) fn answered(
        &mut self,
        application: u64,
        token: &str,
    ) -> ApiResult<&mut Interaction> {
        let found = self
            .interactions
            .values_mut()
            .find(|known| known.token == token && known.application == application)
            .filter(|known| known.made.elapsed() < TOKEN_LIFE)
            .ok_or_else(|| ApiError::new(401, 50027, "Invalid Webhook Token"))?;
        match found.phase {
            Phase::Answered { .. } => Ok(found),
            // Follow-ups come after the first answer only.
            Phase::Waiting | Phase::Failed => Err(ApiError::unknown(10015, "Webhook")),
        }
    }

    /// Keeps an ephemeral message.
    pub(super) fn keep(&mut self, message: Ephemeral) {
        self.ephemeral.insert(message.message.id, message);
        if self.ephemeral.len() > EPHEMERAL_KEPT {
            self.ephemeral.pop_first();
        }
    }
}
