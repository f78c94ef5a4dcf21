//! `/help`, and the word of welcome in a new server.

use serde_json::json;

use crate::harness::client::Client;
use crate::harness::world::World;

const WELCOME: &str = "Welcome to Mission Control";

#[tokio::test]
async fn every_command_is_told_with_its_own_words() {
    let world = World::start().await;
    let mallory = Client::open(&world, "mallory").await;
    let at = world.channel("status");
    let help = mallory.used(&at, "help", &[]).await;
    let path = format!("/channels/{at}/application-command-index");
    let (_, index) = mallory.person.call(reqwest::Method::GET, &path, None).await;
    let commands = index["application_commands"].as_array().unwrap();
    assert!(commands.len() > 8, "{index}");
    for command in commands {
        for key in ["name", "description"] {
            let words = command[key].as_str().unwrap_or_default();
            assert!(help.says(words), "{words}: {help:?}");
        }
    }
    for words in ["`#team-room`", "`#approvals`", "`/status`"] {
        assert!(help.content.contains(words), "{words}: {help:?}");
    }
}

#[tokio::test]
async fn a_new_server_is_welcomed_once() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let status = world.channel("status");
    let card = zack
        .sees_card(&status, WELCOME, "the welcome", |_| true)
        .await;
    assert!(card.says("/help"), "{card:?}");
    let said = "SELECT count(*) FROM bridge.welcome";
    world.database_says(said, 1_i64).await;
    world.stop_bridge();
    world.start_bridge();
    world.has_sessions(1).await;
    zack.say(&world.channel("dm-main"), "hello").await;
    let answered = |seen: &[crate::harness::person::Seen]| seen.iter().any(|m| m.name == "Trunks");
    zack.sees(&world.channel("dm-main"), "an answer", answered)
        .await;
    let cards = zack.cards(&status).await;
    assert_eq!(
        cards.iter().filter(|card| card.says(WELCOME)).count(),
        1,
        "{cards:#?}"
    );
}

#[tokio::test]
async fn where_status_may_not_be_written_the_welcome_stands_elsewhere() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let status = world.channel("status");
    let said = "SELECT count(*) FROM bridge.welcome";
    world.database_says(said, 1_i64).await;
    world.stop_bridge();
    // As in a server that is new: nobody remembers a welcome, and this channel is closed to everybody.
    sqlx::query("DELETE FROM bridge.welcome")
        .execute(world.pool())
        .await
        .unwrap();
    let path = format!("/channels/{status}/permissions/{}", world.guild());
    let closed = json!({ "type": 0, "allow": "0", "deny": "2048" });
    let (code, answer) = zack.call(reqwest::Method::PUT, &path, Some(closed)).await;
    assert!(code.is_success(), "{answer}");
    world.start_bridge();
    world.database_says(said, 1_i64).await;
    let path = format!("/guilds/{}/channels", world.guild());
    let (_, channels) = zack.call(reqwest::Method::GET, &path, None).await;
    let mut found = 0;
    let others = |it: &&serde_json::Value| it["type"] == 0 && it["id"] != status.as_str();
    for channel in channels.as_array().unwrap().iter().filter(others) {
        let cards = zack.cards(channel["id"].as_str().unwrap()).await;
        found += cards.iter().filter(|card| card.says(WELCOME)).count();
    }
    assert_eq!(found, 1);
}
