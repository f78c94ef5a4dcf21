//! What happened, as posts in `#activity`: one row, or a burst of them that grows.

use std::fmt::Write as _;

use uuid::Uuid;

use super::text::CONTENT_LIMIT;
use super::{Draft, Personas, Upkeep, quote};
use crate::model::ChannelId;
use crate::model::activity::{HEARTBEAT, HEARTBEAT_FINDING, KindSeen, Line, Post};
use crate::model::message::Author;

/// Most rows of a burst that are shown; the others are counted.
const SHOWN: usize = 10;

/// Longest text of a row of a burst, and of one that stands alone.
const IN_BURST: usize = 120;
const ALONE: usize = 500;

/// The same for what can be seen elsewhere in Discord.
const SEEN_ELSEWHERE: usize = 160;

/// Longest type that is shown.
const KIND: usize = 40;

/// Room for the line that counts what is not shown.
const REST_ROOM: usize = 40;

/// Longest list of types.
const KINDS: usize = 40;

/// The post. `thread` tells where the thread of a task is.
pub fn post(post: &Post, personas: &Personas, thread: impl Fn(Uuid) -> Option<ChannelId>) -> Draft {
    let (begins, told) = if let Some((kind, actor)) = &post.common {
        let who = who(actor.as_deref(), personas);
        (head(mark(kind), &who, post), counted(kind, post))
    } else {
        let told = format!("**{} rows**", post.count);
        (head("📋", "several things at once", post), told)
    };
    let finding = post
        .common
        .as_ref()
        .is_some_and(|it| it.0 == HEARTBEAT_FINDING);
    let content = match post.lines.as_slice() {
        [only] if post.count == 1 => alone(&begins, &told, only, &thread),
        lines => burst(&begins, &told, post, lines, personas, &thread),
    };
    Draft {
        upkeep: Upkeep::Counted(begins.len()),
        silent: !finding,
        ..Draft::text(content)
    }
}

/// What the post is known by: it never changes while rows join.
fn head(mark: &str, who: &str, post: &Post) -> String {
    format!("{mark} {who} · <t:{}:R> · ", post.first_at.timestamp())
}

fn counted(kind: &str, post: &Post) -> String {
    match post.count {
        1 => format!("**{}**", words(kind)),
        count => format!("**{count} × {}**", words(kind)),
    }
}

fn alone(
    begins: &str,
    told: &str,
    line: &Line,
    thread: impl Fn(Uuid) -> Option<ChannelId>,
) -> String {
    let room = if is_seen_elsewhere(&line.kind) {
        SEEN_ELSEWHERE
    } else {
        ALONE
    };
    let leads = link(line, thread);
    format!("{begins}{told}{leads}\n> {}", said(line, room))
}

fn burst(
    begins: &str,
    told: &str,
    post: &Post,
    lines: &[Line],
    personas: &Personas,
    thread: impl Fn(Uuid) -> Option<ChannelId>,
) -> String {
    let mixed = post.common.is_none();
    let most = if mixed { lines.len() } else { SHOWN };
    let shown = lines.len().saturating_sub(most);
    let mut left = CONTENT_LIMIT - quote::length(begins) - quote::length(told) - REST_ROOM;
    let mut rows = Vec::new();
    // The newest ones matter most: they are the first to find room.
    for line in lines[shown..].iter().rev() {
        let what = if mixed {
            let who = who(line.actor.as_deref(), personas);
            format!("{} {who} · {} · ", mark(&line.kind), words(&line.kind))
        } else {
            String::new()
        };
        let at = line.at.timestamp();
        let (said, leads) = (said(line, IN_BURST), link(line, &thread));
        let row = format!("\n- {what}{said}{leads} · <t:{at}:t>");
        let Some(rest) = left.checked_sub(quote::length(&row)) else {
            break;
        };
        left = rest;
        rows.push(row);
    }
    rows.reverse();
    let before = match post.count.saturating_sub(rows.len()) {
        0 => String::new(),
        before => format!("\n-# {before} before these"),
    };
    format!("{begins}{told}{before}{}", rows.concat())
}

fn said(line: &Line, room: usize) -> String {
    match quote::plain_line(&line.message, room).as_str() {
        "" => "*(no text)*".to_owned(),
        text => text.to_owned(),
    }
}

