//! Channels whose feature is switched off, or whose agent is gone, are closed: who writes there is told
//! so, and the message becomes no row, neither now nor when the feature or the agent is back.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tokio::sync::{mpsc, watch};

use super::reader::Visit;
use crate::cards::archive::archived;
use crate::cards::labs::switched_off;
use crate::discord::events::Written;
use crate::discord::lanes::{Class, Lanes};
use crate::discord::layout::{Dormant, Layout};
use crate::discord::rest::{Request, Route};
use crate::model::rights::Permission;
use crate::model::{ChannelId, UserId};

/// Nobody is told the same more often.
const AGAIN: Duration = Duration::from_mins(1);

/// So many who were told are remembered before those of more than a minute ago are forgotten.
const REMEMBERED: usize = 1_000;

/// How a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Door {
    /// Whether people's messages become rows.
    pub open: bool,
    /// Since when we know that.
    pub since: DateTime<Utc>,
    /// Until when messages were written that were turned away.
    pub turned_away: Option<DateTime<Utc>>,
}

/// How every channel is, and what has been read back.
#[derive(Debug, Default)]
pub(super) struct Doors {
    known: HashMap<ChannelId, watch::Sender<Door>>,
    /// Channels that were read in this session as they are now.
    read: HashSet<ChannelId>,
    /// Who reads a channel back: one look after the other, so that what was written before a change
    /// is read before the change is written down.
    readers: HashMap<ChannelId, mpsc::UnboundedSender<Visit>>,
    told: HashMap<(UserId, ChannelId), Instant>,
    /// Channels that the bot cannot read: what is written there is heard of by nobody.
    blind: HashSet<ChannelId>,
}

impl Doors {
    /// Another session has begun: whatever happened before it has to be read back.
    pub(super) fn forget(&mut self) {
        self.read.clear();
    }

    /// The same for some channels only.
    pub(super) fn forget_some(&mut self, channels: &[ChannelId]) {
        for channel in channels {
            self.read.remove(channel);
        }
    }

    /// Follows the layout. Has to hear of each change before the messages that come after it.
    pub(super) fn follow(&mut self, layout: &Layout) {
        let since = Utc::now();
        let readable = |channel: ChannelId| {
            let history = layout.may(channel, Permission::ReadMessageHistory);
            history && layout.may(channel, Permission::ViewChannels)
        };
        for (channel, _) in layout.for_messages() {
            if !readable(channel) {
                self.blind.insert(channel);
            } else if self.blind.remove(&channel) {
                self.read.remove(&channel);
            }
        }
        for (channel, open) in layout.for_messages() {
            let door = self.known.entry(channel).or_insert_with(|| {
                watch::Sender::new(Door {
                    open,
                    since,
                    turned_away: None,
                })
            });
            let turned = door.send_if_modified(|door| {
                let turned = door.open != open;
                if turned {
                    (door.open, door.since) = (open, since);
                }
                turned
            });
            if turned {
                self.read.remove(&channel);
            }
        }
    }

    /// The channels that have to be read back now.
    pub(super) fn unread(&mut self, layout: &Layout) -> Vec<ChannelId> {
        let all = layout.for_messages().map(|(channel, _)| channel);
        all.filter(|channel| self.read.insert(*channel)).collect()
    }

    /// How a channel is.
    pub(super) fn door(&self, channel: ChannelId) -> Option<watch::Receiver<Door>> {
        self.known.get(&channel).map(watch::Sender::subscribe)
    }

    /// Who reads a channel back; `start` starts one where there is none yet.
    pub(super) fn reader(
        &mut self,
        channel: ChannelId,
        start: impl FnOnce(mpsc::UnboundedReceiver<Visit>),
    ) -> &mpsc::UnboundedSender<Visit> {
        self.readers.entry(channel).or_insert_with(|| {
            let (tell, visits) = mpsc::unbounded_channel();
            start(visits);
            tell
        })
    }

    /// Whether a message was written after its channel had been closed. What was written before that
    /// and is heard after it is taken.
    pub(super) fn turns_away(&self, written: &Written) -> bool {
        let at = written.id.created_at();
        let Some(door) = self.known.get(&written.channel) else {
            return false;
        };
        door.send_if_modified(|door| {
            let turned_away = !door.open && at > door.since;
            if turned_away {
                // Ids are exact to the millisecond.
                let after = at + TimeDelta::milliseconds(1);
                door.turned_away = door.turned_away.max(Some(after));
            }
            turned_away
        })
    }

    /// Tells whoever wrote why nobody gets it, once a minute at most.
    pub(super) fn answer(&mut self, written: &Written, layout: &Layout, lanes: &Lanes) {
        let words = match layout.dormant(written.channel) {
            Some(Dormant::SwitchedOff(surface, missing)) => switched_off(surface, &missing),
            Some(Dormant::Archived(surface)) => archived(surface),
            None => return,
        };
        let now = Instant::now();
        let recent = |told: &Instant| now.duration_since(*told) < AGAIN;
        let whom = (written.user, written.channel);
        if self.told.get(&whom).is_some_and(recent) {
            return;
        }
        if self.told.len() >= REMEMBERED {
            self.told.retain(|_, told| recent(told));
        }
        self.told.insert(whom, now);
        let request = Request::new(Route::create_message(written.channel.get())).json(&json!({
            "content": words,
            "message_reference": { "message_id": written.id, "fail_if_not_exists": false },
        }));
        let sending = lanes.submit(Class::Interactive, request);
        tokio::spawn(async move {
            if let Some(error) = sending.await.done().error() {
                tracing::warn!(%error, "nobody could be told that the channel is closed: {error}");
            }
        });
    }
}
