//! What an agent says of its task in a turn, beside what it answers.

use serde_json::{Value, json};
use sqlx::PgConnection;
use uuid::Uuid;

use super::comment::write_comment;
use super::{Doer, Moved, NewComment, NewEvent, Rules, change_status, lock, write_event};
use crate::model::addressing::mentioned;
use crate::model::task::TaskStatus;
use crate::model::waking::status_words;
use crate::model::{AgentKey, ProjectId};
use crate::store::Result;

/// Author of what nobody in particular says.
const SYSTEM: &str = "system";

/// An event of a turn.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// Its id, fixed before the first attempt to write it, so that the write can be repeated.
    pub id: Uuid,
    /// Its type: `comment`, `agent_update`, `output_added` or `approval_request`.
    pub event_type: String,
    /// What is said.
    pub content: Option<String>,
    /// Whatever belongs to it, an object.
    pub metadata: Option<Value>,
    /// Whether it is about the agent, not by it: what it printed could not be read.
    pub about_agent: bool,
}

/// What a turn tells of the task that its message was about.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskNews {
    /// The task.
    pub task: Uuid,
    /// What happened, in order.
    pub events: Vec<Told>,
    /// Where the agent moves the task afterwards.
    pub status: Option<TaskStatus>,
}

/// Writes it, in the transaction of the reply. False where the task is gone: then nothing is written.
pub(in crate::store) async fn write_news(
    on: &mut PgConnection,
    project: &ProjectId,
    agent: &AgentKey,
    news: &TaskNews,
) -> Result<bool> {
    if lock(on, project, news.task).await?.is_none() {
        return Ok(false);
    }
    for told in &news.events {
        write_told(on, project, agent, news.task, told).await?;
    }
    let Some(status) = &news.status else {
        return Ok(true);
    };
    let by = Doer {
        author: agent.as_str(),
        metadata: &Value::Null,
        wakes: None,
    };
    let step = (status, None);
    let why = match change_status(on, project, news.task, step, by, Rules::Program).await? {
        Moved::Changed(_) => return Ok(true),
        Moved::Final => "it is done",
        Moved::Undecided => "an operator has to accept it first",
    };
    let refused = Told {
        id: Uuid::new_v4(),
        event_type: "comment".to_owned(),
        content: Some(format!(
            "{agent} wanted to move the task to {}, and may not: {why}.",
            status_words(status)
        )),
        metadata: Some(json!({ "kind": "refused_status" })),
        about_agent: true,
    };
    write_told(on, project, agent, news.task, &refused).await?;
    Ok(true)
}

async fn write_told(
    on: &mut PgConnection,
    project: &ProjectId,
    agent: &AgentKey,
    task: Uuid,
    told: &Told,
) -> Result<()> {
    let by = Doer {
        author: if told.about_agent {
            SYSTEM
        } else {
            agent.as_str()
        },
        metadata: &Value::Null,
        wakes: None,
    };
    if let ("comment", Some(text)) = (told.event_type.as_str(), &told.content) {
        let named = if told.about_agent {
            Vec::new()
        } else {
            mentioned(text)
        };
        let comment = NewComment {
            id: Some(told.id),
            task,
            text,
            by,
            metadata: told.metadata.as_ref(),
            created_at: None,
            mentioned: &named,
            view: None,
        };
        write_comment(on, project, comment).await?;
        return Ok(());
    }
    let event = NewEvent {
        id: told.id,
        task,
        event_type: &told.event_type,
        author: by.author,
        content: told.content.as_deref(),
        metadata: by.metadata(told.metadata.clone().unwrap_or_default()),
        at: None,
    };
    write_event(on, project, event).await?;
    Ok(())
}
