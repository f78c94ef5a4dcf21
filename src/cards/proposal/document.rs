//! Everything that a proposal says, for reading outside of the card.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::parameters::{parameters, pretty};
use super::{action_words, is_task, summary};
use crate::cards::Personas;
use crate::cards::quote::{visible, visible_json};
use crate::model::message::Author;
use crate::model::proposal::{Payload, Proposal};

/// The file that comes with a card which cannot show everything: each parameter in full, and the
/// exact JSON. It says nothing about the verdict, so it stays the same when there is one.
pub fn document(proposal: &Proposal, personas: &Personas) -> String {
    let at = proposal.proposed_at;
    let mut text = format!(
        "Proposal {}\n{}\nRisk: {}\nProposed at: {}\n",
        proposal.reference.id,
        action_words(proposal),
        proposal.reading.risk.as_str(),
        at.to_rfc3339_opts(SecondsFormat::Secs, true),
    );
    section(&mut text, "In short", &summary(proposal));
    section(&mut text, "Proposed by", &proposer(proposal, personas));
    if let Some(task) = proposal.task_title.as_ref().filter(|_| !is_task(proposal)) {
        section(&mut text, "Task", task);
    }
    if !proposal.reading.reason.is_empty() {
        section(&mut text, "Why", &proposal.reading.reason);
    }
    for parameter in parameters(proposal) {
        section(&mut text, &parameter.name, &parameter.value);
    }
    section(&mut text, "Exactly (JSON)", "");
    text.push_str(&visible_json(&pretty(&frozen(proposal))));
    text.push('\n');
    text
}

/// What an approval allows, or all of what cannot be read.
fn frozen(proposal: &Proposal) -> Value {
    match &proposal.reading.payload {
        Ok(payload) => json!({
            "action_type": payload.name(),
            "parameters": payload.parameters(),
        }),
        Err(_) => proposal.reading.raw.clone(),
    }
}

/// The exact JSON of a proposal: its row's, or for a task what is proposed. Every character in it
/// can be seen, and nothing in it ends a block of code.
pub fn exact_json(proposal: &Proposal) -> String {
    let value = match &proposal.reading.payload {
        Ok(Payload::Task(_)) => frozen(proposal),
        _ => proposal.reading.raw.clone(),
    };
    visible_json(&pretty(&value))
}

/// Lines of others are indented: none of them can look like a heading of ours.
fn section(out: &mut String, heading: &str, text: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}:", visible(heading));
    for line in text.split('\n').filter(|_| !text.is_empty()) {
        let _ = writeln!(out, "    {}", visible(line));
    }
}

fn proposer(proposal: &Proposal, personas: &Personas) -> String {
    let name = personas.of(&proposal.proposer, None).name;
    match &proposal.proposer {
        Author::Agent(key) => format!("{name} ({key})"),
        _ => name,
    }
}
