//! Writing, changing and deleting messages.

use serde_json::{Value, json};

use super::journal::Record;
use super::mentions::Mentions;
use super::permissions::bits;
use super::{Author, Message, Persona, Reference, State, now_ms};
use crate::limits;
use crate::rest::draft::{COMPONENTS_V2, Draft, ReferenceDraft, SUPPRESS_EMBEDS};
use crate::rest::error::{ApiError, ApiResult};

/// Message type `REPLY`.
const REPLY: u8 = 19;
/// Message type `CHAT_INPUT_COMMAND`.
const CHAT_INPUT_COMMAND: u8 = 20;

/// What an author means for the message's fields.
struct Byline {
    author: u64,
    webhook: Option<u64>,
    application: Option<u64>,
    persona: Option<Persona>,
    interaction: Option<Value>,
}

impl From<Author> for Byline {
    fn from(author: Author) -> Self {
        let nothing = Self {
            author: 0,
            webhook: None,
            application: None,
            persona: None,
            interaction: None,
        };
        match author {
            Author::User(user) => Self {
                author: user,
                ..nothing
            },
            Author::Webhook {
                webhook,
                application,
                persona,
            } => Self {
                author: webhook,
                webhook: Some(webhook),
                application,
                persona: Some(persona),
                interaction: None,
            },
            Author::Interaction {
                application,
                user,
                metadata,
            } => Self {
                author: user,
                webhook: Some(application),
                application: Some(application),
                persona: None,
                interaction: Some(metadata),
            },
        }
    }
}

impl State {
    /// Makes a message of a draft without putting it anywhere: ephemeral answers stay like that, all
    /// others go to [`State::insert`].
    pub(crate) fn compose(&mut self, author: Author, channel: u64, draft: Draft) -> Message {
        let by = Byline::from(author);
        let content = draft.content.unwrap_or_default();
        let pings_all =
            by.persona.is_some() || self.may(by.author, channel, bits::MENTION_EVERYONE);
        let guild = self.guild_of(channel);
        let mut mentions = Mentions::find(self, guild, &content, &draft.allowed, pings_all);
        let reference = draft.reference.map(|pointer| self.refer(channel, pointer));
        let answers_command = by
            .interaction
            .as_ref()
            .is_some_and(|data| data["type"] == 2);
        let replies_to = reference.as_ref().filter(|found| found.kind == 0);
        let kind = match replies_to {
            Some(_) => REPLY,
            None if answers_command => CHAT_INPUT_COMMAND,
            None => 0,
        };
        if let Some(target) = replies_to.and_then(|found| self.message(channel, found.message?))
            && draft.allowed.replied_user
            && target.webhook.is_none()
        {
            mentions.add_user(target.author);
        }
        Message {
            id: self.snowflake(),
            channel,
            author: by.author,
            content,
            kind,
            flags: draft.flags.unwrap_or(0),
            webhook: by.webhook,
            persona: by.persona,
            application: by.application,
            edited_ms: None,
            nonce: draft.nonce.map(Box::new),
            tts: draft.tts,
            embeds: draft.embeds.unwrap_or_default().into(),
            components: draft.components.unwrap_or_default().into(),
            attachments: draft.attachments,
            poll: draft.poll.map(Box::new),
            mentions: mentions.users,
            mention_roles: mentions.roles,
            mention_everyone: mentions.everyone,
            reference: reference.map(Box::new),
            reactions: Vec::new(),
            pinned_ms: None,
            interaction: by.interaction.map(Box::new),
            aged_ms: 0,
        }
    }

    /// Puts a message into its channel, tells everybody, and returns what its sender is answered.
    pub(crate) fn insert(&mut self, message: Message) -> Value {
        let mut answer = self.message_json(&message, None);
        if let Some(nonce) = &message.nonce {
            answer["nonce"] = (**nonce).clone();
        }
        let mut event = answer.clone();
        self.add_guild_parts(&mut event, &message);
        self.record(&Record::message(&message));
        let (channel, id) = (message.channel, message.id);
        let list = self.messages.entry(channel).or_default();
        list.insert(id, Box::new(message));
        if list.len() > limits::MESSAGES_KEPT {
            list.pop_first();
        }
        self.note_last_message(channel, id);
        self.emit_in(channel, "MESSAGE_CREATE", event);
        answer
    }

