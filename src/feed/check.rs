//! Looks at the server before the feed needs it and says in words what stands in the way.

use std::{collections::HashMap, str::FromStr, time::Duration};

use secrecy::{ExposeSecret, SecretString};
use sqlx::{
    Connection, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::time::timeout;
use url::Url;

use super::{
    problem::{FeedProblem, Tables},
    session::Session,
    settings::ReplicationSettings,
};
use crate::model::change::Table;

/// Oldest Postgres the bridge works with: 15, whose publications can tell their row filters.
const OLDEST: i64 = 150_000;

/// The port of Supabase's transaction pooler.
const TRANSACTION_POOLER_PORT: u16 = 6543;

/// How long the whole look may take.
const LIMIT: Duration = Duration::from_secs(15);

const SERVER_SQL: &str = "
    SELECT current_setting('server_version') AS version,
           current_setting('server_version_num') AS version_number,
           current_setting('wal_level') AS wal_level,
           current_setting('synchronous_commit') AS synchronous_commit,
           current_user::text AS role,
           (r.rolsuper OR r.rolreplication OR EXISTS (
               SELECT FROM pg_roles AS rds
               WHERE rds.rolname = 'rds_replication'
                   AND pg_has_role(r.oid, rds.oid, 'MEMBER')))::text AS replicates,
           (current_setting('max_replication_slots')::bigint
               > (SELECT count(*) FROM pg_replication_slots))::text AS slot_free
    FROM pg_roles AS r WHERE r.rolname = current_user";

const PUBLICATIONS_SQL: &str = "
    SELECT pubname::text AS name, concat_ws(', ',
               CASE WHEN NOT pubinsert THEN 'insert' END,
               CASE WHEN NOT pubupdate THEN 'update' END,
               CASE WHEN NOT pubdelete THEN 'delete' END) AS missing
    FROM pg_publication";

/// Every table of the schema, once per publication it is in.
const TABLES_SQL: &str = "
    SELECT c.relname::text AS name, p.pubname::text AS publication,
           (p.rowfilter IS NOT NULL)::text AS filtered
    FROM pg_class AS c
    LEFT JOIN pg_publication_tables AS p ON p.schemaname = 'public' AND p.tablename = c.relname
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')";

/// Every table of the schema, once per role: may that role select, and does some policy show it rows?
const VISIBILITY_SQL: &str = "
    SELECT c.relname::text AS name, r.rolname::text AS role,
           has_table_privilege(r.oid, c.oid, 'SELECT')::text AS granted,
           (NOT c.relrowsecurity OR r.rolbypassrls OR r.rolsuper OR EXISTS (
               SELECT FROM pg_policy AS p, unnest(p.polroles) AS member (oid)
               WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
                   AND (member.oid = 0 OR pg_has_role(r.oid, member.oid, 'MEMBER'))))::text AS shown
    FROM pg_class AS c CROSS JOIN pg_roles AS r
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')";

/// Everything that keeps the feed from working or from being complete, the gravest first; empty
/// when all is well.
///
/// Reads catalogs through an ordinary connection, then opens a replication connection: what is
/// refused there is refused for the feed. Makes no slot and changes nothing.
pub async fn check(settings: &ReplicationSettings) -> Vec<FeedProblem> {
    let mut problems = check_catalogs(settings).await;
    // With a cause already found, what the replication connection says is its consequence.
    if !problems.iter().any(FeedProblem::stops_the_feed)
        && let Err(problem) = Session::probe(settings).await
    {
        problems.insert(0, problem);
    }
    problems
}

/// The first half of [`check`]: what the catalogs say, for feeds that need no replication connection.
pub async fn check_catalogs(settings: &ReplicationSettings) -> Vec<FeedProblem> {
    match timeout(LIMIT, look(settings)).await {
        Ok(Ok(problems)) => problems,
        Ok(Err(problem)) => vec![problem],
        Err(_) => vec![no_answer()],
    }
}

/// Tables whose changes Supabase Realtime keeps to itself, because the role that the key stands for
/// may not read them. That is silence, not an error. Changes nothing.
pub async fn check_visibility(database: &SecretString, role: &str) -> Vec<FeedProblem> {
    let look = async {
        let mut connection = connect(database).await?;
        let rows = sqlx::raw_sql(VISIBILITY_SQL)
            .fetch_all(&mut connection)
            .await;
        let found = rows.and_then(|rows| visibility_problems(role, &rows));
        drop(connection.close().await);
        found.map_err(|error| unreachable(&error))
    };
    match timeout(LIMIT, look).await {
        Ok(Ok(problems)) => problems,
        Ok(Err(problem)) => vec![problem],
        Err(_) => vec![no_answer()],
    }
}

fn visibility_problems(role: &str, rows: &[PgRow]) -> Result<Vec<FeedProblem>, sqlx::Error> {
    let (mut ungranted, mut hidden, mut known) = (Vec::new(), Vec::new(), false);
    for row in rows {
        if row.try_get::<&str, _>("role")? != role {
            continue;
        }
        known = true;
        let Ok(table) = row.try_get::<&str, _>("name")?.parse::<Table>() else {
            continue;
        };
        if row.try_get::<&str, _>("granted")? != "true" {
            ungranted.push(table);
        } else if row.try_get::<&str, _>("shown")? != "true" {
            hidden.push(table);
        }
    }
    let role = role.to_owned();
    let mut problems = Vec::new();
    if !known {
        problems.push(FeedProblem::NoRole(role.clone()));
    }
    if !ungranted.is_empty() {
        ungranted.sort_unstable();
        problems.push(FeedProblem::Ungranted {
            role: role.clone(),
            tables: Tables(ungranted),
        });
    }
    if !hidden.is_empty() {
        hidden.sort_unstable();
        problems.push(FeedProblem::Hidden {
            role,
            tables: Tables(hidden),
        });
    }
    Ok(problems)
}

async fn connect(database: &SecretString) -> Result<PgConnection, FeedProblem> {
    let options = PgConnectOptions::from_str(database.expose_secret())
        .map_err(|_| FeedProblem::BadUrl("it cannot be read".to_owned()))?
        .statement_cache_capacity(0)
        .application_name("clawdos-bridge check");
    let connection = PgConnection::connect_with(&options).await;
    connection.map_err(|error| unreachable(&error))
}

async fn look(settings: &ReplicationSettings) -> Result<Vec<FeedProblem>, FeedProblem> {
    // The feed has to understand the URL too, not only sqlx.
    settings.connection("")?;
    let mut connection = connect(&settings.url).await?;
    let result = catalogs(&mut connection, &settings.publication).await;
    let mut problems = result.map_err(|error| unreachable(&error))?;
    if let Some(sign) = pooler_sign(settings.url.expose_secret()) {
        problems.insert(0, FeedProblem::Pooler(sign));
    }
    // Not worth a word: everything was already read.
    drop(connection.close().await);
    Ok(problems)
}

async fn catalogs(
    connection: &mut PgConnection,
    publication: &str,
) -> Result<Vec<FeedProblem>, sqlx::Error> {
    // The simple protocol: a transaction pooler may hand every prepared statement to another server
    // process.
    let server = sqlx::raw_sql(SERVER_SQL)
        .fetch_one(&mut *connection)
        .await?;
    let mut problems = Vec::new();
    let text = |column: &str| server.try_get::<String, _>(column);
    if text("version_number")?
        .parse::<i64>()
        .is_ok_and(|number| number < OLDEST)
    {
        return Ok(vec![FeedProblem::TooOld(text("version")?)]);
    }
    if text("wal_level")? != "logical" {
        problems.push(FeedProblem::WalLevel(text("wal_level")?));
    }
    if text("replicates")? != "true" {
        problems.push(FeedProblem::RoleLacksReplication(text("role")?));
    }
    if text("slot_free")? != "true" {
        problems.push(FeedProblem::NoneFree("max_replication_slots"));
    }
    let publications = sqlx::raw_sql(PUBLICATIONS_SQL)
        .fetch_all(&mut *connection)
        .await?;
    let tables = sqlx::raw_sql(TABLES_SQL)
        .fetch_all(&mut *connection)
        .await?;
    problems.extend(publication_problems(publication, &publications, &tables)?);
    if text("synchronous_commit")? == "off" {
        problems.push(FeedProblem::LateCommits);
    }
    Ok(problems)
}

fn publication_problems(
    publication: &str,
    publications: &[PgRow],
    tables: &[PgRow],
) -> Result<Vec<FeedProblem>, sqlx::Error> {
    let mut problems = Vec::new();
    let mut missing = None;
    for row in publications {
        if row.try_get::<&str, _>("name")? == publication {
            missing = Some(row.try_get::<String, _>("missing")?);
        }
    }
    let Some(missing) = missing else {
        return Ok(vec![FeedProblem::NoPublication(publication.to_owned())]);
    };
    let publication = publication.to_owned();
    if !missing.is_empty() {
        problems.push(FeedProblem::PublishesLess {
            publication: publication.clone(),
            missing,
        });
    }
    let found = publication_state(&publication, tables)?;
    let those = |state: Option<State>| {
        let tables = Table::ALL
            .iter()
            .filter(|table| found.get(table).copied() == state);
        Some(Tables(tables.copied().collect())).filter(|tables| !tables.0.is_empty())
    };
    problems.extend(those(None).map(FeedProblem::NoTable));
    problems.extend(
        those(Some(State::Silent)).map(|tables| FeedProblem::Unpublished {
            publication: publication.clone(),
            tables,
        }),
    );
    problems.extend(
        those(Some(State::Filtered)).map(|tables| FeedProblem::Filtered {
            publication,
            tables,
        }),
    );
    Ok(problems)
}

/// What the publication does with a table that exists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Silent,
    Filtered,
    Told,
}

