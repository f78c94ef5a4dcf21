//! Who goes first, and what holds up whom.

use std::time::{Duration, Instant};

use clawdos_bridge::discord::lanes::Class;
use clawdos_bridge::discord::rest::{Request, Route};
use serde_json::json;

use super::discord::{Discord, Limits, Scripted};

fn post(channel: u64, text: &str) -> Request {
    Request::new(Route::create_message(channel)).json(&json!({"content": text}))
}

#[tokio::test]
async fn what_a_person_waits_for_goes_before_edits_and_edits_before_backlog() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    // The lane is busy while the rest queues up.
    let slow = Scripted::status(200, json!({"id": "1"})).delayed(Duration::from_millis(300));
    discord.script("POST /channels/1/messages", slow);
    let first = lanes.submit(Class::Backlog, post(1, "first"));
    discord.arrived(1).await;
    let backlog = lanes.submit(Class::Backlog, post(1, "backlog"));
    let more_backlog = lanes.submit(Class::Backlog, post(1, "more backlog"));
    let edit = lanes.submit(Class::Edit, post(1, "edit"));
    let interactive = lanes.submit(Class::Interactive, post(1, "interactive"));
    let _ = tokio::join!(first, backlog, more_backlog, edit, interactive);
    let order: Vec<String> = discord
        .seen()
        .iter()
        .filter_map(|seen| seen.body["content"].as_str().map(ToOwned::to_owned))
        .collect();
    let expected = ["first", "interactive", "edit", "backlog", "more backlog"];
    assert_eq!(order, expected);
}

#[tokio::test]
async fn an_edit_does_not_wait_for_the_bucket_of_posts() {
    let limits = Limits {
        bucket: Some((1, Duration::from_secs(2))),
        global: None,
    };
    let (discord, _, lanes) = Discord::start(limits).await;
    let _ = lanes.submit(Class::Interactive, post(1, "first")).await;
    let began = Instant::now();
    let waiting = lanes.submit(Class::Interactive, post(1, "second"));
    let edit = Request::new(Route::edit_message(1, 5)).json(&json!({"content": "x"}));
    let edited = lanes.submit(Class::Interactive, edit).await;
    assert!(edited.is_sent());
    assert!(began.elapsed() < Duration::from_secs(1));
    assert!(waiting.await.is_sent());
    assert!(began.elapsed() > Duration::from_millis(1_900));
    assert_eq!(discord.count(429), 0);
    let asked = discord.asked();
    assert_eq!(asked[1], "PATCH /channels/1/messages/5");
}

#[tokio::test]
async fn a_shared_429_holds_its_lane_and_no_other() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    discord.script("POST /channels/1/", Scripted::limited("shared", 0.8));
    let began = Instant::now();
    let held = lanes.submit(Class::Backlog, post(1, "held"));
    discord.arrived(1).await;
    let behind = lanes.submit(Class::Interactive, post(1, "behind it"));
    let other = lanes.submit(Class::Backlog, post(2, "other")).await;
    assert!(other.is_sent());
    assert!(began.elapsed() < Duration::from_millis(700));
    assert!(held.await.is_sent());
    assert!(behind.await.is_sent());
    assert!(began.elapsed() >= Duration::from_millis(800));
    assert_eq!(discord.count(429), 1);
}

#[tokio::test]
async fn a_global_429_stops_every_lane_but_answers_to_interactions() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    discord.script("POST /channels/1/", Scripted::limited("global", 1.0));
    let hit = lanes.submit(Class::Backlog, post(1, "hit"));
    // The news is in as soon as another lane stands still.
    let mut channel = 2;
    let held = loop {
        let mut probe = lanes.submit(Class::Interactive, post(channel, "probe"));
        match tokio::time::timeout(Duration::from_millis(100), &mut probe).await {
            Ok(outcome) => assert!(outcome.is_sent()),
            Err(_) => break probe,
        }
        channel += 1;
    };
    let callback =
        Request::new(Route::interaction_callback(7, "interaction-token")).json(&json!({"type": 5}));
    let callback = lanes.submit(Class::Interactive, callback).await;
    let called_back = Instant::now();
    assert!(callback.is_sent() && hit.await.is_sent() && held.await.is_sent());
    let seen = discord.seen();
    let refused = seen.iter().find(|seen| seen.status == 429);
    let pause_ends = refused.expect("it was scripted").at + Duration::from_secs(1);
    assert!(called_back < pause_ends);
    let held_path = format!("POST /channels/{channel}/messages");
    let resumed = seen.iter().find(|seen| seen.what == held_path);
    assert!(resumed.expect("it was sent").at >= pause_ends);
    assert_eq!(discord.count(429), 1);
}

#[tokio::test]
async fn a_request_whose_caller_has_gone_is_not_sent() {
    let (discord, _, lanes) = Discord::start(Limits::default()).await;
    let slow = Scripted::status(200, json!({"id": "1"})).delayed(Duration::from_millis(200));
    discord.script("POST /channels/1/messages", slow);
    let first = lanes.submit(Class::Backlog, post(1, "first"));
    discord.arrived(1).await;
    let forgotten = lanes.submit(Class::Interactive, post(1, "forgotten"));
    let last = lanes.submit(Class::Backlog, post(1, "last"));
    assert_eq!(lanes.depth(), 3);
    drop(forgotten);
    assert!(first.await.is_sent());
    assert!(last.await.is_sent());
    assert_eq!(discord.asked().len(), 2);
    assert_eq!(lanes.depth(), 0);
}
