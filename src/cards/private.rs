//! A chat message as a private channel with an agent's own bot shows it: the bot is the agent, and
//! whoever else speaks is named above their words.

use super::text::{self, CONTENT_LIMIT};
use super::{Draft, Personas, quote};
use crate::model::message::{Author, ChatMessage};
use crate::model::thread::Place;

/// What stands before a name in small letters (source: Discord, "Markdown Text 101").
const SMALL: &str = "-#";

/// The same to the eye, and no markup: an agent's words do not begin with somebody's name.
const NO_MARKUP: &str = "\u{2011}#";

/// The messages that show a row of an agent's thread beside it, in order. Never empty.
pub fn private_message(message: &ChatMessage, personas: &Personas) -> Vec<Draft> {
    let mut parts = text::parts(&text::foreign(&message.text));
    if parts.is_empty() {
        parts.push("*(an empty message)*".to_owned());
    }
    for part in &mut parts {
        if let Some(rest) = part.strip_prefix(SMALL) {
            *part = format!("{NO_MARKUP}{rest}");
        }
    }
    let own = matches!(
        (&message.author, &message.place),
        (Author::Agent(author), Place::Dm(agent)) if author == agent
    );
    if !own {
        // Brackets alone make no link, and every persona of a person has some.
        let name = quote::name(&personas.author(message).name);
        let name = name.replace("\\(", "(").replace("\\)", ")");
        let head = format!("{SMALL} {name}");
        let together = format!("{head}\n{}", parts[0]);
        if together.chars().count() <= CONTENT_LIMIT {
            parts[0] = together;
        } else {
            parts.insert(0, head);
        }
    }
    let draft = |part| Draft {
        silent: !own,
        ..Draft::text(part)
    };
    parts.into_iter().map(draft).collect()
}
