//! The whole bridge, hearing of changes over the websocket alone.

use std::{
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use clawdos_bridge::feed::{FeedEvent, Op};
use clawdos_bridge::store::migrate::migrate;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use tokio::process::{Child, Command};

use crate::{
    listener::Listener,
    postgres::{Server, connect, execute},
    realtime::{KEY, Realtime, State},
    websocket::ALL,
};

const ONE: &str = "00000000-0000-4000-8000-000000000001";
const TWO: &str = "00000000-0000-4000-8000-000000000002";

/// No sweep comes to help within a test.
const SETTINGS: &str = "[feed]\nkind = \"websocket\"\n[mirror]\nsweep_seconds = 86400\n";

const ROOM_ON: &str = "INSERT INTO project_settings (project_id, key, value)
    VALUES ('front-office', 'labs_features', '{\"team_room\": true}')";

/// Says over the websocket what Postgres says to its publication, as Supabase Realtime does.
pub async fn relay(server: Arc<Realtime>, database: String) {
    let mut feed = Listener::connected(&database).await;
    let mut rows = connect(&database).await;
    loop {
        let FeedEvent::Changes(changes) = feed.next().await else {
            continue;
        };
        for change in changes {
            let (table, key) = (change.table.as_str(), change.key.to_string());
            let old = json!({ "id": key });
            let kind = match change.op {
                Op::Insert => "INSERT",
                Op::Update => "UPDATE",
                Op::Delete => "DELETE",
            };
            let sql = format!("SELECT to_jsonb(t) FROM public.{table} AS t WHERE id = $1::uuid");
            let mut row = None;
            // An event may come a moment before its row can be seen; one that is gone stays away.
            for _ in 0..if change.op == Op::Delete { 1 } else { 50 } {
                let look = sqlx::query_scalar::<_, Value>(AssertSqlSafe(sql.clone())).bind(&key);
                row = look.fetch_optional(&mut rows).await.unwrap();
                if row.is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            server.change(kind, table, &row.unwrap_or_default(), &old);
        }
    }
}

/// Waits until the message is shown in Discord so many times, as the ledger says.
async fn shown(ledger: &mut PgConnection, message: &str, times: i64, bridge: &mut Child) {
    let deadline = Instant::now() + Duration::from_mins(1);
    let sql = "SELECT count(*) FROM bridge.view WHERE entity_id = $1 AND state = 'sent'";
    loop {
        let views = sqlx::query_scalar::<_, i64>(sql).bind(message);
        if views.fetch_one(&mut *ledger).await.unwrap() == times {
            return;
        }
        assert_eq!(bridge.try_wait().unwrap(), None, "the bridge lives");
        assert!(
            Instant::now() < deadline,
            "{message} is not shown {times} times"
        );
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn rows_reach_discord_and_leave_it_over_the_websocket_alone() {
    let postgres = Server::shared();
    let mut admin = connect(&postgres.url("postgres", "postgres")).await;
    execute(&mut admin, "CREATE DATABASE whole_bridge").await;
    let database = postgres.url("postgres", "whole_bridge");
    let mut rows = connect(&database).await;
    let pool = PgPool::connect(&database).await.unwrap();
    migrate(&pool).await.unwrap();
    execute(&mut rows, ROOM_ON).await;
    let server = Arc::new(Realtime::start(ALL).await);
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("bridge.toml"), SETTINGS).unwrap();
    let log = std::fs::File::create(folder.path().join("log")).unwrap();
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_clawdos-bridge"))
        .arg("--data-dir")
        .arg(folder.path())
        .env_clear()
        .envs(std::env::vars().filter(|(name, _)| name == "PATH" || name == "HOME"))
        .env("DATABASE_URL", &database)
        .env("SUPABASE_URL", server.url.as_str())
        .env("SUPABASE_KEY", KEY)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .current_dir(folder.path())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let joins = |state: &State| {
        let joins = state.heard.iter().filter(|frame| frame[3] == "phx_join");
        (joins.count() == ALL.len()).then_some(())
    };
    server.until("nineteen joins", joins).await;
    let relay = tokio::spawn(relay(Arc::clone(&server), database.clone()));
    for message in [ONE, TWO] {
        let insert = format!(
            "INSERT INTO project_chat_messages (id, project_id, author, message)
             VALUES ('{message}', 'front-office', 'agent:main:main', 'hello')"
        );
        execute(&mut rows, &insert).await;
        shown(&mut rows, message, 1, &mut bridge).await;
    }
    // The row names no project any more, and yet its end is heard.
    let delete = format!("DELETE FROM project_chat_messages WHERE id = '{TWO}'");
    execute(&mut rows, &delete).await;
    shown(&mut rows, TWO, 0, &mut bridge).await;
    relay.abort();
    let said = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(said.contains("connected to Supabase Realtime"), "{said}");
    assert!(!said.contains("s3cret"), "the key is in the log");
}
