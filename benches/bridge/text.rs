//! The text of a row, by which its request is recognised.

/// What an agent typically writes.
const REST: &str = "I looked at the **staging** deploy: the migration took 41 s, all checks are \
green, and `api/healthz` answers in 12 ms. Next I will compare the row counts and report back.";

/// The text of the row with this number.
pub fn of(number: u32) -> String {
    format!("k{number} {REST}")
}

/// The number in a text of ours, which may stand under a line that quotes what it answers.
pub fn number(text: &str) -> Option<u32> {
    let (first, rest) = text.split_once('\n').unwrap_or_default();
    let said = if first.starts_with("-# ") { rest } else { text };
    said.strip_prefix('k')?.split(' ').next()?.parse().ok()
}
