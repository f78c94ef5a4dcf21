//! `/help`: what can be done here, told by the commands themselves.

use super::{Context, Error, all, answer_with, lobby};
use crate::cards::help::{Command, help as page};

/// What can be done here, and how one begins.
#[poise::command(slash_command)]
pub(super) async fn help(context: Context<'_>) -> Result<(), Error> {
    answer_with(context, page(&described())).await
}

/// Every command as it describes itself.
pub fn described() -> Vec<Command> {
    let mut commands: Vec<Command> = all().iter().map(describe).collect();
    commands.extend(lobby::all().iter().map(describe));
    commands
}

fn describe<D>(command: &poise::Command<D, Error>) -> Command {
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
