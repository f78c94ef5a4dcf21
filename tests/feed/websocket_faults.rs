//! What can go wrong with Supabase Realtime, and what is said of it.

use clawdos_bridge::feed::{FeedEvent, WebsocketSettings, websocket::Key};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    listener::Listener,
    realtime::{KEY, Realtime, State},
    websocket::{ALL, hurried, settings, told},
};

const ONE: &str = "00000000-0000-4000-8000-000000000001";
const NEW_KEY: &str = "eyJhbGciOiJIUzI1NiJ9.second-s3cret.key";

fn row() -> Value {
    json!({ "id": ONE, "project_id": "front-office" })
}

async fn hears_a_change(feed: &mut Listener, server: &Realtime) {
    server.change("INSERT", "tasks", &row(), &json!({}));
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
}

#[tokio::test]
async fn a_refused_key_is_told_once_with_its_fix_and_never_shown() {
    let server = Realtime::start(ALL).await;
    server.set(|state| state.keys.clear());
    let (mut feed, mut board) = Listener::realtime(settings(&server));
    let reason = feed.outage().await;
    assert!(
        reason.contains("HTTP 403") && reason.contains("SUPABASE_KEY"),
        "{reason}"
    );
    assert!(!reason.contains("s3cret"), "{reason}");
    assert_eq!(told(&mut board).await, format!("down: {reason}"));
    server.accept(KEY);
    // However often it was tried: nothing is told in between.
    assert_eq!(feed.next().await, FeedEvent::Connected);
    assert_eq!(told(&mut board).await, "up");
    hears_a_change(&mut feed, &server).await;
}

#[tokio::test]
async fn a_refused_join_is_told_in_words() {
    let cases = [
        (
            "JwtSignatureError: Failed to validate JWT signature",
            "SUPABASE_KEY",
        ),
        (
            "InvalidJWTToken: Token has expired 17 seconds ago",
            "SUPABASE_KEY_FILE",
        ),
        (
            "RealtimeDisabledForTenant: Realtime disabled for this tenant",
            "enable it",
        ),
        (
            "PrivateOnly: This project only allows private channels",
            "Allow public access",
        ),
        (
            "ChannelRateLimitReached: Too many channels",
            "raise the limits",
        ),
        (
            "UnknownErrorOnChannel: Unknown Error on Channel",
            "Unknown Error on Channel",
        ),
    ];
    for (refusal, words) in cases {
        let server = Realtime::start(ALL).await;
        server.set(|state| state.refusal = Some(refusal.to_owned()));
        let (mut feed, _) = Listener::realtime(settings(&server));
        let reason = feed.outage().await;
        assert!(reason.contains(words), "{refusal}: {reason}");
        server.set(|state| state.refusal = None);
        assert_eq!(feed.next().await, FeedEvent::Connected, "{refusal}");
    }
}

