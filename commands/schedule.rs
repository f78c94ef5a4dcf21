//! `/schedule`: what runs when. Operators change it.

use std::future::{Ready, ready};

use serenity::all::{AutocompleteChoice, CreateAutocompleteResponse};

use super::ask::agents;
use super::{Context, Error, answer, answer_with, interaction, on_main, presser};
use crate::model::schedule::suggest as suggest_zones;
use crate::operations::schedule::{self, Wanted, new_job, suggest};

/// Most choices that are offered (source: Discord).
const OFFERED: usize = 25;

/// What runs when: heartbeats and scheduled jobs.
#[poise::command(slash_command, subcommands("list", "show", "new"))]
pub(super) async fn schedule(context: Context<'_>) -> Result<(), Error> {
    listed(context).await
}

/// Lists heartbeats and scheduled jobs, with what waits and what has failed.
#[poise::command(slash_command)]
async fn list(context: Context<'_>) -> Result<(), Error> {
    listed(context).await
}

pub(super) async fn listed(context: Context<'_>) -> Result<(), Error> {
    let data = context.data();
    let (desk, layout) = (data.desk.clone(), data.layout.borrow().clone());
    let page = on_main(
        context,
        async move { schedule::list(&desk, &layout, 0).await },
    )
    .await?;
    answer_with(context, page).await
}

/// Shows a job, with buttons to run, pause, edit and delete it.
#[poise::command(slash_command)]
async fn show(
    context: Context<'_>,
    #[description = "Which job"]
    #[autocomplete = "jobs"]
    job: String,
) -> Result<(), Error> {
    let data = context.data();
    let (desk, layout) = (data.desk.clone(), data.layout.borrow().clone());
    let card = on_main(context, async move {
        schedule::show(&desk, &layout, &job).await
    })
    .await?;
    answer_with(context, card).await
}

/// Schedules a job.
#[poise::command(slash_command)]
async fn new(
    context: Context<'_>,
    #[description = "What it is called"]
    #[max_length = 100]
    name: String,
    #[description = "Who does it"]
    #[autocomplete = "agents"]
    agent: String,
    #[description = "When: weekdays at 9:00, every 2 hours, or a cron expression such as 0 9 * * 1-5"]
    #[max_length = 100]
    schedule: String,
    #[description = "What to do"]
    #[max_length = 4000]
    instructions: String,
    #[description = "By which clock; without it UTC"]
    #[autocomplete = "zones"]
    timezone: Option<String>,
) -> Result<(), Error> {
    let (data, by) = (context.data(), presser(context));
    let (desk, layout) = (data.desk.clone(), data.layout.borrow().clone());
    let Some(interaction) = interaction(context) else {
        return Ok(());
    };
    let wanted = Wanted {
        interaction,
        name: Some(name),
        agent,
        schedule,
        timezone,
        instructions,
    };
    let told = on_main(context, async move {
        new_job(&desk, &layout, &by, wanted).await
    })
    .await?;
    answer(context, told).await
}

/// The jobs that what is typed so far may mean.
async fn jobs(context: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (desk, typed) = (context.data().desk.clone(), typed.to_owned());
    let found = on_main(context, async move { Ok(suggest(&desk, &typed).await) }).await;
    let choice = |(name, row): (String, String)| AutocompleteChoice::new(name, row);
    let choices = found.unwrap_or_default().into_iter().map(choice);
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

/// The time zones that what is typed so far may mean.
fn zones(_: Context<'_>, typed: &str) -> Ready<CreateAutocompleteResponse> {
    let found = suggest_zones(typed, OFFERED).into_iter();
    let choices = found.map(|zone| AutocompleteChoice::new(zone, zone));
    ready(CreateAutocompleteResponse::new().set_choices(choices.collect()))
}
