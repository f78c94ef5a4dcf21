//! What an agent's own bot says to whom it does not take messages from.

use super::quote;

/// The person is no operator.
pub fn only_operators() -> String {
    "I only talk to operators of Mission Control, and you are not one of them, so nobody gets this \
     message. Whoever runs the bridge names them."
        .to_owned()
}

/// The person is not in the server.
pub fn only_members() -> String {
    "I only talk to members of the server of Mission Control, and you are not one of them, so nobody \
     gets this message."
        .to_owned()
}

/// There is a token for an agent that is not there.
pub fn no_agent(short: &str) -> String {
    format!(
        "There is no agent {} in this project at the moment, so nobody gets this message.",
        quote::name(short)
    )
}

/// The first message of a person needs the database.
pub fn database_away() -> String {
    "The database is away, so I cannot begin to talk to you. Please send this message again when \
     `#status` says that the database is back."
        .to_owned()
}

/// The agent's own bot is not as it should be, on the card in `#status`.
pub fn down(name: &str, reason: &str) -> String {
    format!("⚠️ {}'s own bot is down: {reason}", quote::name(name))
}

/// The agent's own bot is heard, and hears nobody.
pub fn deaf(name: &str, reason: &str) -> String {
    format!("⚠️ {}'s own bot does not hear: {reason}", quote::name(name))
}
