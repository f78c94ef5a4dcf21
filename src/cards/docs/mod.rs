//! Documents: a list by whose they are, one of them whole, and the forms that change them. What agents and dashboards
//! write is text here, and nothing else.

pub mod answers;
pub mod press;

use super::activity::who;
use super::button::{CHOICE_LIMIT, Choice, ROW_LIMIT, Select};
use super::form::{Field, Form};
use super::quote::{self, length, shortened, visible};
use super::{Button, Draft, File, Personas, Row, Style, pages};
use crate::model::document::{Access, DocLine, DocRef, Document, IN_FORM, LONGEST_TITLE};
use crate::model::mission::LONGEST as LONGEST_MISSION;
use press::DocPress;

/// Names of the fields of the forms.
pub const FORM_TEXT: &str = "text";
/// The title of a new note.
pub const FORM_TITLE: &str = "title";
/// The agent of a new document.
pub const FORM_AGENT: &str = "agent";

/// UTF-16 units of a title between our own words, before it is escaped.
const TITLE_ROOM: usize = 60;

/// UTF-16 units of the lines of a page.
const PAGE_ROOM: usize = 1_500;

/// UTF-16 units of a text on its card; a longer one comes as a file.
const TEXT_ROOM: usize = 1_300;

/// The kinds of brain docs, as people read them.
const KINDS: [(&str, &str); 10] = [
    ("soul", "Soul"),
    ("agents", "Agents"),
    ("user", "User"),
    ("memory_long", "Long-term memory"),
    ("memory_today", "Memory of today"),
    ("mission", "Mission"),
    ("project_overview", "Project overview"),
    ("capabilities", "Capabilities"),
    ("project_mission", "Project mission"),
    ("project_rules", "Project rules"),
];

/// The kinds that can be made, by what is read and what is sent. The mission has a command of its own.
pub fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    let others = KINDS.into_iter().filter(|(kind, _)| *kind != "mission");
    std::iter::once(("Document", "note")).chain(others.map(|(kind, words)| (words, kind)))
}

/// A kind as people read it.
pub fn kind_words(kind: &str) -> &str {
    let known = KINDS.iter().find(|(it, _)| *it == kind);
    known.map_or(kind, |(_, words)| words)
}

/// What a document is called, without any formatting: on one line, with nothing that cannot be seen.
pub fn called(line: &DocLine, personas: &Personas) -> String {
    let owner = line.owner.as_deref().map(|_| owner(line, personas));
    let name = match (&line.title, owner) {
        (Some(title), Some(owner)) => format!("{title} ({owner})"),
        (Some(title), None) => title.clone(),
        (None, Some(owner)) => format!("{} of {owner}", kind_words(&line.kind)),
        (None, None) => kind_words(&line.kind).to_owned(),
    };
    let words: Vec<_> = name.split_whitespace().collect();
    let name = visible(&words.join(" ")).into_owned();
    if name.is_empty() {
        "(no title)".to_owned()
    } else {
        name
    }
}

fn owner(line: &DocLine, personas: &Personas) -> String {
    match line.agent() {
        Some(agent) => personas.agent(&agent).name,
        None => line.owner.clone().unwrap_or_default(),
    }
}

/// The same between our own words.
pub fn named(line: &DocLine, personas: &Personas) -> String {
    format!(
        "**{}**",
        quote::plain_line(&called(line, personas), TITLE_ROOM)
    )
}

