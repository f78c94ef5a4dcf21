//! Tasks in the database, and their threads as people see them.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::person::{PATIENCE, Person};
use super::world::World;

const PROJECT: &str = "front-office";

/// A thread as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thread {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether it is archived.
    pub archived: bool,
    /// The ids of its tags.
    pub tags: Vec<String>,
}

impl Thread {
    fn of(json: &Value) -> Self {
        let tags = json["applied_tags"].as_array().cloned().unwrap_or_default();
        Self {
            id: json["id"].as_str().unwrap_or_default().to_owned(),
            name: json["name"].as_str().unwrap_or_default().to_owned(),
            archived: json["thread_metadata"]["archived"] == true,
            tags: tags
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        }
    }
}

impl Person {
    /// The threads of a channel, archived ones included.
    pub async fn threads(&self, guild: &str, channel: &str) -> Vec<Thread> {
        let active = self.list(&format!("/guilds/{guild}/threads/active")).await;
        let archived = format!("/channels/{channel}/threads/archived/public?limit=100");
        let archived = self.list(&archived).await;
        let mine = |thread: &&Value| thread["parent_id"] == *channel;
        let all = active.iter().chain(&archived);
        all.filter(mine).map(Thread::of).collect()
    }

    async fn list(&self, path: &str) -> Vec<Value> {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert!(status.is_success(), "{path}: {status} {body}");
        body["threads"].as_array().cloned().unwrap_or_default()
    }
}

impl World {
    /// A task in the database, as a dashboard writes one.
    pub async fn task(&self, title: &str, status: &str, assignee: Option<&str>) -> Uuid {
        sqlx::query_scalar(
            "INSERT INTO tasks (project_id, title, description, status, assignee_agent_key) \
             VALUES ($1, $2, 'Do it well.', $3, $4) RETURNING id",
        )
        .bind(PROJECT)
        .bind(title)
        .bind(status)
        .bind(assignee)
        .fetch_one(self.pool())
        .await
        .expect("the database takes a task")
    }

    /// Something happens in a task, as an agent or a dashboard writes it.
    pub async fn event(
        &self,
        task: Uuid,
        kind: &str,
        author: &str,
        content: &str,
        metadata: Value,
    ) -> Uuid {
        sqlx::query_scalar(
            "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) \
             VALUES ($1, $2, $3, $4, $5, $6) RETURNING id",
        )
        .bind(PROJECT)
        .bind(task)
        .bind(kind)
        .bind(author)
        .bind(content)
        .bind(metadata)
        .fetch_one(self.pool())
        .await
        .expect("the database takes an event")
    }

    /// A comment of an agent.
    pub async fn comment(&self, task: Uuid, text: &str) -> Uuid {
        let author = "agent:ricky:main";
        self.event(task, "comment", author, text, json!({})).await
    }

    /// One statement, as somebody at the database types it.
    pub async fn sql(&self, statement: &'static str) {
        let done = sqlx::raw_sql(statement).execute(self.pool()).await;
        done.expect("the database takes the statement");
    }

    /// Waits until the only thread of this name is as expected.
    pub async fn sees_thread(
        &self,
        name: &str,
        what: &str,
        expected: impl Fn(&Thread) -> bool,
    ) -> Thread {
        let person = self.person("zack");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let channel = self.channel("tasks");
            let threads = person.threads(self.guild(), &channel).await;
            let mut found = threads.iter().filter(|thread| thread.name == name);
            if let (Some(thread), None) = (found.next(), found.next())
                && expected(thread)
            {
                return thread.clone();
            }
            assert!(
                Instant::now() < deadline,
                "{what}: one thread {name:?} was expected; there are {threads:#?}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// The thread of a task.
    pub async fn thread(&self, name: &str) -> String {
        self.sees_thread(name, "the thread of a task", |_| true)
            .await
            .id
    }
}
