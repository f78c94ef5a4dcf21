//! A message becomes a proposed task: the only way from the chat to a task, and still the
//! operator's to decide.

use std::time::Duration;

use super::Desk;
use super::decide::{Presser, refused};
use crate::cards::answers as words;
use crate::model::DiscordMessageId;
use crate::store::promote::Promoted;

/// A message is in Discord a moment before the ledger knows of it: looks, and the time between them.
/// Together within the 3 s that a command may take to answer (source: Discord).
const LOOKS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(200);

/// Promotes the row that a Discord message shows, once, for an operator: what waits to be decided is
/// not for everybody to fill. Gives back what the person is told.
pub async fn promote(
    desk: &Desk,
    presser: &Presser,
    message: Option<DiscordMessageId>,
) -> anyhow::Result<String> {
    if let Some(refusal) = refused(desk, presser) {
        return Ok(refusal.content);
    }
    let Some(message) = message else {
        return Ok(words::not_a_row());
    };
    let by = presser.decider();
    // A dashboard tells the agent of its task, title and all, by a message with a delivery.
    let safe = |text: String| desk.shell.row_text(text, true);
    let mut promoted = desk.store.promote(message, &by, safe).await?;
    for _ in 0..LOOKS {
        if promoted != Promoted::Unknown {
            break;
        }
        tokio::time::sleep(PAUSE).await;
        promoted = desk.store.promote(message, &by, safe).await?;
    }
    Ok(match promoted {
        Promoted::Task(title) => words::promoted(&title, false),
        Promoted::Before(title) => words::promoted(&title, true),
        Promoted::Unknown => words::not_a_row(),
        Promoted::Empty => words::nothing_in_it(),
    })
}