/// One to choose while its name is typed.
pub fn offer(line: &DocLine, personas: &Personas) -> String {
    let mark = match (line.access, line.pinned) {
        (Access::Secret, _) => "🔒 ",
        (_, true) => "📌 ",
        _ => "",
    };
    let name = format!("{mark}{}", called(line, personas));
    shortened(&name, CHOICE_LIMIT).into_owned()
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KB", bytes.div_ceil(1_024)),
        _ => {
            let tenths = bytes.saturating_mul(10) / 1_048_576;
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}

fn entry(line: &DocLine, personas: &Personas) -> String {
    let title = line
        .title
        .as_deref()
        .unwrap_or_else(|| kind_words(&line.kind));
    let title = quote::plain_line(title, TITLE_ROOM);
    let title = if title.is_empty() {
        "(no title)"
    } else {
        &title
    };
    let pin = if line.pinned { "📌 " } else { "" };
    let whose = match (&line.title, &line.owner) {
        (Some(_), Some(_)) => format!(" for {}", quote::name(&owner(line, personas))),
        _ => String::new(),
    };
    match line.access {
        Access::Secret => {
            format!("{pin}🔒 {title}{whose}: it holds secrets, and is only named here")
        }
        Access::Stored => format!("{pin}{title}{whose}: a file that is kept elsewhere"),
        Access::Open => format!(
            "{pin}{title}{whose} · {} · <t:{}:R>",
            size(line.bytes),
            line.at.timestamp()
        ),
    }
}

/// What stands above a document in the list.
fn group(line: &DocLine, personas: &Personas) -> String {
    match (line.doc, &line.owner) {
        (DocRef::Note(_), _) => "Documents".to_owned(),
        (DocRef::Brain(_), None) => "The project".to_owned(),
        (DocRef::Brain(_), Some(_)) => quote::name(&owner(line, personas)),
    }
}

/// One page of the list, from 0.
pub fn list(lines: &[DocLine], wanted: u16, personas: &Personas) -> Draft {
    let groups: Vec<_> = lines.iter().map(|line| group(line, personas)).collect();
    let starts = |at: usize| at == 0 || groups[at] != groups[at - 1];
    let entries = lines.iter().enumerate().map(|(at, line)| {
        let entry = format!("- {}", entry(line, personas));
        if starts(at) {
            format!("**{}**\n{entry}", groups[at])
        } else {
            entry
        }
    });
    let entries: Vec<_> = entries.collect();
    let pages = pages::pages(&entries, PAGE_ROOM);
    let (page, shown) = pages::page(&pages, wanted);
    let mut text = match (lines.len(), pages.len()) {
        (0, _) => {
            "**Documents**: there are none yet. Operators write one with `/docs new`.".to_owned()
        }
        (count, 1) => format!("**Documents**: {count}"),
        (count, all) => format!("**Documents**: {count}, page {} of {all}", page + 1),
    };
    if !shown.is_empty() && !starts(shown.start) {
        text = format!("{text}\n**{}**", groups[shown.start]);
    }
    for entry in &entries[shown.clone()] {
        text = format!("{text}\n{entry}");
    }
    let mut rows: Vec<Row> = pick(&lines[shown], personas).into_iter().collect();
    if pages.len() > 1 {
        let turn = |label: &str, to: Option<u16>, there: bool| {
            let press = DocPress::Page(to.unwrap_or_default());
            Button::new(label, Style::Secondary, &press).enabled(there)
        };
        let last = usize::from(page) + 1 >= pages.len();
        let before = turn("Previous", page.checked_sub(1), page > 0);
        // Two buttons may not have the same id.
        let next = turn("Next", Some(page + 1), !last);
        rows.push(Row::Buttons(vec![before, next]));
    }
    Draft {
        components: rows,
        ..Draft::text(text)
    }
}

fn pick(lines: &[DocLine], personas: &Personas) -> Option<Row> {
    let open = lines.iter().filter(|line| line.access == Access::Open);
    let choices: Vec<_> = open
        .map(|line| Choice {
            label: offer(line, personas),
            value: line.doc.to_string(),
            chosen: false,
        })
        .collect();
    (!choices.is_empty()).then(|| {
        Row::Select(Select {
            custom_id: DocPress::Pick.to_string(),
            placeholder: "Read a document".to_owned(),
            choices,
        })
    })
}

/// Whether a form can hold the text.
pub fn fits_form(document: &Document) -> bool {
    !document.cut && length(&document.text) <= IN_FORM
}

/// A document for who reads it; `operator` says whether they may change it.
pub fn card(document: &Document, personas: &Personas, operator: bool) -> Draft {
    let line = &document.line;
    if line.access != Access::Open {
        return Draft::text(answers::closed(line, personas));
    }
    let by = match line.by.as_deref() {
        Some(by) => format!(" by {}", who(Some(by), personas)),
        None => String::new(),
    };
    let mut text = format!(
        "{} · {}\n-# Changed <t:{}:R>{by}",
        named(line, personas),
        size(line.bytes),
        line.at.timestamp()
    );
    if line.pinned {
        text.push_str(" · 📌 agents read it before each turn");
    }
    let shown = quote::block(&document.text, TEXT_ROOM);
    let mut files = Vec::new();
    if shown.whole || document.text.trim().is_empty() {
        text = format!("{text}\n{}", shown.markup);
    } else {
        text = format!("{text}\nThe text is in the file.");
        files.push(file(document, personas));
    }
    if document.cut {
        text.push_str("\n⚠️ It is longer than what is read here: the file has its beginning.");
    } else if operator && !fits_form(document) && !line.is_mission() {
        text = format!("{text}\n-# {}", answers::too_long_for_a_form());
    }
    Draft {
        components: controls(document, operator),
        files,
        ..Draft::text(text)
    }
}

fn controls(document: &Document, operator: bool) -> Vec<Row> {
    let line = &document.line;
    let mut buttons = Vec::with_capacity(ROW_LIMIT);
    if line.is_mission() {
        buttons.push(Button::new("Edit…", Style::Secondary, &DocPress::Mission));
    } else if fits_form(document) {
        let press = DocPress::Edit(line.doc);
        buttons.push(Button::new("Edit…", Style::Secondary, &press));
    }
    if let DocRef::Note(id) = line.doc {
        let label = if line.pinned { "Unpin" } else { "Pin" };
        let press = DocPress::Pin(id, !line.pinned);
        buttons.push(Button::new(label, Style::Secondary, &press));
    }
    let any = operator && !buttons.is_empty();
    any.then_some(Row::Buttons(buttons)).into_iter().collect()
}

/// The text as a file. Its name says which version it is, for when it comes back changed.
pub fn file(document: &Document, personas: &Personas) -> File {
    let name = called(&document.line, personas).to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric());
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let slug: String = words.join("-").chars().take(40).collect();
    let slug = if slug.is_empty() { "document" } else { &slug };
    let name = format!("{slug}.{:016x}.md", document.version);
    File::new(name, document.text.clone())
}

