//! The homes: projects that this process shows, each in one server.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::Desk;
use crate::discord::layout::Layout;
use crate::model::status::Dials;
use crate::model::{ChannelId, GuildId, ProjectId};

/// A project that is shown in a server.
#[derive(Clone)]
pub struct Home {
    /// What operations on it work with.
    pub desk: Desk,
    /// Where its channels are.
    pub layout: watch::Receiver<Arc<Layout>>,
    /// What only the running bridge knows of it.
    pub dials: Dials,
    /// Its name for people.
    pub name: String,
}

/// Which home somebody means who is at some place in Discord.
pub enum Meant {
    /// This one.
    One(Box<Home>),
    /// One of these; which, the place does not say.
    OneOf(Vec<Home>),
    /// None any more: what lived there shows itself elsewhere.
    Moved,
    /// None: the server shows nothing.
    Nobody,
}

impl Home {
    /// The project.
    pub fn project(&self) -> &ProjectId {
        self.desk.store.project()
    }

    /// The server that shows it.
    pub fn guild(&self) -> GuildId {
        self.layout.borrow().guild
    }
}

/// The homes that there are now. Clones see the same.
#[derive(Clone)]
pub struct Homes {
    now: watch::Receiver<Arc<Vec<Home>>>,
    /// Channels that a project has left.
    former: watch::Receiver<HashSet<ChannelId>>,
    /// Rings for whoever opens and closes them.
    bell: Arc<Notify>,
}

impl Homes {
    /// As `now` tells, with the channels that were left; `bell` has them looked at anew.
    pub fn new(
        now: watch::Receiver<Arc<Vec<Home>>>,
        former: watch::Receiver<HashSet<ChannelId>>,
        bell: Arc<Notify>,
    ) -> Self {
        Self { now, former, bell }
    }

    /// Whether a project has left a channel.
    pub fn has_left(&self, channel: ChannelId) -> bool {
        self.former.borrow().contains(&channel)
    }

    /// All of them, the configured project first.
    pub fn all(&self) -> Arc<Vec<Home>> {
        self.now.borrow().clone()
    }

    /// Those in one server.
    pub fn of_guild(&self, guild: GuildId) -> Vec<Home> {
        let all = self.all();
        all.iter()
            .filter(|it| it.guild() == guild)
            .cloned()
            .collect()
    }

    /// That of a project.
    pub fn of_project(&self, project: &ProjectId) -> Option<Home> {
        let all = self.all();
        all.iter().find(|it| it.project() == project).cloned()
    }

    /// Which one is meant in a server, or outside of all of them, by the channel and what it lies in. A private chat
    /// is about the first project.
    pub fn meant(&self, guild: Option<GuildId>, places: &[ChannelId]) -> Meant {
        let Some(guild) = guild else {
            let first = self.all().first().cloned();
            return first.map_or(Meant::Nobody, |it| Meant::One(Box::new(it)));
        };
        let mut here = self.of_guild(guild);
        let shows = |home: &Home| {
            let layout = home.layout.borrow();
            places.iter().any(|it| layout.on_or_off(*it).is_some())
        };
        let left = places.iter().any(|it| self.has_left(*it));
        match (here.len(), here.iter().position(shows)) {
            (_, None) if left => Meant::Moved,
            (0, _) => Meant::Nobody,
            (1, _) => Meant::One(Box::new(here.swap_remove(0))),
            (_, Some(at)) => Meant::One(Box::new(here.swap_remove(at))),
            (_, None) => Meant::OneOf(here),
        }
    }

    /// Has the homes looked at anew, and waits until a project is shown in a server, for so long.
    pub async fn moved_in(
        &self,
        project: &ProjectId,
        guild: GuildId,
        patience: Duration,
    ) -> Option<Home> {
        let mut now = self.now.clone();
        self.bell.notify_one();
        let is_it = |home: &Home| home.project() == project && home.guild() == guild;
        let waiting = now.wait_for(|homes| homes.iter().any(is_it));
        let homes = tokio::time::timeout(patience, waiting).await.ok()?.ok()?;
        homes.iter().find(|it| is_it(it)).cloned()
    }
}
