//! A Postgres for these tests: one shared server, a database per test.

use std::{
    io::Write,
    net::TcpListener,
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use nix::unistd::{User, geteuid};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const PASSWORD: &str = "p/w %d";

/// The tables a test finds: published and not, with every kind of key.
const SCHEMA: &str = "
    CREATE TABLE tasks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), title text, big text);
    CREATE TABLE agents (before_id text, id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
    CREATE TABLE skills_mirror (name text, id text PRIMARY KEY);
    CREATE TABLE project_settings (value text, project_id text, key text,
        PRIMARY KEY (project_id, key));
    CREATE TABLE activities (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), message text);
    CREATE TABLE strangers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text);
    CREATE SCHEMA other;
    CREATE TABLE other.tasks (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), title text);
    CREATE PUBLICATION supabase_realtime
        FOR TABLE tasks, agents, skills_mirror, project_settings, strangers, other.tasks";

/// Ends the server and removes its folder once the pipe to us closes, by whatever cause.
const GUARDIAN: &str = "cat >/dev/null; \"$0\" -D \"$1/data\" -m immediate stop; rm -rf \"$1\"";

/// A server in a temporary folder. It ends with this process, however that ends.
pub struct Server {
    folder: PathBuf,
    port: u16,
    /// Its standard input is the pipe.
    guardian: Child,
}

impl Server {
    /// The server most tests share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| Self::start("logical", &[]))
    }

    /// A server of one's own, to mistreat. `settings` are lines of `postgresql.conf`.
    pub fn start(wal_level: &str, settings: &[&str]) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("feed-pg-")
            .tempdir()
            .unwrap()
            .keep();
        let password = folder.join("password");
        std::fs::write(&password, PASSWORD).unwrap();
        if let Some(user) = unprivileged() {
            for path in [&folder, &password] {
                chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
            }
        }
        let guardian = program(Path::new("sh"))
            .args(["-c", GUARDIAN])
            .arg(binary("pg_ctl"))
            .arg(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        let data = folder.join("data");
        let made = program(&binary("initdb"))
            .args(["-N", "-U", "postgres", "--auth=scram-sha-256", "--locale=C"])
            .args(["--encoding=UTF8", "--pwfile"])
            .arg(&password)
            .arg("-D")
            .arg(&data)
            .status();
        assert!(made.unwrap().success(), "initdb");
        let config = format!(
            "listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nfsync = off\n\
             wal_level = {wal_level}\nmax_wal_senders = 30\nmax_replication_slots = 30\n{}\n",
            settings.join("\n")
        );
        let file = std::fs::OpenOptions::new()
            .append(true)
            .open(data.join("postgresql.conf"));
        file.unwrap().write_all(config.as_bytes()).unwrap();
        let mut server = Self {
            folder,
            port: 0,
            guardian,
        };
        // A port that is free now may be taken a moment later.
        for _ in 0..5 {
            server.port = TcpListener::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port();
            if server.pg_ctl("start") {
                return server;
            }
        }
        panic!("no server after five attempts: {}", server.log());
    }

    pub fn stop(&self) {
        assert!(self.pg_ctl("stop"), "the server stops: {}", self.log());
    }

    pub fn start_again(&self) {
        assert!(self.pg_ctl("start"), "the server starts: {}", self.log());
    }

    /// The URL of a database for a role; all roles have one password.
    pub fn url(&self, role: &str, database: &str) -> String {
        format!(
            "postgres://{role}:p%2Fw%20%25d@127.0.0.1:{}/{database}",
            self.port
        )
    }

    /// A new database with the tables of [`SCHEMA`].
    pub async fn database(&self) -> Database {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("feed_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut postgres = connect(&self.url("postgres", "postgres")).await;
        execute(&mut postgres, &format!("CREATE DATABASE {name}")).await;
        let url = self.url("postgres", &name);
        let mut connection = connect(&url).await;
        execute(&mut connection, SCHEMA).await;
        Database {
            name,
            url,
            connection,
        }
    }

    fn pg_ctl(&self, action: &str) -> bool {
        program(&binary("pg_ctl"))
            .args(["-w", "-m", "fast", "-o", &format!("-p {}", self.port), "-D"])
            .arg(self.folder.join("data"))
            .arg("-l")
            .arg(self.folder.join("log"))
            .arg(action)
            .status()
            .unwrap()
            .success()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guardian.stdin.take());
        let _ = self.guardian.wait();
    }
}

/// A database of one test and a connection to it.
pub struct Database {
    pub name: String,
    pub url: String,
    connection: PgConnection,
}

impl Database {
    /// Runs statements; several in one string are one transaction.
    pub async fn execute(&mut self, sql: &str) {
        execute(&mut self.connection, sql).await;
    }

    /// The first column of the first row, which has to be text.
    pub async fn text(&mut self, sql: &str) -> String {
        sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut self.connection)
            .await
            .unwrap()
    }

    /// Waits until the query says `true`.
    pub async fn wait_until(&mut self, condition: &str) {
        let deadline = Instant::now() + Duration::from_secs(40);
        while self.text(&format!("SELECT ({condition})::text")).await != "true" {
            assert!(Instant::now() < deadline, "never became true: {condition}");
            tokio::task::yield_now().await;
        }
    }
}

pub async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

pub async fn execute(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .execute(connection)
        .await
        .unwrap();
}

/// Postgres refuses to run as root.
fn unprivileged() -> Option<User> {
    let find = |name| User::from_name(name).ok().flatten();
    geteuid()
        .is_root()
        .then(|| find("postgres").or_else(|| find("nobody")))
        .flatten()
}

/// The newest installed Postgres' program.
fn binary(name: &str) -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = installed
        .map(|entry| entry.path().join("bin").join(name))
        .filter(|path| path.exists());
    newest.max().unwrap_or_else(|| PathBuf::from(name))
}

fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/");
    if let Some(user) = unprivileged() {
        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    command
}
