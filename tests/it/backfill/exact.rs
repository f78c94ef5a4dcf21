//! What becomes of each row.

use serde_json::{Value, json};
use sqlx::types::Json;

use super::Stage;
use crate::harness::postgres::create_empty_database;
use crate::harness::wait::eventually;

/// A `ClawdOS` database as installations have it, with rows in every table.
const EXISTING: &str = include_str!("../../fixtures/clawdos_existing.sql");
const EXISTING_ROWS: &str = include_str!("../../fixtures/clawdos_existing_rows.sql");

/// Whoever says what, in every shape that a column allows.
const OLD_ROWS: &str = "
    INSERT INTO tasks (id, project_id, title, deleted_at) VALUES
        ('10000000-0000-0000-0000-0000000000bb', 'front-office', 'Deleted', now()),
        ('10000000-0000-0000-0000-0000000000cc', 'claw-solutions', 'Of others', NULL);
    INSERT INTO task_comments (id, project_id, task_id, author_agent_key, content, created_at) VALUES
        ('40000000-0000-0000-0000-000000000001', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            'agent:ricky:main', E'Zwei\\nZeilen \\u2713 \\U0001F600', '2025-03-04 05:06:07.891234+00'),
        ('40000000-0000-0000-0000-000000000002', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            NULL, '', '2025-03-04 05:06:07.891234+00'),
        ('40000000-0000-0000-0000-000000000003', 'front-office', '10000000-0000-0000-0000-0000000000bb',
            'somebody', '{\"json\": \"$(echo no)\"}', 'infinity'),
        ('40000000-0000-0000-0000-000000000004', 'claw-solutions', '10000000-0000-0000-0000-0000000000cc',
            NULL, 'Of another project', now()),
        ('40000000-0000-0000-0000-000000000005', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            NULL, 'Carried', now()),
        ('40000000-0000-0000-0000-000000000006', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            NULL, 'Carried in another task only', '0044-03-15 12:00:00+00 BC');
    INSERT INTO task_outputs (id, project_id, task_id, output_type, title, content_text, storage_path, link_url,
            mime_type, created_by, created_at) VALUES
        ('50000000-0000-0000-0000-000000000001', 'front-office', '10000000-0000-0000-0000-0000000000aa', 'file',
            'Plan', 'The plan', 'outputs/plan.pdf', 'https://example.com/plan', 'application/pdf', 'agent:main:main',
            '2025-03-04 05:06:08.000001+00'),
        ('50000000-0000-0000-0000-000000000002', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            'log_summary', NULL, NULL, NULL, NULL, NULL, NULL, '-infinity'),
        ('50000000-0000-0000-0000-000000000003', 'claw-solutions', '10000000-0000-0000-0000-0000000000cc',
            'link', NULL, NULL, NULL, 'https://example.com', NULL, NULL, now());
    INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) VALUES
        ('front-office', '10000000-0000-0000-0000-0000000000aa', 'comment', 'ui', 'Carried',
            '{\"legacy_comment_id\": \"40000000-0000-0000-0000-000000000005\", \"by\": \"somebody else\"}'),
        ('front-office', '10000000-0000-0000-0000-0000000000bb', 'comment', 'ui', 'Elsewhere',
            '{\"legacy_comment_id\": \"40000000-0000-0000-0000-000000000006\", \"by\": \"somebody else\"}'),
        ('front-office', '10000000-0000-0000-0000-0000000000bb', 'comment', 'ui', 'Odd', '[\"legacy_comment_id\"]'),
        ('front-office', '10000000-0000-0000-0000-0000000000bb', 'comment', 'ui', 'Odder', '7'),
        ('front-office', '10000000-0000-0000-0000-0000000000bb', 'comment', 'ui', NULL, NULL)";

