//! The one table that is printed.

use std::fmt;

/// One line: what was measured, what it should be, and what the relays need that were measured on
/// such a machine against a minimal fake Discord (discord.js with LISTEN/NOTIFY, discord.py, a bare
/// Rust loop without a ledger).
#[derive(Debug)]
pub struct Row {
    figure: String,
    measured: String,
    aim: &'static str,
    relays: [&'static str; 3],
}

impl Row {
    /// A line with an aim, and with what the relays need: discord.js, discord.py, bare Rust.
    pub fn new(
        figure: impl Into<String>,
        measured: impl Into<String>,
        aim: &'static str,
        relays: [&'static str; 3],
    ) -> Self {
        Self {
            figure: figure.into(),
            measured: measured.into(),
            aim,
            relays,
        }
    }

    /// A line that explains another.
    pub fn told(figure: impl Into<String>, measured: impl Into<String>) -> Self {
        Self::new(figure, measured, "", ["", "", ""])
    }
}

/// The table.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    quick: bool,
}

impl Table {
    /// An empty table.
    pub fn new(quick: bool) -> Self {
        Self {
            rows: Vec::new(),
            quick,
        }
    }

    /// Adds lines.
    pub fn extend(&mut self, rows: Vec<Row>) {
        self.rows.extend(rows);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        writeln!(
            f,
            "clawdos-bridge {}, {cores} cores{}",
            env!("CARGO_PKG_VERSION"),
            if self.quick {
                ", quick: not numbers to quote"
            } else {
                ""
            },
        )?;
        writeln!(f)?;
        writeln!(
            f,
            "| figure | measured | aim | discord.js relay | discord.py relay | bare Rust loop |"
        )?;
        write!(f, "|---|---|---|---|---|---|")?;
        for row in &self.rows {
            let [js, py, rust] = row.relays;
            write!(
                f,
                "\n| {} | {} | {} | {js} | {py} | {rust} |",
                row.figure, row.measured, row.aim
            )?;
        }
        Ok(())
    }
}
