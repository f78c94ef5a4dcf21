//! Messages with everything that is on them: embeds, buttons, files.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::Value;

use super::person::{PATIENCE, Person};

/// A message of the bot as a person's client shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Its id.
    pub id: String,
    /// The channel that it stands in.
    pub channel: String,
    /// Whether that is a direct message.
    pub private: bool,
    /// The text.
    pub content: String,
    /// Every text of its embeds, line by line.
    pub embeds: String,
    /// Its buttons, in order.
    pub buttons: Vec<Button>,
    /// Its lists, in order.
    pub lists: Vec<List>,
    /// Its files.
    pub files: Vec<File>,
    /// How many people, roles and "everyone" it has pinged.
    pub pings: usize,
}

/// A button.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// What the bot gets when it is pressed.
    pub custom_id: String,
    /// Whether it can be pressed.
    pub enabled: bool,
}

/// A list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Discord's number for its kind.
    pub kind: u64,
    /// What the bot gets when something is chosen.
    pub custom_id: String,
    /// What can be chosen, where those are the bot's own choices.
    pub choices: Vec<String>,
    /// What is chosen already.
    pub chosen: Vec<String>,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name.
    pub name: String,
    /// Where it can be fetched.
    pub url: String,
}

impl Card {
    /// Reads Discord's JSON.
    pub fn of(message: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let mut embeds = Vec::new();
        for embed in list(&message["embeds"]) {
            texts(embed, &mut embeds);
        }
        Self {
            id: text(&message["id"]),
            channel: text(&message["channel_id"]),
            private: false,
            content: text(&message["content"]),
            embeds: embeds.join("\n"),
            buttons: buttons(&message["components"]),
            lists: lists(&message["components"]),
            files: list(&message["attachments"])
                .map(|file| File {
                    name: text(&file["filename"]),
                    url: text(&file["url"]),
                })
                .collect(),
            pings: list(&message["mentions"]).count()
                + list(&message["mention_roles"]).count()
                + usize::from(message["mention_everyone"] == true),
        }
    }

    /// Everything that can be read on it.
    pub fn text(&self) -> String {
        format!("{}\n{}", self.content, self.embeds)
    }

    /// Whether it says this, in any case.
    pub fn says(&self, text: &str) -> bool {
        self.text().to_lowercase().contains(&text.to_lowercase())
    }

    /// What can be pressed.
    pub fn live(&self) -> Vec<&str> {
        let buttons = self.buttons.iter().filter(|button| button.enabled);
        buttons.map(|button| button.label.as_str()).collect()
    }

    /// The button with this label.
    pub fn button(&self, label: &str) -> &Button {
        let found = self.buttons.iter().find(|button| button.label == label);
        found.unwrap_or_else(|| panic!("no button {label:?}: {self:#?}"))
    }

    /// The only list whose custom id begins so.
    pub fn list(&self, begins: &str) -> &List {
        let mut found = self
            .lists
            .iter()
            .filter(|it| it.custom_id.starts_with(begins));
        match (found.next(), found.next()) {
            (Some(list), None) => list,
            _ => panic!("not one list {begins:?}: {self:#?}"),
        }
    }

    /// All of its files, one after the other.
    pub async fn attached(&self) -> String {
        let mut whole = String::new();
        for file in &self.files {
            let answer = reqwest::get(&file.url).await.expect("a file can be read");
            whole.push_str(&answer.text().await.expect("a file is text"));
        }
        whole
    }
}

impl Person {
    /// What the bot itself has posted among the last hundred messages of a channel, oldest first.
    pub async fn cards(&self, channel: &str) -> Vec<Card> {
        let path = format!("/channels/{channel}/messages?limit=100");
        let (status, messages) = self.call(Method::GET, &path, None).await;
        assert!(status.is_success(), "{status} {messages}");
        let mut cards: Vec<Card> = list(&messages)
            .filter(|message| message["author"]["bot"] == true)
            .filter(|message| message.get("webhook_id").is_none())
            .map(Card::of)
            .collect();
        cards.reverse();
        cards
    }

    /// Waits until the only card of a channel that says this is as expected.
    pub async fn sees_card(
        &self,
        channel: &str,
        says: &str,
        what: &str,
        expected: impl Fn(&Card) -> bool,
    ) -> Card {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let cards = self.cards(channel).await;
            let mut found = cards.iter().filter(|card| card.says(says));
            if let (Some(card), None) = (found.next(), found.next())
                && expected(card)
            {
                return card.clone();
            }
            assert!(
                Instant::now() < deadline,
                "{what}: one card about {says:?} was expected; the channel shows {cards:#?}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Waits until no card of a channel says this.
    pub async fn sees_no_card(&self, channel: &str, says: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let cards = self.cards(channel).await;
            if cards.iter().all(|card| !card.says(says)) {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{says:?} is still there: {cards:#?}"
            );
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn buttons(components: &Value) -> Vec<Button> {
    let children = list(components).flat_map(|row| list(&row["components"]));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    children
        .filter(|child| child["type"] == 2)
        .map(|button| Button {
            label: text(&button["label"]),
            custom_id: text(&button["custom_id"]),
            enabled: button["disabled"] != true,
        })
        .collect()
}

fn lists(components: &Value) -> Vec<List> {
    let children = list(components).flat_map(|row| list(&row["components"]));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    children
        .filter(|child| matches!(child["type"].as_u64(), Some(3 | 5..=8)))
        .map(|child| {
            let own = list(&child["options"]).filter(|it| it["default"] == true);
            let given = list(&child["default_values"]).map(|it| text(&it["id"]));
            List {
                kind: child["type"].as_u64().unwrap_or_default(),
                custom_id: text(&child["custom_id"]),
                choices: list(&child["options"])
                    .map(|it| text(&it["value"]))
                    .collect(),
                chosen: own.map(|it| text(&it["value"])).chain(given).collect(),
            }
        })
        .collect()
}

/// The texts of an embed that a client shows, in its order.
fn texts(embed: &Value, into: &mut Vec<String>) {
    let mut take = |value: &Value| into.extend(value.as_str().map(str::to_owned));
    take(&embed["author"]["name"]);
    take(&embed["title"]);
    take(&embed["description"]);
    for field in list(&embed["fields"]) {
        take(&field["name"]);
        take(&field["value"]);
    }
    take(&embed["footer"]["text"]);
}