#[tokio::test]
async fn an_address_without_realtime_is_told_in_words() {
    let server = Realtime::start(ALL).await;
    let with_url = |url: &str| WebsocketSettings {
        url: url.parse().unwrap(),
        ..settings(&server)
    };
    let port = server.url.port().unwrap();
    let (mut feed, _) = Listener::realtime(with_url(&format!("http://127.0.0.1:{port}/elsewhere")));
    let reason = feed.outage().await;
    assert!(
        reason.contains("HTTP 404") && reason.contains("SUPABASE_URL"),
        "{reason}"
    );
    // TLS where none is spoken.
    let (mut feed, _) = Listener::realtime(with_url(&format!("https://127.0.0.1:{port}")));
    let reason = feed.outage().await;
    assert!(
        reason.contains("TLS") && reason.contains("https://"),
        "{reason}"
    );
    drop(server);
    let gone = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(WebsocketSettings {
        url: "http://127.0.0.1:9".parse().unwrap(),
        ..settings(&gone)
    });
    let reason = feed.outage().await;
    assert!(
        reason.contains("cannot be reached") && !reason.contains("s3cret"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_publication_without_any_of_our_tables_is_no_connection() {
    let server = Realtime::start(&[]).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    let reason = feed.outage().await;
    assert!(
        reason.contains("ALTER PUBLICATION") && reason.contains("public.tasks"),
        "{reason}"
    );
    server.set(|state| state.published = ALL.iter().map(|it| (*it).to_owned()).collect());
    assert_eq!(feed.next().await, FeedEvent::Connected);
}

#[tokio::test]
async fn a_subscription_that_is_never_confirmed_is_no_connection() {
    let server = Realtime::start(ALL).await;
    server.set(|state| state.unconfirmed = true);
    let (mut feed, _) = Listener::realtime(hurried(&server));
    let reason = feed.outage().await;
    assert!(reason.contains("never confirmed"), "{reason}");
    server.set(|state| state.unconfirmed = false);
    assert_eq!(feed.next().await, FeedEvent::Connected);
}

#[tokio::test]
async fn a_subscription_that_the_server_gives_up_is_asked_for_again() {
    let server = Realtime::start(ALL).await;
    let (mut feed, mut board) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    assert_eq!(told(&mut board).await, "up");
    let error = json!({ "extension": "postgres_changes", "status": "error", "message": "the database is away" });
    server.say("tasks", "system", &error);
    let gap = told(&mut board).await;
    assert!(
        gap.contains("public.tasks") && gap.contains("the database is away"),
        "{gap}"
    );
    let event = feed.next().await;
    assert!(
        matches!(&event, FeedEvent::Sweep { reason } if reason.contains("tasks")),
        "{event:?}"
    );
    assert_eq!(told(&mut board).await, "up");
    hears_a_change(&mut feed, &server).await;
    server.say("tasks", "phx_error", &json!({}));
    assert!(told(&mut board).await.contains("closed their channels"));
    assert!(matches!(feed.next().await, FeedEvent::Sweep { .. }));
    hears_a_change(&mut feed, &server).await;
}

#[tokio::test]
async fn a_server_that_subscribes_anew_by_itself_causes_a_sweep() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    let again = json!({ "extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL" });
    server.say("tasks", "system", &again);
    let event = feed.next().await;
    assert!(
        matches!(&event, FeedEvent::Sweep { reason } if reason.contains("tasks")),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_cut_line_is_told_and_made_again() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    for _ in 0..3 {
        server.cut();
        let reason = feed.outage().await;
        assert!(reason.contains("closed the connection"), "{reason}");
        assert_eq!(feed.next().await, FeedEvent::Connected);
        hears_a_change(&mut feed, &server).await;
    }
}

#[tokio::test]
async fn a_server_that_falls_silent_is_left() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(hurried(&server));
    feed.connected_now().await;
    server.set(|state| state.mute = true);
    let reason = feed.outage().await;
    assert!(reason.contains("fell silent"), "{reason}");
    server.set(|state| state.mute = false);
    while feed.next().await != FeedEvent::Connected {}
    hears_a_change(&mut feed, &server).await;
}

#[tokio::test]
async fn an_expired_key_is_told_and_a_new_one_in_its_file_is_taken() {
    let server = Realtime::start(ALL).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    let settings = WebsocketSettings {
        key: Key::File(file.clone()),
        ..settings(&server)
    };
    let (mut feed, _) = Listener::realtime(settings);
    feed.connected_now().await;
    server.expire(KEY);
    let reason = feed.outage().await;
    assert!(
        reason.contains("has expired") && !reason.contains("s3cret"),
        "{reason}"
    );
    server.accept(NEW_KEY);
    std::fs::write(&file, NEW_KEY).unwrap();
    while feed.next().await != FeedEvent::Connected {}
    hears_a_change(&mut feed, &server).await;
}

#[tokio::test]
async fn a_key_that_is_renewed_in_time_is_told_to_every_channel_of_the_same_connection() {
    let server = Realtime::start(ALL).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, KEY).unwrap();
    let settings = WebsocketSettings {
        key: Key::File(file.clone()),
        ..hurried(&server)
    };
    let (mut feed, _) = Listener::realtime(settings);
    feed.connected_now().await;
    server.accept(NEW_KEY);
    std::fs::write(&file, NEW_KEY).unwrap();
    let renewed = |state: &State| {
        let renewed =
            |frame: &&Value| frame[3] == "access_token" && frame[4]["access_token"] == NEW_KEY;
        let count = state.heard.iter().filter(renewed).count();
        (count == ALL.len()).then_some(state.connections)
    };
    assert_eq!(server.until("nineteen renewals", renewed).await, 1);
    // The server subscribes anew with it, which may leave a gap.
    assert!(matches!(feed.next().await, FeedEvent::Sweep { .. }));
}

#[tokio::test]
async fn a_key_file_that_cannot_be_used_is_named() {
    let server = Realtime::start(ALL).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let settings = WebsocketSettings {
        key: Key::File(file.clone()),
        ..settings(&server)
    };
    let (mut feed, _) = Listener::realtime(settings);
    let reason = feed.outage().await;
    assert!(
        reason.contains("SUPABASE_KEY_FILE") && reason.contains("key cannot be read"),
        "{reason}"
    );
    std::fs::write(&file, "two s3cret words").unwrap();
    let reason = feed.outage().await;
    assert!(
        reason.contains("something else than one key") && !reason.contains("s3cret"),
        "{reason}"
    );
    std::fs::write(&file, KEY).unwrap();
    while feed.next().await != FeedEvent::Connected {}
}

#[tokio::test]
async fn garbage_is_answered_by_a_sweep_and_nothing_else() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    let tasks = "realtime:clawdos-bridge:tasks";
    let garbage = [
        Message::text(""),
        Message::text("nonsense"),
        Message::text("{\"topic\":\"x\"}"),
        Message::text("[1,2,3,4,5]"),
        Message::text("[null,null]"),
        Message::text(json!([null, null, tasks, "postgres_changes", {}]).to_string()),
        Message::text(json!([null, null, "elsewhere", "postgres_changes", {}]).to_string()),
        Message::text(json!([null, null, tasks, "system", []]).to_string()),
        Message::text("[".repeat(100_000)),
        Message::binary(vec![0, 1, 2]),
    ];
    for message in garbage {
        server.send(&message);
        let event = feed.next().await;
        assert!(
            matches!(event, FeedEvent::Sweep { .. }),
            "{message:?}: {event:?}"
        );
    }
    hears_a_change(&mut feed, &server).await;
}

