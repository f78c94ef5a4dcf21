//! A chat message as a private channel with an agent's own bot shows it: the bot is the agent, and
//! whoever else speaks is named above their words.

use super::chat::chat_message;
use super::quote::{self, length};
use super::text::CONTENT_LIMIT;
use super::{Draft, Personas, Upkeep};
use crate::model::GuildId;
use crate::model::message::{Author, ChatMessage};
use crate::model::thread::Place;
use crate::model::view::Surface;

/// What stands before a name in small letters (source: Discord, "Markdown Text 101").
const SMALL: &str = "-#";

/// The same to the eye, and no markup: an agent's words do not begin with somebody's name.
const NO_MARKUP: &str = "\u{2011}#";

/// The messages that show a row of an agent's thread on a private surface, in order. Never empty.
pub fn private_message(
    message: &ChatMessage,
    surface: &Surface,
    guild: GuildId,
    personas: &Personas,
) -> Vec<Draft> {
    let own = matches!(
        (&message.author, &message.place),
        (Author::Agent(author), Place::Dm(agent)) if author == agent
    );
    let mut drafts = chat_message(message, surface, guild, personas);
    for draft in &mut drafts {
        draft.persona = None;
        draft.silent = !own;
        let words = quoting(draft);
        let said = draft.content.get(words..).unwrap_or_default();
        if said.starts_with(SMALL) {
            let markup = words..words + SMALL.len();
            draft.content.replace_range(markup, NO_MARKUP);
        }
    }
    if own {
        return drafts;
    }
    // Brackets alone make no link, and every persona of a person has some.
    let name = quote::name(&personas.author(message).name);
    let name = name.replace("\\(", "(").replace("\\)", ")");
    let mut head = format!("{SMALL} {name}");
    match drafts.first_mut() {
        Some(first) if length(&head) + 1 + length(&first.content) <= CONTENT_LIMIT => {
            head.push('\n');
            if let Upkeep::Quoting(bytes) = &mut first.upkeep {
                *bytes += head.len();
            }
            first.content.insert_str(0, &head);
        }
        _ => {
            let silent = true;
            let named = Draft {
                silent,
                ..Draft::text(head)
            };
            drafts.insert(0, named);
        }
    }
    drafts
}

/// Bytes of the line in which a draft quotes another message.
fn quoting(draft: &Draft) -> usize {
    match draft.upkeep {
        Upkeep::Quoting(bytes) => bytes,
        _ => 0,
    }
}
