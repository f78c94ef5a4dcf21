//! The feed over Supabase Realtime, against a server that speaks its protocol.

use std::time::Duration;

use clawdos_bridge::feed::{
    FeedEvent, Table, WebsocketSettings,
    websocket::{Key, Timing},
};
use serde_json::json;
use tokio::{sync::mpsc, time::timeout};

use crate::{
    listener::Listener,
    realtime::{KEY, Realtime},
};

/// Every table of the feed.
pub const ALL: &[&str] = &[
    "activities",
    "agent_provision_requests",
    "agent_status",
    "agents",
    "brain_docs",
    "chat_delivery_queue",
    "cron_create_requests",
    "cron_delete_requests",
    "cron_job_patch_requests",
    "cron_mirror",
    "cron_run_requests",
    "project_chat_messages",
    "project_chat_threads",
    "project_settings",
    "skills_mirror",
    "task_comments",
    "task_events",
    "task_outputs",
    "tasks",
];

const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";

/// How the bridge connects to this server.
pub fn settings(server: &Realtime) -> WebsocketSettings {
    let project = "front-office".parse().unwrap();
    WebsocketSettings::new(
        server.url.clone(),
        Key::Fixed(KEY.to_owned().into()),
        project,
    )
}

/// Hurried: for tests of what happens when an answer does not come.
pub fn hurried(server: &Realtime) -> WebsocketSettings {
    WebsocketSettings {
        timing: Timing {
            heartbeat: Duration::from_millis(100),
            answer: Duration::from_secs(2),
            subscription: Duration::from_secs(3),
        },
        ..settings(server)
    }
}

/// What the observer is told next.
pub async fn told(board: &mut mpsc::UnboundedReceiver<String>) -> String {
    let told = timeout(Duration::from_secs(40), board.recv()).await;
    told.expect("the observer is told").expect("the feed lives")
}

fn row(id: &str) -> serde_json::Value {
    json!({ "id": id, "project_id": "front-office", "title": "a" })
}

#[tokio::test]
async fn connected_means_that_every_table_is_confirmed() {
    assert_eq!(ALL.len(), Table::ALL.len());
    let server = Realtime::start(ALL).await;
    server.set(|state| state.unconfirmed = true);
    let (mut feed, mut board) = Listener::realtime(settings(&server));
    // All joins are answered, and joined is not subscribed.
    let joins = |state: &crate::realtime::State| {
        let joins = state.heard.iter().filter(|frame| frame[3] == "phx_join");
        (joins.count() == ALL.len()).then_some(())
    };
    server.until("nineteen joins", joins).await;
    let confirmed = json!({ "extension": "postgres_changes", "status": "ok", "message": "Subscribed to PostgreSQL" });
    for table in &ALL[1..] {
        server.say(table, "system", &confirmed);
    }
    // A change of a confirmed table comes after what was said of that table.
    server.say("tasks", "postgres_changes", &change("INSERT", ONE));
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
    assert!(board.try_recv().is_err(), "one table is still missing");
    server.say(ALL[0], "system", &confirmed);
    assert_eq!(feed.next().await, FeedEvent::Connected);
    assert_eq!(told(&mut board).await, "up");
}

fn change(kind: &str, id: &str) -> serde_json::Value {
    let data = json!({
        "schema": "public", "table": "tasks", "type": kind, "errors": null, "columns": [],
        "commit_timestamp": "2026-08-22T10:00:00.123Z", "record": row(id), "old_record": {},
    });
    json!({ "ids": [4000], "data": data })
}

#[tokio::test]
async fn every_kind_of_change_comes_out_with_its_key_and_its_time() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    server.change("INSERT", "tasks", &row(ONE), &json!({}));
    let changes = feed.transaction().await;
    assert_eq!(changes[0].key.to_string(), ONE);
    let at = changes[0].commit_at.unwrap().to_rfc3339();
    assert!(at.starts_with("2026-08-22T10:00:00.123"), "{at}");
    assert_eq!(changes[0].xid, None);
    server.change("UPDATE", "agents", &row(TWO), &json!({ "id": TWO }));
    assert_eq!(feed.lines().await, [format!("update agents {TWO}")]);
    server.change("UPDATE", "tasks", &row(TWO), &json!({ "id": ONE }));
    let moved = [format!("delete tasks {ONE}"), format!("update tasks {TWO}")];
    assert_eq!(feed.lines().await, moved);
}

