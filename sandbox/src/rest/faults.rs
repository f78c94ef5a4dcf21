//! Faults that tests ask for: statuses, delays, lost answers.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::error::{ApiError, ApiResult};
use super::weather::{self, Weather};
use crate::app::App;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Effect {
    /// This status is answered and no work is done.
    Status(u16, Option<u32>),
    /// The work starts later.
    Delay(Duration),
    /// The work is done and the answer is lost.
    Swallow,
}

/// Whose connections to the gateway end.
enum Dropped {
    Everybody,
    Bots,
}

#[derive(Debug)]
struct RouteFault {
    method: String,
    route: String,
    left: u64,
    effect: Effect,
}

/// The faults that are on.
#[derive(Default)]
pub(crate) struct Faults {
    routes: Mutex<Vec<RouteFault>>,
}

/// What the faults do to one request.
#[derive(Default, Debug)]
pub(crate) struct Planned {
    pub(crate) status: Option<(u16, Option<u32>)>,
    pub(crate) delay: Option<Duration>,
    pub(crate) swallow: bool,
}

impl Faults {
    /// Uses up the faults that are meant for this request: the first of each kind.
    pub(crate) fn plan(&self, method: &Method, route: &str, path: &str) -> Planned {
        let mut faults = self.routes();
        let mut planned = Planned::default();
        if faults.is_empty() {
            return planned;
        }
        for fault in faults.iter_mut() {
            if fault.left == 0
                || fault.method != method.as_str()
                || !is_meant(&fault.route, route, path)
            {
                continue;
            }
            let used = match fault.effect {
                Effect::Status(status, code) if planned.status.is_none() => {
                    planned.status = Some((status, code));
                    true
                }
                Effect::Delay(time) if planned.delay.is_none() => {
                    planned.delay = Some(time);
                    true
                }
                Effect::Swallow if !planned.swallow => {
                    planned.swallow = true;
                    true
                }
                _ => false,
            };
            if used {
                fault.left -= 1;
            }
        }
        faults.retain(|fault| fault.left > 0);
        planned
    }

    fn routes(&self) -> MutexGuard<'_, Vec<RouteFault>> {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a fault for this `OpenAPI` path is meant for a request: the names of parameters do not matter,
/// and where a value stands instead of one, it has to be that of the request.
fn is_meant(fault: &str, route: &str, path: &str) -> bool {
    let is_name = |part: &str| part.starts_with('{');
    let parts = |path: &'_ str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let (fault, route, path) = (parts(fault), parts(route), parts(path));
    fault.len() == route.len()
        && fault
            .iter()
            .zip(route.iter().zip(&path))
            .all(|(wanted, (part, value))| {
                wanted == part || is_name(part) && (is_name(wanted) || wanted == value)
            })
}

/// Switches on what one JSON object asks for.
pub(crate) fn set(app: &App, asked: &Value) -> ApiResult<()> {
    let Some(object) = asked.as_object() else {
        return Err(wrong("The body must be one JSON object."));
    };
    let known = [
        "drop_gateways",
        "invalid_session",
        "reconnect",
        "rate_limits",
        "duplicate_events",
        "reorder_events",
        "route",
        "count",
        "status",
        "code",
        "delay_ms",
        "swallow",
        "weather",
        "seconds",
    ];
    if let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(wrong(&format!("There is no fault \"{key}\".")));
    }
    let drop = match &asked["drop_gateways"] {
        Value::Null | Value::Bool(false) => None,
        Value::Bool(true) => Some(Dropped::Everybody),
        who if who == "bots" => Some(Dropped::Bots),
        _ => return Err(wrong("drop_gateways is true or \"bots\".")),
    };
    if let Some((weather, lasts)) = weather::read(asked)? {
        app.sky.set(weather, lasts);
    }
    match &asked["rate_limits"] {
        Value::Null => {}
        mode if mode == "off" => set_rate_limits(app, false),
        mode if mode == "discord" => set_rate_limits(app, true),
        _ => return Err(wrong("rate_limits is \"discord\" or \"off\".")),
    }
    if !asked["route"].is_null() {
        let fault = route_fault(asked)?;
        app.faults.routes().push(fault);
    }
    if let Some(count) = asked["duplicate_events"].as_u64() {
        app.hub.set_duplicates(count);
    }
    if let Some(reorder) = asked["reorder_events"].as_bool() {
        app.hub.set_reorder(reorder);
    }
    if asked["reconnect"] == true {
        app.hub.reconnect_all();
    }
    if asked["invalid_session"] == true {
        app.hub.invalidate_all();
    }
    match drop {
        Some(Dropped::Everybody) => app.hub.drop_all(),
        Some(Dropped::Bots) => app.hub.drop_bots(),
        None => {}
    }
    Ok(())
}

