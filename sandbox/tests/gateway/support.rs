//! A sandbox of its own per test, and clients that wait for what must come.

use std::time::Duration;

use clawdos_sandbox::{Options, Sandbox};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Long enough for a busy machine; nothing waits for it unless something is wrong.
pub const PATIENCE: Duration = Duration::from_secs(10);
/// All intents that are not privileged, and `MESSAGE_CONTENT`.
pub const WITH_CONTENT: u64 = WITHOUT_CONTENT | 1 << 15;
/// Guilds, webhooks, guild messages, reactions and typing, direct messages, reactions and typing.
pub const WITHOUT_CONTENT: u64 =
    1 | 1 << 5 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12 | 1 << 13 | 1 << 14;

/// A running sandbox.
pub struct World {
    pub sandbox: Sandbox,
    http: reqwest::Client,
    _folder: tempfile::TempDir,
}

/// An answer of the REST API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub json: Value,
}

/// Somebody who makes requests.
#[derive(Clone)]
pub struct Api {
    http: reqwest::Client,
    base: String,
    authorization: String,
}

impl World {
    pub async fn start() -> World {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            data_dir: folder.path().to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            bot_token: None,
            switches: Vec::new(),
        };
        World {
            sandbox: Sandbox::start(options).await.unwrap(),
            http: reqwest::Client::new(),
            _folder: folder,
        }
    }

    pub fn bot_token(&self) -> String {
        format!("Bot {}", self.sandbox.info().bot_token)
    }

    pub fn application(&self) -> String {
        self.sandbox.info().application_id.clone()
    }

    pub fn guild(&self) -> String {
        self.sandbox.info().guild_id.clone()
    }

    /// A person's token by name.
    pub fn token(&self, name: &str) -> String {
        self.user(name).1
    }

    /// A person's id by name.
    pub fn id(&self, name: &str) -> String {
        self.user(name).0
    }

    fn user(&self, name: &str) -> (String, String) {
        let users = &self.sandbox.info().users;
        let user = users.iter().find(|user| user.name == name).unwrap();
        (user.id.clone(), user.token.clone())
    }

    pub fn bot(&self) -> Api {
        self.api(self.bot_token())
    }

    pub fn person(&self, name: &str) -> Api {
        self.api(self.token(name))
    }

    /// Whoever has this header.
    pub fn api(&self, authorization: String) -> Api {
        Api {
            http: self.http.clone(),
            base: self.sandbox.info().api.clone(),
            authorization,
        }
    }

    /// Asks for faults.
    pub async fn fault(&self, fault: Value) {
        self.control("faults", fault).await;
    }

    /// A request to `/_sandbox/…`.
    pub async fn control(&self, path: &str, body: Value) -> Value {
        let url = format!("{}_sandbox/{path}", self.sandbox.info().page);
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{path} {body}: {answer:?}");
        answer.json().await.unwrap_or_default()
    }

    /// The channel that every new guild has.
    pub async fn general(&self) -> String {
        let path = format!("/guilds/{}/channels", self.guild());
        let channels = self.bot().get(&path).await.json;
        let general = channels
            .as_array()
            .unwrap()
            .iter()
            .find(|channel| channel["name"] == "general");
        general.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// A connection that has read HELLO.
    pub async fn connect(&self) -> Client {
        self.connect_with("?v=10&encoding=json").await
    }

    /// A connection with its own query string that has read HELLO.
    pub async fn connect_with(&self, query: &str) -> Client {
        let mut client = self.connect_silently(query).await;
        let hello = client.next().await;
        assert_eq!(hello["op"], 10, "{hello}");
        assert!(hello["d"]["heartbeat_interval"].as_u64().unwrap() > 1000);
        client
    }

    /// A connection that has read nothing.
    pub async fn connect_silently(&self, query: &str) -> Client {
        let url = format!("{}/{query}", self.sandbox.info().gateway);
        let (socket, _) = connect_async(url).await.unwrap();
        Client {
            socket,
            history: Vec::new(),
            inflate: None,
            seq: 0,
            session: String::new(),
        }
    }

    /// A bot that has got its guild.
    pub async fn bot_session(&self, intents: u64) -> Client {
        self.session(&self.bot_token(), intents).await
    }

    /// A person that has got the guild.
    pub async fn person_session(&self, name: &str) -> Client {
        self.session(&self.token(name), 0).await
    }

    async fn session(&self, token: &str, intents: u64) -> Client {
        let mut client = self.connect().await;
        client.identify(token, intents).await;
        client.event("READY").await;
        client.event("GUILD_CREATE").await;
        client
    }
}

