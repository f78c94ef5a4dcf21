//! What these journeys share: Ricky has a bot of its own.

use serde_json::json;
use uuid::Uuid;

use crate::harness::person::{Person, Seen, count};
use crate::harness::world::{Application, PROJECT, World};

/// Zack's words in `#dm-ricky`, as Ricky's own bot shows them.
pub fn copied(text: &str) -> String {
    format!("-# zack (operator)\n{text}")
}

/// A running installation in which Ricky has a bot of its own.
pub struct Stage {
    /// The installation.
    pub world: World,
    /// The operator.
    pub zack: Person,
    /// Ricky's own application.
    pub ricky: Application,
    /// Zack's private channel with it.
    pub private: String,
}

impl Stage {
    /// Everything running.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Everything running, with this in `bridge.toml` as well.
    pub async fn with(settings: &str) -> Self {
        let mut world = World::without_bridge().await;
        let ricky = world.make_application("Ricky").await;
        world.configure(&format!(
            "[agents.ricky]\ndiscord_token = \"{}\"\n{settings}",
            ricky.token
        ));
        world.start_bridge();
        // A message to a bot that has never heard of the channel is lost while it is not there.
        world.has_sessions(2).await;
        let zack = world.person("zack");
        let private = zack.opens(&ricky.bot).await;
        Self {
            world,
            zack,
            ricky,
            private,
        }
    }

    /// `#dm-ricky`.
    pub fn dm(&self) -> String {
        self.world.channel("dm-ricky")
    }

    /// Zack writes to Ricky's own bot and is answered there, so that the channel is known.
    pub async fn greet(&self) {
        self.zack.say(&self.private, "good morning").await;
        self.answered(&self.private, "good morning").await;
    }

    /// Waits until Ricky has answered this.
    pub async fn answered(&self, channel: &str, question: &str) -> Vec<Seen> {
        let what = format!("Ricky's answer to {question:?}");
        let answer = |m: &Seen| m.name == "Ricky" && m.text.contains(question);
        self.zack
            .sees(channel, &what, |seen| seen.iter().any(answer))
            .await
    }

    /// Waits until a channel shows exactly this text, once.
    pub async fn shows(&self, channel: &str, text: &str) {
        self.zack
            .sees(channel, text, |seen| count(seen, text) == 1)
            .await;
    }

    /// Ricky says something in its thread, as another program writes it.
    pub async fn ricky_says(&self, text: &str) -> Uuid {
        self.insert("agent:ricky:main", text, "text", json!(null))
            .await
    }

    /// Somebody writes a row into Ricky's thread.
    pub async fn insert(
        &self,
        author: &str,
        text: &str,
        kind: &str,
        metadata: serde_json::Value,
    ) -> Uuid {
        sqlx::query_scalar(
            "WITH there AS (SELECT id FROM project_chat_threads \
                            WHERE project_id = $1 AND title = 'DM:agent:ricky:main'), \
                  made AS (INSERT INTO project_chat_threads (project_id, title) \
                           SELECT $1, 'DM:agent:ricky:main' WHERE NOT EXISTS (SELECT FROM there) \
                           RETURNING id) \
             INSERT INTO project_chat_messages \
               (project_id, thread_id, author, message, message_type, metadata) \
             SELECT $1, id, $2, $3, $4, $5 FROM (SELECT id FROM there UNION ALL SELECT id FROM made) t \
             RETURNING id",
        )
        .bind(PROJECT)
        .bind(author)
        .bind(text)
        .bind(kind)
        .bind(metadata)
        .fetch_one(self.world.pool())
        .await
        .expect("the database takes a message")
    }
}
