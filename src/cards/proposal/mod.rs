//! A proposal as a card. Whatever the proposer wrote stands in quotation, and Approve can be
//! pressed only where everything that would be approved can be read in the same message.

mod document;
mod outcome;
mod parameters;

use super::colour::{GREEN, RED, YELLOW};
use super::custom_id::Press;
use super::draft::FILE_LIMIT;
use super::quote::{self, Quoted};
use super::{Button, Draft, Embed, File, Personas, Row, Style, Upkeep};
use crate::model::message::Author;
use crate::model::proposal::{Proposal, ProposalSource, ProposalState, Risk, Verdict};

pub use document::{document, exact_json};
pub use parameters::{action_words, summary};

/// Longest reason on the card; what is longer stands in the file.
const REASON_ROOM: usize = 700;

/// Longest one-line description of what is proposed, in the text beside the card.
const SUMMARY_ROOM: usize = 150;

/// Less room than this shows nothing worth reading.
const LEAST_ROOM: usize = 60;

/// Where the whole text of a proposal can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// On the card.
    Shown,
    /// In the file that comes with it.
    Attached,
    /// Nowhere in Discord: the file would be too large.
    TooLarge,
    /// Nowhere: Discord does not take the file.
    Refused,
}

/// The card of a proposal as it is now.
pub fn proposal_card(proposal: &Proposal, personas: &Personas) -> Draft {
    let (frame, whole) = frame(proposal, personas);
    if whole {
        return card(proposal, personas, frame, Reach::Shown);
    }
    let text = document(proposal, personas);
    if text.len() > FILE_LIMIT {
        return card(proposal, personas, frame, Reach::TooLarge);
    }
    let without = card(proposal, personas, frame.clone(), Reach::Refused);
    Draft {
        files: vec![File::new(file_name(proposal), text)],
        instead: Some(Box::new(without)),
        ..card(proposal, personas, frame, Reach::Attached)
    }
}

/// The name of the file with everything that a proposal says.
pub fn file_name(proposal: &Proposal) -> String {
    format!("proposal-{}.txt", short_id(proposal))
}

/// The first eight digits of its id: enough to tell the open ones apart.
pub fn short_id(proposal: &Proposal) -> String {
    let mut id = proposal.reference.id.simple().to_string();
    id.truncate(8);
    id
}

/// Who has proposed it, without any formatting of theirs.
pub fn proposer(proposal: &Proposal, personas: &Personas) -> String {
    match &proposal.proposer {
        Author::Member(user) => format!("<@{user}>"),
        Author::Operator => "Operator".to_owned(),
        other => quote::name(&personas.of(other, None).name),
    }
}

/// How risky it is said to be, as a colour and a word.
pub fn risk_words(risk: Risk) -> &'static str {
    match risk {
        Risk::Low => "🟢 low",
        Risk::Med => "🟡 medium",
        Risk::High => "🔴 high",
    }
}

/// A task has its title among what is proposed.
fn is_task(proposal: &Proposal) -> bool {
    proposal.reference.source == ProposalSource::Task
}

fn colour(proposal: &Proposal) -> u32 {
    match &proposal.state {
        ProposalState::Open => match proposal.reading.risk {
            Risk::Low => GREEN,
            Risk::Med => YELLOW,
            Risk::High => RED,
        },
        other => outcome::colour(other),
    }
}

fn card(proposal: &Proposal, personas: &Personas, mut frame: Embed, reach: Reach) -> Draft {
    frame.describe(reach_words(proposal, reach));
    Draft {
        content: content(proposal, personas),
        embeds: vec![frame],
        components: buttons(proposal, reach),
        upkeep: Upkeep::Card,
        ..Draft::default()
    }
}

/// The essentials once more as text: embeds can be switched off. The first line stays as long as
/// the proposal is the same; a channel that is read back knows the card by it.
fn content(proposal: &Proposal, personas: &Personas) -> String {
    let action = action_words(proposal);
    let who = proposer(proposal, personas);
    let risk = risk_words(proposal.reading.risk);
    let id = short_id(proposal);
    let first = match &proposal.reading.payload {
        Ok(_) => format!("**{action}** · proposed by **{who}** · risk {risk} · `{id}`"),
        Err(_) => format!("**{action}** · by **{who}** · `{id}`"),
    };
    let what = quote::line(&summary(proposal), SUMMARY_ROOM).markup;
    format!("{first}\n{what} · {}", outcome::line(proposal))
}

