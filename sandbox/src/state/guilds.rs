//! Which guilds there are, who is in them, and how people and bots come and go.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::journal::Record;
use super::permissions::bits;
use super::{Channel, Guild, Member, Role, State, now_ms};
use crate::gateway::Audience;

impl State {
    /// The guild that the data folder began with; 0 before there is one.
    pub(crate) fn first_guild(&self) -> u64 {
        self.guilds.keys().next().copied().unwrap_or_default()
    }

    /// The guilds that a user is in, the oldest first.
    pub(crate) fn guilds_of(&self, user: u64) -> impl Iterator<Item = &Guild> {
        let guilds = self.guilds.values();
        guilds.filter(move |guild| self.member(guild.id, user).is_some())
    }

    /// The guild of a channel; none for private channels and those that are not there.
    pub(crate) fn guild_of(&self, channel: u64) -> Option<u64> {
        let found = self.channels.get(&channel)?;
        (!found.is_private()).then_some(found.guild)
    }

    /// See [`State::guild_of`]; as JSON has it.
    pub(crate) fn guild_text(&self, channel: u64) -> Option<String> {
        self.guild_of(channel).map(|guild| guild.to_string())
    }

    /// A user's membership.
    pub(crate) fn member(&self, guild: u64, user: u64) -> Option<&Member> {
        self.members.get(&(guild, user))
    }

    /// A user's membership in the guild of a channel.
    pub(crate) fn member_in(&self, channel: u64, user: u64) -> Option<&Member> {
        self.member(self.guild_of(channel)?, user)
    }

    /// The members of a guild by user id.
    pub(crate) fn members_of(&self, guild: u64) -> impl Iterator<Item = &Member> {
        let here = self.members.range((guild, 0)..=(guild, u64::MAX));
        here.map(|(_, member)| member)
    }

    /// The roles of a guild by id.
    pub(crate) fn roles_of(&self, guild: u64) -> impl Iterator<Item = &Role> {
        self.roles.values().filter(move |role| role.guild == guild)
    }

    /// The channels and threads of a guild by id.
    pub(crate) fn channels_of(&self, guild: u64) -> impl Iterator<Item = &Channel> + Clone {
        let all = self.channels.values();
        all.filter(move |channel| channel.guild == guild && !channel.is_private())
    }

    /// The role that came with a bot.
    pub(super) fn role_of_bot(&self, guild: u64, bot: u64) -> Option<&Role> {
        self.roles_of(guild).find(|role| role.bot == Some(bot))
    }

    /// Makes a guild as Discord does: `@everyone`, `#general`, and its owner is in it. No events.
    pub(super) fn mint_guild(&mut self, name: &str, owner: u64) -> u64 {
        let guild = Guild {
            id: self.snowflake(),
            name: name.to_owned(),
            owner,
        };
        let id = guild.id;
        self.record(&Record::Guild(Cow::Borrowed(&guild)));
        self.guilds.insert(id, guild);
        self.put_role(Role {
            id,
            guild: id,
            name: "@everyone".to_owned(),
            permissions: bits::EVERYONE,
            position: 0,
            color: 0,
            hoist: false,
            mentionable: false,
            bot: None,
        });
        self.join_guild(id, owner, Vec::new());
        let general = Channel {
            id: self.snowflake(),
            guild: id,
            kind: 0,
            name: "general".to_owned(),
            ..Channel::default()
        };
        self.store_channel(general);
        id
    }

    /// A person makes a guild. The guild object.
    pub(crate) fn create_guild(&mut self, name: &str, owner: u64) -> Value {
        let id = self.mint_guild(name, owner);
        self.show_guild(id, owner);
        let guild = self.guilds.get(&id);
        guild.map_or(Value::Null, |guild| self.guild_json(guild))
    }

    /// The role that comes with a bot. No events.
    pub(super) fn mint_bot_role(&mut self, guild: u64, bot: u64, permissions: u64) -> u64 {
        let id = self.snowflake();
        let name = self.users.get(&bot).map(|user| user.name.clone());
        self.put_role(Role {
            id,
            guild,
            name: name.unwrap_or_default(),
            permissions,
            position: 1,
            color: 0,
            hoist: false,
            mentionable: false,
            bot: Some(bot),
        });
        id
    }

