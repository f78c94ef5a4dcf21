//! Threads and forum posts.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::message_view::HAS_THREAD;
use super::permissions::bits;
use super::{Author, Channel, Message, Reference, State, ThreadData, iso, now_ms};
use crate::gateway::Audience;
use crate::limits;
use crate::rest::draft::Draft;
use crate::rest::error::{ApiError, ApiResult};

/// How a new thread is to be.
pub(crate) struct NewThread {
    /// The text or forum channel it belongs to.
    pub(crate) parent: u64,
    /// 10, 11 (public) or 12 (private).
    pub(crate) kind: u8,
    pub(crate) name: String,
    pub(crate) auto_archive_minutes: u64,
    pub(crate) slowmode_seconds: u64,
    pub(crate) invitable: bool,
    pub(crate) applied_tags: Vec<u64>,
    /// Who makes it.
    pub(crate) owner: u64,
}

impl State {
    /// Adds what only threads have to their channel object.
    pub(super) fn add_thread_parts(
        &self,
        json: &mut Value,
        channel: &Channel,
        viewer: Option<u64>,
    ) {
        let Some(thread) = &channel.thread else {
            return;
        };
        json["owner_id"] = json!(thread.owner.to_string());
        json["message_count"] = json!(thread.message_count);
        json["total_message_sent"] = json!(thread.message_count);
        json["member_count"] = json!(thread.members.len());
        let mut metadata = json!({
            "archived": thread.archived,
            "locked": thread.locked,
            "auto_archive_duration": thread.auto_archive_minutes,
            "archive_timestamp": iso(thread.archive_ms),
            "create_timestamp": iso(super::snowflake_ms(channel.id)),
        });
        if channel.kind == 12 {
            metadata["invitable"] = json!(thread.invitable);
        }
        json["thread_metadata"] = metadata;
        let in_forum = channel
            .parent
            .and_then(|id| self.channels.get(&id))
            .is_some_and(Channel::is_forum);
        if in_forum {
            json["applied_tags"] = thread
                .applied_tags
                .iter()
                .map(|tag| json!(tag.to_string()))
                .collect();
        }
        if let Some(joined) = viewer.and_then(|user| thread.members.get(&user)) {
            json["member"] = member(channel.id, viewer, *joined);
        }
    }

    /// How many threads of a guild are active.
    fn active_threads(&self, guild: u64) -> usize {
        let active = |channel: &&Channel| {
            channel
                .thread
                .as_ref()
                .is_some_and(|thread| !thread.archived)
        };
        self.channels_of(guild).filter(active).count()
    }

    /// Starts a thread with this id (a message's for threads from messages, else a new one).
    pub(crate) fn start_thread(&mut self, id: u64, new: NewThread) -> ApiResult<Value> {
        let guild = self.guild_of(new.parent).unwrap_or_default();
        if self.active_threads(guild) >= limits::ACTIVE_THREADS {
            return Err(ApiError::new(
                400,
                160_006,
                "Maximum number of active threads reached",
            ));
        }
        let now = now_ms();
        let owner = new.owner;
        let channel = Channel {
            id,
            guild,
            kind: new.kind,
            name: new.name,
            parent: Some(new.parent),
            slowmode_seconds: new.slowmode_seconds,
            thread: Some(ThreadData {
                owner,
                archived: false,
                locked: false,
                auto_archive_minutes: new.auto_archive_minutes,
                archive_ms: now,
                invitable: new.invitable,
                applied_tags: new.applied_tags,
                members: BTreeMap::from([(owner, now)]),
                message_count: 0,
            }),
            ..Channel::default()
        };
        let answer = self.channel_json(&channel, Some(owner));
        let mut event = self.channel_json(&channel, None);
        event["newly_created"] = json!(true);
        let mut own = answer.clone();
        own["newly_created"] = json!(true);
        self.store_channel(channel);
        // Only its owner is a member, and is told so.
        let mut others = self.viewers(id);
        others.retain(|user| *user != owner);
        self.emit("THREAD_CREATE", own, Audience::Users(vec![owner]));
        self.emit("THREAD_CREATE", event, Audience::Users(others));
        Ok(answer)
    }

