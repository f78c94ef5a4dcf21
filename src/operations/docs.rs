//! Documents: everybody in the server reads, operators write. What holds secrets is named, and nothing else.

use std::time::Duration;

use uuid::Uuid;

use super::Desk;
use super::decide::{Presser, refused};
use super::docs_write::{self, Text};
use super::mission;
use super::task_find::in_time_or;
use crate::cards::docs::answers as words;
use crate::cards::docs::press::DocPress;
use crate::cards::docs::{self as cards, FORM_AGENT, FORM_TEXT, FORM_TITLE, kinds};
use crate::cards::form::Form;
use crate::cards::{Draft, Personas};
use crate::discord::layout::Layout;
use crate::model::document::{Access, DocLine, DocRef, Document, MISSION};
use crate::model::labs::Feature;
use crate::model::proposal::action::DOC_TYPES;
use crate::model::{InteractionId, MessageId};
use crate::store::Result;

/// Most documents that are offered (source: Discord).
const OFFERED: usize = 25;

/// How long the database may take to offer something, within the 3 s of an answer (source: Discord).
const SOON: Duration = Duration::from_secs(2);

/// A form, or what is said instead.
pub type Opened = std::result::Result<Form, Draft>;

pub(super) async fn personas(desk: &Desk) -> Result<Personas> {
    Ok(Personas::new(&desk.store.agents().await?))
}

/// The list.
pub async fn list(desk: &Desk, presser: &Presser) -> anyhow::Result<Draft> {
    if presser.roles.is_none() {
        return Ok(Draft::text(words::members_only()));
    }
    in_time_or(words::database_away, page(desk, 0)).await
}

async fn page(desk: &Desk, page: u16) -> Result<Draft> {
    let lines = desk.store.documents().await?;
    Ok(cards::list(&lines, page, &personas(desk).await?))
}

/// A document that somebody named.
pub async fn show(desk: &Desk, presser: &Presser, typed: &str) -> anyhow::Result<Draft> {
    if presser.roles.is_none() {
        return Ok(Draft::text(words::members_only()));
    }
    in_time_or(words::database_away, async {
        match find(desk, typed).await? {
            Ok(doc) => card(desk, presser, doc).await,
            Err(why) => Ok(Draft::text(why)),
        }
    })
    .await
}

async fn card(desk: &Desk, presser: &Presser, doc: DocRef) -> Result<Draft> {
    let operator = refused(desk, presser).is_none();
    Ok(match desk.store.document(doc).await? {
        Some(document) => cards::card(&document, &personas(desk).await?, operator),
        None => Draft::text(words::gone()),
    })
}

/// The document that is meant: by what was chosen, or by its whole name. Else why there is none.
async fn find(desk: &Desk, typed: &str) -> Result<std::result::Result<DocRef, String>> {
    let typed = typed.trim();
    if let Ok(doc) = typed.parse::<DocRef>() {
        return Ok(Ok(doc));
    }
    let (lines, personas) = (desk.store.documents().await?, personas(desk).await?);
    let wanted = typed.to_lowercase();
    let is_called = |line: &&DocLine| {
        let title = line.title.as_deref().unwrap_or_default().trim();
        cards::called(line, &personas).to_lowercase() == wanted || title.to_lowercase() == wanted
    };
    let mut found = lines.iter().filter(is_called);
    Ok(match (found.next(), found.count()) {
        (Some(line), 0) => Ok(line.doc),
        (Some(_), more) => Err(words::many(typed, more + 1)),
        (None, _) => Err(words::unknown(typed)),
    })
}

/// The documents that what is typed so far may mean, as the name to show and what to send.
pub async fn suggest(desk: &Desk, presser: &Presser, typed: &str) -> Vec<(String, String)> {
    if presser.roles.is_none() {
        return Vec::new();
    }
    let found = tokio::time::timeout(SOON, offers(desk, &typed.trim().to_lowercase())).await;
    found.ok().and_then(Result::ok).unwrap_or_default()
}

