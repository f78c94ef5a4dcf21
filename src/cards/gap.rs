//! Realtime gaps, in words.

use super::{Draft, Upkeep};
use crate::model::change::{PUBLICATION, Table};
use crate::model::realtime::{Gap, GapCause};

/// The post that raises the alarm. It counts while it stands, so it is known by its beginning.
pub fn gap_alarm(gap: &Gap) -> Draft {
    let table = gap.table;
    let begins = format!(
        "⚠️ **Realtime gap** in `{table}` (<t:{}:t>):",
        gap.reported_at.timestamp()
    );
    let rows = match gap.found {
        0 => "no row was missed yet".to_owned(),
        1 => "1 row was found only by comparing".to_owned(),
        found => format!("{found} rows were found only by comparing"),
    };
    let why = match (gap.ended_at, gap.cause) {
        (Some(ended), _) => format!(
            "its changes were not announced, {rows}. Mended <t:{}:R>.",
            ended.timestamp()
        ),
        (None, GapCause::Unpublished) => format!(
            "its changes are not announced, {rows}. Nothing is lost, but it comes late. To mend it, \
             run in the database:\n```sql\n{}\n```",
            fix(gap.table)
        ),
        (None, GapCause::Missed) => format!(
            "it is published, and yet {rows}. Nothing is lost, but it comes late. \
             `clawdos-bridge doctor` tells where announcements stop: a row filter of the \
             publication, kinds of changes that it leaves out, row level security, or a limit of \
             Supabase Realtime."
        ),
    };
    Draft {
        upkeep: Upkeep::Counted(begins.len()),
        ..Draft::text(format!("{begins} {why}"))
    }
}

/// What an administrator of the database runs.
fn fix(table: Table) -> String {
    format!(
        "ALTER PUBLICATION {PUBLICATION} ADD TABLE public.{table};\n\
         -- if there is no such publication, first: CREATE PUBLICATION {PUBLICATION};"
    )
}

/// A gap within a line.
pub fn brief(gap: &Gap) -> String {
    match (gap.cause, gap.found) {
        (GapCause::Unpublished, 0) => format!("`{}` (not published)", gap.table),
        (GapCause::Unpublished, found) => {
            format!("`{}` (not published, {found} found late)", gap.table)
        }
        (GapCause::Missed, found) => format!("`{}` ({found} found late)", gap.table),
    }
}