    /// The message that this author sent under the same enforced nonce, as its sender is answered.
    pub(crate) fn sent_before(&self, author: u64, draft: &Draft) -> Option<Value> {
        let nonce = draft.nonce.as_ref().filter(|_| draft.enforce_nonce)?;
        let (place, id) = self.nonces.find(author, nonce)?;
        let mut answer = self.message_json(self.message(place, id)?, Some(author));
        answer["nonce"] = nonce.clone();
        Some(answer)
    }

    /// Writes a message to a channel: nonce, reply target and thread state are looked at first.
    pub(crate) fn post(&mut self, author: Author, channel: u64, draft: Draft) -> ApiResult<Value> {
        if let Author::User(user) = author
            && let Some(answer) = self.sent_before(user, &draft)
        {
            return Ok(answer);
        }
        if let Some(pointer) = draft.reference {
            self.check_reference(channel, pointer)?;
        }
        self.wake_thread(&author, channel)?;
        let message = self.compose(author, channel, draft);
        if message.webhook.is_none() {
            self.join_mentioned(&message);
        }
        self.nonces.remember(&message);
        Ok(self.insert(message))
    }

    /// Changes a message. Who may do it was decided before; thread state, age and emptiness are here.
    pub(crate) fn edit(&mut self, channel: u64, id: u64, draft: Draft) -> ApiResult<Value> {
        self.refuse_archived(channel)?;
        let mut message = self
            .message(channel, id)
            .cloned()
            .ok_or_else(|| ApiError::unknown(10008, "Message"))?;
        self.count_old_edit(&message)?;
        self.apply_edit(&mut message, draft)?;
        self.replace(message);
        let message = self
            .message(channel, id)
            .ok_or_else(|| ApiError::unknown(10008, "Message"))?;
        Ok(self.message_json(message, None))
    }

    /// Changes a message that is in hand (ephemeral answers are nowhere else) as an edit would.
    pub(crate) fn apply_edit(&self, message: &mut Message, draft: Draft) -> ApiResult<()> {
        let mut visible = draft.flags.is_some();
        if let Some(content) = draft.content {
            let may_ping_all = message.persona.is_some()
                || self.may(message.author, message.channel, bits::MENTION_EVERYONE);
            let guild = self.guild_of(message.channel);
            let mentions = Mentions::find(self, guild, &content, &draft.allowed, may_ping_all);
            message.mentions = mentions.users;
            message.mention_roles = mentions.roles;
            message.mention_everyone = mentions.everyone;
            message.content = content;
            visible = true;
        }
        if let Some(embeds) = draft.embeds {
            message.embeds = embeds.into();
            visible = true;
        }
        if let Some(components) = draft.components {
            message.components = components.into();
            visible = true;
        }
        if let Some(kept) = draft.kept_attachments {
            message.attachments.retain(|file| kept.contains(&file.id));
            visible = true;
        }
        message.attachments.extend(draft.attachments);
        if message.attachments.len() > limits::ATTACHMENTS {
            let text = "Maximum number of attachments in a message reached (10)";
            return Err(ApiError::new(400, 30015, text));
        }
        if let Some(flags) = draft.flags {
            // Suppression can be taken back, V2 cannot.
            let v2 = (message.flags | flags) & COMPONENTS_V2;
            let settable = SUPPRESS_EMBEDS | COMPONENTS_V2;
            message.flags = (message.flags & !settable) | (flags & SUPPRESS_EMBEDS) | v2;
        }
        let empty = message.content.is_empty()
            && message.embeds.is_empty()
            && message.components.is_empty()
            && message.attachments.is_empty()
            && message.poll.is_none();
        if empty {
            return Err(ApiError::new(400, 50006, "Cannot send an empty message"));
        }
        if visible {
            message.edited_ms = Some(now_ms());
        }
        Ok(())
    }

