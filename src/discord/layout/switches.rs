//! What the Labs make of the layout: the one place that says which surfaces are there. A surface
//! whose feature is off keeps its channel, asleep, and everything in it.

use super::{Channel, Layout};
use crate::model::labs::{Feature, Labs};
use crate::model::view::Surface;
use crate::model::{AgentKey, ChannelId};

impl Layout {
    /// The flags that this layout follows.
    pub fn labs(&self) -> Labs {
        self.labs
    }

    /// Whether the project has any agents.
    pub fn has_agents(&self) -> bool {
        !self.agents.is_empty()
    }

    /// The features that a surface lacks to be there; none where it is there, or should be.
    pub fn lacks(&self, surface: &Surface) -> Vec<Feature> {
        let needed = Feature::of(surface, self.primary.as_ref()).iter().copied();
        needed.filter(|it| !self.labs.is_on(*it)).collect()
    }

    /// What a channel was before its feature was switched off, and the features that it lacks.
    pub fn dormant(&self, channel: ChannelId) -> Option<(&Surface, Vec<Feature>)> {
        let mut asleep = self.asleep.iter();
        let (surface, _) = asleep.find(|(_, its)| its.id == channel)?;
        let lacks = self.lacks(surface);
        // Without anything that it lacks it is about to come back.
        (!lacks.is_empty()).then_some((surface, lacks))
    }

    /// What a channel is to us, whether its feature is on or off.
    pub fn on_or_off(&self, channel: ChannelId) -> Option<&Surface> {
        let asleep = self.asleep.iter().find(|(_, its)| its.id == channel);
        self.surface(channel)
            .or_else(|| asleep.map(|(surface, _)| surface))
    }

    /// The channels that people write in, and whether their feature is on.
    pub fn for_messages(&self) -> impl Iterator<Item = (ChannelId, bool)> {
        let all = self.channels.iter().chain(&self.asleep);
        all.filter(|(surface, _)| surface.takes_messages())
            .map(|(surface, channel)| (channel.id, self.lacks(surface).is_empty()))
    }

    /// The same layout after flags were switched off. What was switched on is not there yet: it has to
    /// be found or made.
    #[must_use]
    pub fn switched(&self, labs: Labs) -> Self {
        let mut next = self.clone();
        next.labs = labs;
        let gone = |surface: &Surface| !next.lacks(surface).is_empty();
        let gone: Vec<Surface> = self
            .channels
            .keys()
            .filter(|it| gone(it))
            .cloned()
            .collect();
        for surface in gone {
            if let Some(channel) = next.channels.remove(&surface) {
                next.surfaces.remove(&channel.id);
                next.asleep.insert(surface, channel);
            }
        }
        next
    }

    /// As if every feature were on: for who asks what was sent, perhaps before one was switched off.
    #[must_use]
    pub fn awake(&self) -> Self {
        let mut all = self.clone();
        for (surface, channel) in all.asleep.drain() {
            all.surfaces.insert(channel.id, surface.clone());
            all.channels.insert(surface, channel);
        }
        all
    }

    /// Remembers the channel of a surface that is off.
    pub(super) fn put_to_sleep(&mut self, surface: Surface, id: ChannelId) {
        self.asleep.insert(surface, Channel::new(id));
    }

    /// Names the agents and the primary among them.
    pub(super) fn of_agents(mut self, agents: &[AgentKey], primary: Option<&AgentKey>) -> Self {
        self.primary = primary.map(Surface::dm);
        for agent in agents {
            let surface = Surface::dm(agent);
            self.agents.entry(surface).or_insert_with(|| agent.clone());
        }
        self
    }
}
