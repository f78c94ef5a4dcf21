//! What the tests here share: a project with agents that are shell scripts, and an executor.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clawdos_bridge::control::ControlClient;
use clawdos_bridge::executor::{
    AgentCommand, DEFAULT_API_TIMEOUT, Executor, ExecutorSettings, Hires, Kick,
};
use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::model::thread::Place;
use clawdos_bridge::model::{AgentKey, DeliveryId, MessageId};
use clawdos_bridge::store::Store;
use clawdos_bridge::store::chat::{Destination, NewMessage};
use secrecy::SecretString;
use sqlx::postgres::PgPoolOptions;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::postgres::{TestDatabase, create_database};

/// Time after which something that was promised has not happened.
const DEADLINE: Duration = Duration::from_mins(1);

/// A database with the demo project, and a folder for what agents leave behind.
pub struct Stage {
    pub store: Store,
    pub folder: tempfile::TempDir,
    database: TestDatabase,
}

/// An executor at work.
pub struct Running {
    pub addr: SocketAddr,
    pub kick: Kick,
    pub cancel: CancellationToken,
    pub task: JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    pub async fn new() -> Self {
        let database = create_database().await;
        let store = connect(database.url()).await;
        store.seed_demo(true).await.unwrap();
        // What the demo tells is not what these tests tell.
        sqlx::raw_sql(
            "DELETE FROM project_chat_messages; DELETE FROM project_chat_threads;
             DELETE FROM tasks; DELETE FROM activities; DELETE FROM cron_mirror",
        )
        .execute(store.pool())
        .await
        .unwrap();
        Self {
            store,
            folder: tempfile::tempdir().unwrap(),
            database,
        }
    }

    pub fn database_url(&self) -> &str {
        self.database.url()
    }

    /// What agents wrote into a file, line by line.
    pub fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// An agent that is a shell script. `$1` is the folder, `$2` the message, `$3` the session.
    pub fn script(&self, script: &str) -> AgentCommand {
        let folder = self.folder.path().to_str().unwrap();
        AgentCommand::new([
            "/bin/sh",
            "-c",
            script,
            "agent",
            folder,
            "{message}",
            "{session}",
        ])
    }

    /// An agent that notes that it was asked, waits for the file `go` and answers.
    pub fn gated(&self) -> AgentCommand {
        self.script(
            r#"echo "$2" >> "$1/asked"; until [ -e "$1/go" ]; do sleep 0.02; done; echo "re: $2""#,
        )
    }

    pub fn open_the_gate(&self) {
        std::fs::write(self.folder.path().join("go"), "").unwrap();
    }

    pub fn settings(agents: &[(&str, AgentCommand)]) -> ExecutorSettings {
        let agents = agents.iter();
        ExecutorSettings {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            token: None,
            parallel: 4,
            batch: 5,
            agents: agents
                .map(|(short, command)| ((*short).to_owned(), command.clone()))
                .collect::<BTreeMap<_, _>>(),
            workspace: PathBuf::from("/dev/null/workspace"),
            allowed_hosts: Vec::new(),
            api_timeout: DEFAULT_API_TIMEOUT,
            skills: PathBuf::from("/dev/null/skills"),
            hires: Hires::Configured,
        }
    }

    /// One agent, `main`, and the executor that runs it.
    pub async fn executor(&self, command: AgentCommand) -> Running {
        let settings = Self::settings(&[("main", command)]);
        Running::start(settings, self.store.clone()).await
    }

    /// The operator says something to an agent in its DM thread; the queue row stands as given.
    pub async fn say(
        &self,
        agent: &str,
        text: &str,
        status: DeliveryStatus,
    ) -> (MessageId, DeliveryId) {
        let agent = key(agent);
        let destination = Destination::Place(Place::Dm(agent.clone()));
        let message = NewMessage {
            target: Some(&agent),
            ..NewMessage::text(destination, "ui", text)
        };
        let said = self
            .store
            .say(message, &[(agent.clone(), status)], None)
            .await
            .unwrap();
        (said.message_id, said.deliveries[0].0)
    }

    /// The same, without a queue row.
    pub async fn message(&self, agent: &str, text: &str) -> MessageId {
        let destination = Destination::Place(Place::Dm(key(agent)));
        let message = NewMessage::text(destination, "ui", text);
        self.store.post_message(message).await.unwrap()
    }

    /// Status and error of a queue row.
    pub async fn delivery(
        &self,
        message: MessageId,
        agent: &str,
    ) -> (DeliveryStatus, Option<String>) {
        let row = self.store.delivery(message, &key(agent)).await.unwrap();
        let row = row.expect("the queue row is there");
        (row.status, row.error)
    }

    pub async fn wait_for_status(&self, message: MessageId, agent: &str, status: DeliveryStatus) {
        eventually(&format!("{message} is {status}"), async || {
            let found = self.delivery(message, agent).await;
            (found.0 == status)
                .then_some(())
                .ok_or(format!("{found:?}"))
        })
        .await;
    }

    /// Texts of the replies to a message.
    pub async fn replies(&self, to: MessageId) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT message FROM project_chat_messages WHERE metadata ->> 'reply_to' = $1
             ORDER BY created_at",
        )
        .bind(to.to_string())
        .fetch_all(self.store.pool())
        .await
        .unwrap()
    }
}

impl Running {
    pub async fn start(settings: ExecutorSettings, store: Store) -> Self {
        let kick = Kick::default();
        let executor = Executor::start(settings, store, kick.clone())
            .await
            .unwrap();
        let cancel = CancellationToken::new();
        Self {
            addr: executor.addr(),
            kick,
            task: tokio::spawn(executor.run(cancel.clone())),
            cancel,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.addr)
    }

    pub fn client(&self, token: Option<&str>) -> ControlClient {
        let token = token.map(SecretString::from);
        let project = "front-office".parse().unwrap();
        ControlClient::new(&self.url(""), token, project).unwrap()
    }

    /// Stops it in order.
    pub async fn stop(self) {
        self.cancel.cancel();
        self.task.await.unwrap().unwrap();
    }
}

pub async fn connect(url: &str) -> Store {
    let pool = PgPoolOptions::new().max_connections(8).connect(url).await;
    Store::new(pool.unwrap(), "front-office".parse().unwrap())
}

pub fn key(short: &str) -> AgentKey {
    short.parse().unwrap()
}

pub fn unknown_message() -> MessageId {
    MessageId(Uuid::new_v4())
}

/// Waits until `look` is content; panics with what it saw last.
pub async fn eventually<T>(what: &str, look: impl AsyncFn() -> Result<T, String>) -> T {
    let start = Instant::now();
    loop {
        match look().await {
            Ok(value) => return value,
            Err(seen) if start.elapsed() > DEADLINE => panic!("never: {what}; last seen: {seen}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Waits until a file has a number of lines.
pub async fn eventually_lines(stage: &Stage, name: &str, count: usize) {
    eventually(&format!("{name} has {count} lines"), async || {
        let lines = stage.lines(name);
        (lines.len() == count)
            .then_some(())
            .ok_or(format!("{lines:?}"))
    })
    .await;
}

/// Whether a process is there and no zombie.
pub fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(pid.trim()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z"))
}
