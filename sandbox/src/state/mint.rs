//! The first start: a guild, two people, an application and its bot, a channel.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::Rng as _;
use rand::distr::Alphanumeric;
use serde_json::json;

use super::journal::Record;
use super::permissions::bits;
use super::{Application, Channel, Guild, Member, PortalIntents, Role, State, User, now_ms};

impl State {
    /// Makes the guild "Front Office" if the data folder is new.
    pub(crate) fn mint(&mut self) {
        if self.guild.id != 0 {
            return;
        }
        let owner = self.mint_user("zack", false, true);
        self.guild = Guild {
            id: self.snowflake(),
            name: "Front Office".to_owned(),
            owner,
        };
        let guild = self.guild.clone();
        self.record(&Record::Guild(Cow::Borrowed(&guild)));
        self.put_role(Role {
            id: guild.id,
            name: "@everyone".to_owned(),
            permissions: bits::EVERYONE,
            position: 0,
            color: 0,
            hoist: false,
            mentionable: false,
            bot: None,
        });
        self.join_guild(owner, Vec::new());
        let mallory = self.mint_user("mallory", false, false);
        self.join_guild(mallory, Vec::new());
        self.mint_application("Mission Control");
        let id = self.snowflake();
        let general = Channel {
            id,
            kind: 0,
            name: "general".to_owned(),
            ..Channel::default()
        };
        self.store_channel(general);
    }

    /// Makes an application and a bot that is in the guild with a role of the bridge's permissions.
    /// Privileged intents are on, except presences.
    pub(crate) fn mint_application(&mut self, name: &str) -> u64 {
        let id = self.snowflake();
        let bot = self.mint_user(name, true, false);
        let application = Application {
            id,
            name: name.to_owned(),
            bot,
            owner: self.guild.owner,
            verify_key: format!(
                "{:032x}{:032x}",
                rand::rng().random::<u128>(),
                rand::rng().random::<u128>()
            ),
            intents: PortalIntents {
                message_content: true,
                members: true,
                presences: false,
            },
            interactions_endpoint: None,
        };
        self.record(&Record::Application(Cow::Borrowed(&application)));
        self.applications.insert(id, application);
        let role = self.snowflake();
        self.put_role(Role {
            id: role,
            name: name.to_owned(),
            permissions: bits::BRIDGE,
            position: 1,
            color: 0,
            hoist: false,
            mentionable: false,
            bot: Some(bot),
        });
        self.join_guild(bot, vec![role]);
        id
    }

    /// Tells the guild of a new member and of the roles that came with it.
    pub(crate) fn announce_member(&mut self, user: u64) {
        let Some(member) = self.members.get(&user) else {
            return;
        };
        let guild = self.guild.id.to_string();
        let mut joined = self.member_json(member, true);
        joined["guild_id"] = json!(guild);
        let roles: Vec<_> = member
            .roles
            .iter()
            .filter_map(|id| self.roles.get(id))
            .collect();
        let roles: Vec<_> = roles.into_iter().map(Role::json).collect();
        for role in roles {
            let data = json!({ "guild_id": guild, "role": role });
            self.emit_guild("GUILD_ROLE_CREATE", data);
        }
        self.emit_guild("GUILD_MEMBER_ADD", joined);
    }

    /// Accepts one more token for a user; it is not kept over a restart.
    pub(crate) fn accept_token(&mut self, token: String, user: u64) {
        self.tokens.insert(token, user);
    }

    fn mint_user(&mut self, name: &str, bot: bool, operator: bool) -> u64 {
        let id = self.snowflake();
        let token = mint_token(id);
        let user = User {
            id,
            name: name.to_owned(),
            bot,
            token: token.clone(),
            operator,
            closed_dms: false,
        };
        self.record(&Record::User(Cow::Borrowed(&user)));
        self.users.insert(id, user);
        self.tokens.insert(token, id);
        id
    }

    fn put_role(&mut self, role: Role) {
        self.record(&Record::Role(Cow::Borrowed(&role)));
        self.roles.insert(role.id, role);
    }

    fn join_guild(&mut self, user: u64, roles: Vec<u64>) {
        let member = Member {
            user,
            roles,
            joined_ms: now_ms(),
            nick: None,
        };
        self.record(&Record::Member(Cow::Borrowed(&member)));
        self.members.insert(user, member);
    }
}

/// A token of Discord's form: the user's id in base64, a part for the time, a random part.
fn mint_token(user: u64) -> String {
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(user.to_string()),
        random_text(6),
        random_text(38)
    )
}

/// Random letters and digits.
pub(crate) fn random_text(length: usize) -> String {
    rand::rng()
        .sample_iter(Alphanumeric)
        .take(length)
        .map(char::from)
        .collect()
}
