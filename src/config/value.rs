//! From what a person wrote to the type the bridge works with, with words for what is refused.

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;
use tracing_subscriber::EnvFilter;

use super::sections::{AllowedHost, FeedKind, LogFormat};
use crate::model::{AgentKey, ProjectId};

/// A value as it was written. Variables of the environment are always text.
pub(super) enum Raw<'a> {
    Text(&'a str),
    Integer(i64),
    Boolean(bool),
    List(Vec<Raw<'a>>),
    /// Something no setting takes: a date, a fraction, a table.
    Other,
}

impl<'a> Raw<'a> {
    pub(super) fn from_toml(value: &'a Spanned<DeValue<'_>>) -> Self {
        match value.get_ref() {
            DeValue::String(text) => Self::Text(text),
            DeValue::Integer(digits) => i64::from_str_radix(digits.as_str(), digits.radix())
                .map_or(Self::Other, Self::Integer),
            DeValue::Boolean(flag) => Self::Boolean(*flag),
            DeValue::Array(items) => Self::List(items.iter().map(Self::from_toml).collect()),
            DeValue::Float(_) | DeValue::Datetime(_) | DeValue::Table(_) => Self::Other,
        }
    }

    /// A list of texts or numbers; a text is taken as a list with commas, as in a variable.
    fn items(&self) -> Option<Vec<Raw<'_>>> {
        match self {
            Self::List(items) => Some(items.iter().map(Raw::reborrow).collect()),
            Self::Text(text) => {
                let parts = text.split(',').map(str::trim);
                Some(
                    parts
                        .filter(|part| !part.is_empty())
                        .map(Raw::Text)
                        .collect(),
                )
            }
            _ => None,
        }
    }

    fn reborrow(&self) -> Raw<'_> {
        match self {
            Self::Text(text) => Raw::Text(text),
            Self::Integer(number) => Raw::Integer(*number),
            Self::Boolean(flag) => Raw::Boolean(*flag),
            Self::List(items) => Raw::List(items.iter().map(Raw::reborrow).collect()),
            Self::Other => Raw::Other,
        }
    }
}

/// Why a value was not taken. Must not contain the value when it could be a secret.
pub(super) struct Refused {
    pub(super) what: String,
    pub(super) fix: String,
}

impl Refused {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        let (what, fix) = (what.into(), fix.into());
        Self { what, fix }
    }
}

type Parsed<T> = Result<T, Refused>;

/// A text that is not empty.
pub(super) fn text(raw: &Raw<'_>) -> Parsed<String> {
    match raw {
        Raw::Text(text) if text.trim().is_empty() => Err(Refused::new(
            "it is empty",
            "Write a text, or remove the key.",
        )),
        Raw::Text(text) => Ok(text.trim().to_owned()),
        _ => Err(Refused::new("it is not a text", "Put it in double quotes.")),
    }
}

/// Yes or no.
pub(super) fn flag(raw: &Raw<'_>) -> Parsed<bool> {
    match raw {
        Raw::Boolean(flag) => Ok(*flag),
        Raw::Text("true") => Ok(true),
        Raw::Text("false") => Ok(false),
        _ => Err(Refused::new(
            "it is neither true nor false",
            "Write `true` or `false`, without quotes.",
        )),
    }
}

/// A whole number within bounds.
pub(super) fn number(least: u64, most: u64) -> impl Fn(&Raw<'_>) -> Parsed<u64> {
    move |raw| {
        let number = match raw {
            Raw::Integer(number) => u64::try_from(*number).ok(),
            Raw::Text(text) => text.parse().ok(),
            _ => None,
        };
        number
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| {
                Refused::new(
                    format!("it is not a whole number from {least} to {most}"),
                    "Write such a number, without quotes.",
                )
            })
    }
}

/// A count of things that fits into memory.
pub(super) fn count(least: u64, most: u32) -> impl Fn(&Raw<'_>) -> Parsed<usize> {
    let number = number(least, u64::from(most));
    move |raw| {
        let number = number(raw)?;
        usize::try_from(number)
            .map_err(|_| Refused::new("it is too large for this machine", "Write a smaller one."))
    }
}

