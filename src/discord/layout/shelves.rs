//! The channels of agents in their categories. Discord takes 50 channels in one, so there may be
//! several of a kind; who is gone is archived, and comes back into the same channel.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::names::Names;
use super::{AUDIT_REASON, Builder, Channel, ExistingChannel, Layout, kinds};
use crate::discord::lanes::Class;
use crate::discord::rest::{ErrorKind, Request, RestError, Route};
use crate::model::ChannelId;
use crate::model::view::Surface;

/// Most channels in a category (source: Discord, limits of a category).
const SHELF: usize = 50;

/// Most categories of a kind: a server has room for no more full ones (source: Discord, 500 channels).
const SHELVES: u8 = 10;

/// No channel of an agent is made after so many channels in one look: Discord allows no more at once
/// (observed: 10 in 15 s).
const AT_ONCE: usize = 10;

/// Discord's code for a server that takes no more channels.
pub(super) const TOO_MANY_CHANNELS: u32 = 30_013;

/// A kind of category.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shelf {
    /// Of agents that are there.
    Dms,
    /// Of agents that are gone.
    Archive,
}

impl Shelf {
    fn surface(self, number: u8) -> Surface {
        match self {
            Self::Dms => Surface::DmCategory(number),
            Self::Archive => Surface::ArchiveCategory(number),
        }
    }
}

/// Where there is room for one more channel.
enum Free {
    /// In this category.
    There(ChannelId),
    /// In the one of this number, which has to be made.
    Missing(u8),
    /// All are full.
    Nowhere,
}

/// A layout in the making.
pub(super) struct Plan<'a> {
    /// What is settled.
    pub(super) layout: Layout,
    /// Channels that are there and nobody's yet.
    existing: Vec<ExistingChannel>,
    known: &'a HashMap<Surface, ChannelId>,
    names: Names<'a>,
    /// How many channels each category holds, those of others included.
    children: HashMap<ChannelId, usize>,
    shelves: HashMap<Shelf, BTreeMap<u8, ChannelId>>,
    /// Channels that were made.
    pub(super) made: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        layout: Layout,
        mut existing: Vec<ExistingChannel>,
        (known, others): (&'a HashMap<Surface, ChannelId>, &[ChannelId]),
        names: Names<'a>,
    ) -> Self {
        let mut children = HashMap::new();
        for parent in existing.iter().filter_map(|channel| channel.parent_id) {
            *children.entry(parent).or_default() += 1;
        }
        existing.retain(|channel| !others.contains(&channel.id));
        Self {
            layout,
            existing,
            known,
            names,
            children,
            shelves: HashMap::new(),
            made: 0,
        }
    }

    /// The channel of a surface that is settled.
    pub(super) fn id(&self, surface: &Surface) -> Option<ChannelId> {
        self.layout.channel(surface).map(|channel| channel.id)
    }

    /// The bot may make no channel for a surface.
    pub(super) fn may_not_make(&mut self, surface: &Surface) {
        let name = self.names.of(surface);
        if !self.layout.unmade.contains(&name) {
            self.layout.unmade.push(name);
        }
    }

    /// Settles a surface.
    pub(super) fn put(&mut self, surface: Surface, id: ChannelId) {
        self.layout.surfaces.insert(id, surface.clone());
        self.layout.channels.insert(surface, Channel::new(id));
    }

    /// Whether a surface needs nothing: two agents may share a short name, and with it the channel;
    /// where its feature is off, its channel sleeps if it is there.
    pub(super) fn sleeps(&mut self, surface: &Surface) -> bool {
        if self.layout.has(surface) {
            return true;
        }
        let off = !self.layout.lacks(surface).is_empty();
        if off && let Some(found) = self.take_known(surface) {
            self.layout.put_to_sleep(surface.clone(), found.id);
        }
        off
    }

    /// The channel that a surface had before, else one of its name that `fits`.
    pub(super) fn take(
        &mut self,
        surface: &Surface,
        fits: impl Fn(&ExistingChannel) -> bool,
    ) -> Option<ExistingChannel> {
        if let Some(found) = self.take_known(surface) {
            return Some(found);
        }
        let (name, kinds) = (self.names.of(surface), kinds(surface));
        let of_name = |channel: &ExistingChannel| {
            let its = channel.name.as_deref();
            its.is_some_and(|its| its.eq_ignore_ascii_case(&name))
        };
        let at = self.existing.iter().position(|channel| {
            kinds.contains(&channel.kind) && of_name(channel) && fits(channel)
        })?;
        Some(self.existing.swap_remove(at))
    }

    fn take_known(&mut self, surface: &Surface) -> Option<ExistingChannel> {
        let (id, kinds) = (self.known.get(surface)?, kinds(surface));
        let mut existing = self.existing.iter();
        let at = existing.position(|channel| kinds.contains(&channel.kind) && channel.id == *id)?;
        Some(self.existing.swap_remove(at))
    }

    /// A channel has come from one category into another.
    pub(super) fn count(&mut self, from: Option<ChannelId>, to: Option<ChannelId>) {
        if let Some(children) = from.and_then(|from| self.children.get_mut(&from)) {
            *children = children.saturating_sub(1);
        }
        if let Some(to) = to {
            *self.children.entry(to).or_default() += 1;
        }
    }

    /// Finds the categories of a kind that are there.
    pub(super) fn find_shelves(&mut self, which: Shelf) {
        for number in 1..=SHELVES {
            let surface = which.surface(number);
            if self.sleeps(&surface) {
                if let Some(id) = self.id(&surface) {
                    self.shelves.entry(which).or_default().insert(number, id);
                }
            } else if let Some(found) = self.take(&surface, |_| true) {
                self.put(surface, found.id);
                let shelves = self.shelves.entry(which).or_default();
                shelves.insert(number, found.id);
            }
        }
    }

    fn is_on(&self, which: Shelf, parent: Option<ChannelId>) -> bool {
        let shelves = self.shelves.get(&which);
        parent.is_some_and(|parent| {
            shelves.is_some_and(|shelves| shelves.values().any(|id| *id == parent))
        })
    }

    /// The first category of a kind with room for one more.
    fn free(&self, which: Shelf) -> Free {
        let shelves = self.shelves.get(&which);
        for number in 1..=SHELVES {
            match shelves.and_then(|shelves| shelves.get(&number)) {
                None => return Free::Missing(number),
                Some(id) if self.children.get(id).copied().unwrap_or_default() < SHELF => {
                    return Free::There(*id);
                }
                Some(_) => {}
            }
        }
        Free::Nowhere
    }
}

