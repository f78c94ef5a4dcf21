//! A real Postgres for tests: one server per test process, one database per test.
//!
//! `TEST_DATABASE_URL`, a URL with the right to create databases, names a server to use instead. Otherwise the
//! installed binaries are started on a free loopback port with data in the temporary folder. Nothing stays behind,
//! not even after SIGKILL: the server is watched by a shell that waits on a pipe which only this process holds open.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use nix::unistd::{Uid, User, chown};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::OnceCell;
use url::Url;
use uuid::Uuid;

/// Runs as the server's user with the folders of the binaries and of the data, the port and the `wal_level`. When `read`
/// ends, we do.
const WATCHER: &str = r#"
trap '"$1/pg_ctl" -D "$2/data" -m immediate stop >/dev/null 2>&1; rm -rf "$2"' EXIT
trap exit HUP INT TERM PIPE
"$1/initdb" -D "$2/data" -U postgres -A scram-sha-256 --pwfile="$2/password" -E UTF8 --locale=C -N >"$2/log" 2>&1 &&
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w -t 60 start -o "-p $3 -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories='' -c wal_level=$4 -c max_connections=200 -c max_wal_senders=50 \
    -c max_replication_slots=50 -c fsync=off -c full_page_writes=off" </dev/null >/dev/null 2>&1 ||
{ cat "$2/log"; exit 1; }
echo ready
read -r _
"#;

/// A database of one test, dropped with this value.
pub struct TestDatabase {
    url: String,
    name: String,
    /// Where it is created, managed and dropped.
    admin: String,
}

impl TestDatabase {
    /// Its URL, with the rights of a superuser unless `TEST_DATABASE_URL` grants fewer.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A pool of its own, opened in the runtime of the calling test.
    pub async fn pool(&self) -> PgPool {
        PgPool::connect(&self.url)
            .await
            .expect("the test's database accepts connections")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let statement = format!("DROP DATABASE IF EXISTS \"{}\" WITH (FORCE)", self.name);
        let admin = self.admin.clone();
        // A runtime of its own: the test's may be shutting down.
        let dropper = std::thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .is_ok_and(|runtime| runtime.block_on(administer(&admin, &statement)).is_ok())
        });
        if !matches!(dropper.join(), Ok(true)) {
            eprintln!("the database {} could not be dropped", self.name);
        }
    }
}

/// The URL of the server's administrative database. The first call starts the server.
pub fn test_database() -> String {
    static SERVER: OnceLock<Server> = OnceLock::new();
    std::env::var("TEST_DATABASE_URL")
        .unwrap_or_else(|_| SERVER.get_or_init(|| Server::start("logical")).url.clone())
}

/// An empty database.
pub async fn create_empty_database() -> TestDatabase {
    create(&test_database(), "").await
}

/// A database with every migration applied: a copy of one that was migrated once.
pub async fn create_database() -> TestDatabase {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    if std::env::var_os("TEST_DATABASE_URL").is_some() {
        // A template would stay behind on a server that outlives us.
        let database = create_empty_database().await;
        migrate(&database).await;
        return database;
    }
    let template = TEMPLATE
        .get_or_init(|| async {
            let database = create_empty_database().await;
            migrate(&database).await;
            // Kept for as long as the server: every later test copies it.
            std::mem::ManuallyDrop::new(database).name.clone()
        })
        .await;
    create(&test_database(), &format!("TEMPLATE \"{template}\"")).await
}

/// Applies every migration.
pub async fn migrate(database: &TestDatabase) {
    let pool = database.pool().await;
    clawdos_bridge::store::migrate::migrate(&pool)
        .await
        .expect("the migrations apply");
    pool.close().await;
}

/// An empty database on the server behind this administrative URL.
pub async fn create(admin: &str, options: &str) -> TestDatabase {
    let name = format!("bridge_test_{}", Uuid::new_v4().simple());
    administer(admin, &format!("CREATE DATABASE \"{name}\" {options}"))
        .await
        .expect("the test server creates databases");
    let mut url = Url::parse(admin).expect("TEST_DATABASE_URL is a URL");
    url.set_path(&name);
    TestDatabase {
        url: url.into(),
        name,
        admin: admin.to_owned(),
    }
}

async fn administer(admin: &str, statement: &str) -> Result<(), sqlx::Error> {
    let mut admin = PgConnection::connect(admin).await?;
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
        .execute(&mut admin)
        .await?;
    admin.close().await
}

/// A server that ends with this value. Most tests share one; what concerns a server as a whole needs its own.
pub struct Server {
    /// Of its administrative database.
    pub url: String,
    /// Its open stdin is what keeps the server running.
    _watcher: Child,
}

impl Server {
    /// Starts a server with this `wal_level`.
    pub fn start(wal_level: &str) -> Self {
        let binaries = find_binaries().expect(
            "the tests need Postgres 15 or newer: install it (Debian: apt-get install postgresql), \
             or set TEST_DATABASE_URL to a server where databases may be created",
        );
        let folder = tempfile::Builder::new()
            .prefix("bridge-test-postgres-")
            .tempdir()
            .expect("the temporary folder is writable")
            .keep();
        let password = Uuid::new_v4().simple().to_string();
        std::fs::write(folder.join("password"), &password).expect("the password can be written");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .expect("a loopback port is free")
            .port();
        let mut watcher = watcher(&binaries, &folder, port)
            .arg(wal_level)
            .spawn()
            .expect("a shell can be started");
        let mut output = BufReader::new(watcher.stdout.take().expect("its output is piped"));
        let mut said = String::new();
        if output.read_line(&mut said).is_err() || said != "ready\n" {
            let _ = output.read_to_string(&mut said);
            panic!("Postgres did not start:\n{said}");
        }
        Self {
            url: format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres"),
            _watcher: watcher,
        }
    }
}

fn watcher(binaries: &Path, folder: &Path, port: u16) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", WATCHER, "sh"])
        .args([binaries, folder])
        .arg(port.to_string())
        .current_dir(folder)
        // Ctrl-C ends the tests; the watcher then ends the server in order.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // Postgres refuses to run as root.
    if Uid::effective().is_root() {
        let user = ["postgres", "nobody"]
            .iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .expect("the user postgres or nobody exists");
        for path in [folder, &folder.join("password")] {
            chown(path, Some(user.uid), Some(user.gid)).expect("root may give away its files");
        }
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}

fn find_binaries() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    // Debian keeps the server's programs off the PATH.
    let packaged = std::fs::read_dir("/usr/lib/postgresql").map_or_else(
        |_| Vec::new(),
        |versions| versions.flatten().map(|v| v.path().join("bin")).collect(),
    );
    std::env::split_paths(&on_path)
        .chain(packaged)
        .find(|folder| {
            let mut names = ["initdb", "pg_ctl", "postgres"].iter();
            names.all(|name| folder.join(name).is_file())
        })
}
