//! `clawdos-bridge backfill`: old comments and outputs become events, a batch at a time.
//!
//! Nothing is remembered outside the database: whoever begins anew walks over what is done, and goes on. Two who do it
//! at the same time share the work.

mod progress;
mod report;

use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

pub use progress::Progress;
pub use report::{Whose, text};

use crate::store::backfill::{Cursor, Fate, OldTable};
use crate::store::{Result, Store, StoreError};

/// Walks over a table at most: what is written while we walk may lie behind us.
const WALKS: u32 = 60;

/// Pause before the next walk, where a bridge is just sending what is to be converted.
const PAUSE: Duration = Duration::from_millis(500);

/// How often a transaction is tried that meets others at the wrong moment.
const TRIES: u32 = 10;

/// How it is done.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// Rows per transaction.
    pub batch: u32,
    /// Whether everything is counted and nothing changed.
    pub dry_run: bool,
}

/// What became of the rows of one old table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that were there.
    pub rows: u64,
    /// Rows that became events; with a dry run, that would.
    pub converted: u64,
    /// Rows that an event carried already.
    pub carried: u64,
    /// Rows that a bridge was sending all the time.
    pub busy: u64,
    /// Rows that the database refuses, by what it says.
    pub refused: BTreeMap<String, u64>,
}

impl Tally {
    /// Rows that are refused, whatever the reason.
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Rows that are still to be converted.
    pub fn left(&self) -> u64 {
        self.busy + self.refusals()
    }
}

/// What came of it all.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// By table, as far as it went.
    pub tables: Vec<(OldTable, Tally)>,
    /// Answers that name a comment by the id that it had before.
    pub answers_by_old_ids: u64,
    /// Whether it came to the end.
    pub finished: bool,
    /// How long it took.
    pub took: Duration,
}

impl Outcome {
    /// Whether nothing is left to do.
    pub fn is_complete(&self) -> bool {
        self.finished && self.tables.iter().all(|(_, tally)| tally.left() == 0)
    }
}

/// Converts everything. Whoever stops polling it finds in `outcome` how far it came.
pub async fn convert(
    store: &Store,
    options: Options,
    progress: &Progress,
    outcome: &mut Outcome,
) -> Result<()> {
    for table in OldTable::ALL {
        outcome.tables.push((table, Tally::default()));
        let Some((_, tally)) = outcome.tables.last_mut() else {
            continue;
        };
        progress.begin(table, store.count_old(table).await?);
        let mut work = Work {
            store,
            options,
            table,
            tally,
        };
        let done = work.whole(progress).await;
        progress.end();
        done?;
    }
    if !options.dry_run {
        outcome.answers_by_old_ids = store.answers_by_old_ids().await?;
    }
    outcome.finished = true;
    Ok(())
}

/// The work on one table.
struct Work<'a> {
    store: &'a Store,
    options: Options,
    table: OldTable,
    tally: &'a mut Tally,
}

impl Work<'_> {
    /// Walks until a walk finds nothing to do.
    async fn whole(&mut self, progress: &Progress) -> Result<()> {
        for walk in 0..WALKS {
            let before = self.tally.converted;
            *self.tally = Tally {
                converted: before,
                ..Tally::default()
            };
            self.walk(|rows| {
                if walk == 0 {
                    progress.advance(rows);
                }
            })
            .await?;
            // What the walks before converted is carried now.
            self.tally.carried = self.tally.carried.saturating_sub(before);
            let busy = self.tally.busy;
            let idle = self.tally.converted == before && busy == 0;
            if self.options.dry_run || idle {
                break;
            }
            if busy > 0 {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    async fn walk(&mut self, mut walked: impl FnMut(u64)) -> Result<()> {
        let carried = self.store.carried(self.table).await?;
        let mut cursor = Cursor::start();
        while let Some((rows, next)) = self
            .store
            .old_rows(self.table, &cursor, self.options.batch)
            .await?
        {
            let all = rows.len() as u64;
            let todo = rows.into_iter().filter(|row| !carried.contains(row));
            let todo: Vec<Uuid> = todo.map(|row| row.id).collect();
            self.tally.carried += all - todo.len() as u64;
            self.page(&todo).await?;
            self.tally.rows += all;
            walked(all);
            cursor = next;
        }
        Ok(())
    }

    async fn page(&mut self, rows: &[Uuid]) -> Result<()> {
        if self.options.dry_run {
            self.tally.converted += rows.len() as u64;
            return Ok(());
        }
        match self.batch(rows).await {
            Err(error) if error.against_row().is_some() => {}
            done => return done,
        }
        // One row that is refused must not take the others with it.
        for row in rows {
            let done = self.batch(&[*row]).await;
            if let Some(reason) = done.as_ref().err().and_then(StoreError::against_row) {
                *self.tally.refused.entry(reason).or_default() += 1;
            } else {
                done?;
            }
        }
        Ok(())
    }

    /// One transaction.
    async fn batch(&mut self, rows: &[Uuid]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut tries = 1;
        let fates = loop {
            match self.store.convert_old(self.table, rows).await {
                Err(error) if error.is_collision() && tries < TRIES => tries += 1,
                done => break done?,
            }
        };
        let mut taken = Vec::new();
        for (row, fate) in fates {
            match fate {
                Fate::Converted => self.tally.converted += 1,
                Fate::Busy => self.tally.busy += 1,
                Fate::Taken => taken.push(row),
                Fate::Gone => {}
            }
        }
        if taken.is_empty() {
            return Ok(());
        }
        // Somebody else has converted them meanwhile, unless the event is another one.
        let carried = self.store.have_their_events(self.table, &taken).await?;
        self.tally.carried += carried;
        let others = taken.len() as u64 - carried;
        if others > 0 {
            *self.tally.refused.entry(TAKEN.to_owned()).or_default() += others;
        }
        Ok(())
    }
}

/// Why a row is refused whose event would have the id of another.
const TAKEN: &str = "another event has the id that the row's event would have";
