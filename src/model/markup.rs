//! What of a text in Discord is code: nothing in it is a mention.

/// A piece of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words, with whatever markup is in them.
    Prose(&'a str),
    /// A span or a block of code, with its backticks.
    Code(&'a str),
}

impl<'a> Piece<'a> {
    /// The text.
    pub fn text(self) -> &'a str {
        match self {
            Self::Prose(text) | Self::Code(text) => text,
        }
    }
}

/// The pieces of a text, in order; together they are the text. Backticks that nothing closes are prose,
/// and so are such behind a backslash.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut begun, mut at) = (0, 0);
    while let Some(found) = text[at..].find(['`', '\\']) {
        let start = at + found;
        if text[start..].starts_with('\\') {
            let escaped = text[start + 1..].chars().next();
            at = start + 1 + escaped.map_or(0, char::len_utf8);
            continue;
        }
        let run = run(&text[start..]);
        let Some(end) = end(text, start, run) else {
            at = start + run;
            continue;
        };
        if begun < start {
            pieces.push(Piece::Prose(&text[begun..start]));
        }
        pieces.push(Piece::Code(&text[start..end]));
        (begun, at) = (end, end);
    }
    if begun < text.len() {
        pieces.push(Piece::Prose(&text[begun..]));
    }
    pieces
}

/// The longest run of backticks in a text.
pub fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or_default()
}

/// How many backticks a text begins with.
fn run(text: &str) -> usize {
    text.len() - text.trim_start_matches('`').len()
}

/// Where the code ends that `run` backticks begin.
fn end(text: &str, start: usize, run: usize) -> Option<usize> {
    const BLOCK: &str = "```";
    if run >= BLOCK.len() {
        let inside = start + BLOCK.len();
        let close = text[inside..].find(BLOCK)?;
        return Some(inside + close + BLOCK.len());
    }
    let mut at = start + run;
    loop {
        let next = at + text[at..].find('`')?;
        let closing = self::run(&text[next..]);
        at = next + closing;
        if closing == run {
            return Some(at);
        }
    }
}
