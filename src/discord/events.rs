//! What Discord tells us, parsed once into our own types.

mod names;
mod picked;
mod written;

use std::fmt;

use secrecy::SecretString;
use serenity::all::{
    ActionRow, ActionRowComponent, ComponentInteractionDataKind, Event, GuildChannel, Interaction,
    Member, Message, MessageFlags, User,
};

use super::rest::interaction::places;
use crate::model::mentions::Names;
use crate::model::task::{ThreadNews, ThreadSeen};
use crate::model::{ChannelId, DiscordMessageId, GuildId, RoleId, UserId};

pub use self::picked::Pick;
pub use self::written::{Written, written};

/// Something that happened in Discord.
#[derive(Debug, Clone)]
pub enum Inbound {
    /// A new session: whatever happened before it has to be read back.
    Ready,
    /// The old session goes on: what was missed has been replayed.
    Resumed,
    /// The connection is gone; serenity makes a new one.
    Disconnected,
    /// A person wrote something.
    Message(Box<Written>),
    /// A person changed what they had written.
    Edited(Box<Written>),
    /// Messages of a channel are gone, whoever had written them.
    Deleted(ChannelId, Vec<DiscordMessageId>),
    /// The pins of a channel are others.
    PinsChanged(ChannelId),
    /// The bot may perhaps something else in a server than before.
    RightsChanged(GuildId),
    /// How roles and channels of a server are called.
    Named(GuildId, Names, Option<ThreadNews>),
    /// A person pressed a button, chose from a list, or sent a form that a button had opened.
    Pressed(Box<Pressed>),
    /// We are not in a server any more.
    Left(GuildId),
    /// A channel is gone.
    ChannelGone(ChannelId),
    /// Something about the webhooks of a channel has changed.
    WebhooksChanged(ChannelId),
    /// Threads of tasks in which people wrote while nobody listened, and where that begins.
    Unread(Vec<(ChannelId, DiscordMessageId)>),
    /// What became of a thread.
    Thread(ThreadNews),
    /// What an agent's own bot was told, by the agent's short name.
    ToBot(String, Box<Inbound>),
}

/// A button that was pressed, a list that was chosen from, or a form that was sent.
#[derive(Clone)]
pub struct Pressed {
    /// The interaction.
    pub interaction: u64,
    /// The application whose button it is.
    pub application: u64,
    /// What answers it, for 15 minutes: a secret.
    pub token: SecretString,
    /// Which button, list or form.
    pub custom_id: String,
    /// Whether it stands on a message that the person alone sees.
    pub private: bool,
    /// What was chosen from a list; empty for a button and a form.
    pub chosen: Vec<String>,
    /// Whether it is a list; one may have been left with nothing chosen.
    pub listed: bool,
    /// Who was chosen from a list of people or roles; none where Discord has not told of each of them.
    pub picked: Option<Vec<Pick>>,
    /// What was typed into the form; none for a button and a list.
    pub typed: Option<String>,
    /// All fields of the form, by name.
    pub fields: Vec<(String, String)>,
    /// Who.
    pub user: UserId,
    /// Under which name people see them.
    pub name: String,
    /// Whether it is a program.
    pub bot: bool,
    /// The server, with the roles there; none in a direct message.
    pub member: Option<(GuildId, Vec<RoleId>)>,
    /// The channel, and what that lies in.
    pub places: Vec<ChannelId>,
}

impl Pressed {
    fn of(
        (interaction, application): (u64, u64),
        token: String,
        user: User,
        guild: Option<serenity::all::GuildId>,
        member: Option<&Member>,
    ) -> Option<Self> {
        let guild = guild.and_then(|id| GuildId::new(id.get()));
        let nick = member.and_then(|member| member.nick.clone());
        Some(Self {
            interaction,
            application,
            token: token.into(),
            custom_id: String::new(),
            private: false,
            chosen: Vec::new(),
            listed: false,
            picked: None,
            typed: None,
            fields: Vec::new(),
            user: UserId::new(user.id.get())?,
            name: nick.or(user.global_name).unwrap_or(user.name),
            bot: user.bot,
            member: guild.zip(member.map(|member| roles(&member.roles))),
            places: Vec::new(),
        })
    }
}

impl fmt::Debug for Pressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pressed")
            .field("interaction", &self.interaction)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Whether the bridge would miss events of this kind.
pub fn matters(kind: &str) -> bool {
    [
        "MESSAGE_",
        "INTERACTION_CREATE",
        "GUILD_CREATE",
        "CHANNEL_",
        "THREAD_",
        "READY",
    ]
    .iter()
    .any(|prefix| kind.starts_with(prefix))
}

/// Whether an event may change what the bot may do: roles, exceptions of channels, and its own roles.
pub fn rights(event: &Event) -> Option<Inbound> {
    let guild = match event {
        Event::GuildRoleUpdate(event) => event.role.guild_id,
        Event::GuildRoleDelete(event) => event.guild_id,
        Event::ChannelUpdate(event) => event.channel.guild_id,
        // Of others only with an intent that the bridge does not ask for.
        Event::GuildMemberUpdate(event) => event.guild_id,
        _ => return None,
    };
    GuildId::new(guild.get()).map(Inbound::RightsChanged)
}

