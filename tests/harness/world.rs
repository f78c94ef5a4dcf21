//! A whole installation: a database, a Discord, a bridge, and people.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;

use super::person::{PATIENCE, Person};
use super::postgres::{TestDatabase, create_database};
use super::process::Process;

/// The project of every test.
pub const PROJECT: &str = "front-office";

/// An installation whose Discord and database outlive the bridge, so that it can be killed.
pub struct World {
    /// The bridge, while it runs.
    pub bridge: Option<Process>,
    sandbox: Process,
    database: TestDatabase,
    pool: PgPool,
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// An application in Discord's portal.
#[derive(Debug, Clone)]
pub struct Application {
    /// Its id.
    pub id: String,
    /// Its bot's token.
    pub token: String,
    /// Its bot's account.
    pub bot: String,
}

impl World {
    /// Everything running and ready, with two agents.
    pub async fn start() -> Self {
        let mut world = Self::without_bridge().await;
        world.start_bridge();
        world
    }

    /// Database, Discord and two agents; the bridge is not there yet.
    pub async fn without_bridge() -> Self {
        Self::on(create_database().await).await
    }

    /// The same on this database.
    pub async fn on(database: TestDatabase) -> Self {
        let pool = database.pool().await;
        add_agents(&pool).await;
        let folder = tempfile::tempdir().expect("the temporary folder is writable");
        let data = folder.path().join("discord");
        let sandbox = Process::start(
            &["sandbox", "--data-dir", &data.to_string_lossy()],
            &[],
            &data.join("sandbox").join("run.json"),
            &folder.path().join("sandbox.log"),
        );
        let discord = &sandbox.run["discord"];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let environment = vec![
            ("DISCORD_TOKEN".to_owned(), text(&discord["bot_token"])),
            ("DISCORD_API_BASE".to_owned(), text(&discord["api"])),
            (
                "OPERATOR_IDS".to_owned(),
                Person::of(&sandbox.run, "zack").id,
            ),
            ("DATABASE_URL".to_owned(), database.url().to_owned()),
        ];
        Self {
            bridge: None,
            sandbox,
            database,
            pool,
            folder,
            environment,
        }
    }

    /// Sets an environment variable of the next start of the bridge.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// The environment of the bridge.
    pub fn environment(&self) -> Vec<(&str, &str)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// The bridge's data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("bridge")
    }

    /// Starts the bridge and waits until it is ready.
    pub fn start_bridge(&mut self) {
        let data = self.data_dir();
        let bridge = Process::start(
            &["--data-dir", &data.to_string_lossy()],
            &self.environment(),
            &data.join("run.json"),
            &self.folder.path().join("bridge.log"),
        );
        self.bridge = Some(bridge);
    }

    /// A second bridge beside the first, in a data folder of its own.
    pub fn second_bridge(&self) -> Process {
        let data = self.folder.path().join("second");
        Process::start(
            &["--data-dir", &data.to_string_lossy()],
            &self.environment(),
            &data.join("run.json"),
            &self.folder.path().join("second.log"),
        )
    }

    /// Writes the `bridge.toml` of the next start.
    pub fn configure(&self, settings: &str) {
        let folder = self.data_dir();
        std::fs::create_dir_all(&folder).expect("the data folder can be made");
        std::fs::write(folder.join("bridge.toml"), settings).expect("it is writable");
    }

    /// Stops the bridge in order; it must end well.
    pub fn stop_bridge(&mut self) {
        let mut bridge = self.bridge.take().expect("the bridge runs");
        let status = bridge.stop();
        assert!(status.success(), "{status}:\n{}", bridge.log());
    }

    /// Kills the bridge as a crash would.
    pub fn kill_bridge(&mut self) {
        if let Some(mut bridge) = self.bridge.take() {
            bridge.kill_hard();
        }
    }

    /// What the bridge's run file says.
    pub fn run(&self) -> &Value {
        &self.bridge.as_ref().expect("the bridge runs").run
    }

