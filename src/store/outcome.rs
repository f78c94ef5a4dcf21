//! How an approved action ended: in words for people, in the decision and in what dashboards read.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::json;
use sqlx::PgConnection;

use super::chat::storable;
use super::decision::{News, tell};
use super::{Result, StoreError};
use crate::model::ProjectId;
use crate::model::proposal::ProposalRef;

/// Characters of a result that people get to read.
const RESULT: usize = 1500;

/// How an action ended, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Executed(String),
    /// It could not be.
    Failed(String),
}

impl Outcome {
    /// The word in `bridge.decision`.
    pub(super) fn state(&self) -> &'static str {
        match self {
            Self::Executed(_) => "executed",
            Self::Failed(_) => "failed",
        }
    }

    /// What people get to read: results repeat foreign words, so they are bounded, and without
    /// characters that nobody sees.
    pub fn text(&self) -> String {
        let (Self::Executed(text) | Self::Failed(text)) = self;
        let visible = |c: char| c == '\n' || c == '\t' || !c.is_control();
        let mut text: String = storable(text).chars().filter(|c| visible(*c)).collect();
        if text.chars().count() > RESULT
            && let Some((end, _)) = text.char_indices().nth(RESULT - 1)
        {
            text.truncate(end);
            text.push('…');
        }
        text
    }

    /// Tells it to who reads the proposal's row.
    pub(super) async fn announce(
        &self,
        on: &mut PgConnection,
        project: &ProjectId,
        reference: ProposalRef,
        at: DateTime<Utc>,
    ) -> Result<()> {
        let text = self.text();
        let fields = json!({
            "executed_at": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "execution_result": text,
        });
        let line = match self {
            Self::Executed(_) => format!("Executed: {text}"),
            Self::Failed(_) => format!("Failed: {text}"),
        };
        let news = News {
            status: self.state(),
            fields: &fields,
            line: &line,
        };
        tell(on, project, reference, news).await
    }
}

/// Why the database will never take a change; `None` where waiting may help. What a trigger raises
/// (class P0) is somebody's rule, not an outage.
pub(super) fn refusal(error: &StoreError) -> Option<Outcome> {
    let StoreError::Database(sqlx::Error::Database(told)) = error else {
        return None;
    };
    let raised = told.code().is_some_and(|code| code.starts_with("P0"));
    (raised || !error.is_outage())
        .then(|| Outcome::Failed(format!("The database refused it: {}.", told.message())))
}
