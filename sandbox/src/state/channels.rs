//! Channels of the guild and private channels.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::journal::Record;
use super::permissions::bits;
use super::{Channel, Overwrite, State, iso};
use crate::gateway::Audience;

impl State {
    /// The channel object. `viewer` decides who the `recipients` of a private channel are and whether
    /// a thread carries the viewer's own `member`.
    pub(crate) fn channel_json(&self, channel: &Channel, viewer: Option<u64>) -> Value {
        if channel.is_private() {
            let others = channel
                .recipients
                .iter()
                .filter(|user| Some(**user) != viewer);
            return json!({
                "id": channel.id.to_string(),
                "type": channel.kind,
                "flags": 0,
                "last_message_id": channel.last_message.map(|id| id.to_string()),
                "recipients": others.map(|user| self.user_json(*user)).collect::<Vec<_>>(),
            });
        }
        let mut json = json!({
            "id": channel.id.to_string(),
            "type": channel.kind,
            "guild_id": channel.guild.to_string(),
            "name": channel.name,
            "parent_id": channel.parent.map(|id| id.to_string()),
            "rate_limit_per_user": channel.slowmode_seconds,
            "flags": channel.flags,
            "last_message_id": channel.last_message.map(|id| id.to_string()),
        });
        if channel.is_thread() {
            self.add_thread_parts(&mut json, channel, viewer);
            return json;
        }
        json["position"] = json!(channel.position);
        json["nsfw"] = json!(channel.nsfw);
        json["permission_overwrites"] = channel.overwrites.iter().map(Overwrite::json).collect();
        json["topic"] = json!(channel.topic);
        if let Some(minutes) = channel.default_auto_archive_minutes {
            json["default_auto_archive_duration"] = json!(minutes);
        }
        if let Some(at) = channel.last_pin_ms {
            json["last_pin_timestamp"] = json!(iso(at));
        }
        if channel.is_forum() {
            json["available_tags"] = json!(channel.available_tags);
            json["default_reaction_emoji"] = Value::Null;
            json["default_sort_order"] = Value::Null;
            json["default_forum_layout"] = json!(0);
        }
        json
    }

    /// Adds a channel to the guild and tells those who see it.
    pub(crate) fn add_channel(&mut self, channel: Channel) -> Value {
        let id = channel.id;
        let json = self.channel_json(&channel, None);
        self.record(&Record::Channel(Cow::Borrowed(&channel)));
        self.channels.insert(id, channel);
        self.emit_in(id, "CHANNEL_CREATE", json.clone());
        json
    }

    /// Puts a changed channel or thread back and tells those who see it.
    pub(crate) fn change_channel(&mut self, channel: Channel) -> Value {
        let (id, thread) = (channel.id, channel.is_thread());
        let json = self.channel_json(&channel, None);
        let doors_changed = self
            .channels
            .get(&id)
            .is_some_and(|before| before.overwrites != channel.overwrites);
        let before = doors_changed.then(|| self.viewers(id));
        self.store_channel(channel);
        if let Some(before) = before {
            self.tell_who_sees(id, &before, &json);
        }
        self.emit_in(
            id,
            if thread {
                "THREAD_UPDATE"
            } else {
                "CHANNEL_UPDATE"
            },
            json.clone(),
        );
        json
    }

    /// A channel that somebody sees no more is gone from their client, and one that they see now is new
    /// there, with its threads. Bots hear of the change only, also of the one that hides it from them.
    fn tell_who_sees(&mut self, id: u64, before: &[u64], json: &Value) {
        let after = self.viewers(id);
        let people = |from: &[u64], without: &[u64]| -> Vec<u64> {
            let person = |user: &&u64| self.users.get(user).is_some_and(|found| !found.bot);
            let left = from.iter().filter(|user| !without.contains(user));
            left.filter(person).copied().collect()
        };
        let (lost, won) = (people(before, &after), people(&after, before));
        let blind = before.iter().filter(|user| !after.contains(user));
        let blind: Vec<u64> = blind.filter(|user| !lost.contains(user)).copied().collect();
        if !blind.is_empty() {
            self.emit("CHANNEL_UPDATE", json.clone(), Audience::Users(blind));
        }
        if !lost.is_empty() {
            self.emit("CHANNEL_DELETE", json.clone(), Audience::Users(lost));
        }
        for user in won {
            let threads: Vec<Value> = self
                .channels
                .values()
                .filter(|found| found.parent == Some(id))
                .filter(|found| found.thread.as_ref().is_some_and(|data| !data.archived))
                .filter(|found| self.may(user, found.id, bits::VIEW_CHANNEL))
                .map(|found| self.channel_json(found, Some(user)))
                .collect();
            let members: Vec<Value> = threads
                .iter()
                .map(|thread| thread["member"].clone())
                .filter(Value::is_object)
                .collect();
            let threads = json!({
                "guild_id": self.guild_text(id),
                "channel_ids": [id.to_string()],
                "threads": threads,
                "members": members,
            });
            let only = Audience::Users(vec![user]);
            self.emit("CHANNEL_CREATE", json.clone(), only.clone());
            self.emit("THREAD_LIST_SYNC", threads, only);
        }
    }