#[tokio::test]
async fn a_deletion_is_heard_although_its_row_names_no_project() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    server.change("DELETE", "tasks", &json!({}), &json!({ "id": ONE }));
    assert_eq!(feed.lines().await, [format!("delete tasks {ONE}")]);
}

#[tokio::test]
async fn rows_of_other_projects_are_not_asked_for() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    let theirs = json!({ "id": ONE, "project_id": "elsewhere" });
    server.change("INSERT", "tasks", &theirs, &json!({}));
    server.change("INSERT", "tasks", &row(TWO), &json!({}));
    assert_eq!(feed.lines().await, [format!("insert tasks {TWO}")]);
}

#[tokio::test]
async fn a_change_that_comes_twice_is_told_twice_and_breaks_nothing() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    for _ in 0..2 {
        server.change("INSERT", "tasks", &row(ONE), &json!({}));
        assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
    }
}

#[tokio::test]
async fn a_change_without_a_key_asks_for_a_sweep_and_says_the_fix() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    let withheld = json!({ "schema": "public", "table": "tasks", "type": "INSERT", "errors": ["Error 401: Unauthorized"] });
    let payload = json!({ "ids": [4000], "data": withheld });
    server.say("tasks", "postgres_changes", &payload);
    let event = feed.next().await;
    let words = "GRANT SELECT ON public.tasks";
    assert!(
        matches!(&event, FeedEvent::Sweep { reason } if reason.contains(words)),
        "{event:?}"
    );
    // Over a megabyte: the key is still there.
    let mut large = change("UPDATE", TWO);
    large["data"]["errors"] = json!(["Error 413: Payload Too Large"]);
    server.say("tasks", "postgres_changes", &large);
    assert_eq!(feed.lines().await, [format!("update tasks {TWO}")]);
}

#[tokio::test]
async fn one_unpublished_table_does_not_silence_the_others_and_is_named() {
    let published: Vec<&str> = ALL.iter().copied().filter(|it| *it != "agents").collect();
    let server = Realtime::start(&published).await;
    let (mut feed, mut board) = Listener::realtime(settings(&server));
    feed.connected_now().await;
    assert_eq!(told(&mut board).await, "up");
    let gap = told(&mut board).await;
    let fix = "ALTER PUBLICATION supabase_realtime ADD TABLE public.agents";
    assert!(gap.starts_with("partly: ") && gap.contains(fix), "{gap}");
    server.change("INSERT", "tasks", &row(ONE), &json!({}));
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);

    // Put right while we are connected: what came before has to be found by looking.
    server.publish("agents");
    let event = feed.next().await;
    assert!(
        matches!(&event, FeedEvent::Sweep { reason } if reason.contains("agents")),
        "{event:?}"
    );
    assert_eq!(told(&mut board).await, "up");
    server.change("INSERT", "agents", &row(TWO), &json!({}));
    assert_eq!(feed.lines().await, [format!("insert agents {TWO}")]);
}

#[tokio::test]
async fn heartbeats_keep_the_line() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(hurried(&server));
    feed.connected_now().await;
    let beats = |state: &crate::realtime::State| {
        let beats = state.heard.iter().filter(|frame| frame[3] == "heartbeat");
        (beats.count() >= 5).then_some(state.connections)
    };
    assert_eq!(server.until("five heartbeats", beats).await, 1);
    assert!(
        feed.events.try_recv().is_err(),
        "nothing happened meanwhile"
    );
}

#[tokio::test]
async fn a_slow_reader_does_not_break_the_line() {
    let server = Realtime::start(ALL).await;
    let (mut feed, _) = Listener::realtime(hurried(&server));
    feed.connected_now().await;
    for _ in 0..100 {
        server.change("INSERT", "tasks", &row(ONE), &json!({}));
    }
    // The feed waits for its reader longer than an answer may take.
    let beats = |state: &crate::realtime::State| {
        let beats = state.heard.iter().filter(|frame| frame[3] == "heartbeat");
        (beats.count() >= 30).then_some(state.connections)
    };
    assert_eq!(server.until("thirty heartbeats", beats).await, 1);
    for _ in 0..100 {
        assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
    }
}
