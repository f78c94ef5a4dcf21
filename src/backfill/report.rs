//! The report as people read it. Pure.

use std::fmt::Write as _;

use super::{Options, Outcome, Tally};

/// Which database it was done in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// That of the bridge that runs here, which is this process.
    Bridge(u32),
    /// That of `DATABASE_URL`.
    Configured,
    /// The embedded one of the data folder.
    Embedded,
}

/// The whole report.
pub fn text(outcome: &Outcome, options: Options, whose: Whose) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let whose = match whose {
        Whose::Bridge(pid) => format!("the database of the bridge that runs here (pid {pid})"),
        Whose::Configured => "the database of DATABASE_URL".to_owned(),
        Whose::Embedded => "the embedded database".to_owned(),
    };
    let mut out = format!("clawdos-bridge {version} backfill, {whose}\n\n");
    for (table, tally) in &outcome.tables {
        one(&mut out, table.as_str(), tally, options);
    }
    if outcome.answers_by_old_ids > 0 {
        let _ = writeln!(
            out,
            "\n{} question by the id of the old comment. The bridge reads both ids; ClawdOS's dashboard\n\
             shows such a question as open.",
            counted(
                outcome.answers_by_old_ids,
                "answer names its",
                "answers name their"
            )
        );
    }
    let _ = writeln!(out, "\n{}", end(outcome, options));
    out
}

fn one(out: &mut String, table: &str, tally: &Tally, options: Options) {
    let converted = if options.dry_run {
        "to convert"
    } else {
        "converted"
    };
    let _ = write!(
        out,
        "{table:<13} {} there: {} {converted}, {} carried by an event already",
        grouped(tally.rows),
        grouped(tally.converted),
        grouped(tally.carried)
    );
    for (count, what) in [
        (tally.refusals(), "refused"),
        (tally.busy, "left, as a bridge is sending them just now"),
    ] {
        if count > 0 {
            let _ = write!(out, ", {} {what}", grouped(count));
        }
    }
    out.push('\n');
    for (reason, count) in &tally.refused {
        let reason: String = reason
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        let _ = writeln!(out, "{:<13} {} refused: {reason}", "", grouped(*count));
    }
}

fn end(outcome: &Outcome, options: Options) -> String {
    let took = format!("{:.1} s", outcome.took.as_secs_f64());
    let left: u64 = outcome.tables.iter().map(|(_, tally)| tally.left()).sum();
    if !outcome.finished {
        return format!("Stopped after {took}. Start it again: it goes on where it was.");
    }
    if options.dry_run {
        return format!("Nothing was changed. It took {took}.");
    }
    if left > 0 {
        let rows = counted(left, "row is", "rows are");
        return format!("{rows} not converted and shown as before. It took {took}.");
    }
    format!("Everything is in task_events; the old tables are as they were. It took {took}.")
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// A number with a comma at every thousand.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
