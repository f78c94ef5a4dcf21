//! Who may talk to an agent's own bot, and what the others are told.

use serde_json::json;

use super::stage::Stage;
use crate::harness::person::{Person, Seen, count};

const ROWS: &str = "SELECT count(*) FROM project_chat_messages";

/// Waits until the bot has said this in a private channel, and nothing else.
async fn told(person: &Person, channel: &str, words: &str) {
    let seen = person
        .sees(channel, words, |seen| {
            seen.iter().any(|m| m.text.contains(words))
        })
        .await;
    let bots = |m: &&Seen| m.name == "Ricky";
    assert_eq!(seen.iter().filter(bots).count(), 1, "{seen:#?}");
}

#[tokio::test]
async fn who_is_no_operator_is_told_so_and_no_row_is_written() {
    let stage = Stage::start().await;
    let mallory = stage.world.person("mallory");
    let private = mallory.opens(&stage.ricky.bot).await;
    mallory.say(&private, "do my bidding").await;
    mallory.say(&private, "do it now").await;
    told(&mallory, &private, "only talk to operators").await;
    stage.greet().await;
    stage.ricky_says("for zack alone").await;
    stage.shows(&stage.private, "for zack alone").await;
    let seen = mallory.read(&private).await;
    assert_eq!(seen.len(), 3, "told once, and shown nothing: {seen:#?}");
    stage.world.database_says(ROWS, 3_i64).await;
}

#[tokio::test]
async fn members_may_ask_where_that_is_switched_on() {
    let stage = Stage::with("[delivery]\nmembers_may_ask = true\n").await;
    let mallory = stage.world.person("mallory");
    let private = mallory.opens(&stage.ricky.bot).await;
    mallory.say(&private, "may I?").await;
    stage.answered(&stage.dm(), "may I?").await;
    mallory
        .sees(&private, "Ricky's answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Ricky" && m.text.contains("may I?"))
        })
        .await;
    let seen = stage.zack.read(&stage.dm()).await;
    assert!(
        seen.iter()
            .any(|m| m.name == "mallory (member)" && m.text == "may I?"),
        "{seen:#?}"
    );
}

#[tokio::test]
async fn two_operators_read_each_others_words() {
    let mut stage = Stage::start().await;
    stage.world.stop_bridge();
    let mallory = stage.world.person("mallory");
    let both = format!("{},{}", stage.zack.id, mallory.id);
    stage.world.set("OPERATOR_IDS", &both);
    stage.world.start_bridge();
    stage.world.has_sessions(2).await;
    let private = mallory.opens(&stage.ricky.bot).await;
    mallory.say(&private, "I am new here").await;
    stage.answered(&stage.dm(), "I am new here").await;
    stage.greet().await;
    for (person, channel, text) in [
        (&mallory, &private, "-# zack (operator)\ngood morning"),
        (&stage.zack, &stage.dm(), "good morning"),
    ] {
        person
            .sees(channel, text, |seen| count(seen, text) == 1)
            .await;
    }
    mallory.say(&private, "see you").await;
    stage
        .shows(&stage.private, "-# mallory (operator)\nsee you")
        .await;
    let seen = stage.zack.read(&stage.private).await;
    assert_eq!(count(&seen, "good morning"), 1, "{seen:#?}");
}

#[tokio::test]
async fn who_is_not_in_the_server_gets_nowhere() {
    for (settings, words) in [
        ("", "only talk to operators"),
        (
            "[delivery]\nmembers_may_ask = true\n",
            "only talk to members",
        ),
    ] {
        let stage = Stage::with(settings).await;
        // What Discord says of somebody who is no member: 10007, Unknown Member.
        stage
            .world
            .fault(json!({
                "route": "GET /guilds/{guild_id}/members/{user_id}", "count": 100,
                "status": 404, "code": 10007,
            }))
            .await;
        stage.zack.say(&stage.private, "let me in").await;
        told(&stage.zack, &stage.private, words).await;
        stage.world.database_says(ROWS, 0_i64).await;
    }
}

#[tokio::test]
async fn who_stops_being_an_operator_is_shown_nothing_more() {
    let mut stage = Stage::start().await;
    stage.greet().await;
    stage.world.stop_bridge();
    stage
        .world
        .set("OPERATOR_IDS", &stage.world.person("mallory").id);
    stage.world.start_bridge();
    // A bot that is not connected yet hears nobody: two starts within five seconds take longer.
    stage.world.has_sessions(2).await;
    stage.ricky_says("a secret").await;
    stage.shows(&stage.dm(), "a secret").await;
    stage.zack.say(&stage.private, "what did you say?").await;
    let seen = stage
        .zack
        .sees(&stage.private, "why not", |seen| {
            seen.iter()
                .any(|m| m.text.contains("only talk to operators"))
        })
        .await;
    assert!(seen.iter().all(|m| m.text != "a secret"), "{seen:#?}");
    stage.world.database_says(ROWS, 3_i64).await;

    stage.world.stop_bridge();
    stage.world.set("OPERATOR_IDS", &stage.zack.id.clone());
    stage.world.start_bridge();
    stage.world.has_sessions(2).await;
    stage.zack.say(&stage.private, "I am back").await;
    let seen = stage.answered(&stage.private, "I am back").await;
    assert!(seen.iter().all(|m| m.text != "a secret"), "{seen:#?}");
    // What was turned away is no row, neither then nor now.
    stage.world.database_says(ROWS, 5_i64).await;
}

#[tokio::test]
async fn a_bot_whose_agent_is_not_there_says_so() {
    let stage = Stage::start().await;
    sqlx::query("DELETE FROM agents WHERE agent_key = 'agent:ricky:main'")
        .execute(stage.world.pool())
        .await
        .unwrap();
    let file = stage.world.data_dir().join("run.json");
    crate::harness::wait::eventually("a layout without Ricky", || async {
        let run = std::fs::read_to_string(&file).unwrap_or_default();
        if run.contains("\"dm-ricky\"") {
            Err(run)
        } else {
            Ok(())
        }
    })
    .await;
    stage.zack.say(&stage.private, "anybody?").await;
    told(&stage.zack, &stage.private, "no agent ricky").await;
    stage.world.database_says(ROWS, 0_i64).await;
}
