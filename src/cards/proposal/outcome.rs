//! What has become of a proposal, in words.

use crate::cards::colour::{BLUE, GREEN, GREY, ORANGE, RED};
use crate::cards::quote;
use crate::model::proposal::{
    Decision, Ending, Execution, Payload, Proposal, ProposalState, Verdict,
};

/// Longest reason of a verdict and longest result on a card.
const TEXT_ROOM: usize = 800;

/// Longest status that somebody else has written.
const STATUS_ROOM: usize = 60;

/// The colour of what is not open any more.
pub(super) fn colour(state: &ProposalState) -> u32 {
    let ProposalState::Decided(decision) = state else {
        return GREY;
    };
    match (&decision.execution, decision.verdict) {
        (Execution::Nothing, Verdict::Reject) => GREY,
        (Execution::Nothing, Verdict::Approve) | (Execution::Executed(_), _) => GREEN,
        (Execution::Waiting | Execution::Running, _) => BLUE,
        (Execution::Failed(_), _) => RED,
        (Execution::Unknown, _) => ORANGE,
    }
}

/// Whether an operator has to find out what happened.
pub(super) fn is_unknown(state: &ProposalState) -> bool {
    matches!(state, ProposalState::Decided(decision) if decision.execution == Execution::Unknown)
}

/// One line for the text beside the card.
pub(super) fn line(proposal: &Proposal) -> String {
    let at = proposal.proposed_at.timestamp();
    match &proposal.state {
        ProposalState::Open => format!("waits for a decision, proposed <t:{at}:R>"),
        ProposalState::Elsewhere { .. } => "decided in a dashboard".to_owned(),
        ProposalState::Decided(decision) => {
            let verdict = verdict_word(proposal, decision).to_lowercase();
            let by = quote::name(&decision.by_name);
            let then = match &decision.execution {
                Execution::Nothing => "",
                Execution::Waiting => ", waiting for an executor",
                Execution::Running => ", running",
                Execution::Executed(_) => ", executed",
                Execution::Failed(_) => ", failed",
                Execution::Unknown => ", **unknown outcome**",
            };
            format!("{verdict} by **{by}**{then}")
        }
    }
}

/// What the card says of it: pairs of a name and a value.
pub(super) fn fields(proposal: &Proposal) -> Vec<(String, String)> {
    match &proposal.state {
        ProposalState::Open => Vec::new(),
        ProposalState::Elsewhere { status, by } => vec![elsewhere(status, by.as_deref())],
        ProposalState::Decided(decision) => decided(proposal, decision),
    }
}

fn elsewhere(status: &str, by: Option<&str>) -> (String, String) {
    let by = by.map_or_else(String::new, |by| {
        format!(" by {}", quote::line(by, STATUS_ROOM).markup)
    });
    let status = quote::line(status, STATUS_ROOM).markup;
    let value =
        format!("Decided in a dashboard: {status}{by}. It is not carried out by this bridge.");
    ("Decision".to_owned(), value)
}

fn decided(proposal: &Proposal, decision: &Decision) -> Vec<(String, String)> {
    let word = verdict_word(proposal, decision);
    let at = decision.at.timestamp();
    let by = quote::name(&decision.by_name);
    let user = decision.by;
    let mut fields = vec![(
        word.to_owned(),
        format!("by **{by}** (<@{user}>) <t:{at}:f>"),
    )];
    if let Some(reason) = decision.reason.as_deref().filter(|it| !it.is_empty()) {
        fields.push(("Reason".to_owned(), quote::quoted(reason, TEXT_ROOM).markup));
    }
    fields.extend(execution(proposal, &decision.execution));
    fields
}

fn execution(proposal: &Proposal, execution: &Execution) -> Option<(String, String)> {
    let ended = |word: &str, ending: &Ending| {
        let at = ending.at.timestamp();
        let result = quote::quoted(&ending.result, TEXT_ROOM).markup;
        (word.to_owned(), format!("<t:{at}:f>\n{result}"))
    };
    Some(match execution {
        Execution::Nothing => return None,
        Execution::Waiting => ("Waiting for an executor".to_owned(), waiting(proposal)),
        Execution::Running => (
            "Running".to_owned(),
            "An executor is carrying it out.".to_owned(),
        ),
        Execution::Executed(ending) => ended("Executed", ending),
        Execution::Failed(ending) => ended("Failed", ending),
        Execution::Unknown => (
            "Unknown outcome: check what happened, then decide".to_owned(),
            "It was begun, and nobody can say whether it was done. Retry carries it out once more; \
             Dismiss leaves it as it is."
                .to_owned(),
        ),
    })
}

fn waiting(proposal: &Proposal) -> String {
    match &proposal.reading.payload {
        Ok(Payload::Free { .. }) => "Only an executor that knows this action will carry it out.",
        _ => "It will be carried out once, as it is shown here.",
    }
    .to_owned()
}

fn verdict_word(proposal: &Proposal, decision: &Decision) -> &'static str {
    match (decision.verdict, &proposal.reading.payload) {
        (Verdict::Approve, _) => "Approved",
        (Verdict::Reject, Ok(_)) => "Rejected",
        (Verdict::Reject, Err(_)) => "Dismissed",
    }
}
