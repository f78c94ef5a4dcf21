//! What an executor is asked about documents.

use std::time::Duration;

use reqwest::Method;

use super::client::ControlClient;
use super::team::{Asked, asked};
use super::wire::{DocSave, OverviewSave};

/// A person waits for the answer, and it is one row.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A text that is to be written.
#[derive(Debug, Clone)]
pub enum Save {
    /// The mission or the overview, which existing executors write too.
    Overview(OverviewSave),
    /// Any document; only our executor knows how.
    Document(DocSave),
}

impl ControlClient {
    /// Has a text written. Sent once.
    pub async fn save(&self, save: &Save) -> Asked {
        let path = match save {
            Save::Overview(_) => "api/project/overview",
            Save::Document(_) => "api/docs",
        };
        match (self.request(Method::POST, path, TIMEOUT), save) {
            (Ok(request), Save::Overview(body)) => asked(request.json(body)).await,
            (Ok(request), Save::Document(body)) => asked(request.json(body)).await,
            (Err(error), _) => Asked::NotSent(error.to_string()),
        }
    }
}
