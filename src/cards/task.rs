//! A task as a card: the message that its thread begins with.

use std::fmt::Write as _;

use super::colour::{BLUE, GREEN, GREY, PURPLE, RED, YELLOW};
use super::draft::Opening;
use super::quote::{self, length, shortened};
use super::task_controls::task_controls;
use super::{Draft, Embed, File, Personas, Upkeep, mode};
use crate::model::message::Author;
use crate::model::mode::{Mode, State};
use crate::model::task::{Task, TaskStatus};

/// Longest name of a thread (source: Discord).
const NAME_ROOM: usize = 100;

/// Room for the description, and for reasons.
const DESCRIPTION_ROOM: usize = 1000;
const REASON_ROOM: usize = 500;

/// The card. What is only proposed shows all of `proposal`, its card where decisions are made: whoever
/// approves has to see what.
pub fn task_card(
    task: &Task,
    personas: &Personas,
    state: &State,
    proposal: Option<Draft>,
) -> Draft {
    let own = Draft {
        content: content(task, personas, state),
        upkeep: Upkeep::Card,
        thread: Some(opening(task)),
        ..Draft::default()
    };
    if let Some(proposal) = proposal {
        return with_proposal(&own, proposal);
    }
    let fixed = task.is_deleted || task.rejected.is_some() || task.state() == "proposed";
    let controls = if fixed {
        Vec::new()
    } else {
        task_controls(task.id, &task.status)
    };
    let card = Draft {
        embeds: vec![frame(task, personas)],
        components: controls,
        ..own
    };
    let described = task.description.as_deref().unwrap_or_default();
    if length(described.trim()) <= DESCRIPTION_ROOM {
        return card;
    }
    let file = File::new("description.txt".to_owned(), described.to_owned());
    Draft {
        files: vec![file],
        instead: Some(Box::new(card.clone())),
        ..card
    }
}

fn with_proposal(own: &Draft, proposal: Draft) -> Draft {
    let instead = proposal.instead.map(|it| with_proposal(own, *it));
    Draft {
        content: own.content.clone(),
        upkeep: own.upkeep,
        thread: own.thread.clone(),
        instead: instead.map(Box::new),
        ..proposal
    }
}

/// How the thread of a task should look from outside.
pub fn opening(task: &Task) -> Opening {
    Opening {
        name: thread_name(task),
        tag: task.state().to_owned(),
    }
}

fn thread_name(task: &Task) -> String {
    let title = quote::visible(&task.title);
    let words: Vec<_> = title.split_whitespace().collect();
    let name = shortened(&words.join(" "), NAME_ROOM).into_owned();
    if name.trim().is_empty() {
        return format!("Task {}", short_id(task));
    }
    name
}

/// The first characters of a task's id: enough to tell tasks apart.
pub fn short_id(task: &Task) -> String {
    let mut id = task.id.simple().to_string();
    id.truncate(8);
    id
}

/// A status between words.
pub fn status_words(status: &TaskStatus) -> String {
    match status {
        TaskStatus::Inbox => "📥 Inbox".to_owned(),
        TaskStatus::Assigned => "👤 Assigned".to_owned(),
        TaskStatus::InProgress => "🔧 In progress".to_owned(),
        TaskStatus::Review => "🔎 Review".to_owned(),
        TaskStatus::Done => "✅ Done".to_owned(),
        TaskStatus::Blocked => "🚧 Blocked".to_owned(),
        TaskStatus::Stopped => "⏹️ Stopped".to_owned(),
        TaskStatus::Other(word) => quote::line(word, 40).markup,
    }
}

fn state_words(task: &Task) -> String {
    match task.state() {
        _ if task.is_deleted => "🗑️ Deleted".to_owned(),
        "proposed" => "📝 Proposed".to_owned(),
        "rejected" => "🚫 Rejected".to_owned(),
        _ => status_words(&task.status),
    }
}

