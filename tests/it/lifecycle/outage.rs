//! The database goes away, for a moment or for longer, and comes back.

use std::time::Duration;

use serde_json::{Value, json};

use super::{get, insert_all};
use crate::harness::outage::{accept_connections, end_connections};
use crate::harness::person::count;
use crate::harness::wait::eventually;
use crate::harness::world::World;

async fn quick() -> World {
    let mut world = World::without_bridge().await;
    world.configure("[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n");
    world.start_bridge();
    world.fault(json!({ "rate_limits": "off" })).await;
    world
}

#[tokio::test]
async fn connections_that_end_in_the_middle_of_the_work_lose_nothing_and_double_nothing() {
    let world = quick().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let texts: Vec<String> = (0..90).map(|n| format!("row {n}")).collect();
    let mut said = Vec::new();
    for (round, some) in texts.chunks(15).enumerate() {
        insert_all(&world, some).await;
        // Somewhere between the first row and the last of this round.
        let first = some[0].clone();
        zack.sees(&room, "the first row of a round", |seen| {
            count(seen, &first) > 0
        })
        .await;
        end_connections(world.database()).await;
        said.push(format!("person {round}"));
        zack.say(&room, &said[round]).await;
    }
    let seen = zack
        .sees(&room, "every row", |seen| {
            texts.iter().all(|text| count(seen, text) > 0)
        })
        .await;
    for text in texts.iter().chain(&said) {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message LIKE 'person %'",
            6_i64,
        )
        .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
}

#[tokio::test]
async fn a_database_that_is_away_for_a_while_is_said_aloud_and_nothing_is_lost() {
    let world = quick().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let dm = world.channel("dm-ricky");
    let texts: Vec<String> = (0..40).map(|n| format!("row {n}")).collect();
    insert_all(&world, &texts).await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;

    for n in 0..4 {
        zack.say(&room, &format!("meanwhile {n}")).await;
    }
    zack.say(&dm, "can you hear me?").await;
    eventually("the page that says what is away", || async {
        let (status, page) = get(&world, "/readyz").await;
        let page: Value = serde_json::from_str(&page).expect("JSON");
        if status == 503 && page["parts"]["database"]["ok"] == false {
            Ok(())
        } else {
            Err(page)
        }
    })
    .await;

    accept_connections(world.database(), true).await;
    let seen = zack
        .sees(&room, "every row", |seen| {
            texts.iter().all(|text| count(seen, text) > 0)
        })
        .await;
    for text in &texts {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
    world
        .database_says(
            "SELECT array_agg(message ORDER BY created_at) FROM project_chat_messages \
             WHERE message LIKE 'meanwhile %'",
            (0..4).map(|n| format!("meanwhile {n}")).collect::<Vec<_>>(),
        )
        .await;
    zack.sees(&dm, "the answer", |seen| {
        seen.iter()
            .filter(|m| m.name == "Ricky" && m.text.contains("can you hear me?"))
            .count()
            == 1
    })
    .await;
    eventually("ready again", || async {
        match get(&world, "/readyz").await {
            (200, _) => Ok(()),
            other => Err(other),
        }
    })
    .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
    // Still itself: what comes now comes at once and not with the next sweep.
    world.insert("agent:main:main", "back to normal").await;
    zack.sees(&room, "a new row", |seen| {
        count(seen, "back to normal") == 1
    })
    .await;
}

#[tokio::test]
async fn a_stop_while_the_database_is_away_is_still_a_stop() {
    let mut world = quick().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    zack.say(&room, "nobody writes this down now").await;
    let began = std::time::Instant::now();
    let mut bridge = world.bridge.take().expect("the bridge runs");
    let status = bridge.stop();
    assert!(status.success(), "{status}:\n{}", bridge.log());
    assert!(
        began.elapsed() <= Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
    accept_connections(world.database(), true).await;
    world.start_bridge();
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages \
             WHERE message = 'nobody writes this down now'",
            1_i64,
        )
        .await;
}
