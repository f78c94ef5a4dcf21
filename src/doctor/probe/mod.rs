//! The real proof: a row per table is committed, and its event has to come out of the feed.
//!
//! Over logical replication the row is removed in the transaction that wrote it: the log tells both, and nobody ever
//! sees it. Supabase Realtime asks again whether a row may be seen, so there it is kept until its event came, and
//! removed on every way out; what a kill leaves, the next doctor removes.

mod ear;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use self::ear::Ear;
use super::{Group, Line};
use crate::feed::websocket::WebsocketSettings;
use crate::feed::{Replication, ReplicationSettings, Stream, Websocket};
use crate::model::change::Table;
use crate::store::probe::{PROBE_PROJECT, ProbeError, Prober, probe_order};

/// How long an event may take over replication, which needs a millisecond.
const EVENT_LIMIT: Duration = Duration::from_secs(5);

/// The same over Supabase Realtime, which looks into its slot every 100 ms and asks for each row whether it may be
/// seen.
const REALTIME_LIMIT: Duration = Duration::from_secs(10);

/// How long the feed may take to connect. A slot waits for every transaction that is open.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// The same over Supabase Realtime, which may first have to connect to its database: nineteen subscriptions may take
/// 30 s.
const SUBSCRIBE_LIMIT: Duration = Duration::from_secs(45);

/// Tables that the bridge itself writes to (source: `store/`). What it only reads need not take a row of ours.
const WRITTEN: [Table; 9] = [
    Table::Activities,
    Table::BrainDocs,
    Table::ChatDeliveryQueue,
    Table::CronCreateRequests,
    Table::ProjectChatMessages,
    Table::ProjectChatThreads,
    Table::ProjectSettings,
    Table::TaskEvents,
    Table::Tasks,
];

/// What became of the probes.
#[derive(Default)]
struct Results {
    /// When the COMMIT of a table's row was sent.
    sent: HashMap<Table, Instant>,
    unwritten: HashMap<Table, ProbeError>,
}

impl Results {
    /// Notes what did not work; true if nothing more will.
    fn failed(&mut self, table: Table, error: ProbeError) -> bool {
        let over = matches!(error, ProbeError::Lost(_));
        self.unwritten.insert(table, error);
        over
    }
}

/// Probes every table over logical replication.
pub(super) async fn replication(
    url: &SecretString,
    silent: &HashSet<Table>,
    cancel: &CancellationToken,
) -> Vec<Line> {
    let settings = ReplicationSettings::new(url.clone());
    let mut ear = Ear::open(|tx, stop| Replication::new(settings).run(tx, stop));
    let lines = match ear.connected(CONNECT_LIMIT, cancel).await {
        Err(reason) => vec![no_feed(&reason)],
        Ok(()) => match Prober::open(url).await {
            Err(error) => vec![unopened(&error)],
            Ok(mut prober) => {
                let results = unseen(&mut prober, silent, cancel).await;
                prober.close().await;
                ear.told(&results.sent, EVENT_LIMIT, cancel).await;
                lines(&ear, &results, silent, EVENT_LIMIT)
            }
        },
    };
    ear.close().await;
    lines
}

/// Rows that are gone before anybody could see them. Stops between two tables when it is cancelled.
async fn unseen(
    prober: &mut Prober,
    silent: &HashSet<Table>,
    cancel: &CancellationToken,
) -> Results {
    let mut results = Results::default();
    for table in probe_order().filter(|table| !silent.contains(table)) {
        if cancel.is_cancelled() {
            break;
        }
        let written = prober.rehearse(table).await;
        let sent = Instant::now();
        let committed = match written {
            Ok(()) => prober.commit().await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(()) => {
                results.sent.insert(table, sent);
            }
            Err(error) => {
                if results.failed(table, error) {
                    break;
                }
            }
        }
    }
    results
}

/// Probes every table over Supabase Realtime.
pub(super) async fn websocket(
    url: &SecretString,
    settings: &WebsocketSettings,
    silent: &HashSet<Table>,
    cancel: &CancellationToken,
) -> Vec<Line> {
    let Ok(project) = PROBE_PROJECT.parse() else {
        return Vec::new();
    };
    let settings = WebsocketSettings {
        project,
        ..settings.clone()
    };
    let gaps = Arc::new(Mutex::new(String::new()));
    let board = Arc::clone(&gaps);
    let observer = Box::new(move |stream: Stream<'_>| {
        if let Stream::Partly(reason) = stream {
            let mut gaps = board.lock().unwrap_or_else(PoisonError::into_inner);
            reason.clone_into(&mut gaps);
        }
    });
    let feed = Websocket::new(settings).observed_by(observer);
    let mut ear = Ear::open(|tx, stop| feed.run(tx, stop));
    let mut lines = match ear.connected(SUBSCRIBE_LIMIT, cancel).await {
        Err(reason) => vec![no_feed(&reason)],
        Ok(()) => match Prober::open(url).await {
            Err(error) => vec![unopened(&error)],
            Ok(prober) => seen(prober, &mut ear, silent, cancel).await,
        },
    };
    let gaps = gaps.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if !gaps.is_empty() {
        lines.push(Line::failure(Group::Changes, "subscriptions", "").explained(&gaps));
    }
    ear.close().await;
    lines
}

