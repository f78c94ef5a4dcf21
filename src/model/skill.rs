//! Skills: what agents can do, as the executor last reported it. The report is JSON of others: what is not as
//! expected in it is passed over, one field at a time.

use serde_json::Value;
use uuid::Uuid;

/// Most things of one kind that are listed as missing, and the characters that are read of each.
const LISTED: (usize, usize) = (20, 200);

/// What our executor calls itself in `source`.
pub const BUILT_IN: &str = "clawdos-bridge";

/// Whether a skill can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SkillStatus {
    /// It can.
    Ready,
    /// Something that it needs is missing.
    NeedsSetup,
    /// Nobody may use it here.
    Blocked,
    /// Somebody has switched it off.
    Disabled,
}

impl SkillStatus {
    /// All of them, in the order in which people see them.
    pub const ALL: [Self; 4] = [Self::Ready, Self::NeedsSetup, Self::Blocked, Self::Disabled];

    /// As the Control API writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NeedsSetup => "needs_setup",
            Self::Blocked => "blocked",
            Self::Disabled => "disabled",
        }
    }
}

/// What a skill lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// Programs, all of them.
    pub bins: Vec<String>,
    /// Programs, of which one is enough.
    pub any_bins: Vec<String>,
    /// Environment variables.
    pub env: Vec<String>,
    /// Settings, or files with settings.
    pub config: Vec<String>,
    /// Operating systems, of which one is needed.
    pub os: Vec<String>,
}

impl Missing {
    /// Whether nothing is.
    pub fn is_empty(&self) -> bool {
        [
            &self.bins,
            &self.any_bins,
            &self.env,
            &self.config,
            &self.os,
        ]
        .iter()
        .all(|list| list.is_empty())
    }
}

/// A row of `skills_mirror`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skill {
    /// The row.
    pub row: Uuid,
    /// What the executor calls it.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Its version; may be empty.
    pub version: String,
    /// One emoji that stands for it.
    pub emoji: Option<String>,
    /// Where one can read more.
    pub homepage: Option<String>,
    /// Who brought it.
    pub source: Option<String>,
    /// Whether it can be used.
    pub status: SkillStatus,
    /// What it lacks.
    pub missing: Missing,
}

/// What `extra_json` says of a skill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    /// One emoji that stands for it.
    pub emoji: Option<String>,
    /// Where one can read more; only what a browser opens.
    pub homepage: Option<String>,
    /// Who brought it.
    pub source: Option<String>,
    /// Whether it can be used.
    pub status: SkillStatus,
    /// What it lacks.
    pub missing: Missing,
}

impl Extra {
    /// Reads it. The order of the badges is the dashboard's (source: `ClawdOS`): blocked, disabled, needs
    /// setup, ready.
    pub fn read(extra: &Value) -> Self {
        let is = |key: &str, value: bool| extra.get(key).and_then(Value::as_bool) == Some(value);
        let status = if is("blockedByAllowlist", true) {
            SkillStatus::Blocked
        } else if is("disabled", true) {
            SkillStatus::Disabled
        } else if is("eligible", false) {
            SkillStatus::NeedsSetup
        } else {
            SkillStatus::Ready
        };
        let missing = |key: &str| list(extra.get("missing").and_then(|it| it.get(key)));
        let homepage = word(extra, "homepage");
        Self {
            emoji: word(extra, "emoji"),
            homepage: homepage.filter(|it| it.starts_with("https://") || it.starts_with("http://")),
            source: word(extra, "source"),
            status,
            missing: Missing {
                bins: missing("bins"),
                any_bins: missing("anyBins"),
                env: missing("env"),
                config: missing("config"),
                os: missing("os"),
            },
        }
    }
}

fn word(extra: &Value, key: &str) -> Option<String> {
    let text = extra.get(key)?.as_str()?.trim();
    (!text.is_empty()).then(|| text.chars().take(LISTED.1).collect())
}

fn list(value: Option<&Value>) -> Vec<String> {
    let (most, longest) = LISTED;
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items
        .filter_map(Value::as_str)
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| text.chars().take(longest).collect())
        .take(most)
        .collect()
}
