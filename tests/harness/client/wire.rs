//! What the gateway says, and what of it answers whom.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Act, Form};
use crate::harness::card::Card;

/// Only its person sees the message.
const EPHEMERAL: u64 = 1 << 6;

/// The message says "thinking…" and is still to come.
const LOADING: u64 = 1 << 7;

/// How often the gateway is told that the app is alive (it wants to hear every 41 s).
const HEARTBEAT: Duration = Duration::from_secs(20);

pub(super) type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Everything that the gateway has said, by name.
pub(super) type Events = Arc<Mutex<Vec<(String, Value)>>>;

/// The last message that answers an act and that only its person sees.
pub(super) fn told(events: &[(String, Value)], act: &Act) -> Option<Card> {
    let interaction = interaction(events, act);
    let answers = |message: &Value| {
        let of = message["interaction_metadata"]["id"].as_str();
        let redrawn = act.message.as_deref();
        of.is_some() && of == interaction || redrawn.is_some_and(|id| message["id"] == id)
    };
    let alone = |message: &Value| {
        let flags = message["flags"].as_u64().unwrap_or_default();
        flags & EPHEMERAL != 0 && flags & LOADING == 0
    };
    events
        .iter()
        .filter(|(name, _)| name == "MESSAGE_CREATE" || name == "MESSAGE_UPDATE")
        .rfind(|(_, message)| alone(message) && answers(message))
        .map(|(_, message)| Card {
            private: act.private,
            ..Card::of(message)
        })
}

/// The form that an act has opened.
pub(super) fn asked(events: &[(String, Value)], act: &Act) -> Option<Form> {
    let (_, form) = events.iter().find(|(name, data)| {
        name == "INTERACTION_MODAL_CREATE" && data["nonce"] == act.nonce.as_str()
    })?;
    let field = &form["components"][0];
    let input = match &field["component"] {
        Value::Null => &field["components"][0],
        labelled => labelled,
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Some(Form {
        title: text(&form["title"]),
        value: text(&input["value"]),
        id: form["id"].clone(),
        custom_id: form["custom_id"].clone(),
        input: input["custom_id"].clone(),
        channel: text(&form["channel_id"]),
        message: act.message.clone(),
        private: act.private,
    })
}

/// The choices that answer an act.
pub(super) fn offered(events: &[(String, Value)], act: &Act) -> Option<Vec<(String, String)>> {
    let (_, answer) = events.iter().find(|(name, data)| {
        name == "APPLICATION_COMMAND_AUTOCOMPLETE_RESPONSE" && data["nonce"] == act.nonce.as_str()
    })?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let choices = answer["choices"].as_array()?.iter();
    Some(
        choices
            .map(|it| (text(&it["name"]), text(&it["value"])))
            .collect(),
    )
}

/// The id that Discord gave to what the person did.
pub(super) fn interaction<'a>(events: &'a [(String, Value)], act: &Act) -> Option<&'a str> {
    events
        .iter()
        .find(|(name, data)| name == "INTERACTION_CREATE" && data["nonce"] == act.nonce.as_str())
        .and_then(|(_, data)| data["id"].as_str())
}

pub(super) async fn listen(mut socket: Socket, events: Events) {
    let mut beat = tokio::time::interval(HEARTBEAT);
    let mut seq = Value::Null;
    loop {
        tokio::select! {
            _ = beat.tick() => send(&mut socket, &json!({ "op": 1, "d": seq })).await,
            payload = next(&mut socket) => {
                let Some(mut payload) = payload else { return };
                if payload["op"] == 0 {
                    seq = payload["s"].clone();
                    let name = payload["t"].as_str().unwrap_or_default().to_owned();
                    lock(&events).push((name, payload["d"].take()));
                }
            }
        }
    }
}

pub(super) async fn send(socket: &mut Socket, payload: &Value) {
    // A gateway that is gone is noticed by whoever waits for what it should have said.
    let _ = socket.send(Message::text(payload.to_string())).await;
}

pub(super) async fn next(socket: &mut Socket) -> Option<Value> {
    loop {
        match socket.next().await? {
            Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
            Ok(Message::Close(_)) | Err(_) => return None,
            Ok(_) => {}
        }
    }
}

pub(super) fn lock(events: &Events) -> MutexGuard<'_, Vec<(String, Value)>> {
    // A push leaves the list whole, whatever panics elsewhere.
    events.lock().unwrap_or_else(PoisonError::into_inner)
}
