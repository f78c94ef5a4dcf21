//! The database: whether it answers, whether its schema is ours, and what stands in the feed's way.

use std::collections::HashSet;
use std::time::Duration;

use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{Feed, Group, Line, Operators, Subject, in_time, probe};
use crate::feed::check::{check, check_catalogs, check_visibility};
use crate::feed::websocket::WebsocketSettings;
use crate::feed::{FeedProblem, PUBLICATION, ReplicationSettings};
use crate::model::ProjectId;
use crate::model::change::Table;
use crate::model::realtime::{Gap, GapCause};
use crate::store::inspect::Inspector;
use crate::store::migrate::MigrationError;

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

const GROUP: Group = Group::Database;

/// Tables whose changes were not announced to a running bridge.
const GAPS: &str = "realtime gaps";

/// What is told of the database and its changes.
pub(super) async fn look(subject: &Subject, cancel: &CancellationToken) -> Vec<Line> {
    let url = match &subject.database {
        Ok(url) => url,
        Err(reason) => return vec![Line::failure(GROUP, "connection", "").explained(reason)],
    };
    let connecting = tokio::time::timeout(CONNECT_LIMIT, Inspector::connect(url));
    let inspector = match cancel.run_until_cancelled(connecting).await {
        None => return Vec::new(),
        Some(Ok(Ok(inspector))) => inspector,
        Some(Ok(Err(error))) => return vec![unreachable(&error.to_string())],
        Some(Err(_)) => return vec![unreachable("no answer in time")],
    };
    let (mut lines, changes) = tokio::join!(
        async {
            let schema = in_time(GROUP, "schema", schema(inspector, &subject.project));
            cancel.run_until_cancelled(schema).await.unwrap_or_default()
        },
        feed(&subject.feed, url, cancel),
    );
    lines.extend(changes);
    lines
}

/// Who was chosen with `/setup`, as far as the database can say.
pub(super) async fn chosen(subject: &Subject) -> Operators {
    let asking = async {
        let url = subject.database.as_ref().ok()?;
        let mut inspector = Inspector::connect(url).await.ok()?;
        inspector.chosen(&subject.project).await.ok()
    };
    let chosen = tokio::time::timeout(CONNECT_LIMIT, asking).await;
    // What is wrong with the database is told by the checks of it.
    let (users, roles) = chosen.ok().flatten().unwrap_or_default();
    Operators { users, roles }
}

fn unreachable(why: &str) -> Line {
    Line::failure(GROUP, "connection", why).next(
        "Check DATABASE_URL and that the server is running, or leave DATABASE_URL out to use the embedded one.",
    )
}

/// What the catalogs say of the server and the schema.
async fn schema(mut inspector: Inspector, project: &ProjectId) -> Vec<Line> {
    let mut lines = vec![Line::ok(GROUP, "connection", inspector.address.clone())];
    match inspector.facts().await {
        Ok(facts) => {
            let found = format!("PostgreSQL {}, as role {}", facts.version, facts.role);
            lines.push(Line::ok(GROUP, "server", found));
        }
        Err(error) => lines.push(Line::failure(GROUP, "server", error.to_string())),
    }
    let migrated = inspector.migrations().await;
    let current = matches!(&migrated, Ok((missing, _)) if missing.is_empty());
    lines.push(match migrated {
        Ok((missing, all)) => migrations(&missing, all),
        Err(error) => not_migrated(&error),
    });
    // The table that tells comes with the migrations.
    if current {
        match inspector.gaps(project).await {
            Ok(found) => lines.push(gaps(&found)),
            Err(error) => lines.push(Line::failure(GROUP, GAPS, error.to_string())),
        }
    }
    lines.push(match inspector.without_row_security().await {
        Ok(open) => row_security(&open),
        Err(error) => Line::failure(GROUP, "row security", error.to_string()),
    });
    inspector.close().await;
    lines
}

