//! What an earlier run has left in the spool.

use super::{Held, Place};
use crate::model::{ChannelId, ProjectId};

/// What an earlier run of the bridge has left behind.
#[derive(Debug, Default)]
pub struct Found {
    /// Accepted and not written, in the order in which they were heard.
    pub held: Vec<Held>,
    /// Written; the mark on the Discord message may still be there.
    pub marked: Vec<Place>,
}

impl Found {
    /// Takes out what one project has accepted.
    #[must_use]
    pub fn of_project(&mut self, project: &ProjectId) -> Vec<Held> {
        let of_it = |held: &mut Held| held.project == *project;
        self.held.extract_if(.., of_it).collect()
    }

    /// Takes out what concerns one channel.
    #[must_use]
    pub fn take(&mut self, channel: ChannelId) -> Self {
        let here = |held: &Held| held.channel == channel;
        let (held, others) = std::mem::take(&mut self.held).into_iter().partition(here);
        self.held = others;
        let here = |place: &Place| place.channel == channel;
        let (marked, others) = std::mem::take(&mut self.marked).into_iter().partition(here);
        self.marked = others;
        Self { held, marked }
    }
}
