//! A person in front of Discord: what they type, and what they see.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// How long a person waits for something to appear.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody with an account in the sandbox.
#[derive(Clone)]
pub struct Person {
    http: reqwest::Client,
    api: String,
    token: String,
    /// The account's id.
    pub id: String,
}

/// A message as a person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its id.
    pub id: String,
    /// The name above it.
    pub name: String,
    /// The text.
    pub text: String,
    /// Whether a webhook sent it.
    pub webhook: bool,
}

impl Person {
    /// The user of this name in a run file.
    pub fn of(run: &Value, name: &str) -> Self {
        let discord = &run["discord"];
        let user = discord["users"]
            .as_array()
            .and_then(|users| users.iter().find(|user| user["name"] == name))
            .unwrap_or_else(|| panic!("the run file has no user {name}: {discord}"));
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        Self {
            http: reqwest::Client::new(),
            api: text(&discord["api"]),
            token: text(&user["token"]),
            id: text(&user["id"]),
        }
    }

    /// The bot of a run file, as whoever holds its token can act.
    pub fn bot(run: &Value) -> Self {
        let text = |key: &str| run["discord"][key].as_str().expect("a text").to_owned();
        Self {
            http: reqwest::Client::new(),
            api: text("api"),
            token: format!("Bot {}", text("bot_token")),
            id: text("application_id"),
        }
    }

    /// One call of Discord's client API.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.api))
            .header("Authorization", &self.token)
            // Discord turns away bots that do not say who they are.
            .header("User-Agent", "DiscordBot (https://example.org, 1)");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.expect("the sandbox answers");
        let status = answer.status();
        let body = answer.bytes().await.expect("an answer has a body");
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    /// Writes a message and gives back its id.
    pub async fn say(&self, channel: &str, text: &str) -> String {
        let path = format!("/channels/{channel}/messages");
        let (status, message) = self
            .call(Method::POST, &path, Some(json!({ "content": text })))
            .await;
        assert!(status.is_success(), "{status} {message}");
        message["id"]
            .as_str()
            .expect("a message has an id")
            .to_owned()
    }

    /// Opens the private channel with another account.
    pub async fn opens(&self, other: &str) -> String {
        let body = json!({ "recipients": [other] });
        let (status, channel) = self
            .call(Method::POST, "/users/@me/channels", Some(body))
            .await;
        assert!(status.is_success(), "{status} {channel}");
        channel["id"].as_str().expect("a channel").to_owned()
    }

    /// Sends files with a text, which may be empty, and gives back the message's id.
    pub async fn upload(&self, channel: &str, text: &str, files: &[(&str, &str)]) -> String {
        let mut form = reqwest::multipart::Form::new()
            .text("payload_json", json!({ "content": text }).to_string());
        for (index, (name, content)) in files.iter().enumerate() {
            let file = reqwest::multipart::Part::text((*content).to_owned());
            form = form.part(
                format!("files[{index}]"),
                file.file_name((*name).to_owned()),
            );
        }
        let request = self
            .http
            .post(format!("{}/channels/{channel}/messages", self.api))
            .header("Authorization", &self.token)
            .multipart(form);
        let answer = request.send().await.expect("the sandbox answers");
        let message: Value = answer.json().await.expect("an answer in JSON");
        message["id"]
            .as_str()
            .unwrap_or_else(|| panic!("the upload was refused: {message}"))
            .to_owned()
    }

    /// One call of Discord's client API that comes with a file.
    pub async fn sends_file(
        &self,
        path: &str,
        body: &Value,
        (name, content): (&str, &str),
    ) -> StatusCode {
        let file = reqwest::multipart::Part::text(content.to_owned()).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new()
            .text("payload_json", body.to_string())
            .part("files[0]", file);
        let request = self
            .http
            .post(format!("{}{path}", self.api))
            .header("Authorization", &self.token)
            .multipart(form);
        request.send().await.expect("the sandbox answers").status()
    }

    /// The last hundred messages of a channel, oldest first.
    pub async fn read(&self, channel: &str) -> Vec<Seen> {
        self.page(&format!("/channels/{channel}/messages?limit=100"))
            .await
    }

    async fn page(&self, path: &str) -> Vec<Seen> {
        let (status, messages) = self.call(Method::GET, path, None).await;
        assert!(status.is_success(), "{status} {messages}");
        let mut seen: Vec<Seen> = messages
            .as_array()
            .expect("a list of messages")
            .iter()
            .map(|message| Seen {
                id: message["id"].as_str().unwrap_or_default().to_owned(),
                name: message["author"]["username"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                text: message["content"].as_str().unwrap_or_default().to_owned(),
                webhook: message.get("webhook_id").is_some(),
            })
            .collect();
        seen.reverse();
        seen
    }

    /// All messages of a channel, oldest first.
    pub async fn read_all(&self, channel: &str) -> Vec<Seen> {
        let mut all = self.read(channel).await;
        while let Some(first) = all.first() {
            let path = format!("/channels/{channel}/messages?limit=100&before={}", first.id);
            let mut older = self.page(&path).await;
            if older.is_empty() {
                break;
            }
            older.append(&mut all);
            all = older;
        }
        all
    }

    /// Waits until a channel shows what is expected, and gives back what it shows then.
    pub async fn sees(
        &self,
        channel: &str,
        what: &str,
        expected: impl Fn(&[Seen]) -> bool,
    ) -> Vec<Seen> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = self.read(channel).await;
            if expected(&seen) {
                return seen;
            }
            assert!(
                Instant::now() < deadline,
                "{what} did not appear; the channel shows {seen:#?}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

/// How often a text stands in a channel.
pub fn count(seen: &[Seen], text: &str) -> usize {
    seen.iter().filter(|message| message.text == text).count()
}