impl Api {
    pub async fn get(&self, path: &str) -> Answer {
        self.request(reqwest::Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request(reqwest::Method::POST, path, Some(body)).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.request(reqwest::Method::PUT, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.request(reqwest::Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.request(reqwest::Method::DELETE, path, None).await
    }

    /// Sends a message and returns its id.
    pub async fn say(&self, channel: &str, content: &str) -> String {
        let path = format!("/channels/{channel}/messages");
        let answer = self.post(&path, json!({"content": content})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json["id"].as_str().unwrap().to_owned()
    }

    async fn request(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header("authorization", &self.authorization)
            .header("user-agent", "DiscordBot (https://example.org, 1)");
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status, json }
    }
}

/// A gateway client.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    history: Vec<Value>,
    /// The endless stream of `compress=zlib-stream`.
    pub inflate: Option<flate2::Decompress>,
    /// The last sequence number.
    pub seq: u64,
    /// The session id of READY.
    pub session: String,
}

/// What a connection brought.
#[derive(Debug)]
pub enum Received {
    Payload(Value),
    Binary(Vec<u8>),
    Closed(Option<u16>),
}

impl Client {
    pub async fn send(&mut self, payload: Value) {
        self.socket
            .send(Message::Text(payload.to_string()))
            .await
            .unwrap();
    }

    pub async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::Text(text.into())).await.unwrap();
    }

    pub async fn identify(&mut self, token: &str, intents: u64) {
        self.send(identify(token, intents)).await;
    }

    pub async fn resume(&mut self, token: &str, session: &str, seq: u64) {
        let data = json!({"token": token, "session_id": session, "seq": seq});
        self.send(json!({"op": 6, "d": data})).await;
    }

    /// Closes with this code.
    pub async fn close(mut self, code: u16) {
        let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        self.socket.close(Some(frame)).await.unwrap();
        while let Some(Ok(_)) = self.socket.next().await {}
    }

    /// Whatever comes next.
    pub async fn receive(&mut self) -> Received {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Ok(message) = timeout_at(deadline, self.socket.next()).await else {
                panic!("nothing came; before: {:#?}", self.history);
            };
            return match message {
                Some(Ok(Message::Text(text))) => {
                    Received::Payload(self.note(serde_json::from_str(&text).unwrap()))
                }
                Some(Ok(Message::Binary(bytes))) => self.binary(bytes),
                Some(Ok(Message::Close(frame))) => {
                    Received::Closed(frame.map(|frame| frame.code.into()))
                }
                Some(Ok(_)) => continue,
                Some(Err(_)) | None => Received::Closed(None),
            };
        }
    }

    fn binary(&mut self, bytes: Vec<u8>) -> Received {
        let Some(inflate) = &mut self.inflate else {
            return Received::Binary(bytes);
        };
        assert!(
            bytes.ends_with(&[0, 0, 0xff, 0xff]),
            "a payload ends in Z_SYNC_FLUSH"
        );
        let mut text = Vec::with_capacity(1 << 20);
        inflate
            .decompress_vec(&bytes, &mut text, flate2::FlushDecompress::Sync)
            .unwrap();
        Received::Payload(self.note(serde_json::from_slice(&text).unwrap()))
    }

    fn note(&mut self, payload: Value) -> Value {
        if let Some(seq) = payload["s"].as_u64() {
            self.seq = seq;
        }
        if payload["t"] == "READY" {
            payload["d"]["session_id"]
                .as_str()
                .unwrap()
                .clone_into(&mut self.session);
        }
        self.history.push(payload.clone());
        payload
    }

    /// The next payload.
    pub async fn next(&mut self) -> Value {
        match self.receive().await {
            Received::Payload(payload) => payload,
            other => panic!("a payload was due: {other:?}; before: {:#?}", self.history),
        }
    }

    /// The data of the next event of this name; others are passed over.
    pub async fn event(&mut self, name: &str) -> Value {
        self.payload(|payload| payload["t"] == name).await["d"].take()
    }

    /// The data of the next event of this name with this content or for this id.
    pub async fn message(&mut self, name: &str, content: &str) -> Value {
        self.payload(|payload| payload["t"] == name && payload["d"]["content"] == content)
            .await["d"]
            .take()
    }

    /// The next payload of this kind; others are passed over.
    pub async fn payload(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let payload = self.next().await;
            if wanted(&payload) {
                return payload;
            }
        }
    }

    /// The names and contents of all events until one with this content, that one included.
    pub async fn contents_until(&mut self, content: &str) -> Vec<String> {
        let mut contents = Vec::new();
        loop {
            let payload = self.next().await;
            if let Some(found) = payload["d"]["content"].as_str() {
                contents.push(found.to_owned());
                if found == content {
                    return contents;
                }
            }
        }
    }

    /// The code with which the server closes; `None` when the connection just ends.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            if let Received::Closed(code) = self.receive().await {
                return code;
            }
        }
    }

    /// All that came so far.
    pub fn history(&self) -> &[Value] {
        &self.history
    }
}

/// An IDENTIFY.
pub fn identify(token: &str, intents: u64) -> Value {
    let properties = json!({"os": "linux", "browser": "test", "device": "test"});
    json!({"op": 2, "d": {"token": token, "intents": intents, "properties": properties}})
}