/// Rows that stay until their events came. Whatever happens in between, they are removed at the end.
async fn seen(
    mut prober: Prober,
    ear: &mut Ear,
    silent: &HashSet<Table>,
    cancel: &CancellationToken,
) -> Vec<Line> {
    let mut results = Results::default();
    let writable = removable(&mut prober, silent, cancel, &mut results).await;
    // A statement that was sent is waited for: nothing may be committed after the rows were removed.
    let began = prober.keep_project().await;
    if began.is_ok() {
        keep(&mut prober, &writable, cancel, &mut results).await;
        ear.told(&results.sent, REALTIME_LIMIT, cancel).await;
    }
    let removed = prober.remove_all().await;
    prober.close().await;
    let mut lines = match began {
        Ok(()) => lines(ear, &results, silent, REALTIME_LIMIT),
        Err(error) => vec![unopened(&error)],
    };
    if let Err(error) = removed {
        lines.push(leftovers(&error));
    }
    lines
}

/// The tables of which a row can be removed again, tried without committing anything.
async fn removable(
    prober: &mut Prober,
    silent: &HashSet<Table>,
    cancel: &CancellationToken,
    results: &mut Results,
) -> Vec<Table> {
    let mut writable = Vec::new();
    for table in probe_order().filter(|table| !silent.contains(table)) {
        if cancel.is_cancelled() {
            return Vec::new();
        }
        let tried = match prober.rehearse(table).await {
            Ok(()) => prober.roll_back().await,
            Err(error) => Err(error),
        };
        match tried {
            Ok(()) => writable.push(table),
            Err(error) => {
                if results.failed(table, error) {
                    break;
                }
            }
        }
    }
    writable
}

async fn keep(
    prober: &mut Prober,
    writable: &[Table],
    cancel: &CancellationToken,
    results: &mut Results,
) {
    for table in writable {
        if cancel.is_cancelled() {
            return;
        }
        let written = prober.keep(*table).await;
        let sent = Instant::now();
        let committed = match written {
            Ok(()) => prober.commit().await,
            Err(error) => Err(error),
        };
        match committed {
            Ok(()) => {
                results.sent.insert(*table, sent);
            }
            Err(error) => {
                if results.failed(*table, error) {
                    return;
                }
            }
        }
    }
}

/// A line per table.
fn lines(ear: &Ear, results: &Results, silent: &HashSet<Table>, limit: Duration) -> Vec<Line> {
    let heard = ear.heard();
    let line = |table: &Table| {
        if silent.contains(table) {
            return failure(*table, "nobody announces its changes")
                .next("See publication, under Database.");
        }
        if let Some(error) = results.unwritten.get(table) {
            return unwritten(*table, error);
        }
        let Some(sent) = results.sent.get(table) else {
            return failure(*table, "not probed: the connection broke before its turn");
        };
        match (heard.events.get(table), &heard.lost) {
            (Some(event), _) => {
                let latency = event.saturating_duration_since(*sent);
                let found = format!("{:.1} ms", latency.as_secs_f64() * 1_000.0);
                Line::ok(Group::Changes, table.as_str(), found).took(latency)
            }
            (None, Some(reason)) => failure(*table, "").explained(reason),
            (None, None) => failure(*table, format!("no event within {} s", limit.as_secs())).next(
                "Look at the database's log and run doctor again. Until its events come, rows of this table are \
                 found by the sweep, every 30 s.",
            ),
        }
    };
    Table::ALL.iter().map(line).collect()
}

fn failure(table: Table, found: impl Into<String>) -> Line {
    Line::failure(Group::Changes, table.as_str(), found)
}

/// The bridge does its work without a row of ours in a table that it only reads: then it is merely not proven that
/// its changes arrive. That a row cannot be removed again is no harm to it either.
fn unwritten(table: Table, error: &ProbeError) -> Line {
    let ours = WRITTEN.contains(&table) && *error != ProbeError::WouldStay;
    let found = format!("not probed: {error}");
    if matches!(error, ProbeError::Forbidden(_)) {
        return failure(table, found).next(
            "The bridge and everybody else fail there as well. Drop the table that is named from the \
             publication, and add it without WHERE.",
        );
    }
    let step =
        "Let DATABASE_URL name the role that owns the ClawdOS tables, or grant it what is missing.";
    if ours {
        failure(table, found).next(format!("The bridge writes to this table. {step}"))
    } else {
        Line::warning(Group::Changes, table.as_str(), found).next(step)
    }
}

fn no_feed(reason: &str) -> Line {
    Line::failure(Group::Changes, "all tables", "").explained(reason)
}

fn unopened(error: &ProbeError) -> Line {
    let found = format!("not probed: {error}");
    match error {
        ProbeError::Busy => Line::warning(Group::Changes, "all tables", found)
            .next("Wait until it has ended, and run doctor again."),
        _ => Line::failure(Group::Changes, "all tables", found)
            .next("Check DATABASE_URL and that its role may write to the table projects."),
    }
}

fn leftovers(error: &ProbeError) -> Line {
    let found = format!("rows of the project {PROBE_PROJECT} may be left: {error}");
    Line::failure(Group::Changes, "removal of the probes", found)
        .next("Run doctor again: it begins by removing them.")
}
