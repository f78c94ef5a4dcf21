//! 5,000 tasks and 100,000 events.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::big::{OPEN, big_project};
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// A start, with a debug build on a machine that does much else. A release build alone needs a second or two.
const SECONDS: Duration = Duration::from_secs(20);

/// For 300 threads with what happened in them, when Discord does not slow us down.
const FILLED: Duration = Duration::from_mins(3);

#[tokio::test]
async fn a_large_project_starts_in_seconds_and_shows_what_is_active() {
    let mut world = World::without_bridge().await;
    big_project(&world).await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let began = Instant::now();
    world.start_bridge();
    let started = began.elapsed();
    assert!(started < SECONDS, "the start took {started:?}");

    // People are not held up by what is still to be shown.
    let room = world.channel("team-room");
    world.person("zack").say(&room, "Anybody there?").await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'Anybody there?'",
            1_i64,
        )
        .await;

    let filled = "SELECT count(*) FROM bridge.task_thread WHERE filled_at IS NOT NULL";
    let mut before = -1;
    while began.elapsed() < FILLED && before < OPEN {
        // As long as it gets on, it is waited for.
        before = eventually("more threads that are filled", || async {
            let now: i64 = sqlx::query_scalar(filled)
                .fetch_one(world.pool())
                .await
                .unwrap();
            (now > before).then_some(now).ok_or(now)
        })
        .await;
    }
    let shown = began.elapsed();
    println!("ready after {started:?}, all shown after {shown:?}");
    assert_eq!(before, OPEN, "after {shown:?}");

    // Each open task has one thread that is not archived, and no other has one.
    let operator = world.person("zack");
    let threads = operator
        .threads(world.guild(), &world.channel("tasks"))
        .await;
    let names: BTreeSet<String> = threads.iter().map(|thread| thread.name.clone()).collect();
    let expected: BTreeSet<String> = (1..=OPEN).map(|n| format!("Task {n}")).collect();
    assert_eq!(names, expected);
    assert_eq!(i64::try_from(threads.len()), Ok(OPEN));
    assert!(threads.iter().all(|thread| !thread.archived));
    let sixth = threads
        .iter()
        .find(|thread| thread.name == "Task 6")
        .unwrap();
    let seen = operator.read(&sixth.id).await;
    let texts: Vec<&str> = seen[1..].iter().map(|it| it.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "Old comment 1 of task 6",
            "Event 6 of task 6",
            "Event 306 of task 6"
        ]
    );
}