    /// Starts a thread from a message: the message gets `HAS_THREAD`, the thread points back at it.
    pub(crate) fn thread_from_message(&mut self, message: u64, new: NewThread) -> ApiResult<Value> {
        let parent = new.parent;
        if self.channels.contains_key(&message) {
            let text = "A thread has already been created for this message";
            return Err(ApiError::new(400, 160_004, text));
        }
        let mut starter = self
            .message(parent, message)
            .cloned()
            .ok_or_else(|| ApiError::unknown(10008, "Message"))?;
        let owner = new.owner;
        let answer = self.start_thread(message, new)?;
        starter.flags |= HAS_THREAD;
        self.replace(starter);
        let pointer = Reference {
            kind: 0,
            channel: parent,
            message: Some(message),
            snapshot: None,
        };
        self.system_message(message, owner, 21, "", Some(pointer));
        Ok(answer)
    }

    /// Starts a thread without a message; the channel shows a line that says so (type 18), as Discord's does.
    pub(crate) fn thread_alone(&mut self, new: NewThread) -> ApiResult<Value> {
        let id = self.snowflake();
        let (parent, owner, kind, name) = (new.parent, new.owner, new.kind, new.name.clone());
        let answer = self.start_thread(id, new)?;
        if kind != 12 {
            let pointer = Reference {
                kind: 0,
                channel: id,
                message: None,
                snapshot: None,
            };
            self.system_message(parent, owner, 18, &name, Some(pointer));
        }
        Ok(answer)
    }

    /// Makes a forum post: the thread and its first message share one id.
    pub(crate) fn forum_post(
        &mut self,
        new: NewThread,
        author: Author,
        draft: Draft,
    ) -> ApiResult<Value> {
        let id = self.snowflake();
        let mut answer = self.start_thread(id, new)?;
        let starter = Message {
            id,
            ..self.compose(author, id, draft)
        };
        answer["message"] = self.insert(starter);
        Ok(answer)
    }

    /// A message Discord writes itself.
    pub(crate) fn system_message(
        &mut self,
        channel: u64,
        author: u64,
        kind: u8,
        text: &str,
        reference: Option<Reference>,
    ) {
        let draft = Draft {
            content: Some(text.to_owned()),
            ..Draft::default()
        };
        let message = self.compose(Author::User(author), channel, draft);
        self.insert(Message {
            kind,
            reference: reference.map(Box::new),
            ..message
        });
    }

    /// Lets somebody write to a thread: refuses if it is locked, unarchives it, and makes them a member.
    pub(super) fn wake_thread(&mut self, author: &Author, channel: u64) -> ApiResult<()> {
        let Some(found) = self.channels.get(&channel) else {
            return Err(ApiError::unknown(10003, "Channel"));
        };
        let Some(thread) = &found.thread else {
            return Ok(());
        };
        let user = match author {
            Author::User(user) | Author::Interaction { user, .. } => Some(*user),
            Author::Webhook { application, .. } => application
                .and_then(|id| self.application(id))
                .map(|found| found.bot),
        };
        let manages = user.is_some_and(|user| self.may(user, channel, bits::MANAGE_THREADS));
        if thread.locked && !manages {
            return Err(ApiError::new(400, 160_005, "Thread is locked"));
        }
        if thread.archived {
            let mut woken = found.clone();
            if let Some(thread) = &mut woken.thread {
                thread.archived = false;
                thread.archive_ms = now_ms();
            }
            self.change_channel(woken);
        }
        if let Author::User(user) = author {
            self.join_thread(*user, channel);
        }
        Ok(())
    }

