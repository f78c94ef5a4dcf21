//! What the ledger is told before and beside the requests.

use super::plan::Action;
use crate::discord::layout::{Channel, Layout};
use crate::model::view::ViewAuthor;
use crate::store::ledger::{NewView, Settled, SettledAs};

/// The views that these actions will make: written before anything is sent.
pub(super) fn new_views(actions: &[Action], layout: &Layout) -> Vec<NewView> {
    actions
        .iter()
        .filter_map(|action| new_view(action, layout))
        .collect()
}

/// Who writes: a persona needs a webhook, else the bot speaks for it.
fn author(has_persona: bool, channel: &Channel) -> ViewAuthor {
    if has_persona && channel.webhook.is_some() {
        ViewAuthor::Webhook
    } else {
        ViewAuthor::Bot
    }
}

/// The view that this action will make, if it makes one and the layout has a place for it.
pub(super) fn new_view(action: &Action, layout: &Layout) -> Option<NewView> {
    let Action::Create {
        key,
        draft,
        row_version,
    } = action
    else {
        return None;
    };
    let channel = layout.at(&key.surface)?;
    Some(NewView {
        key: key.clone(),
        channel: channel.id,
        author: author(draft.persona.is_some(), &channel),
        hash: draft.hash(),
        row_version: row_version.clone(),
    })
}

/// What needs no request.
pub(super) fn noted(notes: Vec<Action>) -> Vec<Settled> {
    notes
        .into_iter()
        .filter_map(|note| {
            let Action::Note { view, row_version } = note else {
                return None;
            };
            let result = match (row_version, view.message) {
                (Some(row_version), Some(message)) => SettledAs::Sent {
                    channel: view.channel,
                    message,
                    hash: view.hash.unwrap_or_default(),
                    row_version,
                    author: view.author,
                },
                _ => SettledAs::Released,
            };
            Some(Settled {
                key: view.key,
                result,
            })
        })
        .collect()
}
