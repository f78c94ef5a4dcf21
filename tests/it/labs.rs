//! The Labs: a feature that is off shows nothing and says how it is switched on; a switch acts at once,
//! wherever it is thrown, and nothing is lost or doubled by it.

mod command;
mod switching;
mod turned_away;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::person::{Person, count};
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

/// The flags as text, or no row where there is none.
async fn flags(world: &World) -> Option<String> {
    sqlx::query_scalar(
        "SELECT value FROM project_settings WHERE project_id = $1 AND key = 'labs_features'",
    )
    .bind(PROJECT)
    .fetch_optional(world.pool())
    .await
    .expect("the flags can be read")
}

/// Writes the flags as a dashboard does: all of the text.
async fn write(world: &World, text: &str) {
    sqlx::query(
        "INSERT INTO project_settings (project_id, key, value) VALUES ($1, 'labs_features', $2) \
         ON CONFLICT (project_id, key) DO UPDATE SET value = excluded.value",
    )
    .bind(PROJECT)
    .bind(text)
    .execute(world.pool())
    .await
    .expect("the flags can be written");
}

/// An installation in whose settings nobody has ever switched anything.
async fn without_flags() -> World {
    let world = World::without_bridge().await;
    sqlx::query("DELETE FROM project_settings")
        .execute(world.pool())
        .await
        .expect("the flags can be removed");
    world
}

/// The channels that the run file names now.
fn listed(world: &World) -> Vec<String> {
    let text = std::fs::read(world.data_dir().join("run.json")).expect("the bridge runs");
    let run: Value = serde_json::from_slice(&text).expect("the run file is whole");
    let channels = run["discord"]["channels"].as_object().expect("channels");
    channels.keys().cloned().collect()
}

/// Waits until the run file names exactly these channels, and gives back how long that took.
async fn lists(world: &World, expected: &[&str]) -> Duration {
    let began = Instant::now();
    eventually(&format!("the channels {expected:?}"), || async {
        let now = listed(world);
        if now == expected { Ok(()) } else { Err(now) }
    })
    .await;
    began.elapsed()
}

/// The id of a channel that the run file names now.
fn channel(world: &World, name: &str) -> String {
    let text = std::fs::read(world.data_dir().join("run.json")).expect("the bridge runs");
    let run: Value = serde_json::from_slice(&text).expect("the run file is whole");
    let id = run["discord"]["channels"][name].as_str();
    id.unwrap_or_else(|| panic!("no {name}: {run}")).to_owned()
}

/// Gives `/labs` and reads the answer.
async fn labs(client: &Client, channel: &str, flag: Option<&str>, on: Option<bool>) -> Card {
    let flag = flag.map(|it| json!({ "type": 3, "name": "flag", "value": it }));
    let on = on.map(|it| json!({ "type": 5, "name": "on", "value": it }));
    let options: Vec<Value> = flag.into_iter().chain(on).collect();
    let act = client.slash_with(channel, "labs", json!(options)).await;
    client.told(&act).await
}

/// Whether a text became a row.
async fn rows(world: &World, text: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM project_chat_messages WHERE message = $1")
        .bind(text)
        .fetch_one(world.pool())
        .await
        .expect("rows can be counted")
}

/// Waits until a text is a row.
async fn becomes_a_row(world: &World, text: &str) {
    eventually(&format!("a row {text:?}"), || async {
        match rows(world, text).await {
            1 => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

/// Waits until a channel shows a text once.
async fn shows(person: &Person, channel: &str, text: &str) {
    person
        .sees(channel, text, |seen| count(seen, text) == 1)
        .await;
}

const QUIET: [&str; 3] = ["activity", "approvals", "status"];
const ROOM: [&str; 4] = ["activity", "approvals", "status", "team-room"];
