//! What Discord tells us, parsed once into our own types.

use serenity::all::{Event, Message, MessageType};

use crate::model::{ChannelId, DiscordMessageId, GuildId, RoleId, UserId};

/// Something that happened in Discord.
#[derive(Debug)]
pub enum Inbound {
    /// A new session: whatever happened before it has to be read back.
    Ready,
    /// The old session goes on: what was missed has been replayed.
    Resumed,
    /// The connection is gone; serenity makes a new one.
    Disconnected,
    /// A person wrote something.
    Message(Box<Written>),
    /// A channel is gone.
    ChannelGone(ChannelId),
    /// Something about the webhooks of a channel has changed.
    WebhooksChanged(ChannelId),
}

/// A person's message.
#[derive(Debug, Clone)]
pub struct Written {
    /// The message.
    pub id: DiscordMessageId,
    /// The channel.
    pub channel: ChannelId,
    /// The server; none in a direct message.
    pub guild: Option<GuildId>,
    /// Who.
    pub user: UserId,
    /// Under which name people see them.
    pub name: String,
    /// With which roles.
    pub roles: Vec<RoleId>,
    /// What.
    pub text: String,
    /// Name, size in bytes and address of each file.
    pub files: Vec<(String, u64, String)>,
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

/// Reads an event; none is nothing that concerns us.
pub fn parse(event: Event) -> Option<Inbound> {
    match event {
        Event::Ready(_) => Some(Inbound::Ready),
        Event::Resumed(_) => Some(Inbound::Resumed),
        Event::MessageCreate(event) => {
            written(event.message).map(|message| Inbound::Message(Box::new(message)))
        }
        Event::ChannelDelete(event) => {
            ChannelId::new(event.channel.id.get()).map(Inbound::ChannelGone)
        }
        Event::WebhookUpdate(event) => {
            ChannelId::new(event.channel_id.get()).map(Inbound::WebhooksChanged)
        }
        _ => None,
    }
}

/// A message as a person's; none for bots, webhooks, system messages and what nobody wrote.
pub fn written(message: Message) -> Option<Written> {
    let by_person = !message.author.bot && message.webhook_id.is_none();
    let text = matches!(
        message.kind,
        MessageType::Regular | MessageType::InlineReply
    );
    if !(by_person && text) {
        return None;
    }
    let member = message.member;
    let nick = member.as_ref().and_then(|member| member.nick.clone());
    let global = message.author.global_name;
    Some(Written {
        id: DiscordMessageId::new(message.id.get())?,
        channel: ChannelId::new(message.channel_id.get())?,
        guild: message.guild_id.and_then(|id| GuildId::new(id.get())),
        user: UserId::new(message.author.id.get())?,
        name: nick.or(global).unwrap_or(message.author.name),
        roles: member
            .map(|member| member.roles)
            .unwrap_or_default()
            .into_iter()
            .filter_map(|role| RoleId::new(role.get()))
            .collect(),
        text: message.content,
        files: message
            .attachments
            .into_iter()
            .map(|file| (file.filename, u64::from(file.size), file.url))
            .collect(),
    })
}
