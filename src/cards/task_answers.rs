//! What a person is told who does something about a task; only they see it.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::button::CHOICE_LIMIT;
use super::quote::{self, shortened, visible};
use super::task::status_words;
use super::task_press::TaskPress;
use super::text::CONTENT_LIMIT;
use super::{Button, Draft, Modal, Persona, Row, Style, labs};
use crate::model::ChannelId;
use crate::model::attention::answered;
use crate::model::labs::Feature;
use crate::model::task::{TaskStatus, TimelineItem};

/// Characters of a title, of a typed word and of an answer in a sentence.
const TITLE: usize = 120;
const WORD: usize = 80;
const ANSWER: usize = 300;

/// Longest answer to a question, and longest reason for a stop: an agent reads them whole.
const FORM_LIMIT: u16 = 1_000;

/// A task on a line of a list.
#[derive(Debug, Clone)]
pub struct Line<'a> {
    /// Which one.
    pub id: Uuid,
    /// Its title.
    pub title: &'a str,
    /// Where it stands.
    pub status: &'a TaskStatus,
    /// Whether an operator has to say yes to it first.
    pub is_proposed: bool,
    /// Whose it is.
    pub assignee: Option<Persona>,
    /// When it changed last.
    pub at: DateTime<Utc>,
    /// Its thread.
    pub thread: Option<ChannelId>,
}

fn title(text: &str) -> String {
    quote::line(text, TITLE).markup
}

/// The first characters of a task's id, as its card has them.
fn short(id: Uuid) -> String {
    let mut id = id.simple().to_string();
    id.truncate(8);
    id
}

/// The form for an answer that is none of the options.
pub fn answer_form(item: TimelineItem) -> Modal {
    Modal {
        title: "Another answer",
        custom_id: TaskPress::AnswerForm { item }.to_string(),
        label: "Your answer",
        placeholder: "The agent will read this.",
        longest: FORM_LIMIT,
    }
}

/// The form that asks why a task should stop.
pub fn stop_form(task: Uuid) -> Modal {
    Modal {
        title: "Stop a task",
        custom_id: TaskPress::StopForm { task }.to_string(),
        label: "Why?",
        placeholder: "Everybody who follows the task will read this.",
        longest: FORM_LIMIT,
    }
}

/// How a task is offered while its name is typed, within 100 characters (source: Discord).
pub fn choice(id: Uuid, task: &str, status: &TaskStatus) -> String {
    let end = format!(" · {}", visible(&status_words(status)));
    let room = CHOICE_LIMIT.saturating_sub(quote::length(&end));
    let task = visible(task)
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let name = if task.is_empty() { short(id) } else { task };
    let name = format!("{}{end}", shortened(&name, room));
    shortened(&name, CHOICE_LIMIT).into_owned()
}

/// A task was made.
pub fn created(task: &str, thread: Option<ChannelId>) -> String {
    let there = thread.map_or_else(
        || "Its thread comes in `#tasks`.".to_owned(),
        |thread| format!("<#{thread}>"),
    );
    format!("Created: {}. {there}", title(task))
}

/// The same command has made it before.
pub fn created_before() -> String {
    "This task is there already.".to_owned()
}

/// The title has no characters, or too many.
pub fn bad_title(characters: usize, longest: usize) -> String {
    if characters == 0 {
        return "A task needs a name. Nothing was created.".to_owned();
    }
    format!(
        "The name has {characters} characters, and a task's name has at most {longest}. Nothing was \
         created."
    )
}

/// Some text is too long.
pub fn too_long(what: &str, characters: usize, longest: usize) -> String {
    format!(
        "The {what} has {characters} characters, and at most {longest} are kept. Nothing has changed."
    )
}

/// No task is called so.
pub fn unknown_task(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!("There is no task {word} in this project. Choose one of the list that Discord offers.")
}

/// More than one task is called so.
pub fn many_tasks(word: &str, count: usize) -> String {
    let word = quote::line(word, WORD).markup;
    format!("{count} tasks are called {word}. Choose one of the list that Discord offers.")
}

/// The task is gone.
pub fn gone() -> String {
    "This task does not exist any more.".to_owned()
}

/// The word is no agent.
pub fn unknown_agent(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!(
        "There is no agent {word} in this project, so nothing has changed. Choose one of the list that \
         Discord offers."
    )
}

/// The word is no status that can be chosen.
pub fn unknown_status(word: &str, statuses: &[TaskStatus]) -> String {
    let word = quote::line(word, WORD).markup;
    let known: Vec<_> = statuses.iter().map(|it| format!("`{it}`")).collect();
    format!(
        "There is no status {word}. The statuses are {}.",
        known.join(", ")
    )
}

/// A task stands somewhere else now.
pub fn moved(task: &str, old: &TaskStatus, new: &TaskStatus) -> String {
    format!(
        "{}: {} → {}.",
        title(task),
        status_words(old),
        status_words(new)
    )
}

/// It stood there already.
pub fn stands_there(status: &TaskStatus) -> String {
    format!(
        "It is {} already. Nothing has changed.",
        status_words(status)
    )
}

/// A task was stopped: on some databases by blocking it.
pub fn stopped(task: &str, new: &TaskStatus) -> String {
    let task = title(task);
    if *new == TaskStatus::Stopped {
        return format!("Stopped: {task}.");
    }
    format!(
        "This database has no status `stopped`, so {task} is {} with your reason.",
        status_words(new)
    )
}

/// A task is not stopped without a reason.
pub fn reason_needed() -> String {
    "Stopping a task needs a reason. Nothing has changed.".to_owned()
}

