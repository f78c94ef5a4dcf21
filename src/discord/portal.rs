//! What the bridge needs of Discord's Developer Portal and of the server it lives in, and the words
//! for what is missing. Pure.

use std::collections::HashSet;

use serde::Deserialize;

use crate::model::rights::Permission;
use crate::model::{ApplicationId, GuildId, UserId};

/// What the bridge asks to be allowed in the server: bit and Discord's name (which ones: the calls that
/// the bridge makes).
pub const PERMISSIONS: [(u32, &str); Permission::ALL.len()] = {
    let mut all = [(0, ""); Permission::ALL.len()];
    let mut at = 0;
    while at < all.len() {
        all[at] = (Permission::ALL[at].bit(), Permission::ALL[at].name());
        at += 1;
    }
    all
};

/// Flags of an application that may read messages: verified or not (source: Discord).
const MESSAGE_CONTENT_FLAGS: u64 = 1 << 18 | 1 << 19;

/// A member of a team who has accepted, and the role of one who may look only (source: Discord's Teams page).
const ACCEPTED: u8 = 2;
const READ_ONLY: &str = "read_only";

/// What to do about a token that Discord does not accept.
pub const TOKEN_FIX: &str = "Set DISCORD_TOKEN to the token that the Developer Portal shows under \
                             Bot, Reset Token.";

/// What to do about an application that may not read messages.
pub const INTENT_FIX: &str = "Switch on MESSAGE CONTENT INTENT in the Developer Portal, under Bot, \
                              Privileged Gateway Intents.";

/// The bot's own account.
#[derive(Debug, Clone, Deserialize)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// Its name.
    pub username: String,
}

/// The bot's own application.
#[derive(Debug, Clone, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: ApplicationId,
    #[serde(default)]
    flags: u64,
    #[serde(default)]
    interactions_endpoint_url: Option<String>,
    #[serde(default)]
    owner: Option<Person>,
    #[serde(default)]
    team: Option<Team>,
}

#[derive(Debug, Clone, Deserialize)]
struct Person {
    id: UserId,
}

#[derive(Debug, Clone, Deserialize)]
struct Team {
    #[serde(default)]
    members: Vec<TeamMember>,
}

#[derive(Debug, Clone, Deserialize)]
struct TeamMember {
    membership_state: u8,
    #[serde(default)]
    role: String,
    user: Person,
}

/// A server that the bot is in.
#[derive(Debug, Clone, Deserialize)]
pub struct Guild {
    /// Its id.
    pub id: GuildId,
    /// Its name.
    pub name: String,
    #[serde(default)]
    permissions: Option<String>,
}

impl Application {
    /// Whether it may read what people write.
    pub const fn reads_messages(&self) -> bool {
        self.flags & MESSAGE_CONTENT_FLAGS != 0
    }

    /// The people it belongs to: its owner, or the team that owns it. Of a team only who has accepted, and who may do
    /// more there than read.
    pub fn owners(&self) -> HashSet<UserId> {
        let Some(team) = &self.team else {
            return self.owner.iter().map(|owner| owner.id).collect();
        };
        let members = team.members.iter();
        members
            .filter(|it| it.membership_state == ACCEPTED && it.role != READ_ONLY)
            .map(|it| it.user.id)
            .collect()
    }

    /// Where Discord sends presses and commands instead of to the gateway; nothing when all is well.
    pub fn interactions_endpoint(&self) -> Option<&str> {
        let url = self.interactions_endpoint_url.as_deref();
        url.filter(|url| !url.is_empty())
    }
}

impl Guild {
    /// Each of [`PERMISSIONS`], and whether the bot has it here.
    pub fn permissions(&self) -> Vec<(&'static str, bool)> {
        let missing = self.missing();
        let all = PERMISSIONS.iter().map(|(_, name)| *name);
        all.map(|name| (name, !missing.contains(&name))).collect()
    }

    /// Names of the permissions that the bot lacks here.
    pub fn missing(&self) -> Vec<&'static str> {
        // A server that does not say is one that refuses later, with the route's name.
        let granted = self
            .permissions
            .as_deref()
            .and_then(|bits| bits.parse().ok());
        let granted = granted.unwrap_or(u64::MAX);
        let missing = Permission::ALL.iter().filter(|it| !it.is_in(granted));
        missing.map(|it| it.name()).collect()
    }
}

/// Where an administrator of a server lets the bot in, with all it needs.
pub fn invite(application: ApplicationId) -> String {
    let bits: u64 = PERMISSIONS.iter().map(|(bit, _)| 1_u64 << bit).sum();
    format!(
        "https://discord.com/oauth2/authorize?client_id={application}&scope=bot+applications.commands&permissions={bits}"
    )
}
