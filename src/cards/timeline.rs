//! What happened in a task, as messages in its thread.

use serde_json::Value;

use super::persona;
use super::quote::{self, shortened};
use super::task::status_words;
use super::task_controls::question_controls;
use super::{Draft, File, Persona, Personas, text};
use crate::model::attention::{self, Question};
use crate::model::message::Author;
use crate::model::task::{Answer, Event, Item, TaskStatus};

/// Longer outputs come as a file, and so do longer words of anybody, in UTF-16 units: many messages in a
/// row would keep everything else in `#tasks` waiting.
const LONGEST_INLINE: usize = 3_000;
const LONGEST_SAID: usize = 8_000;

/// Room for titles, reasons, links and other words between ours.
const WORDS: usize = 200;
const LINK: usize = 500;

/// Longest name of a file.
const FILE_NAME: usize = 80;

/// The messages that show an event, in order. Never empty.
pub fn event(event: &Event, personas: &Personas) -> Vec<Draft> {
    match event.kind.as_str() {
        "comment" => comment(event, personas),
        "agent_update" if word(event, "kind") == Some("execution") => {
            vec![ours(&format!("⚙️ {}", said(event)))]
        }
        "agent_update" => spoken(event, personas, &event.content),
        "output_added" => output(event, personas),
        "status_change" => vec![status_change(event, personas)],
        "assignment_change" => vec![assignment_change(event, personas)],
        "task_deleted" => vec![ours(&format!(
            "🗑️ {} deleted the task",
            who(event, personas)
        ))],
        "approval_resolved" => vec![resolved(event, personas)],
        other => {
            let kind = quote::line(other, WORDS).markup;
            let text = match event.content.trim() {
                "" => format!("-# {kind}"),
                text => format!("-# {kind}\n{text}"),
            };
            spoken(event, personas, &text)
        }
    }
}

fn persona(event: &Event, personas: &Personas) -> Persona {
    personas.of(&event.author, event.author_name.as_deref())
}

fn who(event: &Event, personas: &Personas) -> String {
    name(&event.author, event.author_name.as_deref(), personas)
}

fn name(author: &Author, called: Option<&str>, personas: &Personas) -> String {
    match (author, called) {
        (Author::Operator | Author::Member(_), Some(called)) => quote::name(called),
        _ => quote::name(&personas.of(author, called).name),
    }
}

fn word<'a>(event: &'a Event, key: &str) -> Option<&'a str> {
    let word = event.metadata.get(key).and_then(Value::as_str);
    word.filter(|word| !word.trim().is_empty())
}

/// A line of our own voice.
fn ours(line: &str) -> Draft {
    Draft::text(shortened(line, text::CONTENT_LIMIT).into_owned())
}

fn said(event: &Event) -> String {
    match event.content.trim() {
        "" => "*(no text)*".to_owned(),
        text => quote::line(text, 1_500).markup,
    }
}

/// Somebody's words under their name.
fn spoken(event: &Event, personas: &Personas, words: &str) -> Vec<Draft> {
    if quote::length(words) > LONGEST_SAID {
        return vec![attached(event, personas, ("", words), "text")];
    }
    let persona = persona(event, personas);
    let mut parts = persona::spoken(0, &persona, &text::foreign(words));
    if parts.is_empty() {
        parts.push("*(no text)*".to_owned());
    }
    parts
        .into_iter()
        .map(|part| Draft::spoken(persona.clone(), part))
        .collect()
}

fn comment(event: &Event, personas: &Personas) -> Vec<Draft> {
    if event.metadata.get("corrects").is_some() {
        let who = who(event, personas);
        if event.metadata.get("deleted") == Some(&Value::Bool(true)) {
            return vec![ours(&format!("-# 🗑️ {who} took a comment back"))];
        }
        let text = format!("-# ✏️ changed a comment to\n{}", event.content);
        return spoken(event, personas, &text);
    }
    let Some(question) = attention::question(&event.content) else {
        return spoken(event, personas, &event.content);
    };
    let mut drafts = spoken(event, personas, &question_text(event, &question, personas));
    if let (Some(last), Item::Said(item)) = (drafts.last_mut(), event.item) {
        last.components = question_controls(item, &question, event.answer.is_some());
    }
    drafts
}

fn question_text(event: &Event, question: &Question, personas: &Personas) -> String {
    let mut lines = Vec::new();
    if !question.preamble.is_empty() {
        lines.push(question.preamble.clone());
    }
    for (letter, text) in &question.options {
        lines.push(format!("**{letter})** {text}"));
    }
    if let Some(Answer {
        author,
        author_name,
        content,
    }) = &event.answer
    {
        let by = name(author, author_name.as_deref(), personas);
        let answer = attention::answered(content).unwrap_or(content);
        let answer = quote::line(answer, WORDS).markup;
        lines.push(format!("-# ✅ Answered by {by}: {answer}"));
    }
    lines.join("\n")
}

