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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Names, Naming, readable};

    fn read(text: &str) -> String {
        let names = Names {
            roles: [("7".parse().expect("an id"), "Ops".to_owned())].into(),
            channels: [("8".parse().expect("an id"), "team-room".to_owned())].into(),
        };
        let user = |id: &str, name: &str| (id.parse().expect("an id"), name.to_owned());
        let users = [
            user("5", "Zack"),
            user("6", "ClawdOS"),
            user("9", "<@5> `x`\n@here"),
        ];
        let naming = Naming {
            names: &names,
            users: &users,
            bot: "6".parse().ok(),
        };
        readable(text, &naming)
    }

    #[test]
    fn mentions_are_names() {
        for (text, expected) in [
            ("hi <@5>, <@!5>!", "hi @Zack, @Zack!"),
            ("<@6> what is up", "ClawdOS what is up"),
            ("<@&7> in <#8>", "@Ops in #team-room"),
            ("<:ship_it:12> <a:party:13>", ":ship_it: :party:"),
            (
                "at <t:0> or <t:86400:R>",
                "at 1970-01-01T00:00:00Z or 1970-01-02T00:00:00Z",
            ),
            ("</ask:99> and </cron add:98>", "/ask and /cron add"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_nobody_knows_stays_readable() {
        assert_eq!(read("<@1> <@&2> <#3>"), "@user 1 @role 2 #channel 3");
        for text in [
            "a < b and b > a",
            "<https://example.org>",
            "<@x> <@0> <#> <::1> <:a b:1> <t:x> <t:99999999999999999> </:1> </x:y> <id:guide>",
            r"\<@5>",
            "`<@5>` ```\n<#8>\n```",
            "<",
            "<@5",
            "<é>",
        ] {
            assert_eq!(read(text), text, "{text}");
        }
    }

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(read("<@9>"), "@5 xhere");
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "[<>@#&!:/t5678`\\\\é a]{0,80}") {
            prop_assert_eq!(read(&text), read(&text));
            let long = format!("{}<@5>", "é".repeat(300));
            prop_assert!(read(&long).ends_with("@Zack"));
        }
    }
}
