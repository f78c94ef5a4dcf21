//! `clawdos-bridge doctor` where changes come over Supabase Realtime: rows are kept until they were heard of, and gone
//! whatever happens.

use std::{path::Path, process::Stdio, sync::Arc, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};
use tokio::process::{Child, Command};

use crate::{
    postgres::{Server, connect, execute},
    realtime::{KEY, Realtime},
    websocket::ALL,
    whole::relay,
};

const SETTINGS: &str = "[feed]\nkind = \"websocket\"\n";

fn doctor(folder: &Path, database: &str, server: &Realtime) -> Child {
    Command::new(env!("CARGO_BIN_EXE_clawdos-bridge"))
        .args(["doctor", "--json", "--data-dir"])
        .arg(folder)
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| name == "PATH" || name == "HOME"))
        .env("DATABASE_URL", database)
        .env("SUPABASE_URL", server.url.as_str())
        .env("SUPABASE_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .current_dir(folder)
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// What it found: the exit code, the report, and which checks are no success.
async fn examined(child: Child) -> (Option<i32>, Value, Vec<String>) {
    let ended = child.wait_with_output().await.unwrap();
    let report: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let bad = report["checks"].as_array().unwrap().iter();
    let bad = bad.filter(|check| check["status"] != "ok");
    let bad = bad.map(|check| format!("{}: {}", check["name"], check["found"]));
    (ended.status.code(), report.clone(), bad.collect())
}

/// Rows of the probe that everybody can see.
async fn rows(database: &mut PgConnection) -> i64 {
    let count = |table: &&str| {
        format!("SELECT count(*) AS rows FROM {table} WHERE project_id = 'bridge-doctor-probe'")
    };
    let all: Vec<String> = ALL.iter().map(count).collect();
    let sql = format!(
        "SELECT sum(rows)::bigint FROM ({}) AS t",
        all.join(" UNION ALL ")
    );
    let counted = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(database);
    counted.await.unwrap()
}

/// Waits until rows of the probe can be seen, and asks for the end of who wrote them.
async fn interrupt(doctor: &mut Child, database: &mut PgConnection, signal: Signal) {
    while rows(database).await == 0 {
        assert_eq!(doctor.try_wait().unwrap(), None, "it probes");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let pid = i32::try_from(doctor.id().unwrap()).unwrap();
    kill(Pid::from_raw(pid), signal).unwrap();
    doctor.wait().await.unwrap();
}

#[tokio::test]
async fn probes_are_heard_over_the_websocket_and_gone_whatever_happens() {
    let postgres = Server::shared();
    let mut admin = connect(&postgres.url("postgres", "postgres")).await;
    execute(&mut admin, "CREATE DATABASE doctored").await;
    let url = postgres.url("postgres", "doctored");
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    clawdos_bridge::store::migrate::migrate(&pool)
        .await
        .unwrap();
    pool.close().await;
    let mut database = connect(&url).await;
    let server = Arc::new(Realtime::start(ALL).await);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bridge.toml"), SETTINGS).unwrap();

    // Nobody tells of changes yet: the doctor waits for them, with its rows in the tables.
    let mut waiting = doctor(folder.path(), &url, &server);
    interrupt(&mut waiting, &mut database, Signal::SIGTERM).await;
    assert_eq!(
        rows(&mut database).await,
        0,
        "it removed them on its way out"
    );
    let mut waiting = doctor(folder.path(), &url, &server);
    interrupt(&mut waiting, &mut database, Signal::SIGKILL).await;
    assert!(rows(&mut database).await > 0, "a kill leaves them");

    let relaying = tokio::spawn(relay(Arc::clone(&server), url.clone()));
    let (code, report, bad) = examined(doctor(folder.path(), &url, &server)).await;
    assert_eq!(bad, ["\"commands\": \"none is registered yet\""]);
    assert_eq!(code, Some(0));
    let timed = report["checks"].as_array().unwrap().iter();
    let timed = timed.filter(|check| check["latency_ms"].is_number());
    assert_eq!(timed.count(), ALL.len());
    assert_eq!(
        rows(&mut database).await,
        0,
        "and so are those of the one that was killed"
    );
    assert!(!report.to_string().contains("s3cret"));

    // Two at a time do not take each other's rows away.
    let pair = [(); 2].map(|()| doctor(folder.path(), &url, &server));
    let [first, second] = pair.map(|child| tokio::spawn(examined(child)));
    for (code, report, bad) in [first.await.unwrap(), second.await.unwrap()] {
        assert_eq!(code, Some(0), "{bad:?} {report:#}");
    }
    assert_eq!(rows(&mut database).await, 0);

    execute(
        &mut database,
        "ALTER PUBLICATION supabase_realtime DROP TABLE tasks",
    )
    .await;
    server.set(|state| state.published.retain(|table| table != "tasks"));
    let (code, _, bad) = examined(doctor(folder.path(), &url, &server)).await;
    assert_eq!(code, Some(1));
    let told = bad.join("\n");
    assert!(told.contains("public.tasks"), "{told}");
    assert_eq!(rows(&mut database).await, 0);
    relaying.abort();
}
