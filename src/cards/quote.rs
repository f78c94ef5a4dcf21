//! Words of others, quoted so that nothing in them means anything: neither to Discord, nor to an eye
//! that takes them for ours. What had to be changed for that is told.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::persona::is_invisible;

/// Most line breaks in a row: more of them could push words out of sight.
const BREAKS: usize = 3;

/// Most blank characters in a row, for the same reason.
const BLANKS: usize = 60;

/// Most marks on top of one letter: piled up they cover the lines above.
const MARKS: usize = 3;

/// Stands for a backtick that would end the quotation.
const TICK: char = '\u{2cb}';

/// Longest name of somebody.
const NAME: usize = 80;

/// A quotation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quoted {
    /// As Discord takes it.
    pub markup: String,
    /// Whether it shows every character as it is.
    pub whole: bool,
}

/// Length in UTF-16 units, never fewer than Unicode's code points: which of the two Discord counts
/// is not documented.
pub fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The beginning of a text, cut with an ellipsis where it is longer than `room` UTF-16 units.
pub fn shortened(text: &str, room: usize) -> Cow<'_, str> {
    if length(text) <= room {
        return text.into();
    }
    let mut left = room.saturating_sub(1);
    let end = text.char_indices().find(|(_, c)| {
        let fits = c.len_utf16() <= left;
        left = left.saturating_sub(c.len_utf16());
        !fits
    });
    let mut cut = text[..end.map_or(text.len(), |(at, _)| at)].to_owned();
    if room > 0 {
        cut.push('…');
    }
    cut.into()
}

/// Several lines as a block of code, at most `room` UTF-16 units with its frame.
pub fn block(text: &str, room: usize) -> Quoted {
    const FRAME: usize = "```\n\n```".len();
    let (shown, exact) = beginning(text, room);
    if shown.trim().is_empty() {
        return nothing(exact && text.is_empty());
    }
    let ticks = without_runs(&shown);
    let cut = shortened(&ticks, room.saturating_sub(FRAME));
    Quoted {
        whole: exact && ticks == shown && cut == ticks,
        markup: format!("```\n{cut}\n```"),
    }
}

/// One line as code, at most `room` UTF-16 units with its frame.
pub fn line(text: &str, room: usize) -> Quoted {
    const FRAME: usize = "``".len();
    let (shown, exact) = beginning(text, room);
    if shown.trim().is_empty() {
        return nothing(exact && text.is_empty());
    }
    let flat: String = shown
        .trim()
        .chars()
        .map(|c| match c {
            '\n' => '⏎',
            '`' => TICK,
            other => other,
        })
        .collect();
    let cut = shortened(&flat, room.saturating_sub(FRAME));
    Quoted {
        whole: exact && flat == shown && cut == flat,
        markup: format!("`{cut}`"),
    }
}

/// A block or, for what is short and fits on one, a line.
pub fn quoted(text: &str, room: usize) -> Quoted {
    const SHORT: usize = 100;
    let short = line(text, room.min(SHORT));
    if short.whole {
        short
    } else {
        block(text, room)
    }
}

fn nothing(whole: bool) -> Quoted {
    Quoted {
        markup: "*(empty)*".to_owned(),
        whole,
    }
}

/// Somebody's name between our own words: one line without any formatting, at most 80 characters
/// before they are escaped.
pub fn name(text: &str) -> String {
    let name = plain_line(text, NAME);
    if name.is_empty() {
        return "(no name)".to_owned();
    }
    name
}

/// Somebody's words between our own: one line without any formatting, at most `room` UTF-16 units
/// before they are escaped. Empty where there is nothing to see.
pub fn plain_line(text: &str, room: usize) -> String {
    let (shown, _) = beginning(text, room);
    let words: Vec<_> = shown.split_whitespace().collect();
    let mut line = String::new();
    for c in shortened(&words.join(" "), room).chars() {
        if c.is_ascii_punctuation() && !matches!(c, '-' | '.' | ',' | '\'') {
            line.push('\\');
        }
        line.push(c);
    }
    line
}

/// Every character that cannot be seen or changes how others are seen, by its number. Line breaks
/// and tabs stay. Nothing is cut.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_visible(&mut out, c);
    }
    out.into()
}

/// JSON in which every character can be seen, and no row of backticks stands: it means the same.
pub fn visible_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        // Line breaks of the layout stand outside of texts, where there are no control characters.
        if (is_hidden(c) || c == '`') && c != '\n' {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

fn push_visible(out: &mut String, c: char) {
    if is_hidden(c) {
        // Writing to a String cannot fail.
        let _ = write!(out, "⟨U+{:04X}⟩", u32::from(c));
    } else {
        out.push(c);
    }
}

fn is_hidden(c: char) -> bool {
    is_invisible(c)
        || matches!(c,
            '\u{b}' | '\u{c}' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{34f}' | '\u{115f}'
            | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{ffa0}' | '\u{e0100}'..='\u{e01ef}')
}

/// As much of a text as can matter where there is room for so much, and whether that is all of it.
/// Somebody may have written megabytes.
fn beginning(text: &str, room: usize) -> (String, bool) {
    // Long enough for what is folded, such as blanks, not to leave much of the room empty.
    const AHEAD: usize = 4;
    match text.char_indices().nth(room.saturating_mul(AHEAD)) {
        Some((end, _)) => {
            let (mut shown, _) = plain(&text[..end]);
            shown.push('…');
            (shown, false)
        }
        None => plain(text),
    }
}

/// A text as it may be shown, and whether that is all of it.
fn plain(text: &str) -> (String, bool) {
    let mut out = String::with_capacity(text.len());
    let mut exact = true;
    let mut marks = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\u{a0}']).len();
        if blanks > 0 {
            let (run, after) = rest.split_at(blanks);
            exact &= push_blanks(&mut out, run);
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks > MARKS {
            exact = false;
        } else {
            exact &= !is_hidden(c);
            push_visible(&mut out, c);
        }
    }
    (out, exact)
}

/// Whether the run of blank characters could stay as it is.
fn push_blanks(out: &mut String, run: &str) -> bool {
    let count = run.chars().count();
    let breaks = run.matches('\n').count();
    let few = count <= BLANKS && breaks <= BREAKS;
    if few {
        out.push_str(run);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(out, "\n⟨{count} blank characters⟩\n");
    }
    few
}

/// Marks that are drawn onto the letter before.
fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}' | '\u{6d6}'..='\u{6ed}' | '\u{e31}' | '\u{e34}'..='\u{e3a}'
        | '\u{e47}'..='\u{e4e}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{a670}'..='\u{a672}' | '\u{fe0f}' | '\u{fe20}'..='\u{fe2f}')
}

/// Two backticks in a row begin what could be the end of the block.
fn without_runs(text: &str) -> Cow<'_, str> {
    if !text.contains("``") {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("``") {
        out.push_str(&rest[..at]);
        let run = rest.len() - at - rest[at..].trim_start_matches('`').len();
        out.extend(std::iter::repeat_n(TICK, run));
        rest = &rest[at + run..];
    }
    out.push_str(rest);
    out.into()
}
