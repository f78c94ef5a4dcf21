//! The executor of an existing `ClawdOS` instead of ours: the same journeys, and its ways.

mod docs;
mod faults;
mod receipts;
mod tasks;

use std::time::Duration;

use crate::harness::client::Client;
use crate::harness::existing::Existing;
use crate::harness::person::{Person, Seen};
use crate::harness::wait::eventually;
use crate::harness::world::World;

const RICKY: &str = "agent:ricky:main";

/// A bridge in front of such an executor.
async fn stage(settings: &str) -> (World, Existing) {
    let mut world = World::without_bridge().await;
    let existing = Existing::start(&world).await;
    world.configure(&format!("[mode]\npoll_seconds = 1\n{settings}"));
    world.set("CONTROL_API_URL", &existing.url());
    world.start_bridge();
    is_live(&world).await;
    (world, existing)
}

async fn is_live(world: &World) {
    mode(world, "live").await;
}

async fn mode(world: &World, mode: &str) {
    let mode = mode.to_owned();
    world
        .database_says(
            "SELECT lower(mode) FROM bridge.mode_log ORDER BY id DESC LIMIT 1",
            mode,
        )
        .await;
}

/// What became of a message: the status of its row in the queue, and the error.
async fn row(world: &World, text: &str) -> Option<(String, Option<String>)> {
    sqlx::query_as(
        "SELECT q.status, q.result ->> 'error' FROM chat_delivery_queue q \
         JOIN project_chat_messages m ON m.id = q.message_id WHERE m.message = $1",
    )
    .bind(text)
    .fetch_optional(world.pool())
    .await
    .unwrap()
}

/// Waits until the row of a message has a status; its error.
async fn becomes(world: &World, text: &str, status: &str) -> Option<String> {
    eventually(&format!("{text:?} is {status}"), || async {
        match row(world, text).await {
            Some((is, error)) if is == status => Ok(error),
            other => Err(other),
        }
    })
    .await
}

/// How many rows say this.
async fn replies(world: &World, text: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM project_chat_messages WHERE message = $1")
        .bind(format!("You said: {text}"))
        .fetch_one(world.pool())
        .await
        .unwrap()
}

fn answered(seen: &[Seen], name: &str, text: &str) -> bool {
    seen.iter().any(|m| m.name == name && m.text.contains(text))
}

async fn sees_answer(person: &Person, channel: &str, name: &str, text: &str) {
    person
        .sees(channel, &format!("{name}'s answer to {text:?}"), |seen| {
            answered(seen, name, text)
        })
        .await;
}

#[tokio::test]
async fn two_agents_are_talked_to_in_parallel_and_a_slow_turn_holds_nobody_up() {
    let (world, existing) = stage("").await;
    existing.delay(RICKY, Duration::from_secs(4));
    let zack = world.person("zack");
    let (main, ricky) = (world.channel("dm-main"), world.channel("dm-ricky"));
    zack.say(&ricky, "take your time").await;
    for text in ["one", "two", "three"] {
        zack.say(&main, text).await;
        sees_answer(&zack, &main, "Trunks", &format!("You said: {text}")).await;
    }
    let (status, _) = row(&world, "take your time").await.unwrap();
    assert_eq!(status, "delivered", "Ricky still works");
    sees_answer(&zack, &ricky, "Ricky", "You said: take your time").await;
    for text in ["take your time", "one", "two", "three"] {
        becomes(&world, text, "processed").await;
        assert_eq!(replies(&world, text).await, 1, "{text}");
    }
    assert_eq!(existing.turns().len(), 4);
}

#[tokio::test]
async fn what_is_said_while_it_is_away_waits_and_is_answered_when_it_comes_back() {
    let (world, mut existing) = stage("").await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    existing.stop();
    mode(&world, "backup").await;
    for text in ["anybody there?", "hello?"] {
        zack.say(&dm, text).await;
        becomes(&world, text, "queued").await;
    }
    assert_eq!(existing.turns(), []);

    existing.restart().await;
    for text in ["anybody there?", "hello?"] {
        sees_answer(&zack, &dm, "Ricky", &format!("You said: {text}")).await;
        becomes(&world, text, "processed").await;
    }
    let texts: Vec<_> = existing.turns().into_iter().map(|turn| turn.text).collect();
    assert_eq!(texts, ["anybody there?", "hello?"], "each once, in order");
}

#[tokio::test]
async fn its_worker_and_the_bridge_race_for_rows_and_each_row_has_one_turn() {
    let (world, mut existing) = stage("").await;
    let zack = world.person("zack");
    existing.stop();
    mode(&world, "backup").await;
    let mut texts = Vec::new();
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    for n in 0..10 {
        for (short, channel) in [("main", "dm-main"), ("ricky", "dm-ricky")] {
            let text = format!("{n} to {short}");
            zack.say(&world.channel(channel), &text).await;
            texts.push(text);
        }
    }
    for text in &texts {
        becomes(&world, text, "queued").await;
    }

    existing.start_worker();
    existing.restart().await;
    for text in &texts {
        becomes(&world, text, "processed").await;
    }
    // What is said to both at once is a race as well: the row is claimed when it is born.
    zack.say(&world.channel("dm-main"), "and now?").await;
    becomes(&world, "and now?", "processed").await;
    texts.push("and now?".to_owned());

    let mut turns: Vec<_> = existing.turns().into_iter().map(|turn| turn.text).collect();
    turns.sort_unstable();
    texts.sort_unstable();
    assert_eq!(turns, texts, "one turn each");
    for text in &texts {
        assert_eq!(replies(&world, text).await, 1, "{text}");
    }
}

