//! What a demo agent does at its heartbeat: mostly nothing.

use super::{Turn, bare, plan};
use crate::model::schedule::SAFETY;

/// A turn of a heartbeat: the rules at the end of what it is told are no part of its work.
pub(super) fn beat(short: &str, message: &str) -> Turn {
    let work = message
        .trim()
        .strip_suffix(SAFETY)
        .unwrap_or(message)
        .trim();
    let mut turn = plan(short, work);
    let mut words = work.split_whitespace();
    let finds = words.any(|word| bare(word) == "find");
    let rest = words.collect::<Vec<_>>().join(" ");
    let found = match (finds, rest.trim_end_matches('.')) {
        (false, _) => None,
        (true, "") => {
            Some("I looked around and found something that somebody should see.".to_owned())
        }
        (true, rest) => Some(format!("I looked around and found {rest}.")),
    };
    turn.reply = match (found, turn.proposals.is_empty()) {
        (None, true) => "Nothing to report.".to_owned(),
        (Some(found), true) => found,
        (None, false) => {
            "Something should be done. I have proposed it and touched nothing.".to_owned()
        }
        (Some(found), false) => format!("{found} I have proposed what to do, and touched nothing."),
    };
    turn
}
