//! The first events of a session: READY, then one `GUILD_CREATE` per guild.

use serde_json::{Value, json};

use super::filter;
use super::presence::Presences;
use super::session::Viewer;
use crate::state::State;

/// What a new session starts with.
pub(super) struct Welcome<'a> {
    pub state: &'a State,
    pub viewer: Viewer,
    pub intents: u64,
    pub session_id: &'a str,
    /// Where a RESUME should go.
    pub resume_url: &'a str,
    /// `[shard, shards]` of IDENTIFY, echoed.
    pub shard: Option<Value>,
}

impl Welcome<'_> {
    /// The events, in order.
    pub(super) fn events(&self, presences: &Presences) -> Vec<(&'static str, Value)> {
        let guilds = self.guilds(presences);
        let mut events = vec![("READY", self.ready(&guilds))];
        if self.viewer.application.is_none() || self.intents & filter::GUILDS != 0 {
            events.extend(guilds.into_iter().map(|guild| ("GUILD_CREATE", guild)));
        }
        events
    }

    fn guilds(&self, presences: &Presences) -> Vec<Value> {
        let user = self.viewer.user;
        let own = self.state.guilds_of(user);
        own.map(|found| {
            let mut guild = self.state.guild_create(found, user);
            if self.intents & filter::GUILD_PRESENCES == 0 {
                // Without that intent a bot sees only itself (Gateway Events, Guild Create).
                let own = user.to_string();
                if let Some(members) = guild["members"].as_array_mut() {
                    members.retain(|member| member["user"]["id"] == own.as_str());
                }
            } else {
                guild["presences"] = Value::Array(presences.list(self.state, found.id));
            }
            guild
        })
        .collect()
    }

    fn ready(&self, guilds: &[Value]) -> Value {
        let user = self.viewer.user;
        let mut own = self.state.user_json(user);
        own["verified"] = json!(true);
        own["mfa_enabled"] = json!(true);
        own["email"] = Value::Null;
        let mut ready = json!({
            "v": 10,
            "user": own,
            "session_id": self.session_id,
            "session_type": "normal",
            "resume_gateway_url": self.resume_url,
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": [],
            "_trace": ["sandbox"],
        });
        if let Some(shard) = &self.shard {
            ready["shard"] = shard.clone();
        }
        if let Some(application) = self
            .viewer
            .application
            .and_then(|id| self.state.application(id))
        {
            ready["guilds"] = guilds
                .iter()
                .map(|guild| json!({"id": guild["id"], "unavailable": true}))
                .collect();
            ready["application"] =
                json!({"id": application.id.to_string(), "flags": application.flags()});
        } else {
            // People's clients get their guilds and private channels whole.
            ready["guilds"] = Value::Array(guilds.to_vec());
            ready["private_channels"] = Value::Array(self.state.private_channels(user));
        }
        ready
    }
}