    /// Puts a changed message back and tells everybody with `MESSAGE_UPDATE`.
    pub(crate) fn replace(&mut self, message: Message) {
        self.record(&Record::message(&message));
        let event = self.message_event(&message);
        let channel = message.channel;
        self.messages
            .entry(channel)
            .or_default()
            .insert(message.id, Box::new(message));
        self.emit_in(channel, "MESSAGE_UPDATE", event);
    }

    /// Deletes a message.
    pub(crate) fn delete_message(&mut self, channel: u64, id: u64) -> ApiResult<()> {
        self.forget_message(channel, id)?;
        let mut event = json!({ "id": id.to_string(), "channel_id": channel.to_string() });
        self.add_guild_id(channel, &mut event);
        self.emit_in(channel, "MESSAGE_DELETE", event);
        Ok(())
    }

    /// Deletes several messages with one event; ids that are not there are passed over, as Discord does.
    pub(crate) fn delete_messages(&mut self, channel: u64, ids: &[u64]) {
        let gone: Vec<String> = ids
            .iter()
            .filter(|id| self.forget_message(channel, **id).is_ok())
            .map(ToString::to_string)
            .collect();
        let mut event = json!({ "ids": gone, "channel_id": channel.to_string() });
        self.add_guild_id(channel, &mut event);
        self.emit_in(channel, "MESSAGE_DELETE_BULK", event);
    }

    /// Makes a message older than its id says, for tests of what depends on age.
    pub(crate) fn age_message(&mut self, channel: u64, id: u64, seconds: u64) -> bool {
        let Some(message) = self
            .messages
            .get_mut(&channel)
            .and_then(|list| list.get_mut(&id))
        else {
            return false;
        };
        message.aged_ms = message.aged_ms.saturating_add(seconds.saturating_mul(1000));
        let record = message.clone();
        self.record(&Record::message(&record));
        true
    }

    /// Adds `guild_id` to an event's data unless the channel is private.
    pub(crate) fn add_guild_id(&self, channel: u64, data: &mut Value) {
        if let Some(guild) = self.guild_text(channel) {
            data["guild_id"] = json!(guild);
        }
    }

    fn forget_message(&mut self, channel: u64, id: u64) -> ApiResult<()> {
        let gone = self
            .messages
            .get_mut(&channel)
            .and_then(|list| list.remove(&id));
        gone.ok_or_else(|| ApiError::unknown(10008, "Message"))?;
        self.old_edits.forget(id);
        self.record(&Record::MessageGone { channel, id });
        Ok(())
    }

    fn check_reference(&self, channel: u64, pointer: ReferenceDraft) -> ApiResult<()> {
        let place = pointer.channel.unwrap_or(channel);
        let found = self.message(place, pointer.message).is_some();
        if !found && (pointer.must_exist || pointer.kind == 1) {
            let text = "Unknown message";
            return Err(ApiError::field(
                "message_reference",
                "REPLIES_UNKNOWN_MESSAGE",
                text,
            ));
        }
        Ok(())
    }

    fn refer(&self, channel: u64, pointer: ReferenceDraft) -> Reference {
        let place = pointer.channel.unwrap_or(channel);
        let snapshot = (pointer.kind == 1)
            .then(|| self.message(place, pointer.message))
            .flatten()
            .map(|message| {
                let mut json = self.message_json(message, None);
                if let Some(object) = json.as_object_mut() {
                    for key in [
                        "id",
                        "channel_id",
                        "author",
                        "webhook_id",
                        "application_id",
                        "reactions",
                    ] {
                        object.remove(key);
                    }
                }
                json
            });
        Reference {
            kind: pointer.kind,
            channel: place,
            message: Some(pointer.message),
            snapshot,
        }
    }
}
