//! Discord's app in a person's hand: it presses, types, chooses commands, and hears what only this
//! person is told.

mod menus;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_tungstenite::connect_async;

use super::card::Card;
use super::person::{PATIENCE, Person};
use super::world::World;
use wire::{Events, asked, listen, lock, next, offered, send, told};

/// A person's app, connected to the gateway.
pub struct Client {
    /// The person.
    pub person: Person,
    application: String,
    guild: String,
    session: String,
    events: Events,
    acts: AtomicU64,
    listener: JoinHandle<()>,
}

/// Something that the person did, and where in the story that was.
#[derive(Debug, Clone)]
pub struct Act {
    nonce: String,
    /// The message whose button was pressed.
    message: Option<String>,
    private: bool,
    /// Events before it do not answer it.
    since: usize,
}

/// A form that asks for a text.
#[derive(Debug, Clone)]
pub struct Form {
    /// What stands above it.
    pub title: String,
    id: Value,
    custom_id: Value,
    input: Value,
    channel: String,
    message: Option<String>,
    private: bool,
}

impl Drop for Client {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Client {
    /// Opens a person's app.
    pub async fn open(world: &World, name: &str) -> Self {
        Self::of(world.discord(), name).await
    }

    /// Opens the app of the user of this name in a run file.
    pub async fn of(run: &Value, name: &str) -> Self {
        let person = Person::of(run, name);
        let discord = &run["discord"];
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let (_, gateway) = person.call(Method::GET, "/gateway", None).await;
        let address = format!("{}/?v=10&encoding=json", text(&gateway["url"]));
        let (mut socket, _) = connect_async(address).await.expect("the gateway is there");
        let token = discord["users"]
            .as_array()
            .and_then(|users| users.iter().find(|user| user["name"] == name))
            .map(|user| text(&user["token"]))
            .expect("the person has a token");
        let properties = json!({ "os": "linux", "browser": "test", "device": "test" });
        let identify = json!({ "op": 2, "d": { "token": token, "properties": properties } });
        send(&mut socket, &identify).await;
        let session = loop {
            let payload = next(&mut socket).await.expect("the gateway speaks");
            if payload["t"] == "READY" {
                break text(&payload["d"]["session_id"]);
            }
        };
        let events = Events::default();
        Self {
            person,
            application: text(&discord["application_id"]),
            guild: text(&discord["guild_id"]),
            session,
            listener: tokio::spawn(listen(socket, Arc::clone(&events))),
            events,
            acts: AtomicU64::new(0),
        }
    }

    /// The same app, for buttons of another application.
    pub fn facing(mut self, application: &str) -> Self {
        application.clone_into(&mut self.application);
        self
    }

    /// The same app, in another server.
    pub fn in_server(mut self, guild: &str) -> Self {
        guild.clone_into(&mut self.guild);
        self
    }

    /// Presses the button with this label.
    pub async fn press(&self, card: &Card, label: &str) -> Act {
        let button = card.button(label);
        assert!(button.enabled, "{label} cannot be pressed: {card:#?}");
        self.press_id(card, &button.custom_id).await
    }

    /// Presses the button with this custom id, which is on the message whatever a client shows.
    pub async fn press_id(&self, card: &Card, custom_id: &str) -> Act {
        let (act, (status, answer)) = self.try_press(card, custom_id).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
        act
    }

    /// Presses, and gives back what Discord says to it.
    pub async fn try_press(&self, card: &Card, custom_id: &str) -> (Act, (StatusCode, Value)) {
        let data = json!({ "component_type": 2, "custom_id": custom_id });
        let act = self.act(Some(&card.id), card.private);
        let body = self.body(&act, 3, &card.channel, &data);
        let answer = self
            .person
            .call(Method::POST, "/interactions", Some(body))
            .await;
        (act, answer)
    }

    /// Sends a form with this text in it.
    pub async fn submit(&self, form: &Form, text: &str) -> Act {
        let input = json!({ "type": 4, "custom_id": form.input, "value": text });
        let data = json!({
            "id": form.id, "custom_id": form.custom_id,
            "components": [{ "type": 1, "components": [input] }],
        });
        let (channel, message) = (&form.channel, form.message.as_deref());
        self.send(5, channel, message, form.private, &data).await
    }

    /// Uses a slash command without options.
    pub async fn slash(&self, channel: &str, name: &str) -> Act {
        self.slash_with(channel, name, json!([])).await
    }

    /// Uses a slash command with these options, each as Discord takes it.
    pub async fn slash_with(&self, channel: &str, name: &str, options: Value) -> Act {
        let command = self.command(channel, 1, name).await;
        let data = json!({
            "version": command["version"], "id": command["id"], "name": name, "type": 1,
            "options": options, "attachments": [],
        });
        self.send(2, channel, None, false, &data).await
    }

    /// The choices, by name and value, that are offered while an option of a command is typed.
    pub async fn offered(
        &self,
        channel: &str,
        name: &str,
        option: &str,
        typed: &str,
    ) -> Vec<(String, String)> {
        let command = self.command(channel, 1, name).await;
        let typing = json!({ "type": 3, "name": option, "value": typed, "focused": true });
        let data = json!({
            "version": command["version"], "id": command["id"], "name": name, "type": 1,
            "options": [typing],
        });
        let act = self.send(4, channel, None, false, &data).await;
        self.hears(&act, "choices", |events| offered(events, &act))
            .await
    }

