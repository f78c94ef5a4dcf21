//! What the journeys of proposals share: an operator with the app open, and agents that propose.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::card::Card;
use crate::harness::client::{Act, Client};
use crate::harness::person::Person;
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

/// The buttons of a proposal that can be decided.
pub const DECIDABLE: [&str; 4] = ["Approve", "Reject", "Reject with reason…", "Details"];

/// A running installation with zack in front of it.
pub struct Stage {
    /// The installation.
    pub world: World,
    /// The operator's app.
    pub zack: Client,
}

impl Stage {
    /// Everything running.
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// Everything running with this `bridge.toml`.
    pub async fn with(settings: &str) -> Self {
        let world = World::without_bridge().await;
        world.configure(settings);
        Self::open(world).await
    }

    /// Everything running, without rate limits, with mallory as a second operator.
    pub async fn with_two_operators() -> Self {
        let mut world = World::without_bridge().await;
        world.fault(json!({ "rate_limits": "off" })).await;
        let both = format!("{},{}", world.person("zack").id, world.person("mallory").id);
        world.set("OPERATOR_IDS", &both);
        Self::open(world).await
    }

    /// Starts the bridge in this world.
    pub async fn open(mut world: World) -> Self {
        world.start_bridge();
        let zack = Client::open(&world, "zack").await;
        Self { world, zack }
    }

    /// `#approvals`.
    pub fn approvals(&self) -> String {
        self.world.channel("approvals")
    }

    /// `#team-room`.
    pub fn room(&self) -> String {
        self.world.channel("team-room")
    }

    /// `#dm-main`.
    pub fn dm(&self) -> String {
        self.world.channel("dm-main")
    }

    /// The card in `#approvals` that says this, once it is as expected.
    pub async fn card(&self, says: &str, what: &str, expected: impl Fn(&Card) -> bool) -> Card {
        let approvals = self.approvals();
        let zack = &self.zack.person;
        zack.sees_card(&approvals, says, what, expected).await
    }

    /// The card in `#approvals` that says this, once it can be decided.
    pub async fn open_card(&self, says: &str) -> Card {
        self.card(says, "an open card", |card| card.live() == DECIDABLE)
            .await
    }

    /// The operator asks the agent in `#dm-main` for a proposal; both of its cards are there.
    pub async fn ask(&self, question: &str, says: &str) -> Card {
        let dm = self.dm();
        let zack = &self.zack.person;
        zack.say(&dm, question).await;
        zack.sees_card(&dm, says, "a card where it was made", |card| {
            card.live() == DECIDABLE
        })
        .await;
        self.open_card(says).await
    }

    /// Waits until there are so many tasks.
    pub async fn has_tasks(&self, count: i64) {
        self.world
            .database_says("SELECT count(*) FROM tasks", count)
            .await;
    }

    /// The card ends like this in all of these channels, and nothing on it can be pressed.
    pub async fn ends(&self, channels: &[String], says: &str, end: &str) {
        for channel in channels {
            let zack = &self.zack.person;
            zack.sees_card(
                channel,
                says,
                &format!("a card that ends as {end}"),
                |card| card.says(end) && card.live().is_empty(),
            )
            .await;
        }
    }

    /// Ricky proposes this in the Team Room, as another program writes it.
    pub async fn propose(&self, metadata: &Value) -> Uuid {
        let kind = match metadata["action_type"].as_str() {
            Some("create_task") => "task_proposal",
            _ => "action_proposal",
        };
        sqlx::query_scalar(
            "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) \
             VALUES ($1, 'agent:ricky:main', 'I propose something', $2, $3) RETURNING id",
        )
        .bind(PROJECT)
        .bind(kind)
        .bind(metadata)
        .fetch_one(self.world.pool())
        .await
        .expect("the database takes a proposal")
    }

    /// Changes what a proposal in the chat says.
    pub async fn rewrite(&self, id: Uuid, metadata: &Value) {
        let changed = sqlx::query("UPDATE project_chat_messages SET metadata = $2 WHERE id = $1")
            .bind(id)
            .bind(metadata)
            .execute(self.world.pool())
            .await
            .expect("the database takes an edit");
        assert_eq!(changed.rows_affected(), 1);
    }

    /// The bot's token posts a message with these buttons, as whoever holds it could.
    pub async fn post(&self, channel: &str, custom_ids: &[&str]) -> Card {
        let buttons: Vec<Value> = custom_ids
            .iter()
            .enumerate()
            .map(|(index, id)| {
                json!({ "type": 2, "style": 1, "label": format!("Button {index}"), "custom_id": id })
            })
            .collect();
        let rows: Vec<Value> = buttons
            .chunks(5)
            .map(|row| json!({ "type": 1, "components": row }))
            .collect();
        let body = json!({ "content": "copied buttons", "components": rows });
        let path = format!("/channels/{channel}/messages");
        let bot = Person::bot(self.world.discord());
        let (status, message) = bot.call(Method::POST, &path, Some(body)).await;
        assert!(status.is_success(), "{status} {message}");
        Card::of(&message)
    }

    /// How a proposal was decided and what became of it, once that is so.
    pub async fn decided(&self, id: Uuid, verdict: &str, state: &str) {
        eventually("the decision", || async {
            let found: Option<(String, String)> =
                sqlx::query_as("SELECT verdict, state FROM bridge.decision WHERE entity_id = $1")
                    .bind(id)
                    .fetch_optional(self.world.pool())
                    .await
                    .expect("the database answers");
            match found {
                Some((v, s)) if v == verdict && s == state => Ok(()),
                other => Err(other),
            }
        })
        .await;
    }

    /// Says yes to the second question.
    pub async fn confirm(&self, question: &Card) -> Act {
        let [yes, ..] = question.live()[..] else {
            panic!("no second question: {question:#?}");
        };
        self.zack.press(question, yes).await
    }

    /// Nobody has decided anything, and nothing was done.
    pub async fn nothing_happened(&self) {
        let counts: (i64, i64, i64, i64) = sqlx::query_as(
            "SELECT (SELECT count(*) FROM bridge.decision), (SELECT count(*) FROM tasks), \
                    (SELECT count(*) FROM project_chat_messages \
                     WHERE metadata->>'status' <> 'proposed'), \
                    (SELECT count(*) FROM chat_delivery_queue)",
        )
        .fetch_one(self.world.pool())
        .await
        .expect("the database answers");
        assert_eq!(
            counts,
            (0, 0, 0, 0),
            "decisions, tasks, proposals with another status, deliveries"
        );
    }
}

/// A proposed `create_task`.
pub fn task(title: &str) -> Value {
    json!({
        "action_type": "create_task", "risk_level": "low", "requires_approval": true,
        "status": "proposed", "reason": "It has to be done.",
        "parameters": {
            "title": title, "description": "All of it.", "assignee_agent_key": "agent:ricky:main",
        },
    })
}
