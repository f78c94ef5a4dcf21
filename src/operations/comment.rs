//! What people say in the thread of a task is a comment, and what they change of it a correction: the
//! timeline only grows.

use chrono::Utc;
use uuid::Uuid;

use super::Desk;
use super::say::Said;
use super::task::OPERATOR;
use crate::model::message::Author;
use crate::model::{DiscordMessageId, MessageId};
use crate::store::Result;
use crate::store::chat::PersonView;
use crate::store::edit::Changed;
use crate::store::task_write::{Commented, Corrected, Correction, Doer, NewComment, Wakes};

/// Writes down what a person said in the thread of a task, once, however often Discord tells it. Whom it
/// names is mentioned, and woken where whoever said it may ask agents.
pub(super) async fn comment(desk: &Desk, task: Uuid, said: &Said) -> Result<()> {
    let operator = desk.operators.includes(said.user, &said.roles);
    let author = if operator {
        OPERATOR.to_owned()
    } else {
        Author::Member(said.user).as_column()
    };
    let (text, metadata) = (said.whole(), said.metadata(None));
    let safe = |text: String| desk.shell.row_text(text, true);
    let may_ask = operator || desk.members_may_ask;
    let surface = said.surface.to_string();
    let new = NewComment {
        id: Some(MessageId::for_discord(said.message).0),
        task,
        text: &text,
        by: Doer {
            author: &author,
            metadata: &metadata,
            wakes: may_ask.then_some(Wakes(&safe)),
        },
        metadata: None,
        created_at: Some(said.message.created_at()),
        mentioned: &said.named,
        view: Some(PersonView {
            surface: &surface,
            channel: said.channel,
            message: said.message,
        }),
    };
    match desk.store.comment(new).await? {
        Commented::Now { woken, .. } => {
            if !woken.is_empty() {
                desk.deliveries.pump();
            }
        }
        Commented::Before(_) => {
            if said.edited_at.is_some() {
                correct(desk, said).await?;
            }
        }
        Commented::Unknown => {
            let message = said.message;
            tracing::warn!(%message, %task, "message {message} is no comment: task {task} is deleted");
        }
    }
    Ok(())
}

/// Appends what a comment says now; without a time of the edit nothing was edited.
pub(super) async fn correct(desk: &Desk, said: &Said) -> Result<Changed> {
    let Some(at) = said.edited_at else {
        return Ok(Changed::Already);
    };
    let text = said.whole();
    let correction = Correction {
        message: said.message,
        text: Some(&text),
        at,
    };
    corrected(desk, correction).await
}

/// Appends that a comment was deleted.
pub(super) async fn take_back(desk: &Desk, message: DiscordMessageId) -> Result<Changed> {
    let correction = Correction {
        message,
        text: None,
        at: Utc::now(),
    };
    corrected(desk, correction).await
}

async fn corrected(desk: &Desk, correction: Correction<'_>) -> Result<Changed> {
    Ok(match desk.store.correct_comment(correction).await? {
        Corrected::Now { .. } => Changed::After,
        Corrected::Same => Changed::Already,
        Corrected::Unknown => Changed::Unknown,
    })
}
