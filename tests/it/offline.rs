//! The database is gone: what people say meanwhile is kept within bounds, they see that, and it is
//! written once, in order, when the database is back.

mod bound;
mod crash;
mod disk;
mod flood;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::marks::{marked, marks};
use crate::harness::outage::{accept_connections, database_on, end_connections, stop};
use crate::harness::postgres::Server;
use crate::harness::wait::eventually;
use crate::harness::world::World;

const HELD: &str = "🕓";
const REFUSED: &str = "⛔";

/// Said to those whose messages are not kept.
const NOT_KEPT: &str = "The database is away and no more messages can be kept.";

/// A world that notices quickly, with more settings.
async fn world(settings: &str) -> World {
    with(World::without_bridge().await, settings).await
}

async fn with(mut world: World, settings: &str) -> World {
    world.configure(&format!(
        "[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n{settings}"
    ));
    world.start_bridge();
    world.fault(json!({ "rate_limits": "off" })).await;
    world
}

/// Takes the database away, and waits until the bridge has said so.
async fn offline(world: &World) {
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let status = world.channel("status");
    let zack = world.person("zack");
    zack.sees(&status, "Offline", |seen| {
        seen.last().is_some_and(|m| m.text.contains("**Offline**"))
    })
    .await;
}

/// Brings the database back; the bridge notices when it does.
async fn online(world: &World) {
    accept_connections(world.database(), true).await;
}

/// Waits until the bridge has noticed.
async fn noticed(world: &World) {
    eventually("a database that is there", || async {
        let page = health(world, "/readyz").await;
        let ready: Value = serde_json::from_str(&page).expect("JSON");
        if ready["parts"]["database"]["ok"] == true {
            Ok(())
        } else {
            Err(page)
        }
    })
    .await;
}

fn spool(world: &World) -> PathBuf {
    world.data_dir().join("spool.jsonl")
}

/// What the spool says; nothing where it is empty.
fn spooled(world: &World) -> String {
    std::fs::read_to_string(spool(world)).unwrap_or_default()
}

/// What people have said, in the order in which it was written down.
async fn rows(world: &World, like: &str) -> Vec<String> {
    let rows = sqlx::query_scalar(
        "SELECT message FROM project_chat_messages \
         WHERE message LIKE $1 AND author NOT LIKE 'agent:%' ORDER BY xmin::text::bigint",
    )
    .bind(like)
    .fetch_all(world.pool())
    .await;
    // A connection may have been ended just now.
    rows.unwrap_or_default()
}

/// Waits until exactly these were said.
async fn written(world: &World, like: &str, expected: &[String]) {
    eventually("every row, once and in order", || async {
        let rows = rows(world, like).await;
        if rows == expected { Ok(()) } else { Err(rows) }
    })
    .await;
}

/// Waits until nothing is left in the spool.
async fn emptied(world: &World) {
    eventually("an empty spool", || async {
        if spool(world).exists() {
            Err(spooled(world))
        } else {
            Ok(())
        }
    })
    .await;
}

async fn health(world: &World, page: &str) -> String {
    let health = world.run()["health"]["url"].as_str().expect("an address");
    let answer = reqwest::get(format!("{health}{page}")).await;
    let text = answer.expect("an answer").text().await;
    text.expect("a body")
}

fn texts(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{name} {n}")).collect()
}

