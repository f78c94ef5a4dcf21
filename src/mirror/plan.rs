//! What has to be done so that Discord shows a row as it is now. Pure: wanted × ledger → actions.

use crate::cards::Draft;
use crate::model::view::{Entity, Surface, View, ViewAuthor, ViewKey, ViewState};

/// How a row should be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Where.
    pub surface: Surface,
    /// As which messages, in order.
    pub drafts: Vec<Draft>,
    /// Version of the row that the drafts show.
    pub row_version: String,
}

/// One step towards the wanted state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send a message that is not there.
    Create {
        /// The view it becomes.
        key: ViewKey,
        /// What it says.
        draft: Draft,
        /// Version of the row.
        row_version: String,
    },
    /// Change a message that says something else.
    Edit {
        /// The view.
        view: View,
        /// What it should say.
        draft: Draft,
        /// Version of the row.
        row_version: String,
    },
    /// Remove a message that should not be there.
    Delete {
        /// The view.
        view: View,
    },
    /// Discord is right; the ledger learns the row's version, or forgets the view.
    Note {
        /// The view.
        view: View,
        /// The version; none forgets the view.
        row_version: Option<String>,
    },
}

impl Action {
    /// Which view it is about.
    pub fn key(&self) -> &ViewKey {
        match self {
            Self::Create { key, .. } => key,
            Self::Edit { view, .. } | Self::Delete { view } | Self::Note { view, .. } => &view.key,
        }
    }
}

/// The steps for one entity. Views whose result is open are left alone: who sent them, settles
/// them.
pub fn plan(entity: Entity, wanted: Option<Wanted>, views: Vec<View>) -> Vec<Action> {
    let mut actions = Vec::new();
    let Some(wanted) = wanted else {
        actions.extend(views.into_iter().filter_map(remove));
        return actions;
    };
    let mut views = views;
    if views.iter().any(|view| view.author == ViewAuthor::Person) {
        // The person's own message is the view, whatever else was thought of.
        return actions;
    }
    for (index, draft) in wanted.drafts.into_iter().enumerate() {
        let Ok(part) = i16::try_from(index) else {
            break;
        };
        let at = views
            .iter()
            .position(|view| view.key.part == part && view.key.surface == wanted.surface);
        let view = at.map(|at| views.swap_remove(at));
        let row_version = wanted.row_version.clone();
        actions.extend(match view {
            None => Some(Action::Create {
                key: ViewKey {
                    entity,
                    surface: wanted.surface.clone(),
                    part,
                },
                draft,
                row_version,
            }),
            Some(view) => update(view, draft, row_version),
        });
    }
    actions.extend(views.into_iter().filter_map(remove));
    actions
}

fn update(view: View, draft: Draft, row_version: String) -> Option<Action> {
    let known = view.row_version.as_deref() == Some(row_version.as_str());
    match view.state {
        ViewState::Sending | ViewState::Unknown => None,
        ViewState::Failed => (!known).then_some(Action::Create {
            key: view.key,
            draft,
            row_version,
        }),
        ViewState::Sent => {
            if view.hash.as_deref() != Some(draft.hash().as_slice()) {
                Some(Action::Edit {
                    view,
                    draft,
                    row_version,
                })
            } else if known {
                None
            } else {
                Some(Action::Note {
                    view,
                    row_version: Some(row_version),
                })
            }
        }
    }
}

fn remove(view: View) -> Option<Action> {
    match (view.state, view.author) {
        (ViewState::Sending | ViewState::Unknown, _) => None,
        // A person's message is theirs to delete; a refused one was never there.
        (ViewState::Failed, _) | (ViewState::Sent, ViewAuthor::Person) => Some(Action::Note {
            view,
            row_version: None,
        }),
        (ViewState::Sent, _) => Some(Action::Delete { view }),
    }
}
