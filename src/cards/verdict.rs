//! What a person is told who has pressed a button of a card; only they see it.

use chrono::{DateTime, Utc};

use super::custom_id::{Press, ReasonForm};
use super::proposal::{action_words, exact_json, file_name, proposer, risk_words, summary};
use super::{Button, Draft, File, Modal, Personas, Row, Style, quote};
use crate::model::proposal::{Decision, PayloadHash, Proposal, ProposalRef, Verdict};

/// Longest JSON that is shown in a message; what is longer comes as a file.
const DETAILS_ROOM: usize = 1_900;

/// Longest reason for a rejection: it reaches the agent whole.
const REASON_LIMIT: u16 = 1_000;

/// Whoever pressed is no operator.
pub fn not_an_operator() -> String {
    "Only operators decide here, and you are not one of them. Nothing has changed.".to_owned()
}

/// Nobody is an operator.
pub fn nobody_is_an_operator() -> String {
    "Nobody is an operator yet, so nothing can be decided. Whoever owns the bot chooses some with \
     `/setup`, or sets `discord.operators` (OPERATOR_IDS)."
        .to_owned()
}

/// Whoever pressed has left the server.
pub fn has_left() -> String {
    "You are not a member of this server any more, so you cannot decide here.".to_owned()
}

/// Somebody was faster.
pub fn already_decided(decision: &Decision) -> String {
    let verdict = decision.verdict.decided();
    let by = quote::name(&decision.by_name);
    let at = decision.at.timestamp();
    format!(
        "Already {verdict} by **{by}** (<@{}>) <t:{at}:f>.",
        decision.by
    )
}

/// Somebody was faster, in a dashboard.
pub fn decided_elsewhere(status: &str, by: Option<&str>) -> String {
    let status = quote::line(status, 60).markup;
    let by = by.map_or_else(String::new, |by| {
        format!(" by {}", quote::line(by, 60).markup)
    });
    format!("Already decided in a dashboard: {status}{by}.")
}

/// The payload is another than the one on the card.
pub fn changed() -> String {
    "This proposal has changed since it was shown, so your click does not count. The card has been \
     redrawn: please read it again."
        .to_owned()
}

/// The row is gone.
pub fn gone() -> String {
    "This proposal does not exist any more.".to_owned()
}

/// A verdict was written down.
pub fn decided(verdict: Verdict) -> String {
    match verdict {
        Verdict::Approve => "Approved. The card shows what becomes of it.".to_owned(),
        Verdict::Reject => "Rejected.".to_owned(),
    }
}

/// What cannot be read cannot be approved.
pub fn malformed_cannot_be_approved() -> String {
    "This proposal cannot be read, so it can only be dismissed.".to_owned()
}

/// What has an unknown outcome is carried out once more.
pub fn retried() -> String {
    "It will be carried out once more.".to_owned()
}

/// What has an unknown outcome is left as it is.
pub fn given_up() -> String {
    "Dismissed. It will not be carried out again.".to_owned()
}

/// Retry or Dismiss was pressed on what has no unknown outcome.
pub fn outcome_is_known() -> String {
    "Its outcome is not unknown any more. The card shows how it stands.".to_owned()
}

/// A custom id that we have not written, or not in this version.
pub fn unknown_button() -> String {
    "This button is not known any more. Use the newest card of the proposal, or `/approvals`."
        .to_owned()
}

/// The second question before a risky approval, which counts until a moment.
pub fn question(proposal: &Proposal, personas: &Personas, until: DateTime<Utc>) -> Draft {
    let action = action_words(proposal);
    let risk = risk_words(proposal.reading.risk);
    let who = proposer(proposal, personas);
    let what = quote::line(&summary(proposal), 300).markup;
    let until_seconds = until.timestamp();
    let confirm = Press::Confirm {
        reference: proposal.reference,
        hash: proposal.hash(),
        until: u32::try_from(until_seconds).unwrap_or_default(),
    };
    Draft {
        components: vec![Row::Buttons(vec![Button::new(
            "Yes, approve it",
            Style::Danger,
            &confirm,
        )])],
        ..Draft::text(format!(
            "Risk {risk}: **{action}**, proposed by **{who}**\n{what}\n\
             Do you really approve this? The question expires <t:{until_seconds}:R>; nothing \
             happens if you leave it."
        ))
    }
}

/// The second question was answered too late.
pub fn question_has_expired() -> String {
    "This question has expired and nothing was approved. Press Approve again.".to_owned()
}

/// The exact JSON of a proposal.
pub fn details(proposal: &Proposal) -> Draft {
    let json = exact_json(proposal);
    if quote::length(&json) <= DETAILS_ROOM {
        return Draft::text(format!("```json\n{json}\n```"));
    }
    if json.len() > super::draft::FILE_LIMIT {
        return Draft::text(
            "The JSON of this proposal is over 10 MiB, more than Discord takes as a file. Look at \
             its row in the database.",
        );
    }
    let name = file_name(proposal).replace(".txt", ".json");
    Draft {
        files: vec![File::new(name, json)],
        ..Draft::text("The exact JSON is in the attached file.")
    }
}

/// The form that asks why something is rejected.
pub fn reason_form(reference: ProposalRef, hash: PayloadHash) -> Modal {
    Modal {
        title: "Reject with a reason",
        custom_id: ReasonForm { reference, hash }.to_string(),
        label: "Why?",
        placeholder: "The agent will read this.",
        longest: REASON_LIMIT,
    }
}