fn publication_state(
    publication: &str,
    rows: &[PgRow],
) -> Result<HashMap<Table, State>, sqlx::Error> {
    let mut found = HashMap::new();
    for row in rows {
        let Ok(table) = row.try_get::<&str, _>("name")?.parse::<Table>() else {
            continue;
        };
        let state = found.entry(table).or_insert(State::Silent);
        if row.try_get::<Option<&str>, _>("publication")? == Some(publication) {
            let filtered = row.try_get::<&str, _>("filtered")? == "true";
            *state = if filtered {
                State::Filtered
            } else {
                State::Told
            };
        }
    }
    Ok(found)
}

/// What gives a transaction pooler away before anything is asked.
fn pooler_sign(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    if url.port() == Some(TRANSACTION_POOLER_PORT) {
        return Some(format!(
            "port {TRANSACTION_POOLER_PORT} is Supabase's transaction pooler"
        ));
    }
    url.query_pairs()
        .any(|(name, _)| name == "pgbouncer")
        .then(|| "the URL says pgbouncer".to_owned())
}

fn no_answer() -> FeedProblem {
    let limit = LIMIT.as_secs();
    FeedProblem::Unreachable(format!("no answer within {limit} seconds"))
}

fn unreachable(error: &sqlx::Error) -> FeedProblem {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    match code.as_deref() {
        Some("28P01" | "28000") => FeedProblem::Login(error.to_string()),
        _ => FeedProblem::Unreachable(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transaction_pooler_is_known_by_its_port() {
        let sign = pooler_sign("postgres://u:p@aws-0-eu.pooler.supabase.com:6543/postgres");
        assert!(sign.is_some_and(|sign| sign.contains("6543")));
        assert_eq!(
            pooler_sign("postgres://u:p@db.abc.supabase.co:5432/postgres"),
            None
        );
        assert!(pooler_sign("postgres://u:p@h:5432/d?pgbouncer=true").is_some());
    }
}
