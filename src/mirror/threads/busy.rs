//! What is under way with the threads of tasks, and when they got their names.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use super::ThreadWish;
use crate::model::ChannelId;
use crate::model::task::ThreadNews;

/// What is under way.
#[derive(Debug, Clone, Default)]
pub struct Busy(Arc<Mutex<UnderWay>>);

#[derive(Debug, Default)]
pub(super) struct UnderWay {
    /// Tasks whose thread is in somebody's hands, and whether something else was wished meanwhile.
    tasks: HashMap<(Uuid, bool), bool>,
    /// The name of a task's thread, and when it got its last ones.
    names: HashMap<Uuid, (String, Vec<Instant>)>,
    /// The last news of threads that are nobody's: people may be quicker than we write down.
    pub(super) early: HashMap<ChannelId, ThreadNews>,
}

/// So many new names a thread takes in so long (observed: the third waits for the first one's end).
const NAMES: usize = 2;
const NAMES_IN: Duration = Duration::from_secs(605);

/// Most threads of others that are remembered.
const REMEMBERED: usize = 1_000;

impl Busy {
    pub(super) fn now(&self) -> MutexGuard<'_, UnderWay> {
        // Maps of ids are whole whatever happened to who held them.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nobody has the thread of this task in hand: now we have.
    pub(super) fn begin(&self, wish: &ThreadWish) -> bool {
        let mut now = self.now();
        match now.tasks.entry(wish.key()) {
            Entry::Vacant(free) => {
                free.insert(false);
                true
            }
            Entry::Occupied(mut busy) => {
                busy.insert(true);
                false
            }
        }
    }

    /// Gives back whether something else was wished meanwhile.
    pub(super) fn end(&self, key: (Uuid, bool)) -> bool {
        self.now().tasks.remove(&key).unwrap_or(false)
    }

    /// The thread of a task is called this now.
    pub(super) fn named(&self, task: Uuid, name: &str) {
        let mut now = self.now();
        let (known, times) = now.names.entry(task).or_default();
        if known != name {
            if !known.is_empty() {
                times.push(Instant::now());
                times.drain(..times.len().saturating_sub(NAMES));
            }
            name.clone_into(known);
        }
    }

    /// Whether the thread of a task is called this, as far as is known.
    pub(super) fn is_named(&self, task: Uuid, name: &str) -> bool {
        let known = |(known, _): &(String, Vec<Instant>)| known == name;
        self.now().names.get(&task).is_some_and(known)
    }

    /// How long until the thread of a task may get another name: asked too early, Discord lets all other
    /// changes of it wait as well.
    pub(super) fn patience(&self, task: Uuid) -> Duration {
        let now = self.now();
        let times = now.names.get(&task).map(|(_, times)| times.as_slice());
        match times {
            Some([first, .., _]) => NAMES_IN.saturating_sub(first.elapsed()),
            _ => Duration::ZERO,
        }
    }

    pub(super) fn remember(&self, thread: ChannelId, news: ThreadNews) {
        let mut now = self.now();
        if now.early.len() >= REMEMBERED {
            now.early.clear();
        }
        now.early.insert(thread, news);
    }
}