    /// Makes somebody a member. No events.
    pub(super) fn join_guild(&mut self, guild: u64, user: u64, roles: Vec<u64>) {
        let member = Member {
            guild,
            user,
            roles,
            joined_ms: now_ms(),
            nick: None,
        };
        self.record(&Record::Member(Cow::Borrowed(&member)));
        self.members.insert((guild, user), member);
    }

    /// A person joins a guild; nothing happens if they are there.
    pub(crate) fn admit(&mut self, guild: u64, user: u64) {
        if self.member(guild, user).is_none() {
            self.join_guild(guild, user, Vec::new());
            self.announce_member(guild, user);
        }
    }

    /// A bot is invited with these permissions: it joins with a role of its own, or the role that it has
    /// changes.
    pub(crate) fn invite(&mut self, guild: u64, bot: u64, permissions: u64) {
        if self.member(guild, bot).is_some() {
            self.set_bot_permissions(guild, bot, permissions);
            return;
        }
        let role = self.mint_bot_role(guild, bot, permissions);
        self.join_guild(guild, bot, vec![role]);
        self.announce_member(guild, bot);
    }

    /// Tells a new member of its guild, and the others of the member and the roles that came with it.
    pub(crate) fn announce_member(&mut self, guild: u64, user: u64) {
        self.show_guild(guild, user);
        let Some(member) = self.member(guild, user) else {
            return;
        };
        let mut joined = self.member_json(member, true);
        joined["guild_id"] = json!(guild.to_string());
        let roles = member.roles.iter().filter_map(|id| self.roles.get(id));
        let roles: Vec<_> = roles.map(Role::json).collect();
        let others = self.others(guild, user);
        for role in roles {
            let data = json!({ "guild_id": guild.to_string(), "role": role });
            self.emit("GUILD_ROLE_CREATE", data, others.clone());
        }
        self.emit("GUILD_MEMBER_ADD", joined, others);
    }

    /// Somebody leaves a guild or is kicked; a bot's role goes with it, and its commands there. False if
    /// they are not there.
    pub(crate) fn leave_guild(&mut self, guild: u64, user: u64) -> bool {
        if self.members.remove(&(guild, user)).is_none() {
            return false;
        }
        self.record(&Record::MemberGone { guild, user });
        let told = self.others(guild, user);
        let text = guild.to_string();
        let data = json!({ "guild_id": text, "user": self.user_json(user) });
        self.emit("GUILD_MEMBER_REMOVE", data, told.clone());
        if let Some(role) = self.role_of_bot(guild, user).map(|role| role.id) {
            self.roles.remove(&role);
            self.record(&Record::RoleGone(role));
            let data = json!({ "guild_id": text, "role_id": role.to_string() });
            self.emit("GUILD_ROLE_DELETE", data, told);
        }
        if let Some(application) = self.application_of_bot(user).map(|found| found.id) {
            let own = self.commands_of(application, Some(guild));
            for command in own.iter().map(|command| command.id).collect::<Vec<_>>() {
                self.remove_command(command);
            }
        }
        self.emit(
            "GUILD_DELETE",
            json!({ "id": text }),
            Audience::Users(vec![user]),
        );
        true
    }

    /// `GUILD_CREATE` for a new member. A bot sees itself among the members only, as without the intent
    /// for presences.
    fn show_guild(&mut self, guild: u64, user: u64) {
        let Some(found) = self.guilds.get(&guild) else {
            return;
        };
        let mut data = self.guild_create(found, user);
        let own = user.to_string();
        if self.application_of_bot(user).is_some()
            && let Some(members) = data["members"].as_array_mut()
        {
            members.retain(|member| member["user"]["id"] == own.as_str());
        }
        self.emit("GUILD_CREATE", data, Audience::Users(vec![user]));
    }

    fn others(&self, guild: u64, user: u64) -> Audience {
        let members = self.members_of(guild).map(|member| member.user);
        Audience::Users(members.filter(|other| *other != user).collect())
    }
}
