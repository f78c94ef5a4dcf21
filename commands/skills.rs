//! `/skills`: what agents can do, and what is missing for the rest.

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::{Context, Error, answer_with, on_main, presser};
use crate::operations::skills::{look, suggest};

/// The skills of the agents: which are ready, and how the others are made so.
#[poise::command(slash_command)]
pub(super) async fn skills(
    context: Context<'_>,
    #[description = "Which skill; without it all are listed"]
    #[autocomplete = "offered"]
    skill: Option<String>,
) -> Result<(), Error> {
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let card = on_main(
        context,
        async move { look(&desk, &by, skill.as_deref()).await },
    )
    .await?;
    answer_with(context, card).await
}

/// The skills that what is typed so far may mean.
async fn offered(context: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (desk, typed) = (context.data().desk.clone(), typed.to_owned());
    let found = on_main(context, async move { Ok(suggest(&desk, &typed).await) }).await;
    let choice = |(name, row): (String, String)| AutocompleteChoice::new(name, row);
    let choices = found.unwrap_or_default().into_iter().map(choice);
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}
