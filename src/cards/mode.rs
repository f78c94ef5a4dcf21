//! The mode, in words.

use chrono::{DateTime, Duration, Utc};

use super::{Draft, Upkeep};
use crate::model::mode::{Mode, ModeChange};

/// Longest reason, in characters.
const REASON: usize = 500;

/// The mark that stands for a mode everywhere.
pub fn mark(mode: Option<Mode>) -> &'static str {
    match mode {
        None => "⚪",
        Some(Mode::Live) => "🟢",
        Some(Mode::Backup) => "🟡",
        Some(Mode::Offline) => "🔴",
    }
}

/// A reason as the end of a sentence: one line, without its full stop, and without any formatting,
/// since others have a say in it.
pub fn because(reason: &str) -> String {
    let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    let reason = super::text::foreign(reason.trim_end_matches('.'));
    let mut plain = String::new();
    for c in reason.chars().take(REASON) {
        if matches!(
            c,
            '*' | '_' | '~' | '|' | '`' | '<' | '>' | '@' | '#' | '\\'
        ) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

/// The post that says that the mode has changed. Its numbers grow while it stands, so it is known by
/// what stands before them.
pub fn mode_change(change: &ModeChange) -> Draft {
    let (begins, goes_on) = match (change.mode, change.down_since) {
        (Mode::Live, Some(down)) => back_to_live(change, down),
        (mode, _) => turned(mode, change),
    };
    let begins = format!("{} {begins}", mark(Some(change.mode)));
    Draft {
        upkeep: Upkeep::Counted(begins.len()),
        ..Draft::text(format!("{begins}{goes_on}"))
    }
}

/// What does not change, and what does.
fn turned(mode: Mode, change: &ModeChange) -> (String, String) {
    let at = change.since.timestamp();
    let reason = because(&change.reason);
    let because = if reason.is_empty() {
        String::new()
    } else {
        format!(": {reason}")
    };
    let goes_on = match mode {
        Mode::Live => " Messages go straight to the agents.".to_owned(),
        Mode::Backup => format!(
            " {} queued. Messages will be delivered when the agents come back.",
            messages(change.queued)
        ),
        Mode::Offline => " What people write is held until the database is back.".to_owned(),
    };
    (format!("**{mode}** since <t:{at}:t>{because}."), goes_on)
}

fn back_to_live(change: &ModeChange, down: DateTime<Utc>) -> (String, String) {
    let time = duration(change.since - down);
    let failed = match change.failed {
        0 => String::new(),
        failed => format!(", {failed} failed"),
    };
    (
        format!("**Live** again after {time}:"),
        format!(
            " {} delivered{failed}, {} waiting.",
            change.delivered, change.queued
        ),
    )
}

/// So many messages.
pub fn messages(count: i64) -> String {
    match count {
        1 => "1 message".to_owned(),
        _ => format!("{count} messages"),
    }
}

/// A time in its two largest units that are not nothing.
pub fn duration(time: Duration) -> String {
    let seconds = time.num_seconds().max(0);
    let units = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let Some(first) = units.iter().position(|(count, _)| *count > 0) else {
        return "less than a second".to_owned();
    };
    // Beside minutes, nobody counts seconds.
    let last = if first == 2 { first } else { first + 1 };
    let words = units.iter().enumerate().filter_map(|(at, (count, unit))| {
        let many = if *count == 1 { "" } else { "s" };
        ((first..=last).contains(&at) && *count > 0).then(|| format!("{count} {unit}{many}"))
    });
    words.collect::<Vec<_>>().join(" ")
}
