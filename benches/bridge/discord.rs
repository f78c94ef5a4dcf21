//! The sandbox, seen by who runs it and by the operator.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::text;

/// How long the sandbox must have been left alone to count as quiet.
const QUIET: Duration = Duration::from_secs(1);

/// How long it may take to become so.
const PATIENCE: Duration = Duration::from_mins(1);

/// A request of the bridge.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// When it arrived, in microseconds since 1970.
    pub at_us: u64,
    /// The row that it is about, for messages.
    pub row: Option<u32>,
    /// The HTTP status of the answer.
    pub status: u16,
}

#[derive(Deserialize)]
struct Logged {
    n: u64,
    at_us: u64,
    method: String,
    body: Value,
    status: u16,
}

/// The way to the sandbox.
pub struct Discord {
    http: reqwest::Client,
    api: String,
    page: String,
    /// The bot's token.
    pub bot_token: String,
    /// The operator's id.
    pub operator: String,
    operator_token: String,
    /// Number of the last request that was read.
    read: u64,
}

impl Discord {
    /// Reads a run file of the sandbox.
    pub fn new(run: &Value) -> anyhow::Result<Self> {
        let discord = &run["discord"];
        let operator = discord["users"]
            .as_array()
            .and_then(|users| users.iter().find(|user| user["operator"] == true))
            .context("the sandbox has no operator")?;
        let text = |value: &Value| {
            value
                .as_str()
                .map(str::to_owned)
                .context("a text is missing")
        };
        Ok(Self {
            http: reqwest::Client::new(),
            api: text(&discord["api"])?,
            page: text(&discord["page"])?,
            bot_token: text(&discord["bot_token"])?,
            operator: text(&operator["id"])?,
            operator_token: text(&operator["token"])?,
            read: 0,
        })
    }

    /// The REST address.
    pub fn api(&self) -> &str {
        &self.api
    }

    /// Switches Discord's rate limits on or off.
    pub async fn rate_limits(&self, on: bool) -> anyhow::Result<()> {
        let limits = if on { "discord" } else { "off" };
        self.http
            .post(format!("{}_sandbox/faults", self.page))
            .json(&json!({ "rate_limits": limits }))
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }

    async fn stats(&self) -> anyhow::Result<Value> {
        let answer = self.http.get(format!("{}_sandbox/stats", self.page)).send();
        Ok(answer.await?.error_for_status()?.json().await?)
    }

    /// How many requests there were since the last [`Self::requests`].
    pub async fn waiting(&self) -> anyhow::Result<u64> {
        let stats = self.stats().await?;
        let count = stats["requests"].as_u64().context("no count of requests")?;
        Ok(count.saturating_sub(self.read))
    }

    /// How many gateway sessions were opened so far.
    pub async fn sessions_opened(&self) -> anyhow::Result<u64> {
        let stats = self.stats().await?;
        stats["gateway"]["identifies"]
            .as_u64()
            .context("no count of sessions")
    }

    /// The requests since the last call.
    pub async fn requests(&mut self) -> anyhow::Result<Vec<Request>> {
        let address = format!("{}_sandbox/requests?after={}", self.page, self.read);
        let answer = self.http.get(address).send().await?.error_for_status()?;
        let requests: Vec<Logged> = answer.json().await?;
        if let (Some(first), Some(last)) = (requests.first(), requests.last()) {
            ensure!(
                first.n == self.read + 1,
                "the sandbox no longer has the requests {} to {}",
                self.read + 1,
                first.n
            );
            self.read = last.n;
        }
        let row = |request: &Logged| {
            let content = request.body["content"]
                .as_str()
                .filter(|_| request.method == "POST");
            content.and_then(text::number)
        };
        Ok(requests
            .iter()
            .map(|request| Request {
                at_us: request.at_us,
                row: row(request),
                status: request.status,
            })
            .collect())
    }

    /// Waits until the bridge leaves Discord alone, and forgets what it asked before.
    pub async fn quiet(&mut self) -> anyhow::Result<()> {
        let began = std::time::Instant::now();
        loop {
            let before = self.waiting().await?;
            tokio::time::sleep(QUIET).await;
            if self.waiting().await? == before {
                break;
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "the bridge does not come to rest"
            );
        }
        self.requests().await?;
        Ok(())
    }

    /// Writes a message as the operator.
    pub async fn say(&self, channel: &str, text: &str) -> anyhow::Result<()> {
        self.http
            .post(format!("{}/channels/{channel}/messages", self.api))
            .header("Authorization", &self.operator_token)
            .json(&json!({ "content": text }))
            .send()
            .await?
            .error_for_status()?;
        Ok(())
    }
}
