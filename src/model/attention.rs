//! Questions with options: `NEEDS ATTENTION`, then lines `A) …`, `B) …` (source: `ClawdOS`'s dashboard).

/// Most options that are read: as many as Discord has room for beside "Custom…".
pub const OPTIONS: usize = 24;

/// Longest text of an option that is read, in characters.
const LONGEST: usize = 300;

/// A question of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What stands before the first option.
    pub preamble: String,
    /// The letters and what they mean, in the order of the text; no letter twice.
    pub options: Vec<(char, String)>,
}

/// Reads a comment. None where it asks nothing: without the words, or with fewer than two options.
pub fn question(comment: &str) -> Option<Question> {
    if !comment.to_ascii_lowercase().contains("needs attention") {
        return None;
    }
    let mut options: Vec<(char, String)> = Vec::new();
    let mut preamble = Vec::new();
    for line in comment.lines() {
        match option(line) {
            Some((letter, text)) => {
                let known = options.iter().any(|(it, _)| *it == letter);
                if !known && options.len() < OPTIONS {
                    options.push((letter, text.chars().take(LONGEST).collect()));
                }
            }
            None if options.is_empty() => preamble.push(line),
            None => {}
        }
    }
    (options.len() >= 2).then(|| Question {
        preamble: preamble.join("\n").trim().to_owned(),
        options,
    })
}

fn option(line: &str) -> Option<(char, &str)> {
    let mut chars = line.chars();
    let letter = chars.next().filter(char::is_ascii_uppercase)?;
    let text = chars.as_str().strip_prefix(')')?.trim();
    (!text.is_empty()).then_some((letter, text))
}

/// What an answer says: `Answer: A — text` (source: the same).
pub fn answer(letter: char, text: &str) -> String {
    format!("Answer: {letter} — {text}")
}

/// The same for one that is none of the options.
pub fn custom_answer(text: &str) -> String {
    format!("Answer: Custom — {text}")
}

/// What follows `Answer:` in a comment that is one.
pub fn answered(comment: &str) -> Option<&str> {
    comment.strip_prefix("Answer:").map(str::trim)
}
