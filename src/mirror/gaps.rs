//! The gap alarm: what the sweep finds and the feed should have told is counted by table and said
//! aloud. A table that is not in the publication is silence, not an error.
//!
//! No clock of a writer decides, since rows are dated back. A row that a sweep finds must have been
//! written after the sweep before it, or that one would have found it. If the feed was up all that
//! time and does not name the row within [`PATIENCE`], it never will.

use std::collections::HashSet;
use std::mem;
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::time::Instant;

use super::Mirror;
use crate::model::change::{PUBLICATION, Table};
use crate::model::realtime::{FeedState, GapCause};
use crate::model::view::{Entity, EntityKind};
use crate::store::Result;
use crate::store::gap::Horizon;
use crate::telemetry;

/// How long the feed may take to name a row that a sweep has found.
const PATIENCE: Duration = Duration::from_secs(5);

/// So many rows at once come from one large transaction, which takes its time to be told.
const BULK: usize = 500;
const BULK_PATIENCE: Duration = Duration::from_mins(1);

/// A row that a sweep found and the feed has not named.
#[derive(Debug, Clone, Copy)]
struct Suspect {
    entity: Entity,
    /// The sweep before.
    written_after: Horizon,
}

/// What the alarm remembers between two sweeps.
#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Whether changes are told.
    up: bool,
    /// Rows that the feed has named since the last sweep, and between the two before it.
    heard: HashSet<Entity>,
    heard_before: HashSet<Entity>,
    /// Rows that the last sweep has found: found again, they are no news.
    found_before: HashSet<Entity>,
    /// Where the last sweep stood, if the feed was up then and has been since.
    last: Option<Horizon>,
    suspects: Vec<Suspect>,
    due: Option<Instant>,
    /// Tables that are not in the publication.
    unpublished: Vec<Table>,
}

impl Gaps {
    /// The feed has named a row.
    pub(super) fn heard(&mut self, entity: Entity) {
        if self.up {
            self.heard.insert(entity);
        }
    }

    /// The feed tells changes from now on. What was written before, it will not name.
    pub(super) fn connected(&mut self) {
        self.disconnected();
        self.up = true;
    }

    /// The feed tells nothing, and everybody knows.
    pub(super) fn disconnected(&mut self) {
        *self = Self {
            unpublished: mem::take(&mut self.unpublished),
            ..Self::default()
        };
    }

    /// The feed has said itself that it cannot name what changed.
    pub(super) fn excused(&mut self) {
        self.last = None;
        self.suspects.clear();
        self.due = None;
    }

    /// When to look at the suspects.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// A sweep that stood at this moment has found these rows; `whole` unless it found too many.
    fn swept(&mut self, at: Horizon, found: &[Entity], whole: bool) {
        if !self.up {
            return;
        }
        if let Some(written_after) = self.last {
            let named = |entity| self.heard.contains(entity) || self.heard_before.contains(entity);
            let news = found
                .iter()
                .filter(|entity| table(entity.kind).is_some())
                .filter(|entity| !named(entity) && !self.found_before.contains(entity))
                .map(|entity| Suspect {
                    entity: *entity,
                    written_after,
                });
            let before = self.suspects.len();
            self.suspects.extend(news);
            let news = self.suspects.len() - before;
            if news > 0 {
                let patience = if news >= BULK {
                    BULK_PATIENCE
                } else {
                    PATIENCE
                };
                self.due = Some(self.due.unwrap_or(Instant::now() + patience));
            }
        }
        self.heard_before = mem::take(&mut self.heard);
        self.found_before = found.iter().copied().collect();
        self.last = whole.then_some(at);
    }

    /// The suspects that the feed has not named meanwhile.
    fn silent(&mut self) -> Vec<Suspect> {
        self.due = None;
        let mut suspects = mem::take(&mut self.suspects);
        suspects.retain(|suspect| {
            let entity = &suspect.entity;
            !self.heard.contains(entity) && !self.heard_before.contains(entity)
        });
        suspects
    }
}

/// The table whose changes name an entity; none for rows of our own.
fn table(kind: EntityKind) -> Option<Table> {
    match kind {
        EntityKind::Message => Some(Table::ProjectChatMessages),
        EntityKind::TaskEvent => Some(Table::TaskEvents),
        EntityKind::Task => Some(Table::Tasks),
        EntityKind::Mode | EntityKind::Digest | EntityKind::Gap | EntityKind::Status => None,
    }
}

impl Mirror {
    /// After a sweep that stood at this moment.
    pub(super) async fn watch_for_gaps(
        &mut self,
        at: Horizon,
        found: &[Entity],
        whole: bool,
    ) -> Result<()> {
        self.gaps.swept(at, found, whole);
        if *self.deps.dials.feed.borrow() == FeedState::Off {
            return Ok(());
        }
        let store = self.deps.channels.store.clone();
        let unpublished = store.unpublished(PUBLICATION).await?;
        for table in Table::ALL {
            let silent = unpublished.contains(table);
            gauge!(telemetry::UNPUBLISHED, "table" => table.as_str())
                .set(f64::from(u8::from(silent)));
        }
        for table in &unpublished {
            self.note_gap(*table, GapCause::Unpublished, 0).await?;
        }
        if store.end_gaps(&unpublished).await? {
            tracing::info!("every table that was missing in the publication is in it again");
            self.status_soon();
        }
        self.gaps.unpublished = unpublished;
        Ok(())
    }

    /// The time of the suspects is up.
    pub(super) async fn judge_suspects(&mut self) {
        let suspects = self.gaps.silent();
        if let Err(error) = self.report(&suspects).await {
            tracing::warn!(%error, "cannot say what the change feed has missed: {error}");
        }
    }

    async fn report(&mut self, suspects: &[Suspect]) -> Result<()> {
        let store = self.deps.channels.store.clone();
        for rows in suspects
            .chunk_by(|a, b| a.entity.kind == b.entity.kind && a.written_after == b.written_after)
        {
            let [first, ..] = rows else { continue };
            let Some(table) = table(first.entity.kind) else {
                continue;
            };
            let ids: Vec<_> = rows.iter().map(|suspect| suspect.entity.id).collect();
            // A row that is found for another reason, a card that somebody removed, was not written.
            let missed = store
                .written_since(table, &ids, first.written_after)
                .await?;
            if missed.is_empty() {
                continue;
            }
            counter!(telemetry::GAP_ROWS, "table" => table.as_str()).increment(missed.len() as u64);
            let cause = if self.gaps.unpublished.contains(&table) {
                GapCause::Unpublished
            } else {
                GapCause::Missed
            };
            let count = i64::try_from(missed.len()).unwrap_or(i64::MAX);
            self.note_gap(table, cause, count).await?;
        }
        Ok(())
    }

    async fn note_gap(&mut self, table: Table, cause: GapCause, found: i64) -> Result<()> {
        let noted = self
            .deps
            .channels
            .store
            .note_gap(table, cause, found)
            .await?;
        if noted.changed {
            tracing::warn!(
                %table,
                found,
                "the change feed does not tell of changes in {table}: rows are found by the sweep alone"
            );
            self.dirty.mark(noted.entity);
            self.status_soon();
        }
        Ok(())
    }
}
