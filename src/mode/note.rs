//! Remembers an outage of the database where the database cannot: on disk. A bridge that is started
//! anew meanwhile, or after it, tells people when it is over.

use std::io::ErrorKind;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// The time without a Live mode that is not over yet.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Down {
    /// Since when.
    pub(super) since: DateTime<Utc>,
    /// The last success before it.
    pub(super) last_ok: Option<DateTime<Utc>>,
}

/// The note: a file of a few bytes, there while an outage is not told to be over.
#[derive(Debug)]
pub(super) struct Note {
    path: PathBuf,
}

impl Note {
    /// At this place.
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What an earlier run has left. A note that cannot be read is none: it costs a post.
    pub(super) async fn read(&self) -> Option<Down> {
        let text = tokio::fs::read(&self.path).await.ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// Writes it down; what cannot be written is only missed after a restart.
    pub(super) async fn write(&self, down: Down) {
        let text = serde_json::to_vec(&down).unwrap_or_default();
        if let Err(error) = tokio::fs::write(&self.path, text).await {
            tracing::warn!(%error, "the outage cannot be noted: {error}");
        }
    }

    /// It is over, and told.
    pub(super) async fn remove(&self) {
        match tokio::fs::remove_file(&self.path).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "the note of an outage cannot be removed: {error}");
            }
            _ => {}
        }
    }
}
