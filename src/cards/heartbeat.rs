//! The heartbeats of an agent, as one card that is kept true.

use super::activity::who;
use super::{Draft, Personas, Upkeep, quote};
use crate::model::activity::Heartbeats;

/// Longest text of a heartbeat.
const SAID: usize = 300;

/// The card. Its first line never changes: the message is known by it when the channel is read back.
pub fn heartbeat_card(beats: &Heartbeats, personas: &Personas) -> Draft {
    let who = who(Some(&beats.agent), personas);
    let (at, said) = &beats.last;
    let times = match beats.today {
        0 => "none since midnight (UTC)".to_owned(),
        count => format!("{count} since midnight (UTC)"),
    };
    let mut lines = vec![
        format!("💓 **Heartbeat of {who}**"),
        format!("Last heartbeat <t:{}:R>, {times}", at.timestamp()),
        format!("> {}", words(said)),
    ];
    lines.push(match &beats.finding {
        Some((at, found)) => {
            format!("Last finding <t:{}:R>: {}", at.timestamp(), words(found))
        }
        None => "Nothing found so far".to_owned(),
    });
    Draft {
        upkeep: Upkeep::Renewed,
        ..Draft::text(lines.join("\n"))
    }
}

fn words(text: &str) -> String {
    match quote::plain_line(text, SAID).as_str() {
        "" => "*(no text)*".to_owned(),
        text => text.to_owned(),
    }
}