/// The frame of a card, and whether it shows everything as it is.
fn frame(proposal: &Proposal, personas: &Personas) -> (Embed, bool) {
    let title = action_words(proposal);
    let made = match proposal.reference.source {
        ProposalSource::Message => "in a chat message",
        ProposalSource::TaskEvent => "in a task's timeline",
        ProposalSource::Task => "as a task",
    };
    let footer = format!("Proposal {}, made {made}", proposal.reference.id);
    let mut frame = Frame {
        embed: Embed::new(title, colour(proposal), &footer),
        whole: true,
    };
    let who = format!("**{}**", proposer(proposal, personas));
    let key = match &proposal.proposer {
        Author::Agent(key) => format!(" {}", quote::line(key.as_str(), 140).markup),
        _ => String::new(),
    };
    frame.ours("Who", who + &key, true);
    frame.ours("Risk", risk_words(proposal.reading.risk).to_owned(), true);
    let at = proposal.proposed_at.timestamp();
    frame.ours("Proposed", format!("<t:{at}:R>"), true);
    for (name, value) in outcome::fields(proposal) {
        frame.ours(&name, value, false);
    }
    if let Some(task) = proposal.task_title.as_ref().filter(|_| !is_task(proposal)) {
        frame.theirs("Task", task, 300);
    }
    if !proposal.reading.reason.is_empty() {
        frame.theirs("Why", &proposal.reading.reason, REASON_ROOM);
    }
    for parameter in parameters::parameters(proposal) {
        frame.theirs(&parameter.name, &parameter.value, usize::MAX);
    }
    if let Some(warning) = parameters::warning(proposal).filter(|_| proposal.is_open()) {
        frame.ours("Note", warning.to_owned(), false);
    }
    (frame.embed, frame.whole)
}

struct Frame {
    embed: Embed,
    whole: bool,
}

impl Frame {
    /// A field in our own words.
    fn ours(&mut self, name: &str, value: String, inline: bool) {
        self.whole &= self.embed.field(name, value, inline);
    }

    /// A field that quotes the proposer, as far as there is room.
    fn theirs(&mut self, name: &str, text: &str, most: usize) {
        let room = self.embed.room(name).min(most);
        if room < LEAST_ROOM {
            self.whole = false;
            return;
        }
        let Quoted { markup, whole } = quote::quoted(text, room);
        self.whole &= self.embed.field(name, markup, false) && whole;
    }
}

fn reach_words(proposal: &Proposal, reach: Reach) -> &'static str {
    match (reach, proposal.is_open()) {
        (Reach::Shown, _) => "",
        (Reach::Attached, _) => {
            "Not everything can be shown here as it is: the full text is in the attached file."
        }
        (Reach::TooLarge, true) => {
            "Not everything can be shown here, and the full text is over 10 MiB, more than a file \
             may have. So it cannot be approved: reject it and ask for smaller pieces."
        }
        (Reach::Refused, true) => {
            "Not everything can be shown here, and Discord does not take the file with the full \
             text, so it cannot be approved here. Allow the bot to attach files in this channel."
        }
        (Reach::TooLarge | Reach::Refused, false) => "Not everything can be shown here as it is.",
    }
}

fn buttons(proposal: &Proposal, reach: Reach) -> Vec<Row> {
    let reference = proposal.reference;
    let hash = proposal.hash();
    let decide = |verdict| Press::Decide {
        reference,
        verdict,
        hash,
    };
    let dismiss = |press| Button::new("Dismiss", Style::Danger, &press);
    let details = Button::new("Details", Style::Secondary, &Press::Details { reference });
    let row = match (&proposal.state, &proposal.reading.payload) {
        (ProposalState::Open, Err(_)) => vec![dismiss(decide(Verdict::Reject)), details],
        (ProposalState::Open, Ok(_)) => {
            let readable = matches!(reach, Reach::Shown | Reach::Attached);
            let why = Press::RejectWithReason { reference, hash };
            vec![
                Button::new("Approve", Style::Success, &decide(Verdict::Approve)).enabled(readable),
                Button::new("Reject", Style::Danger, &decide(Verdict::Reject)),
                Button::new("Reject with reason…", Style::Secondary, &why),
                details,
            ]
        }
        (state, _) if outcome::is_unknown(state) => vec![
            Button::new("Retry", Style::Secondary, &Press::Retry { reference }),
            dismiss(Press::GiveUp { reference }),
        ],
        _ => return Vec::new(),
    };
    vec![Row::Buttons(row)]
}
