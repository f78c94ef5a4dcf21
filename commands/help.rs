//! `/help`: what can be done here, told by the commands themselves.

use super::{Context, Data, Error, all, answer_with};
use crate::cards::help::{Command, help as page};

/// What can be done here, and how one begins.
#[poise::command(slash_command)]
pub(super) async fn help(context: Context<'_>) -> Result<(), Error> {
    answer_with(context, page(&described())).await
}

/// Every command as it describes itself.
pub fn described() -> Vec<Command> {
    all().iter().map(describe).collect()
}

fn describe(command: &poise::Command<Data, Error>) -> Command {
    let below = command.subcommands.iter().map(|it| it.name.to_string());
    // What stands in the menu of a message has a name for people, and no description.
    let menu = command.context_menu_name.as_ref();
    Command {
        name: menu.unwrap_or(&command.name).to_string(),
        description: match (menu, &command.description) {
            (None, Some(description)) => description.to_string(),
            _ => String::new(),
        },
        below: below.collect(),
    }
}
