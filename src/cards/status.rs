//! The state of the whole system, in words.

use chrono::{DateTime, Utc};

use crate::model::mode::Mode;

/// What the status card tells.
#[derive(Debug, Clone)]
pub struct Status {
    /// The mode; none before the first look.
    pub mode: Option<Mode>,
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// Deliveries that wait; none where the database cannot be asked.
    pub queued: Option<i64>,
}

/// The card as text.
pub fn status_card(status: &Status) -> String {
    let since = status.since.timestamp();
    let mode = match status.mode {
        None => "⚪ Starting".to_owned(),
        Some(mode) => {
            let mark = match mode {
                Mode::Live => "🟢",
                Mode::Backup => "🟡",
                Mode::Offline => "🔴",
            };
            let reason = super::text::foreign(status.reason.trim());
            let reason: String = reason.chars().take(500).collect();
            format!("{mark} **{mode}** since <t:{since}:R>: {reason}")
        }
    };
    let queued = match status.queued {
        Some(0) => "No message waits for an agent.".to_owned(),
        Some(1) => "1 message waits for its agent.".to_owned(),
        Some(count) => format!("{count} messages wait for their agents."),
        None => "The queue cannot be read.".to_owned(),
    };
    format!("{mode}\n{queued}")
}
