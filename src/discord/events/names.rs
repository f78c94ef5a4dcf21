//! The names of roles and channels, as far as Discord tells them by itself.

use serenity::all::{Event, GuildChannel, Role};

use crate::model::mentions::Names;
use crate::model::{ChannelId, GuildId, RoleId};

/// The names that an event tells, and of which server. Those of what is gone stay known: old messages
/// mention it.
pub(super) fn names(event: &Event) -> Option<(GuildId, Names)> {
    let (roles, channels): (Vec<&Role>, Vec<&GuildChannel>) = match event {
        Event::GuildCreate(event) => {
            let guild = &event.guild;
            let channels = guild.channels.values().chain(&guild.threads);
            let id = GuildId::new(guild.id.get())?;
            return Some((id, known(guild.roles.values(), channels)));
        }
        Event::GuildRoleCreate(event) => (vec![&event.role], Vec::new()),
        Event::GuildRoleUpdate(event) => (vec![&event.role], Vec::new()),
        Event::ChannelCreate(event) => (Vec::new(), vec![&event.channel]),
        Event::ChannelUpdate(event) => (Vec::new(), vec![&event.channel]),
        Event::ThreadCreate(event) => (Vec::new(), vec![&event.thread]),
        Event::ThreadUpdate(event) => (Vec::new(), vec![&event.thread]),
        _ => return None,
    };
    let of_roles = roles.first().map(|role| role.guild_id);
    let guild = of_roles.or(channels.first().map(|channel| channel.guild_id))?;
    Some((GuildId::new(guild.get())?, known(roles, channels)))
}

fn known<'a>(
    roles: impl IntoIterator<Item = &'a Role>,
    channels: impl IntoIterator<Item = &'a GuildChannel>,
) -> Names {
    let roles = roles.into_iter();
    let channels = channels.into_iter();
    Names {
        roles: roles
            .filter_map(|role| Some((RoleId::new(role.id.get())?, role.name.clone())))
            .collect(),
        channels: channels
            .filter_map(|channel| Some((ChannelId::new(channel.id.get())?, channel.name.clone())))
            .collect(),
    }
}