#[tokio::test]
async fn frames_that_do_not_concern_us_are_passed_over() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    for event in [
        "presence_state",
        "presence_diff",
        "broadcast",
        "an event of next year",
    ] {
        server.say("tasks", event, &json!({}));
    }
    let other = json!({ "extension": "system", "status": "ok", "message": "hello" });
    server.say("tasks", "system", &other);
    // About joins that were given up.
    let stale = |event: &str| json!(["77", null, "realtime:clawdos-bridge:tasks", event, other]);
    server.send(&Message::text(stale("phx_close").to_string()));
    server.send(&Message::text(stale("phx_error").to_string()));
    server.send(&Message::Ping(vec![1].into()));
    hears_a_change(&mut feed, &server).await;
}

#[tokio::test]
async fn what_the_server_says_is_repeated_without_the_key() {
    let server = Realtime::start(ALL).await;
    let refusal = format!("MalformedJWT: {KEY} is \u{7} no token {}", "x".repeat(5000));
    server.set(|state| state.refusal = Some(refusal));
    let (mut feed, _) = Listener::realtime(settings(&server));
    let reason = feed.outage().await;
    assert!(
        reason.contains("[key] is  no token") && reason.len() < 1000,
        "{reason}"
    );
}

#[tokio::test]
async fn the_feed_stops_at_once_when_asked_or_when_nobody_listens() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    feed.cancel.cancel();
    feed.task.await.unwrap();
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    drop(feed.events);
    feed.task.await.unwrap();
    server.set(|state| state.mute = true);
    let (feed, _) = Listener::realtime(settings(&server));
    server.heard("phx_join").await;
    feed.cancel.cancel();
    feed.task.await.unwrap();
}