/// A length of time, written as a number of `unit` seconds each.
pub(super) fn duration(unit: u64, most: u64) -> impl Fn(&Raw<'_>) -> Parsed<Duration> {
    let number = number(1, most);
    move |raw| Ok(Duration::from_secs(number(raw)? * unit))
}

/// An id as Discord writes them: a number, in quotes or not.
pub(super) fn snowflake<Id: FromStr>(raw: &Raw<'_>) -> Parsed<Id> {
    let id = match raw {
        Raw::Integer(number) => number.to_string().parse().ok(),
        Raw::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    id.ok_or_else(|| {
        Refused::new(
            "it is not a Discord id",
            "Turn on Developer Mode in Discord (Settings, Advanced), right-click the server, user \
             or role, and choose Copy ID: a number of 17 to 20 digits.",
        )
    })
}

/// Several ids.
pub(super) fn snowflakes<Id: FromStr>(raw: &Raw<'_>) -> Parsed<Vec<Id>> {
    let items = raw
        .items()
        .ok_or_else(|| Refused::new("it is not a list of ids", "Write them as [\"…\", \"…\"]."))?;
    items.iter().map(snowflake).collect()
}

/// A list of texts, each not empty.
pub(super) fn texts(raw: &Raw<'_>) -> Parsed<Vec<String>> {
    match raw {
        Raw::List(items) => items.iter().map(text).collect(),
        _ => Err(Refused::new(
            "it is not a list",
            "Write it as [\"…\", \"…\"].",
        )),
    }
}

/// An address to listen on.
pub(super) fn listen(raw: &Raw<'_>) -> Parsed<SocketAddr> {
    text(raw)?.parse().map_err(|_| {
        Refused::new(
            "it is not an address to listen on",
            "Write an IP address and a port, such as 127.0.0.1:8080, or port 0 for a free one.",
        )
    })
}

/// The id of a `ClawdOS` project.
pub(super) fn project_id(raw: &Raw<'_>) -> Parsed<ProjectId> {
    text(raw)?.parse().map_err(|_| {
        Refused::new(
            "it is not a project id",
            "Use up to 100 lower-case letters, digits and hyphens, such as front-office.",
        )
    })
}

/// The project that `ClawdOS` means when none is named (source: its `X-ClawdOS-Project` header).
pub(super) fn default_project_id() -> ProjectId {
    let id = "front-office".parse();
    id.expect("a constant of ours is a project id")
}

/// The short name of an agent: the middle part of `agent:<short>:main`.
pub(super) fn agent_short(name: &str) -> Parsed<()> {
    match name.parse::<AgentKey>() {
        Ok(key) if key.short() == name => Ok(()),
        _ => Err(Refused::new(
            "it is not the short name of an agent",
            "Use the middle part of the agent's key, such as ricky in agent:ricky:main: letters, \
             digits, hyphens and underscores.",
        )),
    }
}

/// How to run an agent: at least the program.
pub(super) fn argv(raw: &Raw<'_>) -> Parsed<Vec<String>> {
    let Raw::List(items) = raw else {
        return Err(Refused::new(
            "it is not a list, and a command line is never given to a shell",
            "Write the program and each argument by itself: [\"program\", \"argument\"].",
        ));
    };
    let argv: Option<Vec<String>> = items
        .iter()
        .map(|item| match item {
            Raw::Text(text) if !text.contains('\0') => Some((*text).to_owned()),
            _ => None,
        })
        .collect();
    match argv {
        Some(argv) if argv.first().is_some_and(|program| !program.is_empty()) => Ok(argv),
        _ => Err(Refused::new(
            "it does not name a program with texts as arguments",
            "Write the program first and each argument in quotes: [\"program\", \"argument\"].",
        )),
    }
}

/// Names of environment variables, not assignments.
pub(super) fn variable_names(raw: &Raw<'_>) -> Parsed<Vec<String>> {
    let names = texts(raw)?;
    if names.iter().any(|name| name.contains(['=', '\0'])) {
        return Err(Refused::new(
            "it contains an assignment",
            "Name the variables only; their values come from the bridge's own environment.",
        ));
    }
    Ok(names)
}

/// `host` or `host:port`; IPv6 addresses in brackets when a port follows.
pub(super) fn allowed_hosts(raw: &Raw<'_>) -> Parsed<Vec<AllowedHost>> {
    texts(raw)?
        .iter()
        .map(|entry| allowed_host(entry))
        .collect()
}

fn allowed_host(entry: &str) -> Parsed<AllowedHost> {
    // The parser of URLs knows every way to write a host, so borrow it.
    let bare_v6 = entry.parse::<std::net::Ipv6Addr>().is_ok();
    let authority = if bare_v6 {
        format!("[{entry}]")
    } else {
        entry.to_owned()
    };
    // `any` has no default port that the parser would swallow, `http` knows how to read hosts.
    let plain = !authority.is_empty() && !authority.contains(['/', '@', '?', '#', '\\', '*']);
    let host = url::Url::parse(&format!("http://{authority}/")).ok();
    let host = host.as_ref().filter(|_| plain).and_then(url::Url::host);
    let port = authority.rsplit_once(':').filter(|(before, _)| {
        !authority.ends_with(']') && (!before.contains(':') || before.ends_with(']'))
    });
    let port = port.map(|(_, port)| port.parse::<u16>()).transpose();
    match (host, port) {
        (Some(host), Ok(port)) if port != Some(0) => Ok(AllowedHost {
            host: host.to_string().trim_matches(['[', ']']).to_owned(),
            port,
        }),
        _ => Err(Refused::new(
            format!("{entry:?} is not a host"),
            "Write `host` or `host:port`, such as api.example.com or 10.0.0.5:8080, without \
             http:// and without a path.",
        )),
    }
}

/// What carries the change feed.
pub(super) fn feed_kind(raw: &Raw<'_>) -> Parsed<FeedKind> {
    match raw {
        Raw::Text("replication") => Ok(FeedKind::Replication),
        Raw::Text("websocket") => Ok(FeedKind::Websocket),
        Raw::Text("off") => Ok(FeedKind::Off),
        _ => Err(Refused::new(
            "there is no such feed",
            "Write \"replication\", \"websocket\" or \"off\".",
        )),
    }
}

/// How log lines look.
pub(super) fn log_format(raw: &Raw<'_>) -> Parsed<LogFormat> {
    match raw {
        Raw::Text("text") => Ok(LogFormat::Text),
        Raw::Text("json") => Ok(LogFormat::Json),
        _ => Err(Refused::new(
            "there is no such format",
            "Write \"text\" or \"json\".",
        )),
    }
}

/// Directives for the log filter.
pub(super) fn log_filter(raw: &Raw<'_>) -> Parsed<String> {
    let filter = text(raw)?;
    match EnvFilter::try_new(&filter) {
        Ok(_) => Ok(filter),
        Err(error) => Err(Refused::new(
            format!("it is not a log filter ({error})"),
            "Write a level, or levels for parts, such as \"info,clawdos_bridge::mirror=debug\".",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_for_api_calls_are_read_strictly() {
        for (entry, host, port) in [
            ("API.example.com", "api.example.com", None),
            ("10.0.0.5:8080", "10.0.0.5", Some(8080)),
            ("api.example.com:80", "api.example.com", Some(80)),
            ("::1", "::1", None),
            ("[fd00::1]:80", "fd00::1", Some(80)),
        ] {
            let read = allowed_host(entry).map_err(|refused| refused.what);
            let host = host.to_owned();
            assert_eq!(read, Ok(AllowedHost { host, port }), "{entry}");
        }
        for entry in [
            "https://a.example",
            "a.example/x",
            "*.example",
            "a:0",
            "a:b",
            "u@a",
            "a b",
            "a:",
            ":80",
            "",
        ] {
            assert!(allowed_host(entry).is_err(), "{entry}");
        }
    }
}
