//! Messages as Discord's JSON.

use serde_json::{Value, json};

use super::view::{image_hash, iso, strip_content};
use super::{Attachment, Message, State};
use crate::rest::draft::SUPPRESS_EMBEDS;

/// `HAS_THREAD`.
pub(crate) const HAS_THREAD: u64 = 1 << 5;

impl State {
    /// A message as everybody would see it. `viewer` decides the `me` of reactions only; use
    /// [`State::message_for`] where the message-content intent counts.
    pub(crate) fn message_json(&self, message: &Message, viewer: Option<u64>) -> Value {
        let hidden = message.flags & SUPPRESS_EMBEDS != 0;
        let embeds = if hidden {
            Vec::new()
        } else {
            message.embeds.list()
        };
        let mut json = json!({
            "id": message.id.to_string(),
            "channel_id": message.channel.to_string(),
            "type": message.kind,
            "author": self.author_json(message),
            "content": message.content,
            "timestamp": iso(message.written_ms()),
            "edited_timestamp": message.edited_ms.map(iso),
            "tts": message.tts,
            "mention_everyone": message.mention_everyone,
            "mentions": message.mentions.iter().map(|id| self.user_json(*id)).collect::<Vec<_>>(),
            "mention_roles": message.mention_roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "attachments": self.attachments_json(message),
            "embeds": embeds,
            "components": message.components.list(),
            "pinned": message.pinned_ms.is_some(),
            "flags": message.flags,
        });
        if !message.reactions.is_empty() {
            json["reactions"] = reactions_json(message, viewer);
        }
        if let Some(webhook) = message.webhook {
            json["webhook_id"] = json!(webhook.to_string());
        }
        if let Some(application) = message.application {
            json["application_id"] = json!(application.to_string());
        }
        if let Some(poll) = &message.poll {
            json["poll"] = (**poll).clone();
        }
        if let Some(metadata) = &message.interaction {
            json["interaction_metadata"] = (**metadata).clone();
        }
        self.add_reference(&mut json, message);
        if message.flags & HAS_THREAD != 0
            && let Some(thread) = self.channels.get(&message.id)
        {
            json["thread"] = self.channel_json(thread, None);
        }
        json
    }

    /// A message as this user's REST client gets it: without what the `MESSAGE_CONTENT` intent covers,
    /// if the user is a bot that may not read it.
    pub(crate) fn message_for(&self, viewer: u64, message: &Message) -> Value {
        let mut json = self.message_json(message, Some(viewer));
        if !self.may_read_content(viewer, message) {
            strip_content(&mut json);
        }
        json
    }

    /// Whether the portal settings and the message itself let this user read the content: people may,
    /// bots may with the intent, in private channels, when the message is theirs (sent by the bot or by
    /// a webhook or interaction of its application) and when it mentions them.
    pub(crate) fn may_read_content(&self, viewer: u64, message: &Message) -> bool {
        let Some(application) = self.application_of_bot(viewer) else {
            return true;
        };
        application.intents.message_content
            || message.author == viewer
            || message.application == Some(application.id)
            || message.mentions.contains(&viewer)
            || self
                .channels
                .get(&message.channel)
                .is_some_and(super::Channel::is_private)
    }

    /// The message with what gateway events add in a guild: `guild_id` and the author's `member`.
    pub(crate) fn message_event(&self, message: &Message) -> Value {
        let mut json = self.message_json(message, None);
        self.add_guild_parts(&mut json, message);
        json
    }

    /// Adds `guild_id` and, for a member's own message, `member`.
    pub(crate) fn add_guild_parts(&self, json: &mut Value, message: &Message) {
        let Some(guild) = self.guild_text(message.channel) else {
            return;
        };
        json["guild_id"] = json!(guild);
        if message.persona.is_none()
            && let Some(member) = self.member_in(message.channel, message.author)
        {
            json["member"] = self.member_json(member, false);
        }
    }

