//! An empty database.

use clawdos_bridge::store::migrate::{MIGRATOR, MigrationError, migrate, pending, require_version};

use crate::postgres::{create_database, create_empty_database};
use crate::{assert_same, catalog, migrated_catalog, run, text, try_run};

#[tokio::test]
async fn an_empty_database_gets_the_schema_that_clawdos_has() {
    let database = create_empty_database().await;
    let pool = database.pool().await;
    assert_eq!(pending(&pool).await.unwrap().len(), MIGRATOR.iter().count());
    assert_eq!(migrate(&pool).await.unwrap(), MIGRATOR.iter().count());
    assert!(pending(&pool).await.unwrap().is_empty());

    // The widened CHECK says the same in other words, depending on where it started.
    let without_status_check = |lines: Vec<String>| -> Vec<String> {
        lines
            .into_iter()
            .filter(|line| !line.contains("tasks_status_check"))
            .collect()
    };
    assert_same(
        &without_status_check(catalog(&pool).await),
        &without_status_check(migrated_catalog().await),
        "a fresh database differs from a migrated ClawdOS one",
    );
}

#[tokio::test]
async fn migrating_again_changes_nothing_with_or_without_the_books() {
    let database = create_empty_database().await;
    let pool = database.pool().await;
    migrate(&pool).await.unwrap();
    let before = catalog(&pool).await;
    assert_eq!(migrate(&pool).await.unwrap(), 0);
    assert_same(&before, &catalog(&pool).await, "the second run");

    run(&pool, "DROP TABLE bridge._sqlx_migrations").await;
    assert_eq!(migrate(&pool).await.unwrap(), MIGRATOR.iter().count());
    assert_same(&before, &catalog(&pool).await, "the run without books");
}

#[tokio::test]
async fn two_processes_that_migrate_at_once_do_the_work_once() {
    let database = create_empty_database().await;
    let (first, second) = (database.pool().await, database.pool().await);
    let (left, right) = tokio::join!(migrate(&first), migrate(&second));
    assert_eq!(left.unwrap() + right.unwrap(), MIGRATOR.iter().count());
}

#[tokio::test]
async fn a_task_can_be_stopped_but_not_be_anything() {
    let database = create_database().await;
    let pool = database.pool().await;
    run(&pool, "INSERT INTO projects (id, name) VALUES ('p', 'P')").await;
    let insert = |status: &str| {
        format!("INSERT INTO tasks (project_id, title, status) VALUES ('p', 't', '{status}')")
    };
    run(&pool, &insert("stopped")).await;
    assert!(try_run(&pool, &insert("vanished")).await.is_err());
}

#[tokio::test]
async fn another_programs_migration_table_is_left_alone() {
    let database = create_empty_database().await;
    let pool = database.pool().await;
    run(
        &pool,
        "CREATE TABLE public._sqlx_migrations (version bigint PRIMARY KEY, owner text);
         INSERT INTO public._sqlx_migrations VALUES (1, 'somebody else')",
    )
    .await;
    migrate(&pool).await.unwrap();
    let rows = "SELECT json_agg(m) FROM public._sqlx_migrations m";
    assert_eq!(
        text(&pool, rows).await,
        r#"[{"version":1,"owner":"somebody else"}]"#
    );
}

#[tokio::test]
async fn a_failed_migration_leaves_nothing_and_can_be_run_again() {
    let database = create_empty_database().await;
    let pool = database.pool().await;
    // Not a table of ClawdOS: it lacks the column that everything refers to.
    run(&pool, "CREATE TABLE public.activities (wrong int)").await;
    run(&pool, "CREATE VIEW public.tasks AS SELECT 1 AS id").await;
    let error = migrate(&pool).await.unwrap_err();
    assert!(
        matches!(error, MigrationError::Failed { version: 3, .. }),
        "{error}"
    );
    let exists = "SELECT to_regclass('public.projects')";
    assert_eq!(text(&pool, exists).await, "null");

    run(&pool, "DROP VIEW tasks; DROP TABLE activities").await;
    assert_eq!(migrate(&pool).await.unwrap(), MIGRATOR.iter().count() - 2);
}

#[tokio::test]
async fn a_database_of_another_build_is_refused_by_number() {
    let database = create_database().await;
    let pool = database.pool().await;
    run(
        &pool,
        r"UPDATE bridge._sqlx_migrations SET checksum = '\x00' WHERE version = 4",
    )
    .await;
    let error = migrate(&pool).await.unwrap_err();
    assert!(error.to_string().contains("Migration 4 "), "{error}");
}

#[tokio::test]
async fn a_newer_database_serves_an_older_bridge() {
    let database = create_database().await;
    let pool = database.pool().await;
    run(
        &pool,
        r"INSERT INTO bridge._sqlx_migrations (version, description, success, checksum, execution_time)
          VALUES (9999, 'from the future', true, '\x00', 1)",
    )
    .await;
    assert_eq!(migrate(&pool).await.unwrap(), 0);
    run(
        &pool,
        "DELETE FROM bridge._sqlx_migrations WHERE version = 9",
    )
    .await;
    assert_eq!(migrate(&pool).await.unwrap(), 1);
}

#[tokio::test]
async fn a_read_only_database_is_named_as_such() {
    let database = create_empty_database().await;
    let pool = database.pool().await;
    run(
        &pool,
        "DO $$ BEGIN EXECUTE format(
            'ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$",
    )
    .await;
    let error = migrate(&pool).await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
}

#[test]
fn an_older_server_is_told_what_is_found_and_what_is_needed() {
    require_version(150_000, "15.0").unwrap();
    let error = require_version(140_012, "14.12 (Debian)").unwrap_err();
    assert_eq!(
        error.to_string(),
        "The database is PostgreSQL 14.12 (Debian), but the bridge needs 15 or newer. \
         Upgrade the server, or let DATABASE_URL name another one."
    );
}
