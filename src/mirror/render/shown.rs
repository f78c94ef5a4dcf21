//! A message or a proposal in all of its places.

use std::iter;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::super::plan::Wanted;
use crate::cards::private::private_message;
use crate::cards::proposal::proposal_card;
use crate::cards::{self, Personas};
use crate::discord::layout::Layout;
use crate::model::GuildId;
use crate::model::message::{ChatMessage, Quoted};
use crate::model::thread::Place;
use crate::model::view::{Surface, View};
use crate::store::proposal::StoredProposal;

/// What rows are rendered with: the names of the agents, and which private channels there are.
pub(super) struct Shown {
    pub(super) personas: Arc<Personas>,
    pub(super) layout: Arc<Layout>,
    pub(super) guild: GuildId,
}

impl Shown {
    /// Whether a place of a message cannot link to what it quotes, because that is not there yet.
    pub(super) fn lacks_a_link(&self, row: &ChatMessage, quoted: &Quoted) -> bool {
        let Some(surface) = surface(&row.place) else {
            return false;
        };
        let private = self.layout.private_of(&surface).map(|(it, _)| it);
        let there = |surface: &Surface| quoted.at.iter().any(|it| it.0 == *surface);
        !(there(&surface) && private.into_iter().all(there))
    }

    pub(super) fn message(&self, row: &ChatMessage, version: &str, views: &[View]) -> Vec<Wanted> {
        let Some(surface) = surface(&row.place) else {
            return Vec::new();
        };
        let private = self.private(&surface, row.created_at, false, views);
        let private = private.into_iter().map(|surface| {
            let drafts = private_message(row, &surface, self.guild, &self.personas);
            (surface, drafts)
        });
        let drafts = cards::chat::chat_message(row, &surface, self.guild, &self.personas);
        let all = iter::once((surface, drafts)).chain(private);
        all.map(|(surface, drafts)| Wanted {
            surface,
            drafts,
            row_version: version.to_owned(),
        })
        .collect()
    }

    /// The card of a proposal, where it was made and where proposals are decided.
    pub(super) fn cards(&self, stored: Option<StoredProposal>, views: &[View]) -> Vec<Wanted> {
        let Some(StoredProposal {
            proposal, version, ..
        }) = stored
        else {
            return Vec::new();
        };
        let card = proposal_card(&proposal, &self.personas);
        let made = surface(&proposal.place);
        let private = made
            .iter()
            .flat_map(|made| self.private(made, proposal.proposed_at, proposal.is_open(), views));
        let private: Vec<Surface> = private.collect();
        let surfaces = made.into_iter().chain([Surface::Approvals]).chain(private);
        surfaces
            .map(|surface| Wanted {
                surface,
                drafts: vec![card.clone()],
                row_version: version.clone(),
            })
            .collect()
    }

    /// The private channels that show a row as well: those that were there when it came, or show it
    /// already, and all of them for what waits for a decision.
    fn private(
        &self,
        in_server: &Surface,
        at: DateTime<Utc>,
        waits: bool,
        views: &[View],
    ) -> Vec<Surface> {
        let channels = self.layout.private_of(in_server);
        channels
            .filter(|(surface, since)| {
                let shows = || views.iter().any(|view| view.key.surface == **surface);
                waits || at >= *since || shows()
            })
            .map(|(surface, _)| surface.clone())
            .collect()
    }
}

fn surface(place: &Place) -> Option<Surface> {
    match place {
        Place::Room => Some(Surface::Room),
        Place::Dm(agent) => Some(Surface::dm(agent)),
        Place::Elsewhere => None,
    }
}
