//! A message becomes a proposed task: the only way from the chat to a task, and still the
//! operator's to decide.

use super::Desk;
use super::decide::{Presser, refused};
use crate::cards::answers as words;
use crate::model::DiscordMessageId;
use crate::store::promote::Promoted;

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
    let promoted = match message {
        Some(message) => desk.store.promote(message, &presser.decider()).await?,
        None => Promoted::Unknown,
    };
    Ok(match promoted {
        Promoted::Task(title) => words::promoted(&title, false),
        Promoted::Before(title) => words::promoted(&title, true),
        Promoted::Unknown => words::not_a_row(),
        Promoted::Empty => words::nothing_in_it(),
    })
}
