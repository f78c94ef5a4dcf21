//! How the pack is put together.

use std::fmt::Write as _;

use chrono::SecondsFormat;
use serde_json::Value;

use super::{
    About, CHANGES, COMMENT, COMMENTS, Change, DESCRIPTION, Found, Knowledge, Known, LeftOut,
    PINNED, PINNED_TEXT, Pack, Part, Pinned, RESULTS, RESULTS_TEXT, Section,
};

/// Most characters of something that happened.
const CHANGE: usize = 300;

/// Most bullets of a document (source: `ClawdOS`).
const BULLETS: usize = 10;

/// Most characters of a task that are searched for (source: `ClawdOS`).
const QUERY: usize = 300;

/// Most characters of a title.
const TITLE: usize = 200;

/// Puts the pack together.
pub fn assemble(known: &Known) -> Pack {
    let sections = [
        Some(header(known)),
        plain(Part::Mission, known.mission.as_deref()),
        plain(Part::Overview, known.overview.as_deref()),
        changes(&known.changes),
        pinned(Part::Global, &known.global),
        pinned(Part::Own, &known.own),
        known.task.as_ref().map(task),
        found(&known.found),
    ];
    Pack(sections.into_iter().flatten().collect())
}

/// What is searched for where there is a task: the words that it begins with, each once.
pub fn search_words(task: &About) -> Vec<String> {
    let text = format!(
        "{} {}",
        task.title,
        task.description.as_deref().unwrap_or_default()
    );
    let begins: String = text.chars().take(QUERY).collect();
    let mut words: Vec<String> = Vec::new();
    for word in begins.split(|c: char| !c.is_alphanumeric()) {
        let word = word.to_lowercase();
        // Shorter ones stand everywhere; `or` means something to a search.
        if word.chars().count() > 2 && !words.contains(&word) {
            words.push(word);
        }
    }
    words
}

fn header(known: &Known) -> Section {
    let built = known.built.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut text = format!(
        "# {}\nBuilt: {built}\nAgent: {}",
        Part::Header.heading(),
        known.agent
    );
    if let Some(version) = &known.version {
        // Writing to a String cannot fail.
        let _ = write!(text, "\nCapabilities: {}", line(version, TITLE).0);
    }
    section(Part::Header, text, Vec::new())
}

/// A text alone. A placeholder begins with `_` and is none (source: `ClawdOS`).
fn plain(part: Part, text: Option<&str>) -> Option<Section> {
    let text = text
        .map(str::trim)
        .filter(|it| !it.is_empty() && !it.starts_with('_'))?;
    let (text, whole) = cut(text, part.cap().unwrap_or(usize::MAX));
    let left = (!whole).then(|| LeftOut::Cut(String::new()));
    Some(headed(part, &text, left.into_iter().collect()))
}

fn changes(changes: &[Change]) -> Option<Section> {
    let mut left_out = Vec::new();
    let lines = changes.iter().take(CHANGES).map(|it| {
        let (message, whole) = line(&it.message, CHANGE);
        if !whole {
            left_out.push(LeftOut::Cut(line(&it.message, 40).0));
        }
        let by = it.by.as_deref().map(|by| line(by, TITLE).0);
        let by = by.map_or_else(String::new, |by| format!(" _({by})_"));
        format!("- [{}] {message}{by}", it.at.format("%H:%M"))
    });
    let lines: Vec<_> = lines.collect();
    (!lines.is_empty()).then(|| headed(Part::Changes, &lines.join("\n"), left_out))
}

/// Documents as long as there is room; the first one always, cut if it has to be.
fn pinned(part: Part, pinned: &Pinned) -> Option<Section> {
    let mut left_out = Vec::new();
    let mut texts: Vec<String> = Vec::new();
    let mut room = PINNED_TEXT;
    let shown = pinned.documents.iter().take(PINNED);
    for it in shown {
        let title = line(&it.title, TITLE).0;
        if it.secret {
            texts.push(format!(
                "### {title}\n_It holds secrets: ask an operator for what you need of it._"
            ));
            left_out.push(LeftOut::Secret(title));
            continue;
        }
        let said = said(it);
        let size = said.chars().count();
        if room == 0 || (size > room && room < PINNED_TEXT) {
            left_out.push(LeftOut::Whole(title));
            continue;
        }
        let (said, whole) = cut(&said, room);
        room -= size.min(room);
        if !whole {
            left_out.push(LeftOut::Cut(title.clone()));
        }
        texts.push(format!("### {title}\n{said}"));
    }
    let more = pinned
        .in_all
        .saturating_sub(pinned.documents.len().min(PINNED));
    if more > 0 {
        left_out.push(LeftOut::More(more));
    }
    let any = !texts.is_empty() || !left_out.is_empty();
    any.then(|| headed(part, &texts.join("\n\n"), left_out))
}

