//! What was found: lines, and the report they make. Pure.

use std::time::Duration;

use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// As it should be.
    Ok,
    /// The bridge works, and less well than it could.
    Warning,
    /// Something that people rely on does not work.
    Failure,
}

impl Status {
    /// The word for it, in the text and in JSON alike.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

/// What a check is about; the report has them in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// What the bridge is told: where that is not understood, nothing else can be looked at.
    Configuration,
    /// The server, the schema, the publication.
    Database,
    /// A probe per table: from COMMIT until the feed tells it.
    Changes,
    /// The bot, its application and its server.
    Discord,
    /// What the bot may do in that server.
    Permissions,
    /// The executor.
    ControlApi,
    /// Who may approve.
    Operators,
}

impl Group {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Configuration,
        Self::Database,
        Self::Changes,
        Self::Discord,
        Self::Permissions,
        Self::ControlApi,
        Self::Operators,
    ];

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Configuration => "Configuration",
            Self::Database => "Database",
            Self::Changes => "Changes: from COMMIT to the feed",
            Self::Discord => "Discord",
            Self::Permissions => "Permissions in the server",
            Self::ControlApi => "Control API",
            Self::Operators => "Operators",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// What was looked at: a few words, the same in every report.
    pub name: String,
    /// What it belongs to.
    pub group: Group,
    /// How it ended.
    pub status: Status,
    /// What was there, in words.
    pub found: String,
    /// What to do about it, where there is something to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_step: Option<String>,
    /// How long it took in milliseconds, to the microsecond; for probes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

impl Line {
    /// As it should be.
    pub fn ok(group: Group, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            group,
            status: Status::Ok,
            found: found.into(),
            next_step: None,
            latency_ms: None,
        }
    }

    /// Less well than it could be.
    pub fn warning(group: Group, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            status: Status::Warning,
            ..Self::ok(group, name, found)
        }
    }

    /// It does not work.
    pub fn failure(group: Group, name: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            status: Status::Failure,
            ..Self::ok(group, name, found)
        }
    }

    /// With what to do about it.
    #[must_use]
    pub fn next(mut self, step: impl Into<String>) -> Self {
        self.next_step = Some(step.into());
        self
    }

    /// Words of another part, which name the problem and then its fix, taken apart into both.
    #[must_use]
    pub fn explained(mut self, words: &str) -> Self {
        let (found, next_step) = parted(words);
        self.found = found;
        self.next_step = next_step.or(self.next_step);
        self
    }

    /// With how long it took.
    #[must_use]
    pub fn took(mut self, latency: Duration) -> Self {
        let microseconds = latency.as_secs_f64() * 1_000_000.0;
        self.latency_ms = Some(microseconds.round() / 1_000.0);
        self
    }
}

/// Words that the house begins a piece of advice with.
const ADVICE: [&str; 20] = [
    "add", "check", "copy", "drop", "give", "invite", "let", "look", "make", "publish", "raise",
    "run", "set", "start", "switch", "upgrade", "use", "wait", "write", "please",
];

/// The problem, and the advice that follows it after a full stop or a colon.
fn parted(words: &str) -> (String, Option<String>) {
    let stops = words.match_indices(". ").chain(words.match_indices(": "));
    let advice = stops
        .map(|(at, _)| at)
        .filter(|at| {
            let next = words[at + 2..].split(' ').next().unwrap_or_default();
            ADVICE.contains(&next.to_lowercase().as_str())
        })
        .min();
    let Some(at) = advice else {
        return (words.trim_end_matches('.').to_owned(), None);
    };
    let (found, step) = (&words[..at], &words[at + 2..]);
    (found.to_owned(), Some(sentence(step)))
}

/// With a capital at its front, and one full stop at its end unless that could be taken for part of a
/// command.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// No failure.
    pub ok: bool,
    /// The version of this program.
    pub version: &'static str,
    /// The process of the bridge that runs here and was looked at, if one does.
    pub bridge_pid: Option<u32>,
    /// The checks, by group.
    pub checks: Vec<Line>,
}

impl Report {
    /// Of these lines, in whatever order they came.
    pub fn new(bridge_pid: Option<u32>, lines: &[Line]) -> Self {
        let of = |group: Group| lines.iter().filter(move |line| line.group == group);
        let checks: Vec<Line> = Group::ALL.into_iter().flat_map(of).cloned().collect();
        Self {
            ok: checks.iter().all(|line| line.status != Status::Failure),
            version: env!("CARGO_PKG_VERSION"),
            bridge_pid,
            checks,
        }
    }

    /// How many checks ended like this.
    pub fn count(&self, status: Status) -> usize {
        let such = self.checks.iter().filter(|line| line.status == status);
        such.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_stands_on_its_own() {
        let parts = |words| {
            let (found, step) = parted(words);
            (found, step.unwrap_or_default())
        };
        for (words, found, step) in [
            (
                "wal_level is minimal, the change feed needs logical: run ALTER SYSTEM",
                "wal_level is minimal, the change feed needs logical",
                "Run ALTER SYSTEM",
            ),
            (
                "not announced: public.tasks. Run ALTER PUBLICATION p ADD TABLE public.tasks",
                "not announced: public.tasks",
                "Run ALTER PUBLICATION p ADD TABLE public.tasks",
            ),
            (
                "Connection refused (os error 111)",
                "Connection refused (os error 111)",
                "",
            ),
            ("It said: no.", "It said: no", ""),
        ] {
            assert_eq!(parts(words), (found.to_owned(), step.to_owned()));
        }
    }
}
