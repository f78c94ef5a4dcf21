//! Who may come in. A sandbox that others can reach asks for its token where Discord asks for a
//! password, and for all of `/_sandbox`. One on loopback answers this machine, but not the pages of
//! other sites that its browsers show.

use std::fs::{OpenOptions, Permissions};
use std::io::{ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::http::uri::Authority;

use crate::rest::error::{ApiError, ApiResult};
use crate::state::mint::random_text;

/// Letters and digits of a token: more than 250 bits.
const TOKEN_LENGTH: usize = 43;
/// An address on no network (RFC 5737): asking for the way there sends nothing.
const ELSEWHERE: (Ipv4Addr, u16) = (Ipv4Addr::new(192, 0, 2, 1), 9);

/// The door of a sandbox.
pub(crate) struct Door {
    /// None on loopback.
    token: Option<String>,
}

impl Door {
    /// The door of a sandbox that listens on this address. Its token is the data folder's.
    pub(crate) fn of(listen: IpAddr, data_dir: &Path) -> Result<Self> {
        let open = listen.to_canonical().is_loopback();
        Ok(Self {
            token: (!open).then(|| token(data_dir)).transpose()?,
        })
    }

    /// The token, where there is one.
    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Whether this is the token. How long the look takes does not depend on where they differ.
    pub(crate) fn opens(&self, given: &str) -> bool {
        let Some(token) = &self.token else {
            return false;
        };
        let differ = |found: u8, (one, other): (u8, u8)| found | (one ^ other);
        token.len() == given.len() && token.bytes().zip(given.bytes()).fold(0, differ) == 0
    }

    /// Lets a request through to what is not Discord's: 401 without the token, 403 for strangers.
    pub(crate) fn check(&self, peer: IpAddr, headers: &HeaderMap) -> ApiResult<()> {
        if self.token.is_none() {
            return check_local(peer, headers);
        }
        if shown(headers).is_some_and(|given| self.opens(given)) {
            return Ok(());
        }
        Err(ApiError::new(
            401,
            0,
            "The sandbox's token is missing or wrong. It is the end of the address that the sandbox \
             prints when it starts.",
        ))
    }
}

/// The token that a request shows.
pub(crate) fn shown(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("x-sandbox-token").or_else(|| text(AUTHORIZATION.as_str())?.strip_prefix("Bearer "))
}

/// Only this machine, under a name that only this machine has (another site's name may be made to lead
/// here), and no page but the sandbox's own.
fn check_local(peer: IpAddr, headers: &HeaderMap) -> ApiResult<()> {
    let refused = |text| Err(ApiError::new(403, 0, text));
    if !peer.to_canonical().is_loopback() {
        return refused("The sandbox answers this to its own machine only.");
    }
    let mut hosts = headers.get_all(HOST).into_iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.to_str().unwrap_or_default(),
        _ => "",
    };
    if !is_loopback_host(host) {
        return refused("The sandbox answers this under 127.0.0.1, [::1] and localhost only.");
    }
    let own = |origin: &str| {
        origin
            .strip_prefix("http://")
            .is_some_and(|rest| rest.eq_ignore_ascii_case(host))
    };
    let mut origins = headers.get_all(ORIGIN).into_iter();
    if !origins.all(|origin| origin.to_str().is_ok_and(own)) {
        return refused("The sandbox answers this to its own page only.");
    }
    Ok(())
}

fn is_loopback_host(host: &str) -> bool {
    let Some(authority) = host
        .parse::<Authority>()
        .ok()
        .filter(|_| !host.contains('@'))
    else {
        return false;
    };
    let name = authority.host();
    let bare = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || bare
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

/// The token in the data folder, made if it is not there.
fn token(data_dir: &Path) -> Result<String> {
    let path = data_dir.join("token");
    let place = path.display();
    let kept = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).context(format!("The sandbox's token {place} cannot be read."));
        }
    };
    // Empty: the process was killed before it wrote.
    if !kept.is_empty() {
        let whole = kept.len() == TOKEN_LENGTH && kept.bytes().all(|b| b.is_ascii_alphanumeric());
        if !whole {
            bail!("The sandbox's token {place} is damaged. Delete the file to get another.");
        }
        std::fs::set_permissions(&path, Permissions::from_mode(0o600))
            .with_context(|| format!("Others may read {place}, and that cannot be changed."))?;
        return Ok(kept);
    }
    let fresh = random_text(TOKEN_LENGTH);
    OpenOptions::new()
        .create(true)
        .write(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)
        .and_then(|mut file| writeln!(file, "{fresh}"))
        .with_context(|| format!("The sandbox's token {place} cannot be written."))?;
    Ok(fresh)
}

