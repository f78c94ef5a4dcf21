//! Intents: which events a bot asked for, and how much of a message it may read.

use serde_json::Value;

use super::payload::Hidden;
use super::session::Viewer;

/// `GUILDS`.
pub(super) const GUILDS: u64 = 1;
/// `GUILD_MEMBERS`, privileged.
pub(super) const GUILD_MEMBERS: u64 = 1 << 1;
/// `GUILD_PRESENCES`, privileged.
pub(super) const GUILD_PRESENCES: u64 = 1 << 8;
/// `MESSAGE_CONTENT`, privileged.
pub(super) const MESSAGE_CONTENT: u64 = 1 << 15;
/// All intents Discord documents (Gateway, "List of Intents"): 0 to 16, 20, 21, 24 and 25.
pub(super) const KNOWN: u64 = 0x1_ffff | 1 << 20 | 1 << 21 | 1 << 24 | 1 << 25;
/// People's clients have no intents and receive everything they may see.
pub(super) const EVERYTHING: u64 = u64::MAX;

/// The intents of which one suffices for an event; 0 means that no intent is needed.
pub(super) fn intents_for(name: &str, in_guild: bool) -> u64 {
    let guild_or_direct = |guild: u64, direct: u64| if in_guild { guild } else { direct };
    match name {
        "CHANNEL_PINS_UPDATE" => guild_or_direct(GUILDS, 1 << 12),
        "GUILD_MEMBER_ADD" | "GUILD_MEMBER_UPDATE" | "GUILD_MEMBER_REMOVE" => GUILD_MEMBERS,
        "THREAD_MEMBERS_UPDATE" => GUILDS | GUILD_MEMBERS,
        "GUILD_AUDIT_LOG_ENTRY_CREATE" | "GUILD_BAN_ADD" | "GUILD_BAN_REMOVE" => 1 << 2,
        "GUILD_EMOJIS_UPDATE" | "GUILD_STICKERS_UPDATE" => 1 << 3,
        "GUILD_INTEGRATIONS_UPDATE" => 1 << 4,
        "WEBHOOKS_UPDATE" => 1 << 5,
        "INVITE_CREATE" | "INVITE_DELETE" => 1 << 6,
        "VOICE_STATE_UPDATE" => 1 << 7,
        "PRESENCE_UPDATE" => GUILD_PRESENCES,
        "MESSAGE_DELETE_BULK" => 1 << 9,
        "MESSAGE_CREATE" | "MESSAGE_UPDATE" | "MESSAGE_DELETE" => guild_or_direct(1 << 9, 1 << 12),
        "TYPING_START" => guild_or_direct(1 << 11, 1 << 14),
        "MESSAGE_POLL_VOTE_ADD" | "MESSAGE_POLL_VOTE_REMOVE" => guild_or_direct(1 << 24, 1 << 25),
        _ if name.starts_with("MESSAGE_REACTION_") => guild_or_direct(1 << 10, 1 << 13),
        _ if name.starts_with("GUILD_SCHEDULED_EVENT_") => 1 << 16,
        _ if ["GUILD_", "CHANNEL_", "THREAD_", "STAGE_INSTANCE_"]
            .iter()
            .any(|prefix| name.starts_with(prefix)) =>
        {
            GUILDS
        }
        _ => 0,
    }
}

/// Whether a session with these intents asked for the event.
pub(super) fn wanted(intents: u64, name: &str, data: &Value) -> bool {
    let needed = intents_for(name, data.get("guild_id").is_some_and(|id| !id.is_null()));
    needed == 0 || intents & needed != 0
}

/// What the viewer may not read in an event.
pub(super) fn hidden(viewer: Viewer, intents: u64, name: &str, data: &Value) -> Hidden {
    if intents & MESSAGE_CONTENT != 0 || !matches!(name, "MESSAGE_CREATE" | "MESSAGE_UPDATE") {
        return Hidden::default();
    }
    let direct = data.get("guild_id").is_none_or(Value::is_null);
    let closed = |message: &Value| !direct && !readable(viewer, message);
    Hidden {
        message: closed(data),
        referenced: data
            .get("referenced_message")
            .is_some_and(|message| message.is_object() && closed(message)),
    }
}

/// Own messages, those of own webhooks, and messages that mention the bot are always readable.
fn readable(viewer: Viewer, message: &Value) -> bool {
    let is = |value: Option<&Value>, id: u64| {
        value
            .and_then(Value::as_str)
            .is_some_and(|text| text.parse() == Ok(id))
    };
    is(message.pointer("/author/id"), viewer.user)
        || viewer
            .application
            .is_some_and(|id| is(message.get("application_id"), id))
        || message
            .get("mentions")
            .and_then(Value::as_array)
            .is_some_and(|users| users.iter().any(|user| is(user.get("id"), viewer.user)))
}
