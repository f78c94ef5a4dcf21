//! Documents: rows of `brain_docs` and `project_documents`, which dashboards and executors write as well. What holds
//! secrets never leaves the database.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection};
use uuid::Uuid;

use super::chat::storable;
use super::{Result, Store, readable};
use crate::model::document::{Access, DocLine, DocRef, Document, NewDoc, Seen};

/// `type` of the activity that tells of it (source: `ClawdOS`).
pub(super) const UPDATED: &str = "brain_doc_updated";

/// So long what somebody else has written cannot be written over by who has not seen it.
pub(super) const JUST_NOW: i32 = 15;

/// Most documents of a list.
const LISTED: i64 = 1_000;

/// Whom documents of the project itself belong to (source: `ClawdOS`).
const PROJECT: &str = "project";

/// SQL that says whether a document holds secrets. `ClawdOS` writes `contains_secrets`; whoever spells it otherwise
/// means the same.
macro_rules! secret {
    () => {
        "coalesce(d.sensitivity, '') ILIKE '%secret%'"
    };
}
pub(super) use secret;

/// SQL for a line of the list, from either table. The size is known without reading the text.
macro_rules! brain {
    ($more:literal) => {
        concat!(
            "SELECT 'b' AS family, d.id, d.doc_type AS kind, NULL::text AS title, \
             nullif(d.agent_key, 'project') AS owner, false AS pinned, false AS secret, \
             false AS stored, coalesce(octet_length(d.content), 0)::int8 AS bytes, left(d.updated_by, 200) AS by, ",
            readable!("d.updated_at"),
            " AS at",
            $more,
            " FROM brain_docs d WHERE d.project_id = $1"
        )
    };
}

macro_rules! note {
    ($more:literal) => {
        concat!(
            "SELECT 'n' AS family, d.id, d.source_type AS kind, left(d.title, 300) AS title, \
             nullif(d.agent_key, 'project') AS owner, d.pinned IS TRUE AS pinned, ",
            secret!(),
            " AS secret, d.content_text IS NULL AND d.storage_path IS NOT NULL AS stored, \
             coalesce(octet_length(d.content_text), 0)::int8 AS bytes, NULL::text AS by, ",
            readable!("d.updated_at"),
            " AS at",
            $more,
            " FROM project_documents d WHERE d.project_id = $1"
        )
    };
}

/// SQL for one with its text: two million characters are more than a message takes.
macro_rules! whole_brain {
    ($lock:literal) => {
        concat!(
            brain!(
                ", coalesce(left(d.content, 2000000), '') AS text, \
                 coalesce(length(d.content), 0) > 2000000 AS cut, \
                 ('x' || left(md5(coalesce(d.content, '')), 16))::bit(64)::int8 AS version, \
                 d.updated_at > clock_timestamp() - $3 * interval '1 second' \
                     AND d.updated_by IS DISTINCT FROM $4 AS is_new"
            ),
            " AND d.id = $2",
            $lock
        )
    };
}

macro_rules! whole_note {
    ($lock:literal) => {
        concat!(
            "SELECT l.*, CASE WHEN l.secret THEN '' ELSE coalesce(left(d.content_text, 2000000), '') END AS text, \
                 NOT l.secret AND coalesce(length(d.content_text), 0) > 2000000 AS cut, \
                 CASE WHEN l.secret THEN 0 \
                     ELSE ('x' || left(md5(coalesce(d.content_text, '')), 16))::bit(64)::int8 END AS version, \
                 d.updated_at > clock_timestamp() - $3 * interval '1 second' AND $4 <> '' AS is_new \
             FROM project_documents d JOIN (",
            note!(""),
            ") l ON l.id = d.id WHERE d.id = $2",
            $lock
        )
    };
}

#[derive(FromRow)]
struct Line {
    family: String,
    id: Uuid,
    kind: String,
    title: Option<String>,
    owner: Option<String>,
    pinned: bool,
    secret: bool,
    stored: bool,
    bytes: i64,
    by: Option<String>,
    at: DateTime<Utc>,
}

impl From<Line> for DocLine {
    fn from(row: Line) -> Self {
        let doc = if row.family == "b" {
            DocRef::Brain(row.id)
        } else {
            DocRef::Note(row.id)
        };
        let access = match (row.secret, row.stored) {
            (true, _) => Access::Secret,
            (_, true) => Access::Stored,
            _ => Access::Open,
        };
        Self {
            doc,
            kind: row.kind,
            title: row.title,
            owner: row.owner,
            pinned: row.pinned,
            access,
            bytes: row.bytes.try_into().unwrap_or_default(),
            by: row.by,
            at: row.at,
        }
    }
}

