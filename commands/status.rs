//! `/status`: how the system is.

use super::{Context, Error, answer_with, on_main};
use crate::cards::status::status_card;

/// How the system is: the mode, what waits, who is there.
#[poise::command(slash_command)]
pub(super) async fn status(context: Context<'_>) -> Result<(), Error> {
    let data = context.data();
    let store = data.desk.store.clone();
    let facts = on_main(context, async move { Ok(store.facts().await?) }).await;
    let card = status_card(&data.dials.read(), facts.ok().as_ref(), data.poll);
    answer_with(context, card).await
}
