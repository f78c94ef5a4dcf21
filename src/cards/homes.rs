//! What is said where no project is shown, or where it is not clear which one is meant.

use super::Draft;
use super::quote::plain_line;

/// Most characters of a project's name.
const NAME: usize = 60;

/// The word of welcome in a server that shows nothing yet.
pub fn nothing_here() -> Draft {
    let text = "**Mission Control is here**\nIt shows nothing yet. Whoever runs it says with `/setup` which project \
                this server shows; then its channels are made.";
    Draft::text(text.to_owned())
}

/// The answer to a command in a server that shows nothing.
pub fn not_here() -> String {
    "This server shows no project yet. Whoever runs Mission Control changes that with `/setup`."
        .to_owned()
}

/// The answer in a channel of a project that has moved, to whatever is said or asked there.
pub fn moved() -> String {
    "What was shown here is shown in another server now. This channel is not read any more, and nothing new appears in it."
        .to_owned()
}

/// The answer where several projects could be meant.
pub fn which_one<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names
        .map(|name| format!("**{}**", plain_line(name, NAME)))
        .collect();
    format!(
        "This server shows several projects: {}. Use the command in a channel of the one that you mean.",
        names.join(", ")
    )
}

/// A line of the start: nobody has said where the project is shown. `servers` are told as they are called, with ids.
pub fn no_home(project: &str, servers: &[String]) -> String {
    let where_it_is = match servers {
        [only] => format!("the bot is not in the server any more that was chosen, but in {only}"),
        several => format!("the bot is in several servers, {}", several.join(", ")),
    };
    format!(
        "nothing is shown yet: {where_it_is}. Use /setup in the one that should show {project}, or set DISCORD_GUILD_ID"
    )
}
