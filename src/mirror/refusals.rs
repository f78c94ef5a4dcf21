//! What Discord has refused for want of a permission: asked again when the bot may something else, or
//! after minutes, and not at every look.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::discord::layout::Layout;

/// Until something is asked again although nothing has changed.
pub const AGAIN: Duration = Duration::from_mins(10);

/// Most refusals that are remembered.
const MOST: usize = 10_000;

/// Refusals, by what was refused.
pub struct Refusals<K>(Arc<Mutex<Known<K>>>);

/// By what was refused: under which layout, and when.
type Known<K> = HashMap<K, (Arc<Layout>, Instant)>;

impl<K> Clone for Refusals<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K> Default for Refusals<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K> fmt::Debug for Refusals<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusals").finish_non_exhaustive()
    }
}

impl<K: Eq + Hash> Refusals<K> {
    /// Something was refused under this layout.
    pub fn note(&self, what: K, layout: Arc<Layout>) {
        // A map is whole whatever happened to who held it.
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(what, (layout, Instant::now()));
    }

    /// Whether asking now would be refused again.
    pub fn stands(&self, what: &K, layout: &Arc<Layout>) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((then, at)) = all.get(what) else {
            return false;
        };
        let stands = Arc::ptr_eq(then, layout) && at.elapsed() < AGAIN;
        if !stands {
            all.remove(what);
        }
        stands
    }
}
