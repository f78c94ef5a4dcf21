//! What the migrations promise, on a real Postgres: an empty database, and `ClawdOS` databases of every known shape.

#[path = "../harness/postgres.rs"]
mod postgres;

mod access;
mod drift;
mod existing;
mod fresh;

use clawdos_bridge::store::migrate::migrate;
use postgres::{TestDatabase, create_empty_database};
use sqlx::{AssertSqlSafe, PgPool};

/// A `ClawdOS` database as installations have it, with rows in every table.
const EXISTING: &str = include_str!("../fixtures/clawdos_existing.sql");
const EXISTING_ROWS: &str = include_str!("../fixtures/clawdos_existing_rows.sql");

/// The tables that the bridge and the dashboard subscribe to.
const SUBSCRIBED: [&str; 19] = [
    "activities",
    "agents",
    "agent_status",
    "tasks",
    "task_comments",
    "task_outputs",
    "task_events",
    "project_chat_messages",
    "project_chat_threads",
    "chat_delivery_queue",
    "cron_mirror",
    "cron_run_requests",
    "cron_job_patch_requests",
    "cron_create_requests",
    "cron_delete_requests",
    "agent_provision_requests",
    "skills_mirror",
    "project_settings",
    "brain_docs",
];

async fn run(pool: &PgPool, sql: &str) {
    try_run(pool, sql)
        .await
        .unwrap_or_else(|error| panic!("{error}, in:\n{sql}"));
}

async fn try_run(pool: &PgPool, sql: &str) -> Result<u64, sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(pool)
        .await
        .map(|done| done.rows_affected())
}

async fn text(pool: &PgPool, sql: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT coalesce(({sql})::text, 'null')"
    )))
    .fetch_one(pool)
    .await
    .unwrap_or_else(|error| panic!("{error}, in:\n{sql}"))
}

/// The shape of the schemas public and bridge, one line per column, constraint, index, policy and so on.
async fn catalog(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar(include_str!("../fixtures/catalog.sql"))
        .fetch_all(pool)
        .await
        .expect("the catalogs can be read")
}

async fn existing_database() -> (TestDatabase, PgPool) {
    let database = create_empty_database().await;
    let pool = database.pool().await;
    run(&pool, EXISTING).await;
    (database, pool)
}

/// The shape that every complete database ends in, whatever it was before.
async fn migrated_catalog() -> Vec<String> {
    let (_database, pool) = existing_database().await;
    migrate(&pool).await.expect("an existing database migrates");
    catalog(&pool).await
}

fn assert_same(left: &[String], right: &[String], what: &str) {
    let only = |a: &[String], b: &[String]| -> Vec<String> {
        a.iter().filter(|line| !b.contains(line)).cloned().collect()
    };
    let (left, right) = (only(left, right), only(right, left));
    assert!(
        left.is_empty() && right.is_empty(),
        "{what}\nonly left: {left:#?}\nonly right: {right:#?}"
    );
}
