//! From rows to what should be in Discord.

use std::sync::{Arc, PoisonError, RwLock};

use uuid::Uuid;

use super::plan::Wanted;
use crate::cards::{self, Personas};
use crate::model::message::ChatMessage;
use crate::model::thread::Place;
use crate::model::view::{Entity, EntityKind, Surface, View};
use crate::store::kept::Kept;
use crate::store::look::{Loaded, Sight};
use crate::store::mirror::ModeChange;
use crate::store::{Result, Store};

/// A row's wanted views, and those it has.
#[derive(Debug)]
pub struct Rendered {
    /// The row.
    pub entity: Entity,
    /// What should be there; none when the row is gone or has no place in Discord.
    pub wanted: Option<Wanted>,
    /// What is there.
    pub views: Vec<View>,
}

/// Renders rows. The names of the agents are kept, because every message needs one.
#[derive(Debug, Clone, Default)]
pub struct Renderer {
    personas: Arc<RwLock<Arc<Personas>>>,
}

impl Renderer {
    /// Reads the names of the agents anew.
    pub async fn refresh(&self, store: &Store) -> Result<()> {
        let personas = Arc::new(Personas::new(&store.agents().await?));
        *self
            .personas
            .write()
            .unwrap_or_else(PoisonError::into_inner) = personas;
        Ok(())
    }

    /// The names of the agents.
    pub fn personas(&self) -> Arc<Personas> {
        Arc::clone(&self.personas.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads rows of one kind and renders them, oldest first, with what the look could see.
    pub async fn load(
        &self,
        store: &Store,
        on: &mut Kept,
        kind: EntityKind,
        ids: &[Uuid],
    ) -> Result<(Option<Sight>, Vec<Rendered>)> {
        if ids.is_empty() {
            return Ok((None, Vec::new()));
        }
        Ok(match kind {
            EntityKind::Message => {
                let personas = self.personas();
                let (sight, rows) = store.load_messages(on, ids).await?;
                let rows = rows
                    .into_iter()
                    .map(|loaded| rendered(loaded, |row, version| message(row, version, &personas)))
                    .collect();
                (sight, rows)
            }
            EntityKind::Mode => {
                let rows = store.load_modes(ids).await?;
                let rows = rows
                    .into_iter()
                    .map(|loaded| rendered(loaded, |row, version| Some(mode(row, version))))
                    .collect();
                (None, rows)
            }
        })
    }
}

fn rendered<T>(loaded: Loaded<T>, render: impl FnOnce(&T, String) -> Option<Wanted>) -> Rendered {
    Rendered {
        entity: loaded.entity,
        wanted: loaded.row.and_then(|(row, version)| render(&row, version)),
        views: loaded.views,
    }
}

fn message(row: &ChatMessage, row_version: String, personas: &Personas) -> Option<Wanted> {
    let surface = match &row.place {
        Place::Room => Surface::Room,
        Place::Dm(agent) => Surface::dm(agent),
        Place::Elsewhere => return None,
    };
    Some(Wanted {
        surface,
        drafts: cards::chat::chat_message(row, personas),
        row_version,
    })
}

fn mode(row: &ModeChange, row_version: String) -> Wanted {
    Wanted {
        surface: Surface::Status,
        drafts: vec![cards::mode::mode_change(row.mode, &row.reason, row.since)],
        row_version,
    }
}