    /// Refuses changes inside an archived thread (50083).
    pub(crate) fn refuse_archived(&self, channel: u64) -> ApiResult<()> {
        let thread = self
            .channels
            .get(&channel)
            .and_then(|found| found.thread.as_ref());
        if thread.is_some_and(|thread| thread.archived) {
            return Err(ApiError::new(400, 50083, "Thread is archived"));
        }
        Ok(())
    }

    /// Makes somebody a member of a thread; nothing happens if they are one.
    pub(crate) fn join_thread(&mut self, user: u64, channel: u64) {
        let joins = |thread: &ThreadData| !thread.members.contains_key(&user);
        let found = self.channels.get(&channel);
        let found = found
            .filter(|found| found.thread.as_ref().is_some_and(joins))
            .cloned();
        let Some(mut found) = found else { return };
        let Some(thread) = &mut found.thread else {
            return;
        };
        let now = now_ms();
        thread.members.insert(user, now);
        let count = thread.members.len();
        let known = self.may(user, channel, bits::VIEW_CHANNEL);
        let seen = self.channel_json(&found, Some(user));
        self.store_channel(found);
        if !known && self.may(user, channel, bits::VIEW_CHANNEL) {
            // Somebody who is added to a private thread has not heard of it before.
            self.emit("THREAD_CREATE", seen, Audience::Users(vec![user]));
        }
        let mut added = member(channel, Some(user), now);
        if let Some(member) = self.member_in(channel, user) {
            added["member"] = self.member_json(member, true);
        }
        let told = self.audience(channel);
        self.emit_members(channel, told, count, json!({ "added_members": [added] }));
    }

    /// Whom a message in a thread mentions becomes a member there, if they may see its channel and its
    /// author may invite.
    pub(super) fn join_mentioned(&mut self, message: &Message) {
        let place = self.channels.get(&message.channel);
        let Some((thread, parent)) =
            place.and_then(|found| Some((found.thread.as_ref()?, found.parent?)))
        else {
            return;
        };
        let closed = place.is_some_and(|found| found.kind == 12) && !thread.invitable;
        if closed && !self.may(message.author, message.channel, bits::MANAGE_THREADS) {
            return;
        }
        for user in &message.mentions {
            if self.may(*user, parent, bits::VIEW_CHANNEL) {
                self.join_thread(*user, message.channel);
            }
        }
    }

    /// Takes somebody out of a thread.
    pub(crate) fn leave_thread(&mut self, user: u64, channel: u64) {
        let Some(mut found) = self.channels.get(&channel).cloned() else {
            return;
        };
        let Some(thread) = &mut found.thread else {
            return;
        };
        if thread.members.remove(&user).is_none() {
            return;
        }
        let count = thread.members.len();
        // Whoever leaves a private thread is told, too.
        let told = Audience::Users(self.viewers(channel));
        self.store_channel(found);
        let gone = json!({ "removed_member_ids": [user.to_string()] });
        self.emit_members(channel, told, count, gone);
    }

    fn emit_members(&mut self, channel: u64, told: Audience, count: usize, mut data: Value) {
        data["id"] = json!(channel.to_string());
        data["guild_id"] = json!(self.guild_text(channel));
        data["member_count"] = json!(count);
        self.emit("THREAD_MEMBERS_UPDATE", data, told);
    }
}

impl Channel {
    /// The members of a thread as Discord lists them.
    pub(crate) fn thread_members_json(&self) -> Vec<Value> {
        let members = self.thread.iter().flat_map(|thread| &thread.members);
        members
            .map(|(user, joined)| member(self.id, Some(*user), *joined))
            .collect()
    }
}

fn member(thread: u64, user: Option<u64>, joined_ms: u64) -> Value {
    json!({
        "id": thread.to_string(),
        "user_id": user.map(|id| id.to_string()),
        "join_timestamp": iso(joined_ms),
        "flags": 0,
    })
}
