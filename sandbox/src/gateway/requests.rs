//! What clients ask of the gateway (Gateway Events, "Send Events").

use rand::Rng as _;
use serde_json::{Value, json};

use super::close::{self, Close};
use super::connection::Connection;
use super::filter;
use super::hub::ResumeError;
use super::identify;
use super::presence;
use super::ready::Welcome;
use super::session::Session;

/// The largest payload a client may send, in bytes (Gateway, "Sending Events").
const PAYLOAD_BYTES: usize = 4096;
/// Op 9 with `false`: identify again.
const INVALID_SESSION: &str = r#"{"op":9,"d":false}"#;
/// Members per `GUILD_MEMBERS_CHUNK`.
const CHUNK: usize = 1000;

impl Connection {
    /// Handles one payload of the client.
    pub(super) fn receive(&mut self, payload: &[u8]) -> Result<(), Close> {
        if payload.len() > PAYLOAD_BYTES {
            return Err(close::DECODE_ERROR);
        }
        let payload: Value = serde_json::from_slice(payload).map_err(|_| close::DECODE_ERROR)?;
        let op = payload
            .get("op")
            .and_then(Value::as_u64)
            .ok_or(close::DECODE_ERROR)?;
        let data = payload.get("d").unwrap_or(&Value::Null);
        if !self.sends.allow() {
            return Err(close::RATE_LIMITED);
        }
        match (op, self.session.is_some()) {
            (1, _) => self.heartbeat(data),
            (2, false) => self.identify(data)?,
            (6, false) => self.resume(data)?,
            (2 | 6, true) => return Err(close::ALREADY_AUTHENTICATED),
            (3, true) => self.update_presence(data),
            (8, true) => self.request_members(data),
            // Voice and soundboards: there are none, and no answer is due.
            (4 | 31, true) => {}
            (0..=50, false) => return Err(close::NOT_AUTHENTICATED),
            // People's clients send more (subscriptions, lazy guilds) than the docs name.
            (_, true)
                if self
                    .viewer
                    .is_some_and(|viewer| viewer.application.is_none()) => {}
            _ => return Err(close::UNKNOWN_OPCODE),
        }
        Ok(())
    }

