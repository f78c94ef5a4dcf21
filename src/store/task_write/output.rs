//! What comes out of a task.

use serde_json::{Map, Value};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Changed, Doer, NewEvent, lock, note, write_event};
use crate::model::ProjectId;
use crate::model::output::OutputType;
use crate::store::{Result, Store};

/// An output that is about to be written, as an event.
#[derive(Debug, Clone, Copy)]
pub struct NewOutput<'a> {
    /// The event's id; drawn at random when absent. A given id makes the write idempotent.
    pub id: Option<Uuid>,
    /// The task.
    pub task: Uuid,
    /// Its kind.
    pub output_type: OutputType,
    /// Its title.
    pub title: Option<&'a str>,
    /// Its text.
    pub text: Option<&'a str>,
    /// Its address.
    pub link_url: Option<&'a str>,
    /// Where the file lies, as `ClawdOS` says it.
    pub storage_path: Option<&'a str>,
    /// The file's type.
    pub mime_type: Option<&'a str>,
    /// The file's size in bytes.
    pub size: Option<u64>,
    /// Who made it.
    pub by: Doer<'a>,
}

impl<'a> NewOutput<'a> {
    /// One with nothing in it yet.
    pub fn of(task: Uuid, output_type: OutputType, by: Doer<'a>) -> Self {
        Self {
            id: None,
            task,
            output_type,
            title: None,
            text: None,
            link_url: None,
            storage_path: None,
            mime_type: None,
            size: None,
            by,
        }
    }

    fn fields(&self) -> Value {
        let mut fields = Map::new();
        fields.insert("output_type".to_owned(), self.output_type.as_str().into());
        let texts = [
            ("title", self.title),
            ("link_url", self.link_url),
            ("storage_path", self.storage_path),
            ("mime_type", self.mime_type),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                fields.insert(name.to_owned(), text.into());
            }
        }
        if let Some(size) = self.size {
            fields.insert("size".to_owned(), size.into());
        }
        Value::Object(fields)
    }
}

impl Store {
    /// Adds an output to the timeline of a task, with its activity. [`Changed::Same`] where an event of its id
    /// is there.
    pub async fn add_output(&self, output: NewOutput<'_>) -> Result<Changed<Uuid>> {
        let mut tx = self.pool().begin().await?;
        let added = write_output(&mut tx, self.project(), output).await?;
        tx.commit().await?;
        Ok(added)
    }
}

/// Writes an output in the caller's transaction.
pub(in crate::store) async fn write_output(
    on: &mut PgConnection,
    project: &ProjectId,
    output: NewOutput<'_>,
) -> Result<Changed<Uuid>> {
    let Some(row) = lock(on, project, output.task).await? else {
        return Ok(Changed::Unknown);
    };
    let event = NewEvent {
        id: output.id.unwrap_or_else(Uuid::new_v4),
        task: row.id,
        event_type: "output_added",
        author: output.by.author,
        content: output.text,
        metadata: output.by.metadata(output.fields()),
        at: None,
    };
    let id = event.id;
    if !write_event(on, project, event).await? {
        return Ok(Changed::Same);
    }
    let what = format!("added an output to {}", row.title);
    note(on, project, row.id, "task_output_added", output.by, &what).await?;
    Ok(Changed::Now(id))
}
