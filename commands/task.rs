//! `/task`: making, listing, showing and changing tasks.

use std::sync::Arc;

use chrono::Utc;
use serenity::all::{
    AutocompleteChoice, CommandOptionType, CreateAutocompleteResponse, CreateCommandOption,
};

use super::ask::agents;
use super::{Context, Data, Error, answer, answer_with, interaction, on_main, presser};
use crate::cards::task::status_words;
use crate::cards::task_controls::CHOOSABLE;
use crate::discord::layout::Layout;
use crate::model::task::TaskStatus;
use crate::operations::task::{self, Wanted, ask_delete, assign as assign_task};
use crate::operations::{Desk, task_find, task_show};

/// Tasks of this project.
#[poise::command(
    slash_command,
    subcommands("new", "list", "show", "assign", "status", "stop", "delete")
)]
async fn task(context: Context<'_>) -> Result<(), Error> {
    listed(context, None).await
}

/// The operations and the channels.
fn at_hand(context: Context<'_>) -> (Desk, Arc<Layout>) {
    let data = context.data();
    (data.desk.clone(), data.layout.borrow().clone())
}

/// Makes a task.
#[poise::command(slash_command)]
async fn new(
    context: Context<'_>,
    #[description = "What it is called, in 200 characters at most"] name: String,
    #[description = "What is to be done"]
    #[max_length = 4000]
    text: Option<String>,
    #[description = "Whose it is"]
    #[autocomplete = "agents"]
    agent: Option<String>,
) -> Result<(), Error> {
    let ((desk, layout), by) = (at_hand(context), presser(context));
    let Some(interaction) = interaction(context) else {
        return Ok(());
    };
    let wanted = Wanted {
        interaction,
        name,
        text,
        agent,
    };
    let told = on_main(context, async move {
        task::new_task(&desk, &layout, &by, wanted).await
    })
    .await?;
    answer(context, told).await
}

/// Lists tasks: those that are not finished, or those of one status.
#[poise::command(slash_command)]
async fn list(
    context: Context<'_>,
    #[description = "Which status; without it all that are not finished"] status: Option<String>,
) -> Result<(), Error> {
    listed(context, status).await
}

async fn listed(context: Context<'_>, status: Option<String>) -> Result<(), Error> {
    let ((desk, layout), by) = (at_hand(context), presser(context));
    let told = on_main(context, async move {
        task_show::list(&desk, &layout, &by, status.as_deref()).await
    })
    .await?;
    answer(context, told).await
}

/// Shows a task and the way to its thread, also of a finished one.
#[poise::command(slash_command)]
async fn show(
    context: Context<'_>,
    #[description = "Which task"]
    #[autocomplete = "tasks"]
    task: String,
) -> Result<(), Error> {
    let ((desk, layout), by) = (at_hand(context), presser(context));
    let state = context.data().dials.mode.borrow().clone();
    let card = on_main(context, async move {
        task_show::show(&desk, &layout, &by, &task, &state).await
    })
    .await?;
    answer_with(context, card).await
}

/// Gives a task to an agent.
#[poise::command(slash_command)]
async fn assign(
    context: Context<'_>,
    #[description = "Which task"]
    #[autocomplete = "tasks"]
    task: String,
    #[description = "Whose it is"]
    #[autocomplete = "agents"]
    agent: String,
) -> Result<(), Error> {
    let ((desk, layout), by) = (at_hand(context), presser(context));
    let told = on_main(context, async move {
        assign_task(&desk, &layout, &by, (&task, &agent)).await
    })
    .await?;
    answer(context, told).await
}

/// Says where a task stands.
#[poise::command(slash_command)]
async fn status(
    context: Context<'_>,
    #[description = "Which task"]
    #[autocomplete = "tasks"]
    task: String,
    #[description = "Where it stands"] status: String,
) -> Result<(), Error> {
    let ((desk, layout), by) = (at_hand(context), presser(context));
    let told = on_main(context, async move {
        task::move_named(&desk, &layout, &by, (&task, &status)).await
    })
    .await?;
    answer(context, told).await
}

/// Stops a task, and says why.
#[poise::command(slash_command)]
async fn stop(
    context: Context<'_>,
    #[description = "Which task"]
    #[autocomplete = "tasks"]
    task: String,
    #[description = "Why"]
    #[max_length = 1000]
    reason: String,
) -> Result<(), Error> {
    let ((desk, layout), by) = (at_hand(context), presser(context));
    let told = on_main(context, async move {
        task::stop_named(&desk, &layout, &by, (&task, &reason)).await
    })
    .await?;
    answer(context, told).await
}

/// Deletes a task, after asking once more.
#[poise::command(slash_command)]
async fn delete(
    context: Context<'_>,
    #[description = "Which task"]
    #[autocomplete = "tasks"]
    task: String,
) -> Result<(), Error> {
    let ((desk, layout), by) = (at_hand(context), presser(context));
    let question = on_main(context, async move {
        ask_delete(&desk, &layout, &by, &task, Utc::now()).await
    })
    .await?;
    answer_with(context, question).await
}

/// The tasks that what is typed so far may mean.
pub(super) async fn tasks(context: Context<'_>, typed: &str) -> CreateAutocompleteResponse {
    let (desk, typed) = (context.data().desk.clone(), typed.to_owned());
    let found = on_main(context, async move {
        Ok(task_find::suggest(&desk, &typed).await)
    })
    .await;
    let choice = |(name, id): (String, String)| AutocompleteChoice::new(name, id);
    let choices = found.unwrap_or_default().into_iter().map(choice);
    CreateAutocompleteResponse::new().set_choices(choices.collect())
}

/// The command as Discord shows it: statuses are choices by their own words.
pub(super) fn task_with_choices() -> poise::Command<Data, Error> {
    let mut command = task();
    for sub in &mut command.subcommands {
        let choices: fn(CreateCommandOption) -> CreateCommandOption = match &*sub.name {
            "list" => |option| with_choices(option, &TaskStatus::KNOWN),
            "status" => |option| with_choices(option, &CHOOSABLE),
            _ => continue,
        };
        let mut parameters = sub.parameters.iter_mut();
        if let Some(status) = parameters.find(|it| it.name == "status") {
            status.type_setter = Some(choices);
        }
    }
    command
}

fn with_choices(option: CreateCommandOption, statuses: &[TaskStatus]) -> CreateCommandOption {
    let option = option.kind(CommandOptionType::String);
    statuses.iter().fold(option, |option, status| {
        option.add_string_choice(status_words(status), status.as_str())
    })
}
