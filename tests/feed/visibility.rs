//! A change can be told before its row is seen: whoever loads the row can know.

use std::time::{Duration, Instant};

use clawdos_bridge::feed::{RowKey, Snapshot};
use sqlx::PgConnection;

use crate::{
    listener::Listener,
    postgres::{Server, connect, execute},
};

/// Whether the row is there, and which transactions that query saw.
async fn look(connection: &mut PgConnection, key: &RowKey) -> (bool, Snapshot) {
    let sql =
        "SELECT EXISTS (SELECT FROM skills_mirror WHERE id = $1), pg_current_snapshot()::text";
    let key = key.to_string();
    let (there, snapshot): (bool, String) = sqlx::query_as(sql)
        .bind(key)
        .fetch_one(connection)
        .await
        .unwrap();
    (there, snapshot.parse().unwrap())
}

#[tokio::test]
async fn a_snapshot_tells_whether_the_row_of_a_change_is_seen_yet() {
    // A commit that waits for a standby is told to replication and seen by nobody else: the moment
    // between the two, held still.
    let server = Server::start("logical", &[]);
    let mut db = server.database().await;
    let url = db.url.clone();
    let mut feed = Listener::connected(&url).await;
    let mut reader = connect(&url).await;
    db.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        .await;
    db.execute("SELECT pg_reload_conf()").await;
    let mut writer = connect(&url).await;
    let writing = tokio::spawn(async move {
        for number in 0.. {
            let row = format!("INSERT INTO skills_mirror VALUES ('n', '{number}')");
            execute(&mut writer, &row).await;
        }
    });

    // The server heeds the setting when it gets to it: until then rows are seen, some at once and
    // some a moment later.
    let deadline = Instant::now() + Duration::from_secs(40);
    let waits = "SELECT count(*)::text FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let mut hidden = None;
    while hidden.is_none() {
        let change = feed.transaction().await.remove(0);
        while hidden.is_none() {
            assert!(Instant::now() < deadline, "no commit ever waited");
            let (there, snapshot) = look(&mut reader, &change.key).await;
            assert_eq!(
                snapshot.sees(change.xid.unwrap()),
                there,
                "{change:?} {snapshot:?}"
            );
            if there {
                break;
            }
            if db.text(waits).await == "1" {
                hidden = Some(change.clone());
            }
        }
    }
    let hidden = hidden.unwrap();

    writing.abort();
    db.execute("ALTER SYSTEM RESET synchronous_standby_names")
        .await;
    db.execute("SELECT pg_reload_conf()").await;
    loop {
        let (there, snapshot) = look(&mut reader, &hidden.key).await;
        assert_eq!(
            snapshot.sees(hidden.xid.unwrap()),
            there,
            "{hidden:?} {snapshot:?}"
        );
        if there {
            break;
        }
        assert!(Instant::now() < deadline, "the row is never seen");
    }
}
