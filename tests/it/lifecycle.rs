//! Starting, stopping, and being looked after.

mod logs;
mod outage;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::person::count;
use crate::harness::process::failing;
use crate::harness::status;
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

/// How long a stop may take (the promise of the lifecycle).
const STOP: Duration = Duration::from_secs(10);

async fn get(world: &World, page: &str) -> (u16, String) {
    let health = world.run()["health"]["url"].as_str().expect("an address");
    let answer = reqwest::get(format!("{health}{page}"))
        .await
        .expect("an answer");
    (
        answer.status().as_u16(),
        answer.text().await.expect("a body"),
    )
}

/// Rows of an agent in the room, in the order of their texts.
async fn insert_all(world: &World, texts: &[String]) {
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message, created_at) \
         SELECT $1, 'agent:main:main', t, now() + n * interval '1 ms' \
         FROM unnest($2::text[]) WITH ORDINALITY AS l(t, n)",
    )
    .bind(PROJECT)
    .bind(texts)
    .execute(world.pool())
    .await
    .expect("the database takes messages");
}

#[tokio::test]
async fn sigterm_under_load_ends_in_time_and_everything_arrives_once_after_the_next_start() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let texts: Vec<String> = (0..60).map(|n| format!("row {n}")).collect();
    // Discord's limits let five through at once and thirty in a minute: the rest is waiting.
    insert_all(&world, &texts).await;
    for n in 0..3 {
        zack.say(&world.channel("dm-main"), &format!("wait 1, question {n}"))
            .await;
    }
    zack.sees(&room, "the first rows", |seen| seen.len() >= 6)
        .await;
    let began = Instant::now();
    world.stop_bridge();
    assert!(
        began.elapsed() <= STOP,
        "{:?}:\n{}",
        began.elapsed(),
        world.log()
    );

    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    world.start_bridge();
    let seen = zack
        .sees(&room, "every row", |seen| count(seen, "row 59") > 0)
        .await;
    let seen: Vec<String> = seen.into_iter().map(|m| m.text).collect();
    assert_eq!(seen, texts);
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
    world
        .database_says("SELECT count(*) FROM chat_delivery_queue", 3_i64)
        .await;
}

#[tokio::test]
async fn a_stop_removes_the_run_file_and_says_so() {
    let mut world = World::start().await;
    let run_file = world.data_dir().join("run.json");
    assert!(run_file.exists());
    world.stop_bridge();
    assert!(!run_file.exists());
    assert!(world.log().contains("stopped"), "{}", world.log());
}

#[tokio::test]
async fn a_second_bridge_on_a_data_folder_says_who_runs_there_and_leaves_it_alone() {
    let mut world = World::start().await;
    let data = world.data_dir();
    let (code, said) = failing(
        &["--data-dir", &data.to_string_lossy()],
        &world.environment(),
    );
    assert_eq!(code, Some(1), "{said}");
    let pid = world.run()["pid"].to_string();
    assert!(said.contains(&format!("pid {pid}")), "{said}");
    assert!(said.contains("--data-dir"), "the fix is not named: {said}");
    let run: Value =
        serde_json::from_slice(&std::fs::read(data.join("run.json")).unwrap()).unwrap();
    assert_eq!(run["pid"].to_string(), pid);
    world.insert("agent:main:main", "undisturbed").await;
    let room = world.channel("team-room");
    let zack = world.person("zack");
    zack.sees(&room, "a message", |seen| count(seen, "undisturbed") == 1)
        .await;
    world.stop_bridge();
}

#[tokio::test]
async fn the_health_pages_tell_how_the_parts_are_and_count_what_they_do() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.insert("agent:main:main", "counted").await;
    zack.sees(&room, "a message", |seen| count(seen, "counted") == 1)
        .await;

    assert_eq!(get(&world, "/healthz").await, (200, "ok\n".to_owned()));
    let (status, page) = get(&world, "/readyz").await;
    let page: Value = serde_json::from_str(&page).expect("JSON");
    assert_eq!(
        (status, &page["ready"]),
        (200, &Value::Bool(true)),
        "{page}"
    );
    for part in ["discord", "feed", "database", "executor"] {
        assert_eq!(page["parts"][part]["ok"], true, "{part}: {page}");
    }
    eventually("the numbers", || async {
        let (_, page) = get(&world, "/metrics").await;
        let wanted = [
            "bridge_gateway_connected 1",
            "bridge_feed_connected 1",
            "bridge_mode 2",
            "bridge_views_total",
            "bridge_lane_depth 0",
            "bridge_rest_requests_total{outcome=\"sent\"}",
        ];
        let missing: Vec<_> = wanted
            .iter()
            .filter(|line| !page.contains(**line))
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(format!("without {missing:?}: {page}"))
        }
    })
    .await;

    world
        .fault(serde_json::json!({ "drop_gateways": true }))
        .await;
    zack.say(&room, "heard again").await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'heard again'",
            1_i64,
        )
        .await;
    eventually("ready again", || async {
        match get(&world, "/readyz").await {
            (200, _) => Ok(()),
            other => Err(other),
        }
    })
    .await;
}

#[tokio::test]
async fn an_executor_that_goes_and_comes_back_is_one_post_each() {
    let mut world = World::without_bridge().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.configure("[mode]\npoll_seconds = 1\n");
    let executor = world.start_executor(port);
    world.start_bridge();
    let (zack, channel) = (world.person("zack"), world.channel("status"));
    let posts = |seen: &[crate::harness::person::Seen]| -> Vec<String> {
        let modes = ["Live", "Backup", "Offline"];
        let first = |text: &str| {
            let found = modes
                .iter()
                .find(|mode| text.contains(&format!("**{mode}**")));
            found.map_or_else(|| text.to_owned(), |mode| (*mode).to_owned())
        };
        status::posts(seen).into_iter().map(first).collect()
    };
    zack.sees(&channel, "Live", |seen| posts(seen) == ["Live"])
        .await;
    drop(executor);
    zack.sees(&channel, "Backup", |seen| posts(seen) == ["Live", "Backup"])
        .await;
    let dm = world.channel("dm-main");
    zack.say(&dm, "whenever you can").await;
    let _executor = world.start_executor(port);
    zack.sees(&channel, "Live again", |seen| {
        posts(seen) == ["Live", "Backup", "Live"]
    })
    .await;
    zack.sees(&dm, "the answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("whenever you can"))
    })
    .await;

    // A restart says nothing new.
    world.stop_bridge();
    world.start_bridge();
    world.insert("agent:main:main", "after the restart").await;
    let room = world.channel("team-room");
    zack.sees(&room, "a message", |seen| {
        count(seen, "after the restart") == 1
    })
    .await;
    assert_eq!(
        posts(&zack.read(&channel).await),
        ["Live", "Backup", "Live"]
    );
}