    fn author_json(&self, message: &Message) -> Value {
        match &message.persona {
            Some(persona) => json!({
                "id": message.author.to_string(),
                "username": persona.name,
                "global_name": null,
                "discriminator": "0000",
                "avatar": persona.avatar.as_deref().map(image_hash),
                "bot": true,
                "public_flags": 0,
                "flags": 0,
            }),
            None => self.user_json(message.author),
        }
    }

    fn attachments_json(&self, message: &Message) -> Vec<Value> {
        message
            .attachments
            .iter()
            .map(|file| self.attachment_json(message.channel, file))
            .collect()
    }

    /// An attachment with its address on this server.
    pub(crate) fn attachment_json(&self, channel: u64, file: &Attachment) -> Value {
        let name =
            percent_encoding::utf8_percent_encode(&file.name, percent_encoding::NON_ALPHANUMERIC)
                .to_string()
                .replace("%2E", ".");
        let url = format!("{}/attachments/{channel}/{}/{name}", self.origin, file.id);
        let mut json = json!({
            "id": file.id.to_string(),
            "filename": file.name,
            "size": file.size,
            "url": url,
            "proxy_url": url,
        });
        if let Some(kind) = &file.content_type {
            json["content_type"] = json!(kind);
        }
        if let Some((width, height)) = file.pixels {
            json["width"] = json!(width);
            json["height"] = json!(height);
        }
        if let Some(text) = &file.description {
            json["description"] = json!(text);
        }
        json
    }

    fn add_reference(&self, json: &mut Value, message: &Message) {
        let Some(reference) = &message.reference else {
            return;
        };
        let mut pointer = json!({
            "type": reference.kind,
            "channel_id": reference.channel.to_string(),
        });
        if let Some(id) = reference.message {
            pointer["message_id"] = json!(id.to_string());
        }
        if let Some(guild) = self.guild_text(reference.channel) {
            pointer["guild_id"] = json!(guild);
        }
        json["message_reference"] = pointer;
        if let Some(snapshot) = &reference.snapshot {
            json["message_snapshots"] = json!([{ "message": snapshot }]);
        } else if message.kind == 19 || message.kind == 21 {
            let target = reference
                .message
                .and_then(|id| self.message(reference.channel, id));
            json["referenced_message"] = match target {
                // One level only: a reply to a reply does not carry the whole chain.
                Some(target) => {
                    let mut inner = self.message_json(
                        &Message {
                            reference: None,
                            ..target.clone()
                        },
                        None,
                    );
                    self.add_reference_pointer(&mut inner, target);
                    inner
                }
                None => Value::Null,
            };
        }
    }

    fn add_reference_pointer(&self, json: &mut Value, target: &Message) {
        if let Some(reference) = &target.reference {
            json["message_reference"] = json!({
                "type": reference.kind,
                "channel_id": reference.channel.to_string(),
                "message_id": reference.message.map(|id| id.to_string()),
                "guild_id": self.guild_text(reference.channel),
            });
        }
    }
}

/// An emoji as Discord's partial object, from a unicode emoji or `name:id`.
pub(crate) fn emoji_json(emoji: &str) -> Value {
    match emoji.rsplit_once(':') {
        Some((name, id)) => json!({ "id": id, "name": name.trim_start_matches("a:") }),
        None => json!({ "id": null, "name": emoji }),
    }
}

fn reactions_json(message: &Message, viewer: Option<u64>) -> Value {
    let one = |reaction: &super::Reaction| {
        let count = reaction.users.len();
        json!({
            "emoji": emoji_json(&reaction.emoji),
            "count": count,
            "count_details": { "burst": 0, "normal": count },
            "me": viewer.is_some_and(|user| reaction.users.contains(&user)),
            "me_burst": false,
            "burst_me": false,
            "burst_count": 0,
            "burst_colors": [],
        })
    };
    message.reactions.iter().map(one).collect()
}