/// `stopped` was given as a status.
pub fn stop_instead() -> String {
    "Stopping asks for a reason: use `/task stop`, or **Stop…** on the task's card.".to_owned()
}

/// A task is somebody else's now, or nobody's.
pub fn assigned(task: &str, to: &Persona) -> String {
    format!("{} is {}'s now.", title(task), quote::name(&to.name))
}

/// It was theirs already.
pub fn is_theirs(to: &Persona) -> String {
    format!(
        "It is {}'s already. Nothing has changed.",
        quote::name(&to.name)
    )
}

/// The question before a task is deleted, which counts until a moment.
pub fn delete_question(id: Uuid, task: &str, until: DateTime<Utc>) -> Draft {
    let seconds = until.timestamp();
    let press = TaskPress::Delete {
        task: id,
        until: u32::try_from(seconds).unwrap_or_default(),
    };
    let button = Button::new("Yes, delete it", Style::Danger, &press);
    Draft {
        components: vec![Row::Buttons(vec![button])],
        ..Draft::text(format!(
            "Do you really want to delete {}? Its thread is archived. The question expires \
             <t:{seconds}:R>; nothing happens if you leave it.",
            title(task)
        ))
    }
}

/// The answer to it came too late.
pub fn question_has_expired() -> String {
    "This question has expired and nothing was deleted. Use `/task delete` again.".to_owned()
}

/// A task was deleted.
pub fn deleted() -> String {
    "Deleted.".to_owned()
}

/// A question has its answer.
pub fn answer_given(content: &str) -> String {
    format!(
        "Answered: {}",
        quote::line(answered(content).unwrap_or(content), ANSWER).markup
    )
}

/// Somebody was faster.
pub fn answered_before(by: &str, content: &str) -> String {
    let answer = quote::line(answered(content).unwrap_or(content), ANSWER).markup;
    format!("Answered by **{}**: {answer}", quote::name(by))
}

/// The question is gone.
pub fn question_gone() -> String {
    "This question does not exist any more.".to_owned()
}

/// The comment is no question, or has no such option.
pub fn no_question() -> String {
    "This question has changed, or has no such answer any more. Nothing was answered.".to_owned()
}

/// Nothing was written.
pub fn empty_answer() -> String {
    "There is no text in your answer, so nothing was answered.".to_owned()
}

/// Something came out of a task.
pub fn output_added(task: &str) -> String {
    format!("Added to {}.", title(task))
}

/// The same command has added it before.
pub fn output_there() -> String {
    "This output is there already.".to_owned()
}

/// An output has to hold something.
pub fn nothing_in_output() -> String {
    "An output needs a text, a link or a file. Nothing was added.".to_owned()
}

/// One event shows one thing that can be opened.
pub fn one_of_both() -> String {
    "An output has a link or a file, not both. Nothing was added: add one after the other."
        .to_owned()
}

/// The link is none.
pub fn bad_link(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!("{word} is no link that starts with `https://` or `http://`. Nothing was added.")
}

/// Whose output?
pub fn which_task() -> String {
    "Which task? Name one with `task`, or use `/output` in the task's thread.".to_owned()
}

/// What `/task show` says above the card.
pub fn shown_above(thread: Option<ChannelId>, asked: bool) -> String {
    match (thread, asked) {
        (Some(thread), false) => format!("<#{thread}>"),
        (Some(thread), true) => format!("<#{thread}> is opened again."),
        (None, _) => "Its thread is being made in `#tasks`.".to_owned(),
    }
}

/// A person has closed the thread for good.
pub fn thread_locked(thread: ChannelId) -> String {
    format!(
        "Somebody has closed and locked its thread: <#{thread}>. It stays as it is until it is unlocked."
    )
}

/// A list of tasks; `more` of them are not shown.
pub fn list(lines: &[Line<'_>], status: Option<&TaskStatus>, more: bool) -> String {
    let what = status.map_or_else(|| "open".to_owned(), status_words);
    if lines.is_empty() {
        return format!("No task is {what}.");
    }
    let end = "\n…and more. Name a status, or look one up with `/task show`.";
    let room = CONTENT_LIMIT - quote::length(end);
    let mut text = format!("Tasks that are {what}, last changed first:");
    let mut whole = true;
    for one in lines {
        let line = entry(one);
        if quote::length(&text) + 1 + quote::length(&line) > room {
            whole = false;
            break;
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{line}");
    }
    if more || !whole {
        text.push_str(end);
    }
    text
}

fn entry(one: &Line<'_>) -> String {
    let state = if one.is_proposed && *one.status == TaskStatus::Inbox {
        "📝 Proposed".to_owned()
    } else {
        status_words(one.status)
    };
    let who = one.assignee.as_ref();
    let who = who.map_or_else(String::new, |it| format!(" · {}", quote::name(&it.name)));
    let place = one.thread.map_or_else(
        || format!("`{}`", short(one.id)),
        |thread| format!("<#{thread}>"),
    );
    format!(
        "{state} {}{who} · <t:{}:R> · {place}",
        title(one.title),
        one.at.timestamp()
    )
}

/// Tasks are switched off.
pub fn switched_off(missing: &[Feature]) -> String {
    let switches: Vec<String> = missing.iter().map(|it| labs::switch_on(*it)).collect();
    format!(
        "Threads of tasks are switched off in this project. An operator can switch them on with {}.",
        switches.join(" and ")
    )
}

/// Whoever looks is no member.
pub fn members_only() -> String {
    "Only members of the server look at tasks.".to_owned()
}

/// Nothing is known without the database.
pub fn database_away() -> String {
    "The database cannot be reached in time, so it may not have happened. When `#status` says that it \
     is back, look with `/task show` before you try again."
        .to_owned()
}
