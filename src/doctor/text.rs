//! The report as people read it: one screen. Pure.

use std::fmt::Write as _;

use super::report::{Group, Line, Report, Status};

/// Columns of a terminal that everything fits into.
const WIDTH: usize = 100;

/// Where the names of checks begin: after the longest mark.
const MARK: usize = 9;

/// Where what was found begins.
const FOUND: usize = 34;

/// Between two checks in one row.
const GAP: usize = 4;

/// What stands before the next step.
const STEP: &str = "→ ";

/// The whole report.
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let whose = match report.bridge_pid {
        Some(pid) => format!(", looking at the bridge that runs here (pid {pid})"),
        None => String::new(),
    };
    line(
        &mut out,
        &format!("clawdos-bridge {} doctor{whose}", report.version),
    );
    for group in Group::ALL {
        let lines = report.checks.iter().filter(|line| line.group == group);
        let lines: Vec<&Line> = lines.collect();
        if lines.is_empty() {
            continue;
        }
        line(&mut out, "");
        line(&mut out, group.title());
        match group {
            Group::Changes | Group::Permissions => in_rows(&mut out, &lines),
            _ => lines.into_iter().for_each(|check| one(&mut out, check)),
        }
    }
    line(&mut out, "");
    line(&mut out, &total(report));
    out
}

/// What is as it should be stands side by side; what is not has a line of its own.
fn in_rows(out: &mut String, lines: &[&Line]) {
    let (good, bad): (Vec<&Line>, Vec<&Line>) =
        lines.iter().partition(|line| line.status == Status::Ok);
    let names = good.iter().map(|line| width(&line.name)).max();
    let name = names.unwrap_or_default() + 1;
    let cells: Vec<String> = good.iter().map(|line| cell(line, name)).collect();
    let cell = cells.iter().map(|cell| width(cell)).max().unwrap_or(1) + GAP;
    let columns = ((WIDTH - MARK + GAP) / cell).max(1);
    // Read downwards, as a list is.
    let rows = cells.len().div_ceil(columns);
    for row in 0..rows {
        let cells = cells.iter().skip(row).step_by(rows);
        let cells: String = cells.map(|text| padded(text, cell)).collect();
        line(out, &(padded(Status::Ok.word(), MARK) + &cells));
    }
    for check in bad {
        one(out, check);
    }
}

fn cell(line: &Line, name: usize) -> String {
    match line.latency_ms {
        Some(latency) => format!("{}{latency:>7.1} ms", padded(&line.name, name)),
        None => line.name.clone(),
    }
}

fn one(out: &mut String, check: &Line) {
    let head = padded(check.status.word(), MARK) + &padded(&check.name, FOUND - MARK);
    wrapped(out, &head, &check.found, FOUND);
    if let Some(step) = &check.next_step {
        let head = " ".repeat(MARK) + STEP;
        wrapped(out, &head, step, width(&head));
    }
}

/// A text behind a head, broken between words; what follows begins at this column. A word that is too
/// long, such as an address, stays whole.
fn wrapped(out: &mut String, head: &str, text: &str, column: usize) {
    let mut current = head.to_owned();
    let mut first = true;
    // Names and errors come from outside, and a terminal obeys control characters.
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    for word in words.filter(|word| !word.is_empty()) {
        if !first && width(&current) + 1 + width(word) > WIDTH {
            line(out, &current);
            current = " ".repeat(column);
            first = true;
        }
        if !first {
            current.push(' ');
        }
        current.push_str(word);
        first = false;
    }
    line(out, &current);
}

fn total(report: &Report) -> String {
    let (warnings, failures) = (report.count(Status::Warning), report.count(Status::Failure));
    let all = report.checks.len();
    if warnings + failures == 0 {
        return format!("{all} checks: all of them ok");
    }
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{all} checks: {} ok, {warnings} warning{}, {failures} failure{}",
        report.count(Status::Ok),
        plural(warnings),
        plural(failures)
    )
}

fn padded(text: &str, to: usize) -> String {
    // One space at least, however long the text is.
    let spaces = to.saturating_sub(width(text)).max(1);
    let mut padded = text.to_owned();
    let _ = write!(padded, "{:spaces$}", "");
    padded
}

fn width(text: &str) -> usize {
    text.chars().count()
}

fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}
