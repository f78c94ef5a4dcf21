//! Folders, second processes, and looking at what runs.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use clawdos_bridge::embedded::EmbeddedPostgres;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{Pid, getpgid};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::Mutex;

/// Tells a copy of this test program to be a bridge on that folder.
pub const OWNER_FOLDER: &str = "CLAWDOS_TEST_OWNER_FOLDER";
/// A loaded machine is slow; nothing here takes longer than a few seconds on an idle one.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// A data folder that holds a database which was stopped in good order.
pub struct Prepared {
    folder: TempDir,
    /// Kept while a test may still copy it, and removed with the last.
    _template: Arc<TempDir>,
}

impl Prepared {
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// An empty folder.
pub fn empty() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A copy of one database, because a first start for every test costs a second each.
pub async fn prepared() -> Prepared {
    static TEMPLATE: Mutex<Weak<TempDir>> = Mutex::const_new(Weak::new());
    let mut kept = TEMPLATE.lock().await;
    let template = if let Some(template) = kept.upgrade() {
        template
    } else {
        let made = Arc::new(empty());
        start(made.path()).await.stop().await;
        *kept = Arc::downgrade(&made);
        made
    };
    drop(kept);
    let folder = empty();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(template.path().join("postgres"))
        .arg(template.path().join("postgres.secret"))
        .arg(folder.path())
        .status()
        .expect("cp");
    assert!(copied.success(), "{copied}");
    Prepared {
        folder,
        _template: template,
    }
}

pub async fn start(folder: &Path) -> EmbeddedPostgres {
    EmbeddedPostgres::start(folder).await.expect("a server")
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.expect("a connection")
}

/// The one text value that a query answers with.
pub async fn text(url: &str, query: &'static str) -> String {
    let mut connection = connect(url).await;
    let found: String = sqlx::query_scalar(query)
        .fetch_one(&mut connection)
        .await
        .expect("one value");
    connection.close().await.expect("a clean end");
    found
}

pub async fn run(url: &str, statement: &'static str) {
    let mut connection = connect(url).await;
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .expect("the statement to work");
}

/// Leaves something that a later run must find.
pub async fn keep_something(url: &str) {
    run(url, "CREATE TABLE kept AS SELECT 'yes' AS value").await;
}

pub async fn has_kept_it(url: &str) -> bool {
    text(url, "SELECT value FROM kept").await == "yes"
}

pub fn password(url: &str) -> String {
    let url = url::Url::parse(url).expect("a URL");
    url.password().expect("a password").to_owned()
}

pub fn postmaster(folder: &Path) -> Pid {
    let file = fs::read_to_string(folder.join("postgres/postmaster.pid")).expect("a pid file");
    let first = file.lines().next().expect("a first line");
    Pid::from_raw(first.trim().parse().expect("a number"))
}

/// The shell that watches over the postmaster leads its process group.
pub fn guardian_of(postmaster: Pid) -> Pid {
    getpgid(Some(postmaster)).expect("its process group")
}

/// A process that has ended but was not collected yet by its parent counts as gone.
pub fn is_alive(pid: Pid) -> bool {
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        return stat.is_ok_and(|stat| !stat.contains(") Z "));
    }
    kill(pid, None).is_ok()
}

pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "in {DEADLINE:?} not: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The names in a folder that begin so.
pub fn names_with(folder: &Path, prefix: &str) -> Vec<String> {
    fs::read_dir(folder)
        .expect("a listing")
        .map(|entry| entry.expect("an entry").file_name())
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with(prefix))
        .collect()
}

/// Not a test of its own: the copy of this program that others start in order to kill it.
#[tokio::test]
async fn owner_process() {
    let Some(folder) = std::env::var_os(OWNER_FOLDER) else {
        println!("skipped: nobody started this to kill it");
        return;
    };
    let postgres = start(&PathBuf::from(folder)).await;
    println!("\nurl={}", postgres.url());
    // Ends with whoever started us, killed by it or not.
    let starter_gone = tokio::task::spawn_blocking(|| io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        _ = starter_gone => postgres.stop().await,
        reason = postgres.exited() => panic!("{reason}"),
    }
}

/// Another process that owns a server on the folder, and the server's address.
pub fn start_owner(folder: &Path) -> (Child, String) {
    let mut owner = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "support::owner_process"])
        .arg("--nocapture")
        .env(OWNER_FOLDER, folder)
        .stdin(Stdio::piped())
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

/// `SIGKILL`, and the wait until the process is gone.
pub fn kill_owner(mut owner: Child) {
    owner.kill().expect("SIGKILL");
    owner.wait().expect("its end");
}

/// The process does nothing more until it is killed, and so does not complain about what happens to its server.
pub fn freeze(owner: &Child) {
    let pid = Pid::from_raw(owner.id().try_into().expect("a number"));
    kill(pid, Signal::SIGSTOP).expect("a signal");
    let status = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("a status");
    assert_eq!(status, WaitStatus::Stopped(pid, Signal::SIGSTOP));
}
