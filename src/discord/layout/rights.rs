//! What the bot may do in the server, and what that leaves of the layout.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::{Builder, ExistingChannel, Layout};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::rest::{Request, RestError, Route};
use crate::model::rights::{Exception, Limits, Permission, Rights, Standing};
use crate::model::view::Surface;
use crate::model::{ChannelId, GuildId, UserId};

/// Bits as Discord writes them: a decimal string.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(from = "String")]
struct Bits(u64);

impl From<String> for Bits {
    fn from(text: String) -> Self {
        Self(text.parse().unwrap_or_default())
    }
}

#[derive(Deserialize)]
struct Role {
    id: Id,
    #[serde(default)]
    permissions: Bits,
}

#[derive(Deserialize)]
struct Member {
    roles: Vec<Id>,
}

/// The id of a role or a member.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Id(u64);

impl TryFrom<String> for Id {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

/// A channel's exception, as Discord tells it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Overwrite {
    id: Id,
    #[serde(rename = "type")]
    kind: u8,
    #[serde(default)]
    allow: Bits,
    #[serde(default)]
    deny: Bits,
}

impl From<&Overwrite> for Exception {
    fn from(found: &Overwrite) -> Self {
        Self {
            id: found.id.0,
            member: found.kind == 1,
            allow: found.allow.0,
            deny: found.deny.0,
        }
    }
}

/// What the roles of an account grant it in a server.
pub async fn standing(lanes: &Lanes, guild: GuildId, user: UserId) -> Result<Standing, RestError> {
    let get = |route| lanes.submit(Class::Interactive, Request::new(route));
    let (roles, member) = tokio::join!(
        get(Route::guild_roles(guild.get())),
        get(Route::guild_member(guild.get(), user.get())),
    );
    let roles: Vec<Role> = roles.json().into_result()?;
    let member: Member = member.json().into_result()?;
    let granted: HashMap<u64, u64> = roles
        .iter()
        .map(|role| (role.id.0, role.permissions.0))
        .collect();
    let own: Vec<u64> = member.roles.iter().map(|role| role.0).collect();
    let of = |role: &u64| granted.get(role).copied().unwrap_or_default();
    let everybody = of(&guild.get());
    Ok(Standing {
        server: guild.get(),
        user: user.get(),
        granted: own.iter().map(of).fold(everybody, |all, its| all | its),
        roles: own,
    })
}

/// The roles of a server, by their ids.
pub async fn roles(lanes: &Lanes, guild: GuildId) -> Result<HashSet<u64>, RestError> {
    let request = Request::new(Route::guild_roles(guild.get()));
    let asked = lanes.submit(Class::Interactive, request).await;
    let roles: Vec<Role> = asked.json().into_result()?;
    Ok(roles.iter().map(|role| role.id.0).collect())
}

/// What an account may do in the server and in each of these channels.
pub(super) fn of(standing: &Standing, channels: &[ExistingChannel]) -> Rights {
    let mut rights = Rights::new(standing.granted);
    for channel in channels {
        let exceptions: Vec<Exception> = channel
            .permission_overwrites
            .iter()
            .map(Exception::from)
            .collect();
        let bits = if channel.hidden {
            0
        } else {
            standing.within(&exceptions)
        };
        rights.put(channel.id, bits);
    }
    rights
}

impl Builder {
    /// A channel that was ours and is not listed is gone, or hidden from the bot: then it is still ours,
    /// and not made again.
    pub(super) async fn find_hidden(
        &self,
        existing: &mut Vec<ExistingChannel>,
        known: &HashMap<Surface, ChannelId>,
    ) -> Result<(), RestError> {
        for (surface, id) in known {
            let listed = existing.iter().any(|channel| channel.id == *id);
            if listed || surface.is_private() {
                continue;
            }
            match self
                .get::<ExistingChannel>(Route::get_channel(id.get()))
                .await
            {
                Err(error) if error.status() == Some(403) => {
                    existing.push(ExistingChannel::hidden(*id, surface));
                }
                Err(error) if error.status() == Some(404) => {}
                Err(error) => return Err(error),
                Ok(_) => {}
            }
        }
        Ok(())
    }
}

impl Layout {
    /// What the bot lacks to post on a surface.
    pub fn lacks_to_post(&self, surface: &Surface) -> Vec<Permission> {
        let in_thread = matches!(surface, Surface::Task(_));
        let place = if in_thread { &Surface::Tasks } else { surface };
        let channel = self.channel(place).filter(|_| !place.is_category());
        channel.map_or_else(Vec::new, |it| self.rights.lacks_to_post(it.id, in_thread))
    }

    /// Whether something can be posted on a surface now.
    pub fn takes(&self, surface: &Surface) -> bool {
        self.has(surface) && self.lacks_to_post(surface).is_empty()
    }

    /// Whether the bot may do something in a channel, or in a thread of a task.
    pub fn may(&self, channel: ChannelId, what: Permission) -> bool {
        let tasks = self.channel(&Surface::Tasks);
        let parent = tasks.filter(|_| self.threads.task(channel).is_some());
        self.rights
            .may_in(parent.map_or(channel, |tasks| tasks.id), what)
    }

    /// Whether the bot may have a webhook in a channel, or in that of a thread.
    pub fn may_speak_for_agents(&self, channel: ChannelId) -> bool {
        let here = self.may(channel, Permission::ManageWebhooks);
        here && self.rights.may(Permission::ManageWebhooks)
    }

    /// What the bot lacks here.
    pub fn limits(&self) -> Limits {
        let matters = |channel: ChannelId, what: Permission| {
            let surface = self.surfaces.get(&channel);
            surface.is_some_and(|surface| matters(surface, what))
        };
        let mut limits = Limits {
            unmade: self.unmade.clone(),
            ..self.rights.limits(matters)
        };
        if self.forum.is_some() {
            // A post of a forum is a thread by itself.
            let needless = Permission::CreatePublicThreads;
            limits.everywhere.retain(|what| *what != needless);
            limits.in_channels.retain(|(what, _)| *what != needless);
        }
        limits
    }

    /// Leaves what is told of channels of ours.
    pub(super) fn forget_rights_of_others(&mut self) {
        let (surfaces, asleep) = (&self.surfaces, &self.asleep);
        self.rights.keep(|channel| {
            surfaces.contains_key(&channel) || asleep.values().any(|it| it.id == channel)
        });
    }
}

/// Whether something that the bot does belongs to a surface.
fn matters(surface: &Surface, what: Permission) -> bool {
    if surface.is_category() {
        return false;
    }
    match what {
        Permission::ManageChannels => matches!(surface, Surface::Room | Surface::Tasks),
        Permission::ManageWebhooks => surface.has_personas(),
        Permission::AddReactions => surface.takes_messages(),
        Permission::ManageThreads
        | Permission::CreatePublicThreads
        | Permission::SendMessagesInThreads => *surface == Surface::Tasks,
        Permission::PinMessages => *surface == Surface::Activity,
        Permission::ViewChannels
        | Permission::SendMessages
        | Permission::ManageMessages
        | Permission::EmbedLinks
        | Permission::AttachFiles
        | Permission::ReadMessageHistory => true,
    }
}

impl ExistingChannel {
    /// One that nobody lets the bot see.
    fn hidden(id: ChannelId, surface: &Surface) -> Self {
        Self {
            id,
            kind: super::kinds(surface)[0],
            name: None,
            parent_id: None,
            available_tags: None,
            permission_overwrites: Vec::new(),
            hidden: true,
        }
    }
}
