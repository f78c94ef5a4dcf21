//! What the bot may not do with threads is not asked for at every look.

use uuid::Uuid;

use super::{Step, ThreadHands, ThreadWish};
use crate::discord::rest::RestError;
use crate::model::rights::Permission;
use crate::model::view::Surface;

impl ThreadHands {
    /// Whether a wish can come true, as far as is known.
    pub(super) fn may(&self, wish: &ThreadWish) -> bool {
        let layout = self.layout.borrow();
        let refused = self.refusals.stands(&wish.key(), &layout);
        let needs = match &wish.step {
            // A post of a forum is there already.
            Step::Open { card, .. } if card.0.get() != card.1.get() => {
                Some((card.0, Permission::CreatePublicThreads))
            }
            // Whoever has opened a thread may change it, and may not remove it.
            Step::Remove { .. } => {
                let tasks = layout.channel(&Surface::Tasks);
                tasks.map(|it| (it.id, Permission::ManageThreads))
            }
            _ => None,
        };
        !refused && needs.is_none_or(|(channel, what)| layout.may(channel, what))
    }

    /// Remembers what Discord does not let the bot do.
    pub(super) fn note_refusal(&self, key: (Uuid, bool), error: &anyhow::Error) {
        let rest = error.downcast_ref::<RestError>();
        if rest.is_some_and(|error| error.status() == Some(403)) {
            self.refusals.note(key, self.layout.borrow().clone());
        }
    }
}
