//! A database that `ClawdOS` made and people work with.

use std::collections::BTreeMap;

use clawdos_bridge::store::migrate::migrate;
use serde_json::{Map, Value};
use sqlx::{AssertSqlSafe, PgPool};

use crate::{EXISTING_ROWS, catalog, existing_database, run, text, try_run};

type Row = (String, Map<String, Value>);

/// Every row of every table with the transaction that wrote it, and the file each table lies in.
async fn contents(pool: &PgPool) -> BTreeMap<String, (i64, Vec<Row>)> {
    let tables: Vec<(String, i64)> = sqlx::query_as(
        "SELECT relname::text, pg_relation_filenode(oid)::bigint FROM pg_class
         WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    .fetch_all(pool)
    .await
    .expect("tables can be listed");
    let mut contents = BTreeMap::new();
    for (table, file) in tables {
        let rows: Vec<(String, sqlx::types::Json<Map<String, Value>>)> =
            sqlx::query_as(AssertSqlSafe(format!(
                "SELECT xmin::text, to_jsonb(t) FROM public.{table} t ORDER BY ctid"
            )))
            .fetch_all(pool)
            .await
            .expect("rows can be read");
        let rows = rows
            .into_iter()
            .map(|(xmin, row)| (xmin, row.0))
            .collect::<Vec<_>>();
        assert!(!rows.is_empty(), "the fixture has no row for {table}");
        contents.insert(table, (file, rows));
    }
    contents
}

#[tokio::test]
async fn every_row_stays_as_it_was() {
    let (_database, pool) = existing_database().await;
    run(&pool, EXISTING_ROWS).await;
    let before = contents(&pool).await;
    assert_eq!(before.len(), 25);
    migrate(&pool).await.unwrap();
    run(&pool, "DROP TABLE bridge._sqlx_migrations").await;
    migrate(&pool).await.unwrap();

    let mut after = contents(&pool).await;
    let (_, messages) = after.get_mut("project_chat_messages").unwrap();
    for (_, row) in messages {
        assert_eq!(row.remove("message_type"), Some(Value::from("text")));
        assert_eq!(row.remove("metadata"), Some(Value::Null));
        assert_eq!(row.remove("status"), Some(Value::Null));
    }
    assert_eq!(before, after);
}

/// What finds the few open proposals, the last question to an agent, old comments and activities by time, and heartbeats,
/// among many rows.
const OUR_INDEXES: [&str; 11] = [
    "idx_activities_heartbeats",
    "idx_activities_project_time",
    "idx_chat_delivery_queue_agent",
    "idx_task_comments_project_time",
    "idx_task_comments_task",
    "idx_task_events_project_time",
    "idx_task_outputs_project_time",
    "idx_task_outputs_task_time",
    "project_chat_messages_proposal_idx",
    "task_events_approval_idx",
    "task_events_resolution_idx",
];

#[tokio::test]
async fn nothing_of_theirs_is_dropped_but_the_check_that_refuses_stopped() {
    let (_database, pool) = existing_database().await;
    let before = catalog(&pool).await;
    migrate(&pool).await.unwrap();
    let after = catalog(&pool).await;
    let gone: Vec<_> = before.iter().filter(|line| !after.contains(line)).collect();
    assert_eq!(gone.len(), 1, "{gone:#?}");
    assert!(gone[0].contains("tasks_status_check"));
    let new: Vec<_> = after
        .iter()
        .filter(|line| !before.contains(line) && line.contains("public."))
        .collect();
    // Columns are told without the schema; so this is all of public but the three of chat messages.
    for (index, line) in OUR_INDEXES.iter().zip(&new) {
        assert!(line.contains(&format!("CREATE INDEX {index} ON")), "{line}");
    }
    assert_eq!(new.len(), OUR_INDEXES.len(), "{new:#?}");
    let columns = after
        .iter()
        .filter(|line| line.starts_with("column project_chat_messages."))
        .count();
    assert_eq!(columns, 7 + 3);
}

/// What the dashboard (as anon), its signed-in users and the Control API write, in the words they use.
const WRITERS: [(&str, &str); 12] = [
    (
        "anon",
        "INSERT INTO project_chat_messages (project_id, thread_id, author, message) VALUES ('front-office', '20000000-0000-0000-0000-000000000001', 'ui', 'Hello') RETURNING *",
    ),
    (
        "anon",
        "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) VALUES ('front-office', 'agent:ricky:main', 'A plan', 'task_proposal', '{}')",
    ),
    (
        "anon",
        "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) VALUES ('front-office', 'agent:ricky:main', 'No type', NULL, NULL)",
    ),
    (
        "anon",
        "INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key, status) VALUES ('front-office', '30000000-0000-0000-0000-000000000001', 'agent:main:main', 'queued') ON CONFLICT (message_id, target_agent_key) DO UPDATE SET status = excluded.status",
    ),
    (
        "anon",
        "UPDATE chat_delivery_queue SET status = 'delivered', picked_up_at = now() WHERE status = 'queued' RETURNING *",
    ),
    (
        "anon",
        "INSERT INTO task_events (project_id, task_id, event_type, author, content) VALUES ('front-office', '10000000-0000-0000-0000-000000000003', 'approval_resolved', 'dashboard', 'Approved')",
    ),
    (
        "anon",
        "INSERT INTO project_settings (project_id, key, value) VALUES ('front-office', 'labs_features', '{}') ON CONFLICT (project_id, key) DO UPDATE SET value = excluded.value",
    ),
    (
        "anon",
        "INSERT INTO cron_mirror (project_id, job_id, name) VALUES ('front-office', 'heartbeat-ricky', 'Beat') ON CONFLICT (project_id, job_id) DO UPDATE SET name = excluded.name",
    ),
    (
        "authenticated",
        "UPDATE tasks SET is_proposed = false, status = 'in_progress' WHERE id = '10000000-0000-0000-0000-000000000001'",
    ),
    (
        "authenticated",
        "INSERT INTO agent_status (project_id, agent_key, state) VALUES ('front-office', 'agent:main:main', 'working') ON CONFLICT (project_id, agent_key) DO UPDATE SET state = excluded.state",
    ),
    (
        "authenticated",
        "INSERT INTO brain_docs (project_id, agent_key, doc_type, content) VALUES ('front-office', 'project', 'mission', 'Sooner') ON CONFLICT (project_id, agent_key, doc_type) DO UPDATE SET content = excluded.content",
    ),
    (
        "authenticated",
        "UPDATE tasks SET status = 'stopped' WHERE id = '10000000-0000-0000-0000-000000000003'",
    ),
];

#[tokio::test]
async fn existing_writers_keep_working() {
    let (_database, pool) = existing_database().await;
    run(&pool, EXISTING_ROWS).await;
    migrate(&pool).await.unwrap();
    for (role, statement) in WRITERS {
        let written = try_run(&pool, &format!("SET ROLE {role}; {statement}; RESET ROLE")).await;
        assert!(
            written.as_ref().is_ok_and(|rows| *rows > 0),
            "{role}: {statement}: {written:?}"
        );
    }
    let moved = "SELECT bool_and(updated_at > created_at) FROM tasks WHERE status = 'stopped'";
    assert_eq!(text(&pool, moved).await, "true");
}
