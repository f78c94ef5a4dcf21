//! What comes out of a healthy stream.

use clawdos_bridge::feed::{FeedEvent, Table};

use crate::{
    listener::Listener,
    postgres::{Server, connect, execute},
};

const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";
const THREE: &str = "00000000-0000-4000-8000-000000000003";

#[tokio::test]
async fn changes_come_out_with_their_keys_in_commit_order() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute(&format!(
        "INSERT INTO tasks VALUES ('{ONE}', 'a'), ('{TWO}', 'b')"
    ))
    .await;
    db.execute(&format!(
        "UPDATE tasks SET title = 'c' WHERE id = '{TWO}'; INSERT INTO agents VALUES ('x', '{THREE}');
         DELETE FROM tasks WHERE id = '{ONE}'"
    ))
    .await;
    assert_eq!(
        feed.lines().await,
        [format!("insert tasks {ONE}"), format!("insert tasks {TWO}")]
    );
    assert_eq!(
        feed.lines().await,
        [
            format!("update tasks {TWO}"),
            format!("insert agents {THREE}"),
            format!("delete tasks {ONE}")
        ]
    );
}

#[tokio::test]
async fn the_transaction_that_commits_first_is_told_first() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    let mut slow = connect(&db.url).await;
    execute(
        &mut slow,
        &format!("BEGIN; INSERT INTO tasks VALUES ('{ONE}')"),
    )
    .await;
    db.execute(&format!("INSERT INTO tasks VALUES ('{TWO}')"))
        .await;
    execute(&mut slow, "COMMIT").await;
    assert_eq!(feed.lines().await, [format!("insert tasks {TWO}")]);
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
}

#[tokio::test]
async fn a_change_tells_when_it_was_committed() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    let before = chrono::Utc::now();
    db.execute("INSERT INTO tasks DEFAULT VALUES").await;
    let after = chrono::Utc::now();
    let at = feed.transaction().await[0].commit_at.unwrap();
    assert!(before <= at && at <= after, "{before} <= {at} <= {after}");
}

#[tokio::test]
async fn tables_nobody_reads_are_silent() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    // Not published; published but not ours; ours by name, but in another schema.
    db.execute("INSERT INTO activities DEFAULT VALUES").await;
    db.execute("INSERT INTO strangers DEFAULT VALUES; UPDATE strangers SET name = 'x'")
        .await;
    db.execute("INSERT INTO other.tasks DEFAULT VALUES; DELETE FROM other.tasks")
        .await;
    db.execute("TRUNCATE strangers").await;
    db.execute(&format!(
        "INSERT INTO strangers DEFAULT VALUES; INSERT INTO tasks VALUES ('{ONE}')"
    ))
    .await;
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
}

#[tokio::test]
async fn a_table_that_joins_the_publication_is_heard_at_once() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute("INSERT INTO activities DEFAULT VALUES").await;
    db.execute("ALTER PUBLICATION supabase_realtime ADD TABLE activities")
        .await;
    db.execute(&format!("INSERT INTO activities VALUES ('{ONE}')"))
        .await;
    assert_eq!(feed.lines().await, [format!("insert activities {ONE}")]);
}

#[tokio::test]
async fn a_rolled_back_transaction_is_silent() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute("BEGIN").await;
    db.execute("INSERT INTO tasks DEFAULT VALUES").await;
    db.execute("ROLLBACK").await;
    db.execute("BEGIN").await;
    db.execute(&format!("INSERT INTO tasks VALUES ('{ONE}'); SAVEPOINT s"))
        .await;
    db.execute(&format!(
        "INSERT INTO tasks VALUES ('{TWO}'); ROLLBACK TO s; COMMIT"
    ))
    .await;
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
}

#[tokio::test]
async fn ten_thousand_rows_in_one_transaction_are_one_event() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute("INSERT INTO skills_mirror SELECT 'n', g::text FROM generate_series(1, 10000) g")
        .await;
    let changes = feed.transaction().await;
    assert_eq!(changes.len(), 10_000);
    for (expected, change) in (1..).zip(&changes) {
        assert_eq!(
            (change.table, change.key.to_string()),
            (Table::SkillsMirror, expected.to_string())
        );
    }
}

#[tokio::test]
async fn a_transaction_of_any_size_comes_complete_in_parts() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute("INSERT INTO skills_mirror SELECT 'n', g::text FROM generate_series(1, 40000) g")
        .await;
    let mut keys = Vec::new();
    let mut largest = 0;
    while keys.len() < 40_000 {
        let part = feed.transaction().await;
        largest = largest.max(part.len());
        keys.extend(part.into_iter().map(|change| change.key.to_string()));
    }
    assert!(
        keys.iter()
            .map(String::as_str)
            .eq((1..=40_000).map(|n| n.to_string()).collect::<Vec<_>>())
    );
    assert!(largest < 20_000, "{largest} changes at once");
}

