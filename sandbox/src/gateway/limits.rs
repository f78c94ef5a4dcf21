//! Limits on what clients do at the gateway.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Payloads a client may send per connection and minute (Gateway, "Rate Limiting").
const SENDS: usize = 120;
const SENDS_WINDOW: Duration = Duration::from_mins(1);
/// Presence updates: "5 per 20 s" (Gateway Events, Update Presence); more are ignored.
const PRESENCES: usize = 5;
const PRESENCES_WINDOW: Duration = Duration::from_secs(20);
/// `max_concurrency` of unsharded bots is 1: one IDENTIFY per 5 s.
const IDENTIFY_EVERY: Duration = Duration::from_secs(5);
/// Sessions a bot may start per day (Gateway, "Session Start Limit Object").
const IDENTIFIES: usize = 1000;
const DAY: Duration = Duration::from_hours(24);

/// Counts events in a fixed window that starts with the first of them.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    length: Duration,
    started: Option<Instant>,
    count: usize,
}

impl Window {
    /// The limit on payloads that a client sends.
    pub(super) fn sends() -> Window {
        Window::new(SENDS, SENDS_WINDOW)
    }

    /// The limit on presence updates.
    pub(super) fn presences() -> Window {
        Window::new(PRESENCES, PRESENCES_WINDOW)
    }

    fn new(limit: usize, length: Duration) -> Window {
        Window {
            limit,
            length,
            started: None,
            count: 0,
        }
    }

    /// Counts one event; `false` means that it is one too many.
    pub(super) fn allow(&mut self) -> bool {
        let now = Instant::now();
        if self
            .started
            .is_none_or(|started| now - started >= self.length)
        {
            self.started = Some(now);
            self.count = 0;
        }
        self.count += 1;
        self.count <= self.limit
    }
}

/// How often applications may identify.
#[derive(Debug)]
pub(super) struct IdentifyLimits {
    enforced: bool,
    starts: HashMap<u64, VecDeque<Instant>>,
}

impl Default for IdentifyLimits {
    fn default() -> IdentifyLimits {
        IdentifyLimits {
            enforced: true,
            starts: HashMap::new(),
        }
    }
}

impl IdentifyLimits {
    pub(super) fn set_enforced(&mut self, enforced: bool) {
        self.enforced = enforced;
    }

    /// Counts a session start; `false` means that it came too soon.
    pub(super) fn allow(&mut self, application: u64) -> bool {
        let now = Instant::now();
        let starts = self.starts.entry(application).or_default();
        while starts.front().is_some_and(|start| now - *start >= DAY) {
            starts.pop_front();
        }
        let soon = starts
            .back()
            .is_some_and(|start| now - *start < IDENTIFY_EVERY);
        if self.enforced && (soon || starts.len() >= IDENTIFIES) {
            return false;
        }
        starts.push_back(now);
        true
    }

    /// `session_start_limit` as `GET /gateway/bot` reports it.
    pub(super) fn session_start_limit(&self, application: u64) -> Value {
        let starts = self.starts.get(&application);
        let used = starts.map_or(0, VecDeque::len);
        let reset_after = starts.and_then(VecDeque::front).map_or(0, |start| {
            u64::try_from(DAY.saturating_sub(start.elapsed()).as_millis()).unwrap_or(u64::MAX)
        });
        json!({
            "total": IDENTIFIES,
            "remaining": IDENTIFIES.saturating_sub(used),
            "reset_after": reset_after,
            "max_concurrency": 1,
        })
    }
}