#[tokio::test]
async fn every_column_of_an_old_row_is_in_its_event_once() {
    let stage = Stage::new().await;
    stage.run(OLD_ROWS).await;
    let before = stage.contents("public").await;
    let ended = stage.backfill(&[]).await;
    ended
        .code(0)
        .says("task_comments 5 there: 4 converted, 1 carried by an event already\n")
        .says("task_outputs  2 there: 2 converted, 0 carried by an event already\n")
        .says("Everything is in task_events; the old tables are as they were.");

    let task = |last: &str| format!("10000000-0000-0000-0000-0000000000{last}");
    let comment = |n: u8, task: String, author: &str, text: &str, at: &str| {
        let id = format!("40000000-0000-0000-0000-00000000000{n}");
        json!(["front-office", task, "comment", author, text, { "legacy_comment_id": id }, at])
    };
    let expected = json!([
        ["front-office", task("aa"), "output_added", "ui", null,
            { "legacy_output_id": "50000000-0000-0000-0000-000000000002", "output_type": "log_summary" }, "-infinity"],
        comment(6, task("aa"), "ui", "Carried in another task only", "0044-03-15 12:00:00+00 BC"),
        comment(1, task("aa"), "agent:ricky:main", "Zwei\nZeilen ✓ 😀", "2025-03-04 05:06:07.891234+00"),
        comment(2, task("aa"), "ui", "", "2025-03-04 05:06:07.891234+00"),
        ["front-office", task("aa"), "output_added", "agent:main:main", "The plan", {
            "legacy_output_id": "50000000-0000-0000-0000-000000000001", "output_type": "file", "title": "Plan",
            "storage_path": "outputs/plan.pdf", "link_url": "https://example.com/plan",
            "mime_type": "application/pdf" }, "2025-03-04 05:06:08.000001+00"],
        comment(3, task("bb"), "somebody", "{\"json\": \"$(echo no)\"}", "infinity"),
    ]);
    let new: Json<Value> = sqlx::query_scalar(
        "SELECT jsonb_agg(jsonb_build_array(project_id, task_id, event_type, author, content, metadata,
                created_at::text) ORDER BY created_at, metadata ->> 'legacy_comment_id')
         FROM task_events WHERE jsonb_typeof(metadata) = 'object' AND NOT metadata ? 'by'",
    )
    .fetch_one(&stage.pool)
    .await
    .unwrap();
    assert_eq!(new.0, expected);

    // Nothing else has changed, and a second run changes nothing at all.
    let first = stage.contents("public").await;
    for (table, rows) in &before {
        let same = &first[table][..rows.len()];
        assert_eq!(same, &rows[..], "{table}");
        assert!(
            table == "task_events" || first[table].len() == rows.len(),
            "{table}"
        );
    }
    let again = stage.backfill(&["--batch", "1"]).await;
    again
        .code(0)
        .says("task_comments 5 there: 0 converted, 5 carried by an event already\n")
        .says("task_outputs  2 there: 0 converted, 2 carried by an event already\n");
    assert_eq!(stage.contents("public").await, first);
}

#[tokio::test]
async fn a_dry_run_counts_and_changes_nothing() {
    let database = create_empty_database().await;
    let stage = Stage::on(database).await;
    let empty = stage.backfill(&["--dry-run"]).await;
    empty.code(1);
    assert!(
        empty.progress.contains("run clawdos-bridge migrate"),
        "{}",
        empty.progress
    );
    stage.run(EXISTING).await;
    stage.run(EXISTING_ROWS).await;
    let before = stage.contents("public").await;
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname = 'bridge'";
    assert_eq!(stage.number(schemas).await, 0);
    stage
        .backfill(&["--dry-run"])
        .await
        .code(0)
        .says("task_comments 2 there: 1 to convert, 1 carried by an event already\n")
        .says("task_outputs  2 there: 2 to convert, 0 carried by an event already\n")
        .says("Nothing was changed.");
    assert_eq!(stage.number(schemas).await, 0, "it was not even migrated");
    assert_eq!(stage.contents("public").await, before);
}

