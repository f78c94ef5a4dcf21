//! What the sandbox knows: guilds, their people, applications, channels and messages.
//!
//! Every change goes through a method of [`State`] that does three things under one lock: changes the
//! maps, notes a journal [`Record`] and emits the gateway [`Event`]s. [`crate::app::App::write`] then
//! hands the events to the hub in that order and writes the journal before anybody is answered.

mod channels;
mod commands;
pub(crate) mod entities;
mod guild;
mod guilds;
pub(crate) mod journal;
mod mentions;
mod message_view;
mod messages;
pub(crate) mod mint;
mod pace;
mod parts;
pub(crate) mod permissions;
mod reactions;
pub(crate) mod threads;
mod view;
mod webhooks;

use std::collections::{BTreeMap, HashMap};

pub(crate) use entities::{
    Application, Attachment, Author, Channel, Command, Guild, Member, Message, Overwrite, Persona,
    PortalIntents, Reaction, Reference, Role, ThreadData, User, Webhook,
};
use journal::Record;
pub(crate) use view::{image_hash, iso};

use crate::gateway::{Audience, Event};

/// First millisecond of the year 2015, from which Discord counts its snowflakes.
pub(crate) const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// Who makes a request or owns a gateway session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// A bot: the application and the bot user that belongs to it.
    Bot {
        /// The application whose token was used.
        application: u64,
        /// The bot user of that application.
        user: u64,
    },
    /// A person with a user token.
    Person {
        /// That person's user id.
        user: u64,
    },
}

impl Actor {
    /// The user that acts.
    pub(crate) fn user(self) -> u64 {
        match self {
            Self::Bot { user, .. } | Self::Person { user } => user,
        }
    }
}

/// Everything that lives as long as the data folder does.
#[derive(Default)]
pub(crate) struct State {
    /// The guilds by id; the first is the one that the data folder began with.
    pub(crate) guilds: BTreeMap<u64, Guild>,
    /// Roles of all guilds by id; the role whose id is its guild's is `@everyone`.
    pub(crate) roles: BTreeMap<u64, Role>,
    /// Members by guild and user.
    pub(crate) members: BTreeMap<(u64, u64), Member>,
    /// All users, bots included.
    pub(crate) users: BTreeMap<u64, User>,
    /// Applications by id.
    pub(crate) applications: BTreeMap<u64, Application>,
    /// Channels, threads, categories and private channels.
    pub(crate) channels: BTreeMap<u64, Channel>,
    /// Messages by channel, then by id.
    pub(crate) messages: HashMap<u64, BTreeMap<u64, Box<Message>>>,
    /// Webhooks by id.
    pub(crate) webhooks: BTreeMap<u64, Webhook>,
    /// Application commands by id.
    pub(crate) commands: BTreeMap<u64, Command>,
    /// Where the server can be reached, for attachment and gateway addresses (`http://127.0.0.1:P`).
    pub(crate) origin: String,
    tokens: HashMap<String, u64>,
    nonces: pace::Nonces,
    old_edits: pace::OldEdits,
    command_creates: commands::Creates,
    last_snowflake: u64,
    outbox: Vec<Event>,
    journal: journal::Buffer,
}

impl State {
    /// The next id: the current millisecond in Discord's epoch, always greater than any id before.
    pub(crate) fn snowflake(&mut self) -> u64 {
        let by_clock = (now_ms() - DISCORD_EPOCH_MS) << 22;
        self.last_snowflake = by_clock.max(self.last_snowflake + 1);
        self.last_snowflake
    }

    /// The id that comes right before any new one (a time mark for cursors).
    pub(crate) fn last_snowflake(&self) -> u64 {
        self.last_snowflake
    }

    /// Whose token this is. `token` is the raw value of the `Authorization` header: `Bot …` for
    /// applications, the bare token for people. A bot's token without the prefix is nobody's, as at Discord.
    pub(crate) fn actor_by_token(&self, token: &str) -> Option<Actor> {
        let (bot, bare) = match token.strip_prefix("Bot ") {
            Some(rest) => (true, rest.trim()),
            None => (false, token.trim()),
        };
        let user = *self.tokens.get(bare)?;
        match (bot, self.application_of_bot(user)) {
            (true, Some(application)) => Some(Actor::Bot {
                application: application.id,
                user,
            }),
            (false, None) => Some(Actor::Person { user }),
            _ => None,
        }
    }

    /// The application with this id.
    pub(crate) fn application(&self, id: u64) -> Option<&Application> {
        self.applications.get(&id)
    }

    /// The application whose bot user this is.
    pub(crate) fn application_of_bot(&self, user: u64) -> Option<&Application> {
        self.applications
            .values()
            .find(|application| application.bot == user)
    }

    /// A message by channel and id.
    pub(crate) fn message(&self, channel: u64, id: u64) -> Option<&Message> {
        self.messages.get(&channel)?.get(&id).map(Box::as_ref)
    }

    /// Queues a gateway event; it is published when the current [`crate::app::App::write`] ends.
    pub(crate) fn emit(&mut self, name: &'static str, data: serde_json::Value, audience: Audience) {
        self.outbox.push(Event {
            name,
            data,
            audience,
        });
    }

    /// Queues an event for everybody who can see this channel: its guild members, or the people of a
    /// private channel.
    pub(crate) fn emit_in(&mut self, channel: u64, name: &'static str, data: serde_json::Value) {
        let audience = self.audience(channel);
        self.emit(name, data, audience);
    }

    /// Queues an event for a whole guild.
    pub(crate) fn emit_guild(&mut self, guild: u64, name: &'static str, data: serde_json::Value) {
        self.emit(
            name,
            data,
            Audience::Guild {
                guild,
                channel: None,
            },
        );
    }

    /// Who learns what happens in this channel.
    pub(crate) fn audience(&self, channel: u64) -> Audience {
        match self.channels.get(&channel) {
            Some(found) if !found.recipients.is_empty() => {
                Audience::Users(found.recipients.clone())
            }
            Some(found) => Audience::Guild {
                guild: found.guild,
                channel: Some(channel),
            },
            None => Audience::Users(Vec::new()),
        }
    }

    /// The events queued since the last call.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.outbox)
    }

    /// The journal lines noted since the last call.
    pub(crate) fn take_journal(&mut self) -> Vec<u8> {
        self.journal.take()
    }

    /// Notes a change for the journal.
    pub(crate) fn record(&mut self, record: &Record<'_>) {
        self.journal.note(record);
    }
}

/// Milliseconds since 1970 by the system's clock.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(chrono::Utc::now().timestamp_millis())
        .unwrap_or(DISCORD_EPOCH_MS)
        .max(DISCORD_EPOCH_MS)
}

/// The millisecond since 1970 at which an id was made.
pub(crate) fn snowflake_ms(id: u64) -> u64 {
    (id >> 22) + DISCORD_EPOCH_MS
}
