//! Start, use, stop.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use sqlx::{Connection, PgConnection};

use crate::support::{
    DEADLINE, OWNER_FOLDER, empty, guardian_of, has_kept_it, is_alive, keep_something, kill_owner,
    password, postmaster, prepared, start, start_owner, text, until,
};

#[tokio::test]
async fn a_first_start_gives_a_database_and_a_stop_leaves_no_process() {
    let folder = empty();
    let postgres = start(folder.path()).await;
    let place = "SELECT current_user || ' ' || current_database() || ' ' \
                 || host(inet_server_addr())";
    let place = text(postgres.url(), place).await;
    assert_eq!(place, "clawdos clawdos 127.0.0.1");
    let pid = postmaster(folder.path());
    let guardian = guardian_of(pid);
    assert!(is_alive(pid) && is_alive(guardian));
    postgres.stop().await;
    assert!(!is_alive(pid) && !is_alive(guardian));
    assert!(!folder.path().join("postgres/postmaster.pid").exists());
}

#[tokio::test]
async fn the_settings_serve_a_change_feed_and_lose_nothing_in_a_power_cut() {
    let folder = prepared().await;
    let postgres = start(folder.path()).await;
    for (query, value) in [
        ("SELECT current_setting('wal_level')", "logical"),
        ("SELECT current_setting('fsync')", "on"),
        ("SELECT current_setting('full_page_writes')", "on"),
        ("SELECT current_setting('synchronous_commit')", "on"),
        ("SELECT current_setting('listen_addresses')", "127.0.0.1"),
        ("SELECT current_setting('unix_socket_directories')", ""),
        ("SELECT current_setting('server_encoding')", "UTF8"),
    ] {
        assert_eq!(text(postgres.url(), query).await, value, "{query}");
    }
    let slot = "SELECT slot_name::text FROM \
                pg_create_logical_replication_slot('probe', 'pgoutput', true)";
    assert_eq!(text(postgres.url(), slot).await, "probe");
    postgres.stop().await;
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let folder = prepared().await;
    let postgres = start(folder.path()).await;
    let stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'clawdos'";
    let stored = text(postgres.url(), stored).await;
    assert!(stored.starts_with("SCRAM-SHA-256$"), "{stored}");
    let mut url = url::Url::parse(postgres.url()).expect("a URL");
    for wrong in ["", "clawdos"] {
        url.set_password(Some(wrong)).expect("a password");
        let error = PgConnection::connect(url.as_str())
            .await
            .expect_err("a refusal");
        let code = error
            .as_database_error()
            .and_then(|error| error.code().map(String::from));
        // invalid_password (Postgres, appendix A)
        assert_eq!(code.as_deref(), Some("28P01"), "{error}");
    }
    postgres.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_data_and_password() {
    let folder = prepared().await;
    let first = start(folder.path()).await;
    keep_something(first.url()).await;
    let before = password(first.url());
    first.stop().await;
    let second = start(folder.path()).await;
    assert!(has_kept_it(second.url()).await);
    assert_eq!(password(second.url()), before);
    second.stop().await;
}

#[tokio::test]
async fn a_lost_password_is_replaced() {
    let folder = prepared().await;
    let first = start(folder.path()).await;
    keep_something(first.url()).await;
    let before = password(first.url());
    first.stop().await;
    fs::remove_file(folder.path().join("postgres.secret")).expect("no password");
    let second = start(folder.path()).await;
    assert!(has_kept_it(second.url()).await);
    assert_ne!(password(second.url()), before);
    second.stop().await;
}

#[tokio::test]
async fn an_end_that_nobody_asked_for_is_reported_with_the_log() {
    let folder = prepared().await;
    let postgres = start(folder.path()).await;
    let pid = postmaster(folder.path());
    kill(pid, Signal::SIGQUIT).expect("an immediate shutdown");
    let reason = tokio::time::timeout(DEADLINE, postgres.exited())
        .await
        .expect("a report");
    let said = "received immediate shutdown request";
    assert!(reason.contains(said), "{reason}");
    postgres.stop().await;
}

#[tokio::test]
async fn a_server_that_hangs_is_killed_within_ten_seconds() {
    let folder = prepared().await;
    let postgres = start(folder.path()).await;
    keep_something(postgres.url()).await;
    let pid = postmaster(folder.path());
    kill(pid, Signal::SIGSTOP).expect("it to hang");
    let begin = Instant::now();
    postgres.stop().await;
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    until("it is gone", || !is_alive(pid)).await;
    let next = start(folder.path()).await;
    assert!(has_kept_it(next.url()).await);
    next.stop().await;
}

#[tokio::test]
async fn signals_that_a_terminal_or_service_manager_sends_to_all_leave_the_guardian_in_place() {
    let folder = prepared().await;
    let (owner, url) = start_owner(folder.path());
    let pid = postmaster(folder.path());
    let guardian = guardian_of(pid);
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM] {
        kill(guardian, signal).expect("it to be sent");
    }
    assert_eq!(text(&url, "SELECT 1::text").await, "1");
    assert!(is_alive(guardian));
    kill_owner(owner);
    until("both are gone", || !is_alive(pid) && !is_alive(guardian)).await;
}

#[tokio::test]
async fn the_password_does_not_reach_a_debug_print() {
    let folder = prepared().await;
    let postgres = start(folder.path()).await;
    let printed = format!("{postgres:?}");
    assert!(printed.contains("EmbeddedPostgres"), "{printed}");
    assert!(!printed.contains(&password(postgres.url())), "{printed}");
    postgres.stop().await;
}

#[tokio::test]
async fn the_server_does_not_know_our_secrets() {
    let folder = prepared().await;
    let (owner, _) = start_owner(folder.path());
    let pid = postmaster(folder.path());
    let environment = fs::read(format!("/proc/{pid}/environ"));
    kill_owner(owner);
    until("the server has stopped", || !is_alive(pid)).await;
    let Ok(environment) = environment else {
        println!("skipped: this system shows no environments");
        return;
    };
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("LC_ALL=C"), "{environment}");
    assert!(!environment.contains(OWNER_FOLDER), "{environment}");
}