#[tokio::test]
async fn an_existing_database_is_migrated_and_keeps_its_old_tables_to_the_byte() {
    let database = create_empty_database().await;
    let stage = Stage::on(database).await;
    stage.run(EXISTING).await;
    stage.run(EXISTING_ROWS).await;
    let before = stage.contents("public").await;
    let files =
        "SELECT string_agg(pg_relation_filenode(oid)::text, ' ' ORDER BY relname) FROM pg_class
                 WHERE relname IN ('task_comments', 'task_outputs')";
    let of_files = || async {
        let files: String = sqlx::query_scalar(files)
            .fetch_one(&stage.pool)
            .await
            .unwrap();
        files
    };
    let files_before = of_files().await;
    stage
        .backfill(&[])
        .await
        .code(0)
        .says("task_comments 2 there: 1 converted, 1 carried by an event already\n")
        .says("task_outputs  2 there: 2 converted, 0 carried by an event already\n");
    let after = stage.contents("public").await;
    for table in ["task_comments", "task_outputs"] {
        assert_eq!(after[table], before[table], "{table}");
    }
    assert_eq!(of_files().await, files_before);
    assert_eq!(after["task_events"].len(), before["task_events"].len() + 3);
}

/// A bridge that shows the old row shows the event from then on, under the same message.
#[tokio::test]
async fn what_a_bridge_shows_of_a_row_shows_its_event() {
    let stage = Stage::with_comments(4).await;
    add_views(&stage).await;
    stage.backfill(&[]).await.code(0).says("4 converted");
    let views: Vec<(String, String, i16, Option<i64>, String)> = sqlx::query_as(
        "SELECT v.kind, coalesce(e.content, c.content), v.part, v.message_id, v.project_id FROM bridge.view v
         LEFT JOIN task_events e ON v.entity_id = e.id::text AND v.kind = 'task_event'
         LEFT JOIN task_comments c ON v.entity_id = c.id::text AND v.kind = 'task_comment'
         ORDER BY v.message_id NULLS LAST",
    )
    .fetch_all(&stage.pool)
    .await
    .unwrap();
    let view = |kind: &str, text: &str, part, message, project: &str| {
        (
            kind.to_owned(),
            text.to_owned(),
            part,
            message,
            project.to_owned(),
        )
    };
    assert_eq!(
        views,
        [
            view("task_event", "Comment 1", 0, Some(101), "front-office"),
            view("task_event", "Comment 1", 1, Some(102), "front-office"),
            view("task_event", "Comment 2", 0, Some(103), "front-office"),
            view("task_comment", "Comment 3", 0, Some(104), "claw-solutions"),
            view("task_event", "Comment 4", 0, None, "front-office"),
        ]
    );
}

/// Views of a text in two parts, of a person's message, of another project, and of one that Discord refuses.
async fn add_views(stage: &Stage) {
    stage
        .run(
            "INSERT INTO bridge.view (project_id, kind, entity_id, surface, part, channel_id, message_id, author_kind,
                                      state)
             SELECT project, 'task_comment', '40000000-0000-0000-0000-00000000000' || comment,
                    'task-10000000-0000-0000-0000-0000000000aa', part, 9, message, author, state
             FROM (VALUES ('front-office', 1, 0, 101, 'webhook', 'sent'), ('front-office', 1, 1, 102, 'webhook', 'sent'),
                          ('front-office', 2, 0, 103, 'person', 'sent'), ('claw-solutions', 3, 0, 104, 'bot', 'sent'),
                          ('front-office', 4, 0, NULL, 'bot', 'failed'))
                 AS v(project, comment, part, message, author, state)",
        )
        .await;
}

#[tokio::test]
async fn a_row_that_a_bridge_is_sending_just_now_waits_until_it_is_sent() {
    let stage = Stage::with_comments(3).await;
    stage
        .run(
            "INSERT INTO bridge.view (project_id, kind, entity_id, surface, part, channel_id, state)
             VALUES ('front-office', 'task_comment', '40000000-0000-0000-0000-000000000002',
                     'task-10000000-0000-0000-0000-0000000000aa', 0, 9, 'sending')",
        )
        .await;
    let run = stage.begin(&[]);
    eventually("the two others", || async {
        let converted = stage.converted().await;
        (converted == 2).then_some(()).ok_or(converted)
    })
    .await;
    stage
        .run("UPDATE bridge.view SET state = 'sent', message_id = 7")
        .await;
    super::end(run)
        .await
        .code(0)
        .says("3 there: 3 converted, 0 carried");
    stage.is_exact().await;
    let moved = "SELECT count(*) FROM bridge.view v JOIN task_events e ON v.entity_id = e.id::text
                 WHERE v.kind = 'task_event' AND v.message_id = 7";
    assert_eq!(stage.number(moved).await, 1);
}
