//! Tokens and addresses that carry secrets. Nothing here repeats what was written: not a token that
//! was pasted into the wrong place, not an address with a password in it.

use std::net::IpAddr;

use secrecy::SecretString;
use url::{Host, Url};

use super::sections::DISCORD_API_BASE;
use super::value::{Raw, Refused, text};

/// A token that can travel in an HTTP header.
pub(super) fn token(raw: &Raw<'_>) -> Result<SecretString, Refused> {
    let token = text(raw)?;
    if token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(SecretString::from(token));
    }
    Err(Refused::new(
        "it contains spaces or letters that no token has",
        "Copy the token again, alone: no `Bot ` or `Bearer ` before it, no line break in it.",
    ))
}

/// Discord's own bot tokens have three parts with dots between them (source: Discord, API reference,
/// "Authentication"; the parts are base64url).
pub(super) fn looks_like_discords_token(token: &str) -> bool {
    let is_base64url = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let parts: Vec<&str> = token.split('.').collect();
    let fits = |part: &&str| !part.is_empty() && part.bytes().all(is_base64url);
    parts.len() == 3 && parts.iter().all(fits)
}

/// A Postgres address.
pub(super) fn database_url(raw: &Raw<'_>) -> Result<SecretString, Refused> {
    const FIX: &str = "Write postgres://user:password@host:5432/database; characters such as @ : \
                       / # in the password as %40 %3A %2F %23.";
    let address = text(raw)?;
    let url = Url::parse(&address)
        .map_err(|error| Refused::new(format!("it is not an address ({error})"), FIX))?;
    if !matches!(url.scheme(), "postgres" | "postgresql") {
        return Err(Refused::new("it is not a postgres:// address", FIX));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(Refused::new("it names no host", FIX));
    }
    Ok(SecretString::from(address))
}

/// The address of a Control API, without a slash at the end.
pub(super) fn control_url(raw: &Raw<'_>) -> Result<Url, Refused> {
    web_url(raw, "Write it such as http://127.0.0.1:8787.")
}

/// The address of a Supabase project, without a slash at the end.
pub(super) fn supabase_url(raw: &Raw<'_>) -> Result<Url, Refused> {
    web_url(raw, "Write it such as https://abc.supabase.co.")
}

/// The base of Discord's REST API, or of a server that speaks it, without a slash at the end.
pub(super) fn discord_api_base(raw: &Raw<'_>) -> Result<Url, Refused> {
    const FIX: &str = "Write it such as https://discord.com/api/v10.";
    let url = web_url(raw, FIX)?;
    if !url.path().ends_with("/api/v10") {
        return Err(Refused::new("it does not end in /api/v10", FIX));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(Refused::new(
            "it is plain http to another machine, which would show the bot's token on the way",
            "Use https, or an address of this machine such as http://127.0.0.1:8080/api/v10.",
        ));
    }
    Ok(url)
}

/// Where the real Discord answers.
pub(super) fn discords_own_api() -> Url {
    Url::parse(DISCORD_API_BASE).expect("a constant of ours is an address")
}

/// Whether an address can only lead to this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

fn web_url(raw: &Raw<'_>, fix: &str) -> Result<Url, Refused> {
    let refused = |what: String| Refused::new(what, fix);
    let text = text(raw)?;
    let mut url =
        Url::parse(&text).map_err(|why| refused(format!("it is not an address ({why})")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refused("it is neither http:// nor https://".to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused(
            "it carries a user name or password, which would be logged".to_owned(),
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("it carries a ? or # part".to_owned()));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}
