//! With nothing configured: what is missing is started, and what runs is used.

use std::os::unix::fs::PermissionsExt as _;

use sqlx::PgPool;

use super::{TABLES, examine, probe_rows};
use crate::harness::process::Process;

#[tokio::test]
async fn on_an_empty_folder_all_is_well_and_a_bridge_that_runs_is_used() {
    let folder = tempfile::tempdir().unwrap();
    // The embedded Postgres does not run as root, and has to pass through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");

    let first = examine(&data, &[], &[]).await;
    assert_eq!(first.code, Some(0), "{}", first.text);
    let table_rows = first.text.matches(" ms").count();
    assert_eq!(table_rows, TABLES, "{}", first.text);
    let widest = first.text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(100), "{}", first.text);

    let alone = examine(&data, &["--json"], &[]).await;
    assert_eq!(alone.code, Some(0), "{}", alone.text);
    assert_eq!(
        (alone.latencies(), alone.report["ok"].as_bool()),
        (TABLES, Some(true))
    );
    assert_eq!(
        alone.complaints(),
        ["commands"],
        "they come with the bridge"
    );
    assert!(alone.report["bridge_pid"].is_null());
    assert!(alone.says("executor").contains("starts with the bridge"));

    let start = || {
        Process::start(
            &["--data-dir", &data.to_string_lossy()],
            &[],
            &data.join("run.json"),
            &folder.path().join("log"),
        )
    };
    let mut bridge = start();
    let beside = examine(&data, &["--json"], &[]).await;
    assert_eq!(beside.complaints(), [""; 0], "{}", beside.text);
    assert_eq!((beside.code, beside.latencies()), (Some(0), TABLES));
    assert_eq!(beside.report["bridge_pid"], bridge.run["pid"]);
    assert!(
        beside
            .says("executor")
            .starts_with("ok: the built-in one, version")
    );
    assert!(
        beside.says("clock").starts_with("ok: within"),
        "{}",
        beside.says("clock")
    );
    for pointer in ["/discord/bot_token", "/control_api/token", "/database/url"] {
        let secret = bridge
            .run
            .pointer(pointer)
            .and_then(|secret| secret.as_str());
        assert!(!beside.text.contains(secret.unwrap()), "{pointer} is shown");
    }
    let url = bridge.run["database"]["url"].as_str().unwrap();
    let pool = PgPool::connect(url).await.unwrap();
    assert_eq!(probe_rows(&pool).await, 0);
    pool.close().await;

    // What a crash leaves in run.json misleads nobody.
    bridge.kill_hard();
    assert!(data.join("run.json").exists());
    let after = examine(&data, &["--json"], &[]).await;
    assert_eq!(
        (after.code, after.latencies()),
        (Some(0), TABLES),
        "{}",
        after.text
    );
    assert!(after.report["bridge_pid"].is_null());
    let mut bridge = start();
    assert!(bridge.stop().success(), "{}", bridge.log());
}

#[tokio::test]
async fn a_configuration_that_is_not_understood_is_a_finding_for_machines_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = [("OPERATOR_IDS", "everybody"), ("HEALTH_LISTEN", "nowhere")];
    let found = examine(folder.path(), &["--json"], &wrong).await;
    assert_eq!(found.code, Some(1), "{}", found.text);
    assert_eq!(found.complaints(), ["configuration"], "{}", found.text);
    let said = found.says("configuration");
    assert!(
        said.contains("OPERATOR_IDS") && said.contains("HEALTH_LISTEN"),
        "{said}"
    );
}