    /// Uses a command of a message's context menu.
    pub async fn context_menu(&self, channel: &str, message: &str, name: &str) -> Act {
        let command = self.command(channel, 3, name).await;
        let data = json!({
            "version": command["version"], "id": command["id"], "name": name, "type": 3,
            "target_id": message, "options": [],
        });
        self.send(2, channel, None, false, &data).await
    }

    /// What only this person is told in answer.
    pub async fn told(&self, act: &Act) -> Card {
        self.hears(act, "an answer for them alone", |events| told(events, act))
            .await
    }

    /// The form that is opened in answer.
    pub async fn asked(&self, act: &Act) -> Form {
        self.hears(act, "a form", |events| asked(events, act)).await
    }

    /// What only this person is told in the end: a form on the way is sent with this text in it.
    pub async fn told_in_the_end(&self, act: &Act, text: &str) -> Card {
        let first = self
            .hears(act, "an answer or a form", |events| {
                told(events, act)
                    .map(Ok)
                    .or_else(|| asked(events, act).map(Err))
            })
            .await;
        match first {
            Ok(card) => card,
            Err(form) => self.told(&self.submit(&form, text).await).await,
        }
    }

    /// Waits until the bot has answered at all; it fails when Discord gives up on the bot.
    pub async fn acknowledged(&self, act: &Act) {
        let name = self
            .hears(act, "any answer", |events| {
                let of_it = |data: &Value| data["nonce"] == act.nonce.as_str();
                events
                    .iter()
                    .find(|(name, data)| {
                        let ended = ["INTERACTION_SUCCESS", "INTERACTION_FAILURE"];
                        ended.contains(&name.as_str()) && of_it(data)
                    })
                    .map(|(name, _)| name.clone())
            })
            .await;
        assert_eq!(
            name, "INTERACTION_SUCCESS",
            "the bot did not answer in time"
        );
    }

    /// Waits until the dot beside the bot's name is as expected: online, idle, dnd, offline.
    pub async fn sees_presence(&self, status: &str) {
        // No other person has their app open.
        let ours = |data: &Value| data["user"]["id"] != self.person.id.as_str();
        let deadline = Instant::now() + PATIENCE;
        loop {
            let shown: Vec<String> = lock(&self.events)
                .iter()
                .flat_map(|(name, data)| match name.as_str() {
                    "PRESENCE_UPDATE" => std::slice::from_ref(data),
                    "GUILD_CREATE" => data["presences"].as_array().map_or(&[][..], |it| it),
                    _ => &[],
                })
                .filter(|presence| ours(presence))
                .map(|presence| presence["status"].as_str().unwrap_or_default().to_owned())
                .collect();
            if shown.last().is_some_and(|last| last == status) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "the bot is not {status}; it was {shown:?}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// A command as the app finds it in its list, which new commands reach after a moment.
    async fn command(&self, channel: &str, kind: u64, name: &str) -> Value {
        let path = format!("/channels/{channel}/application-command-index");
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (_, index) = self.person.call(Method::GET, &path, None).await;
            let commands = index["application_commands"].as_array();
            let found = commands.and_then(|all| {
                all.iter()
                    .find(|it| it["name"] == name && it["type"].as_u64().unwrap_or(1) == kind)
            });
            if let Some(found) = found {
                return found.clone();
            }
            assert!(Instant::now() < deadline, "no command {name:?}: {index}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    async fn send(
        &self,
        kind: u64,
        channel: &str,
        message: Option<&str>,
        private: bool,
        data: &Value,
    ) -> Act {
        let act = self.act(message, private);
        let body = self.body(&act, kind, channel, data);
        let (status, answer) = self
            .person
            .call(Method::POST, "/interactions", Some(body))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
        act
    }

    fn act(&self, message: Option<&str>, private: bool) -> Act {
        Act {
            nonce: format!("act-{}", self.acts.fetch_add(1, Ordering::Relaxed)),
            message: message.map(str::to_owned),
            private,
            since: lock(&self.events).len(),
        }
    }

    fn body(&self, act: &Act, kind: u64, channel: &str, data: &Value) -> Value {
        let mut body = json!({
            "type": kind,
            "application_id": self.application,
            "channel_id": channel,
            "session_id": self.session,
            "nonce": act.nonce,
            "data": data,
        });
        if !act.private {
            body["guild_id"] = json!(self.guild);
        }
        if let Some(message) = &act.message {
            body["message_id"] = json!(message);
            body["message_flags"] = json!(0);
        }
        body
    }

    async fn hears<T>(
        &self,
        act: &Act,
        what: &str,
        find: impl Fn(&[(String, Value)]) -> Option<T>,
    ) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let history = {
                let events = lock(&self.events);
                let after = &events[act.since..];
                match find(after) {
                    Some(found) => return found,
                    None if Instant::now() < deadline => None,
                    None => Some(after.to_vec()),
                }
            };
            if let Some(history) = history {
                panic!("{what} did not come for {act:?}; what came: {history:#?}");
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