async fn offers(desk: &Desk, typed: &str) -> Result<Vec<(String, String)>> {
    let (lines, personas) = (desk.store.documents().await?, personas(desk).await?);
    let offers = lines
        .iter()
        .map(|line| (cards::offer(line, &personas), line.doc.to_string()));
    let fits = offers.filter(|(name, _)| name.to_lowercase().contains(typed));
    Ok(fits.take(OFFERED).collect())
}

/// The form for a document that somebody named, for those who may; else what they are told.
pub async fn edit_form(desk: &Desk, presser: &Presser, typed: &str) -> Result<Opened> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(Err(refusal));
    }
    match find(desk, typed).await? {
        Ok(doc) => form_of(desk, doc).await,
        Err(why) => Ok(Err(Draft::text(why))),
    }
}

async fn form_of(desk: &Desk, doc: DocRef) -> Result<Opened> {
    Ok(match writable(desk, doc).await? {
        Ok((document, _)) if document.line.is_mission() => Ok(cards::mission_form(Some(&document))),
        Ok((document, _)) if cards::fits_form(&document) => Ok(cards::form(&document)),
        Ok((document, personas)) => Err(Draft::text(words::no_form(&document, &personas))),
        Err(why) => Err(Draft::text(why)),
    })
}

/// A document whose text may be written; else why it may not.
async fn writable(
    desk: &Desk,
    doc: DocRef,
) -> Result<std::result::Result<(Document, Personas), String>> {
    let personas = personas(desk).await?;
    Ok(match desk.store.document(doc).await? {
        Some(it) if it.line.access == Access::Open => Ok((it, personas)),
        Some(it) => Err(words::closed(&it.line, &personas)),
        None => Err(words::gone()),
    })
}

/// The form of the mission, for those who may.
pub async fn mission_form(desk: &Desk, presser: &Presser) -> Result<Opened> {
    if refused(desk, presser).is_some() {
        return Ok(Err(Draft::text(crate::cards::mission::not_an_operator())));
    }
    let mission = desk.store.project_doc(MISSION).await?;
    Ok(Ok(cards::mission_form(mission.as_ref())))
}

/// The form that a button opens.
pub async fn open(desk: &Desk, presser: &Presser, press: DocPress) -> Result<Opened> {
    match press {
        DocPress::Mission => mission_form(desk, presser).await,
        DocPress::Edit(doc) => match refused(desk, presser) {
            Some(refusal) => Ok(Err(refusal)),
            None => form_of(desk, doc).await,
        },
        _ => Ok(Err(Draft::text(words::gone()))),
    }
}

/// A document that somebody wants to make.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The interaction: the same one makes one, however often it is heard.
    pub interaction: InteractionId,
    /// Its kind, as it was chosen; none for a note.
    pub kind: Option<String>,
    /// The title of a note.
    pub title: Option<String>,
    /// For which agent.
    pub agent: Option<String>,
    /// Whether agents read it before each turn.
    pub pinned: bool,
}

impl Wanted {
    /// A choice is the client's alone: whatever is no kind of ours is a note.
    fn kind(&self) -> Option<&'static str> {
        let word = self.kind.as_deref()?;
        let known = |kind: &str| kinds().any(|(_, it)| it == kind);
        DOC_TYPES.into_iter().find(|it| *it == word && known(it))
    }
}

/// The form of a new document, for those who may.
pub fn new_form(
    desk: &Desk,
    presser: &Presser,
    wanted: &Wanted,
) -> std::result::Result<Form, Box<Draft>> {
    if let Some(refusal) = refused(desk, presser) {
        return Err(Box::new(refusal));
    }
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let (title, agent) = (text(&wanted.title), text(&wanted.agent));
    Ok(cards::new_form(
        wanted.kind(),
        wanted.pinned,
        &title,
        &agent,
    ))
}

/// Makes a document of a text.
pub async fn new_from(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (wanted, text): (&Wanted, &str),
) -> Result<Draft> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(refusal);
    }
    docs_write::make(desk, layout, presser, (wanted, wanted.kind(), text)).await
}

