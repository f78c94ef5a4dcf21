//! `/_sandbox`: what the console of the page shows and does. Errors carry a `message` for people.

use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::request::{Call, no_content, ok};
use crate::switches::SwitchError;

/// `GET /_sandbox/people`: who can log in, in the order in which they came.
pub(super) async fn people(call: Call) -> ApiResult {
    Ok(ok(call.app.read(|state| {
        let people = state.users.values().filter(|user| !user.bot);
        people
            .map(|user| json!({ "name": user.name, "id": user.id.to_string(), "operator": user.operator }))
            .collect::<Value>()
    })))
}

/// `GET /_sandbox/trouble`: the weather at Discord and the switches.
pub(super) async fn trouble(call: Call) -> ApiResult {
    let (weather, left) = call.app.sky.now();
    Ok(ok(json!({
        "weather": weather.name(),
        // Rounded up: what is still on has a second left.
        "seconds_left": left.as_millis().div_ceil(1000),
        "switches": call.app.switches.json(),
    })))
}

/// `POST /_sandbox/switches/{name} {"on": bool}`, answered when it is done.
pub(super) async fn switch(call: Call) -> ApiResult {
    let on = call.json()?["on"].as_bool();
    let on = on.ok_or_else(|| ApiError::new(400, 0, "Say {\"on\": true} or {\"on\": false}."))?;
    match call.app.switches.turn(call.text("name"), on).await {
        Some(Ok(())) => Ok(no_content()),
        Some(Err(SwitchError::Refused(text))) => Err(ApiError::new(409, 0, &text)),
        Some(Err(SwitchError::Failed(text))) => Err(ApiError::new(500, 0, &text)),
        None => Err(ApiError::new(404, 0, "There is no switch of this name.")),
    }
}
