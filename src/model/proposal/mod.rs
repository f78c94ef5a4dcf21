//! Proposals: what an agent wants to do and only an operator can allow.

pub mod action;
mod read;

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use self::action::Action;
use super::UserId;
use super::message::Author;
use super::thread::Place;

pub use self::read::{read_event, read_message, read_task};

/// `message_type` of a proposed task.
pub const TASK_PROPOSAL: &str = "task_proposal";

/// `message_type` of any other proposed action.
pub const ACTION_PROPOSAL: &str = "action_proposal";

/// `event_type` of a proposal in a task's timeline.
pub const APPROVAL_REQUEST: &str = "approval_request";

/// `event_type` of its resolution.
pub const APPROVAL_RESOLVED: &str = "approval_resolved";

/// Which kind of row carries a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProposalSource {
    /// A chat message of type [`TASK_PROPOSAL`] or [`ACTION_PROPOSAL`].
    Message,
    /// A task's event of type [`APPROVAL_REQUEST`].
    TaskEvent,
    /// A task that is proposed itself.
    Task,
}

impl ProposalSource {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Message, Self::TaskEvent, Self::Task];

    /// The word in `bridge.decision`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::TaskEvent => "task_event",
            Self::Task => "task",
        }
    }
}

/// A source that nobody has heard of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown source of proposals {0:?}")]
pub struct UnknownSource(String);

impl FromStr for ProposalSource {
    type Err = UnknownSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|source| source.as_str() == text)
            .ok_or_else(|| UnknownSource(text.to_owned()))
    }
}

/// Names one proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProposalRef {
    /// Which kind of row.
    pub source: ProposalSource,
    /// Which row.
    pub id: Uuid,
}

/// How much harm an action can do, in the proposer's words: a hint, never a permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Risk {
    /// Little.
    Low,
    /// Some; what a proposal has that says nothing (source: `ClawdOS`).
    Med,
    /// Much: the operator is asked twice.
    High,
}

impl Risk {
    /// The word in `risk_level`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Med => "med",
            Self::High => "high",
        }
    }
}

/// What is proposed.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    /// One of the actions that the built-in executor knows.
    Action(Action),
    /// An action by another name, in a task's timeline: it can be decided here, and carried out
    /// only by an executor that knows it.
    Free {
        /// Its name.
        name: String,
        /// Everything that was said about it, an object.
        details: Value,
    },
    /// The task itself: approved it begins, rejected it is done.
    Task(ProposedTask),
}

/// A task that waits in the inbox for being accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedTask {
    /// Its title.
    pub title: String,
    /// Its description; may be empty.
    pub description: String,
    /// The `assignee_agent_key` column, unread.
    pub assignee: Option<String>,
    /// The chat message that it was promoted from.
    pub from_message: Option<Uuid>,
}

impl Payload {
    /// The action's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Action(action) => action.name(),
            Self::Free { name, .. } => name,
            Self::Task(_) => "task",
        }
    }

    /// Its parameters, an object: exactly what an approval freezes.
    pub fn parameters(&self) -> Value {
        match self {
            Self::Action(action) => action.parameters(),
            Self::Free { details, .. } => details.clone(),
            Self::Task(task) => serde_json::json!({
                "title": task.title,
                "description": task.description,
                "assignee_agent_key": task.assignee,
            }),
        }
    }
}

/// Why a proposal cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{path}: {reason}")]
pub struct Malformed {
    /// Which field, as in `parameters.title`.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What a proposal's row says: proposed, by whom, why, and how risky it is said to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What, or why nobody can tell.
    pub payload: Result<Payload, Malformed>,
    /// How risky; [`Risk::High`] where nobody can tell.
    pub risk: Risk,
    /// Why, in the proposer's words; may be empty.
    pub reason: String,
    /// The row's JSON as it is, for whoever wants to see exactly that.
    pub raw: Value,
}

/// Which payload somebody has seen: a verdict counts only for the one on the card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PayloadHash([u8; 16]);

impl PayloadHash {
    /// As bytes.
    pub const fn bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for PayloadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// The text is not a [`PayloadHash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the hash of a payload")]
pub struct NoPayloadHash;

impl FromStr for PayloadHash {
    type Err = NoPayloadHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.len() == 32
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        u128::from_str_radix(text, 16)
            .ok()
            .filter(|_| plain)
            .map(|number| Self(number.to_be_bytes()))
            .ok_or(NoPayloadHash)
    }
}

/// What an operator says to a proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It may be done.
    Approve,
    /// It may not. Malformed proposals can only be dismissed, which is the same.
    Reject,
}

impl Verdict {
    /// The word for what has been decided, in every table.
    pub const fn decided(self) -> &'static str {
        match self {
            Self::Approve => "approved",
            Self::Reject => "rejected",
        }
    }
}

/// How far a proposal has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProposalState {
    /// Nobody has decided.
    Open,
    /// An operator has, here.
    Decided(Decision),
    /// Somebody has, elsewhere (a dashboard): shown as it is, and never carried out by us.
    Elsewhere {
        /// `approved`, `rejected` or whatever the row says.
        status: String,
        /// Who, in the row's words.
        by: Option<String>,
    },
}

/// A verdict that has been written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Which.
    pub verdict: Verdict,
    /// Whose.
    pub by: UserId,
    /// Under which name.
    pub by_name: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Why; only rejections have one.
    pub reason: Option<String>,
    /// What became of it.
    pub execution: Execution,
}

/// What became of an approved action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Execution {
    /// There is nothing to carry out: rejected, or a task that simply begins.
    Nothing,
    /// Waits for an executor that knows the action.
    Waiting,
    /// Is being carried out.
    Running,
    /// Carried out.
    Executed(Ending),
    /// Could not be carried out.
    Failed(Ending),
    /// Begun, and nobody knows whether it was done. An operator checks and decides.
    Unknown,
}

/// The end of an execution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: DateTime<Utc>,
    /// The result, in words.
    pub result: String,
}

/// A proposal as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Which.
    pub reference: ProposalRef,
    /// Where it was made; `Elsewhere` for what stands in a task.
    pub place: Place,
    /// Who made it.
    pub proposer: Author,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// The title of the task it belongs to.
    pub task_title: Option<String>,
    /// What it says.
    pub reading: Reading,
    /// How far it has come.
    pub state: ProposalState,
}

impl Proposal {
    /// The hash of everything on the card that an operator decides by.
    pub fn hash(&self) -> PayloadHash {
        let (name, parameters) = match &self.reading.payload {
            Ok(payload) => (payload.name(), payload.parameters()),
            Err(_) => ("malformed", self.reading.raw.clone()),
        };
        let mut hasher = Sha256::new();
        let proposer = self.proposer.as_column();
        let parameters = parameters.to_string();
        let parts = [
            self.reference.source.as_str(),
            name,
            &parameters,
            self.reading.risk.as_str(),
            &self.reading.reason,
            &proposer,
        ];
        for part in parts {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let digest = hasher.finalize();
        let mut hash = [0; 16];
        hash.copy_from_slice(&digest[..16]);
        PayloadHash(hash)
    }

    /// Whether an operator can still decide it.
    pub fn is_open(&self) -> bool {
        self.state == ProposalState::Open
    }
}
