//! The things the sandbox keeps, as they are written to the journal.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::Parts;

/// The guild ("server") itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Guild {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) owner: u64,
}

/// A role; `permissions` are Discord's bits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Role {
    pub(crate) id: u64,
    /// Its guild; journals of when there was one do not name it.
    #[serde(default)]
    pub(crate) guild: u64,
    pub(crate) name: String,
    pub(crate) permissions: u64,
    pub(crate) position: i64,
    #[serde(default)]
    pub(crate) color: u32,
    #[serde(default)]
    pub(crate) hoist: bool,
    #[serde(default)]
    pub(crate) mentionable: bool,
    /// Set for the role that came with an application: the bot user it belongs to.
    #[serde(default)]
    pub(crate) bot: Option<u64>,
}

/// A user's membership in a guild.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Member {
    /// See [`Role::guild`].
    #[serde(default)]
    pub(crate) guild: u64,
    pub(crate) user: u64,
    pub(crate) roles: Vec<u64>,
    pub(crate) joined_ms: u64,
    #[serde(default)]
    pub(crate) nick: Option<String>,
}

/// A person or a bot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) bot: bool,
    pub(crate) token: String,
    /// Whether this person acts as an operator (told in `run.json`).
    #[serde(default)]
    pub(crate) operator: bool,
    /// Messages from bots are refused with 50007.
    #[serde(default)]
    pub(crate) closed_dms: bool,
}

/// What is switched on in the developer portal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortalIntents {
    pub(crate) message_content: bool,
    pub(crate) members: bool,
    pub(crate) presences: bool,
}

/// An application and its bot user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Application {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) bot: u64,
    pub(crate) owner: u64,
    pub(crate) verify_key: String,
    pub(crate) intents: PortalIntents,
    /// Where Discord would send interactions instead of to the gateway; older journals have none.
    #[serde(default)]
    pub(crate) interactions_endpoint: Option<String>,
}

impl Application {
    /// Application flags as Discord reports them to unverified applications: the `_LIMITED` bits
    /// `GATEWAY_PRESENCE` 1<<13, `GATEWAY_GUILD_MEMBERS` 1<<15, `GATEWAY_MESSAGE_CONTENT` 1<<19.
    pub(crate) fn flags(&self) -> u64 {
        (u64::from(self.intents.presences) << 13)
            | (u64::from(self.intents.members) << 15)
            | (u64::from(self.intents.message_content) << 19)
    }

    /// The privileged gateway intents this application may ask for: `GUILD_MEMBERS` 1<<1,
    /// `GUILD_PRESENCES` 1<<8, `MESSAGE_CONTENT` 1<<15.
    pub(crate) fn privileged_intents(&self) -> u64 {
        (u64::from(self.intents.members) << 1)
            | (u64::from(self.intents.presences) << 8)
            | (u64::from(self.intents.message_content) << 15)
    }
}

/// A permission overwrite of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overwrite {
    /// A role or a user.
    pub(crate) id: u64,
    /// 0 role, 1 member.
    pub(crate) kind: u8,
    pub(crate) allow: u64,
    pub(crate) deny: u64,
}

/// What only threads have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ThreadData {
    pub(crate) owner: u64,
    pub(crate) archived: bool,
    pub(crate) locked: bool,
    pub(crate) auto_archive_minutes: u64,
    pub(crate) archive_ms: u64,
    #[serde(default)]
    pub(crate) invitable: bool,
    #[serde(default)]
    pub(crate) applied_tags: Vec<u64>,
    /// User → when they joined (milliseconds since 1970).
    pub(crate) members: BTreeMap<u64, u64>,
    #[serde(default)]
    pub(crate) message_count: u64,
}

/// A channel of any type: text 0, private 1, category 4, announcement 5, threads 10 to 12, forum 15.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Channel {
    pub(crate) id: u64,
    /// Its guild, 0 for a private channel. See [`Role::guild`].
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) guild: u64,
    pub(crate) kind: u8,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) parent: Option<u64>,
    #[serde(default)]
    pub(crate) topic: Option<String>,
    #[serde(default)]
    pub(crate) position: i64,
    #[serde(default)]
    pub(crate) nsfw: bool,
    #[serde(default)]
    pub(crate) slowmode_seconds: u64,
    #[serde(default)]
    pub(crate) flags: u64,
    #[serde(default)]
    pub(crate) overwrites: Vec<Overwrite>,
    /// Forum tags as Discord shows them (`id`, `name`, `moderated`, emoji fields).
    #[serde(default)]
    pub(crate) available_tags: Vec<Value>,
    #[serde(default)]
    pub(crate) default_auto_archive_minutes: Option<u64>,
    #[serde(default)]
    pub(crate) last_message: Option<u64>,
    #[serde(default)]
    pub(crate) last_pin_ms: Option<u64>,
    /// The people of a private channel; empty in a guild.
    #[serde(default)]
    pub(crate) recipients: Vec<u64>,
    #[serde(default)]
    pub(crate) thread: Option<ThreadData>,
}

