//! The threads of tasks: which one shows which task, and the forum that they stand in.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{AUDIT_REASON, Builder, Channel, Layout};
use crate::discord::lanes::Class;
use crate::discord::rest::{ErrorKind, Request, RestError, Route};
use crate::model::ChannelId;
use crate::model::view::Surface;

/// Our tags: the word of a task's state, and how the tag is called when we make it.
pub(super) const TAGS: [(&str, &str); 9] = [
    ("proposed", "Proposed"),
    ("inbox", "Inbox"),
    ("assigned", "Assigned"),
    ("in_progress", "In progress"),
    ("review", "Review"),
    ("done", "Done"),
    ("blocked", "Blocked"),
    ("stopped", "Stopped"),
    ("rejected", "Rejected"),
];

/// Most tags of a forum (source: Discord, error 30048).
const MOST_TAGS: usize = 20;

/// Which thread shows which task. Everybody who has a layout sees the same.
#[derive(Debug, Clone, Default)]
pub struct Threads(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    threads: HashMap<Uuid, ChannelId>,
    tasks: HashMap<ChannelId, Uuid>,
    /// Tasks whose threads show everything that happened before they were there.
    whole: HashSet<Uuid>,
}

impl Threads {
    /// From now on this thread shows this task.
    pub fn open(&self, task: Uuid, thread: ChannelId) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = known.threads.insert(task, thread)
            && before != thread
        {
            known.tasks.remove(&before);
            known.whole.remove(&task);
        }
        known.tasks.insert(thread, task);
    }

    /// The threads of these tasks show everything that happened before they were there.
    pub fn fill(&self, tasks: &[Uuid]) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        known.whole.extend(tasks);
    }

    /// Whether the thread of a task does.
    pub fn is_whole(&self, task: Uuid) -> bool {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.whole.contains(&task)
    }

    /// Nothing can be written in the thread of this task any more.
    pub fn close(&self, task: Uuid) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = known.threads.remove(&task) {
            known.tasks.remove(&thread);
        }
        known.whole.remove(&task);
    }

    /// All of them are gone.
    pub fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }

    /// The thread of a task.
    pub fn thread(&self, task: Uuid) -> Option<ChannelId> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.threads.get(&task).copied()
    }

    /// The task that a thread shows.
    pub fn task(&self, thread: ChannelId) -> Option<Uuid> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.tasks.get(&thread).copied()
    }
}

/// A tag of a forum.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub(super) struct Tag {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    pub(super) name: String,
    #[serde(default)]
    pub(super) moderated: bool,
    #[serde(default)]
    emoji_id: Option<String>,
    #[serde(default)]
    emoji_name: Option<String>,
}

impl Tag {
    fn id(&self) -> Option<u64> {
        self.id.as_deref()?.parse().ok()
    }
}

/// The forum of tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forum {
    pub(super) tags: Vec<Tag>,
    /// The tags of ours, by the words of tasks' states.
    ours: HashMap<String, u64>,
}

impl Forum {
    pub(super) fn new(tags: Vec<Tag>) -> Self {
        Self {
            tags,
            ours: HashMap::new(),
        }
    }

    /// The tag of a word; none where the forum has no room for it.
    pub fn tag(&self, word: &str) -> Option<u64> {
        self.ours.get(word).copied()
    }

    /// The tags of ours, by their words.
    pub fn tags(&self) -> &HashMap<String, u64> {
        &self.ours
    }

    /// Finds our tags: by id where one is known, whatever people call it now, else by name.
    fn find(&mut self, known: &HashMap<String, u64>) {
        let there = |id: u64| self.tags.iter().any(|tag| tag.id() == Some(id));
        let mut ours = HashMap::new();
        for (word, name) in TAGS {
            let known = known.get(word).copied().filter(|id| there(*id));
            let named = || {
                let mut tags = self.tags.iter();
                tags.find(|tag| tag.name.eq_ignore_ascii_case(name))?.id()
            };
            if let Some(id) = known.or_else(named) {
                ours.insert(word.to_owned(), id);
            }
        }
        self.ours = ours;
    }
}

#[derive(Deserialize)]
struct Tagged {
    #[serde(default)]
    available_tags: Vec<Tag>,
}

impl Layout {
    /// The channel of a surface, that of a task's thread included.
    pub fn at(&self, surface: &Surface) -> Option<Cow<'_, Channel>> {
        let Surface::Task(task) = surface else {
            return self.channel(surface).map(Cow::Borrowed);
        };
        let parent = self.channel(&Surface::Tasks)?;
        Some(Cow::Owned(Channel {
            webhook: parent.webhook.clone(),
            ..Channel::new(self.threads.thread(*task)?)
        }))
    }

    /// The threads of tasks.
    pub fn threads(&self) -> &Threads {
        &self.threads
    }

    /// The forum of tasks; none where they stand in a text channel.
    pub fn forum(&self) -> Option<&Forum> {
        self.forum.as_ref()
    }

    /// The same layout with these threads.
    #[must_use]
    pub fn with_threads(mut self, threads: Threads) -> Self {
        self.threads = threads;
        self
    }
}

impl Builder {
    /// Makes sure that the forum has our tags, as far as there is room. `known` are their ids from
    /// before. Without the right to change the forum its posts go without tags.
    pub async fn tag(
        &self,
        mut layout: Layout,
        known: &HashMap<String, u64>,
    ) -> Result<Layout, RestError> {
        let channel = layout.channel(&Surface::Tasks).map(|it| it.id);
        let (Some(channel), Some(forum)) = (channel, &mut layout.forum) else {
            return Ok(layout);
        };
        forum.find(known);
        let missing = TAGS.iter().filter(|(word, _)| forum.tag(word).is_none());
        let room = MOST_TAGS.saturating_sub(forum.tags.len());
        let missing: Vec<Tag> = missing.take(room).map(|(_, name)| new_tag(name)).collect();
        if missing.is_empty() {
            return Ok(layout);
        }
        let all: Vec<&Tag> = forum.tags.iter().chain(&missing).collect();
        let request = Request::new(Route::modify_channel(channel.get()))
            .json(&json!({ "available_tags": all }))
            .audit_reason(AUDIT_REASON);
        let changed = self.lanes.submit(Class::Interactive, request).await;
        match changed.json::<Tagged>().into_result() {
            Ok(now) => {
                forum.tags = now.available_tags;
                forum.find(known);
            }
            Err(error) if error.kind() == ErrorKind::Rejected => {
                tracing::warn!(%error, "the forum of tasks gets no tags: {error}");
            }
            Err(error) => return Err(error),
        }
        Ok(layout)
    }
}

pub(super) fn new_tag(name: &str) -> Tag {
    Tag {
        id: None,
        name: name.to_owned(),
        moderated: false,
        emoji_id: None,
        emoji_name: None,
    }
}
