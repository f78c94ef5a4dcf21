//! A channel of a client: what it subscribed to, and the frames in it.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// A channel that was joined.
pub struct Channel {
    topic: String,
    join: Value,
    bindings: Vec<Value>,
    /// Whether the database knows of it.
    pub subscribed: bool,
}

impl Channel {
    /// A channel as its join asks for it.
    pub fn joined(frame: &Value) -> Self {
        let wanted = frame[4]["config"]["postgres_changes"].as_array();
        let numbered = |(number, binding): (usize, &Value)| {
            let mut binding = binding.clone();
            binding["id"] = json!(4_000 + number);
            binding
        };
        let wanted = wanted.into_iter().flatten().enumerate();
        Self {
            topic: frame[2].as_str().unwrap().to_owned(),
            join: frame[0].clone(),
            bindings: wanted.map(numbered).collect(),
            subscribed: false,
        }
    }

    pub fn is_called(&self, topic: &Value) -> bool {
        *topic == json!(self.topic)
    }

    pub fn is_about(&self, table: &str) -> bool {
        let mut bindings = self.bindings.iter();
        bindings.any(|binding| binding["table"] == json!(table))
    }

    /// The answer to the join. It proves no subscription.
    pub fn accepted(&self, reference: &Value) -> Message {
        let response = json!({ "postgres_changes": self.bindings });
        let payload = json!({ "status": "ok", "response": response });
        text(&json!([
            self.join,
            reference,
            self.topic,
            "phx_reply",
            payload
        ]))
    }

    /// Subscribes all bindings or none, and says how it went.
    pub fn subscribe(&mut self, published: impl Fn(&str) -> bool) -> Message {
        let mut bindings = self.bindings.iter();
        let stranger = bindings.find(|it| !published(it["table"].as_str().unwrap_or_default()));
        let (status, message) = match stranger {
            None => ("ok", "Subscribed to PostgreSQL".to_owned()),
            Some(binding) => (
                "error",
                format!(
                    "Unable to subscribe to changes with given parameters. Please check Realtime \
                     is enabled for the given connect parameters: [event: {}, schema: {}, table: \
                     {}, filters: []]",
                    binding["event"], binding["schema"], binding["table"]
                ),
            ),
        };
        self.subscribed = stranger.is_none();
        self.system("postgres_changes", status, &message)
    }

    /// A `system` message and the end of the channel.
    pub fn shut_down(&self, words: &str) -> [Message; 2] {
        [self.system("system", "error", words), self.closed()]
    }

    pub fn closed(&self) -> Message {
        self.frame("phx_close", &json!({}))
    }

    fn system(&self, extension: &str, status: &str, message: &str) -> Message {
        let channel = self.topic.trim_start_matches("realtime:");
        self.frame(
            "system",
            &json!({ "extension": extension, "status": status, "message": message, "channel": channel }),
        )
    }

    pub fn frame(&self, event: &str, payload: &Value) -> Message {
        text(&json!([self.join, null, self.topic, event, payload]))
    }

    /// What this channel is told of a change, if anything. Such frames do not name the join.
    pub fn told(
        &self,
        kind: &str,
        table: &str,
        record: &Value,
        old: &Value,
        data: &Value,
    ) -> Option<Message> {
        let wants = |binding: &&Value| {
            let event = &binding["event"];
            let filter = binding["filter"].as_str();
            // A deleted row is known by its replica identity alone.
            let row = if kind == "DELETE" { old } else { record };
            binding["table"] == json!(table)
                && (*event == json!("*") || *event == json!(kind))
                && filter.is_none_or(|filter| fits(filter, row))
        };
        let wanted = self.bindings.iter().filter(wants);
        let ids: Vec<&Value> = wanted.map(|binding| &binding["id"]).collect();
        (self.subscribed && !ids.is_empty()).then(|| {
            let payload = json!({ "ids": ids, "data": data });
            text(&json!([
                null,
                null,
                self.topic,
                "postgres_changes",
                payload
            ]))
        })
    }
}

/// A filter on a column that the row does not have lets nothing through (walrus, pull request 76).
fn fits(filter: &str, row: &Value) -> bool {
    let (column, value) = filter.split_once("=eq.").unwrap();
    row[column] == json!(value)
}

/// A change as the server describes it.
pub fn data(kind: &str, table: &str, record: &Value, old: &Value) -> Value {
    let row = if kind == "DELETE" { old } else { record };
    let names = row.as_object().into_iter().flatten();
    let column = |(name, _): (&String, &Value)| {
        let of_type = if name == "id" { "uuid" } else { "text" };
        json!({ "name": name, "type": of_type })
    };
    let mut data = json!({
        "schema": "public",
        "table": table,
        "type": kind,
        "commit_timestamp": "2026-08-22T10:00:00.123Z",
        "columns": names.map(column).collect::<Vec<_>>(),
        "errors": null,
    });
    if kind != "DELETE" {
        data["record"] = record.clone();
    }
    if kind != "INSERT" {
        data["old_record"] = old.clone();
    }
    data
}

fn text(frame: &Value) -> Message {
    Message::text(frame.to_string())
}
