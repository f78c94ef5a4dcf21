//! What a button says when it is pressed. It names a proposal and what was on the card, never a
//! permission: whoever can call Discord's API can make us receive any of these. So what comes back
//! is only taken when it is, to the letter, something that we would have written.
//!
//! `v1:<what>:<source>:<id>[:<hash>[:<time>]]`, at most 98 characters. Every part has a fixed length,
//! so that the beginning of one is never another.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::model::DeliveryId;
use crate::model::proposal::{PayloadHash, ProposalRef, ProposalSource, Verdict};

/// Longest custom id (source: Discord's Components Reference).
pub const LIMIT: usize = 100;

/// What stands before everything; another layout takes another one, so that old cards are told.
const VERSION: &str = "v1";

/// What stands before the delivery that is to be tried again.
const AGAIN: &str = "v1:again:delivery:";

/// A button of a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Press {
    /// Approve, Reject or Dismiss.
    Decide {
        /// The proposal.
        reference: ProposalRef,
        /// The verdict.
        verdict: Verdict,
        /// What was on the card.
        hash: PayloadHash,
    },
    /// Asks for a reason first.
    RejectWithReason {
        /// The proposal.
        reference: ProposalRef,
        /// What was on the card.
        hash: PayloadHash,
    },
    /// Shows the exact JSON.
    Details {
        /// The proposal.
        reference: ProposalRef,
    },
    /// Yes to the second question before a risky approval.
    Confirm {
        /// The proposal.
        reference: ProposalRef,
        /// What was on the card.
        hash: PayloadHash,
        /// Seconds since 1970, until 2106; the answer does not count after that.
        until: u32,
    },
    /// Carries out again what has an unknown outcome.
    Retry {
        /// The proposal.
        reference: ProposalRef,
    },
    /// Leaves what has an unknown outcome as it is.
    GiveUp {
        /// The proposal.
        reference: ProposalRef,
    },
    /// Tries a delivery again that has failed.
    Again {
        /// The delivery.
        delivery: DeliveryId,
    },
}

/// The form that asks why something is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReasonForm {
    /// The proposal.
    pub reference: ProposalRef,
    /// What was on the card.
    pub hash: PayloadHash,
}

/// Not one of our custom ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this custom id is none of ours")]
pub struct UnknownPress;

impl fmt::Display for Press {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, reference, hash) = match self {
            Self::Decide {
                reference,
                verdict: Verdict::Approve,
                hash,
            } => ("approve", reference, Some(hash)),
            Self::Decide {
                reference,
                verdict: Verdict::Reject,
                hash,
            } => ("reject", reference, Some(hash)),
            Self::RejectWithReason { reference, hash } => ("why", reference, Some(hash)),
            Self::Details { reference } => ("details", reference, None),
            Self::Confirm {
                reference, hash, ..
            } => ("confirm", reference, Some(hash)),
            Self::Retry { reference } => ("retry", reference, None),
            Self::GiveUp { reference } => ("giveup", reference, None),
            Self::Again { delivery } => return write!(f, "{AGAIN}{}", delivery.0.simple()),
        };
        let until = match self {
            Self::Confirm { until, .. } => Some(*until),
            _ => None,
        };
        print(f, what, *reference, hash, until)
    }
}

impl fmt::Display for ReasonForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(f, "reason", self.reference, Some(&self.hash), None)
    }
}

fn print(
    f: &mut fmt::Formatter<'_>,
    what: &str,
    reference: ProposalRef,
    hash: Option<&PayloadHash>,
    until: Option<u32>,
) -> fmt::Result {
    let source = reference.source.as_str();
    write!(f, "{VERSION}:{what}:{source}:{}", reference.id.simple())?;
    if let Some(hash) = hash {
        write!(f, ":{hash}")?;
    }
    until.map_or(Ok(()), |until| write!(f, ":{until:010}"))
}

/// The parts of a custom id of this version.
struct Parts<'a> {
    what: &'a str,
    reference: ProposalRef,
    hash: Option<PayloadHash>,
    until: Option<u32>,
}

fn parts(text: &str) -> Option<Parts<'_>> {
    if text.len() > LIMIT {
        return None;
    }
    let mut parts = text.split(':');
    let (version, what) = (parts.next()?, parts.next()?);
    let source: ProposalSource = parts.next()?.parse().ok()?;
    let id = Uuid::try_parse(parts.next()?).ok()?;
    let hash = parts.next().map(str::parse).transpose().ok()?;
    let until = parts.next().map(str::parse).transpose().ok()?;
    (version == VERSION && parts.next().is_none()).then_some(Parts {
        what,
        reference: ProposalRef { source, id },
        hash,
        until,
    })
}

/// What was read, if it is written exactly like that: one text for one meaning.
fn exactly<T: fmt::Display>(read: Option<T>, text: &str) -> Result<T, UnknownPress> {
    read.filter(|it| it.to_string() == text).ok_or(UnknownPress)
}

impl FromStr for Press {
    type Err = UnknownPress;

    fn from_str(text: &str) -> Result<Self, UnknownPress> {
        if let Some(id) = text.strip_prefix(AGAIN) {
            let delivery = Uuid::try_parse(id).ok().map(DeliveryId);
            return exactly(delivery.map(|delivery| Self::Again { delivery }), text);
        }
        let read = parts(text).and_then(|parts| {
            let Parts {
                reference, until, ..
            } = parts;
            let decide = |verdict, hash| Self::Decide {
                reference,
                verdict,
                hash,
            };
            Some(match (parts.what, parts.hash) {
                ("approve", Some(hash)) => decide(Verdict::Approve, hash),
                ("reject", Some(hash)) => decide(Verdict::Reject, hash),
                ("why", Some(hash)) => Self::RejectWithReason { reference, hash },
                ("details", None) => Self::Details { reference },
                ("confirm", Some(hash)) => Self::Confirm {
                    reference,
                    hash,
                    until: until?,
                },
                ("retry", None) => Self::Retry { reference },
                ("giveup", None) => Self::GiveUp { reference },
                _ => return None,
            })
        });
        exactly(read, text)
    }
}

impl FromStr for ReasonForm {
    type Err = UnknownPress;

    fn from_str(text: &str) -> Result<Self, UnknownPress> {
        let read = parts(text).and_then(|parts| {
            let hash = parts.hash.filter(|_| parts.what == "reason")?;
            Some(Self {
                reference: parts.reference,
                hash,
            })
        });
        exactly(read, text)
    }
}
