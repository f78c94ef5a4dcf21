//! Channels that belong to another bot: private ones with an agent's own. Whoever has something to send there need not
//! know that.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::Lanes;
use crate::discord::rest::LaneKey;
use crate::model::{ChannelId, UserId};

/// Who sends where.
#[derive(Clone, Default)]
pub(super) struct Others(Arc<RwLock<HashMap<u64, Owner>>>);

#[derive(Clone)]
struct Owner {
    lanes: Lanes,
    account: UserId,
}

impl Others {
    /// The lanes of the bot that owns what a lane is about.
    pub(super) fn of(&self, lane: LaneKey) -> Option<Lanes> {
        let LaneKey::Channel(channel) = lane else {
            return None;
        };
        self.owner(channel).map(|owner| owner.lanes)
    }

    fn owner(&self, channel: u64) -> Option<Owner> {
        let owners = self.0.read().unwrap_or_else(PoisonError::into_inner);
        owners.get(&channel).cloned()
    }
}

impl Lanes {
    /// From now on requests about a channel go through the lanes of the bot that owns it, with this account.
    pub fn lend(&self, channel: ChannelId, lanes: &Self, account: UserId) {
        let owners = &self.others.0;
        let mut owners = owners.write().unwrap_or_else(PoisonError::into_inner);
        let lanes = lanes.clone();
        owners.insert(channel.get(), Owner { lanes, account });
    }

    /// The account that writes in a channel, where that is another bot's.
    pub fn account(&self, channel: ChannelId) -> Option<UserId> {
        self.others.owner(channel.get()).map(|owner| owner.account)
    }
}
