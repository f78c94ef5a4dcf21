//! What happens when the line breaks.

use clawdos_bridge::feed::FeedEvent;

use crate::{
    listener::Listener,
    postgres::{Server, connect, execute},
};

const ONE: &str = "00000000-0000-4000-8000-000000000001";

#[tokio::test]
async fn a_killed_connection_is_told_and_made_again() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    let database = db.name.clone();
    for _ in 0..3 {
        db.execute(&format!(
            "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '{database}'"
        ))
        .await;
        assert!(!feed.outage().await.is_empty());
        assert_eq!(feed.next().await, FeedEvent::Connected);
        db.execute(&format!("INSERT INTO tasks VALUES ('{ONE}')"))
            .await;
        assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
        db.execute("DELETE FROM tasks").await;
        assert_eq!(feed.lines().await, [format!("delete tasks {ONE}")]);
    }
    db.wait_until(&format!(
        "SELECT count(*) = 1 FROM pg_replication_slots WHERE database = '{database}'"
    ))
    .await;
}

#[tokio::test]
async fn the_feed_survives_a_restart_of_the_server() {
    let server = Server::start("logical", &[]);
    let db = server.database().await;
    let mut feed = Listener::connected(&db.url).await;
    let url = db.url.clone();
    drop(db);
    server.stop();
    assert!(!feed.outage().await.is_empty());
    server.start_again();
    // While the server is away the reason may change ("shutting down", "refused").
    while feed.next().await != FeedEvent::Connected {}
    let mut again = connect(&url).await;
    execute(&mut again, &format!("INSERT INTO tasks VALUES ('{ONE}')")).await;
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
}

#[tokio::test]
async fn a_transaction_open_at_the_start_delays_the_feed_and_is_not_missed() {
    // On a server of its own: every slot made meanwhile would wait.
    let server = Server::start("logical", &[]);
    let mut db = server.database().await;
    let mut open = connect(&db.url).await;
    execute(
        &mut open,
        &format!("BEGIN; INSERT INTO tasks VALUES ('{ONE}')"),
    )
    .await;
    let mut feed = Listener::start(&db.url, 16);
    db.wait_until("SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'walsender' AND wait_event_type = 'Lock'").await;
    assert!(
        feed.events.try_recv().is_err(),
        "not connected before the transaction ends"
    );
    execute(&mut open, "COMMIT").await;
    assert_eq!(feed.next().await, FeedEvent::Connected);
    // What was committed before that event is the sweep's: it has to be visible now.
    assert_eq!(db.text("SELECT count(*)::text FROM tasks").await, "1");
}

#[tokio::test]
async fn a_feed_that_stops_while_it_waits_for_its_slot_leaves_nothing_waiting() {
    let server = Server::start("logical", &[]);
    let mut db = server.database().await;
    let mut open = connect(&db.url).await;
    execute(&mut open, "BEGIN; INSERT INTO tasks DEFAULT VALUES").await;
    let feed = Listener::start(&db.url, 16);
    let walsenders = "FROM pg_stat_activity WHERE backend_type = 'walsender'";
    db.wait_until(&format!(
        "SELECT count(*) = 1 {walsenders} AND wait_event_type = 'Lock'"
    ))
    .await;
    feed.cancel.cancel();
    feed.task.await.unwrap();
    // The transaction is still open, and nobody waits for it any more.
    db.wait_until(&format!("SELECT count(*) = 0 {walsenders}"))
        .await;
    db.wait_until("SELECT count(*) = 0 FROM pg_replication_slots")
        .await;
    execute(&mut open, "ROLLBACK").await;
}

#[tokio::test]
async fn nothing_is_left_on_the_server_when_the_feed_stops() {
    let mut db = Server::shared().database().await;
    let database = db.name.clone();
    let none =
        format!("SELECT count(*) = 0 FROM pg_replication_slots WHERE database = '{database}'");

    let feed = Listener::connected(&db.url).await;
    feed.cancel.cancel();
    feed.task.await.unwrap();
    db.wait_until(&none).await;

    let feed = Listener::connected(&db.url).await;
    feed.task.abort();
    db.wait_until(&none).await;

    // Nobody listens any more: the feed ends by itself.
    let feed = Listener::connected(&db.url).await;
    drop(feed.events);
    db.execute("INSERT INTO tasks DEFAULT VALUES").await;
    feed.task.await.unwrap();
    db.wait_until(&none).await;
}

#[tokio::test]
async fn the_feed_stops_at_once_when_asked_even_while_it_cannot_connect() {
    let db = Server::shared().database().await;
    let mut feed = Listener::start(&db.url.replace(&db.name, "no_such_database"), 16);
    assert!(feed.outage().await.contains("no_such_database"));
    feed.cancel.cancel();
    feed.task.await.unwrap();
}

#[tokio::test]
async fn an_outage_is_told_again_only_when_its_reason_changes() {
    let mut db = Server::shared().database().await;
    db.execute("DROP PUBLICATION supabase_realtime").await;
    let mut feed = Listener::start(&db.url, 16);
    let reason = feed.outage().await;
    assert!(
        reason.contains("publication supabase_realtime does not exist"),
        "{reason}"
    );
    db.execute("CREATE PUBLICATION supabase_realtime FOR TABLE tasks")
        .await;
    assert_eq!(feed.next().await, FeedEvent::Connected);
    db.execute(&format!("INSERT INTO tasks VALUES ('{ONE}')"))
        .await;
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
}
