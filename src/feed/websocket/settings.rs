//! Where Supabase Realtime is, and the key to it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::{frame::VERSION, problem::RealtimeProblem};
use crate::model::ProjectId;

/// Where Realtime answers, below the address of a project.
const PATH: &str = "/realtime/v1/websocket";

/// Longest key that is read from a file. Tokens are some hundred bytes; headers end at 8 KiB.
const LONGEST_KEY: usize = 8 * 1024;

/// Which project, whose rows, with which key.
#[derive(Debug, Clone)]
pub struct WebsocketSettings {
    /// The address of the Supabase project, `https://<ref>.supabase.co`, or of one's own.
    pub url: Url,
    /// The key.
    pub key: Key,
    /// Only rows of this project are asked for.
    pub project: ProjectId,
    /// How patient the connection is.
    pub timing: Timing,
}

/// How patient a connection is.
#[derive(Debug, Clone, Copy)]
pub struct Timing {
    /// The time between two heartbeats; the key's file is looked at as often. (Source: the official
    /// client, 25 s. The server closes after 60 s without one.)
    pub heartbeat: Duration,
    /// How long an answer may take, that to a heartbeat or that to a connection.
    pub answer: Duration,
    /// How long a subscription may take until it is confirmed. The server may first have to connect
    /// to its database.
    pub subscription: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(25),
            answer: Duration::from_secs(10),
            subscription: Duration::from_secs(30),
        }
    }
}

/// A key of Supabase: a publishable or secret one, or a JSON Web Token.
#[derive(Debug, Clone)]
pub enum Key {
    /// One that stays.
    Fixed(SecretString),
    /// One that somebody else keeps fresh in a file.
    File(PathBuf),
}

impl Key {
    /// The key as it is now.
    pub(super) async fn read(&self) -> Result<SecretString, RealtimeProblem> {
        match self {
            Self::Fixed(key) => Ok(key.clone()),
            Self::File(path) => read_file(path).await,
        }
    }
}

impl Key {
    /// The database role that the key stands for, if it tells.
    pub async fn role(&self) -> Option<String> {
        let key = self.read().await.ok()?;
        let key = key.expose_secret();
        if key.starts_with("sb_publishable_") {
            return Some("anon".to_owned());
        }
        if key.starts_with("sb_secret_") {
            return Some("service_role".to_owned());
        }
        let claims = key.split('.').nth(1)?;
        let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
        Some(serde_json::from_slice::<Claims>(&claims).ok()?.role)
    }
}

/// What a JSON Web Token of Supabase says. The server checks whether it is true.
#[derive(Deserialize)]
struct Claims {
    role: String,
}

async fn read_file(path: &Path) -> Result<SecretString, RealtimeProblem> {
    let refused = |why: &str| RealtimeProblem::KeyFile(format!("{} {why}", path.display()));
    let text = tokio::fs::read_to_string(path)
        .await
        .map_err(|error| refused(&format!("cannot be read ({error})")))?;
    let key = text.trim();
    if key.is_empty() {
        return Err(refused("is empty"));
    }
    if key.len() > LONGEST_KEY || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("holds something else than one key"));
    }
    Ok(SecretString::from(key))
}

impl WebsocketSettings {
    /// Changes of this project's rows.
    pub fn new(url: Url, key: Key, project: ProjectId) -> Self {
        Self {
            url,
            key,
            project,
            timing: Timing::default(),
        }
    }

    /// The address of the websocket, with the key in it: never to be shown.
    pub(super) fn endpoint(&self, key: &SecretString) -> SecretString {
        let url = &self.url;
        let scheme = if url.scheme() == "http" { "ws" } else { "wss" };
        let host = url.host_str().unwrap_or_default();
        let port = url.port().map(|port| format!(":{port}"));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("apikey", key.expose_secret())
            .append_pair("vsn", VERSION)
            .finish();
        let (port, path) = (port.unwrap_or_default(), url.path().trim_end_matches('/'));
        SecretString::from(format!("{scheme}://{host}{port}{path}{PATH}?{query}"))
    }
}
