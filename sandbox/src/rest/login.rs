//! `POST /auth/login`: how Discord's own client gets a person's token.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
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
/// Addresses that are remembered; more in a minute share their tries.
const ADDRESSES: usize = 1024;

/// The wrong tries of the last minute, by address.
#[derive(Default)]
pub(crate) struct Tries(Mutex<HashMap<IpAddr, VecDeque<Instant>>>);

impl Tries {
    /// Takes note of a try before it is looked at, so that many at once are not one; 429 for one too
    /// many. The result is whose try it is.
    fn begin(&self, from: IpAddr) -> ApiResult<IpAddr> {
        let now = Instant::now();
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let old = |at: &Instant| now.duration_since(*at) >= WINDOW;
        if book.len() >= ADDRESSES {
            book.retain(|_, tries| !tries.back().is_none_or(old));
        }
        let full = book.len() >= ADDRESSES && !book.contains_key(&from);
        let whose = if full {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            from
        };
        let tries = book.entry(whose).or_default();
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
        Ok(whose)
    }

    /// A try was right: it does not count.
    fn forgive(&self, whose: IpAddr) {
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tries) = book.get_mut(&whose) {
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
    let whose = call.app.logins.begin(peer)?;
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
    call.app.logins.forgive(whose);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_their_own_tries_until_there_are_too_many() {
        let tries = Tries::default();
        let address = |n: u32| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + n));
        for _ in 0..TRIES {
            assert!(tries.begin(address(0)).is_ok());
        }
        assert_eq!(
            tries.begin(address(0)).err().map(|error| error.status),
            Some(429)
        );
        let many = u32::try_from(ADDRESSES).unwrap_or_default();
        for n in 1..many {
            assert_eq!(tries.begin(address(n)).ok(), Some(address(n)));
        }
        let shared: IpAddr = Ipv4Addr::UNSPECIFIED.into();
        for n in many..10 * many {
            let whose = tries.begin(address(n)).ok();
            assert_eq!(whose.unwrap_or(shared), shared, "{n}");
        }
        assert_eq!(
            tries.0.lock().map(|book| book.len()).ok(),
            Some(ADDRESSES + 1)
        );
        assert!(
            tries.begin(address(1)).is_ok(),
            "who is known keeps their own"
        );
    }
}
