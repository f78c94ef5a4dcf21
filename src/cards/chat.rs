//! A chat message as Discord shows it.

use super::persona::spoken;
use super::quote::{self, length};
use super::{Draft, Personas, Upkeep, text};
use crate::model::message::{Author, ChatMessage, Quoted};
use crate::model::view::Surface;
use crate::model::{ChannelId, DiscordMessageId, GuildId};

/// What stands before a line that quotes another message: small, as Discord shows replies.
pub const QUOTING: &str = "-# ";

/// Most of the quoted message that is shown, in UTF-16 units.
const EXCERPT: usize = 90;

/// The messages that show a row of the chat on a surface, in order. Never empty.
pub fn chat_message(
    message: &ChatMessage,
    surface: &Surface,
    guild: GuildId,
    personas: &Personas,
) -> Vec<Draft> {
    let persona = personas.author(message);
    let quoted = message.quotes.as_ref().map(|quoted| {
        let at = quoted.at.iter().find(|it| it.0 == *surface);
        let link = at.map(|(on, channel, message)| link(on, guild, *channel, *message));
        quoting(quoted, link.as_deref(), personas)
    });
    let taken = quoted.as_deref().map_or(0, length);
    let mut parts = spoken(taken, &persona, &text::foreign(&message.text));
    if parts.is_empty() {
        parts.push("*(an empty message)*".to_owned());
    }
    let mut upkeep = Upkeep::Said;
    if let (Some(line), Some(first)) = (quoted, parts.first_mut()) {
        upkeep = Upkeep::Quoting(line.len());
        first.insert_str(0, &line);
    }
    parts
        .into_iter()
        .map(|content| Draft {
            upkeep: std::mem::take(&mut upkeep),
            ..Draft::spoken(persona.clone(), content)
        })
        .collect()
}

/// One line: who said what, with a way there.
fn quoting(quoted: &Quoted, link: Option<&str>, personas: &Personas) -> String {
    let who = match (&quoted.author, quoted.author_name.as_deref()) {
        (Author::Agent(key), _) => personas.agent(key).name,
        (Author::Operator | Author::Member(_), Some(name)) => name.to_owned(),
        (other, name) => personas.of(other, name).name,
    };
    let who = quote::name(&who);
    let said = quote::line(&quoted.text, EXCERPT).markup;
    let arrow = link.map_or_else(|| "↪".to_owned(), |link| format!("[↪](<{link}>)"));
    format!("{QUOTING}{arrow} {who}: {said}\n")
}

fn link(on: &Surface, guild: GuildId, channel: ChannelId, message: DiscordMessageId) -> String {
    if on.is_private() {
        return format!("https://discord.com/channels/@me/{channel}/{message}");
    }
    format!("https://discord.com/channels/{guild}/{channel}/{message}")
}
