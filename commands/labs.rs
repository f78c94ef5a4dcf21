//! `/labs`: which features are on, and switching them.

use serenity::all::{CommandOptionType, CreateCommandOption};

use super::{Context, Data, Error, answer, on_main, presser};
use crate::model::labs::Feature;
use crate::operations::labs::labs as look_or_switch;

/// The features of this project: what is on, and how to switch it. Operators switch.
#[poise::command(slash_command)]
async fn labs(
    context: Context<'_>,
    #[description = "Which feature; without it all are listed"] flag: Option<String>,
    #[description = "True switches it on, False off"] on: Option<bool>,
) -> Result<(), Error> {
    let desk = context.data().desk.clone();
    let by = presser(context);
    let told = on_main(context, async move {
        look_or_switch(&desk, &by, flag, on).await
    })
    .await?;
    answer(context, told).await
}

/// The command as Discord shows it: the flags are choices by their own words, where poise would number
/// them.
pub(super) fn labs_with_choices() -> poise::Command<Data, Error> {
    let mut command = labs();
    let flag = command.parameters.iter_mut().find(|it| it.name == "flag");
    if let Some(flag) = flag {
        flag.type_setter = Some(with_choices);
    }
    command
}

fn with_choices(option: CreateCommandOption) -> CreateCommandOption {
    let option = option.kind(CommandOptionType::String);
    Feature::ALL.into_iter().fold(option, |option, feature| {
        option.add_string_choice(feature.as_str(), feature.as_str())
    })
}