/// Where programs on this machine reach a socket that listens on this address.
pub(crate) fn here(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Where a browser, also on another machine, reaches it: for one on all addresses, the one from which
/// this machine goes elsewhere.
pub(crate) fn outside(listen: SocketAddr) -> SocketAddr {
    let here = here(listen);
    if here == listen {
        return listen;
    }
    let own = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))
        .and_then(|socket| socket.connect(ELSEWHERE).and_then(|()| socket.local_addr()));
    match own {
        Ok(own) if !own.ip().is_unspecified() => SocketAddr::new(own.ip(), listen.port()),
        _ => here,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::{Client, Method, RequestBuilder};
    use serde_json::{Value, json};
    use tokio::net::TcpListener;

    use super::*;
    use crate::{Options, Sandbox};

    /// A sandbox that takes itself for one on all addresses, on a socket of this machine only.
    async fn open_to_others(dir: &Path) -> Result<Sandbox> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let listen = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), listener.local_addr()?.port());
        let options = Options {
            data_dir: dir.to_path_buf(),
            listen,
            bot_token: None,
            switches: Vec::new(),
        };
        Sandbox::serve(listener, listen, options)
    }

    fn token_of(sandbox: &Sandbox) -> String {
        let page = &sandbox.info().page;
        let (address, token) = page.split_once("/#token=").expect("a token in the address");
        assert!(!address.contains("0.0.0.0"), "{address} can be opened");
        token.to_owned()
    }

    async fn answer(request: RequestBuilder) -> Result<(u16, Value)> {
        let response = request.send().await?;
        let status = response.status().as_u16();
        Ok((status, response.json().await.unwrap_or_default()))
    }

    #[tokio::test]
    async fn what_others_can_reach_asks_for_the_token() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let sandbox = open_to_others(dir.path()).await?;
        let token = token_of(&sandbox);
        let base = sandbox.info().api.replace("/api/v10", "");
        let http = Client::new();
        let people = || http.get(format!("{base}/_sandbox/people"));
        assert_eq!(answer(people()).await?.0, 401, "also for this machine");
        let wrong = token.replace(|sign| sign != 'x', "x");
        assert_eq!(answer(people().bearer_auth(wrong)).await?.0, 401);
        let (status, found) = answer(people().bearer_auth(&token)).await?;
        assert_eq!((status, &found[0]["name"]), (200, &json!("zack")));
        // Whoever has the token may come from anywhere.
        let other = people().header("x-sandbox-token", &token);
        let other = other.header("host", "sandbox.example:80");
        assert_eq!(answer(other).await?.0, 200);
        for (method, path) in [
            (Method::POST, "faults"),
            (Method::DELETE, "faults"),
            (Method::GET, "requests"),
            (Method::POST, "applications"),
            (Method::POST, "switches/database"),
        ] {
            let request = http.request(method, format!("{base}/_sandbox/{path}"));
            let (status, body) = answer(request.json(&json!({"name": "Eve", "on": false}))).await?;
            assert_eq!(status, 401, "{path}: {body}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn the_token_is_the_password_and_few_wrong_ones_are_taken() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let sandbox = open_to_others(dir.path()).await?;
        let token = token_of(&sandbox);
        let http = Client::new();
        let address = format!("{}/auth/login", sandbox.info().api);
        let login = |body: Value| http.post(&address).json(&body);
        // A right one in between does not make room for more wrong ones.
        let right = json!({"login": "zack", "password": token});
        for wrong in [
            json!({"login": "zack"}),
            json!({"login": "zack", "password": ""}),
            json!({"login": "zack", "password": &token[1..]}),
            json!({"login": "nobody", "password": token}),
        ] {
            let (status, body) = answer(login(wrong.clone())).await?;
            assert_eq!((status, &body["code"]), (400, &json!(50035)), "{wrong}");
            let blamed = &body["errors"]["password"]["_errors"][0]["code"];
            assert_eq!(blamed, "INVALID_LOGIN", "{body}");
            let (status, body) = answer(login(right.clone())).await?;
            assert_eq!(
                (status, &body["token"]),
                (200, &json!(sandbox.info().users[0].token))
            );
        }
        assert_eq!(answer(login(json!({"login": "zack"}))).await?.0, 400);
        let (status, body) = answer(login(right)).await?;
        assert_eq!(status, 429, "{body}");
        assert!(body["retry_after"].as_f64().is_some_and(|wait| wait > 50.0));
        Ok(())
    }

    #[tokio::test]
    async fn the_token_is_kept_where_only_its_owner_reads_it() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let first = open_to_others(dir.path()).await?;
        let token = token_of(&first);
        let path = dir.path().join("token");
        let mode = || std::fs::metadata(&path).map(|found| found.permissions().mode() & 0o777);
        assert_eq!(mode()?, 0o600);
        first.stop().await;
        std::fs::set_permissions(&path, Permissions::from_mode(0o644))?;
        let second = open_to_others(dir.path()).await?;
        assert_eq!(token_of(&second), token, "the same after a restart");
        assert_eq!(mode()?, 0o600);
        second.stop().await;
        // Killed before it was written.
        std::fs::write(&path, "")?;
        let third = open_to_others(dir.path()).await?;
        assert_eq!(token_of(&third).len(), TOKEN_LENGTH);
        assert_ne!(token_of(&third), token);
        third.stop().await;
        std::fs::write(&path, "guess")?;
        let refused = open_to_others(dir.path())
            .await
            .err()
            .map(|error| error.to_string());
        assert!(refused.is_some_and(|text| text.contains("Delete the file")));
        Ok(())
    }

    #[test]
    fn names_that_only_this_machine_has() {
        for host in [
            "127.0.0.1",
            "127.9.9.9:80",
            "localhost",
            "LOCALHOST:1",
            "[::1]",
            "[::1]:80",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "10.0.0.1:80",
            "0.0.0.0",
            "127.0.0.1@evil.example",
            "evil@localhost",
            "[::2]",
            "::1",
            "localhost/",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