    fn heartbeat(&mut self, data: &Value) {
        self.beat();
        if let (Some(id), Some(seq)) = (&self.session, data.as_u64()) {
            self.app
                .hub
                .with_session(id, |session, _| session.acknowledge(seq));
        }
        self.control(&r#"{"op":11,"d":null}"#);
    }

    fn identify(&mut self, data: &Value) -> Result<(), Close> {
        let app = self.app.clone();
        let hub = &app.hub;
        let identify = app.read(|state| identify::check(state, data))?;
        let viewer = identify.viewer;
        if viewer
            .application
            .is_some_and(|application| !hub.may_identify(application))
        {
            self.control(&INVALID_SESSION);
            return Ok(());
        }
        if identify.compress {
            self.encoder.compress_messages();
        }
        let id = format!("{:032x}", rand::rng().random::<u128>());
        app.read(|state| {
            let bot = viewer.application.is_some();
            let presence = hub
                .with_presences(|presences| presences.update(viewer.user, &identify.presence, bot));
            for event in presence::events(state, viewer.user, &presence) {
                hub.publish(state, event);
            }
            let welcome = Welcome {
                state,
                viewer,
                intents: identify.intents,
                session_id: &id,
                resume_url: &state.origin.replacen("http", "ws", 1),
                shard: identify.shard,
            };
            let session = Session::new(viewer, identify.intents, self.outlet.clone());
            hub.open(&id, session, |presences| welcome.events(presences));
        });
        self.session = Some(id);
        self.viewer = Some(viewer);
        Ok(())
    }

    fn resume(&mut self, data: &Value) -> Result<(), Close> {
        let viewer = self
            .app
            .read(|state| identify::viewer(state, data))
            .ok_or(close::AUTHENTICATION_FAILED)?;
        let id = data
            .get("session_id")
            .and_then(Value::as_str)
            .ok_or(close::DECODE_ERROR)?;
        let seq = data
            .get("seq")
            .and_then(Value::as_u64)
            .ok_or(close::DECODE_ERROR)?;
        match self.app.hub.resume(id, viewer, seq, &self.outlet) {
            Ok(()) => {
                self.session = Some(id.to_owned());
                self.viewer = Some(viewer);
                Ok(())
            }
            Err(ResumeError::Unknown) => {
                self.control(&INVALID_SESSION);
                Ok(())
            }
            Err(ResumeError::Sequence) => Err(close::INVALID_SEQUENCE),
        }
    }

    fn update_presence(&mut self, data: &Value) {
        let Some(viewer) = self.viewer else { return };
        if !self.presences.allow() {
            return;
        }
        let hub = &self.app.hub;
        self.app.read(|state| {
            let bot = viewer.application.is_some();
            let presence = hub.with_presences(|presences| presences.update(viewer.user, data, bot));
            for event in presence::events(state, viewer.user, &presence) {
                hub.publish(state, event);
            }
        });
    }

    /// Request Guild Members (op 8), answered with `GUILD_MEMBERS_CHUNK`.
    fn request_members(&mut self, data: &Value) {
        let (Some(viewer), Some(id)) = (self.viewer, &self.session) else {
            return;
        };
        let hub = &self.app.hub;
        self.app.read(|state| {
            let wanted = data.get("guild_id").and_then(Value::as_str);
            let mut own = state.guilds_of(viewer.user);
            let Some(found) = own.find(|guild| Some(guild.id.to_string().as_str()) == wanted)
            else {
                return;
            };
            let guild = state.guild_create(found, viewer.user);
            hub.with_session(id, |session, presences| {
                let everybody = data.get("query").and_then(Value::as_str) == Some("")
                    && data.get("user_ids").is_none_or(Value::is_null);
                if everybody && session.intents & filter::GUILD_MEMBERS == 0 {
                    return;
                }
                let mut chunk = members_chunk(&guild["members"], data);
                if data.get("presences").and_then(Value::as_bool) == Some(true)
                    && session.intents & filter::GUILD_PRESENCES != 0
                {
                    chunk["presences"] = Value::Array(presences.list(state, found.id));
                }
                session.push("GUILD_MEMBERS_CHUNK", chunk.to_string().into());
            });
        });
    }
}

/// One chunk suffices: the sandbox's guild is small.
fn members_chunk(members: &Value, request: &Value) -> Value {
    let ids: Option<Vec<&str>> = match request.get("user_ids") {
        Some(Value::String(id)) => Some(vec![id]),
        Some(Value::Array(ids)) => Some(ids.iter().filter_map(Value::as_str).collect()),
        _ => None,
    };
    let query = request
        .get("query")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_lowercase();
    let limit = request.get("limit").and_then(Value::as_u64).unwrap_or(0);
    let limit = usize::try_from(limit).unwrap_or(CHUNK).clamp(0, CHUNK);
    let matches = |member: &&Value| match &ids {
        Some(ids) => ids.iter().any(|id| member["user"]["id"] == *id),
        None => member["user"]["username"]
            .as_str()
            .is_some_and(|name| name.to_lowercase().starts_with(&query)),
    };
    let found: Vec<&Value> = members
        .as_array()
        .into_iter()
        .flatten()
        .filter(matches)
        .take(if limit == 0 { CHUNK } else { limit })
        .collect();
    let unknown: Vec<&str> = ids
        .unwrap_or_default()
        .into_iter()
        .filter(|id| !found.iter().any(|member| member["user"]["id"] == *id))
        .collect();
    let mut chunk = json!({
        "guild_id": request["guild_id"],
        "members": found,
        "chunk_index": 0,
        "chunk_count": 1,
        "not_found": unknown,
    });
    if let Some(nonce) = request.get("nonce").and_then(Value::as_str) {
        chunk["nonce"] = json!(nonce);
    }
    chunk
}