/// The first line is the same for ever: the message is known by it.
fn content(task: &Task, personas: &Personas, state: &State) -> String {
    let title = quote::name(&task.title);
    let mut text = format!("-# Task {}\n**{title}**\n", short_id(task));
    text.push_str(&state_words(task));
    // Writing to a String cannot fail.
    if let Some(assignee) = &task.assignee {
        let _ = write!(text, " · {}", who(assignee, personas));
        if task.is_silent && task.is_open() {
            text.push_str(" · 💤 Agent offline");
        }
    }
    let _ = write!(text, " · since <t:{}:R>", task.created_at.timestamp());
    if task.approvals > 0 {
        let _ = write!(text, "\n🔔 {}", approvals(task.approvals));
    }
    let _ = write!(text, "\n-# {}", badge(state));
    text
}

fn approvals(count: i64) -> String {
    match count {
        1 => "One approval is open".to_owned(),
        many => format!("{many} approvals are open"),
    }
}

/// How far the card can be believed.
fn badge(state: &State) -> String {
    let mark = mode::mark(state.mode);
    match (state.mode, state.last_ok) {
        (None, _) => format!("{mark} Starting"),
        (Some(Mode::Live), _) => format!("{mark} Live"),
        (Some(other), Some(at)) => format!(
            "{mark} {other}: last known state, as of <t:{}:f>",
            at.timestamp()
        ),
        (Some(other), None) => format!(
            "{mark} {other}: last known state, as of <t:{}:f>",
            state.since.timestamp()
        ),
    }
}

fn who(author: &Author, personas: &Personas) -> String {
    quote::name(&personas.of(author, None).name)
}

fn frame(task: &Task, personas: &Personas) -> Embed {
    let footer = format!("Task {}", task.id);
    let mut frame = Embed::new(&state_words(task), colour(task), &footer);
    let described = task.description.as_deref().unwrap_or_default();
    if described.trim().is_empty() {
        frame.field("Description", "*(none)*".to_owned(), false);
    } else {
        frame.field("Description", foreign(described), false);
    }
    let assignee = task.assignee.as_ref();
    let assignee = assignee.map_or_else(|| "*nobody*".to_owned(), |it| who(it, personas));
    frame.field("Assignee", assignee, true);
    let since = format!("<t:{0}:f>", task.created_at.timestamp());
    frame.field("Created", since, true);
    if task.status == TaskStatus::Blocked {
        frame.field(
            "Blocked because",
            reason(task.blocked_reason.as_deref()),
            false,
        );
    }
    if task.status == TaskStatus::Stopped
        && let Some(why) = task.blocked_reason.as_deref()
    {
        frame.field("Stopped because", reason(Some(why)), false);
    }
    if let Some(why) = &task.rejected {
        frame.field("Rejected because", reason(why.as_deref()), false);
    }
    frame
}

fn reason(text: Option<&str>) -> String {
    match text.map(str::trim).filter(|text| !text.is_empty()) {
        Some(text) => quote::quoted(text, REASON_ROOM).markup,
        None => "*(no reason)*".to_owned(),
    }
}

/// The beginning of others' words, with nothing in them that lies.
fn foreign(text: &str) -> String {
    let cut = shortened(text.trim(), DESCRIPTION_ROOM);
    let safe = super::text::foreign(&cut);
    if length(&safe) <= super::embed::VALUE_LIMIT && safe.matches("```").count().is_multiple_of(2) {
        return safe;
    }
    quote::block(text, DESCRIPTION_ROOM).markup
}

fn colour(task: &Task) -> u32 {
    match (task.state(), &task.status) {
        _ if task.is_deleted => GREY,
        ("proposed", _) => YELLOW,
        ("rejected", _) => GREY,
        (_, TaskStatus::InProgress) => BLUE,
        (_, TaskStatus::Review) => PURPLE,
        (_, TaskStatus::Done) => GREEN,
        (_, TaskStatus::Blocked | TaskStatus::Stopped) => RED,
        _ => GREY,
    }
}
