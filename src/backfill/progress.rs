//! How far it is: a bar on a terminal, now and then a line elsewhere.

use std::io::{IsTerminal as _, Write as _};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::report::grouped;
use crate::store::backfill::OldTable;

/// Between two lines, where there is no bar.
const LINE_EVERY: Duration = Duration::from_secs(2);

const TEMPLATE: &str =
    "{prefix:<13} [{bar:40}] {human_pos} of {human_len} rows, {elapsed}, {eta} left";

/// Tells on standard error how far it is.
#[derive(Debug)]
pub struct Progress {
    terminal: bool,
    now: Mutex<Option<Now>>,
}

#[derive(Debug)]
struct Now {
    table: OldTable,
    /// Hidden where there is no terminal; it counts all the same.
    bar: ProgressBar,
    told: Instant,
}

impl Progress {
    /// For standard error as it is.
    pub fn on_stderr() -> Self {
        Self {
            terminal: std::io::stderr().is_terminal(),
            now: Mutex::default(),
        }
    }

    /// A table with so many rows is begun.
    pub fn begin(&self, table: OldTable, rows: u64) {
        let bar = if self.terminal {
            let style = ProgressStyle::with_template(TEMPLATE);
            let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(rows).with_style(style);
            bar.with_prefix(table.as_str())
        } else {
            let bar = ProgressBar::hidden();
            bar.set_length(rows);
            bar
        };
        let now = Now {
            table,
            bar,
            told: Instant::now(),
        };
        if !self.terminal {
            now.tell();
        }
        *self.lock() = Some(now);
    }

    /// So many more rows have been walked over.
    pub fn advance(&self, rows: u64) {
        if let Some(now) = self.lock().as_mut() {
            now.bar.inc(rows);
            if !self.terminal && now.told.elapsed() >= LINE_EVERY {
                now.told = Instant::now();
                now.tell();
            }
        }
    }

    /// The table is done.
    pub fn end(&self) {
        if let Some(now) = self.lock().take() {
            now.bar.abandon();
            if !self.terminal {
                now.tell();
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Now>> {
        // Numbers are whole whatever happened to who held them.
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    fn tell(&self) {
        let (position, length) = (self.bar.position(), self.bar.length().unwrap_or_default());
        let line = format!(
            "{}: {} of {} rows\n",
            self.table.as_str(),
            grouped(position),
            grouped(length.max(position))
        );
        // Nobody may be reading.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}
