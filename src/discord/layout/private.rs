//! Private channels with agents' own bots: nobody makes them but the person who opens one.

use chrono::{DateTime, Utc};

use super::{Channel, Layout};
use crate::model::ChannelId;
use crate::model::view::Surface;

/// The private channel of a person with an agent's own bot.
#[derive(Debug, Clone)]
pub struct Private {
    /// Which one.
    pub surface: Surface,
    /// Its channel.
    pub channel: ChannelId,
    /// Older rows are not shown there.
    pub since: DateTime<Utc>,
}

impl Layout {
    /// With these private channels. They follow their agents' channels: off or archived, they sleep.
    #[must_use]
    pub fn with_private(mut self, private: impl IntoIterator<Item = Private>) -> Self {
        for Private {
            surface,
            channel,
            since,
        } in private
        {
            let its = Channel {
                since: Some(since),
                ..Channel::new(channel)
            };
            if self.lacks(&surface).is_empty() && !self.has_departed(&surface) {
                self.surfaces.insert(channel, surface.clone());
                self.channels.insert(surface, its);
            } else {
                self.asleep.insert(surface, its);
            }
        }
        self
    }

    /// The private channels that show the same thread as a channel of the server, on or off, and
    /// since when they do.
    pub fn private_of(
        &self,
        in_server: &Surface,
    ) -> impl Iterator<Item = (&Surface, DateTime<Utc>)> {
        let all = self.channels.iter().chain(&self.asleep);
        all.filter_map(move |(surface, channel)| {
            let its = surface.is_private() && surface.in_server() == *in_server;
            its.then_some((surface, channel.since?))
        })
    }

    /// The private channels with the bot of an agent, on or off.
    pub fn channels_of_bot(&self, short: &str) -> Vec<ChannelId> {
        let all = self.channels.iter().chain(&self.asleep);
        let its =
            |surface: &Surface| matches!(surface, Surface::BotDm { short: it, .. } if it == short);
        let its = all.filter(|(surface, _)| its(surface));
        its.map(|(_, channel)| channel.id).collect()
    }

    /// Whether a surface has a channel, be it on or off.
    pub fn knows(&self, surface: &Surface) -> bool {
        self.has(surface) || self.asleep.contains_key(surface)
    }
}
