//! One function for everything a person can do. Each checks who asks, writes in one transaction
//! and returns what to tell the person; the mirror then shows the result.

pub mod activity;
mod answer;
pub mod ask;
mod comment;
pub mod context;
pub mod decide;
pub mod docs;
mod docs_write;
pub mod edit;
mod hand_over;
pub mod homes;
pub mod labs;
pub mod mission;
pub mod output;
pub mod promote;
pub mod retry;
pub mod roll;
pub mod say;
pub mod schedule;
mod schedule_edit;
pub mod setup;
pub mod skills;
pub mod status;
pub mod task;
pub mod task_find;
pub mod task_press;
pub mod task_show;
pub mod team;
pub mod team_press;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

use crate::control::{ControlClient, ShellGuard};
use crate::delivery::Deliveries;
use crate::delivery::fallback::Route;
use crate::model::bots::Bots;
use crate::model::change::Xid;
use crate::model::proposal::{ProposalRef, ProposalSource};
use crate::model::view::{Entity, EntityKind};
use crate::store::Store;

pub use crate::model::operators::{Operators, Roll};

/// What every operation works with.
#[derive(Clone)]
pub struct Desk {
    /// The database.
    pub store: Store,
    /// The executor, as far as it is asked directly.
    pub control: ControlClient,
    /// Whether it is there.
    pub route: Route,
    /// The agents' own bots.
    pub bots: watch::Receiver<Bots>,
    /// Where messages for agents are handed over.
    pub deliveries: Deliveries,
    /// Who may decide.
    pub operators: Roll,
    /// Whether members who are no operators may cause a delivery.
    pub members_may_ask: bool,
    /// Makes the text of a message with a delivery safe for who reads it.
    pub shell: ShellGuard,
    /// Tells an executor of ours that something was approved.
    pub approved: Arc<Notify>,
    /// Tells an executor of ours that something about jobs was asked for.
    pub jobs: Arc<Notify>,
    /// Tells the mirror of rows that it should look at.
    pub look: mpsc::UnboundedSender<Entity>,
    /// Tells that the flags of the Labs may have changed.
    pub labs_look: mpsc::UnboundedSender<Option<Xid>>,
}

impl Desk {
    /// The card of a proposal is not true any more.
    fn look_at(&self, proposal: ProposalRef) {
        let kind = match proposal.source {
            ProposalSource::Message => EntityKind::Message,
            ProposalSource::TaskEvent => EntityKind::TaskEvent,
            ProposalSource::Task => EntityKind::Task,
        };
        // Nobody listens only while the process ends.
        let _ = self.look.send(Entity {
            kind,
            id: proposal.id,
        });
    }
}
