//! The bridge ends while the database is away: what it has accepted is still accepted.

use std::time::{Duration, Instant};

use reqwest::Method;

use super::{HELD, emptied, marked, offline, online, spool, spooled, texts, world, written};
use crate::harness::outage::end_connections;
use crate::harness::person::Seen;
use crate::harness::process::failing;

#[tokio::test]
async fn killed_while_the_database_is_away_and_the_message_deleted_since() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let dm = world.channel("dm-ricky");
    offline(&world).await;
    let said = texts("accepted", 4);
    let mut ids = Vec::new();
    for text in &said {
        ids.push(zack.say(&room, text).await);
    }
    let question = zack.say(&dm, "still there?").await;
    for id in &ids {
        marked(&zack, &room, id, &[HELD]).await;
    }
    marked(&zack, &dm, &question, &[HELD]).await;
    world.kill_bridge();
    // Discord does not know of it any more; the bridge has promised it.
    let path = format!("/channels/{room}/messages/{}", ids[2]);
    let (status, answer) = zack.call(Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{answer}");

    // A start needs the database, says so, and leaves the spool alone.
    let data = world.data_dir();
    let (code, told) = failing(
        &["--data-dir", &data.to_string_lossy()],
        &world.environment(),
    );
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("database"), "{told}");
    assert!(
        spooled(&world).contains("accepted 2"),
        "{}",
        spooled(&world)
    );

    online(&world).await;
    world.start_bridge();
    written(&world, "accepted %", &said).await;
    zack.sees(&dm, "one answer", |seen| answers(seen) == 1)
        .await;
    for id in [&ids[0], &ids[1], &ids[3]] {
        marked(&zack, &room, id, &[]).await;
    }
    emptied(&world).await;
    written(&world, "accepted %", &said).await;
    assert_eq!(answers(&zack.read(&dm).await), 1);
}

fn answers(seen: &[Seen]) -> usize {
    seen.iter().filter(|m| m.name == "Ricky").count()
}

#[tokio::test]
async fn killed_after_the_rows_and_before_the_marks_are_gone() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    offline(&world).await;
    let id = zack.say(&room, "marked").await;
    marked(&zack, &room, &id, &[HELD]).await;
    world
        .fault(serde_json::json!({
            "route": "DELETE /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
            "count": 1, "delay_ms": 60_000
        }))
        .await;
    online(&world).await;
    written(&world, "marked", &["marked".to_owned()]).await;
    crate::harness::wait::eventually("the note of it", || async {
        let kept = spooled(&world);
        if kept.contains("written") {
            Ok(())
        } else {
            Err(kept)
        }
    })
    .await;
    world.kill_bridge();
    world.no_faults().await;
    world.start_bridge();
    marked(&zack, &room, &id, &[]).await;
    emptied(&world).await;
    written(&world, "marked", &["marked".to_owned()]).await;
}

#[tokio::test]
async fn sigterm_while_the_database_is_away_loses_nothing() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    offline(&world).await;
    let said = texts("before the end", 3);
    let mut ids = Vec::new();
    for text in &said {
        ids.push(zack.say(&room, text).await);
    }
    for id in &ids {
        marked(&zack, &room, id, &[HELD]).await;
    }
    let began = Instant::now();
    world.stop_bridge();
    let took = began.elapsed();
    assert!(took <= Duration::from_secs(10), "{took:?}");
    online(&world).await;
    world.start_bridge();
    written(&world, "before the end %", &said).await;
    for id in &ids {
        marked(&zack, &room, id, &[]).await;
    }
    emptied(&world).await;
}

#[tokio::test]
async fn connections_that_drop_again_and_again_while_it_is_written_double_nothing() {
    let world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let dm = world.channel("dm-main");
    offline(&world).await;
    let said = texts("again", 80);
    for (n, text) in said.iter().enumerate() {
        zack.say(&room, text).await;
        if n % 10 == 0 {
            zack.say(&dm, &format!("question {n}")).await;
        }
    }
    online(&world).await;
    for _ in 0..25 {
        end_connections(world.database()).await;
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    written(&world, "again %", &said).await;
    let questions: Vec<_> = (0..80)
        .step_by(10)
        .map(|n| format!("question {n}"))
        .collect();
    written(&world, "question %", &questions).await;
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue q \
             JOIN project_chat_messages m ON m.id = q.message_id \
             WHERE m.message LIKE 'question %'",
            8_i64,
        )
        .await;
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue WHERE status IN ('queued', 'delivered')",
            0_i64,
        )
        .await;
    emptied(&world).await;
    written(&world, "again %", &said).await;
}

#[tokio::test]
async fn what_was_meant_for_another_project_waits_for_it() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    offline(&world).await;
    let id = zack.say(&room, "for whom?").await;
    marked(&zack, &room, &id, &[HELD]).await;
    world.kill_bridge();
    // Discord does not have it any more, so that only the spool can tell.
    let path = format!("/channels/{room}/messages/{id}");
    let (status, answer) = zack.call(Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{answer}");
    online(&world).await;
    let of = |project: &str, text: &str| {
        let at = text.find("\"project\":\"").expect("a project") + 11;
        let end = at + text[at..].find('"').expect("an end");
        format!("{}{project}{}", &text[..at], &text[end..])
    };
    let kept = spooled(&world);
    std::fs::write(spool(&world), of("back-office", &kept)).expect("it is writable");
    world.start_bridge();
    zack.say(&room, "for us").await;
    written(&world, "for %", &["for us".to_owned()]).await;
    world.stop_bridge();
    let log = world.log();
    assert!(log.contains("meant for the project back-office"), "{log}");
    assert!(spooled(&world).contains("for whom?"), "{}", spooled(&world));
    std::fs::write(spool(&world), kept).expect("it is writable");
    world.start_bridge();
    written(&world, "for whom?", &["for whom?".to_owned()]).await;
    emptied(&world).await;
}

/// What is written while a channel is still being read back says nothing about what is missing there.
#[tokio::test]
async fn a_newer_row_does_not_hide_what_is_still_to_be_read_back() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.kill_bridge();
    zack.say(&room, "missed").await;
    world
        .fault(serde_json::json!({
            "route": "GET /channels/{channel_id}/messages", "count": 1_000, "status": 400
        }))
        .await;
    world.start_bridge();
    crate::harness::wait::eventually("a channel that cannot be read back", || async {
        let log = world.log();
        if log.contains(&format!("cannot read channel {room} back")) {
            Ok(())
        } else {
            Err(log)
        }
    })
    .await;
    // As if somebody had spoken ten minutes later, and that had been written.
    sqlx::query(
        "INSERT INTO bridge.view \
           (project_id, kind, entity_id, surface, part, channel_id, message_id, author_kind, state) \
         SELECT 'front-office', 'message', gen_random_uuid()::text, 'team-room', 0, $1::bigint, \
           ((extract(epoch FROM now() + interval '10 min') * 1000)::bigint - 1420070400000) << 22, \
           'person', 'sent'",
    )
    .bind(room.parse::<i64>().expect("an id"))
    .execute(world.pool())
    .await
    .expect("the ledger takes it");
    world.no_faults().await;
    written(&world, "missed", &["missed".to_owned()]).await;
}
