//! Discord's mentions as people read them: names instead of numbers, for agents and dashboards.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat};

use super::markup::{Piece, pieces};
use super::{ChannelId, RoleId, UserId};

/// Longest mention that is looked at, in bytes: a command with two levels below it has some 130.
const LONGEST: usize = 200;

/// Longest name that is shown, in characters (source: Discord, 100 for roles and channels).
const NAME: usize = 100;

/// The names of a server's roles and channels, as far as they were told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names {
    /// Roles.
    pub roles: HashMap<RoleId, String>,
    /// Channels and threads.
    pub channels: HashMap<ChannelId, String>,
}

/// Who and what a text may name.
#[derive(Debug, Clone, Copy)]
pub struct Naming<'a> {
    /// Roles and channels.
    pub names: &'a Names,
    /// The people that the message mentions.
    pub users: &'a [(UserId, String)],
    /// Our own bot: naming it is not meant for anybody else.
    pub bot: Option<UserId>,
}

/// A text with its mentions as names. What nobody knows keeps its number; code stays as it is.
pub fn readable(text: &str, naming: &Naming<'_>) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Code(code) => out.push_str(code),
            Piece::Prose(prose) => push_prose(&mut out, prose, naming),
        }
    }
    out
}

fn push_prose(out: &mut String, prose: &str, naming: &Naming<'_>) {
    let mut rest = prose;
    while let Some(at) = rest.find(['<', '\\']) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(escaped) = rest.strip_prefix('\\') {
            let length = 1 + escaped.chars().next().map_or(0, char::len_utf8);
            out.push_str(&rest[..length]);
            rest = &rest[length..];
            continue;
        }
        let bytes = rest.bytes().take(LONGEST);
        let inside = bytes
            .skip(1)
            .position(|byte| byte == b'>')
            .map(|end| &rest[1..=end]);
        let named = inside.and_then(|inside| Some((inside.len(), name(inside, naming)?)));
        let (length, shown) = named.unwrap_or_else(|| (0, "<".to_owned()));
        out.push_str(&shown);
        rest = &rest[if length > 0 { length + 2 } else { 1 }..];
    }
    out.push_str(rest);
}

/// What stands between `<` and `>`, in words; none where it is no mention.
fn name(inside: &str, naming: &Naming<'_>) -> Option<String> {
    if let Some(id) = inside.strip_prefix("@&") {
        let role = naming.names.roles.get(&id.parse().ok()?);
        return Some(role.map_or_else(|| format!("@role {id}"), |it| format!("@{}", plain(it))));
    }
    if let Some(id) = inside.strip_prefix('@') {
        return user(id.strip_prefix('!').unwrap_or(id), naming);
    }
    if let Some(id) = inside.strip_prefix('#') {
        let channel = naming.names.channels.get(&id.parse().ok()?);
        let known = |it: &String| format!("#{}", plain(it));
        return Some(channel.map_or_else(|| format!("#channel {id}"), known));
    }
    if let Some(time) = inside.strip_prefix("t:") {
        let seconds = time.split(':').next().unwrap_or(time);
        let at = DateTime::from_timestamp(seconds.parse().ok()?, 0)?;
        return Some(at.to_rfc3339_opts(SecondsFormat::Secs, true));
    }
    if let Some(command) = inside.strip_prefix('/') {
        let (name, id) = command.rsplit_once(':')?;
        return (is_number(id) && !name.is_empty()).then(|| format!("/{name}"));
    }
    let emoji = inside
        .strip_prefix('a')
        .unwrap_or(inside)
        .strip_prefix(':')?;
    let (name, id) = emoji.split_once(':')?;
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (is_number(id) && !name.is_empty() && name.chars().all(word)).then(|| format!(":{name}:"))
}

fn user(id: &str, naming: &Naming<'_>) -> Option<String> {
    let user: UserId = id.parse().ok()?;
    let mut known = naming.users.iter();
    let name = known
        .find(|(its, _)| *its == user)
        .map(|(_, name)| plain(name));
    Some(match name {
        Some(name) if naming.bot == Some(user) => name,
        Some(name) => format!("@{name}"),
        None => format!("@user {id}"),
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A name on one line, without what would be markup again.
fn plain(name: &str) -> String {
    let kept = |c: &char| !c.is_control() && !matches!(c, '<' | '>' | '`' | '@');
    name.chars().filter(kept).take(NAME).collect()
}
