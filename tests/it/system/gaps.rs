//! A table whose changes nobody announces cannot stay a secret.

use std::time::Duration;

use crate::harness::outage::end_connections;
use crate::harness::person::{Seen, count};
use crate::harness::status::{card, posts};
use crate::harness::world::World;

use crate::doctor::examine_world;

use super::{card_says, metric, post_says, posted, quick};

const ALARM: &str = "⚠️ **Realtime gap** in `project_chat_messages`";

#[tokio::test]
async fn a_table_that_is_not_published_raises_the_alarm_and_is_mirrored_all_the_same() {
    let mut world = quick().await;
    world.start_bridge();
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    card_says(&world, &zack, "Realtime: no gaps").await;
    run(
        &world,
        "ALTER PUBLICATION supabase_realtime DROP TABLE project_chat_messages",
    )
    .await;
    let seen = post_says(&world, &zack, ALARM).await;
    let alarm = posts(&seen)
        .into_iter()
        .find(|post| post.starts_with(ALARM))
        .unwrap_or_default();
    assert!(
        alarm.contains("ADD TABLE public.project_chat_messages"),
        "{alarm}"
    );

    world.insert("agent:ricky:main", "late, not lost").await;
    zack.sees(&room, "the row", |seen| count(seen, "late, not lost") == 1)
        .await;
    post_says(&world, &zack, "1 row was found only by comparing").await;
    world.insert("agent:ricky:main", "late again").await;
    post_says(&world, &zack, "2 rows were found only by comparing").await;
    let seen = card_says(
        &world,
        &zack,
        "`project_chat_messages` (not published, 2 found late)",
    )
    .await;
    assert_eq!(
        posts(&seen)
            .iter()
            .filter(|post| post.starts_with(ALARM))
            .count(),
        1,
        "{seen:#?}"
    );
    let label = "{table=\"project_chat_messages\"}";
    assert_eq!(
        metric(&world, &format!("bridge_realtime_gap_rows_total{label}")).await,
        Some(2.0)
    );
    assert_eq!(
        metric(&world, &format!("bridge_realtime_unpublished{label}")).await,
        Some(1.0)
    );

    let doctor = examine_world(&world).await;
    assert_eq!(doctor.code, Some(1), "{}", doctor.text);
    let found = doctor.says("publication");
    assert!(found.contains("public.project_chat_messages"), "{found}");
    assert_eq!(
        doctor.says("realtime gaps"),
        "warning: project_chat_messages (not published, 2 found late)"
    );

    // Once an hour, also for a bridge that has just been started.
    world.stop_bridge();
    world.start_bridge();
    // It knows what it should have been told from its second comparison on.
    let status = world.channel("status");
    let grown = |seen: &[Seen]| {
        posts(seen)
            .iter()
            .any(|it| it.starts_with(ALARM) && !it.contains(" 2 rows"))
    };
    for n in 0..20 {
        world
            .insert("agent:ricky:main", &format!("and again {n}"))
            .await;
        if grown(&zack.read(&status).await) {
            break;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    zack.sees(&status, "more rows than before", grown).await;
    let alarms = world.requests().await;
    let alarms = alarms
        .iter()
        .filter(|it| it["method"] == "POST" && posted(it, ALARM))
        .count();
    assert_eq!(alarms, 1);

    run(
        &world,
        "ALTER PUBLICATION supabase_realtime ADD TABLE project_chat_messages",
    )
    .await;
    let seen = card_says(&world, &zack, "Realtime: no gaps").await;
    assert!(card(&seen).contains("**Live**"), "{seen:#?}");
}

#[tokio::test]
async fn a_row_that_is_published_and_not_told_is_counted_by_its_table() {
    let mut world = quick().await;
    world.start_bridge();
    let zack = world.person("zack");
    card_says(&world, &zack, "Realtime: no gaps").await;
    // The table is published; this row of it is not.
    run(
        &world,
        "ALTER PUBLICATION supabase_realtime DROP TABLE project_chat_messages; \
         ALTER PUBLICATION supabase_realtime ADD TABLE project_chat_messages WHERE (id IS NULL)",
    )
    .await;
    world.insert("agent:ricky:main", "filtered away").await;
    let seen = post_says(&world, &zack, "it is published, and yet 1 row was found").await;
    assert!(card(&seen).contains("Realtime"), "{seen:#?}");
    card_says(&world, &zack, "`project_chat_messages` (1 found late)").await;
}

#[tokio::test]
async fn what_is_announced_or_written_while_the_feed_is_away_is_no_gap() {
    let mut world = quick().await;
    world.start_bridge();
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    card_says(&world, &zack, "Realtime: no gaps").await;
    for round in 0..4 {
        for n in 0..10 {
            world
                .insert("agent:main:main", &format!("row {round} {n}"))
                .await;
        }
        end_connections(world.database()).await;
        world
            .insert("agent:main:main", &format!("meanwhile {round}"))
            .await;
        zack.sees(&room, "the round", |seen| {
            count(seen, &format!("meanwhile {round}")) == 1
        })
        .await;
        // What the ledger loses is found by the sweep, and was not written.
        run(
            &world,
            "DELETE FROM bridge.view WHERE message_id = \
               (SELECT max(message_id) FROM bridge.view WHERE kind = 'message')",
        )
        .await;
    }
    // Longer than the feed may take to name a row that a sweep has found.
    tokio::time::sleep(Duration::from_secs(8)).await;
    let seen = zack.read(&world.channel("status")).await;
    assert!(
        posts(&seen)
            .iter()
            .all(|post| !post.contains("Realtime gap")),
        "{seen:#?}\n{}",
        world.log()
    );
}

async fn run(world: &World, statement: &'static str) {
    // A connection may have been ended just now.
    for _ in 0..10 {
        if sqlx::raw_sql(statement).execute(world.pool()).await.is_ok() {
            return;
        }
    }
    panic!("the database does not take {statement}");
}
