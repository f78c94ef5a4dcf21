//! Roles, members and applications: the few changes that tests and operators make.

use std::borrow::Cow;

use serde_json::json;

use super::journal::Record;
use super::{Application, PortalIntents, Role, State, User};

impl State {
    /// Switches an application's privileged intents in "the portal".
    pub(crate) fn set_intents(&mut self, application: u64, intents: PortalIntents) -> bool {
        let Some(found) = self.applications.get_mut(&application) else {
            return false;
        };
        found.intents = intents;
        let changed: Application = found.clone();
        self.record(&Record::Application(Cow::Owned(changed)));
        true
    }

    /// Sets or clears an application's Interactions Endpoint URL in "the portal".
    pub(crate) fn set_interactions_endpoint(&mut self, application: u64, url: Option<String>) {
        let Some(found) = self.applications.get_mut(&application) else {
            return;
        };
        found.interactions_endpoint = url;
        let changed: Application = found.clone();
        self.record(&Record::Application(Cow::Owned(changed)));
    }

    /// Sets the permissions of the role that came with a bot.
    pub(crate) fn set_bot_permissions(&mut self, bot: u64, permissions: u64) -> bool {
        let Some(role) = self.roles.values_mut().find(|role| role.bot == Some(bot)) else {
            return false;
        };
        role.permissions = permissions;
        let role: Role = role.clone();
        self.record(&Record::Role(Cow::Borrowed(&role)));
        let data = json!({ "guild_id": self.guild.id.to_string(), "role": role.json() });
        self.emit_guild("GUILD_ROLE_UPDATE", data);
        true
    }

    /// Makes a role and gives it to a member; none where there is no such member.
    pub(crate) fn give_role(&mut self, user: u64, name: &str, permissions: u64) -> Option<u64> {
        if !self.members.contains_key(&user) {
            return None;
        }
        let role = Role {
            id: self.snowflake(),
            name: name.to_owned(),
            permissions,
            position: 1,
            color: 0,
            hoist: false,
            mentionable: false,
            bot: None,
        };
        let (id, guild) = (role.id, self.guild.id.to_string());
        self.record(&Record::Role(Cow::Borrowed(&role)));
        let data = json!({ "guild_id": guild, "role": role.json() });
        self.roles.insert(id, role);
        self.emit_guild("GUILD_ROLE_CREATE", data);
        let member = self.members.get_mut(&user)?;
        member.roles.push(id);
        let member = member.clone();
        self.record(&Record::Member(Cow::Borrowed(&member)));
        let mut changed = self.member_json(&member, true);
        changed["guild_id"] = json!(guild);
        self.emit_guild("GUILD_MEMBER_UPDATE", changed);
        Some(id)
    }

    /// Whether a person takes direct messages from bots.
    pub(crate) fn set_closed_dms(&mut self, user: u64, closed: bool) -> bool {
        let Some(found) = self.users.get_mut(&user) else {
            return false;
        };
        found.closed_dms = closed;
        let changed: User = found.clone();
        self.record(&Record::User(Cow::Owned(changed)));
        true
    }
}
