//! What the bot may do in its server and in its channels. Pure.

use std::collections::BTreeMap;

use super::ChannelId;

/// Who has this may everything (source: Discord's Permissions page, as all bits here).
const ADMINISTRATOR: u32 = 3;

/// Everything.
const ALL: u64 = u64::MAX;

/// Something that the bridge does and that a server may forbid it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// To see a channel at all.
    ViewChannels,
    /// To post.
    SendMessages,
    /// To make, move and change channels.
    ManageChannels,
    /// To make the webhooks that speak for agents.
    ManageWebhooks,
    /// To take away what others wrote.
    ManageMessages,
    /// To show frames around cards.
    EmbedLinks,
    /// To attach files.
    AttachFiles,
    /// To read what was written before, and to reply to it.
    ReadMessageHistory,
    /// To put marks on messages.
    AddReactions,
    /// To archive, name and tag threads.
    ManageThreads,
    /// To open threads.
    CreatePublicThreads,
    /// To post in threads.
    SendMessagesInThreads,
    /// To pin.
    PinMessages,
}

impl Permission {
    /// All of them, the gravest first.
    pub const ALL: [Self; 13] = [
        Self::ViewChannels,
        Self::SendMessages,
        Self::ManageChannels,
        Self::ManageWebhooks,
        Self::ManageMessages,
        Self::EmbedLinks,
        Self::AttachFiles,
        Self::ReadMessageHistory,
        Self::AddReactions,
        Self::ManageThreads,
        Self::CreatePublicThreads,
        Self::SendMessagesInThreads,
        Self::PinMessages,
    ];

    /// Its bit.
    pub const fn bit(self) -> u32 {
        match self {
            Self::ManageChannels => 4,
            Self::AddReactions => 6,
            Self::ViewChannels => 10,
            Self::SendMessages => 11,
            Self::ManageMessages => 13,
            Self::EmbedLinks => 14,
            Self::AttachFiles => 15,
            Self::ReadMessageHistory => 16,
            Self::ManageWebhooks => 29,
            Self::ManageThreads => 34,
            Self::CreatePublicThreads => 35,
            Self::SendMessagesInThreads => 38,
            Self::PinMessages => 51,
        }
    }

    /// Discord's name of it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ViewChannels => "View Channels",
            Self::SendMessages => "Send Messages",
            Self::ManageChannels => "Manage Channels",
            Self::ManageWebhooks => "Manage Webhooks",
            Self::ManageMessages => "Manage Messages",
            Self::EmbedLinks => "Embed Links",
            Self::AttachFiles => "Attach Files",
            Self::ReadMessageHistory => "Read Message History",
            Self::AddReactions => "Add Reactions",
            Self::ManageThreads => "Manage Threads",
            Self::CreatePublicThreads => "Create Public Threads",
            Self::SendMessagesInThreads => "Send Messages in Threads",
            Self::PinMessages => "Pin Messages",
        }
    }

    /// Whether these bits have it.
    pub const fn is_in(self, bits: u64) -> bool {
        bits & (1 << ADMINISTRATOR | 1 << self.bit()) != 0
    }
}

/// A channel's exception from what is allowed in the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exception {
    /// A role, or a member.
    pub id: u64,
    /// Whether it is a member.
    pub member: bool,
    /// Bits that it grants.
    pub allow: u64,
    /// Bits that it takes.
    pub deny: u64,
}

/// Somebody in a server: what their roles grant, and by which ids exceptions name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The server, and so the role of everybody.
    pub server: u64,
    /// Who.
    pub user: u64,
    /// Their other roles.
    pub roles: Vec<u64>,
    /// What all of that grants in the server.
    pub granted: u64,
}