fn status(event: &Event, key: &str) -> Option<String> {
    word(event, key).map(|it| status_words(&TaskStatus::parse(it)))
}

fn status_change(event: &Event, personas: &Personas) -> Draft {
    let who = who(event, personas);
    let change = match (status(event, "old_status"), status(event, "new_status")) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (None, Some(new)) => format!("→ {new}"),
        _ => said(event),
    };
    let why = word(event, "reason").map_or_else(String::new, |reason| {
        format!("\n> Reason: {}", quote::line(reason, WORDS * 4).markup)
    });
    ours(&format!("🔀 {change} · {who}{why}"))
}

fn assignment_change(event: &Event, personas: &Personas) -> Draft {
    let by = who(event, personas);
    let agent = |key: &str| word(event, key).map(|it| name(&Author::parse(it), None, personas));
    let change = match (agent("old_assignee"), agent("new_assignee")) {
        (Some(old), Some(new)) => format!("{old} → {new}"),
        (None, Some(new)) => format!("assigned to {new}"),
        (Some(old), None) => format!("{old} → nobody"),
        (None, None) => said(event),
    };
    ours(&format!("👤 {change} · {by}"))
}

fn resolved(event: &Event, personas: &Personas) -> Draft {
    let by = who(event, personas);
    let line = match word(event, "status") {
        Some("approved") => format!("✅ Approved by {by}"),
        Some("rejected") => format!("🚫 Rejected by {by}"),
        _ => format!("☑️ Decided by {by}"),
    };
    let told = event.content.trim();
    let told = Some(told).filter(|it| !matches!(*it, "" | "Approved" | "Rejected"));
    match word(event, "reason").or(told) {
        Some(why) => ours(&format!("{line}: {}", quote::line(why, WORDS * 4).markup)),
        None => ours(&line),
    }
}

/// What a task has produced: its title, where it is, and the text, as a file where it is long.
fn output(event: &Event, personas: &Personas) -> Vec<Draft> {
    let kind = word(event, "output_type").unwrap_or("output");
    let title = word(event, "title").unwrap_or(kind);
    let mut lines = vec![format!("📎 **{}**", quote::name(title))];
    for key in ["link_url", "url"] {
        lines.extend(word(event, key).map(link));
    }
    if let Some(path) = word(event, "storage_path") {
        lines.push(format!("File: {}", quote::line(path, LINK).markup));
    }
    lines.extend(size(event));
    let body = event.content.trim();
    let long = quote::length(body) > LONGEST_INLINE;
    if long {
        lines.push("-# Its text is in the attached file.".to_owned());
    } else if !body.is_empty() {
        lines.push(body.to_owned());
    }
    let lines = lines.join("\n");
    if long {
        return vec![attached(event, personas, (&lines, &event.content), title)];
    }
    spoken(event, personas, &lines)
}

/// What is too long for messages: its beginning, or what stands `above` it, and all of it in a file.
fn attached(
    event: &Event,
    personas: &Personas,
    (above, whole): (&str, &str),
    title: &str,
) -> Draft {
    let persona = persona(event, personas);
    let above = shortened(&text::foreign(above), 900).into_owned();
    let start = quote::block(whole, 1_000).markup;
    let beginning = Draft::spoken(
        persona.clone(),
        format!("{above}\n{start}").trim().to_owned(),
    );
    let shown = if above.is_empty() {
        format!("{start}\n-# The whole text is in the attached file.")
    } else {
        above
    };
    Draft {
        files: vec![File::new(file_name(title), whole.to_owned())],
        instead: Some(Box::new(beginning)),
        ..Draft::spoken(persona, shown)
    }
}

/// A link that shows where it leads; other schemes are only named.
fn link(url: &str) -> String {
    let whole = url.starts_with("https://") || url.starts_with("http://");
    let plain = url
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | '`'));
    if whole && plain && url.len() <= LINK {
        format!("<{url}>")
    } else {
        quote::line(url, LINK).markup
    }
}

fn size(event: &Event) -> Option<String> {
    let bytes = event.metadata.get("size")?.as_u64()?;
    let kind = word(event, "mime_type").map(|it| quote::line(it, 80).markup);
    let kind = kind.map_or_else(String::new, |kind| format!(", {kind}"));
    Some(format!("-# {bytes} bytes{kind}"))
}

/// A name that no system takes for a path or hides.
fn file_name(title: &str) -> String {
    let safe = |c: char| {
        if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') {
            c
        } else {
            '-'
        }
    };
    let name: String = title.chars().take(FILE_NAME).map(safe).collect();
    let name = name.trim_matches(|c| matches!(c, '-' | '.')).to_owned();
    let end = name.rsplit_once('.').map_or("", |(_, end)| end);
    let has_end = matches!(end.len(), 1..=5) && end.bytes().all(|b| b.is_ascii_alphanumeric());
    match (name.is_empty(), has_end) {
        (true, _) => "output.txt".to_owned(),
        (false, true) => name,
        (false, false) => format!("{name}.txt"),
    }
}
