//! What can stand between the bridge and Supabase Realtime, each as a sentence with its fix.

use std::io::ErrorKind;

use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};

use crate::{
    feed::{PUBLICATION, problem::Tables},
    model::change::Table,
};

/// Characters of the server's own words that are repeated. They come from outside.
const WORDS: usize = 300;

/// Why the feed over the websocket cannot work, or works for some tables only.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RealtimeProblem {
    /// The file with the key cannot be used.
    #[error("the key of Supabase cannot be read: {0}. Check supabase.key_file (SUPABASE_KEY_FILE)")]
    KeyFile(String),
    /// Nobody answers, or the line broke.
    #[error(
        "Supabase Realtime cannot be reached: {0}. Check that SUPABASE_URL is right and that this machine may connect to it"
    )]
    Unreachable(String),
    /// TLS could not be set up.
    #[error(
        "the connection to Supabase Realtime could not set up TLS: {0}. Check that SUPABASE_URL starts with https:// where the server speaks TLS, and that this machine trusts its certificate (SSL_CERT_FILE names others)"
    )]
    Tls(String),
    /// The server refused the key while the connection was made.
    #[error(
        "Supabase Realtime refused the key (HTTP {0}): copy it again (Project Settings, API Keys) into SUPABASE_KEY, and check that it belongs to the project of SUPABASE_URL and has not expired"
    )]
    KeyRefused(u16),
    /// There is no Realtime at this address.
    #[error(
        "there is no Supabase Realtime at SUPABASE_URL (HTTP {0}): write the project's own address, such as https://abc.supabase.co, and check that the project is not paused"
    )]
    NoRealtime(u16),
    /// More connections or joins than the server takes.
    #[error(
        "Supabase Realtime takes no more of us now: {0}. The feed tries again; if it stays, raise the limits in the project's Realtime settings, or close other clients"
    )]
    Busy(String),
    /// The line is dead.
    #[error(
        "Supabase Realtime fell silent: nothing for {0} seconds, not even an answer to a heartbeat. The feed connects anew"
    )]
    Silent(u64),
    /// The server ended the connection.
    #[error("Supabase Realtime closed the connection: {0}. The feed connects anew")]
    Closed(String),
    /// What the server refuses to some channels, or to all.
    #[error("{}", .0.words(.1))]
    Refused(Refusal, Tables),
}

/// Why a channel has no subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The table is not published, or not there.
    Unpublished,
    /// The server took the request and never said that it was fulfilled.
    Unconfirmed,
    /// The key is wrong.
    Key(String),
    /// The key has expired. (The server's words count the seconds: they would be told every time.)
    Expired,
    /// Realtime is switched off for the project.
    Disabled(String),
    /// The project takes private channels only.
    PrivateOnly,
    /// More than the server takes.
    Busy(String),
    /// The server closed the channel.
    Closed,
    /// Anything else the server said.
    Other(String),
}

impl Refusal {
    /// Reads the server's words. Its join errors start with a code (source: Supabase Realtime,
    /// `realtime_channel.ex`); its `system` messages are sentences.
    pub(super) fn read(text: &str) -> Self {
        let has = |sign: &str| text.contains(sign);
        let code = text.split(':').next().unwrap_or_default();
        if has("check Realtime is enabled for the given connect parameters") {
            return Self::Unpublished;
        }
        if has("expired") {
            return Self::Expired;
        }
        match code {
            "RealtimeDisabledForTenant" | "TenantNotFound" => Self::Disabled(shortened(text)),
            "PrivateOnly" => Self::PrivateOnly,
            "ChannelRateLimitReached"
            | "ConnectionRateLimitReached"
            | "ClientJoinRateLimitReached"
            | "DatabaseLackOfConnections"
            | "DatabaseConnectionRateLimitReached"
            | "IncreaseConnectionPool" => Self::Busy(shortened(text)),
            "JwtSignatureError" | "JwtSignerError" | "MalformedJWT" | "InvalidJWTToken"
            | "Unauthorized" => Self::Key(shortened(text)),
            _ if has("JWT") || has("token") => Self::Key(shortened(text)),
            _ => Self::Other(shortened(text)),
        }
    }