fn migrations(missing: &[String], all: usize) -> Line {
    if missing.is_empty() {
        return Line::ok(GROUP, "migrations", format!("all {all} are applied"));
    }
    let found = format!(
        "{} of {all} are missing: {}",
        missing.len(),
        missing.join(", ")
    );
    Line::failure(GROUP, "migrations", found).next("Run clawdos-bridge migrate.")
}

fn not_migrated(error: &MigrationError) -> Line {
    Line::failure(GROUP, "migrations", "").explained(&error.to_string())
}

fn row_security(open: &[Table]) -> Line {
    let name = "row security";
    if open.is_empty() {
        let found = format!("on for all {} tables", Table::ALL.len());
        return Line::ok(GROUP, name, found);
    }
    let names: Vec<&str> = open.iter().map(|table| table.as_str()).collect();
    let fixes = open.iter();
    let fixes = fixes.map(|table| format!("ALTER TABLE public.{table} ENABLE ROW LEVEL SECURITY;"));
    let fixes: Vec<String> = fixes.collect();
    Line::warning(GROUP, name, format!("off for {}", names.join(", "))).next(format!(
        "Anybody with the project's public key may read and write these. Run {} Where dashboards use the \
         table, give it policies first: without any they see nothing.",
        fixes.join(" ")
    ))
}

/// What a bridge that ran within the hour has noticed.
fn gaps(found: &[Gap]) -> Line {
    if found.is_empty() {
        return Line::ok(GROUP, GAPS, "no bridge has noticed one in the last hour");
    }
    let words: Vec<String> = found.iter().map(gap).collect();
    Line::warning(GROUP, GAPS, words.join(", ")).next(
        "Where a table is not published, the line about the publication says what to run. Where it is, \
         look for a row filter there, for row level security, and for the limits of Supabase Realtime.",
    )
}

fn gap(gap: &Gap) -> String {
    let table = gap.table;
    match (gap.cause, gap.found) {
        (GapCause::Unpublished, 0) => format!("{table} (not published)"),
        (GapCause::Unpublished, found) => format!("{table} (not published, {found} found late)"),
        (GapCause::Missed, found) => format!("{table} ({found} found late)"),
    }
}

/// What stands in the feed's way, and the probes of what does not.
async fn feed(feed: &Feed, url: &SecretString, cancel: &CancellationToken) -> Vec<Line> {
    let settings = ReplicationSettings::new(url.clone());
    match feed {
        Feed::Off => vec![
            Line::warning(
                Group::Changes,
                "change feed",
                "switched off: rows are found by the sweep alone, every 30 s",
            )
            .next("Set feed.kind to replication (or websocket) if changes should be seen at once."),
        ],
        Feed::Replication => {
            let Some(problems) = cancel.run_until_cancelled(check(&settings)).await else {
                return Vec::new();
            };
            let mut lines = replication(&problems);
            if problems.iter().any(FeedProblem::stops_the_feed) {
                lines.push(unprobed());
            } else {
                lines.extend(probe::replication(url, &silent(&problems), cancel).await);
            }
            lines
        }
        Feed::Websocket(websocket) => {
            let looks = cancel.run_until_cancelled(supabase(&settings, websocket));
            let Some(problems) = looks.await else {
                return Vec::new();
            };
            // Behind a transaction pooler, the lock that keeps two doctors apart would outlive them.
            if let Some(stop) = blind(&problems).or(pooler(&problems)) {
                return vec![problem(stop), unprobed()];
            }
            let mut lines = published(&problems);
            lines.extend(probe::websocket(url, websocket, &silent(&problems), cancel).await);
            lines
        }
    }
}

/// What of the catalogs concerns Supabase Realtime, which replicates by itself.
async fn supabase(
    settings: &ReplicationSettings,
    websocket: &WebsocketSettings,
) -> Vec<FeedProblem> {
    let mut problems = check_catalogs(settings).await;
    if blind(&problems).or(pooler(&problems)).is_some() {
        return problems;
    }
    problems.retain(|problem| topic(problem) == PUBLISHED);
    if let Some(role) = websocket.key.role().await {
        problems.extend(check_visibility(&settings.url, &role).await);
    }
    problems
}