impl Builder {
    /// Takes the channels of agents that are gone out of everybody's way, with everything in them.
    pub(super) async fn archive(&self, plan: &mut Plan<'_>) -> Result<(), RestError> {
        let known = plan.known.keys();
        let mut gone: Vec<Surface> = known
            .filter(|it| plan.layout.has_departed(it))
            .cloned()
            .collect();
        gone.sort_unstable();
        for surface in gone {
            let Some(found) = plan.take_known(&surface) else {
                continue;
            };
            plan.layout.put_to_sleep(surface.clone(), found.id);
            if !plan.is_on(Shelf::Archive, found.parent_id) {
                tracing::info!(%surface, "channel {surface} is archived: its agent is gone");
                self.move_to(plan, Shelf::Archive, &found).await?;
            }
        }
        Ok(())
    }

    /// The channel of an agent that is there: the one it had, back from the archive, or a new one.
    /// Where a person has put it by hand it stays.
    pub(super) async fn place_dm(
        &self,
        plan: &mut Plan<'_>,
        surface: Surface,
    ) -> Result<(), RestError> {
        if plan.sleeps(&surface) {
            return Ok(());
        }
        let shelves: Vec<ChannelId> = plan
            .shelves
            .values()
            .flat_map(|shelves| shelves.values().copied())
            .collect();
        let ours = |channel: &ExistingChannel| {
            let parent = channel.parent_id;
            parent.is_some_and(|parent| shelves.contains(&parent))
        };
        if let Some(found) = plan.take(&surface, ours) {
            if plan.is_on(Shelf::Archive, found.parent_id) {
                tracing::info!(%surface, "channel {surface} is back: its agent is");
                self.move_to(plan, Shelf::Dms, &found).await?;
            }
            plan.put(surface, found.id);
            return Ok(());
        }
        if plan.made >= AT_ONCE {
            plan.layout.unfinished = true;
            return Ok(());
        }
        let Some(parent) = self.free_shelf(plan, Shelf::Dms).await? else {
            return Ok(());
        };
        if let Some(id) = self.create_if_room(plan, &surface, Some(parent)).await? {
            plan.put(surface, id);
        }
        Ok(())
    }

    /// A category of a kind with room for one more; none when the server takes no more channels.
    async fn free_shelf(
        &self,
        plan: &mut Plan<'_>,
        which: Shelf,
    ) -> Result<Option<ChannelId>, RestError> {
        let number = match plan.free(which) {
            Free::There(id) => return Ok(Some(id)),
            Free::Missing(number) => number,
            Free::Nowhere => return Ok(None),
        };
        let surface = which.surface(number);
        let made = self.create_if_room(plan, &surface, None).await?;
        if let Some(id) = made {
            plan.put(surface, id);
            plan.shelves.entry(which).or_default().insert(number, id);
        }
        Ok(made)
    }

    /// Makes a channel that the rest can do without. In a server that takes no more, nothing is tried
    /// again until the next look.
    async fn create_if_room(
        &self,
        plan: &mut Plan<'_>,
        surface: &Surface,
        parent: Option<ChannelId>,
    ) -> Result<Option<ChannelId>, RestError> {
        if plan.layout.full.is_some() {
            return Ok(None);
        }
        match self.create(plan, surface, parent).await {
            Ok(made) => Ok(made.map(|made| made.id)),
            Err(error) if error.code() == Some(TOO_MANY_CHANNELS) => {
                plan.layout.full = Some(surface.clone());
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Moves a channel. One that we may not move stays where it is.
    async fn move_to(
        &self,
        plan: &mut Plan<'_>,
        which: Shelf,
        channel: &ExistingChannel,
    ) -> Result<(), RestError> {
        let Some(parent) = self.free_shelf(plan, which).await? else {
            return Ok(());
        };
        let request = Request::new(Route::modify_channel(channel.id.get()))
            .json(&json!({ "parent_id": parent }))
            .audit_reason(AUDIT_REASON);
        let moved = self.lanes.submit(Class::Interactive, request).await.done();
        match moved.into_result() {
            Ok(()) => plan.count(channel.parent_id, Some(parent)),
            Err(error) if error.kind() == ErrorKind::Rejected => {
                tracing::warn!(channel = %channel.id, %error, "a channel cannot be moved: {error}");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}
