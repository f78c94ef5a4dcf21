//! What a person is told who has asked an agent with `/ask`.

use super::{Persona, quote};
use crate::model::ChannelId;

/// Characters of a word that is no agent, in the answer to it.
const WORD: usize = 80;

/// The agent has it, or will have it at once.
pub fn sent(agent: &Persona, channel: Option<ChannelId>) -> String {
    let name = quote::name(&agent.name);
    match channel {
        Some(channel) => format!("Sent to {name}: <#{channel}>"),
        None => format!("Sent to {name}."),
    }
}

/// Nobody is there to take it now.
pub fn queued() -> String {
    "Queued - agent will process when online".to_owned()
}

/// The word is none of the agents.
pub fn unknown_agent(word: &str) -> String {
    let word = quote::line(word, WORD).markup;
    format!("There is no agent {word} in this project. Choose one of the list that Discord offers.")
}

/// Nothing was said.
pub fn nothing_said() -> String {
    "There is no text in your message, so nothing was sent.".to_owned()
}

/// Nobody but an operator asks.
pub fn not_an_operator() -> String {
    "Only operators talk to agents, and you are not one of them. Nothing was sent.".to_owned()
}

/// Nobody can ask.
pub fn nobody_is_an_operator() -> String {
    "Nobody is an operator yet, so nobody can talk to agents. Whoever owns the bot chooses some with \
     `/setup`, or sets `discord.operators` (OPERATOR_IDS)."
        .to_owned()
}

/// The database is away, or too slow to say whether it has the message.
pub fn database_away() -> String {
    "The database cannot be reached in time, so your message may not have been sent. When `#status` \
     says that it is back, look into the agent's channel before you send it again."
        .to_owned()
}
