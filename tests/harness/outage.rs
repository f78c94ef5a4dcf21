//! What an administrator, or a bad day, does to a database.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use url::Url;

use super::postgres::{Server, TestDatabase, create, migrate};

/// A migrated database on a server of its own.
pub async fn database_on(server: &Server) -> TestDatabase {
    let database = create(&server.url, "").await;
    migrate(&database).await;
    database
}

/// Lets everybody in, or nobody until further notice. Connections that are there stay.
pub async fn accept_connections(database: &TestDatabase, accept: bool) {
    let name = name(database);
    let statement = format!("ALTER DATABASE \"{name}\" ALLOW_CONNECTIONS {accept}");
    administer(database, statement).await;
}

/// Ends every connection, as a restart of the server does.
pub async fn end_connections(database: &TestDatabase) {
    let name = name(database);
    let statement =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    administer(database, statement).await;
}

fn name(database: &TestDatabase) -> String {
    let url = Url::parse(database.url()).expect("a database has a URL");
    url.path().trim_start_matches('/').to_owned()
}

/// Crashes the server and lets it recover: what was committed without waiting for the disk may be gone.
pub async fn crash(server: &Server) {
    Keeper::of(server)
        .await
        .does(&["restart", "-m", "immediate"]);
}

/// Stops the server: nobody listens on its port until the keeper starts it again.
pub async fn stop(server: &Server) -> Keeper {
    let keeper = Keeper::of(server).await;
    keeper.does(&["stop", "-m", "fast"]);
    keeper
}

/// Who can stop and start a server.
pub struct Keeper {
    data: PathBuf,
    programs: PathBuf,
}

impl Keeper {
    async fn of(server: &Server) -> Self {
        let mut admin = PgConnection::connect(&server.url)
            .await
            .expect("the server accepts its administrator");
        let (data, programs): (String, String) = sqlx::query_as(
            "SELECT current_setting('data_directory'), \
                    (SELECT setting FROM pg_config WHERE name = 'BINDIR')",
        )
        .fetch_one(&mut admin)
        .await
        .expect("an administrator may know this");
        Self {
            data: data.into(),
            programs: programs.into(),
        }
    }

    /// Starts it again, on its port: only `restart` remembers the options.
    pub fn start(&self) {
        self.does(&["restart"]);
    }

    fn does(&self, what: &[&str]) {
        let owner = self.data.metadata().expect("the data are on this machine");
        let status = Command::new(self.programs.join("pg_ctl"))
            .args(what)
            .args(["-w", "-t", "60", "-D"])
            .arg(&self.data)
            .arg("-l")
            .arg(self.data.with_file_name("log"))
            .current_dir(&self.data)
            .uid(owner.uid())
            .gid(owner.gid())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .expect("pg_ctl can be started");
        assert!(status.success(), "pg_ctl {what:?}: {status}");
    }
}

/// From the database `postgres`, which stays open.
async fn administer(database: &TestDatabase, statement: String) {
    let mut url = Url::parse(database.url()).expect("a database has a URL");
    url.set_path("postgres");
    let mut admin = PgConnection::connect(url.as_str())
        .await
        .expect("the server accepts its administrator");
    sqlx::raw_sql(AssertSqlSafe(statement))
        .execute(&mut admin)
        .await
        .expect("an administrator may do this");
}