/// Switches everything off; rate limits are Discord's again.
pub(crate) fn clear(app: &App) {
    app.faults.routes().clear();
    app.sky.set(Weather::Fair, Duration::ZERO);
    set_rate_limits(app, true);
    app.hub.set_duplicates(0);
    app.hub.set_reorder(false);
}

fn set_rate_limits(app: &App, on: bool) {
    app.limits.set_off(!on);
    app.hub.set_identify_limits(on);
}

fn route_fault(asked: &Value) -> ApiResult<RouteFault> {
    let route = asked["route"]
        .as_str()
        .and_then(|text| text.split_once(' '));
    let Some((method, route)) = route.filter(|(_, path)| path.starts_with('/')) else {
        return Err(wrong(
            "route is a method and an OpenAPI path, like \"POST /channels/{channel_id}/messages\"; \
             a value may stand instead of a parameter.",
        ));
    };
    let status = asked["status"]
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let code = asked["code"]
        .as_u64()
        .and_then(|code| u32::try_from(code).ok());
    let effect = match (status, asked["delay_ms"].as_u64(), asked["swallow"] == true) {
        (Some(status), None, false) if (400..600).contains(&status) => Effect::Status(status, code),
        (None, Some(ms), false) => Effect::Delay(Duration::from_millis(ms)),
        (None, None, true) => Effect::Swallow,
        _ => {
            return Err(wrong(
                "A route fault has one of status (400 to 599), delay_ms or swallow.",
            ));
        }
    };
    Ok(RouteFault {
        method: method.to_uppercase(),
        route: route.to_owned(),
        left: asked["count"].as_u64().unwrap_or(1),
        effect,
    })
}

fn wrong(text: &str) -> ApiError {
    ApiError::new(400, 0, text)
}

/// The answer Discord gives with this status, more or less.
pub(crate) fn answer(status: u16, code: Option<u32>, route: &str) -> Response {
    let http = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    match status {
        429 => {
            let body = json!({
                "message": "You are being rate limited.", "retry_after": 1.0, "global": false,
                "code": code.unwrap_or(0),
            });
            let mut response = (http, Json(body)).into_response();
            response
                .headers_mut()
                .insert("retry-after", HeaderValue::from_static("1"));
            response
                .headers_mut()
                .insert("x-ratelimit-scope", HeaderValue::from_static("user"));
            response
        }
        // Discord's edge answers these, not its API.
        502 => (
            http,
            "<html><head><title>502 Bad Gateway</title></head></html>",
        )
            .into_response(),
        503 => {
            let text =
                "upstream connect error or disconnect/reset before headers. reset reason: overflow";
            (http, text).into_response()
        }
        _ => {
            let (known, text) = known_error(status, route);
            ApiError::new(status, code.unwrap_or(known), &text).into_response()
        }
    }
}

fn known_error(status: u16, route: &str) -> (u32, String) {
    let text = |text: &str| text.to_owned();
    match status {
        401 => (0, text("401: Unauthorized")),
        403 => (50013, text("Missing Permissions")),
        404 if route.contains("{message_id}") => (10008, text("Unknown Message")),
        404 if route.starts_with("/webhooks/") => (10015, text("Unknown Webhook")),
        404 if route.starts_with("/interactions/") => (10062, text("Unknown interaction")),
        404 if route.starts_with("/guilds/") => (10004, text("Unknown Guild")),
        404 => (10003, text("Unknown Channel")),
        400 => (50035, text("Invalid Form Body")),
        500 => (0, text("500: Internal Server Error")),
        other => (0, format!("{other}: Error")),
    }
}
