//! `/heartbeat`: a non-destructive periodic check by an agent.

use serenity::all::{CommandOptionType, CreateCommandOption};

use super::ask::agents;
use super::schedule::listed;
use super::{Context, Data, Error, answer, interaction, on_main, presser};
use crate::operations::schedule::{Wanted, new_heartbeat};

/// The intervals that are offered: in words, and as they are sent.
const INTERVALS: [(&str, &str); 10] = [
    ("every 5 minutes", "5m"),
    ("every 10 minutes", "10m"),
    ("every 15 minutes", "15m"),
    ("every 30 minutes", "30m"),
    ("every hour", "1h"),
    ("every 2 hours", "2h"),
    ("every 4 hours", "4h"),
    ("every 6 hours", "6h"),
    ("every 12 hours", "12h"),
    ("every 24 hours", "24h"),
];

/// Heartbeats of agents.
#[poise::command(slash_command, subcommands("new"))]
async fn heartbeat(context: Context<'_>) -> Result<(), Error> {
    listed(context).await
}

/// A non-destructive periodic check: it reports and proposes, and does nothing else.
#[poise::command(slash_command)]
async fn new(
    context: Context<'_>,
    #[description = "Who looks"]
    #[autocomplete = "agents"]
    agent: String,
    #[description = "How often"] interval: String,
    #[description = "What to look at"]
    #[max_length = 4000]
    instructions: String,
) -> Result<(), Error> {
    let (data, by) = (context.data(), presser(context));
    let (desk, layout) = (data.desk.clone(), data.layout.borrow().clone());
    let Some(interaction) = interaction(context) else {
        return Ok(());
    };
    let wanted = Wanted {
        interaction,
        name: None,
        agent,
        schedule: interval,
        timezone: None,
        instructions,
    };
    let told = on_main(context, async move {
        new_heartbeat(&desk, &layout, &by, wanted).await
    })
    .await?;
    answer(context, told).await
}

/// The command as Discord shows it: intervals are choices.
pub(super) fn heartbeat_with_choices() -> poise::Command<Data, Error> {
    let mut command = heartbeat();
    for sub in &mut command.subcommands {
        let mut parameters = sub.parameters.iter_mut();
        if let Some(interval) = parameters.find(|it| it.name == "interval") {
            interval.type_setter = Some(with_choices);
        }
    }
    command
}

fn with_choices(option: CreateCommandOption) -> CreateCommandOption {
    let option = option.kind(CommandOptionType::String);
    INTERVALS.iter().fold(option, |option, (words, value)| {
        option.add_string_choice(*words, *value)
    })
}
