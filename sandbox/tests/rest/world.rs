//! A running sandbox and its clients.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clawdos_sandbox::{InfoUser, Options, Sandbox};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A sandbox with an HTTP client.
pub struct World {
    pub sandbox: Sandbox,
    pub http: Client,
    pub general: String,
    dir: Option<TempDir>,
}

/// An HTTP answer that was read.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// Fails unless the status and Discord's code are these.
    #[track_caller]
    pub fn refuses(&self, status: u16, code: u64) {
        assert_eq!(
            (self.status, self.body["code"].as_u64()),
            (status, Some(code)),
            "{}",
            self.body
        );
    }

    /// Fails unless the status is this one; hands out the body.
    #[track_caller]
    pub fn is(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Fails unless it is 50035 with this code at this place of `errors`.
    #[track_caller]
    pub fn blames(&self, path: &str, code: &str) {
        self.refuses(400, 50035);
        let place = path
            .split('.')
            .fold(&self.body["errors"], |place, step| &place[step]);
        assert_eq!(place["_errors"][0]["code"], code, "{}", self.body);
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub fn options(dir: &Path) -> Options {
    Options {
        data_dir: dir.to_path_buf(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        bot_token: None,
        switches: Vec::new(),
    }
}

impl World {
    /// A fresh sandbox with Discord's rate limits.
    pub async fn limited() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut world = Self::on(dir.path()).await?;
        world.dir = Some(dir);
        Ok(world)
    }

    /// A fresh sandbox without rate limits.
    pub async fn start() -> Result<Self> {
        let world = Self::limited().await?;
        world
            .control(Method::POST, "/faults", &json!({"rate_limits": "off"}))
            .await?
            .is(204);
        Ok(world)
    }

    /// A sandbox on this data folder.
    pub async fn on(dir: &Path) -> Result<Self> {
        Self::with(options(dir)).await
    }

    /// A sandbox that is started like this.
    pub async fn with(options: Options) -> Result<Self> {
        let sandbox = Sandbox::start(options).await?;
        let http = Client::builder()
            .user_agent("DiscordBot (https://example.org, 1)")
            .build()?;
        let mut world = Self {
            sandbox,
            http,
            general: String::new(),
            dir: None,
        };
        let path = format!("/guilds/{}/channels", world.guild());
        let channels = world.zack(Method::GET, &path, None).await?.is(200);
        let general = channels
            .as_array()
            .context("a list")?
            .iter()
            .find(|found| found["name"] == "general");
        world.general = id(general.context("#general")?)?;
        Ok(world)
    }

    pub fn guild(&self) -> &str {
        &self.sandbox.info().guild_id
    }

    pub fn person(&self, name: &str) -> &InfoUser {
        let users = &self.sandbox.info().users;
        users
            .iter()
            .find(|user| user.name == name)
            .expect("a minted person")
    }

    /// A request with this `Authorization` header, or none.
    pub fn request(&self, method: Method, path: &str, token: Option<&str>) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.sandbox.info().api));
        match token {
            Some(token) => request.header("authorization", token),
            None => request,
        }
    }

    pub async fn bot(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let token = format!("Bot {}", self.sandbox.info().bot_token);
        self.as_token(method, path, body, Some(&token)).await
    }

    pub async fn zack(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let token = self.person("zack").token.clone();
        self.as_token(method, path, body, Some(&token)).await
    }

    pub async fn mallory(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let token = self.person("mallory").token.clone();
        self.as_token(method, path, body, Some(&token)).await
    }

    pub async fn nobody(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        self.as_token(method, path, body, None).await
    }

    pub async fn as_token(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        token: Option<&str>,
    ) -> Result<Answer> {
        let mut request = self.request(method, path, token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        read(request).await
    }

    /// A request to `/_sandbox`.
    pub async fn control(&self, method: Method, path: &str, body: &Value) -> Result<Answer> {
        let base = self.sandbox.info().page.clone();
        read(
            self.http
                .request(method, format!("{base}_sandbox{path}"))
                .json(body),
        )
        .await
    }

    /// A message of the bot in #general.
    pub async fn say(&self, text: &str) -> Result<String> {
        let path = format!("/channels/{}/messages", self.general);
        id(&self
            .bot(Method::POST, &path, Some(json!({"content": text})))
            .await?
            .is(200))
    }

    /// A new channel.
    pub async fn channel(&self, body: Value) -> Result<Value> {
        let path = format!("/guilds/{}/channels", self.guild());
        Ok(self.bot(Method::POST, &path, Some(body)).await?.is(201))
    }

    /// A webhook of the bot in a channel: its path.
    pub async fn hook(&self, channel: &str) -> Result<String> {
        let path = format!("/channels/{channel}/webhooks");
        let hook = self
            .bot(Method::POST, &path, Some(json!({"name": "Trunks"})))
            .await?
            .is(200);
        let token = hook["token"].as_str().context("a token")?;
        Ok(format!("/webhooks/{}/{token}", id(&hook)?))
    }

    /// Sets the permissions of the bot's role.
    pub async fn allow(&self, permissions: u64) -> Result<()> {
        let body = json!({"permissions": permissions.to_string()});
        self.control(Method::POST, "/application", &body)
            .await?
            .is(200);
        Ok(())
    }
}

/// Sends a request and reads the answer; a body that is not JSON is a JSON string.
pub async fn read(request: RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await?;
    if status == 204 {
        ensure!(text.is_empty(), "204 has no body");
    }
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer {
        status,
        headers,
        body,
    })
}

pub fn id(of: &Value) -> Result<String> {
    Ok(of["id"]
        .as_str()
        .with_context(|| format!("no id in {of}"))?
        .to_owned())
}