    /// What the bridge has printed, over all of its starts.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("bridge.log")).unwrap_or_default()
    }

    /// What the sandbox's run file says.
    pub fn discord(&self) -> &Value {
        &self.sandbox.run
    }

    /// The Discord server.
    pub fn guild(&self) -> &str {
        let guild = self.sandbox.run["discord"]["guild_id"].as_str();
        guild.expect("the run file has the guild")
    }

    /// The channel of a surface.
    pub fn channel(&self, surface: &str) -> String {
        self.run()["discord"]["channels"][surface]
            .as_str()
            .unwrap_or_else(|| panic!("no channel {surface}: {}", self.run()))
            .to_owned()
    }

    /// Somebody with an account.
    pub fn person(&self, name: &str) -> Person {
        Person::of(&self.sandbox.run, name)
    }

    /// The database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The database itself, for what an administrator does to it.
    pub fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// The database's address.
    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    /// Says something in the room by SQL, as an agent or a dashboard does. Returns the row's id.
    pub async fn insert(&self, author: &str, text: &str) -> uuid::Uuid {
        sqlx::query_scalar(
            "INSERT INTO project_chat_messages (project_id, author, message) \
             VALUES ($1, $2, $3) RETURNING id",
        )
        .bind(PROJECT)
        .bind(author)
        .bind(text)
        .fetch_one(&self.pool)
        .await
        .expect("the database takes a message")
    }

    /// Puts a message of the room into an agent's queue, as a dashboard does.
    pub async fn queue(&self, agent: &str, text: &str) -> uuid::Uuid {
        let message = self.insert("ui", text).await;
        sqlx::query(
            "INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key) \
             VALUES ($1, $2, $3)",
        )
        .bind(PROJECT)
        .bind(message)
        .bind(agent)
        .execute(&self.pool)
        .await
        .expect("the queue takes a row");
        message
    }

    /// One more agent is in the team.
    pub async fn hire(&self, short: &str, name: &str) {
        sqlx::query(
            "INSERT INTO agents (project_id, agent_key, name, agent_id_short) \
             VALUES ($1, 'agent:' || $2 || ':main', $3, $2)",
        )
        .bind(PROJECT)
        .bind(short)
        .bind(name)
        .execute(&self.pool)
        .await
        .expect("the team takes an agent");
    }

    /// Makes Discord behave badly.
    pub async fn fault(&self, fault: Value) {
        self.control("/_sandbox/faults", fault).await;
    }

    /// Changes the bot's application in Discord's portal, or its role in the server.
    pub async fn application(&self, change: Value) {
        self.control("/_sandbox/application", change).await;
    }

    /// Makes a message older than it is.
    pub async fn age(&self, message: &str, seconds: u64) {
        let body = json!({ "message_id": message, "seconds": seconds });
        self.control("/_sandbox/age", body).await;
    }

    /// Gives somebody a new role with these permissions. Returns its id.
    pub async fn give_role(&self, user: &str, name: &str, permissions: &str) -> String {
        let role = json!({ "name": name, "permissions": permissions });
        let body = json!({ "user_id": user, "role": role });
        let made = self.control("/_sandbox/users", body).await;
        made["role_id"].as_str().expect("an id").to_owned()
    }

    /// Makes an application in Discord's portal, whose bot is invited to the server.
    pub async fn make_application(&self, name: &str) -> Application {
        let made = self
            .control("/_sandbox/applications", json!({ "name": name }))
            .await;
        let text = |key: &str| made[key].as_str().expect("a text").to_owned();
        Application {
            id: text("id"),
            token: text("token"),
            bot: text("user_id"),
        }
    }

    async fn control(&self, path: &str, body: Value) -> Value {
        let request = reqwest::Client::new().post(self.sandbox_address(path));
        let answer = request
            .json(&body)
            .send()
            .await
            .expect("the sandbox answers");
        assert!(answer.status().is_success(), "{path} {body}: {answer:?}");
        answer.json().await.unwrap_or_default()
    }

    /// Makes Discord behave again.
    pub async fn no_faults(&self) {
        let address = self.sandbox_address("/_sandbox/faults");
        let answer = reqwest::Client::new().delete(address).send().await;
        assert!(answer.expect("the sandbox answers").status().is_success());
    }

    /// The requests that the bot has made, by method and path template, with their bodies.
    pub async fn requests(&self) -> Vec<Value> {
        let address = self.sandbox_address("/_sandbox/requests?after=0");
        let answer = reqwest::get(address).await.expect("the sandbox answers");
        answer.json().await.expect("a list of requests")
    }

    /// Waits until so many sessions are connected to Discord's gateway.
    pub async fn has_sessions(&self, count: u64) {
        let address = self.sandbox_address("/_sandbox/stats");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let answer = reqwest::get(&address).await.expect("the sandbox answers");
            let stats: Value = answer.json().await.expect("numbers");
            if stats["gateway"]["connected_sessions"] == count {
                return;
            }
            assert!(Instant::now() < deadline, "{count} sessions: {stats}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until the bot has made a request that fits.
    pub async fn sees_request(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let requests = self.requests().await;
            if let Some(found) = requests.iter().find(|request| fits(request)) {
                return found.clone();
            }
            assert!(
                Instant::now() < deadline,
                "{what} was not asked of Discord: {}",
                json!(requests)
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    fn sandbox_address(&self, path: &str) -> String {
        let page = self.sandbox.run["discord"]["page"].as_str();
        let page = page.expect("the run file has the page");
        format!("{}{path}", page.trim_end_matches('/'))
    }
}

/// Trunks and Ricky, as an existing installation has its agents, and every feature of the Labs on.
pub async fn add_agents(pool: &PgPool) {
    sqlx::raw_sql(
        "INSERT INTO projects (id, name) VALUES ('front-office', 'Front Office') \
           ON CONFLICT DO NOTHING; \
         INSERT INTO agents (project_id, agent_key, name, emoji, agent_id_short, created_at) VALUES \
           ('front-office', 'agent:main:main', 'Trunks', '🧢', 'main', now()), \
           ('front-office', 'agent:ricky:main', 'Ricky', '🔧', 'ricky', now() + interval '1 ms') \
           ON CONFLICT DO NOTHING; \
         INSERT INTO project_settings (project_id, key, value) VALUES ('front-office', \
           'labs_features', '{\"task_threads\": true, \"team_room\": true, \"operator_chat\": true, \
             \"multi_dm\": true, \"heartbeat_ui\": true, \"mission_banner\": true}') \
           ON CONFLICT DO NOTHING",
    )
    .execute(pool)
    .await
    .expect("the agents can be written");
}

impl World {
    /// Starts an executor of its own on a port; the token is `between-us`.
    pub fn start_executor(&self, port: u16) -> Process {
        let data = self.folder.path().join("executor");
        let listen = format!("127.0.0.1:{port}");
        Process::start(
            &[
                "executor",
                "--data-dir",
                &data.to_string_lossy(),
                "--listen",
                &listen,
            ],
            &[
                ("DATABASE_URL", self.database.url()),
                ("EXECUTOR_TOKEN", "between-us"),
            ],
            &data.join("executor.json"),
            &self.folder.path().join("executor.log"),
        )
    }
}