    /// Whether it is about the connection and not about one table.
    pub(super) const fn concerns_all(&self) -> bool {
        matches!(
            self,
            Self::Key(_) | Self::Expired | Self::Disabled(_) | Self::PrivateOnly
        )
    }

    fn words(&self, tables: &Tables) -> String {
        let silent = format!("changes of these tables are not announced: {tables}");
        match self {
            Self::Unpublished => format!(
                "{silent}. They are not in the publication: run ALTER PUBLICATION {PUBLICATION} \
                 ADD TABLE {tables}, and clawdos-bridge migrate if they do not exist"
            ),
            Self::Unconfirmed => format!(
                "{silent}. Supabase Realtime took the subscription and never confirmed it: check \
                 that Realtime is enabled and can reach its database (its logs tell)"
            ),
            Self::Key(words) => format!(
                "Supabase Realtime refused the key ({words}): copy it again (Project Settings, \
                 API Keys) into SUPABASE_KEY, and check that it belongs to the project of \
                 SUPABASE_URL"
            ),
            Self::Expired => {
                "the key of Supabase has expired: put a valid one into SUPABASE_KEY, or \
                              name a file that is kept valid with SUPABASE_KEY_FILE"
                    .to_owned()
            }
            Self::Disabled(words) => format!(
                "Realtime is switched off or unknown for this project ({words}): enable it in the \
                 project's Realtime settings, and check SUPABASE_URL"
            ),
            Self::PrivateOnly => "Supabase Realtime takes private channels only: turn on Allow \
                                  public access in the project's Realtime settings"
                .to_owned(),
            Self::Busy(words) => RealtimeProblem::Busy(words.clone()).to_string(),
            Self::Closed => format!("{silent}. Supabase Realtime closed their channels"),
            Self::Other(words) => format!("{silent}. Supabase Realtime says: {words}"),
        }
    }

    /// This, said of some tables.
    pub(super) fn of(self, tables: Vec<Table>) -> RealtimeProblem {
        RealtimeProblem::Refused(self, Tables(tables))
    }
}

impl From<Error> for RealtimeProblem {
    /// Never repeats the URL: the key stands in it.
    fn from(error: Error) -> Self {
        match error {
            Error::Http(response) => match response.status().as_u16() {
                status @ (401 | 403) => Self::KeyRefused(status),
                429 => Self::Busy("HTTP 429".to_owned()),
                status @ 200..=499 => Self::NoRealtime(status),
                status => Self::Unreachable(format!("it answers HTTP {status}")),
            },
            Error::Tls(error) => Self::Tls(error.to_string()),
            // What rustls has to say comes as an error of the line.
            Error::Io(error)
                if error.kind() == ErrorKind::InvalidData
                    || error.to_string().starts_with("tls") =>
            {
                Self::Tls(error.to_string())
            }
            Error::Io(error) => Self::Unreachable(error.to_string()),
            Error::ConnectionClosed
            | Error::AlreadyClosed
            | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                Self::Closed("without a word".to_owned())
            }
            Error::Protocol(error) => Self::Closed(error.to_string()),
            Error::Capacity(error) => Self::Closed(error.to_string()),
            Error::Utf8(_) => Self::Closed("a frame that is no text".to_owned()),
            _ => Self::Unreachable("the address or the request cannot be used".to_owned()),
        }
    }
}

/// The server's words, short and on one line.
pub(super) fn shortened(text: &str) -> String {
    let plain = text.chars().filter(|letter| !letter.is_control());
    let mut short: String = plain.clone().take(WORDS).collect();
    if plain.count() > WORDS {
        short.push('…');
    }
    short
}