#[tokio::test]
async fn a_row_that_changes_its_key_is_gone_under_the_old_one() {
    let mut db = Server::shared().database().await;
    db.execute(&format!("INSERT INTO tasks VALUES ('{ONE}')"))
        .await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute(&format!("UPDATE tasks SET id = '{TWO}'")).await;
    assert_eq!(
        feed.lines().await,
        [format!("delete tasks {ONE}"), format!("update tasks {TWO}")]
    );
}

#[tokio::test]
async fn any_replica_identity_yields_the_primary_key() {
    let mut db = Server::shared().database().await;
    db.execute(&format!("INSERT INTO agents VALUES ('x', '{ONE}')"))
        .await;
    db.execute("ALTER TABLE agents REPLICA IDENTITY FULL").await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute("UPDATE agents SET name = 'y'").await;
    assert_eq!(feed.lines().await, [format!("update agents {ONE}")]);
    db.execute("DELETE FROM agents").await;
    assert_eq!(feed.lines().await, [format!("delete agents {ONE}")]);

    db.execute(
        "CREATE UNIQUE INDEX by_name ON agents (name); ALTER TABLE agents ALTER name SET NOT NULL",
    )
    .await;
    db.execute("ALTER TABLE agents REPLICA IDENTITY USING INDEX by_name")
        .await;
    db.execute(&format!("INSERT INTO agents VALUES ('x', '{TWO}', 'n')"))
        .await;
    assert_eq!(feed.lines().await, [format!("insert agents {TWO}")]);
    db.execute("UPDATE agents SET name = 'm'").await;
    assert_eq!(feed.lines().await, [format!("update agents {TWO}")]);
    // Only the name is told of a deleted row: what is gone has to be found by looking, once.
    db.execute("INSERT INTO agents VALUES ('x', DEFAULT, 'o'), ('x', DEFAULT, 'p')")
        .await;
    assert_eq!(feed.lines().await.len(), 2);
    db.execute("DELETE FROM agents").await;
    assert!(matches!(feed.next().await, FeedEvent::Sweep { reason } if reason.contains("agents")));
    db.execute(&format!("INSERT INTO tasks VALUES ('{ONE}')"))
        .await;
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
}

#[tokio::test]
async fn keys_that_are_no_uuids_come_out_as_they_are() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute("INSERT INTO skills_mirror VALUES ('n', 'web search – ünïcode')")
        .await;
    assert_eq!(
        feed.lines().await,
        ["insert skills_mirror web search – ünïcode"]
    );
    db.execute("INSERT INTO project_settings VALUES ('v', 'front-office', 'labs_features')")
        .await;
    assert_eq!(
        feed.lines().await,
        ["insert project_settings front-office\u{1f}labs_features"]
    );
    db.execute("DELETE FROM project_settings").await;
    assert_eq!(
        feed.lines().await,
        ["delete project_settings front-office\u{1f}labs_features"]
    );
}

#[tokio::test]
async fn a_row_of_a_megabyte_is_a_change_like_any_other() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    // Random, so that compression does not make it small.
    db.execute(&format!(
        "INSERT INTO tasks SELECT '{ONE}', 'a', string_agg(md5(g::text), '') FROM generate_series(1, 32768) g"
    ))
    .await;
    assert_eq!(feed.lines().await, [format!("insert tasks {ONE}")]);
    db.execute("UPDATE tasks SET title = 'b'").await;
    assert_eq!(feed.lines().await, [format!("update tasks {ONE}")]);
    db.execute("DELETE FROM tasks").await;
    assert_eq!(feed.lines().await, [format!("delete tasks {ONE}")]);
}

#[tokio::test]
async fn truncating_a_table_asks_for_a_sweep() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::connected(&db.url).await;
    db.execute(&format!(
        "INSERT INTO agents VALUES ('x', '{ONE}'); TRUNCATE tasks, strangers"
    ))
    .await;
    assert_eq!(feed.lines().await, [format!("insert agents {ONE}")]);
    let event = feed.next().await;
    assert!(
        matches!(&event, FeedEvent::Sweep { reason } if reason.contains("rows of tasks")),
        "{event:?}"
    );
}

#[tokio::test]
async fn a_slow_reader_loses_nothing() {
    let mut db = Server::shared().database().await;
    let mut feed = Listener::start(&db.url, 1);
    assert_eq!(feed.next().await, FeedEvent::Connected);
    for number in 0..1_000 {
        db.execute(&format!(
            "INSERT INTO skills_mirror VALUES ('{}', '{number}')",
            "x".repeat(2_000)
        ))
        .await;
    }
    for number in 0..1_000 {
        assert_eq!(
            feed.lines().await,
            [format!("insert skills_mirror {number}")]
        );
    }
}

#[tokio::test]
async fn no_wal_is_held_back_for_us() {
    let mut db = Server::shared().database().await;
    let _feed = Listener::connected(&db.url).await;
    db.execute("INSERT INTO activities SELECT FROM generate_series(1, 10000)")
        .await;
    let now = db.text("SELECT pg_current_wal_lsn()::text").await;
    let database = db.name.clone();
    db.wait_until(&format!(
        "SELECT confirmed_flush_lsn >= '{now}' FROM pg_replication_slots WHERE database = '{database}'"
    ))
    .await;
}
