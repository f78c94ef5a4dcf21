//! Writing documents: through the executor while it is there, else by the database; the row is the same. Nothing that
//! the person has not seen is written over.

use uuid::Uuid;

use super::Desk;
use super::decide::Presser;
use super::docs::{Wanted, personas, row_of};
use crate::cards::docs::answers as words;
use crate::cards::{Draft, Personas, ask};
use crate::control::wire::{DocSave, OverviewSave, Writer};
use crate::control::{Asked, Save};
use crate::delivery::fallback::Way;
use crate::discord::layout::Layout;
use crate::model::document::{Access, Document, LARGEST, LONGEST_TITLE, NewDoc, Seen};
use crate::model::message::MEMBER_PREFIX;
use crate::store::Result;
use crate::store::document::SavedDoc;

/// Longest name of a person in an activity, in characters.
const NAME: usize = 100;

/// A text, and the version that whoever writes it has seen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text<'a> {
    /// All of it.
    pub text: &'a str,
    /// None where nobody knows.
    pub seen: Option<u64>,
}

/// Who writes, as the row keeps it and as people know them.
pub(super) fn writer(presser: &Presser) -> (String, String) {
    let by = format!("{MEMBER_PREFIX}{}", presser.user);
    let name = presser.name.chars().filter(|c| !c.is_control());
    let name: String = name.take(NAME).collect();
    let name = if name.trim().is_empty() {
        by.clone()
    } else {
        name
    };
    (by, name)
}

/// The same as it travels.
pub(super) fn writer_of((by, name): (&str, &str), seen: Option<u64>) -> Writer {
    Writer {
        updated_by: Some(by.to_owned()),
        name: Some(name.to_owned()),
        expected: seen.map(|version| format!("{version:016x}")),
    }
}

pub(super) fn seen(version: Option<u64>) -> Seen {
    version.map_or(Seen::Unknown, Seen::Version)
}

