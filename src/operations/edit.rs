//! People change and delete what they have written: the row follows, and whoever has not had it yet gets
//! it as it is. Whom it was said to stays as it was: an edit that names somebody else does nothing for
//! them, and nothing is sent twice.

use chrono::{DateTime, Utc};

use super::Desk;
use super::say::Said;
use crate::model::DiscordMessageId;
use crate::store::Result;
use crate::store::edit::{Changed, NewText};

/// The version of a message that its author changed last at this time.
pub(super) fn version(edited_at: DateTime<Utc>) -> i64 {
    edited_at.timestamp_millis()
}

/// Makes the row say what the message says now; without a time of the edit nothing was edited.
pub async fn edit(desk: &Desk, said: &Said) -> Result<Changed> {
    let Some(edited_at) = said.edited_at else {
        return Ok(Changed::Already);
    };
    let text = desk.shell.row_text(said.whole(), said.is_addressed());
    let files = said.listed();
    let new = NewText {
        text: &text,
        files: files.as_ref(),
        edited_at,
    };
    desk.store.edit_message(said.message, new).await
}

/// Takes back what a person has deleted, as far as no agent has had it.
pub async fn delete(desk: &Desk, message: DiscordMessageId) -> Result<Changed> {
    desk.store.delete_message(message, Utc::now()).await
}
