//! Where what was said is handed over to the deliveries: the one place of the operations that knows how.

use super::Desk;
use crate::delivery::{Deliveries, Line};
use crate::model::delivery::{Claimed, DeliveryStatus};
use crate::model::{AgentKey, MessageId};
use crate::store::Result;
use crate::store::chat::Said;

/// The deliveries of a message that is about to be written.
pub(super) struct HandOver {
    to: Vec<(AgentKey, Option<Line>)>,
}

impl HandOver {
    /// To each of these agents. With `direct` those that are free get it at once: their rows are born
    /// claimed, and such a row is stuck if nobody hears that it was born.
    pub(super) fn to(desk: &Desk, agents: &[AgentKey], direct: bool) -> Self {
        let line = |agent: &AgentKey| {
            let line = direct.then(|| desk.deliveries.line(agent)).flatten();
            (agent.clone(), line)
        };
        Self {
            to: agents.iter().map(line).collect(),
        }
    }

    /// The rows to be written.
    pub(super) fn births(&self) -> Vec<(AgentKey, DeliveryStatus)> {
        let birth = |(agent, line): &(AgentKey, Option<Line>)| {
            (agent.clone(), Deliveries::birth(line.as_ref()))
        };
        self.to.iter().map(birth).collect()
    }

    /// They are written.
    pub(super) fn written(self, desk: &Desk, said: &Said, text: &str) {
        for (agent, line) in self.to {
            let born = said.deliveries.iter().find(|(_, to)| *to == agent);
            match (born, line) {
                (Some((id, _)), Some(line)) => desk.deliveries.run_line(
                    line,
                    Claimed {
                        id: *id,
                        message_id: said.message_id,
                        agent,
                        text: text.to_owned(),
                    },
                ),
                // The agent may have become free since the line was asked for.
                (Some(_), None) => desk.deliveries.pump(&agent),
                (None, _) => {}
            }
        }
    }

    /// The message was there before. What an earlier try of ours claimed and never handed over, because
    /// it did not hear of its success, waits in the queue like any other.
    pub(super) async fn again(self, desk: &Desk, message: MessageId, unheard: bool) -> Result<()> {
        if unheard && !self.to.is_empty() {
            desk.store.release_newborn(message).await?;
        }
        for (agent, line) in self.to {
            drop(line);
            desk.deliveries.pump(&agent);
        }
        Ok(())
    }
}