/// Writes the text of a document. Gives back what the person is told.
pub(super) async fn save(
    desk: &Desk,
    presser: &Presser,
    (before, text): (&Document, Text<'_>),
    personas: &Personas,
) -> Result<Draft> {
    let doc = before.line.doc;
    if text.text.trim().is_empty() {
        return Ok(Draft::text(words::empty()));
    }
    if text.text.len() as u64 > LARGEST {
        return Ok(Draft::text(words::large_file()));
    }
    let (by, name) = writer(presser);
    let by = (by.as_str(), name.as_str());
    let saved = match ask_executor(desk, before, text, by).await? {
        Some(asked) => seen_after(desk, (before, text.text), asked, by).await?,
        None => Ok(desk
            .store
            .save_document(doc, (seen(text.seen), text.text), by)
            .await?),
    };
    tracing::info!(user = %presser.user, document = %doc, "an operator has written a document");
    Ok(match saved {
        Ok(SavedDoc::Done(before)) => {
            words::saved(&before, text.text, personas, text.seen.is_none())
        }
        Ok(SavedDoc::Same) => Draft::text(words::same(&before.line, personas)),
        Ok(SavedDoc::Changed(now)) => words::changed(&now, text.text, personas),
        Ok(SavedDoc::Gone) => words::gone_with(text.text),
        Ok(SavedDoc::Closed(line)) => Draft::text(words::closed(&line, personas)),
        Err(why) => words::not_taken(&why, text.text),
    })
}

/// Has the executor write it, where there is one that knows how. None where the database has to.
async fn ask_executor(
    desk: &Desk,
    before: &Document,
    text: Text<'_>,
    by: (&str, &str),
) -> Result<Option<Asked>> {
    let foreign = desk.shell.is_on();
    let overview = before.line.is_overview();
    if !desk.route.is_direct() || (foreign && !overview) {
        return Ok(None);
    }
    // Existing executors write over whatever is there, so it is looked here, and told as the database tells it.
    let kept = desk
        .store
        .is_as_seen(before.line.doc, seen(text.seen), by.0)
        .await?;
    if !kept || (!before.cut && before.text == text.text) {
        return Ok(None);
    }
    let writer = writer_of(by, text.seen);
    let save = if overview {
        Save::Overview(OverviewSave {
            overview: Some(text.text.to_owned()),
            writer,
            ..OverviewSave::default()
        })
    } else {
        Save::Document(DocSave {
            doc: before.line.doc.to_string(),
            content: text.text.to_owned(),
            writer,
        })
    };
    Ok(match desk.deliveries.save(&save, async || ()).await {
        Way::Direct(asked) => Some(asked),
        Way::Backup(()) => None,
    })
}

/// What became of it: an executor may say that all went well and have done nothing, so the row is looked at.
async fn seen_after(
    desk: &Desk,
    (before, text): (&Document, &str),
    asked: Asked,
    (_, name): (&str, &str),
) -> Result<std::result::Result<SavedDoc, String>> {
    let Some(now) = desk.store.document(before.line.doc).await? else {
        return Ok(Ok(SavedDoc::Gone));
    };
    if now.text == text && !now.cut {
        desk.store.tell_of_document(&now.line, name).await?;
        return Ok(Ok(SavedDoc::Done(before.clone())));
    }
    if now.version != before.version {
        return Ok(Ok(SavedDoc::Changed(now)));
    }
    Ok(Err(reason(asked)))
}

/// Why nothing was written, in the executor's words.
pub(super) fn reason(asked: Asked) -> String {
    match asked {
        Asked::Done => "it says that it has, and the text is the old one.".to_owned(),
        Asked::NotSent(why) | Asked::NotKnown(why) | Asked::Refused(why) | Asked::Unknown(why) => {
            why
        }
    }
}

/// Makes a document. Gives back what the person is told.
pub(super) async fn make(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (wanted, kind, text): (&Wanted, Option<&'static str>, &str),
) -> Result<Draft> {
    let title = wanted.title.as_deref().unwrap_or_default();
    let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
    if kind.is_none() && !(1..=LONGEST_TITLE).contains(&title.chars().count()) {
        return Ok(Draft::text(words::no_title()));
    }
    if text.trim().is_empty() {
        return Ok(Draft::text(words::empty()));
    }
    if text.len() as u64 > LARGEST {
        return Ok(Draft::text(words::large_file()));
    }
    let called = wanted.agent.as_deref().map(str::trim);
    let agent = match called.filter(|it| !it.is_empty()) {
        None => None,
        Some(word) => match layout.roster().find(word) {
            Some(agent) => Some(agent.key.clone()),
            None => return Ok(Draft::text(ask::unknown_agent(word))),
        },
    };
    let new = NewDoc {
        kind,
        title,
        agent,
        pinned: wanted.pinned && kind.is_none(),
    };
    let (by, name) = writer(presser);
    let id = row_of(wanted.interaction);
    let made = desk
        .store
        .new_document(id, (&new, text), (&by, &name))
        .await?;
    let document = match made {
        Some(doc) => desk.store.document(doc).await?,
        None => return Ok(Draft::text(words::there_already(kind.unwrap_or("note")))),
    };
    Ok(Draft::text(match document {
        Some(document) => words::made(&document.line, &personas(desk).await?),
        None => words::gone(),
    }))
}

/// Lets agents read a note before each turn, or no longer.
pub(super) async fn pin(desk: &Desk, presser: &Presser, note: Uuid, pinned: bool) -> Result<Draft> {
    let Some(line) = desk.store.pin_document(note, pinned).await? else {
        return Ok(Draft::text(words::gone()));
    };
    if line.access == Access::Secret {
        return Ok(Draft::text(words::closed(&line, &personas(desk).await?)));
    }
    tracing::info!(user = %presser.user, document = %note, pinned, "an operator has pinned or unpinned a document");
    Ok(Draft::text(words::pinned(&line, &personas(desk).await?)))
}
