//! `/status`: how the system is.

use std::time::Duration;

use super::{Context, Error, answer, on_main};
use crate::cards::status::{Status, status_card};

/// How long the queue may take to be counted: the answer has to be there within 3 s (source: Discord),
/// and a database that is away takes longer.
const COUNTING: Duration = Duration::from_millis(800);

/// How the system is: the mode, what waits, who is there.
#[poise::command(slash_command)]
pub(super) async fn status(context: Context<'_>) -> Result<(), Error> {
    let store = context.data().desk.store.clone();
    let state = context.data().mode.borrow().clone();
    let counting = async move { Ok(tokio::time::timeout(COUNTING, store.queue_depth()).await??) };
    let queued = on_main(context, counting).await;
    let card = status_card(&Status {
        mode: state.mode,
        since: state.since,
        reason: state.reason,
        queued: queued.ok().map(|depth| depth.queued),
    });
    answer(context, card).await
}
