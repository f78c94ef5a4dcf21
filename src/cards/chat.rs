//! A chat message as Discord shows it.

use super::{Draft, Personas, text};
use crate::model::message::ChatMessage;

/// The messages that show a row of the chat, in order. Never empty.
pub fn chat_message(message: &ChatMessage, personas: &Personas) -> Vec<Draft> {
    let persona = personas.author(message);
    let mut parts = text::parts(&text::foreign(&message.text));
    if parts.is_empty() {
        parts.push("*(an empty message)*".to_owned());
    }
    parts
        .into_iter()
        .map(|content| Draft::spoken(persona.clone(), content))
        .collect()
}