    /// Puts a channel back without an event.
    pub(super) fn store_channel(&mut self, channel: Channel) {
        self.record(&Record::Channel(Cow::Borrowed(&channel)));
        self.channels.insert(channel.id, channel);
    }

    /// Deletes a channel with its messages, threads and webhooks; the children of a category stay.
    pub(crate) fn remove_channel(&mut self, id: u64) -> Option<Value> {
        let channel = self.channels.get(&id)?.clone();
        let audience = match self.audience(id) {
            // The channel is gone when the event is published, so who saw it is settled here.
            Audience::Guild { .. } => Audience::Users(self.viewers(id)),
            private @ Audience::Users(_) => private,
        };
        let json = self.channel_json(&channel, None);
        let inside: Vec<Channel> = self
            .channels
            .values()
            .filter(|child| child.parent == Some(id))
            .cloned()
            .collect();
        for child in inside {
            if child.is_thread() {
                self.forget_channel(child.id);
            } else {
                self.change_channel(Channel {
                    parent: None,
                    ..child
                });
            }
        }
        let hooks: Vec<u64> = self
            .webhooks
            .values()
            .filter(|hook| hook.channel == id)
            .map(|hook| hook.id)
            .collect();
        for hook in hooks {
            self.webhooks.remove(&hook);
            self.record(&Record::WebhookGone(hook));
        }
        self.forget_channel(id);
        let (name, data) = if channel.is_thread() {
            let parts = ["id", "guild_id", "parent_id", "type"];
            let data = parts
                .iter()
                .map(|key| ((*key).to_owned(), json[*key].clone()))
                .collect();
            ("THREAD_DELETE", Value::Object(data))
        } else {
            ("CHANNEL_DELETE", json.clone())
        };
        self.emit(name, data, audience);
        Some(json)
    }

    fn forget_channel(&mut self, id: u64) {
        self.channels.remove(&id);
        self.messages.remove(&id);
        self.record(&Record::ChannelGone(id));
    }

    /// The private channel of two users, made on first use.
    pub(crate) fn private_channel(&mut self, one: u64, other: u64) -> u64 {
        let mut pair = vec![one, other];
        pair.sort_unstable();
        let same = |channel: &&Channel| channel.is_private() && channel.recipients == pair;
        if let Some(found) = self.channels.values().find(same) {
            return found.id;
        }
        let id = self.snowflake();
        let channel = Channel {
            id,
            kind: 1,
            recipients: pair.clone(),
            ..Channel::default()
        };
        for user in pair {
            let json = self.channel_json(&channel, Some(user));
            self.emit("CHANNEL_CREATE", json, Audience::Users(vec![user]));
        }
        self.store_channel(channel);
        id
    }

    /// Notes that a message was written; no event and no journal line, as the messages tell it.
    pub(super) fn note_last_message(&mut self, channel: u64, message: u64) {
        if let Some(channel) = self.channels.get_mut(&channel) {
            channel.last_message = Some(message);
            if let Some(thread) = &mut channel.thread {
                thread.message_count += 1;
            }
        }
    }

    /// Somebody types: `TYPING_START`.
    pub(crate) fn typing(&mut self, user: u64, channel: u64) {
        let mut data = json!({
            "channel_id": channel.to_string(),
            "user_id": user.to_string(),
            "timestamp": super::now_ms() / 1000,
        });
        self.add_guild_id(channel, &mut data);
        if let Some(member) = self.member_in(channel, user) {
            data["member"] = self.member_json(member, true);
        }
        self.emit_in(channel, "TYPING_START", data);
    }
}

impl Overwrite {
    /// The overwrite object.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id.to_string(),
            "type": self.kind,
            "allow": self.allow.to_string(),
            "deny": self.deny.to_string(),
        })
    }
}
