//! `POST /auth/login`: how Discord's own client gets a person's token.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::http::HeaderMap;
use serde_json::json;

use super::error::{ApiError, ApiResult, FormErrors};
use super::request::{Call, ok};
use super::validate::text;
use crate::door;
use crate::server::Link;

/// The route, as the `OpenAPI` description would name it.
pub(super) const ROUTE: &str = "/auth/login";
/// Wrong tries of one address in [`WINDOW`]; after them it waits.
const TRIES: usize = 5;
const WINDOW: Duration = Duration::from_mins(1);
/// Addresses that are remembered before old ones are forgotten.
const ADDRESSES: usize = 1024;

/// The wrong tries of the last minute, by address.
#[derive(Default)]
pub(crate) struct Tries(Mutex<HashMap<IpAddr, VecDeque<Instant>>>);

impl Tries {
    /// Takes note of a try before it is looked at, so that many at once are not one; 429 for one too
    /// many.
    fn begin(&self, from: IpAddr) -> ApiResult<()> {
        let now = Instant::now();
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = |at: &Instant| now.duration_since(*at) >= WINDOW;
        if book.len() >= ADDRESSES {
            book.retain(|_, tries| !tries.back().is_none_or(old));
        }
        let tries = book.entry(from).or_default();
        while tries.front().is_some_and(old) {
            tries.pop_front();
        }
        if let Some(first) = tries.front().filter(|_| tries.len() >= TRIES) {
            let mut error = ApiError::new(429, 0, "You are being rate limited.");
            let wait = WINDOW.saturating_sub(now.duration_since(*first));
            error.retry_after = Some(wait.as_secs_f64());
            return Err(error);
        }
        tries.push_back(now);
        Ok(())
    }

    /// A try was right: it does not count.
    fn forgive(&self, from: IpAddr) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tries) = book.get_mut(&from) {
            tries.pop_back();
        }
    }
}

/// `POST /auth/login {"login", "password"}`: the login is a person's name, the password the sandbox's
/// token where it has one.
pub(super) async fn login(
    ConnectInfo(link): ConnectInfo<Link>,
    headers: HeaderMap,
    call: Call,
) -> ApiResult {
    let peer = link.peer.ip().to_canonical();
    let door = &call.app.door;
    if door.token().is_none() {
        door.check(peer, &headers)?;
    }
    let body = call.json()?;
    let mut form = FormErrors::default();
    let name = text(&mut form, "login", &body["login"]);
    if name.is_none() && body["login"].is_null() {
        form.required("login");
    }
    let password = text(&mut form, "password", &body["password"]).unwrap_or_default();
    form.check()?;
    call.app.logins.begin(peer)?;
    let opened = door.token().is_none()
        || door.opens(password)
        || door::shown(&headers).is_some_and(|given| door.opens(given));
    let found = call.app.read(|state| {
        let mut people = state.users.values().filter(|user| !user.bot);
        people
            .find(|user| Some(user.name.as_str()) == name)
            .map(|user| json!({ "user_id": user.id.to_string(), "token": user.token }))
    });
    let found = found.filter(|_| opened).ok_or_else(wrong)?;
    call.app.logins.forgive(peer);
    Ok(ok(found))
}

/// Discord does not say which of the two is wrong.
fn wrong() -> ApiError {
    let mut form = FormErrors::default();
    for field in ["login", "password"] {
        form.add(field, "INVALID_LOGIN", "Login or password is invalid.");
    }
    form.into_error()
}