/// Writes a document from a file, whose name may tell which version it was.
pub async fn from_file(
    desk: &Desk,
    presser: &Presser,
    (typed, name, text): (&str, &str, &str),
    mission_shown: bool,
) -> Result<Draft> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(refusal);
    }
    let doc = match find(desk, typed).await? {
        Ok(doc) => doc,
        Err(why) => return Ok(Draft::text(why)),
    };
    let seen = cards::version_of(name);
    match writable(desk, doc).await? {
        Ok((it, _)) if it.line.is_mission() => {
            mission::written(desk, presser, (text, seen), mission_shown).await
        }
        Ok((it, personas)) => {
            let text = Text { text, seen };
            docs_write::save(desk, presser, (&it, text), &personas).await
        }
        Err(why) => Ok(Draft::text(why)),
    }
}

/// What came with a press.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The interaction.
    pub interaction: u64,
    /// What was chosen from the list.
    pub chosen: Option<&'a str>,
    /// The fields of the form, by name.
    pub fields: &'a [(String, String)],
}

impl Given<'_> {
    fn field(&self, name: &str) -> &str {
        let found = self.fields.iter().find(|(it, _)| it == name);
        found.map_or("", |(_, text)| text.as_str())
    }
}

/// Does what a control of documents says. Gives back what the person is told.
pub async fn press(
    desk: &Desk,
    layout: &Layout,
    presser: &Presser,
    (press, given): (DocPress, Given<'_>),
) -> Result<Draft> {
    match press {
        DocPress::Page(_) | DocPress::Pick if presser.roles.is_none() => {
            return Ok(Draft::text(words::members_only()));
        }
        DocPress::Page(at) => return page(desk, at).await,
        DocPress::Pick => {
            let doc = given.chosen.and_then(|it| it.parse().ok());
            let doc = doc.unwrap_or(DocRef::Note(Uuid::nil()));
            return card(desk, presser, doc).await;
        }
        _ => {}
    }
    if let Some(refusal) = refused(desk, presser) {
        tracing::info!(user = %presser.user, "somebody who may not change documents has tried to");
        return Ok(refusal);
    }
    let text = given.field(FORM_TEXT);
    match press {
        DocPress::Form(doc, version) => match writable(desk, doc).await? {
            // No button of ours leads here.
            Ok((it, _)) if it.line.is_mission() => Ok(Draft::text(words::gone())),
            Ok((it, personas)) => {
                let seen = Some(version);
                docs_write::save(desk, presser, (&it, Text { text, seen }), &personas).await
            }
            Err(_) if desk.store.document(doc).await?.is_none() => Ok(words::gone_with(text)),
            Err(why) => Ok(Draft::text(why)),
        },
        DocPress::MissionForm(version) => {
            let shown = layout.labs().is_on(Feature::MissionBanner);
            mission::written(desk, presser, (text, Some(version)), shown).await
        }
        DocPress::Pin(note, pinned) => docs_write::pin(desk, presser, note, pinned).await,
        DocPress::New(kind, pinned) => {
            let Some(interaction) = InteractionId::new(given.interaction) else {
                return Ok(Draft::text(words::gone()));
            };
            let wanted = Wanted {
                interaction,
                kind: kind.map(str::to_owned),
                title: Some(given.field(FORM_TITLE).to_owned()),
                agent: Some(given.field(FORM_AGENT).to_owned()),
                pinned,
            };
            docs_write::make(desk, layout, presser, (&wanted, wanted.kind(), text)).await
        }
        DocPress::Page(_) | DocPress::Pick | DocPress::Edit(_) | DocPress::Mission => {
            Ok(Draft::text(words::gone()))
        }
    }
}

/// The row of a document that an interaction makes.
pub(super) fn row_of(interaction: InteractionId) -> Uuid {
    Uuid::new_v5(&MessageId::for_interaction(interaction).0, b"document")
}