const PUBLISHED: &str = "publication";

/// What a problem is about: the name of its line.
fn topic(problem: &FeedProblem) -> &'static str {
    match problem {
        FeedProblem::WalLevel(_) => "wal_level",
        FeedProblem::RoleLacksReplication(_) => "replication right",
        FeedProblem::NoneFree(_) => "replication slots",
        FeedProblem::NoPublication(_)
        | FeedProblem::PublishesLess { .. }
        | FeedProblem::NoTable(_)
        | FeedProblem::Unpublished { .. }
        | FeedProblem::Filtered { .. } => PUBLISHED,
        FeedProblem::NoRole(_) | FeedProblem::Ungranted { .. } | FeedProblem::Hidden { .. } => {
            "visible to the key"
        }
        FeedProblem::LateCommits => "commits",
        _ => "replication connection",
    }
}

fn problem(problem: &FeedProblem) -> Line {
    let line = if *problem == FeedProblem::LateCommits {
        Line::warning(GROUP, topic(problem), "")
    } else {
        Line::failure(GROUP, topic(problem), "")
    };
    line.explained(&problem.to_string())
}

/// What kept everything else from being looked at.
fn blind(problems: &[FeedProblem]) -> Option<&FeedProblem> {
    let alone = problems.len() == 1;
    problems.iter().find(|problem| match problem {
        FeedProblem::BadUrl(_) | FeedProblem::TooOld(_) => true,
        FeedProblem::Login(_) | FeedProblem::Unreachable(_) => alone,
        _ => false,
    })
}

fn pooler(problems: &[FeedProblem]) -> Option<&FeedProblem> {
    let mut problems = problems.iter();
    problems.find(|problem| matches!(problem, FeedProblem::Pooler(_)))
}

/// What replication needs, each found or missing.
fn replication(problems: &[FeedProblem]) -> Vec<Line> {
    let needs = [
        ("wal_level", "logical"),
        ("replication right", "the role may replicate"),
        ("replication slots", "one is free"),
        (
            "replication connection",
            "it answers, and no pooler stands in between",
        ),
    ];
    if let Some(blind) = blind(problems) {
        return vec![problem(blind)];
    }
    let stopped = problems.iter().any(FeedProblem::stops_the_feed);
    let mut lines = Vec::new();
    for (name, found) in needs {
        let about = problems.iter().filter(|problem| topic(problem) == name);
        let about: Vec<Line> = about.map(problem).collect();
        // With a cause already found, the connection was not tried.
        if about.is_empty() && !(stopped && name == "replication connection") {
            lines.push(Line::ok(GROUP, name, found));
        }
        lines.extend(about);
    }
    lines.extend(published(problems));
    lines
}

/// The publication, and whatever else leaves gaps.
fn published(problems: &[FeedProblem]) -> Vec<Line> {
    let of = |problem: &&FeedProblem| !problem.stops_the_feed() || topic(problem) == PUBLISHED;
    let gaps = problems.iter().filter(of);
    let mut lines: Vec<Line> = gaps.map(problem).collect();
    if !lines.iter().any(|line| line.name == PUBLISHED) {
        let count = Table::ALL.len();
        let found = format!("{PUBLICATION} announces every change of all {count} tables");
        lines.insert(0, Line::ok(GROUP, PUBLISHED, found));
    }
    lines
}

/// Tables of which nothing will be heard, so that nobody waits for it.
fn silent(problems: &[FeedProblem]) -> HashSet<Table> {
    let mut silent = HashSet::new();
    for problem in problems {
        match problem {
            FeedProblem::NoPublication(_) => silent.extend(Table::ALL),
            FeedProblem::NoTable(tables) | FeedProblem::Unpublished { tables, .. } => {
                silent.extend(&tables.0);
            }
            _ => {}
        }
    }
    silent
}

fn unprobed() -> Line {
    Line::failure(
        Group::Changes,
        "all tables",
        "not probed: what stands under Database is in the way",
    )
    .next("Solve that first. Until then rows are found by the sweep, every 30 s.")
}
