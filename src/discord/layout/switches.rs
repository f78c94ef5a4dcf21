//! What the Labs make of the layout: the one place that says which surfaces are there. A surface
//! whose feature is off keeps its channel, asleep, and everything in it.

use super::{Channel, Layout};
use crate::model::addressing::Roster;
use crate::model::labs::{Feature, Labs};
use crate::model::view::Surface;
use crate::model::{AgentKey, ChannelId};

/// Why nothing is taken from a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dormant<'a> {
    /// These features of it are off.
    SwitchedOff(&'a Surface, Vec<Feature>),
    /// Its agent is gone.
    Archived(&'a Surface),
}

impl Layout {
    /// The flags that this layout follows.
    pub fn labs(&self) -> Labs {
        self.labs
    }

    /// Whether the project has any agents.
    pub fn has_agents(&self) -> bool {
        !self.agents.is_empty()
    }

    /// Every surface of people and agents, whether its channel is there or not: the rooms, then the agents by their
    /// names.
    pub fn wanted(&self) -> Vec<Surface> {
        let rooms = [
            Surface::Room,
            Surface::Approvals,
            Surface::Status,
            Surface::Activity,
            Surface::Tasks,
        ];
        let mut agents: Vec<Surface> = self.agents.keys().cloned().collect();
        agents.sort();
        rooms.into_iter().chain(agents).collect()
    }

    /// What the agents are called.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// The same layout with these names.
    #[must_use]
    pub fn with_roster(mut self, roster: Roster) -> Self {
        self.roster = roster;
        self
    }

    /// The features that a surface lacks to be there; none where it is there, or should be.
    pub fn lacks(&self, surface: &Surface) -> Vec<Feature> {
        let needed = Feature::of(surface, self.primary.as_ref()).iter().copied();
        needed.filter(|it| !self.labs.is_on(*it)).collect()
    }

    /// Why nothing is taken from a channel of ours.
    pub fn dormant(&self, channel: ChannelId) -> Option<Dormant<'_>> {
        if self.threads.task(channel).is_some() {
            let (surface, _) = self.asleep.get_key_value(&Surface::Tasks)?;
            return Some(Dormant::SwitchedOff(surface, self.lacks(surface)));
        }
        let mut asleep = self.asleep.iter();
        let (surface, _) = asleep.find(|(_, its)| its.id == channel)?;
        if self.has_departed(surface) {
            return Some(Dormant::Archived(surface));
        }
        let lacks = self.lacks(surface);
        // Without anything that it lacks it is about to come back.
        (!lacks.is_empty()).then_some(Dormant::SwitchedOff(surface, lacks))
    }

    /// Whether a surface was the channel of an agent that is gone, or is one with its own bot.
    pub fn has_departed(&self, surface: &Surface) -> bool {
        let surface = surface.in_server();
        matches!(surface, Surface::Dm(_)) && !self.agents.contains_key(&surface)
    }

    /// What a channel is to us, whether its feature is on or off.
    pub fn on_or_off(&self, channel: ChannelId) -> Option<Surface> {
        let asleep = self.asleep.iter().find(|(_, its)| its.id == channel);
        self.surface(channel)
            .or_else(|| asleep.map(|(surface, _)| surface.clone()))
            .or_else(|| self.threads.task(channel).map(Surface::Task))
    }

    /// The channels that people write in, and whether their feature is on.
    pub fn for_messages(&self) -> impl Iterator<Item = (ChannelId, bool)> {
        let all = self.channels.iter().chain(&self.asleep);
        all.filter(|(surface, _)| surface.takes_messages())
            .map(|(surface, channel)| {
                let open = self.lacks(surface).is_empty() && !self.has_departed(surface);
                (channel.id, open)
            })
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

    /// Remembers the channel of a surface that is off, or of an agent that is gone.
    pub(super) fn put_to_sleep(&mut self, surface: Surface, id: ChannelId) {
        if let Surface::Dm(short) = &surface
            && self.has_departed(&surface)
            && let Ok(agent) = short.parse()
        {
            self.departed.insert(surface.clone(), agent);
        }
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
