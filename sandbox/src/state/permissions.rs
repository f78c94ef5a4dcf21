//! Discord's permission bits and how they add up for a member in a channel.

use super::{Channel, State};

/// Permission bits by Discord's names.
pub(crate) mod bits {
    pub(crate) const ADMINISTRATOR: u64 = 1 << 3;
    pub(crate) const KICK_MEMBERS: u64 = 1 << 1;
    pub(crate) const MANAGE_CHANNELS: u64 = 1 << 4;
    pub(crate) const MANAGE_GUILD: u64 = 1 << 5;
    pub(crate) const ADD_REACTIONS: u64 = 1 << 6;
    pub(crate) const VIEW_CHANNEL: u64 = 1 << 10;
    pub(crate) const SEND_MESSAGES: u64 = 1 << 11;
    pub(crate) const SEND_TTS_MESSAGES: u64 = 1 << 12;
    pub(crate) const MANAGE_MESSAGES: u64 = 1 << 13;
    pub(crate) const EMBED_LINKS: u64 = 1 << 14;
    pub(crate) const ATTACH_FILES: u64 = 1 << 15;
    pub(crate) const READ_MESSAGE_HISTORY: u64 = 1 << 16;
    pub(crate) const MENTION_EVERYONE: u64 = 1 << 17;
    pub(crate) const MANAGE_ROLES: u64 = 1 << 28;
    pub(crate) const MANAGE_WEBHOOKS: u64 = 1 << 29;
    pub(crate) const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
    pub(crate) const MANAGE_THREADS: u64 = 1 << 34;
    pub(crate) const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
    pub(crate) const CREATE_PRIVATE_THREADS: u64 = 1 << 36;
    pub(crate) const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
    pub(crate) const PIN_MESSAGES: u64 = 1 << 51;

    /// Every bit Discord has given a meaning so far (0 to 52).
    pub(crate) const ALL: u64 = (1 << 53) - 1;
    /// What `@everyone` may do in a new guild.
    pub(crate) const EVERYONE: u64 = ADD_REACTIONS
        | VIEW_CHANNEL
        | SEND_MESSAGES
        | EMBED_LINKS
        | ATTACH_FILES
        | READ_MESSAGE_HISTORY
        | USE_APPLICATION_COMMANDS
        | CREATE_PUBLIC_THREADS
        | SEND_MESSAGES_IN_THREADS;
    /// What the invite of the bridge asks for: least privilege, no `ADMINISTRATOR`.
    pub(crate) const BRIDGE: u64 = VIEW_CHANNEL
        | SEND_MESSAGES
        | EMBED_LINKS
        | ATTACH_FILES
        | READ_MESSAGE_HISTORY
        | ADD_REACTIONS
        | MANAGE_CHANNELS
        | MANAGE_WEBHOOKS
        | MANAGE_THREADS
        | CREATE_PUBLIC_THREADS
        | SEND_MESSAGES_IN_THREADS
        | PIN_MESSAGES
        | MANAGE_MESSAGES
        | USE_APPLICATION_COMMANDS;
    /// What both sides of a private channel may do.
    pub(crate) const PRIVATE_CHANNEL: u64 = ADD_REACTIONS
        | VIEW_CHANNEL
        | SEND_MESSAGES
        | EMBED_LINKS
        | ATTACH_FILES
        | READ_MESSAGE_HISTORY
        | USE_APPLICATION_COMMANDS
        | PIN_MESSAGES;
    /// Lost by those who may not write.
    pub(super) const NEED_SENDING: u64 =
        SEND_TTS_MESSAGES | EMBED_LINKS | ATTACH_FILES | MENTION_EVERYONE;
}

impl State {
    /// What a user may do in a whole guild, before channels narrow it.
    pub(crate) fn guild_permissions(&self, guild: u64, user: u64) -> u64 {
        if self.guilds.get(&guild).is_some_and(|it| it.owner == user) {
            return bits::ALL;
        }
        let Some(member) = self.member(guild, user) else {
            return 0;
        };
        let everyone = self.roles.get(&guild).map_or(0, |role| role.permissions);
        let sum = member
            .roles
            .iter()
            .filter_map(|role| self.roles.get(role))
            .fold(everyone, |sum, role| sum | role.permissions);
        if sum & bits::ADMINISTRATOR != 0 {
            bits::ALL
        } else {
            sum
        }
    }

    /// What a user may do in a channel; 0 for those who cannot see it.
    ///
    /// Threads follow their parent's overwrites, and writing there asks for
    /// `SEND_MESSAGES_IN_THREADS`, which this reports as given: test that bit for threads.
    pub(crate) fn permissions(&self, user: u64, channel: u64) -> u64 {
        let Some(found) = self.channels.get(&channel) else {
            return 0;
        };
        if found.is_private() {
            return if found.recipients.contains(&user) {
                bits::PRIVATE_CHANNEL
            } else {
                0
            };
        }
        let base = self.guild_permissions(found.guild, user);
        if base & bits::ADMINISTRATOR != 0 {
            return base;
        }
        let place = match (&found.thread, found.parent) {
            (Some(_), Some(parent)) => self.channels.get(&parent).unwrap_or(found),
            _ => found,
        };
        let mut sum = self.with_overwrites(base, user, place);
        if sum & bits::VIEW_CHANNEL == 0 {
            return 0;
        }
        if let Some(thread) = &found.thread
            && found.kind == 12
            && sum & bits::MANAGE_THREADS == 0
            && !thread.members.contains_key(&user)
        {
            return 0;
        }
        let writes = if found.is_thread() {
            bits::SEND_MESSAGES_IN_THREADS
        } else {
            bits::SEND_MESSAGES
        };
        if sum & writes == 0 {
            sum &= !bits::NEED_SENDING;
        }
        sum
    }

    /// Whether a user has all of these bits in a channel.
    pub(crate) fn may(&self, user: u64, channel: u64, wanted: u64) -> bool {
        self.permissions(user, channel) & wanted == wanted
    }

    /// The users who can see a channel now.
    pub(crate) fn viewers(&self, channel: u64) -> Vec<u64> {
        match self.channels.get(&channel) {
            Some(found) if found.is_private() => found.recipients.clone(),
            Some(found) => {
                let sees = |user: &u64| self.may(*user, channel, bits::VIEW_CHANNEL);
                let members = self.members_of(found.guild);
                members.map(|member| member.user).filter(sees).collect()
            }
            None => Vec::new(),
        }
    }

    /// Discord's order: `@everyone` of the channel, then roles together, then the member.
    fn with_overwrites(&self, base: u64, user: u64, channel: &Channel) -> u64 {
        let roles = self
            .member(channel.guild, user)
            .map(|member| member.roles.as_slice())
            .unwrap_or_default();
        let mut sum = base;
        let (mut allow, mut deny) = (0, 0);
        for overwrite in channel
            .overwrites
            .iter()
            .filter(|overwrite| overwrite.kind == 0)
        {
            if overwrite.id == channel.guild {
                sum = (sum & !overwrite.deny) | overwrite.allow;
            } else if roles.contains(&overwrite.id) {
                allow |= overwrite.allow;
                deny |= overwrite.deny;
            }
        }
        sum = (sum & !deny) | allow;
        let own = |overwrite: &&super::Overwrite| overwrite.kind == 1 && overwrite.id == user;
        match channel.overwrites.iter().find(own) {
            Some(overwrite) => (sum & !overwrite.deny) | overwrite.allow,
            None => sum,
        }
    }
}