impl Channel {
    /// Whether messages can be put here.
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, 0 | 1 | 2 | 3 | 5 | 10 | 11 | 12 | 13)
    }

    /// Whether this is a thread.
    pub(crate) fn is_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// Whether this is a private channel.
    pub(crate) fn is_private(&self) -> bool {
        self.kind == 1
    }

    /// Whether this is a forum or media channel, which holds threads only.
    pub(crate) fn is_forum(&self) -> bool {
        matches!(self.kind, 15 | 16)
    }
}

/// The name and picture a webhook message was sent under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Persona {
    pub(crate) name: String,
    pub(crate) avatar: Option<String>,
}

/// Who a new message is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// A person or a bot.
    User(u64),
    /// A webhook, under a name.
    Webhook {
        /// The webhook's id, which is also the author's id.
        webhook: u64,
        /// The application that owns the webhook, if one does.
        application: Option<u64>,
        /// The name and picture to show.
        persona: Persona,
    },
    /// A bot that answers an interaction.
    Interaction {
        /// The application that answers.
        application: u64,
        /// Its bot user.
        user: u64,
        /// `interaction_metadata` of the message.
        metadata: Value,
    },
}

/// A reply's or forward's pointer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Reference {
    /// 0 reply, 1 forward.
    pub(crate) kind: u8,
    pub(crate) channel: u64,
    pub(crate) message: Option<u64>,
    /// What was forwarded, as it was then.
    #[serde(default)]
    pub(crate) snapshot: Option<Value>,
}

/// One emoji on a message and who put it there, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reaction {
    /// A unicode emoji, or `name:id`.
    pub(crate) emoji: String,
    pub(crate) users: Vec<u64>,
}

/// A file of a message; the bytes lie on disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Attachment {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) content_type: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// Width and height of a picture.
    #[serde(default)]
    pub(crate) pixels: Option<(u32, u32)>,
}

/// A message. The time it was written follows from its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    pub(crate) id: u64,
    pub(crate) channel: u64,
    /// A user's id, or the webhook's for webhook messages.
    pub(crate) author: u64,
    pub(crate) content: String,
    #[serde(default, skip_serializing_if = "is_zero_u8")]
    pub(crate) kind: u8,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) flags: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) persona: Option<Persona>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) application: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) edited_ms: Option<u64>,
    /// A string or an integer, echoed as it came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nonce: Option<Box<Value>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) tts: bool,
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub(crate) embeds: Parts,
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub(crate) components: Parts,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attachments: Vec<Attachment>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) poll: Option<Box<Value>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mentions: Vec<u64>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) mention_roles: Vec<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) mention_everyone: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<Box<Reference>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) reactions: Vec<Reaction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pinned_ms: Option<u64>,
    /// `interaction_metadata` for answers to interactions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) interaction: Option<Box<Value>>,
    /// Milliseconds that a test made this message older than its id says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) aged_ms: u64,
}

impl Message {
    /// When it was written (milliseconds since 1970), as tests may have changed it.
    pub(crate) fn written_ms(&self) -> u64 {
        super::snowflake_ms(self.id).saturating_sub(self.aged_ms)
    }
}

/// An incoming webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Webhook {
    pub(crate) id: u64,
    pub(crate) channel: u64,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) avatar: Option<String>,
    pub(crate) token: String,
    /// The application whose bot made it; `None` when a person did.
    pub(crate) application: Option<u64>,
    pub(crate) creator: u64,
}

/// An application command; `body` is what Discord answers (ids included).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Command {
    pub(crate) id: u64,
    pub(crate) application: u64,
    /// `None` for a global command.
    pub(crate) guild: Option<u64>,
    pub(crate) name: String,
    /// 1 `CHAT_INPUT`, 2 `USER`, 3 `MESSAGE`.
    pub(crate) kind: u8,
    pub(crate) body: Value,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is serde's"
)]
fn is_zero_u8(number: &u8) -> bool {
    *number == 0
}
