//! A thread as Discord lists it.

use serde::Deserialize;

use crate::model::task::ThreadSeen;
use crate::model::{ChannelId, DiscordMessageId};

/// A thread, as far as we read it.
#[derive(Debug, Deserialize)]
pub struct ListedThread {
    /// Its id.
    pub id: ChannelId,
    /// The channel that it belongs to.
    #[serde(default)]
    pub parent_id: Option<ChannelId>,
    /// The last message in it, which may be gone.
    #[serde(default)]
    pub last_message_id: Option<DiscordMessageId>,
    #[serde(default)]
    name: String,
    #[serde(default)]
    applied_tags: Vec<String>,
    thread_metadata: Option<Metadata>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    archived: bool,
    #[serde(default)]
    locked: bool,
}

impl ListedThread {
    /// How it looks; none for a channel that is no thread.
    pub fn seen(&self) -> Option<ThreadSeen> {
        let metadata = self.thread_metadata.as_ref()?;
        let tags = self.applied_tags.iter();
        Some(ThreadSeen {
            thread: self.id,
            name: self.name.clone(),
            tags: tags.filter_map(|tag| tag.parse().ok()).collect(),
            archived: metadata.archived,
            locked: metadata.locked,
        })
    }
}

/// The answer to a list of threads.
#[derive(Debug, Deserialize)]
pub struct ListedThreads {
    /// The threads.
    pub threads: Vec<ListedThread>,
}
