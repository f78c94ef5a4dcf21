//! Somebody new for the team: what may be asked for, parsed once.

use std::fmt;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::AgentKey;

/// Longest short id, name and role, in characters.
pub const SHORT: usize = 32;
/// Longest name.
pub const NAME: usize = 80;
/// Longest role.
pub const ROLE: usize = 200;

/// Most code points of one emoji: a flag of a region has 14 (source: Unicode, UTS 51).
const EMOJI: usize = 14;

/// Words that mean something else where agents are named: authors of rows (source: `ClawdOS`), the keeper of
/// a project's documents, the prefix of every key, and whom Discord or people mean by `@`.
const RESERVED: [&str; 17] = [
    "agent",
    "agents",
    "all",
    "bot",
    "channel",
    "dashboard",
    "discord",
    "dm",
    "everyone",
    "general",
    "here",
    "operator",
    "project",
    "system",
    "team",
    "ui",
    "user",
];

/// An agent that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hire {
    /// Its key, `agent:<short>:main`.
    pub key: AgentKey,
    /// The name people will call it by.
    pub name: String,
    /// What it will do in the team.
    pub role: Option<String>,
    /// One emoji that stands for it.
    pub emoji: Option<String>,
}

/// Where a request stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestState {
    /// Nobody has taken it yet.
    Queued,
    /// An executor is at it.
    Running,
    /// The agent is there.
    Done,
    /// It did not work, for this reason.
    Failed(String),
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The row.
    pub id: Uuid,
    /// The agent's key, as the row has it.
    pub agent_key: String,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub state: RequestState,
    /// Since when it waits.
    pub requested_at: DateTime<Utc>,
}

/// Why nobody can be hired like that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadHire {
    /// The name has nothing to read in it.
    NoName,
    /// Some text has so many characters, and may have so many.
    TooLong(&'static str, usize, usize),
    /// The short id has other characters than it may have.
    Short(String),
    /// The short id, or the name, means something else.
    Reserved(String),
    /// It is not one emoji.
    Emoji(String),
}

impl fmt::Display for BadHire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName => f.write_str("The name has no letter and no digit in it."),
            Self::TooLong(what, has, most) => {
                write!(
                    f,
                    "The {what} has {has} characters, and at most {most} are taken."
                )
            }
            Self::Short(short) => write!(
                f,
                "The short id {short:?} is not possible: it is the middle of the agent's key, has 1 to {SHORT} \
                 lower-case letters, digits and dashes, and begins and ends with a letter or a digit."
            ),
            Self::Reserved(word) => write!(
                f,
                "{word:?} means something else where agents are named. Choose another word."
            ),
            Self::Emoji(emoji) => write!(
                f,
                "{emoji:?} is not one emoji. Use a single standard one, none of a server's own."
            ),
        }
    }
}

impl Hire {
    /// Reads what somebody has typed. Blanks around everything are nothing; several in a row are one.
    pub fn parse(
        name: &str,
        short: &str,
        role: Option<&str>,
        emoji: Option<&str>,
    ) -> Result<Self, BadHire> {
        let short = short.trim().to_lowercase();
        let key = key(&short)?;
        if RESERVED.contains(&short.as_str()) {
            return Err(BadHire::Reserved(short));
        }
        let name = line("name", name, NAME)?;
        if !name.chars().any(char::is_alphanumeric) {
            return Err(BadHire::NoName);
        }
        if RESERVED.contains(&name.to_lowercase().as_str()) {
            return Err(BadHire::Reserved(name));
        }
        let role = role.map(|role| line("role", role, ROLE)).transpose()?;
        let emoji = emoji.map(str::trim).filter(|emoji| !emoji.is_empty());
        if let Some(emoji) = emoji.filter(|emoji| !is_emoji(emoji)) {
            return Err(BadHire::Emoji(emoji.chars().take(40).collect()));
        }
        Ok(Self {
            key,
            name,
            role: role.filter(|role| !role.is_empty()),
            emoji: emoji.map(str::to_owned),
        })
    }
}

fn key(short: &str) -> Result<AgentKey, BadHire> {
    let bad = || BadHire::Short(short.chars().take(40).collect());
    let edge = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let bytes = short.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    let fits = bytes.len() <= SHORT
        && ends.is_some_and(|(first, last)| edge(*first) && edge(*last))
        && bytes.iter().all(|c| edge(*c) || *c == b'-');
    let key = fits.then(|| format!("agent:{short}:main"));
    // `agent:agent:main` would be read as `agent:main:main`.
    key.and_then(|key| key.parse().ok()).ok_or_else(bad)
}

/// A text on one line, without characters that nobody sees.
fn line(what: &'static str, text: &str, most: usize) -> Result<String, BadHire> {
    let seen: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let line = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = line.chars().count();
    if length > most {
        return Err(BadHire::TooLong(what, length, most));
    }
    Ok(line)
}

/// Whether a text is one emoji: a picture with what may follow it, several joined into one, a flag, or a
/// key with a digit on it (source: Unicode, UTS 51).
pub fn is_emoji(text: &str) -> bool {
    const JOINER: char = '\u{200d}';
    const KEY: char = '\u{20e3}';
    if text.chars().count() > EMOJI {
        return false;
    }
    let chars: Vec<char> = text.chars().collect();
    match chars.as_slice() {
        ['0'..='9' | '#' | '*', KEY] | ['0'..='9' | '#' | '*', '\u{fe0f}', KEY] => return true,
        [a, b] if is_region(*a) && is_region(*b) => return true,
        ['\u{1f3f4}', tags @ .., '\u{e007f}'] if !tags.is_empty() => {
            return tags.iter().all(|c| ('\u{e0020}'..='\u{e007e}').contains(c));
        }
        _ => {}
    }
    text.split(JOINER).all(|part| {
        let mut part = part.chars();
        part.next().is_some_and(is_picture)
            && match part.as_str() {
                "" | "\u{fe0f}" => true,
                rest => {
                    let mut rest = rest.chars();
                    rest.next().is_some_and(is_skin) && rest.next().is_none()
                }
            }
    })
}

fn is_region(c: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)
}

fn is_skin(c: char) -> bool {
    ('\u{1f3fb}'..='\u{1f3ff}').contains(&c)
}

/// The blocks that emoji stand in; what is no emoji among them is a picture all the same.
fn is_picture(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}'
        | '\u{2194}'..='\u{21aa}' | '\u{231a}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{25fe}'
        | '\u{2600}'..='\u{27bf}' | '\u{2934}' | '\u{2935}' | '\u{2b05}'..='\u{2b55}' | '\u{3030}'
        | '\u{303d}' | '\u{3297}' | '\u{3299}' | '\u{1f004}' | '\u{1f0cf}' | '\u{1f170}'..='\u{1f19a}'
        | '\u{1f201}'..='\u{1f251}' | '\u{1f300}'..='\u{1faff}')
}
