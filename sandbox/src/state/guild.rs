//! Roles, members and applications: the few changes that tests and operators make.

use std::borrow::Cow;

use serde_json::{Value, json};

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

    /// Puts a changed role back and tells its guild.
    pub(crate) fn change_role(&mut self, role: Role) -> Value {
        let (guild, json) = (role.guild, role.json());
        self.put_role(role);
        let data = json!({ "guild_id": guild.to_string(), "role": json });
        self.emit_guild(guild, "GUILD_ROLE_UPDATE", data);
        json
    }

    /// Takes a role away from its guild and from everybody who has it. Members are not told one by one.
    pub(crate) fn remove_role(&mut self, guild: u64, role: u64) {
        self.record(&Record::RoleGone(role));
        self.roles.remove(&role);
        let had = self.members_of(guild).filter(|it| it.roles.contains(&role));
        let had: Vec<_> = had.cloned().collect();
        for mut member in had {
            member.roles.retain(|it| *it != role);
            self.record(&Record::Member(Cow::Borrowed(&member)));
            self.members.insert((guild, member.user), member);
        }
        let data = json!({ "guild_id": guild.to_string(), "role_id": role.to_string() });
        self.emit_guild(guild, "GUILD_ROLE_DELETE", data);
    }

    /// Sets the permissions of the role that came with a bot.
    pub(crate) fn set_bot_permissions(&mut self, guild: u64, bot: u64, permissions: u64) {
        if let Some(mut role) = self.role_of_bot(guild, bot).cloned() {
            role.permissions = permissions;
            self.change_role(role);
        }
    }

    /// Notes a role without an event.
    pub(super) fn put_role(&mut self, role: Role) {
        self.record(&Record::Role(Cow::Borrowed(&role)));
        self.roles.insert(role.id, role);
    }

    /// Makes a role and gives it to a member of a guild; none where there is no such member.
    pub(crate) fn give_role(
        &mut self,
        guild: u64,
        user: u64,
        name: &str,
        permissions: u64,
    ) -> Option<u64> {
        let mut member = self.members.get(&(guild, user))?.clone();
        let role = Role {
            id: self.snowflake(),
            guild,
            name: name.to_owned(),
            permissions,
            position: 1,
            color: 0,
            hoist: false,
            mentionable: false,
            bot: None,
        };
        let id = role.id;
        let data = json!({ "guild_id": guild.to_string(), "role": role.json() });
        self.put_role(role);
        self.emit_guild(guild, "GUILD_ROLE_CREATE", data);
        member.roles.push(id);
        self.record(&Record::Member(Cow::Borrowed(&member)));
        let mut changed = self.member_json(&member, true);
        changed["guild_id"] = json!(guild.to_string());
        self.members.insert((guild, user), member);
        self.emit_guild(guild, "GUILD_MEMBER_UPDATE", changed);
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
