//! People change and delete what they have written: the row follows, and whoever has not had it yet gets
//! it as it is. Whom it was said to stays as it was: an edit that names somebody else does nothing for
//! them, and nothing is sent twice.

use chrono::{DateTime, Utc};

use super::say::Said;
use super::{Desk, comment};
use crate::model::DiscordMessageId;
use crate::model::view::Surface;
use crate::store::Result;
use crate::store::edit::{Changed, NewText};

/// The version of a message that its author changed last at this time.
pub(super) fn version(edited_at: DateTime<Utc>) -> i64 {
    edited_at.timestamp_millis()
}

/// Makes the row say what the message says now; without a time of the edit nothing was edited.
pub async fn edit(desk: &Desk, said: &Said) -> Result<Changed> {
    if let Surface::Task(_) = said.surface {
        return comment::correct(desk, said).await;
    }
    let Some(edited_at) = said.edited_at else {
        return Ok(Changed::Already);
    };
    // The row may have a delivery whatever the message names now: the edit does not take it back.
    let text = desk.shell.row_text(said.whole(), true);
    let files = said.listed();
    let new = NewText {
        text: &text,
        files: files.as_ref(),
        edited_at,
    };
    desk.store.edit_message(said.message, new).await
}

/// Takes back what a person has deleted, as far as no agent has had it. What was a comment stays in the
/// timeline, which says that it was deleted.
pub async fn delete(desk: &Desk, message: DiscordMessageId) -> Result<Changed> {
    match desk.store.delete_message(message, Utc::now()).await? {
        Changed::Unknown => comment::take_back(desk, message).await,
        changed => Ok(changed),
    }
}
