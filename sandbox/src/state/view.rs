//! Guilds, people and webhooks as Discord's JSON. Messages and channels have files of their own.

use chrono::{DateTime, SecondsFormat};
use serde_json::{Value, json};

use super::{Application, Guild, Member, Role, State, User, Webhook};
use crate::limits;

/// A time as Discord writes it, from milliseconds since 1970.
pub(crate) fn iso(ms: u64) -> String {
    i64::try_from(ms)
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// A picture address as the 32 hex digits Discord would show for it: clients insist on that form.
pub(crate) fn image_hash(address: &str) -> String {
    let fold = |seed: u64| {
        address.bytes().fold(seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    };
    format!(
        "{:016x}{:016x}",
        fold(0xcbf2_9ce4_8422_2325),
        fold(0x84f7_1ff5_dd2a_0e61)
    )
}

impl User {
    /// The user object that others see.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "username": self.name,
            "global_name": if self.bot { Value::Null } else { json!(self.name) },
            "discriminator": if self.bot { "0001" } else { "0" },
            "avatar": null,
            "banner": null,
            "accent_color": null,
            "bot": self.bot,
            "public_flags": 0,
            "flags": 0,
        })
    }
}

impl Role {
    /// The role object.
    pub(crate) fn json(&self) -> Value {
        let mut role = json!({
            "id": self.id.to_string(),
            "name": self.name,
            "color": self.color,
            "colors": { "primary_color": self.color, "secondary_color": null, "tertiary_color": null },
            "hoist": self.hoist,
            "icon": null,
            "unicode_emoji": null,
            "position": self.position,
            "permissions": self.permissions.to_string(),
            "managed": self.bot.is_some(),
            "mentionable": self.mentionable,
            "flags": 0,
        });
        if let Some(bot) = self.bot {
            role["tags"] = json!({ "bot_id": bot.to_string() });
        }
        role
    }
}

impl Webhook {
    /// The webhook object; the token only for those who may have it.
    pub(crate) fn json(&self, state: &State, with_token: bool) -> Value {
        let mut webhook = json!({
            "id": self.id.to_string(),
            "type": 1,
            "name": self.name,
            "avatar": self.avatar.as_deref().map(image_hash),
            "channel_id": self.channel.to_string(),
            "guild_id": state.guild_text(self.channel),
            "application_id": self.application.map(|id| id.to_string()),
        });
        if let Some(creator) = state.users.get(&self.creator) {
            webhook["user"] = creator.json();
        }
        if with_token {
            webhook["token"] = json!(self.token);
            webhook["url"] = json!(format!(
                "{}/api/webhooks/{}/{}",
                state.origin, self.id, self.token
            ));
        }
        webhook
    }
}

impl State {
    /// The user object of an id, or Discord's stand-in for somebody who is gone.
    pub(crate) fn user_json(&self, id: u64) -> Value {
        match self.users.get(&id) {
            Some(user) => user.json(),
            None => json!({
                "id": id.to_string(),
                "username": "Deleted User",
                "discriminator": "0000",
                "avatar": null,
            }),
        }
    }

    /// The member object, without its user when it accompanies one (`member` of a message).
    pub(crate) fn member_json(&self, member: &Member, with_user: bool) -> Value {
        let mut json = json!({
            "nick": member.nick,
            "avatar": null,
            "banner": null,
            "roles": member.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "joined_at": iso(member.joined_ms),
            "premium_since": null,
            "communication_disabled_until": null,
            "deaf": false,
            "mute": false,
            "pending": false,
            "flags": 0,
        });
        if with_user {
            json["user"] = self.user_json(member.user);
        }
        json
    }