/// Reads an event; none is nothing that concerns us.
pub fn parse(event: Event) -> Option<Inbound> {
    if let Some((guild, names)) = names::names(&event) {
        let news = thread(&event);
        return Some(Inbound::Named(guild, names, news));
    }
    match event {
        Event::Ready(_) => Some(Inbound::Ready),
        Event::Resumed(_) => Some(Inbound::Resumed),
        Event::MessageCreate(event) => {
            written(event.message).map(|message| Inbound::Message(Box::new(message)))
        }
        Event::MessageUpdate(event) => {
            written::edited(&event).map(|message| Inbound::Edited(Box::new(message)))
        }
        Event::MessageDelete(event) => {
            let channel = ChannelId::new(event.channel_id.get())?;
            let message = DiscordMessageId::new(event.message_id.get())?;
            Some(Inbound::Deleted(channel, vec![message]))
        }
        Event::MessageDeleteBulk(event) => {
            let channel = ChannelId::new(event.channel_id.get())?;
            let ids = event.ids.iter();
            let messages = ids.filter_map(|id| DiscordMessageId::new(id.get()));
            Some(Inbound::Deleted(channel, messages.collect()))
        }
        Event::ChannelPinsUpdate(event) => {
            ChannelId::new(event.channel_id.get()).map(Inbound::PinsChanged)
        }
        // An outage of Discord is no goodbye.
        Event::GuildDelete(event) if !event.guild.unavailable => {
            GuildId::new(event.guild.id.get()).map(Inbound::Left)
        }
        Event::ChannelDelete(event) => {
            ChannelId::new(event.channel.id.get()).map(Inbound::ChannelGone)
        }
        Event::ThreadDelete(event) => {
            let thread = ChannelId::new(event.thread.id.get())?;
            Some(Inbound::Thread(ThreadNews::Gone(thread)))
        }
        Event::InteractionCreate(event) => {
            pressed(event.interaction).map(|pressed| Inbound::Pressed(Box::new(pressed)))
        }
        Event::WebhookUpdate(event) => {
            ChannelId::new(event.channel_id.get()).map(Inbound::WebhooksChanged)
        }
        _ => None,
    }
}

/// A button, a list or a form; commands are poise's.
fn pressed(interaction: Interaction) -> Option<Pressed> {
    match interaction {
        Interaction::Component(it) => Some(Pressed {
            places: places(it.channel_id, it.channel.as_ref()),
            private: is_private(&it.message),
            listed: !matches!(it.data.kind, ComponentInteractionDataKind::Button),
            picked: picked::picked(&it.data),
            chosen: match it.data.kind {
                ComponentInteractionDataKind::StringSelect { values } => values,
                _ => Vec::new(),
            },
            custom_id: it.data.custom_id,
            ..Pressed::of(
                (it.id.get(), it.application_id.get()),
                it.token,
                it.user,
                it.guild_id,
                it.member.as_ref(),
            )?
        }),
        Interaction::Modal(it) => Some(Pressed {
            places: places(it.channel_id, it.channel.as_ref()),
            typed: Some(typed(&it.data.components)),
            fields: fields(&it.data.components),
            custom_id: it.data.custom_id,
            ..Pressed::of(
                (it.id.get(), it.application_id.get()),
                it.token,
                it.user,
                it.guild_id,
                it.member.as_ref(),
            )?
        }),
        _ => None,
    }
}

/// What an event that tells names tells of a thread.
fn thread(event: &Event) -> Option<ThreadNews> {
    let thread: &GuildChannel = match event {
        Event::ThreadCreate(event) => &event.thread,
        Event::ThreadUpdate(event) => &event.thread,
        _ => return None,
    };
    let metadata = thread.thread_metadata?;
    Some(ThreadNews::Seen(ThreadSeen {
        thread: ChannelId::new(thread.id.get())?,
        name: thread.name.clone(),
        tags: thread.applied_tags.iter().map(|tag| tag.get()).collect(),
        archived: metadata.archived,
        locked: metadata.locked,
    }))
}

fn is_private(message: &Message) -> bool {
    let flags = message.flags.unwrap_or_default();
    flags.contains(MessageFlags::EPHEMERAL)
}

/// What stands in the first field of a form.
fn typed(rows: &[ActionRow]) -> String {
    let first = fields(rows).into_iter().next();
    first.map(|(_, text)| text).unwrap_or_default()
}

/// What stands in all of them, by their names.
fn fields(rows: &[ActionRow]) -> Vec<(String, String)> {
    let components = rows.iter().flat_map(|row| &row.components);
    components
        .filter_map(|component| match component {
            ActionRowComponent::InputText(input) => {
                Some((input.custom_id.clone(), input.value.clone()?))
            }
            _ => None,
        })
        .collect()
}

fn roles(roles: &[serenity::all::RoleId]) -> Vec<RoleId> {
    roles
        .iter()
        .filter_map(|role| RoleId::new(role.get()))
        .collect()
}
