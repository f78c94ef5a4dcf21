//! Lists to choose from, and commands with commands below them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::wire::offered;
use super::{Act, Client, Form};
use crate::harness::card::{Card, List};

/// Options of a command that are texts, as Discord takes them.
fn texts(options: &[(&str, &str)]) -> Value {
    let text = |(name, value): &(&str, &str)| json!({ "type": 3, "name": name, "value": value });
    options.iter().map(text).collect()
}

impl Client {
    /// Chooses this from the list with this custom id.
    pub async fn choose(&self, card: &Card, custom_id: &str, value: &str) -> Act {
        let data = json!({ "component_type": 3, "custom_id": custom_id, "values": [value] });
        let act = self.act(Some(&card.id), card.private);
        let body = self.body(&act, 3, &card.channel, &data);
        let (status, answer) = self
            .person
            .call(Method::POST, "/interactions", Some(body))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
        act
    }

    /// Chooses exactly these from a list of any kind.
    pub async fn pick(&self, card: &Card, list: &List, values: &[&str]) -> Act {
        let data = json!({
            "component_type": list.kind, "custom_id": list.custom_id, "values": values,
        });
        let act = self.act(Some(&card.id), card.private);
        let body = self.body(&act, 3, &card.channel, &data);
        let (status, answer) = self
            .person
            .call(Method::POST, "/interactions", Some(body))
            .await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
        act
    }

    /// Uses `/<name> <sub>` with these texts, and gives back what the person is told.
    pub async fn sub(
        &self,
        channel: &str,
        (name, sub): (&str, &str),
        options: &[(&str, &str)],
    ) -> Card {
        let below = json!([{ "type": 1, "name": sub, "options": texts(options) }]);
        let act = self.slash_with(channel, name, below).await;
        self.told(&act).await
    }

    /// Sends a form with these texts in its fields, by name.
    pub async fn fill(&self, form: &Form, fields: &[(&str, &str)]) -> Act {
        let row = |(name, value): &(&str, &str)| {
            let input = json!({ "type": 4, "custom_id": name, "value": value });
            json!({ "type": 1, "components": [input] })
        };
        let rows: Vec<Value> = fields.iter().map(row).collect();
        let data = json!({ "id": form.id, "custom_id": form.custom_id, "components": rows });
        let (channel, message) = (&form.channel, form.message.as_deref());
        self.send(5, channel, message, form.private, &data).await
    }

    /// Uses a command as a client that checks nothing does, and gives back what Discord says to it.
    pub async fn try_slash(&self, channel: &str, name: &str, options: Value) -> StatusCode {
        let command = self.command(channel, 1, name).await;
        let data = json!({
            "version": command["version"], "id": command["id"], "name": name, "type": 1,
            "options": options, "attachments": [],
        });
        let body = self.body(&self.act(None, false), 2, channel, &data);
        let answer = self.person.call(Method::POST, "/interactions", Some(body));
        answer.await.0
    }

    /// Uses `/<name>` with these texts, and gives back what the person is told.
    pub async fn used(&self, channel: &str, name: &str, options: &[(&str, &str)]) -> Card {
        let act = self.slash_with(channel, name, texts(options)).await;
        self.told(&act).await
    }

    /// Uses `/<name>` with a file in an option, and gives back what the person is told.
    pub async fn used_with_file(
        &self,
        channel: &str,
        (name, option): (&str, &str),
        (file, content): (&str, &str),
    ) -> Card {
        let command = self.command(channel, 1, name).await;
        let data = json!({
            "version": command["version"], "id": command["id"], "name": name, "type": 1,
            "options": [{ "type": 11, "name": option, "value": "0" }],
            "attachments": [{ "id": "0", "filename": file }],
        });
        let act = self.act(None, false);
        let body = self.body(&act, 2, channel, &data);
        let path = "/interactions";
        let status = self.person.sends_file(path, &body, (file, content)).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        self.told(&act).await
    }

    /// Uses `/<name> <sub>` with these texts, and opens the form that comes.
    pub async fn sub_form(
        &self,
        channel: &str,
        (name, sub): (&str, &str),
        options: &[(&str, &str)],
    ) -> Form {
        let below = json!([{ "type": 1, "name": sub, "options": texts(options) }]);
        let act = self.slash_with(channel, name, below).await;
        self.asked(&act).await
    }

    /// Uses `/<name> <sub>` with these texts and a file in the option `file`.
    pub async fn sub_with_file(
        &self,
        channel: &str,
        (name, sub): (&str, &str),
        options: &[(&str, &str)],
        (file, content): (&str, &str),
    ) -> Card {
        let mut options = texts(options);
        if let Some(options) = options.as_array_mut() {
            options.push(json!({ "type": 11, "name": "file", "value": "0" }));
        }
        let command = self.command(channel, 1, name).await;
        let data = json!({
            "version": command["version"], "id": command["id"], "name": name, "type": 1,
            "options": [{ "type": 1, "name": sub, "options": options }],
            "attachments": [{ "id": "0", "filename": file }],
        });
        let act = self.act(None, false);
        let body = self.body(&act, 2, channel, &data);
        let path = "/interactions";
        let status = self.person.sends_file(path, &body, (file, content)).await;
        assert_eq!(status, StatusCode::NO_CONTENT);
        self.told(&act).await
    }

    /// The choices, by name and value, that are offered while an option of `/<name> <sub>` is typed.
    pub async fn offered_in(
        &self,
        channel: &str,
        (name, sub): (&str, &str),
        option: &str,
        typed: &str,
    ) -> Vec<(String, String)> {
        let command = self.command(channel, 1, name).await;
        let typing = json!({ "type": 3, "name": option, "value": typed, "focused": true });
        let data = json!({
            "version": command["version"], "id": command["id"], "name": name, "type": 1,
            "options": [{ "type": 1, "name": sub, "options": [typing] }],
        });
        let act = self.send(4, channel, None, false, &data).await;
        self.hears(&act, "choices", |events| offered(events, &act))
            .await
    }
}
