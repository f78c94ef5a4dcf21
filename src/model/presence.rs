//! Whether an agent is there, from what its row of `agent_status` says (source: `ClawdOS`'s dashboard).

use chrono::{DateTime, TimeDelta, Utc};

/// Who works says so at least this often.
const WORKING: TimeDelta = TimeDelta::minutes(30);

/// Who has not been heard of for so long is away.
const IDLE: TimeDelta = TimeDelta::minutes(60);

/// How an agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It works on something.
    Working,
    /// It is there, and waits.
    Idle,
    /// It sleeps, or nobody has heard of it for long.
    Offline,
}

/// How an agent is at `now` that calls itself `state` and was last heard of at `seen`: its last activity or
/// heartbeat, whichever is later.
pub fn presence(state: Option<&str>, seen: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Presence {
    let within = |limit| seen.is_some_and(|seen| now - seen < limit);
    match state {
        Some("working") if seen.is_none() || within(WORKING) => Presence::Working,
        Some("working" | "sleeping") => Presence::Offline,
        _ if within(IDLE) => Presence::Idle,
        _ => Presence::Offline,
    }
}
