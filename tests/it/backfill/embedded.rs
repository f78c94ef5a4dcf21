//! With nothing configured: the embedded database is started, or that of a bridge is used.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::PgPool;

use super::{begin, end};
use crate::harness::process::Process;

#[tokio::test]
async fn the_embedded_database_is_started_for_it_and_stopped_after_it() {
    let folder = tempfile::tempdir().unwrap();
    // The embedded Postgres does not run as root, and has to pass through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let log = folder.path().join("log");
    let start = || {
        Process::start(
            &["--data-dir", &data.to_string_lossy()],
            &[],
            &data.join("run.json"),
            &log,
        )
    };

    let mut bridge = start();
    let pool = PgPool::connect(bridge.run["database"]["url"].as_str().unwrap())
        .await
        .unwrap();
    sqlx::raw_sql(
        "INSERT INTO tasks (id, project_id, title)
             VALUES ('10000000-0000-0000-0000-0000000000aa', 'front-office', 'A task');
         INSERT INTO task_outputs (project_id, task_id, output_type, created_by)
             SELECT 'front-office', '10000000-0000-0000-0000-0000000000aa', 'summary', n::text
             FROM generate_series(1, 7) AS n",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    assert!(bridge.stop().success(), "{}", bridge.log());

    let alone = end(begin(&data, &[], &[])).await;
    alone
        .code(0)
        .says("the embedded database\n")
        .says("7 there: 7 converted");
    // The folder is free, and its database as it should be.
    let bridge = start();
    let beside = end(begin(&data, &["--dry-run"], &[])).await;
    let whose = format!("(pid {})", bridge.run["pid"]);
    beside
        .code(0)
        .says(&whose)
        .says("7 there: 0 to convert, 7 carried");
}
