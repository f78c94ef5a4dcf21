//! A bot, two people and a channel, and the bodies that Discord's own clients send.

use serde_json::{Value, json};

use crate::support::{Answer, Client, WITHOUT_CONTENT, World};

/// The usual cast.
pub struct Scene {
    pub world: World,
    pub general: String,
    pub bot: Client,
    pub zack: Client,
    pub mallory: Client,
}

impl Scene {
    pub async fn start() -> Scene {
        let world = World::start().await;
        Scene {
            general: world.general().await,
            zack: world.person_session("zack").await,
            mallory: world.person_session("mallory").await,
            bot: world.bot_session(WITHOUT_CONTENT).await,
            world,
        }
    }

    /// Declares a guild command and returns it as Discord stored it.
    pub async fn declare(&self, command: Value) -> Value {
        let path = format!(
            "/applications/{}/guilds/{}/commands",
            self.world.application(),
            self.world.guild()
        );
        let answer = self.world.bot().post(&path, command).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json
    }

    /// Somebody acts, and it is taken.
    pub async fn act(&self, who: &str, body: Value) {
        let answer = self.try_to(who, body).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    /// Somebody acts.
    pub async fn try_to(&self, who: &str, body: Value) -> Answer {
        self.world.person(who).post("/interactions", body).await
    }

    /// The parts that all interactions share.
    fn body(&self, kind: u8, data: Value) -> Value {
        let mut body = json!({
            "type": kind,
            "application_id": self.world.application(),
            "guild_id": self.world.guild(),
            "channel_id": self.general,
            "session_id": self.zack.session,
            "nonce": "1234567890",
        });
        body["data"] = data;
        body
    }

    /// A slash command.
    pub fn slash(&self, command: &Value, options: Value) -> Value {
        let mut data = json!({
            "version": command["version"], "id": command["id"], "name": command["name"],
            "type": 1, "application_command": command, "attachments": [],
        });
        data["options"] = options;
        self.body(2, data)
    }

    /// An option that is being typed.
    pub fn typing(&self, command: &Value, options: Value) -> Value {
        let mut body = self.slash(command, options);
        body["type"] = json!(4);
        body
    }

    /// A context-menu command.
    pub fn menu(&self, command: &Value, target: &str) -> Value {
        let data = json!({
            "version": command["version"], "id": command["id"], "name": command["name"],
            "type": command["type"], "target_id": target, "options": [],
        });
        self.body(2, data)
    }

    /// A press of a button.
    pub fn press(&self, message: &str, custom_id: &str) -> Value {
        let mut body = self.body(3, json!({"component_type": 2, "custom_id": custom_id}));
        body["message_id"] = json!(message);
        body["message_flags"] = json!(0);
        body
    }

    /// A choice in a select menu.
    pub fn select(&self, message: &str, custom_id: &str, values: Value) -> Value {
        let mut data = json!({"component_type": 3, "type": 3, "custom_id": custom_id});
        data["values"] = values;
        let mut body = self.body(3, data);
        body["message_id"] = json!(message);
        body
    }

    /// A submitted modal with one text input.
    pub fn submit(&self, modal: &Value, input: &str, value: &str) -> Value {
        let input = json!({"type": 4, "custom_id": input, "value": value});
        let data = json!({
            "id": modal["id"], "custom_id": modal["custom_id"],
            "components": [{"type": 1, "components": [input]}],
        });
        self.body(5, data)
    }

    /// The bot posts a message with these components in one row.
    pub async fn post(&self, components: Value) -> String {
        let path = format!("/channels/{}/messages", self.general);
        let row = json!({"type": 1, "components": components});
        let body = json!({"content": "card", "components": [row]});
        let answer = self.world.bot().post(&path, body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json["id"].as_str().unwrap().to_owned()
    }

    /// The bot answers an interaction.
    pub async fn answer(&self, interaction: &Value, body: Value) -> Answer {
        let id = interaction["id"].as_str().unwrap();
        let token = interaction["token"].as_str().unwrap();
        self.world
            .bot()
            .post(&format!("/interactions/{id}/{token}/callback"), body)
            .await
    }

    /// Below this are the messages of an interaction.
    pub fn webhook(&self, interaction: &Value) -> String {
        let token = interaction["token"].as_str().unwrap();
        format!("/webhooks/{}/{token}", self.world.application())
    }

    /// A slash command without options, as the bot gets it.
    pub async fn ping(&mut self) -> Value {
        let command = self
            .declare(json!({"name": "ping", "description": "Answers"}))
            .await;
        self.act("zack", self.slash(&command, json!([]))).await;
        self.bot.event("INTERACTION_CREATE").await
    }
}

/// A button.
pub fn button(custom_id: &str) -> Value {
    json!({"type": 2, "style": 1, "label": "Press", "custom_id": custom_id})
}

/// A modal with one text input.
pub fn modal(custom_id: &str, input: &str) -> Value {
    let input = json!({
        "type": 4, "style": 1, "label": "Why", "custom_id": input, "required": true, "max_length": 10,
    });
    let row = json!({"type": 1, "components": [input]});
    json!({"type": 9, "data": {"custom_id": custom_id, "title": "Reason", "components": [row]}})
}