/// What a document says: what was noted of it, else its own text.
fn said(document: &Knowledge) -> String {
    let notes = document.notes.as_ref();
    let list = |names: &[&str], most: usize| -> Vec<String> {
        let named = names.iter().filter_map(|name| notes?.get(name));
        named.flat_map(bullets).take(most).collect()
    };
    let summary = list(&["summary", "notes", "bullets", "key_points"], BULLETS);
    let rules = list(&["rules", "key_rules"], usize::MAX);
    let mut parts = Vec::new();
    if !summary.is_empty() {
        parts.push(summary.join("\n"));
    }
    if !rules.is_empty() {
        parts.push(format!("Rules:\n{}", rules.join("\n")));
    }
    if parts.is_empty() {
        return document
            .text
            .as_deref()
            .unwrap_or_default()
            .trim()
            .to_owned();
    }
    parts.join("\n")
}

fn bullets(value: &Value) -> Vec<String> {
    let texts: Vec<&str> = match value {
        Value::String(text) => text.lines().collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let lines = texts.into_iter().map(|text| line(text, PINNED_TEXT).0);
    let lines = lines.filter(|text| !text.is_empty());
    lines
        .map(|text| format!("- {}", text.trim_start_matches("- ")))
        .collect()
}

fn task(task: &About) -> Section {
    let mut left_out = Vec::new();
    let mut text = format!(
        "### {}\nStatus: {}",
        line(&task.title, TITLE).0,
        line(&task.status, TITLE).0
    );
    let description = task.description.as_deref().unwrap_or_default().trim();
    if !description.is_empty() {
        let (description, whole) = cut(description, DESCRIPTION);
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{description}");
        if !whole {
            left_out.push(LeftOut::Cut("its description".to_owned()));
        }
    }
    let from = task.comments.len().saturating_sub(COMMENTS);
    for (at, (by, comment)) in task.comments[from..].iter().enumerate() {
        if at == 0 {
            text.push_str("\nLast comments:");
        }
        let (comment, whole) = line(comment, COMMENT);
        let by = line(by, TITLE).0;
        let _ = write!(text, "\n- {comment} _({by})_");
        if !whole {
            left_out.push(LeftOut::Cut(format!("a comment by {by}")));
        }
    }
    headed(Part::Task, &text, left_out)
}

fn found(found: &[Found]) -> Option<Section> {
    let mut left_out = Vec::new();
    let mut room = RESULTS_TEXT;
    let mut texts = Vec::new();
    for it in found.iter().take(RESULTS) {
        let source = line(&it.source, TITLE).0;
        if room == 0 {
            left_out.push(LeftOut::Cut(source));
            continue;
        }
        let (text, whole) = cut(it.text.trim(), room);
        room -= text.chars().count().min(room);
        if !whole {
            left_out.push(LeftOut::Cut(source.clone()));
        }
        texts.push(format!("### {source}\n{text}"));
    }
    (!texts.is_empty()).then(|| headed(Part::Found, &texts.join("\n\n"), left_out))
}

fn headed(part: Part, text: &str, left_out: Vec<LeftOut>) -> Section {
    let text = format!("## {}\n{text}", part.heading());
    section(part, text.trim_end().to_owned(), left_out)
}

fn section(part: Part, text: String, left_out: Vec<LeftOut>) -> Section {
    Section {
        part,
        text,
        left_out,
    }
}

/// So many characters at most, with the ellipsis, and whether that is all.
fn cut(text: &str, most: usize) -> (String, bool) {
    if text.chars().nth(most).is_none() {
        return (text.to_owned(), true);
    }
    let mut kept: String = text.chars().take(most.saturating_sub(1)).collect();
    kept.push('…');
    (kept, false)
}

/// The same on one line, so that nobody's words begin a line of their own.
fn line(text: &str, most: usize) -> (String, bool) {
    // A megabyte may stand there; blanks are folded.
    let begins: String = text.chars().take(most.saturating_mul(4)).collect();
    let whole = begins.len() == text.len();
    let words: Vec<_> = begins.split_whitespace().collect();
    let (text, fits) = cut(&words.join(" "), most);
    (text, fits && whole)
}
