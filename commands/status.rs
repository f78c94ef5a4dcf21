//! `/status`: how the system is.

use super::{Context, Error, answer, on_main};
use crate::cards::status::{Status, status_card};

/// How the system is: the mode, what waits, who is there.
#[poise::command(slash_command)]
pub(super) async fn status(context: Context<'_>) -> Result<(), Error> {
    let store = context.data().desk.store.clone();
    let state = context.data().mode.borrow().clone();
    let queued = on_main(context, async move { Ok(store.queue_depth().await?) }).await;
    let card = status_card(&Status {
        mode: state.mode,
        since: state.since,
        reason: state.reason,
        queued: queued.ok().map(|depth| depth.queued),
    });
    answer(context, card).await
}
