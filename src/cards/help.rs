//! What can be done here, from what the commands say of themselves.

use std::fmt::Write as _;

use super::colour::BLUE;
use super::quote::{length, shortened};
use super::text::CONTENT_LIMIT;
use super::{Draft, Embed};

/// What a newcomer has to know.
pub const FIRST_STEPS: [&str; 3] = [
    "Write to an agent in its channel, or name it with `@` in `#team-room`: the mark on your message says what \
     becomes of it.",
    "What an agent wants to do waits in `#approvals`, and nothing of it happens before an operator approves.",
    "`/status` says how everything is, and `/labs` which features are shown here.",
];

/// Which commands stand together. One that is in no group stands in the last one, so that none is missing.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Talk and decide", &["ask", "approvals", "Promote to task"]),
    ("Work", &["task", "output", "mission", "docs", "context"]),
    (
        "The team",
        &["agents", "agent", "skills", "schedule", "heartbeat"],
    ),
    (
        "How it is",
        &["status", "activity", "labs", "setup", "help"],
    ),
];

/// What the last group is called.
const REST: &str = "More";

/// A command as it describes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// What it does; empty for one of a message's menu.
    pub description: String,
    /// The commands below it.
    pub below: Vec<String>,
}

impl Command {
    /// One that stands in the menu of a message.
    fn is_in_menu(&self) -> bool {
        self.description.is_empty()
    }

    fn line(&self) -> String {
        if self.is_in_menu() {
            return format!("*{}*: in the menu of a message, below Apps", self.name);
        }
        let mut line = format!("`/{}` {}", self.name, self.description);
        if !self.below.is_empty() {
            let below: Vec<_> = self.below.iter().map(|it| format!("`{it}`")).collect();
            let _ = write!(line, " ({})", below.join(", "));
        }
        line
    }
}

/// Everything, for who asks.
pub fn help(commands: &[Command]) -> Draft {
    let content = format!("**What you can do here**\n{}", FIRST_STEPS.join("\n"));
    let mut frame = Embed::new("Commands", BLUE, "Type / in any channel to use one.");
    for (group, lines) in grouped(commands) {
        let room = frame.room(group);
        let mut value = String::new();
        for line in lines {
            if length(&value) + length(&line) < room {
                value.push_str(&line);
                value.push('\n');
            }
        }
        frame.field(group, value.trim_end().to_owned(), false);
    }
    Draft {
        embeds: vec![frame],
        ..Draft::text(content)
    }
}

fn grouped(commands: &[Command]) -> Vec<(&'static str, Vec<String>)> {
    let named = |command: &Command, names: &[&str]| names.contains(&command.name.as_str());
    let lines = |keep: &dyn Fn(&Command) -> bool| {
        let kept = commands.iter().filter(|command| keep(command));
        kept.map(Command::line).collect::<Vec<_>>()
    };
    let mut groups: Vec<_> = GROUPS
        .iter()
        .map(|(group, names)| (*group, lines(&|command| named(command, names))))
        .collect();
    let known = |command: &Command| GROUPS.iter().any(|(_, names)| named(command, names));
    groups.push((REST, lines(&|command| !known(command))));
    groups.retain(|(_, lines)| !lines.is_empty());
    groups
}

/// The word of welcome in a server that is new to us.
pub fn welcome() -> Draft {
    let text = format!(
        "**Welcome to Mission Control**\n{}\n`/help` lists every command.",
        FIRST_STEPS.join("\n")
    );
    Draft::text(shortened(&text, CONTENT_LIMIT).into_owned())
}
