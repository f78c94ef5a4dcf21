//! What people do with messages besides writing them.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::FromRow;

use super::client::Client;
use super::person::Person;
use super::wait::eventually;
use super::world::World;

impl Person {
    /// Changes a message of their own.
    pub async fn edit(&self, channel: &str, message: &str, text: &str) {
        let path = format!("/channels/{channel}/messages/{message}");
        let body = json!({ "content": text });
        let (status, answer) = self.call(Method::PATCH, &path, Some(body)).await;
        assert!(status.is_success(), "{status} {answer}");
    }

    /// Deletes a message.
    pub async fn delete(&self, channel: &str, message: &str) {
        let path = format!("/channels/{channel}/messages/{message}");
        let (status, answer) = self.call(Method::DELETE, &path, None).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{answer}");
    }

    /// Replies to a message and gives back the reply's id.
    pub async fn reply(&self, channel: &str, to: &str, text: &str) -> String {
        let path = format!("/channels/{channel}/messages");
        let reference = json!({ "message_id": to });
        let body = json!({ "content": text, "message_reference": reference });
        let (status, message) = self.call(Method::POST, &path, Some(body)).await;
        assert!(status.is_success(), "{status} {message}");
        let id = message["id"].as_str();
        id.expect("a message has an id").to_owned()
    }
}

/// A row of the chat with its deliveries.
#[derive(Debug, Clone, FromRow)]
pub struct Row {
    /// Its id.
    pub id: uuid::Uuid,
    /// Who.
    pub author: String,
    /// To whom.
    pub target_agent_key: Option<String>,
    /// What.
    pub message: String,
    /// What belongs to it.
    pub metadata: Value,
    /// The agents that it goes to, in the order of their keys.
    pub to: Vec<String>,
    /// Where these deliveries stand.
    pub statuses: Vec<String>,
}

const ROWS: &str = "SELECT m.id, m.author, m.target_agent_key, m.message, \
     coalesce(m.metadata, 'null') AS metadata, \
     array(SELECT q.target_agent_key FROM chat_delivery_queue q WHERE q.message_id = m.id \
           ORDER BY q.target_agent_key) AS to, \
     array(SELECT q.status FROM chat_delivery_queue q WHERE q.message_id = m.id \
           ORDER BY q.target_agent_key) AS statuses \
     FROM project_chat_messages m WHERE m.author NOT LIKE 'agent:%' ORDER BY m.created_at, m.id";

impl World {
    /// What people have said, oldest first.
    pub async fn rows(&self) -> Vec<Row> {
        // A connection may have been ended just now.
        let rows = sqlx::query_as(ROWS).fetch_all(self.pool()).await;
        rows.unwrap_or_default()
    }

    /// Waits until a row of a person fits.
    pub async fn row(&self, what: &str, fits: impl Fn(&Row) -> bool) -> Row {
        eventually(what, || async {
            let rows = self.rows().await;
            rows.iter().find(|row| fits(row)).cloned().ok_or(rows)
        })
        .await
    }

    /// Waits until the row that says exactly this is there.
    pub async fn row_of(&self, text: &str) -> Row {
        self.row(text, |row| row.message == text).await
    }

    /// Waits until no row says exactly this.
    pub async fn no_row_of(&self, text: &str) {
        eventually("a row that is gone", || async {
            let rows = self.rows().await;
            if rows.iter().any(|row| row.message == text) {
                Err(rows)
            } else {
                Ok(())
            }
        })
        .await;
    }
}

impl Client {
    /// Uses `/ask`.
    pub async fn ask(&self, channel: &str, agent: &str, message: &str) -> super::client::Act {
        let options = json!([
            { "type": 3, "name": "agent", "value": agent },
            { "type": 3, "name": "message", "value": message },
        ]);
        self.slash_with(channel, "ask", options).await
    }
}