    /// The guild object of `GET /guilds/{id}`.
    pub(crate) fn guild_json(&self, guild: &Guild) -> Value {
        json!({
            "id": guild.id.to_string(),
            "name": guild.name,
            "owner_id": guild.owner.to_string(),
            "icon": null,
            "icon_hash": null,
            "splash": null,
            "discovery_splash": null,
            "description": null,
            "banner": null,
            "afk_channel_id": null,
            "afk_timeout": 300,
            "application_id": null,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "features": ["COMMUNITY"],
            "emojis": [],
            "stickers": [],
            "roles": self.roles_of(guild.id).map(Role::json).collect::<Vec<_>>(),
            "max_members": 500_000,
            "mfa_level": 0,
            "nsfw": false,
            "nsfw_level": 0,
            "preferred_locale": "en-US",
            "premium_progress_bar_enabled": false,
            "premium_subscription_count": 0,
            "premium_tier": 0,
            "public_updates_channel_id": null,
            "rules_channel_id": null,
            "system_channel_flags": 0,
            "system_channel_id": null,
            "vanity_url_code": null,
            "verification_level": 0,
            "widget_enabled": false,
        })
    }

    /// `GUILD_CREATE` for one viewer: the channels and active threads they can see, and all members.
    pub(crate) fn guild_create(&self, guild: &Guild, viewer: u64) -> Value {
        let id = guild.id;
        let mut guild = self.guild_json(guild);
        let joined = self.member(id, viewer).map_or(0, |member| member.joined_ms);
        let sees = |id: u64| self.permissions(viewer, id) != 0;
        let in_guild = || self.channels_of(id);
        let channels: Vec<Value> = in_guild()
            .filter(|channel| channel.thread.is_none() && sees(channel.id))
            .map(|channel| self.channel_json(channel, Some(viewer)))
            .collect();
        let threads: Vec<Value> = in_guild()
            .filter(|channel| {
                channel
                    .thread
                    .as_ref()
                    .is_some_and(|thread| !thread.archived)
            })
            .filter(|channel| sees(channel.id))
            .map(|channel| self.channel_json(channel, Some(viewer)))
            .collect();
        let members: Vec<Value> = self
            .members_of(id)
            .map(|member| self.member_json(member, true))
            .collect();
        guild["joined_at"] = json!(iso(joined));
        guild["large"] = json!(false);
        guild["unavailable"] = json!(false);
        guild["member_count"] = json!(members.len());
        guild["members"] = Value::Array(members);
        guild["channels"] = Value::Array(channels);
        guild["threads"] = Value::Array(threads);
        for empty in [
            "voice_states",
            "presences",
            "stage_instances",
            "guild_scheduled_events",
            "soundboard_sounds",
        ] {
            guild[empty] = json!([]);
        }
        guild
    }

    /// The private channels of a user, as `READY` lists them for people.
    pub(crate) fn private_channels(&self, user: u64) -> Vec<Value> {
        self.channels
            .values()
            .filter(|channel| channel.is_private() && channel.recipients.contains(&user))
            .map(|channel| self.channel_json(channel, Some(user)))
            .collect()
    }

    /// The application object; `full` adds what only the application itself is told.
    pub(crate) fn application_json(&self, application: &Application, full: bool) -> Value {
        let mut json = json!({
            "id": application.id.to_string(),
            "name": application.name,
            "icon": null,
            "description": "",
            "summary": "",
            "bot_public": false,
            "bot_require_code_grant": false,
            "verify_key": application.verify_key,
            "flags": application.flags(),
            "hook": true,
        });
        if full {
            json["owner"] = self.user_json(application.owner);
            json["team"] = Value::Null;
            json["bot"] = self.user_json(application.bot);
            json["approximate_guild_count"] = json!(self.guilds_of(application.bot).count());
            json["install_params"] =
                json!({ "scopes": ["bot", "applications.commands"], "permissions": "0" });
            json["integration_types_config"] = json!({ "0": {} });
            json["redirect_uris"] = json!([]);
            json["interactions_endpoint_url"] = json!(application.interactions_endpoint);
            json["attachment_size_limit"] = json!(limits::ATTACHMENT_BYTES);
        }
        json
    }
}

/// Empties what the `MESSAGE_CONTENT` intent covers.
pub(crate) fn strip_content(message: &mut Value) {
    message["content"] = json!("");
    for key in ["embeds", "attachments", "components"] {
        message[key] = json!([]);
    }
    if let Some(object) = message.as_object_mut() {
        object.remove("poll");
        object.remove("message_snapshots");
        if let Some(referenced) = object
            .get_mut("referenced_message")
            .filter(|found| found.is_object())
        {
            strip_content(referenced);
        }
    }
}
