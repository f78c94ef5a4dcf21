//! `/approvals`: what waits for an operator.

use super::{Context, Error, answer_with, on_main};
use crate::cards::Personas;
use crate::cards::digest::{Waiting, link, waiting};

/// Most proposals that are looked up; the list says how many more there are.
const MOST: i64 = 200;

/// What waits for a decision, oldest first.
#[poise::command(slash_command)]
pub(super) async fn approvals(context: Context<'_>) -> Result<(), Error> {
    let store = context.data().desk.store.clone();
    let guild = context.data().layout.borrow().guild;
    let list = on_main(context, async move {
        let open = store.open_proposals(MOST).await?;
        let places = store.card_places(&open).await?;
        let total = store.open_count().await?.count;
        let personas = Personas::new(&store.agents().await?);
        let list: Vec<_> = open
            .iter()
            .map(|proposal| Waiting {
                proposal,
                card: places
                    .get(&proposal.reference.id)
                    .map(|(channel, message)| link(guild, *channel, *message)),
            })
            .collect();
        let total = usize::try_from(total).unwrap_or(list.len());
        Ok(waiting(&list, total, &personas))
    })
    .await?;
    answer_with(context, list).await
}