#[tokio::test]
async fn what_people_say_meanwhile_is_marked_kept_and_written_once_and_in_order() {
    let world = world("").await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let (room, dm) = (world.channel("team-room"), world.channel("dm-ricky"));
    offline(&world).await;
    let said = texts("meanwhile", 6);
    let mut ids = Vec::new();
    for (n, text) in said.iter().enumerate() {
        let who = if n % 2 == 0 { &zack } else { &mallory };
        ids.push(who.say(&room, text).await);
    }
    let question = zack.say(&dm, "can you hear me?").await;
    for id in &ids {
        marked(&zack, &room, id, &[HELD]).await;
    }
    marked(&zack, &dm, &question, &[HELD]).await;
    let kept = spooled(&world);
    for text in said.iter().map(String::as_str).chain(["can you hear me?"]) {
        assert_eq!(kept.matches(text).count(), 1, "{text}: {kept}");
    }
    let ready: Value = serde_json::from_str(&health(&world, "/readyz").await).expect("JSON");
    let detail = &ready["parts"]["spool"]["detail"];
    assert_eq!(detail, "7 messages are held for the database", "{ready}");
    eventually("the number", || async {
        let page = health(&world, "/metrics").await;
        if page.contains("bridge_spool_messages 7") {
            Ok(())
        } else {
            Err(page)
        }
    })
    .await;

    online(&world).await;
    written(&world, "meanwhile %", &said).await;
    zack.sees(&dm, "the answer", |seen| {
        let answers = |m: &&crate::harness::person::Seen| {
            m.name == "Ricky" && m.text.contains("can you hear me?")
        };
        seen.iter().filter(answers).count() == 1
    })
    .await;
    for id in &ids {
        marked(&zack, &room, id, &[]).await;
    }
    marked(&zack, &dm, &question, &["✅"]).await;
    emptied(&world).await;
    let mallory = format!("discord:{}", mallory.id);
    world
        .database_says(
            "SELECT author FROM project_chat_messages WHERE message = 'meanwhile 1'",
            mallory,
        )
        .await;
    // Nothing is held any more, and what comes now comes at once.
    let now = zack.say(&room, "back to normal").await;
    written(&world, "back to normal", &["back to normal".to_owned()]).await;
    marked(&zack, &room, &now, &[]).await;
}

#[tokio::test]
async fn a_table_that_stands_still_is_no_reason_to_leave_people_without_a_sign() {
    let world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let mut frozen = world.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE project_chat_messages IN SHARE MODE")
        .execute(&mut *frozen)
        .await
        .expect("a lock");
    let first = zack.say(&room, "stuck 0").await;
    let second = zack.say(&room, "stuck 1").await;
    marked(&zack, &room, &first, &[HELD]).await;
    marked(&zack, &room, &second, &[HELD]).await;
    drop(frozen);
    written(&world, "stuck %", &texts("stuck", 2)).await;
    marked(&zack, &room, &first, &[]).await;
    marked(&zack, &room, &second, &[]).await;
}

/// Not a refusal in words, but a port on which nobody listens: each try waits for seconds.
#[tokio::test]
async fn a_server_that_is_stopped_and_started() {
    let server = Server::start("logical");
    let world = World::on(database_on(&server).await).await;
    let world = with(world, "").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let client = Client::open(&world, "zack").await;
    client
        .acknowledged(&client.slash(&room, "status").await)
        .await;
    let keeper = stop(&server).await;
    let first = zack.say(&room, "stopped 0").await;
    marked(&zack, &room, &first, &[HELD]).await;
    let act = client.slash(&room, "status").await;
    let told = client.told(&act).await;
    assert!(told.content.contains("cannot be asked"), "{told:?}");
    let second = zack.say(&room, "stopped 1").await;
    marked(&zack, &room, &second, &[HELD]).await;
    keeper.start();
    written(&world, "stopped %", &texts("stopped", 2)).await;
    marked(&zack, &room, &first, &[]).await;
    marked(&zack, &room, &second, &[]).await;
    emptied(&world).await;
}

#[tokio::test]
async fn with_a_full_spool_everybody_sees_what_became_of_their_message() {
    let world = world("[spool]\nmessages = 1\n").await;
    let zack = world.person("zack");
    let [room, main, ricky] = ["team-room", "dm-main", "dm-ricky"].map(|it| world.channel(it));
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    // The first of each channel may be on its way already when the database goes.
    let mut said = Vec::new();
    for channel in [&main, &room, &ricky] {
        said.push((channel, zack.say(channel, "the first").await));
    }
    for (channel, message) in said {
        eventually("a mark", || async {
            let marks = marks(&zack, channel, &message).await;
            let told = marks.iter().any(|it| it == HELD || it == REFUSED);
            if told { Ok(()) } else { Err(marks) }
        })
        .await;
    }
}
