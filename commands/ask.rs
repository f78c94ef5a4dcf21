//! `/ask`: a message to an agent, from anywhere.

use std::future::{Ready, ready};

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::{Context, Error, answer, interaction, on_main, presser};
use crate::operations::ask::{Question, ask as ask_agent, suggest};

/// Says something to an agent; its answer comes in its channel.
#[poise::command(slash_command)]
pub(super) async fn ask(
    context: Context<'_>,
    #[description = "Which agent"]
    #[autocomplete = "agents"]
    agent: String,
    #[description = "What to say"]
    #[max_length = 4000]
    message: String,
) -> Result<(), Error> {
    let data = context.data();
    let (desk, by) = (data.desk.clone(), presser(context));
    let layout = data.layout.borrow().clone();
    let live = data.dials.mode.borrow().is_live();
    let Some(interaction) = interaction(context) else {
        return Ok(());
    };
    let question = Question {
        interaction,
        agent,
        message,
        live,
    };
    let told = on_main(context, async move {
        ask_agent(&desk, &layout, &by, question).await
    })
    .await?;
    answer(context, told).await
}

/// The agents that what is typed so far may mean.
pub(super) fn agents(context: Context<'_>, typed: &str) -> Ready<CreateAutocompleteResponse> {
    let layout = context.data().layout.borrow().clone();
    let choice = |(name, key): (String, String)| AutocompleteChoice::new(name, key);
    let choices = suggest(layout.roster(), typed).into_iter().map(choice);
    ready(CreateAutocompleteResponse::new().set_choices(choices.collect()))
}
