//! The mode, in words.

use chrono::{DateTime, Utc};

use super::Draft;
use crate::model::mode::Mode;

/// The post that says that the mode has changed.
pub fn mode_change(mode: Mode, reason: &str, since: DateTime<Utc>) -> Draft {
    let at = since.timestamp();
    let (mark, meaning) = match mode {
        Mode::Live => ("🟢", "Messages go straight to the agents."),
        Mode::Backup => (
            "🟡",
            "Messages are queued and will be delivered when the agents come back.",
        ),
        Mode::Offline => ("🔴", "The database cannot be reached. Nothing is stored."),
    };
    let reason = reason.trim().trim_end_matches('.');
    let reason: String = super::text::foreign(reason).chars().take(500).collect();
    let because = if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    };
    Draft::text(format!(
        "{mark} **{mode}** since <t:{at}:t>{because}.\n{meaning}"
    ))
}
