//! Text from elsewhere, made fit for Discord: no link that lies, no message over the limit, no
//! code block torn apart.

use std::borrow::Cow;

use super::links;

/// Longest content of a message, in Unicode code points (source: Discord).
pub const CONTENT_LIMIT: usize = 2000;

/// Room left in a part for a closing fence, and for a reopened one with its language.
const FENCE_ROOM: usize = 40;

const FENCE: &str = "```";

/// Splits a text into parts that Discord accepts, each at the best place before the limit: a blank
/// line, a line, a word. A code block that is torn is closed and opened again. Never empty.
pub fn parts(text: &str) -> Vec<String> {
    parts_after(0, text)
}

/// The same, where so many code points of the first part are taken: at most a quarter of it.
pub fn parts_after(taken: usize, text: &str) -> Vec<String> {
    let mut taken = taken.min(CONTENT_LIMIT / 4);
    let mut rest = text.trim();
    let mut parts = Vec::new();
    let mut reopen: Option<String> = None;
    while !rest.is_empty() {
        let prefix = reopen.take().unwrap_or_default();
        let room = CONTENT_LIMIT - prefix.chars().count() - std::mem::take(&mut taken);
        let end = if fits(rest, room) {
            rest.len()
        } else {
            cut(rest, room - FENCE_ROOM)
        };
        let (piece, after) = rest.split_at(end);
        let mut part = format!("{prefix}{}", piece.trim_end());
        rest = if open_fence(&part).is_some() {
            // Indentation is meaning inside of a code block.
            after.strip_prefix('\n').unwrap_or(after)
        } else {
            after.trim_start()
        };
        if let Some(language) = open_fence(&part).map(str::to_owned) {
            part.push_str("\n```");
            if !rest.is_empty() {
                reopen = Some(format!("{FENCE}{language}\n"));
            }
        }
        if !part.trim().is_empty() {
            parts.push(links::disarmed(part));
        }
    }
    parts
}

/// Whether a text needs no cut. Only one without a fence may use all of the room.
fn fits(text: &str, room: usize) -> bool {
    let fenced = text.contains(FENCE) || room < CONTENT_LIMIT;
    let room = if fenced { room - FENCE_ROOM } else { room };
    text.chars().nth(room).is_none()
}

/// Where to cut a text that is longer than `room` code points: a byte index above 0.
fn cut(text: &str, room: usize) -> usize {
    let hard = text
        .char_indices()
        .nth(room)
        .map_or(text.len(), |(at, _)| at);
    let head = &text[..hard];
    // A cut in the first half would make parts of a few words.
    let least = head.len() / 2;
    ["\n\n", "\n", " "]
        .iter()
        .filter_map(|at| head.rfind(at))
        .find(|at| *at > least)
        .unwrap_or(hard)
}

/// The language of the code block that is open at the end of a text, if one is.
fn open_fence(text: &str) -> Option<&str> {
    let mut open = None;
    for (index, piece) in text.split(FENCE).enumerate() {
        open = (index % 2 == 1).then_some(piece);
    }
    open.map(|piece| {
        let line = piece.lines().next().unwrap_or_default();
        let word = line.len() <= 20 && line.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+');
        // Only a line of its own is a language.
        if word && piece.len() > line.len() {
            line
        } else {
            ""
        }
    })
}

/// Text of agents and people outside of Discord, safe to show: masked links are unfolded, so that
/// what one reads is where one goes; control characters and direction overrides go. Formatting and
/// code stay.
pub fn foreign(text: &str) -> String {
    let visible: Cow<'_, str> = if text.chars().any(is_unsafe) {
        text.chars().filter(|c| !is_unsafe(*c)).collect()
    } else {
        text.into()
    };
    links::unfolded(&visible)
}

fn is_unsafe(c: char) -> bool {
    super::persona::is_invisible(c) && !matches!(c, '\u{200d}' | '\u{e0000}'..='\u{e007f}')
}
