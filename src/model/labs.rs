//! Labs: features that a project switches on. Their flags stand in a row that dashboards write too,
//! so whatever else stands there is theirs, and stays as it is.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::AgentKey;
use super::view::Surface;

/// The key of the row in `project_settings` (source: ClawdOS).
pub const LABS_KEY: &str = "labs_features";

/// Longest text of the row that is read, in bytes. Six flags need 150; anybody may write the row.
pub const LONGEST: usize = 65_536;

/// The primary agent (source: ClawdOS): its channel comes with `operator_chat` alone.
const PRIMARY: &str = "agent:main:main";

/// Something that is not there until its flag is on (source of the words: ClawdOS).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Feature {
    /// A thread per task.
    TaskThreads,
    /// `#team-room`.
    TeamRoom,
    /// The channel of the primary agent.
    OperatorChat,
    /// The channels of the other agents.
    MultiDm,
    /// What the heartbeats of the agents do.
    HeartbeatUi,
    /// The mission, where everybody sees it.
    MissionBanner,
}

impl Feature {
    /// Every feature, in the order in which ClawdOS names them.
    pub const ALL: [Self; 6] = [
        Self::TaskThreads,
        Self::TeamRoom,
        Self::OperatorChat,
        Self::MultiDm,
        Self::HeartbeatUi,
        Self::MissionBanner,
    ];

    /// The flag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TaskThreads => "task_threads",
            Self::TeamRoom => "team_room",
            Self::OperatorChat => "operator_chat",
            Self::MultiDm => "multi_dm",
            Self::HeartbeatUi => "heartbeat_ui",
            Self::MissionBanner => "mission_banner",
        }
    }

    /// What a surface needs to be there. `primary` is the surface of the primary agent.
    pub fn of(surface: &Surface, primary: Option<&Surface>) -> &'static [Self] {
        match surface {
            Surface::Room => &[Self::TeamRoom],
            Surface::Tasks | Surface::Task(_) => &[Self::TaskThreads],
            Surface::Dm(_) if primary == Some(surface) => &[Self::OperatorChat],
            Surface::Dm(_) => &[Self::OperatorChat, Self::MultiDm],
            Surface::BotDm { .. } => Self::of(&surface.in_server(), primary),
            Surface::DmCategory(_) => &[Self::OperatorChat],
            Surface::Approvals
            | Surface::Status
            | Surface::Activity
            | Surface::Category
            | Surface::ArchiveCategory(_) => &[],
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The word is no flag of the Labs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown feature {0:?}")]
pub struct UnknownFeature(String);

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|known| known.as_str() == word);
        found.ok_or_else(|| UnknownFeature(word.chars().take(80).collect()))
    }
}

/// The primary agent among all of them, oldest first: the one that ClawdOS calls so, else the first.
pub fn primary_agent(agents: &[AgentKey]) -> Option<&AgentKey> {
    let named = agents.iter().find(|agent| agent.as_str() == PRIMARY);
    named.or(agents.first())
}

/// Why the row's text is not read, and not written either: who wrote it should repair it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not what flags can stand in.
    #[error("it is not a JSON object")]
    NoObject,
    /// Longer than [`LONGEST`].
    #[error("it is longer than {LONGEST} bytes")]
    TooLong,
}

/// Which features are on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labs {
    on: [bool; Feature::ALL.len()],
    unreadable: Option<Unreadable>,
}

impl Labs {
    /// Reads the row's text; `None` is no row. Only JSON's `true` is on: a missing flag is off, and so
    /// are `"true"` and `1`. Of a flag that stands there twice the last counts, as for a browser.
    pub fn read(text: Option<&str>) -> Self {
        let Some(text) = text else {
            return Self::default();
        };
        match entries(text) {
            Ok(entries) => {
                let mut labs = Self::default();
                for (flag, value) in entries.iter().filter_map(flag) {
                    labs.on[flag as usize] = value.get() == "true";
                }
                labs
            }
            Err(problem) => Self::unreadable(problem),
        }
    }

    /// Everything off, because the text cannot be read.
    pub fn unreadable(problem: Unreadable) -> Self {
        Self {
            unreadable: Some(problem),
            ..Self::default()
        }
    }

    /// Whether a feature is on.
    pub fn is_on(&self, feature: Feature) -> bool {
        self.on[feature as usize]
    }

    /// Whether every feature is off.
    pub fn all_off(&self) -> bool {
        self.on == [false; Feature::ALL.len()]
    }

    /// What is wrong with the text, if it cannot be read.
    pub fn problem(&self) -> Option<Unreadable> {
        self.unreadable
    }

    /// The same with one feature switched.
    #[must_use]
    pub fn with(mut self, feature: Feature, on: bool) -> Self {
        self.on[feature as usize] = on;
        self
    }
}

/// The row's text with one flag set: every other key and value as it was, in its place, whatever it
/// is. `None` is no row.
pub fn written(text: Option<&str>, feature: Feature, on: bool) -> Result<String, Unreadable> {
    let entries = entries(text.unwrap_or("{}"))?;
    let value = if on { "true" } else { "false" };
    let mut found = false;
    let mut parts = Vec::with_capacity(entries.len() + 1);
    for entry in &entries {
        let ours = matches!(flag(entry), Some((its, _)) if its == feature);
        found |= ours;
        let (key, theirs) = *entry;
        let value = if ours { value } else { theirs.get() };
        parts.push(format!("{}:{value}", key.get()));
    }
    if !found {
        parts.push(format!("\"{feature}\":{value}"));
    }
    Ok(format!("{{{}}}", parts.join(",")))
}

type Entry<'a> = (&'a RawValue, &'a RawValue);

/// The feature that an entry is about, and its value.
fn flag<'a>((key, value): &Entry<'a>) -> Option<(Feature, &'a RawValue)> {
    let word: String = serde_json::from_str(key.get()).ok()?;
    Some((word.parse().ok()?, value))
}

fn entries(text: &str) -> Result<Vec<Entry<'_>>, Unreadable> {
    if text.len() > LONGEST {
        return Err(Unreadable::TooLong);
    }
    let Entries(entries) = serde_json::from_str(text).map_err(|_| Unreadable::NoObject)?;
    Ok(entries)
}

/// An object as it is written: keys in their order, numbers with all of their digits.
struct Entries<'a>(Vec<Entry<'a>>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = Vec<Entry<'de>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }

        from.deserialize_map(Reading).map(Entries)
    }
}