/// The version that the name of a file tells.
pub fn version_of(name: &str) -> Option<u64> {
    const DIGITS: usize = 16;
    let is_version = |it: &&str| it.len() == DIGITS && it.bytes().all(|b| b.is_ascii_hexdigit());
    let mut pieces = name.split(|c: char| !c.is_ascii_alphanumeric());
    u64::from_str_radix(pieces.find(is_version)?, 16).ok()
}

fn field(name: &'static str, label: &'static str, value: &str, longest: usize) -> Field {
    Field {
        name,
        label,
        value: value.to_owned(),
        longest: u16::try_from(longest).unwrap_or(u16::MAX),
        long: false,
        required: true,
    }
}

/// The form that changes a document, which fits it.
pub fn form(document: &Document) -> Form {
    Form {
        title: "Edit a document",
        custom_id: DocPress::Form(document.line.doc, document.version).to_string(),
        fields: vec![Field {
            long: true,
            ..field(FORM_TEXT, "Text", &document.text, IN_FORM)
        }],
    }
}

/// The form of the mission, with what it is now; of a longer one than may be, the beginning.
pub fn mission_form(mission: Option<&Document>) -> Form {
    let text = mission.map_or("", |it| it.text.trim());
    let text = if text.starts_with('_') { "" } else { text };
    let fits = length(text) <= LONGEST_MISSION;
    let label = if fits {
        "What the project is for"
    } else {
        "What it is for (now it is longer)"
    };
    let value = shortened(text, LONGEST_MISSION);
    Form {
        title: "The mission",
        custom_id: DocPress::MissionForm(mission.map_or(0, |it| it.version)).to_string(),
        fields: vec![Field {
            long: true,
            ..field(FORM_TEXT, label, &value, LONGEST_MISSION)
        }],
    }
}

/// The form of a new document.
pub fn new_form(kind: Option<&'static str>, pinned: bool, title: &str, agent: &str) -> Form {
    let mut fields = Vec::new();
    if kind.is_none() {
        let title: String = title.chars().take(LONGEST_TITLE).collect();
        fields.push(field(FORM_TITLE, "Title", &title, LONGEST_TITLE));
    }
    let agent: String = agent.chars().take(LONGEST_TITLE).collect();
    fields.push(Field {
        required: false,
        ..field(
            FORM_AGENT,
            "For which agent (empty: the project)",
            &agent,
            LONGEST_TITLE,
        )
    });
    fields.push(Field {
        long: true,
        ..field(FORM_TEXT, "Text", "", IN_FORM)
    });
    Form {
        title: "A new document",
        custom_id: DocPress::New(kind, pinned).to_string(),
        fields,
    }
}
