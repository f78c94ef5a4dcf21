//! The database crashes and forgets what it was told last: nothing is lost, nothing comes twice.

use crate::harness::outage::{crash, database_on};
use crate::harness::person::{Person, count};
use crate::harness::postgres::Server;
use crate::harness::world::World;

/// So often the server is crashed until it really has forgotten something.
const TRIES: usize = 10;

/// A server that writes to its disk only when it must, and a world on it.
async fn forgetful() -> (Server, World) {
    let server = Server::start("logical");
    let world = World::on(database_on(&server).await).await;
    for setting in [
        "ALTER SYSTEM SET wal_writer_delay = '10s'",
        "SELECT pg_reload_conf()::text",
    ] {
        sqlx::query(setting)
            .execute(world.pool())
            .await
            .expect("an administrator may do this");
    }
    (server, world)
}

async fn shown(world: &World, zack: &Person, text: &str) {
    world.insert("agent:ricky:main", text).await;
    let room = world.channel("team-room");
    zack.sees(&room, text, |seen| count(seen, text) == 1).await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE kind = 'message' AND state <> 'sent'",
            0_i64,
        )
        .await;
}

/// How many rows the ledger does not know.
async fn forgotten(world: &World) -> i64 {
    for _ in 0..TRIES {
        let asked = sqlx::query_scalar(
            "SELECT count(*) FROM project_chat_messages m WHERE NOT EXISTS \
               (SELECT FROM bridge.view v WHERE v.entity_id = m.id::text AND v.state = 'sent')",
        )
        .fetch_one(world.pool())
        .await;
        if let Ok(count) = asked {
            return count;
        }
    }
    panic!("the database does not answer");
}

/// The ledger may forget all of a view, or only that its message has been sent.
fn has_found(log: &str) -> bool {
    ["the ledger had forgotten", "messages had been sent"]
        .iter()
        .any(|words| log.contains(words))
}

async fn each_is_there_once(world: &World, zack: &Person, texts: &[String]) {
    let room = world.channel("team-room");
    world.insert("agent:main:main", "the last word").await;
    zack.sees(&room, "the last word", |seen| {
        count(seen, "the last word") == 1
    })
    .await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages m WHERE NOT EXISTS \
               (SELECT FROM bridge.view v WHERE v.entity_id = m.id::text AND v.state = 'sent')",
            0_i64,
        )
        .await;
    let seen = zack.read(&room).await;
    for text in texts {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
}

#[tokio::test]
async fn what_the_database_forgot_while_the_bridge_was_dead_is_found_in_discord() {
    let (server, mut world) = forgetful().await;
    world.start_bridge();
    let zack = world.person("zack");
    let mut texts = Vec::new();
    let mut lost = 0;
    for number in 0..TRIES {
        let text = format!("fragile {number}");
        shown(&world, &zack, &text).await;
        texts.push(text);
        world.kill_bridge();
        crash(&server).await;
        lost += forgotten(&world).await;
        world.start_bridge();
        if lost > 0 {
            break;
        }
    }
    assert!(lost > 0, "the server never forgot anything");
    each_is_there_once(&world, &zack, &texts).await;
}

#[tokio::test]
async fn what_the_database_forgot_under_a_living_bridge_is_found_in_discord() {
    let (server, mut world) = forgetful().await;
    world.start_bridge();
    let zack = world.person("zack");
    let mut texts = Vec::new();
    for number in 0..TRIES {
        let text = format!("fragile {number}");
        shown(&world, &zack, &text).await;
        texts.push(text);
        crash(&server).await;
        // Equal texts are told apart by their number, not by what they say.
        world.insert("agent:ricky:main", "again").await;
        if has_found(&world.log()) {
            break;
        }
    }
    each_is_there_once(&world, &zack, &texts).await;
    let log = world.log();
    assert!(has_found(&log), "{log}");
}
