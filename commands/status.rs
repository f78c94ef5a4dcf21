//! `/status`: how the system is.

use super::{Context, Error, answer_with, on_main};
use crate::cards::status::status_card;
use crate::operations::status::facts;

/// How the system is: the mode, what waits, who is there.
#[poise::command(slash_command)]
pub(super) async fn status(context: Context<'_>) -> Result<(), Error> {
    let data = context.data();
    let (desk, vitals) = (
        data.desk.clone(),
        data.dials.read(data.layout.borrow().limits()),
    );
    let asked = vitals.clone();
    let facts = on_main(context, async move { Ok(facts(&desk, &asked).await) }).await?;
    let card = status_card(&vitals, facts.as_ref(), data.poll);
    answer_with(context, card).await
}
