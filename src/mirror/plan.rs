//! What has to be done so that Discord shows a row as it is now. Pure: wanted × ledger → actions.

use chrono::{DateTime, Duration, Utc};

use crate::cards::{Draft, Upkeep};
use crate::model::DiscordMessageId;
use crate::model::view::{Entity, Surface, View, ViewAuthor, ViewKey, ViewState};

/// So old a message may be and still be edited as often as one likes (source: Discord, error 30046).
const EDITABLE_FOR: Duration = Duration::hours(1);

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
    /// Remove a message that cannot be made right. The next look makes another.
    Replace {
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
            Self::Edit { view, .. }
            | Self::Delete { view }
            | Self::Replace { view }
            | Self::Note { view, .. } => &view.key,
        }
    }
}

/// The steps for one entity at this moment. Views whose result is open are left alone: who sent
/// them, settles them.
pub fn plan(
    entity: Entity,
    mut wanted: Vec<Wanted>,
    mut views: Vec<View>,
    now: DateTime<Utc>,
) -> Vec<Action> {
    if !wanted.is_empty() {
        leave_to_people(&mut wanted, &mut views);
    }
    let mut actions = Vec::new();
    for wanted in wanted {
        for (part, draft) in (0_i16..).zip(wanted.drafts) {
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
                Some(view) => update(view, draft, row_version, now),
            });
        }
    }
    actions.extend(views.into_iter().filter_map(remove));
    actions
}

/// Where a person has written, their own message is the view. Other surfaces of the same thread want
/// a copy; a thread that the row has left wants none.
fn leave_to_people(wanted: &mut Vec<Wanted>, views: &mut Vec<View>) {
    let theirs = views.iter().filter(|it| it.author == ViewAuthor::Person);
    let theirs: Vec<Surface> = theirs.map(|view| view.key.surface.clone()).collect();
    if theirs.is_empty() {
        return;
    }
    let thread = |surface: &Surface| {
        theirs
            .iter()
            .any(|it| it.in_server() == surface.in_server())
    };
    let copies = wanted.iter().any(|wanted| thread(&wanted.surface));
    let left = |surface: &Surface| {
        if copies {
            theirs.contains(surface)
        } else {
            surface.takes_messages()
        }
    };
    wanted.retain(|wanted| !left(&wanted.surface));
    views.retain(|view| !left(&view.key.surface));
}

fn update(view: View, draft: Draft, row_version: String, now: DateTime<Utc>) -> Option<Action> {
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
                if is_to_be_replaced(&view, &draft, now) {
                    return Some(Action::Replace { view });
                }
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

/// What an edit cannot do: Discord caps edits of old messages, and our own words never stand in a
/// message that a webhook has written, as anybody's could.
fn is_to_be_replaced(view: &View, draft: &Draft, now: DateTime<Utc>) -> bool {
    let old = || {
        let made = view.message.map(DiscordMessageId::created_at);
        made.is_some_and(|made| now - made > EDITABLE_FOR)
    };
    let borrowed = view.author == ViewAuthor::Webhook && draft.persona.is_none();
    borrowed || (draft.upkeep == Upkeep::Renewed && old())
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
