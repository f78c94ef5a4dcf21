//! Both places are kept true: through edits, deletes, restarts, outages, and flags of the Labs.

use serde_json::json;

use super::stage::{Stage, copied};
use crate::harness::outage::{accept_connections, end_connections};
use crate::harness::person::count;
use crate::harness::world::World;

#[tokio::test]
async fn edits_and_deletes_of_rows_are_followed_in_both_places() {
    let stage = Stage::start().await;
    stage.greet().await;
    let id = stage.ricky_says("a tpyo").await;
    for channel in [&stage.private, &stage.dm()] {
        stage.shows(channel, "a tpyo").await;
    }
    sqlx::query("UPDATE project_chat_messages SET message = 'a typo' WHERE id = $1")
        .bind(id)
        .execute(stage.world.pool())
        .await
        .unwrap();
    for channel in [&stage.private, &stage.dm()] {
        stage.shows(channel, "a typo").await;
    }
    sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
        .bind(id)
        .execute(stage.world.pool())
        .await
        .unwrap();
    for channel in [&stage.private, &stage.dm()] {
        stage
            .zack
            .sees(channel, "nothing of it", |seen| {
                seen.iter().all(|m| !m.text.contains("a t"))
            })
            .await;
    }
}

#[tokio::test]
async fn a_restart_keeps_the_private_channel_and_reads_it_back() {
    let mut stage = Stage::start().await;
    stage.greet().await;
    stage.world.stop_bridge();
    let away = "while you were away";
    stage.zack.say(&stage.private, away).await;
    stage.ricky_says("meanwhile").await;
    stage.world.start_bridge();
    let dm = stage.dm();
    stage.answered(&stage.private, away).await;
    stage.answered(&dm, away).await;
    stage.shows(&stage.private, "meanwhile").await;
    stage.world.kill_bridge();
    stage.world.start_bridge();
    stage.zack.say(&dm, "still there?").await;
    stage.answered(&stage.private, "still there?").await;
    let seen = stage.zack.read(&stage.private).await;
    for text in [away, "meanwhile", &copied("still there?")] {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
    let seen = stage.zack.read(&dm).await;
    for text in ["good morning", away, "meanwhile"] {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
}

/// A bot cannot list its chats; this one has never been there when somebody wrote.
#[tokio::test]
async fn the_very_first_message_is_found_although_nobody_was_there() {
    let mut world = World::without_bridge().await;
    let ricky = world.make_application("Ricky").await;
    world.configure(&format!(
        "[agents.ricky]\ndiscord_token = \"{}\"\n",
        ricky.token
    ));
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let private = zack.opens(&ricky.bot).await;
    for text in ["hello?", "is this on?"] {
        zack.say(&private, text).await;
    }
    let other = mallory.opens(&ricky.bot).await;
    mallory.say(&other, "let me in").await;
    world.start_bridge();
    zack.sees(&private, "both answers", |seen| {
        let answers = seen.iter().filter(|m| m.name == "Ricky");
        answers.count() == 2 && seen[3].text.contains("is this on?")
    })
    .await;
    world.kill_bridge();
    world.start_bridge();
    zack.say(&private, "and now?").await;
    let seen = zack
        .sees(&private, "the third answer", |seen| seen.len() >= 6)
        .await;
    assert_eq!(seen.len(), 6, "each once: {seen:#?}");
    assert_eq!(mallory.read(&other).await.len(), 1, "nobody was asked");
}

#[tokio::test]
async fn a_lost_answer_and_a_crash_show_nothing_twice() {
    let mut stage = Stage::start().await;
    stage.greet().await;
    let lost = |count: u64| json!({ "route": "POST /channels/{channel_id}/messages", "count": count, "swallow": true });
    stage.world.fault(lost(1)).await;
    stage.ricky_says("once").await;
    stage.shows(&stage.private, "once").await;
    stage.ricky_says("twice").await;
    stage.shows(&stage.private, "twice").await;
    stage.world.fault(lost(100)).await;
    stage.ricky_says("thrice").await;
    stage.shows(&stage.private, "thrice").await;
    stage.world.kill_bridge();
    stage.world.no_faults().await;
    stage.world.start_bridge();
    stage.ricky_says("that is all").await;
    stage.shows(&stage.private, "that is all").await;
    let seen = stage.zack.read(&stage.private).await;
    for text in ["once", "twice", "thrice"] {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
}

#[tokio::test]
async fn without_the_feed_the_sweep_fills_both_places() {
    let stage = Stage::with("[feed]\nkind = \"off\"\n[mirror]\nsweep_seconds = 1\n").await;
    stage.greet().await;
    let dm = stage.dm();
    stage.answered(&dm, "good morning").await;
    stage.zack.say(&dm, "from the channel").await;
    // What Ricky says before that would be taken for the answer.
    stage.answered(&dm, "from the channel").await;
    stage.ricky_says("from Ricky").await;
    for text in ["from Ricky", &copied("from the channel")] {
        stage.shows(&stage.private, text).await;
    }
    for text in ["good morning", "from Ricky"] {
        stage.shows(&dm, text).await;
    }
}

#[tokio::test]
async fn a_broken_connection_costs_no_message() {
    let stage = Stage::start().await;
    stage.greet().await;
    for text in ["one", "two", "three"] {
        stage.world.fault(json!({ "drop_gateways": true })).await;
        stage.zack.say(&stage.private, text).await;
        stage.answered(&stage.private, text).await;
    }
    for text in ["one", "two", "three"] {
        stage.shows(&stage.dm(), text).await;
    }
}

#[tokio::test]
async fn another_bot_of_the_same_agent_begins_anew() {
    let mut stage = Stage::start().await;
    stage.greet().await;
    stage.world.stop_bridge();
    let other = stage.world.make_application("Ricky the second").await;
    stage.world.configure(&format!(
        "[agents.ricky]\ndiscord_token = \"{}\"\n",
        other.token
    ));
    stage.world.start_bridge();
    stage.world.has_sessions(2).await;
    let dm = stage.dm();
    stage.zack.say(&dm, "who are you?").await;
    stage.answered(&dm, "who are you?").await;
    let private = stage.zack.opens(&other.bot).await;
    stage.zack.say(&private, "and here?").await;
    stage
        .zack
        .sees(&private, "the answer of the other bot", |seen| {
            seen.iter()
                .any(|m| m.name == "Ricky the second" && m.text.contains("and here?"))
        })
        .await;
    stage.answered(&dm, "and here?").await;
}

#[tokio::test]
async fn what_is_written_while_the_database_is_away_is_kept_and_answered() {
    let stage = Stage::start().await;
    stage.greet().await;
    accept_connections(stage.world.database(), false).await;
    end_connections(stage.world.database()).await;
    let written = stage.zack.say(&stage.private, "is anybody home?").await;
    let mark = |all: &serde_json::Value| all["reactions"][0]["emoji"]["name"] == "🕓";
    let path = format!("/channels/{}/messages/{written}", stage.private);
    crate::harness::wait::eventually("the mark of a held message", || async {
        let (_, message) = stage.zack.call(reqwest::Method::GET, &path, None).await;
        if mark(&message) {
            Ok(())
        } else {
            Err(message.to_string())
        }
    })
    .await;
    accept_connections(stage.world.database(), true).await;
    stage.answered(&stage.private, "is anybody home?").await;
    stage.answered(&stage.dm(), "is anybody home?").await;
}

#[tokio::test]
async fn the_flag_of_the_agents_channel_switches_the_private_channel_too() {
    let stage = Stage::start().await;
    stage.greet().await;
    switch(&stage, false).await;
    stage.zack.say(&stage.private, "hello?").await;
    stage
        .zack
        .sees(&stage.private, "how it is switched on", |seen| {
            seen.iter()
                .any(|m| m.text.contains("/labs flag:multi_dm on:True"))
        })
        .await;
    stage.ricky_says("nobody hears me").await;
    switch(&stage, true).await;
    stage.shows(&stage.private, "nobody hears me").await;
    stage.zack.say(&stage.private, "and now?").await;
    stage.answered(&stage.private, "and now?").await;
    stage
        .world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'hello?'",
            0_i64,
        )
        .await;
}

#[tokio::test]
async fn a_private_channel_does_not_open_while_the_flag_is_off() {
    let stage = Stage::start().await;
    switch(&stage, false).await;
    stage.zack.say(&stage.private, "hello?").await;
    stage
        .zack
        .sees(&stage.private, "how it is switched on", |seen| {
            seen.iter()
                .any(|m| m.text.contains("/labs flag:multi_dm on:True"))
        })
        .await;
    switch(&stage, true).await;
    stage.greet().await;
    stage
        .world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'hello?'",
            0_i64,
        )
        .await;
}

/// Somebody switches the channels of all agents but the primary, and the bridge has followed.
async fn switch(stage: &Stage, on: bool) {
    sqlx::query(
        "UPDATE project_settings SET value = jsonb_set(value::jsonb, '{multi_dm}', to_jsonb($1)), \
         updated_at = now() WHERE key = 'labs_features'",
    )
    .bind(on)
    .execute(stage.world.pool())
    .await
    .expect("the flag can be written");
    let undecided = if on {
        "SELECT count(*) FROM bridge.channel WHERE surface LIKE '%ricky%' AND closed_at IS NOT NULL"
    } else {
        "SELECT count(*) FROM bridge.channel WHERE surface LIKE '%ricky%' AND closed_at IS NULL"
    };
    stage.world.database_says(undecided, 0_i64).await;
}
