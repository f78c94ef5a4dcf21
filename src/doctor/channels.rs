//! The channels of the bridge that runs: whether the bot may write in each of them.

use serde::Deserialize;

use super::discord::refused;
use super::{Bot, Group, Line};
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::rights::{Overwrite, standing};
use crate::discord::rest::{Request, RestError, Route};
use crate::model::rights::{Exception, Permission, Rights};
use crate::model::view::Surface;
use crate::model::{ChannelId, GuildId, UserId};

#[derive(Deserialize)]
struct Found {
    id: ChannelId,
    #[serde(default)]
    permission_overwrites: Vec<Overwrite>,
}

/// A line for each channel in which it may not, or that nobody lets it see.
pub(super) async fn look(
    bot: &Bot,
    lanes: &Lanes,
    (guild, account): (GuildId, UserId),
) -> Vec<Line> {
    if bot.channels.is_empty() {
        return Vec::new();
    }
    let rights = match rights(lanes, guild, account).await {
        Ok(rights) => rights,
        Err(error) => return vec![refused("channels", &error)],
    };
    // Private channels with agents' own bots have no permissions.
    let public = |name: &str| name.parse().is_ok_and(|it: Surface| !it.is_private());
    let ours = bot.channels.iter().filter(|(name, _)| public(name));
    let muted = ours.filter_map(|(name, channel)| {
        let lacks = match &rights {
            (rights, seen) if seen.contains(channel) => rights.lacks_to_post(*channel, false),
            _ => vec![Permission::ViewChannels],
        };
        let names: Vec<&str> = lacks.iter().map(|it| it.name()).collect();
        let found = format!("the bot may not write there: {} is missing", names.join(", "));
        let line = Line::failure(Group::Permissions, format!("#{name}"), found);
        (!lacks.is_empty()).then(|| {
            line.next(
                "In Discord: the channel's settings, Permissions. Give it to the bot's role there; what was \
                 missed is posted then.",
            )
        })
    });
    muted.collect()
}

/// What the bot may do, and which channels it sees.
async fn rights(
    lanes: &Lanes,
    guild: GuildId,
    account: UserId,
) -> Result<(Rights, Vec<ChannelId>), RestError> {
    let standing = standing(lanes, guild, account).await?;
    let request = Request::new(Route::guild_channels(guild.get()));
    let answer = lanes.submit(Class::Interactive, request).await;
    let channels: Vec<Found> = answer.json().into_result()?;
    let mut rights = Rights::new(standing.granted);
    for channel in &channels {
        let exceptions = channel.permission_overwrites.iter();
        let exceptions: Vec<Exception> = exceptions.map(Exception::from).collect();
        rights.put(channel.id, standing.within(&exceptions));
    }
    let seen = channels.into_iter().map(|channel| channel.id).collect();
    Ok((rights, seen))
}
