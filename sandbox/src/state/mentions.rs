//! Which users, roles and everybody a text mentions.

use super::State;
use crate::rest::draft::AllowedMentions;

/// The mentions of a message that count.
#[derive(Default)]
pub(super) struct Mentions {
    pub(super) users: Vec<u64>,
    pub(super) roles: Vec<u64>,
    pub(super) everyone: bool,
}

impl Mentions {
    /// Finds `<@id>`, `<@!id>`, `<@&id>`, `@everyone` and `@here` that exist and are allowed.
    pub(super) fn find(
        state: &State,
        guild: Option<u64>,
        text: &str,
        allowed: &AllowedMentions,
        may_ping_all: bool,
    ) -> Self {
        let mut found = Self::default();
        let mut rest = text;
        while let Some(start) = rest.find("<@") {
            rest = &rest[start + 2..];
            let Some((inside, after)) = rest.split_once('>') else {
                break;
            };
            if let Some(id) = inside.strip_prefix('&').and_then(|id| id.parse().ok()) {
                let mentionable = state
                    .roles
                    .get(&id)
                    .filter(|role| Some(role.guild) == guild)
                    .is_some_and(|role| role.mentionable || may_ping_all);
                if mentionable && allowed.roles.contains(id) {
                    push_new(&mut found.roles, id);
                }
            } else if let Ok(id) = inside.trim_start_matches('!').parse() {
                let known = state.users.contains_key(&id);
                if known && allowed.users.contains(id) {
                    found.add_user(id);
                }
            } else {
                continue;
            }
            rest = after;
        }
        found.everyone = may_ping_all
            && allowed.everyone
            && (text.contains("@everyone") || text.contains("@here"));
        found
    }

    /// Adds a user once.
    pub(super) fn add_user(&mut self, user: u64) {
        push_new(&mut self.users, user);
    }
}

fn push_new(list: &mut Vec<u64>, id: u64) {
    if !list.contains(&id) {
        list.push(id);
    }
}
