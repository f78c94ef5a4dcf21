//! A bridge for which nothing is configured: its own database, its own executor, its own Discord.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tempfile::TempDir;

use super::client::Client;
use super::person::Person;
use super::process::Process;

/// A bridge and its data folder.
pub struct Demo {
    /// The bridge.
    pub process: Process,
    folder: TempDir,
}

impl Demo {
    /// The first start.
    pub fn start() -> Self {
        Self::configured("")
    }

    /// The first start, with a `bridge.toml` in the data folder.
    pub fn configured(settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        // The embedded Postgres does not run as root, and has to pass through.
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
            .expect("we may open our own folder");
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("we may write into our own folder");
        std::fs::write(data.join("bridge.toml"), settings).expect("it is writable");
        Self::on(folder)
    }

    fn on(folder: TempDir) -> Self {
        let data = folder.path().join("data");
        let process = Process::start(
            &["--data-dir", &data.to_string_lossy()],
            &[],
            &data.join("run.json"),
            &folder.path().join("log"),
        );
        Self { process, folder }
    }

    /// A further start on the same folder; the bridge runs no more.
    pub fn again(self) -> Self {
        let Self { process, folder } = self;
        drop(process);
        Self::on(folder)
    }

    /// Its data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A text of the run file.
    pub fn text(&self, pointer: &str) -> String {
        let run = &self.process.run;
        let text = run.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {pointer} in {run}"))
            .to_owned()
    }

    /// The channel of a surface.
    pub fn channel(&self, surface: &str) -> String {
        self.text(&format!("/discord/channels/{surface}"))
    }

    /// The database.
    pub async fn pool(&self) -> PgPool {
        PgPoolOptions::new()
            .acquire_timeout(Duration::from_secs(5))
            .connect(&self.text("/database/url"))
            .await
            .expect("the embedded database is there")
    }

    /// Somebody with an account.
    pub fn person(&self, name: &str) -> Person {
        Person::of(&self.process.run, name)
    }

    /// Somebody's app.
    pub async fn client(&self, name: &str) -> Client {
        Client::of(&self.process.run, name).await
    }

    /// The thread of a task, once it is there.
    pub async fn thread(&self, name: &str) -> String {
        let (guild, channel) = (self.text("/discord/guild_id"), self.channel("tasks"));
        let zack = self.person("zack");
        super::wait::eventually(name, || async {
            let threads = zack.threads(&guild, &channel).await;
            let found = threads.iter().find(|thread| thread.name == name);
            found.map(|thread| thread.id.clone()).ok_or(threads)
        })
        .await
    }

    /// Turns a switch of the console.
    pub async fn switch(&self, name: &str, on: bool) -> (StatusCode, Value) {
        let address = self.console(&format!("switches/{name}"));
        let request = reqwest::Client::new().post(address);
        let answer = request.json(&json!({ "on": on })).send().await;
        let answer = answer.expect("the console answers");
        let status = answer.status();
        (status, answer.json().await.unwrap_or_default())
    }

    /// The switches of the console: name, and whether it is on.
    pub async fn switches(&self) -> Vec<(String, bool)> {
        let answer = reqwest::get(self.console("trouble")).await;
        let trouble: Value = answer
            .expect("the console answers")
            .json()
            .await
            .expect("JSON");
        let all = trouble["switches"].as_array().expect("a list");
        let one = |it: &Value| Some((it["name"].as_str()?.to_owned(), it["on"].as_bool()?));
        all.iter()
            .map(|it| one(it).expect("a name and a state"))
            .collect()
    }

    fn console(&self, path: &str) -> String {
        let page = self.text("/discord/page");
        format!("{}/_sandbox/{path}", page.trim_end_matches('/'))
    }
}
