//! The Postgres of the run: agents, their threads, rows, and what the ledger says of them.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clawdos_bridge::embedded::EmbeddedPostgres;
use clawdos_bridge::store::migrate::migrate;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{proc, text};

/// The project of the run.
const PROJECT: &str = "front-office";

/// Agents, each with a channel of its own.
pub const CHANNELS: u32 = 20;

/// How long the ledger may take to hold what was sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// An agent and the thread that its channel shows.
#[derive(Debug, Clone)]
struct Agent {
    key: String,
    thread: Uuid,
}

/// A Postgres with the settings that are shipped.
pub struct Database {
    /// Its address.
    pub url: String,
    /// Connections for questions; rows are written over one of their own.
    pub pool: PgPool,
    /// The process that all of its processes descend from.
    postmaster: u32,
    agents: Vec<Agent>,
    /// Number of the next row.
    next: u32,
    server: EmbeddedPostgres,
}

/// Name of a channel's surface in the run file.
pub fn surface(channel: u32) -> String {
    format!("dm-bench{channel}")
}

impl Database {
    /// Starts a server below `folder`, with the schema, the agents and their threads.
    pub async fn start(folder: &Path) -> anyhow::Result<Self> {
        let server = EmbeddedPostgres::start(folder).await?;
        let url = server.url().to_owned();
        let pool = PgPool::connect(&url).await?;
        migrate(&pool).await?;
        sqlx::query("INSERT INTO projects (id, name) VALUES ($1, 'Front Office')")
            .bind(PROJECT)
            .execute(&pool)
            .await?;
        sqlx::query(
            "INSERT INTO project_settings (project_id, key, value) VALUES ($1, 'labs_features', $2)",
        )
        .bind(PROJECT)
        .bind(r#"{"team_room": true, "operator_chat": true, "multi_dm": true}"#)
        .execute(&pool)
        .await?;
        let mut agents = Vec::new();
        for channel in 0..CHANNELS {
            agents.push(add_agent(&pool, channel).await?);
        }
        Ok(Self {
            url,
            pool,
            postmaster: proc::postmaster(&folder.join("postgres"))?,
            agents,
            next: 1,
            server,
        })
    }

    /// CPU seconds that the server has used.
    pub fn cpu_seconds(&self) -> anyhow::Result<f64> {
        proc::cpu_seconds_of_family(self.postmaster)
    }

    /// A number that no row has.
    pub fn number(&mut self) -> u32 {
        let number = self.next;
        self.next += 1;
        number
    }

    /// Commits one row as an agent and returns its number.
    pub async fn insert(&mut self, writer: &mut PgConnection) -> anyhow::Result<u32> {
        let number = self.number();
        let agent = &self.agents[number as usize % self.agents.len()];
        sqlx::query(
            "INSERT INTO project_chat_messages (project_id, thread_id, author, message) \
             VALUES ($1, $2, $3, $4)",
        )
        .bind(PROJECT)
        .bind(agent.thread)
        .bind(&agent.key)
        .bind(text::of(number))
        .execute(writer)
        .await?;
        Ok(number)
    }

    /// Commits many rows at once, spread over the first `channels` channels.
    pub async fn insert_many(
        &mut self,
        rows: u32,
        channels: usize,
    ) -> anyhow::Result<std::ops::Range<u32>> {
        let numbers = self.next..self.next + rows;
        self.next = numbers.end;
        let agents: Vec<&Agent> = self
            .agents
            .iter()
            .take(channels)
            .cycle()
            .take(rows as usize)
            .collect();
        let threads: Vec<Uuid> = agents.iter().map(|agent| agent.thread).collect();
        let keys: Vec<&str> = agents.iter().map(|agent| agent.key.as_str()).collect();
        let texts: Vec<String> = numbers.clone().map(text::of).collect();
        sqlx::query(
            "INSERT INTO project_chat_messages (project_id, thread_id, author, message, created_at) \
             SELECT $1, thread, key, text, clock_timestamp() \
             FROM unnest($2::uuid[], $3::text[], $4::text[]) AS r(thread, key, text)",
        )
        .bind(PROJECT)
        .bind(&threads)
        .bind(&keys)
        .bind(&texts)
        .execute(&self.pool)
        .await?;
        Ok(numbers)
    }

    /// Waits until the ledger says of every row that it was sent, and of no more than that.
    pub async fn settled(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (rows, views, sent): (i64, i64, i64) = sqlx::query_as(
                "SELECT (SELECT count(*) FROM project_chat_messages), count(*), \
                        count(*) FILTER (WHERE state = 'sent') \
                 FROM bridge.view WHERE kind = 'message'",
            )
            .fetch_one(&self.pool)
            .await?;
            if (views, sent) == (rows, rows) {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "of {rows} rows the ledger has {views} views, {sent} of them sent"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until all of the queue is processed; returns how many rows that are.
    pub async fn processed(&self) -> anyhow::Result<i64> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (rows, done): (i64, i64) = sqlx::query_as(
                "SELECT count(*), count(*) FILTER (WHERE status = 'processed') \
                 FROM chat_delivery_queue",
            )
            .fetch_one(&self.pool)
            .await?;
            if rows == done {
                return Ok(rows);
            }
            ensure!(
                Instant::now() < deadline,
                "of {rows} deliveries only {done} were processed"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the server in good order.
    pub async fn stop(self) {
        self.pool.close().await;
        self.server.stop().await;
    }
}

async fn add_agent(pool: &PgPool, channel: u32) -> anyhow::Result<Agent> {
    let short = format!("bench{channel}");
    let key = format!("agent:{short}:main");
    sqlx::query(
        "INSERT INTO agents (project_id, agent_key, name, agent_id_short, created_at) \
         VALUES ($1, $2, $3, $4, now())",
    )
    .bind(PROJECT)
    .bind(&key)
    .bind(format!("Bench {channel}"))
    .bind(&short)
    .execute(pool)
    .await
    .context("an agent could not be written")?;
    let thread = sqlx::query_scalar(
        "INSERT INTO project_chat_threads (project_id, title) VALUES ($1, $2) RETURNING id",
    )
    .bind(PROJECT)
    .bind(format!("DM:{key}"))
    .fetch_one(pool)
    .await?;
    Ok(Agent { key, thread })
}