#[derive(FromRow)]
struct Whole {
    #[sqlx(flatten)]
    line: Line,
    text: String,
    cut: bool,
    version: i64,
    is_new: bool,
}

impl From<Whole> for Document {
    fn from(row: Whole) -> Self {
        Self {
            line: row.line.into(),
            text: row.text,
            cut: row.cut,
            version: row.version.cast_unsigned(),
        }
    }
}

/// What became of a text that was to be a document's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SavedDoc {
    /// It is now. What was there before.
    Done(Document),
    /// It was already.
    Same,
    /// Somebody else has written this meanwhile, and it stays.
    Changed(Document),
    /// There is no such document any more.
    Gone,
    /// Its text is not for writing: it holds secrets, or stands elsewhere.
    Closed(DocLine),
}

impl Store {
    /// All documents: brain docs by whose they are, then the others, pinned ones first.
    pub async fn documents(&self) -> Result<Vec<DocLine>> {
        let rows: Vec<Line> = sqlx::query_as(concat!(
            "SELECT * FROM (",
            brain!(""),
            " UNION ALL ",
            note!(""),
            ") l ORDER BY family, owner NULLS FIRST, pinned DESC, \
                 CASE WHEN family = 'b' THEN kind END, at DESC, id LIMIT $2"
        ))
        .bind(self.project.as_str())
        .bind(LISTED)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(DocLine::from).collect())
    }

    /// A document with its text, if that may be read.
    pub async fn document(&self, doc: DocRef) -> Result<Option<Document>> {
        let mut connection = self.pool.acquire().await?;
        let found = self.whole(&mut connection, doc, (false, "")).await?;
        Ok(found.map(|(document, _)| document))
    }

    /// The brain doc of this kind of the project itself.
    pub async fn project_doc(&self, kind: &str) -> Result<Option<Document>> {
        let id: Option<Uuid> = sqlx::query_scalar(
            "SELECT id FROM brain_docs WHERE project_id = $1 AND doc_type = $2 \
                 AND coalesce(agent_key, 'project') = 'project' \
             ORDER BY agent_key IS NULL, updated_at DESC, id LIMIT 1",
        )
        .bind(self.project.as_str())
        .bind(kind)
        .fetch_optional(&self.pool)
        .await?;
        match id {
            Some(id) => self.document(DocRef::Brain(id)).await,
            None => Ok(None),
        }
    }

    /// With whether it is only just so, by somebody else.
    async fn whole(
        &self,
        on: &mut PgConnection,
        doc: DocRef,
        (lock, by): (bool, &str),
    ) -> Result<Option<(Document, bool)>> {
        let (query, id) = match (doc, lock) {
            (DocRef::Brain(id), false) => (whole_brain!(""), id),
            (DocRef::Brain(id), true) => (whole_brain!(" FOR UPDATE"), id),
            (DocRef::Note(id), false) => (whole_note!(""), id),
            (DocRef::Note(id), true) => (whole_note!(" FOR UPDATE OF d"), id),
        };
        let row: Option<Whole> = sqlx::query_as(query)
            .bind(self.project.as_str())
            .bind(id)
            .bind(JUST_NOW)
            .bind(by)
            .fetch_optional(on)
            .await?;
        Ok(row.map(|row| {
            let is_new = row.is_new;
            (row.into(), is_new)
        }))
    }

    /// Writes a document's text, in the name of `by`, and tells of it. Nothing that they have not seen is written
    /// over.
    pub async fn save_document(
        &self,
        doc: DocRef,
        (seen, text): (Seen, &str),
        (by, name): (&str, &str),
    ) -> Result<SavedDoc> {
        let mut tx = self.pool.begin().await?;
        let Some((there, is_new)) = self.whole(&mut tx, doc, (true, by)).await? else {
            return Ok(SavedDoc::Gone);
        };
        if there.line.access != Access::Open {
            return Ok(SavedDoc::Closed(there.line));
        }
        let text = storable(text);
        if !there.cut && there.text == text {
            return Ok(SavedDoc::Same);
        }
        let changed = match seen {
            Seen::Version(version) => version != there.version,
            Seen::Unknown => is_new,
        };
        if changed {
            return Ok(SavedDoc::Changed(there));
        }
        let write = match doc {
            DocRef::Brain(id) => sqlx::query(
                "UPDATE brain_docs SET content = $2, updated_by = $3, updated_at = now() WHERE id = $1",
            )
            .bind(id)
            .bind(&*text)
            .bind(by),
            DocRef::Note(id) => sqlx::query(
                "UPDATE project_documents SET content_text = $2, size_bytes = octet_length($2), \
                     updated_at = now() WHERE id = $1",
            )
            .bind(id)
            .bind(&*text),
        };
        write.execute(&mut *tx).await?;
        self.note_doc(&mut tx, (&there.line, "updated"), name)
            .await?;
        tx.commit().await?;
        Ok(SavedDoc::Done(there))
    }

    /// Whether a document is what somebody has seen: else it is not to be written over.
    pub async fn is_as_seen(&self, doc: DocRef, seen: Seen, by: &str) -> Result<bool> {
        let mut connection = self.pool.acquire().await?;
        let found = self.whole(&mut connection, doc, (false, by)).await?;
        Ok(found.is_some_and(|(there, is_new)| match seen {
            Seen::Version(version) => version == there.version,
            Seen::Unknown => !is_new,
        }))
    }

    /// Makes a document. None where the agent, or the project, has one of this kind already.
    pub async fn new_document(
        &self,
        id: Uuid,
        (new, text): (&NewDoc, &str),
        (by, name): (&str, &str),
    ) -> Result<Option<DocRef>> {
        let mut tx = self.pool.begin().await?;
        let owner = new.agent.as_ref().map(ToString::to_string);
        let text = storable(text);
        let (doc, insert) = if let Some(kind) = new.kind {
            let insert = sqlx::query(
                "INSERT INTO brain_docs (id, project_id, agent_key, content, doc_type, updated_by) \
                 VALUES ($1, $2, coalesce($3, 'project'), $4, $5, $6) ON CONFLICT DO NOTHING",
            );
            let insert = insert.bind(id).bind(self.project.as_str());
            let insert = insert.bind(owner).bind(&*text).bind(kind).bind(by);
            (DocRef::Brain(id), insert)
        } else {
            let insert = sqlx::query(
                "INSERT INTO project_documents (id, project_id, agent_key, content_text, title, pinned, \
                     source_type, mime_type, size_bytes) \
                 VALUES ($1, $2, $3, $4, $5, $6, 'note', 'text/markdown', octet_length($4)) \
                 ON CONFLICT DO NOTHING",
            );
            let insert = insert.bind(id).bind(self.project.as_str());
            let insert = insert.bind(owner).bind(&*text);
            let insert = insert.bind(storable(&new.title)).bind(new.pinned);
            (DocRef::Note(id), insert)
        };
        let made = insert.execute(&mut *tx).await?;
        if made.rows_affected() == 0 {
            return Ok(None);
        }
        if let Some((document, _)) = self.whole(&mut tx, doc, (false, "")).await? {
            self.note_doc(&mut tx, (&document.line, "added"), name)
                .await?;
        }
        tx.commit().await?;
        Ok(Some(doc))
    }

    /// Whether agents read a note before each turn from now on. None where it is gone.
    pub async fn pin_document(&self, note: Uuid, pinned: bool) -> Result<Option<DocLine>> {
        // One that holds secrets is not changed, whatever a card of before offers.
        let pin = concat!(
            "UPDATE project_documents d SET pinned = $3 WHERE project_id = $1 AND id = $2 AND NOT ",
            secret!()
        );
        sqlx::query(pin)
            .bind(self.project.as_str())
            .bind(note)
            .bind(pinned)
            .execute(&self.pool)
            .await?;
        Ok(self.document(DocRef::Note(note)).await?.map(|it| it.line))
    }

    /// Tells of a document that another executor has written, unless that has told it itself.
    pub async fn tell_of_document(&self, line: &DocLine, name: &str) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        let told: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM activities WHERE project_id = $1 AND type = $2 \
                 AND created_at > now() - interval '15 seconds')",
        )
        .bind(self.project.as_str())
        .bind(UPDATED)
        .fetch_one(&mut *connection)
        .await?;
        if told {
            return Ok(());
        }
        self.note_doc(&mut connection, (line, "updated"), name)
            .await
    }

    async fn note_doc(
        &self,
        on: &mut PgConnection,
        (line, what): (&DocLine, &str),
        name: &str,
    ) -> Result<()> {
        let owner = line.owner.as_deref().unwrap_or(PROJECT);
        let message = match &line.title {
            Some(title) => format!("{name} {what} the document “{title}”"),
            None => format!("{name} {what} {} of {owner}", line.kind),
        };
        sqlx::query(
            "INSERT INTO activities (project_id, type, message, actor_agent_key) \
             VALUES ($1, $2, $3, 'ui')",
        )
        .bind(self.project.as_str())
        .bind(UPDATED)
        .bind(storable(&message))
        .execute(on)
        .await?;
        Ok(())
    }
}
