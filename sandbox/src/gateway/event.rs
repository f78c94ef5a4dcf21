//! What happened, and who may hear of it.

use serde_json::Value;

/// One gateway dispatch before it is addressed to sessions.
#[derive(Debug)]
pub(crate) struct Event {
    /// Discord's name of the event, for example `MESSAGE_CREATE`.
    pub name: &'static str,
    /// The `d` of the dispatch, complete: sessions that may see less get a stripped copy.
    pub data: Value,
    /// Who may receive it, before intents are looked at.
    pub audience: Audience,
}

/// Who may receive an event.
#[derive(Debug, Clone)]
pub(crate) enum Audience {
    /// Members of the guild, and with a channel only those that have `VIEW_CHANNEL` there.
    Guild {
        /// The guild's id.
        guild: u64,
        /// The channel (or thread) whose visibility decides; it must still be in the state when
        /// the event is published.
        channel: Option<u64>,
    },
    /// Exactly these users, bots included: direct messages and ephemeral answers.
    Users(Vec<u64>),
}

impl Event {
    /// An event for all members of a guild.
    pub(crate) fn guild(name: &'static str, guild: u64, data: Value) -> Event {
        Event {
            name,
            data,
            audience: Audience::Guild {
                guild,
                channel: None,
            },
        }
    }
}