impl Standing {
    /// What is left of it in a channel, in Discord's order: everybody, then roles together, then the
    /// member.
    pub fn within(&self, exceptions: &[Exception]) -> u64 {
        if self.granted & (1 << ADMINISTRATOR) != 0 {
            return ALL;
        }
        let (mut allow, mut deny, mut own) = (0, 0, None);
        let mut bits = self.granted;
        for one in exceptions {
            if one.member {
                own = own.or((one.id == self.user).then_some(one));
            } else if one.id == self.server {
                bits = (bits & !one.deny) | one.allow;
            } else if self.roles.contains(&one.id) {
                allow |= one.allow;
                deny |= one.deny;
            }
        }
        bits = (bits & !deny) | allow;
        bits = own.map_or(bits, |own| (bits & !own.deny) | own.allow);
        // Who does not see a channel may nothing there.
        if Permission::ViewChannels.is_in(bits) {
            bits
        } else {
            0
        }
    }
}

/// What the bot may do: in the server, and in each channel of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    server: u64,
    channels: BTreeMap<ChannelId, u64>,
}

impl Default for Rights {
    /// Of whom nothing is known: tried is everything.
    fn default() -> Self {
        Self::new(ALL)
    }
}

impl Rights {
    /// Of whom this is granted in the server, and nothing else is known.
    pub fn new(server: u64) -> Self {
        Self {
            server,
            channels: BTreeMap::new(),
        }
    }

    /// In this channel it may this.
    pub fn put(&mut self, channel: ChannelId, bits: u64) {
        self.channels.insert(channel, bits);
    }

    /// Forgets channels that are nobody's.
    pub fn keep(&mut self, ours: impl Fn(ChannelId) -> bool) {
        self.channels.retain(|channel, _| ours(*channel));
    }

    /// Whether it may do something in the server.
    pub fn may(&self, what: Permission) -> bool {
        what.is_in(self.server)
    }

    /// Whether it may do something in a channel. Where nothing is known of that, it may be tried.
    pub fn may_in(&self, channel: ChannelId, what: Permission) -> bool {
        let bits = self.channels.get(&channel);
        bits.is_none_or(|bits| what.is_in(*bits))
    }

    /// What it lacks to post in a channel, or in the threads of it.
    pub fn lacks_to_post(&self, channel: ChannelId, in_thread: bool) -> Vec<Permission> {
        let posting = if in_thread {
            Permission::SendMessagesInThreads
        } else {
            Permission::SendMessages
        };
        if !self.may_in(channel, Permission::ViewChannels) {
            return vec![Permission::ViewChannels];
        }
        let lacks = !self.may_in(channel, posting);
        lacks.then_some(posting).into_iter().collect()
    }

    /// What is missing, told once: in the whole server, or in single channels, as far as it matters
    /// there.
    pub fn limits(&self, matters: impl Fn(ChannelId, Permission) -> bool) -> Limits {
        let mut limits = Limits::default();
        for what in Permission::ALL {
            let channels = self.channels.keys().copied();
            let (lacking, having): (Vec<_>, Vec<_>) = channels
                .filter(|channel| matters(*channel, what))
                .partition(|channel| !self.may_in(*channel, what));
            let everywhere = having.is_empty() && !self.may(what);
            // What the server grants as a whole no channel can give.
            let of_server = matches!(
                what,
                Permission::ManageChannels | Permission::ManageWebhooks
            );
            if everywhere || (of_server && !self.may(what)) {
                limits.everywhere.push(what);
            } else {
                let seen = lacking.into_iter().filter(|it| {
                    let sees = self.may_in(*it, Permission::ViewChannels);
                    sees || what == Permission::ViewChannels
                });
                let seen: Vec<ChannelId> = seen.collect();
                if !seen.is_empty() {
                    limits.in_channels.push((what, seen));
                }
            }
        }
        limits
    }
}

/// What the bot lacks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// In the whole server.
    pub everywhere: Vec<Permission>,
    /// In these channels only.
    pub in_channels: Vec<(Permission, Vec<ChannelId>)>,
    /// Channels that are not there, because none may be made: as they would be called.
    pub unmade: Vec<String>,
}

impl Limits {
    /// Whether nothing is missing.
    pub fn is_empty(&self) -> bool {
        self.everywhere.is_empty() && self.in_channels.is_empty() && self.unmade.is_empty()
    }
}
