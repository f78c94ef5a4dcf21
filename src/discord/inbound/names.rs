//! What roles and channels are called: learned from what Discord tells, used for what people write.

use std::sync::{Arc, PoisonError, RwLock};

use crate::discord::events::Written;
use crate::model::UserId;
use crate::model::mentions::{Names, Naming, readable};

/// Most names of either kind. A server has at most 250 roles and 500 channels (source: Discord), and
/// some thousand threads.
const MOST: usize = 10_000;

/// The names of our server. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Directory {
    names: Arc<RwLock<Names>>,
    bot: UserId,
}

impl Directory {
    pub(super) fn new(bot: UserId) -> Self {
        let names = Arc::default();
        Self { names, bot }
    }

    /// More names, or others for what is known.
    pub(super) fn learn(&self, told: Names) {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        if names.roles.len() + told.roles.len() <= MOST {
            names.roles.extend(told.roles);
        }
        if names.channels.len() + told.channels.len() <= MOST {
            names.channels.extend(told.channels);
        }
    }

    /// What a person wrote, with names instead of numbers, and what they sent along.
    pub(super) fn readable(&self, written: &Written) -> String {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let naming = Naming {
            names: &names,
            users: &written.mentions,
            bot: Some(self.bot),
        };
        let parts = [&written.text, &written.beside];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let parts: Vec<String> = parts.map(|part| readable(part, &naming)).collect();
        parts.join("\n")
    }
}
