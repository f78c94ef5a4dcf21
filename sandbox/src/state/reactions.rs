//! Reactions and pins.

use serde_json::{Value, json};

use super::journal::Record;
use super::message_view::emoji_json;
use super::permissions::bits;
use super::{Message, Reaction, Reference, State, iso, now_ms};
use crate::limits;
use crate::rest::error::{ApiError, ApiResult};

impl State {
    /// Adds a user's reaction; the same one again changes nothing.
    pub(crate) fn add_reaction(
        &mut self,
        user: u64,
        channel: u64,
        id: u64,
        emoji: &str,
    ) -> ApiResult<()> {
        self.refuse_archived(channel)?;
        let may_start = self.may(user, channel, bits::ADD_REACTIONS);
        let message = self.message_mut(channel, id)?;
        let (author, count) = (message.author, message.reactions.len());
        match message
            .reactions
            .iter_mut()
            .find(|reaction| reaction.emoji == emoji)
        {
            Some(reaction) if reaction.users.contains(&user) => return Ok(()),
            Some(reaction) => reaction.users.push(user),
            None if !may_start => return Err(ApiError::missing_permissions()),
            None if count >= limits::REACTIONS => {
                return Err(ApiError::new(
                    400,
                    30010,
                    "Maximum number of reactions reached (20)",
                ));
            }
            None => message.reactions.push(Reaction {
                emoji: emoji.to_owned(),
                users: vec![user],
            }),
        }
        self.note_message(channel, id);
        let mut event = self.reaction_event(channel, id, emoji);
        event["user_id"] = json!(user.to_string());
        event["message_author_id"] = json!(author.to_string());
        if let Some(member) = self.member_in(channel, user) {
            event["member"] = self.member_json(member, true);
        }
        self.emit_in(channel, "MESSAGE_REACTION_ADD", event);
        Ok(())
    }

    /// Takes a user's reaction away; one that is not there is Discord's 10014.
    pub(crate) fn remove_reaction(
        &mut self,
        user: u64,
        channel: u64,
        id: u64,
        emoji: &str,
    ) -> ApiResult<()> {
        self.refuse_archived(channel)?;
        let message = self.message_mut(channel, id)?;
        let place = message
            .reactions
            .iter()
            .position(|reaction| reaction.emoji == emoji);
        let place = place.ok_or_else(|| ApiError::unknown(10014, "Emoji"))?;
        let users = &mut message.reactions[place].users;
        let before = users.len();
        users.retain(|other| *other != user);
        if users.len() == before {
            return Ok(());
        }
        if users.is_empty() {
            message.reactions.remove(place);
        }
        self.note_message(channel, id);
        let mut event = self.reaction_event(channel, id, emoji);
        event["user_id"] = json!(user.to_string());
        self.emit_in(channel, "MESSAGE_REACTION_REMOVE", event);
        Ok(())
    }

    /// Takes all reactions away, or all with one emoji.
    pub(crate) fn clear_reactions(
        &mut self,
        channel: u64,
        id: u64,
        emoji: Option<&str>,
    ) -> ApiResult<()> {
        self.refuse_archived(channel)?;
        let message = self.message_mut(channel, id)?;
        message
            .reactions
            .retain(|reaction| emoji.is_some_and(|emoji| reaction.emoji != emoji));
        self.note_message(channel, id);
        if let Some(emoji) = emoji {
            let event = self.reaction_event(channel, id, emoji);
            self.emit_in(channel, "MESSAGE_REACTION_REMOVE_EMOJI", event);
        } else {
            let mut event =
                json!({ "channel_id": channel.to_string(), "message_id": id.to_string() });
            self.add_guild_id(channel, &mut event);
            self.emit_in(channel, "MESSAGE_REACTION_REMOVE_ALL", event);
        }
        Ok(())
    }

    /// Pins a message: at most 250 per channel, and the channel shows a line that says so (type 6).
    pub(crate) fn pin(&mut self, user: u64, channel: u64, id: u64) -> ApiResult<()> {
        self.refuse_archived(channel)?;
        if self.message_mut(channel, id)?.pinned_ms.is_some() {
            return Ok(());
        }
        if self.pins(channel).len() >= limits::PINS {
            return Err(ApiError::new(
                400,
                30003,
                "Maximum number of pins reached (250)",
            ));
        }
        let now = now_ms();
        self.message_mut(channel, id)?.pinned_ms = Some(now);
        self.pins_changed(channel, id, now);
        let pointer = Reference {
            kind: 0,
            channel,
            message: Some(id),
            snapshot: None,
        };
        self.system_message(channel, user, 6, "", Some(pointer));
        Ok(())
    }

    /// Unpins a message.
    pub(crate) fn unpin(&mut self, channel: u64, id: u64) -> ApiResult<()> {
        self.refuse_archived(channel)?;
        if self.message_mut(channel, id)?.pinned_ms.take().is_some() {
            self.pins_changed(channel, id, now_ms());
        }
        Ok(())
    }

    /// The pinned messages of a channel, the last pinned first.
    pub(crate) fn pins(&self, channel: u64) -> Vec<&Message> {
        let list = self
            .messages
            .get(&channel)
            .into_iter()
            .flat_map(|list| list.values());
        let mut pinned: Vec<&Message> = list
            .map(Box::as_ref)
            .filter(|message| message.pinned_ms.is_some())
            .collect();
        pinned.sort_by_key(|message| std::cmp::Reverse((message.pinned_ms, message.id)));
        pinned
    }

    fn pins_changed(&mut self, channel: u64, id: u64, at_ms: u64) {
        self.note_message(channel, id);
        if let Some(found) = self.channels.get_mut(&channel) {
            found.last_pin_ms = Some(at_ms);
        }
        if let Some(event) = self
            .message(channel, id)
            .map(|message| self.message_event(message))
        {
            self.emit_in(channel, "MESSAGE_UPDATE", event);
        }
        let mut event =
            json!({ "channel_id": channel.to_string(), "last_pin_timestamp": iso(at_ms) });
        self.add_guild_id(channel, &mut event);
        self.emit_in(channel, "CHANNEL_PINS_UPDATE", event);
    }

    fn message_mut(&mut self, channel: u64, id: u64) -> ApiResult<&mut Message> {
        let found = self
            .messages
            .get_mut(&channel)
            .and_then(|list| list.get_mut(&id));
        found
            .map(Box::as_mut)
            .ok_or_else(|| ApiError::unknown(10008, "Message"))
    }

    fn note_message(&mut self, channel: u64, id: u64) {
        if let Some(message) = self.messages.get(&channel).and_then(|list| list.get(&id)) {
            self.journal.note(&Record::message(message));
        }
    }

    fn reaction_event(&self, channel: u64, id: u64, emoji: &str) -> Value {
        let mut event = json!({
            "channel_id": channel.to_string(),
            "message_id": id.to_string(),
            "emoji": emoji_json(emoji),
            "burst": false,
            "type": 0,
        });
        self.add_guild_id(channel, &mut event);
        event
    }
}