#[tokio::test]
async fn a_bridge_that_is_killed_during_a_turn_asks_for_no_second_one() {
    let (mut world, existing) = stage("[delivery]\nwatchdog_seconds = 3\n").await;
    existing.delay(RICKY, Duration::from_secs(2));
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, "only once").await;
    eventually("a turn", || async {
        let turns = existing.turns();
        (turns.len() == 1).then_some(()).ok_or(turns)
    })
    .await;
    world.kill_bridge();
    world.start_bridge();
    is_live(&world).await;
    sees_answer(&zack, &dm, "Ricky", "You said: only once").await;
    // The row is settled, and what comes after it works; nothing of that asks again.
    eventually("a row that is not in work", || async {
        let row = row(&world, "only once").await.unwrap();
        let settled = matches!(row.0.as_str(), "processed" | "failed");
        settled.then_some(()).ok_or(row)
    })
    .await;
    zack.say(&dm, "next").await;
    becomes(&world, "next", "processed").await;
    let texts: Vec<_> = existing.turns().into_iter().map(|turn| turn.text).collect();
    assert_eq!(texts, ["only once", "next"]);
    assert_eq!(replies(&world, "only once").await, 1);
}

#[tokio::test]
async fn an_event_that_discord_tells_twice_is_one_turn() {
    let (world, existing) = stage("").await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    world
        .fault(serde_json::json!({ "duplicate_events": 20 }))
        .await;
    for text in ["first", "second"] {
        zack.say(&dm, text).await;
        becomes(&world, text, "processed").await;
    }
    assert_eq!(existing.turns().len(), 2);
}

#[tokio::test]
async fn what_a_shell_would_expand_arrives_as_look_alikes() {
    let (world, mut existing) = stage("").await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    let evil = "costs $5, $(echo pwned) or `echo pwned`, \"quoted\" \\$HOME";
    let safe = "costs ＄5, ＄(echo pwned) or ˋecho pwnedˋ, \"quoted\" \\＄HOME";
    // Said in Discord: safe in its row already, and so for a worker that reads it there.
    zack.say(&dm, evil).await;
    becomes(&world, safe, "processed").await;
    existing.stop();
    mode(&world, "backup").await;
    zack.say(&dm, &format!("{evil} again")).await;
    becomes(&world, &format!("{safe} again"), "queued").await;
    existing.start_worker();
    becomes(&world, &format!("{safe} again"), "processed").await;
    existing.stop_worker();

    // Said in a dashboard: safe on the way that goes through the bridge.
    world
        .queue(RICKY, &format!("{evil} from a dashboard"))
        .await;
    existing.restart().await;
    is_live(&world).await;
    becomes(&world, &format!("{evil} from a dashboard"), "processed").await;

    let texts: Vec<_> = existing.turns().into_iter().map(|turn| turn.text).collect();
    let expected = ["", " again", " from a dashboard"].map(|end| format!("{safe}{end}"));
    assert_eq!(texts, expected);

    // Made a task of: dashboards tell agents of their tasks by messages.
    let room = world.channel("team-room");
    let message = world.person("mallory").say(&room, evil).await;
    let client = Client::open(&world, "zack").await;
    client
        .context_menu(&room, &message, "Promote to task")
        .await;
    world
        .database_says(
            "SELECT title || ' | ' || description FROM tasks",
            format!("{safe} | {safe}"),
        )
        .await;
}

/// An edit may take the name out that has addressed the agent; the agent gets the message all the same.
#[tokio::test]
async fn an_edit_is_as_safe_as_what_it_changes() {
    let (world, mut existing) = stage("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    existing.stop();
    mode(&world, "backup").await;
    let said = zack.say(&room, "@Ricky harmless").await;
    becomes(&world, "@Ricky harmless", "queued").await;
    zack.edit(&room, &said, "without a name: $(echo pwned)")
        .await;
    let safe = "without a name: ＄(echo pwned)";
    becomes(&world, safe, "queued").await;
    existing.start_worker();
    becomes(&world, safe, "processed").await;
    let texts: Vec<_> = existing.turns().into_iter().map(|turn| turn.text).collect();
    assert_eq!(texts, [safe]);
    existing.stop_worker();
}

#[tokio::test]
async fn the_guard_can_be_switched_off_and_our_own_executor_needs_none() {
    let (world, existing) = stage("[control_api]\nshell_safe = false\n").await;
    let zack = world.person("zack");
    zack.say(&world.channel("dm-ricky"), "the shell: $((40 + 2))")
        .await;
    becomes(&world, "the shell: $((40 + 2))", "processed").await;
    assert_eq!(existing.turns()[0].text, "the shell: 42");

    let mut world = World::without_bridge().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let _executor = world.start_executor(port);
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.start_bridge();
    is_live(&world).await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    zack.say(&dm, "costs $5 and `ten`").await;
    sees_answer(&zack, &dm, "Trunks", "costs $5 and `ten`").await;
    becomes(&world, "costs $5 and `ten`", "processed").await;
}
