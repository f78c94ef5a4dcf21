//! Where what was said is handed over to the deliveries: the one place of the operations that knows how.

use super::Desk;
use crate::delivery::{Deliveries, Slot};
use crate::model::delivery::{Claimed, DeliveryStatus};
use crate::model::thread::Place;
use crate::model::{AgentKey, MessageId};
use crate::store::Result;
use crate::store::chat::Said;

/// The deliveries of a message that is about to be written.
pub(super) struct HandOver {
    to: Vec<(AgentKey, Option<Slot>)>,
}

impl HandOver {
    /// To each of these agents. With `direct` those that are free get it at once: their rows are born
    /// claimed, and such a row is stuck if nobody hears that it was born.
    pub(super) fn to(desk: &Desk, place: &Place, agents: &[AgentKey], direct: bool) -> Self {
        let slot = |agent: &AgentKey| {
            let slot = direct.then(|| desk.deliveries.slot(place, agent)).flatten();
            (agent.clone(), slot)
        };
        Self {
            to: agents.iter().map(slot).collect(),
        }
    }

    /// The rows to be written.
    pub(super) fn births(&self) -> Vec<(AgentKey, DeliveryStatus)> {
        let birth = |(agent, slot): &(AgentKey, Option<Slot>)| {
            (agent.clone(), Deliveries::birth(slot.as_ref()))
        };
        self.to.iter().map(birth).collect()
    }

    /// They are written; `text` is what agents are told.
    pub(super) fn written(self, desk: &Desk, said: &Said, text: &str) {
        let mut wait = false;
        for (agent, slot) in self.to {
            let born = said.deliveries.iter().find(|(_, to, _)| *to == agent);
            match (born, slot) {
                (Some((id, _, Some(picked_up_at))), Some(slot)) => {
                    let claimed = Claimed {
                        id: *id,
                        message_id: said.message_id,
                        agent,
                        text: text.to_owned(),
                        picked_up_at: *picked_up_at,
                    };
                    desk.deliveries.begin(slot, claimed);
                }
                // Something of its thread was before it, or there was no slot.
                (Some(_), _) => wait = true,
                (None, _) => {}
            }
        }
        if wait {
            desk.deliveries.pump();
        }
    }

    /// The message was there before. What an earlier try of ours claimed and never handed over, because
    /// it did not hear of its success, waits in the queue like any other.
    pub(super) async fn again(self, desk: &Desk, message: MessageId, unheard: bool) -> Result<()> {
        if self.to.is_empty() {
            return Ok(());
        }
        if unheard {
            desk.store.release_newborn(message).await?;
        }
        drop(self);
        desk.deliveries.pump();
        Ok(())
    }
}
