//! The switches of the console: the executor, and the database.

use reqwest::StatusCode;
use serde_json::Value;

use crate::harness::demo::Demo;
use crate::harness::marks::marked;
use crate::harness::person::{Person, Seen, count};
use crate::harness::status::card;
use crate::harness::wait::eventually;
use crate::harness::world::World;

const DONE: StatusCode = StatusCode::NO_CONTENT;

fn quick() -> Demo {
    Demo::configured("[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n")
}

fn all(executor: bool, database: bool) -> Vec<(String, bool)> {
    vec![
        ("executor".to_owned(), executor),
        ("database".to_owned(), database),
    ]
}

async fn sees_mode(demo: &Demo, mode: &str) {
    let mark = format!("**{mode}** since");
    demo.person("zack")
        .sees(&demo.channel("status"), mode, |seen| {
            card(seen).contains(&mark)
        })
        .await;
}

fn answers(seen: &[Seen], text: &str) -> usize {
    let quoted = format!("“{text}”");
    seen.iter()
        .filter(|it| it.name == "Ricky" && it.text.contains(&quoted))
        .count()
}

/// Waits until so many agents are at work.
async fn turns_run(demo: &Demo, expected: i64) {
    let pool = demo.pool().await;
    eventually("turns that run", || async {
        let running = "SELECT count(*) FROM bridge.executor_turn WHERE state = 'running'";
        let count: i64 = sqlx::query_scalar(running)
            .fetch_one(&pool)
            .await
            .expect("a count");
        (count == expected).then_some(()).ok_or(count)
    })
    .await;
    pool.close().await;
}

/// Each was answered, and once.
async fn answered_once(zack: &Person, channel: &str, texts: &[&str]) {
    let seen = zack
        .sees(channel, "an answer to each", |seen| {
            texts.iter().all(|text| answers(seen, text) > 0)
        })
        .await;
    for text in texts {
        assert_eq!(
            (count(&seen, text), answers(&seen, text)),
            (1, 1),
            "{text}: {seen:#?}"
        );
    }
}

