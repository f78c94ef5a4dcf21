//! Who is online, as bots and people see it.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::event::Event;
use crate::state::State;

/// The presences of users with a session, by user id.
#[derive(Debug, Default)]
pub(super) struct Presences {
    online: HashMap<u64, Value>,
}

/// The status an update asks for; `invisible` shows as offline.
fn status(update: &Value) -> &str {
    match update.get("status").and_then(Value::as_str) {
        Some("invisible" | "offline") => "offline",
        Some(status @ ("idle" | "dnd")) => status,
        _ => "online",
    }
}

/// What of an activity others see. Bots may set only these (Gateway Events, "Activity Object").
fn activity(wish: &Value, now_ms: u64) -> Value {
    let mut shown = Map::new();
    for key in ["name", "type", "state", "url"] {
        if let Some(value) = wish.get(key).filter(|value| !value.is_null()) {
            shown.insert(key.into(), value.clone());
        }
    }
    shown.insert("created_at".into(), json!(now_ms));
    Value::Object(shown)
}

impl Presences {
    /// Takes an Update Presence (op 3 or `presence` of IDENTIFY); the result is what others see.
    pub(super) fn update(&mut self, user: u64, update: &Value, bot: bool) -> Value {
        let now_ms = crate::state::now_ms();
        let wishes = update.get("activities").and_then(Value::as_array);
        let activities: Vec<Value> = wishes
            .into_iter()
            .flatten()
            .map(|wish| activity(wish, now_ms))
            .collect();
        let status = status(update);
        let client = if bot { "web" } else { "desktop" };
        let presence = json!({
            "user": {"id": user.to_string()},
            "status": status,
            "activities": activities,
            "client_status": if status == "offline" { json!({}) } else { json!({client: status}) },
        });
        self.online.insert(user, presence.clone());
        presence
    }

    /// A user's last session ended; the result is what others see.
    pub(super) fn offline(&mut self, user: u64) -> Value {
        self.online.remove(&user);
        json!({
            "user": {"id": user.to_string()},
            "status": "offline",
            "activities": [],
            "client_status": {},
        })
    }

    /// The presences of everybody in a guild who is online, for `GUILD_CREATE`.
    pub(super) fn list(&self, state: &State, guild: u64) -> Vec<Value> {
        let visible = |(user, presence): &(&u64, &Value)| {
            presence["status"] != "offline" && state.member(guild, **user).is_some()
        };
        let here = self.online.iter().filter(visible);
        here.map(|(_, presence)| presence.clone()).collect()
    }
}

/// The events that tell a user's guilds about a presence.
pub(super) fn events(state: &State, user: u64, presence: &Value) -> Vec<Event> {
    let guilds = state.guilds_of(user);
    guilds
        .map(|guild| {
            let mut data = presence.clone();
            data["guild_id"] = json!(guild.id.to_string());
            Event::guild("PRESENCE_UPDATE", guild.id, data)
        })
        .collect()
}
