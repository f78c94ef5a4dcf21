//! `/activity`: which types of what happens are left out of `#activity`.

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::{Context, Error, answer, on_main, presser};
use crate::operations::activity::{kinds, mute as set_mute, suggest};

/// What is shown in #activity.
#[poise::command(slash_command, subcommands("types", "mute", "unmute"))]
pub(super) async fn activity(context: Context<'_>) -> Result<(), Error> {
    listed(context).await
}

async fn listed(context: Context<'_>) -> Result<(), Error> {
    let desk = context.data().desk.clone();
    let told = on_main(context, async move { kinds(&desk).await }).await?;
    answer(context, told).await
}

/// Lists the types that occur, and which of them are muted.
#[poise::command(slash_command)]
async fn types(context: Context<'_>) -> Result<(), Error> {
    listed(context).await
}

/// Leaves a type out of #activity from now on. Operators mute.
#[poise::command(slash_command)]
async fn mute(
    context: Context<'_>,
    #[rename = "type"]
    #[description = "Which type, such as task_moved"]
    #[autocomplete = "shown"]
    kind: String,
) -> Result<(), Error> {
    switched(context, kind, true).await
}

/// Shows a type in #activity again from now on. Operators do.
#[poise::command(slash_command)]
async fn unmute(
    context: Context<'_>,
    #[rename = "type"]
    #[description = "Which type, such as task_moved"]
    #[autocomplete = "muted"]
    kind: String,
) -> Result<(), Error> {
    switched(context, kind, false).await
}

async fn switched(context: Context<'_>, kind: String, mute: bool) -> Result<(), Error> {
    let (desk, by) = (context.data().desk.clone(), presser(context));
    let told = on_main(
        context,
        async move { set_mute(&desk, &by, &kind, mute).await },
    )
    .await?;
    answer(context, told).await
}

async fn shown(context: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    offered(context, typed, false).await
}

async fn muted(context: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    offered(context, typed, true).await
}

async fn offered(context: Context<'_>, typed: &str, muted: bool) -> CreateAutocompleteResponse {
    let (desk, typed) = (context.data().desk.clone(), typed.to_owned());
    let found = on_main(
        context,
        async move { Ok(suggest(&desk, &typed, muted).await) },
    )
    .await;
    let choice = |kind: String| AutocompleteChoice::new(kind.clone(), kind);
    let choices = found.unwrap_or_default().into_iter().map(choice);
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}
