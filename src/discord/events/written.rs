//! A person's message, as Discord tells it.

use chrono::{DateTime, Utc};
use serenity::all::{
    Attachment, Message, MessageReferenceKind, MessageType, MessageUpdateEvent, Timestamp, User,
};

use super::roles;
use crate::cards::files::{forwarded, sticker};
use crate::model::file::File;
use crate::model::{ChannelId, DiscordMessageId, GuildId, RoleId, UserId};

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
    /// What they wrote, as Discord has it.
    pub text: String,
    /// What they sent along that is neither words nor files.
    pub beside: String,
    /// The people that it mentions, by the names under which others see them.
    pub mentions: Vec<(UserId, String)>,
    /// The message that it replies to.
    pub reply_to: Option<DiscordMessageId>,
    /// Its files.
    pub files: Vec<File>,
    /// When its author changed it last.
    pub edited_at: Option<DateTime<Utc>>,
}

/// A message as a person's; none for bots, webhooks, system messages and what holds nothing that could
/// be read.
pub fn written(message: Message) -> Option<Written> {
    let by_person = !message.author.bot && message.webhook_id.is_none();
    let text = matches!(
        message.kind,
        MessageType::Regular | MessageType::InlineReply
    );
    if !(by_person && text) {
        return None;
    }
    let beside = beside(&message);
    let reply_to = reply_to(&message);
    let passed_on = message.message_snapshots.into_iter();
    let (mentions, attachments): (Vec<_>, Vec<_>) = passed_on
        .map(|snapshot| (snapshot.mentions, snapshot.attachments))
        .unzip();
    let mentions = message
        .mentions
        .into_iter()
        .chain(mentions.into_iter().flatten());
    let attachments = attachments.into_iter().flatten();
    let files: Vec<File> = message
        .attachments
        .into_iter()
        .chain(attachments)
        .map(file)
        .collect();
    if message.content.is_empty() && beside.is_empty() && files.is_empty() {
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
            .map(|member| roles(&member.roles))
            .unwrap_or_default(),
        text: message.content,
        beside,
        mentions: mentions.filter_map(mentioned).collect(),
        reply_to,
        files,
        edited_at: message.edited_timestamp.as_ref().and_then(time),
    })
}

/// What a person has changed of their message. An event without a time of the edit is none: Discord
/// sends it when a link has been looked up, or a message was pinned.
pub(super) fn edited(event: &MessageUpdateEvent) -> Option<Written> {
    let whole = event.author.is_some() && event.content.is_some() && event.kind.is_some();
    if !whole || event.edited_timestamp.is_none() {
        return None;
    }
    let mut message = Message::default();
    event.apply_to_message(&mut message);
    written(message)
}

fn reply_to(message: &Message) -> Option<DiscordMessageId> {
    let reference = message.message_reference.as_ref()?;
    let reply =
        message.kind == MessageType::InlineReply && reference.kind == MessageReferenceKind::Default;
    let id = reference.message_id.filter(|_| reply)?;
    DiscordMessageId::new(id.get())
}

fn beside(message: &Message) -> String {
    let stickers = message.sticker_items.iter().map(|it| sticker(&it.name));
    let passed_on = message.message_snapshots.iter();
    let passed_on = passed_on.map(|snapshot| forwarded(&snapshot.content));
    stickers.chain(passed_on).collect::<Vec<_>>().join("\n")
}

fn mentioned(user: User) -> Option<(UserId, String)> {
    let nick = user.member.and_then(|member| member.nick);
    let name = nick.or(user.global_name).unwrap_or(user.name);
    Some((UserId::new(user.id.get())?, name))
}

fn file(file: Attachment) -> File {
    File {
        name: file.filename,
        size: u64::from(file.size),
        url: file.url,
        kind: file.content_type,
    }
}

fn time(at: &Timestamp) -> Option<DateTime<Utc>> {
    let nanos = at.unix_timestamp_nanos();
    DateTime::from_timestamp_millis(i64::try_from(nanos / 1_000_000).ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Written, edited, written};
    use crate::model::DiscordMessageId;

    fn message(more: &Value) -> Value {
        let mut message = json!({
            "id": "11", "channel_id": "7", "type": 0, "content": "", "tts": false, "pinned": false,
            "author": { "id": "9", "username": "zack", "global_name": "Zack" },
            "timestamp": "2026-01-01T00:00:00+00:00", "edited_timestamp": null,
            "mention_everyone": false, "mentions": [], "mention_roles": [], "attachments": [],
            "embeds": [],
        });
        for (key, value) in more.as_object().cloned().unwrap_or_default() {
            message[key] = value;
        }
        message
    }

    fn read(more: &Value) -> Option<Written> {
        written(serde_json::from_value(message(more)).expect("a message"))
    }

    #[test]
    fn a_sticker_and_what_is_passed_on_are_words_and_nothing_is_nothing() {
        assert!(read(&json!({})).is_none());
        let stickers = json!([{ "id": "3", "name": "Wave", "format_type": 1 }]);
        let beside = read(&json!({ "sticker_items": stickers })).map(|it| it.beside);
        assert_eq!(beside.as_deref(), Some("(sticker: Wave)"));
        let snapshot = json!({
            "content": "one\ntwo", "timestamp": "2026-01-01T00:00:00+00:00",
            "edited_timestamp": null, "mentions": [], "embeds": [], "type": 0,
            "attachments": [{ "id": "4", "filename": "a.txt", "size": 1, "url": "u", "proxy_url": "p" }],
        });
        let passed_on = read(&json!({ "message_snapshots": [{ "message": snapshot }] }));
        let passed_on = passed_on.expect("a message");
        assert_eq!(passed_on.beside, "(forwarded)\n> one\n> two");
        assert_eq!(passed_on.files.len(), 1);
        assert_eq!(passed_on.reply_to, None);
    }

    #[test]
    fn a_reply_is_one_and_a_forward_is_none() {
        let to = |kind: u8| json!({ "type": kind, "channel_id": "7", "message_id": "5" });
        let reply = read(&json!({ "type": 19, "content": "x", "message_reference": to(0) }));
        assert_eq!(reply.and_then(|it| it.reply_to), DiscordMessageId::new(5));
        let forward = read(&json!({ "content": "x", "message_reference": to(1) }));
        assert_eq!(forward.expect("a message").reply_to, None);
    }

    #[test]
    fn an_update_is_an_edit_only_with_its_time_and_by_a_person() {
        let update =
            |more: &Value| edited(&serde_json::from_value(message(more)).expect("an event"));
        let at = "2026-01-01T00:00:01.234000+00:00";
        let edit = update(&json!({ "content": "new", "edited_timestamp": at })).expect("an edit");
        let millis = edit.edited_at.map(|at| at.timestamp_millis());
        assert_eq!(
            (edit.text.as_str(), millis),
            ("new", Some(1_767_225_601_234))
        );
        assert_eq!(edit.name, "Zack");
        let bot = json!({ "id": "9", "username": "b", "bot": true });
        for more in [
            json!({ "content": "new" }),
            json!({ "content": "new", "edited_timestamp": at, "author": bot }),
            json!({ "content": "new", "edited_timestamp": at, "webhook_id": "8" }),
        ] {
            assert!(update(&more).is_none(), "{more}");
        }
        let partial = json!({ "id": "11", "channel_id": "7", "embeds": [] });
        assert!(edited(&serde_json::from_value(partial).expect("an event")).is_none());
    }
}
