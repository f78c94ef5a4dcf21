//! Answers to presses, sent a few times if Discord stumbles: a press has no other chance.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::cards::Draft;
use crate::discord::events::Pressed;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::interaction::private_with_files;
use crate::discord::rest::{Request, RestError, Route};

/// Tries of an answer, and the time between two of them.
const TRIES: u32 = 4;
const PAUSE: Duration = Duration::from_millis(100);

/// Discord's code for an interaction that has its first answer (source: its Opcodes page).
const ALREADY_ANSWERED: u32 = 40060;

/// The first answer.
pub async fn first(
    lanes: &Lanes,
    pressed: &Pressed,
    kind: u8,
    data: Option<Value>,
) -> Result<(), RestError> {
    let token = pressed.token.expose_secret();
    let route = Route::interaction_callback(pressed.interaction, token);
    let mut body = json!({ "type": kind });
    if let Some(data) = data {
        body["data"] = data;
    }
    send(lanes, Request::new(route).json(&body)).await
}

/// Sends an answer. One that was given already (40060) was given.
pub async fn send(lanes: &Lanes, request: Request) -> Result<(), RestError> {
    let mut tries = 1;
    loop {
        let sending = lanes.submit(Class::Interactive, request.clone());
        let error = match sending.await.done().into_result() {
            Err(error) if error.code() != Some(ALREADY_ANSWERED) => error,
            _ => return Ok(()),
        };
        let stumbles = error.status().is_none_or(|status| status >= 500);
        if !stumbles || tries == TRIES {
            return Err(error);
        }
        tries += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// A message for one person alone, with its files.
pub fn message(route: Route, draft: &Draft) -> Request {
    let files = draft.files.iter();
    let files = files.map(|file| (file.name.as_str(), &*file.text));
    private_with_files(route, draft, files)
}
