//! What people are told about documents.

use super::press::DocPress;
use super::{file, fits_form, kind_words, named};
use crate::cards::activity::who;
use crate::cards::quote::{self, length};
use crate::cards::{Button, Draft, File, Personas, Row, Style};
use crate::model::document::{Access, DocLine, Document, LONGEST_TITLE};

/// UTF-16 units of each of two texts that are shown side by side; longer ones come as files.
const SIDE: usize = 600;

/// Its text is not for reading here.
pub fn closed(line: &DocLine, personas: &Personas) -> String {
    let name = named(line, personas);
    if line.access == Access::Secret {
        format!("{name} holds secrets: it is named here, and neither shown nor changed.")
    } else {
        format!("{name} is a file that is kept elsewhere: ClawdOS' dashboard shows it.")
    }
}

/// How a text is changed that no form holds.
pub fn too_long_for_a_form() -> String {
    "A form takes 4,000 characters. To change it, take the file of `/docs show`, and give the changed one to \
     `/docs edit` as its `file`."
        .to_owned()
}

/// The same, for who wanted the form.
pub fn no_form(document: &Document, personas: &Personas) -> String {
    let name = named(&document.line, personas);
    if document.cut {
        return format!("{name} is longer than what is read here, so it cannot be changed here.");
    }
    let count = document.text.chars().count();
    format!("{name} has {count} characters. {}", too_long_for_a_form())
}

/// It is saved. What was there before comes along where nobody has seen it.
pub fn saved(before: &Document, text: &str, personas: &Personas, unseen: bool) -> Draft {
    let name = named(&before.line, personas);
    let count = text.chars().count();
    let mut told = format!("Saved: {name} has {count} characters now.");
    let mut files = Vec::new();
    if unseen && !before.text.is_empty() {
        told.push_str(" What was there before is in the file.");
        files.push(file(before, personas));
    }
    Draft {
        files,
        ..Draft::text(told)
    }
}

/// Somebody else was quicker: both texts, and the way on.
pub fn changed(now: &Document, yours: &str, personas: &Personas) -> Draft {
    let line = &now.line;
    let by = match line.by.as_deref() {
        Some(by) => format!(", by {}", who(Some(by), personas)),
        None => String::new(),
    };
    let mut text = format!(
        "Somebody else has changed {} <t:{}:R>{by}. Yours is not saved, and nothing was written over.",
        named(line, personas),
        line.at.timestamp()
    );
    let mut files = Vec::new();
    if length(&now.text) <= SIDE && length(yours) <= SIDE {
        let block = |text: &str| quote::block(text, SIDE + 8).markup;
        text = format!(
            "{text}\nIt is now:\n{}\nYours is:\n{}",
            block(&now.text),
            block(yours)
        );
    } else {
        text.push_str(" It is in the first file, yours in the second.");
        files.push(file(now, personas));
        files.push(File::new("yours.md".to_owned(), yours.to_owned()));
    }
    let edit = Button::new(
        "Edit the new one…",
        Style::Secondary,
        &DocPress::Edit(line.doc),
    );
    let row = fits_form(now).then(|| Row::Buttons(vec![edit]));
    Draft {
        components: row.into_iter().collect(),
        files,
        ..Draft::text(text)
    }
}

/// It says this already.
pub fn same(line: &DocLine, personas: &Personas) -> String {
    format!(
        "{} says this already. Nothing has changed.",
        named(line, personas)
    )
}

/// It is made.
pub fn made(line: &DocLine, personas: &Personas) -> String {
    let name = named(line, personas);
    if line.pinned {
        format!("Saved: {name} is new. It is pinned, so agents read it before each turn.")
    } else {
        format!("Saved: {name} is new.")
    }
}

/// There is one of this kind already.
pub fn there_already(kind: &str) -> String {
    format!(
        "There is one already: {}. `/docs edit` changes it.",
        kind_words(kind)
    )
}

/// Agents read it before each turn from now on, or no longer.
pub fn pinned(line: &DocLine, personas: &Personas) -> String {
    let name = named(line, personas);
    if line.pinned {
        format!("{name} is pinned: agents read it before each turn, five documents at most.")
    } else {
        format!("{name} is not pinned any more.")
    }
}

/// There is no document like that.
pub fn unknown(typed: &str) -> String {
    format!(
        "There is no document {}. `/docs list` shows all.",
        quote::line(typed, 100).markup
    )
}

/// Several are called so.
pub fn many(typed: &str, count: usize) -> String {
    format!(
        "{count} documents are called {}. Choose one of those that are offered while you type.",
        quote::line(typed, 100).markup
    )
}

/// It is there no more.
pub fn gone() -> String {
    "There is no such document any more. `/docs list` shows those that are there.".to_owned()
}

/// It is gone, and what was typed is not lost.
pub fn gone_with(yours: &str) -> Draft {
    Draft {
        files: vec![File::new("yours.md".to_owned(), yours.to_owned())],
        ..Draft::text(format!("{} Yours is in the file.", gone()))
    }
}

/// The executor did not take it.
pub fn not_taken(why: &str, yours: &str) -> Draft {
    let why = quote::plain_line(why, 300);
    Draft {
        files: vec![File::new("yours.md".to_owned(), yours.to_owned())],
        ..Draft::text(format!(
            "The executor has not written it: {why}\nNothing has changed. Yours is in the file."
        ))
    }
}

/// Only people of the server read.
pub fn members_only() -> String {
    "Only members of the server read documents.".to_owned()
}

/// A document without words.
pub fn empty() -> String {
    "A document needs words. Nothing has changed.".to_owned()
}

/// A document without a title.
pub fn no_title() -> String {
    format!(
        "A document needs a `title` of at most {LONGEST_TITLE} characters. Nothing has changed."
    )
}

/// A file that is none for us.
pub fn bad_file(why: &str) -> String {
    format!("The file cannot be read: {why}. Nothing has changed.")
}

/// A file that is too large.
pub fn large_file() -> String {
    "A document has 1 MB at most. Nothing has changed.".to_owned()
}

/// Nothing is known without the database.
pub fn database_away() -> String {
    "The database cannot be reached in time. Try again when `#status` says that it is back; `/docs show` then says \
     what is there."
        .to_owned()
}