fn link(line: &Line, thread: impl Fn(Uuid) -> Option<ChannelId>) -> String {
    let thread = line.task.and_then(thread);
    thread.map_or_else(String::new, |thread| format!(" · <#{thread}>"))
}

/// Whose doing it is.
pub(super) fn who(actor: Option<&str>, personas: &Personas) -> String {
    match actor.map(Author::parse) {
        // Discord shows the name; nobody is pinged by what we post.
        Some(Author::Member(user)) => format!("<@{user}>"),
        Some(author) => quote::name(&personas.of(&author, None).name),
        None => "Nobody in particular".to_owned(),
    }
}

/// A type as words: `task_moved` is "task moved".
fn words(kind: &str) -> String {
    match quote::plain_line(&kind.replace('_', " "), KIND).as_str() {
        "" => "something".to_owned(),
        words => words.to_owned(),
    }
}

/// Whether the cards and threads of Discord show it anyhow.
fn is_seen_elsewhere(kind: &str) -> bool {
    ["task_", "approval_", "chat_"]
        .iter()
        .any(|it| kind.starts_with(it))
}

fn mark(kind: &str) -> &'static str {
    match kind {
        HEARTBEAT_FINDING => "🔎",
        "task_created" | "task_proposed" => "🆕",
        "task_moved" | "task_accepted" | "task_unblocked" => "🔀",
        "task_blocked" | "watchdog" | "chat_delivery_failed" => "⚠️",
        "task_comment" => "💬",
        "task_output_added" => "📎",
        "approval_granted" => "✅",
        "approval_rejected" | "task_rejected" => "🚫",
        other if other.starts_with("cron_") => "⏰",
        other if other.starts_with("agent_") => "🤖",
        other if other.starts_with("document_") || other.starts_with("brain_doc") => "📄",
        _ => "▫️",
    }
}

/// The types that occur, and which of them are muted.
pub fn kinds(kinds: &[KindSeen]) -> String {
    if kinds.is_empty() {
        return "Nothing has happened in the last 30 days, and nothing is muted.".to_owned();
    }
    let mut text = "**What happened in the last 30 days**, by type".to_owned();
    for (index, kind) in kinds.iter().enumerate() {
        let name = quote::line(&kind.kind, KIND).markup;
        let muted = if kind.muted { " · 🔇 muted" } else { "" };
        let line = format!("\n- {name}: {}{muted}", kind.count);
        let full = quote::length(&text) + quote::length(&line) > CONTENT_LIMIT - REST_ROOM * 4;
        if index == KINDS || full {
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "
-# …and {} more",
                kinds.len() - index
            );
            break;
        }
        text.push_str(&line);
    }
    text.push_str("\n-# Operators leave a type out with `/activity mute`, everybody may look.");
    text
}

/// A type is muted, or was so already.
pub fn muted(kind: &str, changed: bool) -> String {
    let kind = quote::line(kind, KIND).markup;
    if changed {
        format!(
            "{kind} is muted: new rows of it are not shown in `#activity`, and those that come \
             meanwhile will not be. `/activity unmute` ends that."
        )
    } else {
        format!("{kind} was muted already.")
    }
}

/// A type is not muted any more, or was not.
pub fn unmuted(kind: &str, changed: bool) -> String {
    let kind = quote::line(kind, KIND).markup;
    if changed {
        format!("{kind} is shown again from now on.")
    } else {
        format!("{kind} was not muted.")
    }
}

/// Heartbeats that find nothing make no post.
pub fn never_posted() -> String {
    format!(
        "`{HEARTBEAT}` makes no posts: it only changes the card of its agent. `/labs` switches the \
         cards, with the flag `heartbeat_ui`."
    )
}

/// What was typed is no type.
pub fn no_kind() -> String {
    "A type is one word of at most 100 characters, such as `task_moved`. `/activity types` lists those \
     that occur."
        .to_owned()
}

/// Nobody but an operator mutes.
pub fn not_an_operator() -> String {
    "Only operators mute types, and you are not one of them. Nothing has changed.".to_owned()
}

/// Nothing is known without the database.
pub fn database_away() -> String {
    "The database cannot be reached in time, so nothing has changed. Try again when `#status` says \
     that it is back."
        .to_owned()
}