#[tokio::test]
async fn without_the_executor_messages_wait_and_with_it_they_are_answered_once() {
    let demo = quick();
    let zack = demo.person("zack");
    let dm = demo.channel("dm-ricky");
    sees_mode(&demo, "Live").await;
    assert_eq!(demo.switches().await, all(true, true));

    assert_eq!(demo.switch("executor", false).await.0, DONE);
    assert_eq!(demo.switches().await, all(false, true));
    sees_mode(&demo, "Backup").await;
    zack.say(&dm, "while it is off").await;
    let pool = demo.pool().await;
    eventually("a delivery that waits", || async {
        let status = "SELECT coalesce((SELECT status FROM chat_delivery_queue), 'none')";
        let status: String = sqlx::query_scalar(status).fetch_one(&pool).await.unwrap();
        (status == "queued").then_some(()).ok_or(status)
    })
    .await;
    assert_eq!(answers(&zack.read(&dm).await, "while it is off"), 0);

    assert_eq!(demo.switch("executor", true).await.0, DONE);
    assert_eq!(demo.switches().await, all(true, true));
    sees_mode(&demo, "Live").await;
    zack.say(&dm, "once it is on").await;
    answered_once(&zack, &dm, &["while it is off", "once it is on"]).await;

    // Whoever knows its address and its token may go on using them.
    let check = format!("{}/api/executor-check", demo.text("/control_api/url"));
    let request = reqwest::Client::new().get(check);
    let answer = request.bearer_auth(demo.text("/control_api/token"));
    let answer = answer.send().await.expect("the executor answers");
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_turn_that_runs_when_the_executor_goes_ends_or_is_offered_again() {
    let demo = quick();
    let zack = demo.person("zack");
    let (dm, room) = (demo.channel("dm-ricky"), demo.channel("team-room"));
    let short = zack.say(&dm, "wait 2 and answer").await;
    let long = zack.say(&room, "@Trunks wait 300 and answer").await;
    turns_run(&demo, 2).await;
    // Behind the one that runs, and never begun.
    zack.say(&room, "@Trunks and then this").await;

    assert_eq!(demo.switch("executor", false).await.0, DONE);
    answered_once(&zack, &dm, &["wait 2 and answer"]).await;
    marked(&zack, &dm, &short, &["✅"]).await;
    marked(&zack, &room, &long, &["❌"]).await;
    zack.sees_card(&room, "may have", "the offer to try again", |card| {
        card.live().contains(&"Retry")
    })
    .await;

    assert_eq!(demo.switch("executor", true).await.0, DONE);
    let late = |seen: &[Seen]| {
        let quoted = "and then this”";
        let answers = seen
            .iter()
            .filter(|it| it.name == "Trunks" && it.text.contains(quoted));
        answers.count()
    };
    let seen = zack
        .sees(&room, "what waited behind it", |seen| late(seen) > 0)
        .await;
    assert_eq!(late(&seen), 1, "{seen:#?}");
}

#[tokio::test]
async fn presses_in_quick_succession_end_where_the_last_one_says() {
    let mut demo = quick();
    let zack = demo.person("zack");
    let dm = demo.channel("dm-ricky");
    for name in ["executor", "database"] {
        for last in [false, true] {
            let presses = [
                demo.switch(name, false),
                demo.switch(name, false),
                demo.switch(name, true),
                demo.switch(name, false),
                demo.switch(name, true),
                demo.switch(name, true),
            ];
            for (status, body) in futures_util::future::join_all(presses).await {
                assert_eq!(status, DONE, "{name}: {body}");
            }
            assert_eq!(demo.switch(name, last).await.0, DONE);
            let is_on = |known: &str| known != name || last;
            let expected = all(is_on("executor"), is_on("database"));
            assert_eq!(demo.switches().await, expected);
        }
    }
    sees_mode(&demo, "Live").await;
    zack.say(&dm, "after all that").await;
    answered_once(&zack, &dm, &["after all that"]).await;
    assert!(demo.process.stop().success(), "{}", demo.process.log());
}

#[tokio::test]
async fn without_the_database_messages_are_kept_and_with_it_they_are_written_once() {
    let demo = quick();
    let zack = demo.person("zack");
    let dm = demo.channel("dm-ricky");
    sees_mode(&demo, "Live").await;
    zack.say(&dm, "before").await;
    answered_once(&zack, &dm, &["before"]).await;
    let room = demo.channel("team-room");
    zack.say(&room, "@Ricky wait 4 while it goes").await;
    turns_run(&demo, 1).await;

    assert_eq!(demo.switch("database", false).await.0, DONE);
    assert_eq!(demo.switches().await, all(true, false));
    sees_mode(&demo, "Offline").await;
    let said = zack.say(&dm, "while it is off").await;
    marked(&zack, &dm, &said, &["🕓"]).await;

    assert_eq!(demo.switch("database", true).await.0, DONE);
    sees_mode(&demo, "Live").await;
    let after = zack.say(&dm, "once it is on").await;
    answered_once(&zack, &dm, &["before", "while it is off", "once it is on"]).await;
    let late = |seen: &[Seen]| {
        let answers = seen
            .iter()
            .filter(|it| it.name == "Ricky" && it.text.contains("while it goes”"));
        answers.count()
    };
    let seen = zack
        .sees(&room, "what was said meanwhile", |seen| late(seen) > 0)
        .await;
    assert_eq!(late(&seen), 1, "{seen:#?}");
    for message in [said, after] {
        marked(&zack, &dm, &message, &["✅"]).await;
    }
    let rows: i64 =
        sqlx::query_scalar("SELECT count(*) FROM project_chat_messages WHERE author = 'ui'")
            .fetch_one(&demo.pool().await)
            .await
            .expect("the same address, the same password");
    assert_eq!(rows, 4);
}

#[tokio::test]
async fn a_bridge_with_everything_off_stops_in_order_and_comes_back_even_from_a_crash() {
    let mut demo = quick();
    for crash in [false, true] {
        sees_mode(&demo, "Live").await;
        for name in ["database", "executor"] {
            assert_eq!(demo.switch(name, false).await.0, DONE);
        }
        sees_mode(&demo, "Offline").await;
        let dm = demo.channel("dm-ricky");
        let zack = demo.person("zack");
        let text = format!("said before the end, crash: {crash}");
        let said = zack.say(&dm, &text).await;
        marked(&zack, &dm, &said, &["🕓"]).await;
        if crash {
            demo.process.kill_hard();
        } else {
            assert!(demo.process.stop().success(), "{}", demo.process.log());
        }
        demo = demo.again();
        assert_eq!(demo.switches().await, all(true, true));
        answered_once(&demo.person("zack"), &dm, &[&text]).await;
    }
}

#[tokio::test]
async fn a_database_that_ends_by_itself_ends_the_bridge_also_after_it_was_switched() {
    let mut demo = quick();
    assert_eq!(demo.switch("database", false).await.0, DONE);
    assert_eq!(demo.switch("database", true).await.0, DONE);
    let pid = demo.data_dir().join("postgres").join("postmaster.pid");
    let pid = std::fs::read_to_string(pid).expect("the server runs");
    let pid: i32 = pid.lines().next().unwrap().parse().expect("a number");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(pid),
        nix::sys::signal::Signal::SIGKILL,
    )
    .expect("it is ours");
    let status = demo.process.ends();
    assert_eq!(status.code(), Some(1), "{}", demo.process.log());
    let log = demo.process.log();
    assert!(
        log.contains("the embedded Postgres ended by itself"),
        "{log}"
    );
}

#[tokio::test]
async fn only_what_is_ours_has_a_switch() {
    let database = crate::harness::postgres::create_database().await;
    let one = |name: &str| vec![(name.to_owned(), true)];
    for (settings, expected) in [
        (
            format!("[database]\nurl = \"{}\"\n", database.url()),
            one("executor"),
        ),
        (
            // Nobody has to be there.
            "[control_api]\nurl = \"http://127.0.0.1:9\"\n".to_owned(),
            one("database"),
        ),
    ] {
        let demo = Demo::configured(&settings);
        assert_eq!(demo.switches().await, expected, "{settings}");
        let absent = if expected[0].0 == "executor" {
            "database"
        } else {
            "executor"
        };
        let (status, body) = demo.switch(absent, false).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{body}");
        let (status, body) = demo.switch(&expected[0].0, false).await;
        assert_eq!((status, &body), (DONE, &Value::Null));
    }
    let world = World::without_bridge().await;
    let page = world.discord()["discord"]["page"].as_str().expect("a page");
    let trouble = format!("{}/_sandbox/trouble", page.trim_end_matches('/'));
    let trouble: Value = reqwest::get(trouble).await.unwrap().json().await.unwrap();
    assert_eq!(trouble["switches"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn a_turn_that_runs_without_a_database_does_not_hold_up_the_end() {
    let mut demo = quick();
    let zack = demo.person("zack");
    let room = demo.channel("team-room");
    sees_mode(&demo, "Live").await;
    let said = zack.say(&room, "@Trunks wait 300 and answer").await;
    turns_run(&demo, 1).await;
    assert_eq!(demo.switch("database", false).await.0, DONE);
    sees_mode(&demo, "Offline").await;
    assert!(demo.process.stop().success(), "{}", demo.process.log());
    let demo = demo.again();
    marked(&demo.person("zack"), &room, &said, &["❌"]).await;
}
