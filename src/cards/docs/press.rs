//! What the controls of documents say when they are used: like [`crate::cards::custom_id`], they name a row and are
//! never a permission, and only what we would have written ourselves is read.
//!
//! `v1:doc-<what>[:<row or kind>[:<version or pin>]]`, at most 65 characters.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

use crate::cards::custom_id::UnknownPress;
use crate::model::document::DocRef;
use crate::model::proposal::action::DOC_TYPES;

/// A press, a choice or a form about documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DocPress {
    /// Another page of the list.
    Page(u16),
    /// The list of a page: the document is what was chosen.
    Pick,
    /// Opens the form that changes a document.
    Edit(DocRef),
    /// That form, sent, with the version that it showed.
    Form(DocRef, u64),
    /// Agents read this note before each turn, or no longer.
    Pin(Uuid, bool),
    /// Opens the form of the mission.
    Mission,
    /// That form, sent, with the version that it showed; 0 where there was none.
    MissionForm(u64),
    /// The form of a new document, sent: its kind, none for a note, and whether it is pinned.
    New(Option<&'static str>, bool),
}

impl DocPress {
    /// Whether it is a list that was chosen from.
    pub fn is_list(self) -> bool {
        self == Self::Pick
    }

    /// Whether it is a form that was sent.
    pub fn is_form(self) -> bool {
        matches!(self, Self::Form(..) | Self::MissionForm(_) | Self::New(..))
    }

    /// Whether it opens a form.
    pub fn opens(self) -> bool {
        matches!(self, Self::Edit(_) | Self::Mission)
    }
}

impl fmt::Display for DocPress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Page(page) => write!(f, "v1:doc-page:{page}"),
            Self::Pick => f.write_str("v1:doc-pick"),
            Self::Edit(doc) => write!(f, "v1:doc-edit:{doc}"),
            Self::Form(doc, version) => write!(f, "v1:doc-form:{doc}:{version:016x}"),
            Self::Pin(id, true) => write!(f, "v1:doc-pin:{}", id.simple()),
            Self::Pin(id, false) => write!(f, "v1:doc-unpin:{}", id.simple()),
            Self::Mission => f.write_str("v1:doc-mission"),
            Self::MissionForm(version) => write!(f, "v1:doc-mission-form:{version:016x}"),
            Self::New(kind, pinned) => {
                let pinned = if *pinned { "pin" } else { "no" };
                write!(f, "v1:doc-new:{}:{pinned}", kind.unwrap_or("note"))
            }
        }
    }
}

impl FromStr for DocPress {
    type Err = UnknownPress;

    fn from_str(text: &str) -> Result<Self, UnknownPress> {
        read(text)
            .filter(|it| it.to_string() == text)
            .ok_or(UnknownPress)
    }
}

fn read(text: &str) -> Option<DocPress> {
    let mut parts = text.strip_prefix("v1:doc-")?.split(':');
    let (what, first, last) = (parts.next()?, parts.next(), parts.next());
    let version = |text: &str| u64::from_str_radix(text, 16).ok();
    Some(match what {
        "page" => DocPress::Page(first?.parse().ok()?),
        "pick" => DocPress::Pick,
        "edit" => DocPress::Edit(first?.parse().ok()?),
        "form" => DocPress::Form(first?.parse().ok()?, version(last?)?),
        "pin" | "unpin" => DocPress::Pin(Uuid::try_parse(first?).ok()?, what == "pin"),
        "mission" => DocPress::Mission,
        "mission-form" => DocPress::MissionForm(version(first?)?),
        "new" => DocPress::New(kind(first?), last? == "pin"),
        _ => return None,
    })
}

/// A kind by its word. None is a note; a word that means neither is not written like that again.
fn kind(word: &str) -> Option<&'static str> {
    DOC_TYPES.into_iter().find(|it| *it == word)
}
