//! The gap alarm: what the sweep finds and the feed should have told is counted by table and said
//! aloud. A table that is not in the publication is silence, not an error.
//!
//! No clock of a writer decides, since rows are dated back. A row that a sweep finds must have been
//! written after the sweep before it, or that one would have found it. If the feed was up all that
//! time and does not name the row within [`PATIENCE`], it never will.

use std::collections::{HashMap, HashSet};
use std::mem;
use std::time::Duration;

use metrics::{counter, gauge};
use tokio::time::Instant;
use uuid::Uuid;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Suspect {
    /// The sweep before.
    written_after: Horizon,
    /// Until when the feed may name it.
    due: Instant,
    /// Why it would not.
    cause: GapCause,
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
    suspects: HashMap<Entity, Suspect>,
    /// Tables that are not in the publication.
    unpublished: Vec<Table>,
}

impl Gaps {
    /// The feed has named a row.
    pub(super) fn heard(&mut self, entity: Entity) {
        if self.up {
            self.heard.insert(entity);
            self.suspects.remove(&entity);
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
    }

    /// When to look at the suspects.
    pub(super) fn due(&self) -> Option<Instant> {
        self.suspects.values().map(|suspect| suspect.due).min()
    }

    /// A sweep that stood at this moment has found these rows; `whole` unless it found too many.
    /// `silent` are the tables that were not published, before it or now.
    fn swept(&mut self, at: Horizon, found: &[Entity], whole: bool, silent: &[Table]) {
        if !self.up {
            return;
        }
        if let Some(written_after) = self.last {
            let named = |entity| self.heard.contains(entity) || self.heard_before.contains(entity);
            let news: Vec<Entity> = found
                .iter()
                .filter(|entity| table(entity.kind).is_some())
                .filter(|entity| !named(entity) && !self.found_before.contains(entity))
                .copied()
                .collect();
            let patience = if news.len() >= BULK {
                BULK_PATIENCE
            } else {
                PATIENCE
            };
            let due = Instant::now() + patience;
            for entity in news {
                let silent = table(entity.kind).is_some_and(|it| silent.contains(&it));
                let cause = if silent {
                    GapCause::Unpublished
                } else {
                    GapCause::Missed
                };
                self.suspects.entry(entity).or_insert(Suspect {
                    written_after,
                    due,
                    cause,
                });
            }
        }
        self.heard_before = mem::take(&mut self.heard);
        self.found_before = found.iter().copied().collect();
        self.last = whole.then_some(at);
    }

    /// The suspects whose time is up, those that have everything in common together.
    fn silent(&mut self) -> Vec<(Table, Suspect, Vec<Uuid>)> {
        let now = Instant::now();
        let mut silent: Vec<(Table, Suspect, Vec<Uuid>)> = Vec::new();
        for (entity, suspect) in self.suspects.extract_if(|_, suspect| suspect.due <= now) {
            let Some(table) = table(entity.kind) else {
                continue;
            };
            let same = silent
                .iter_mut()
                .find(|it| (it.0, it.1) == (table, suspect));
            match same {
                Some((_, _, ids)) => ids.push(entity.id),
                None => silent.push((table, suspect, vec![entity.id])),
            }
        }
        silent
    }
}

/// The table whose changes name an entity; none for rows of our own.
fn table(kind: EntityKind) -> Option<Table> {
    match kind {
        EntityKind::Message => Some(Table::ProjectChatMessages),
        EntityKind::TaskComment => Some(Table::TaskComments),
        EntityKind::TaskOutput => Some(Table::TaskOutputs),
        EntityKind::TaskEvent => Some(Table::TaskEvents),
        EntityKind::Task => Some(Table::Tasks),
        EntityKind::Activity => Some(Table::Activities),
        // A delivery is also found for what its message has become.
        EntityKind::Delivery
        | EntityKind::Mode
        | EntityKind::Digest
        | EntityKind::Gap
        | EntityKind::Status
        | EntityKind::ActivityPost
        | EntityKind::Heartbeat
        | EntityKind::Mission => None,
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
        if *self.deps.dials.feed.borrow() == FeedState::Off {
            return Ok(());
        }
        let store = self.deps.channels.store.clone();
        let unpublished = store.unpublished(PUBLICATION).await?;
        let before = mem::replace(&mut self.gaps.unpublished, unpublished.clone());
        let silent = [before, unpublished.clone()].concat();
        self.gaps.swept(at, found, whole, &silent);
        for table in Table::ALL {
            let silent = unpublished.contains(table);
            gauge!(telemetry::UNPUBLISHED, "table" => table.as_str())
                .set(f64::from(u8::from(silent)));
        }
        for table in &unpublished {
            self.note_gap(*table, GapCause::Unpublished, 0).await?;
        }
        let ended = store.end_gaps(&unpublished).await?;
        if !ended.is_empty() {
            tracing::info!("{} tables are in the publication again", ended.len());
            self.status_soon();
        }
        for report in ended {
            self.dirty.mark(report);
        }
        Ok(())
    }

    /// The time of some suspects is up.
    pub(super) async fn judge_suspects(&mut self) {
        for (table, suspect, ids) in self.gaps.silent() {
            if let Err(error) = self.judge(table, suspect, &ids).await {
                tracing::warn!(%error, "cannot say what the change feed has missed: {error}");
            }
        }
    }

    /// A row that is found for another reason, a view that the ledger has lost, was not written.
    async fn judge(&mut self, table: Table, suspect: Suspect, ids: &[Uuid]) -> Result<()> {
        let store = self.deps.channels.store.clone();
        let missed = store.written_since(table, ids, suspect.written_after);
        let missed = missed.await?.len();
        if missed == 0 {
            return Ok(());
        }
        counter!(telemetry::GAP_ROWS, "table" => table.as_str()).increment(missed as u64);
        let found = i64::try_from(missed).unwrap_or(i64::MAX);
        self.note_gap(table, suspect.cause, found).await
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
