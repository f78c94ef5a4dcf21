//! `ClawdOS` databases that are not quite as they should be.

use clawdos_bridge::store::migrate::{MigrationError, migrate};

use crate::{
    EXISTING_ROWS, SUBSCRIBED, assert_same, catalog, existing_database, migrated_catalog, run, text,
};

/// What a database lacks, and what makes it so.
const SHAPES: [(&str, &str); 8] = [
    (
        "without set_updated_at(), and what five migrations lost with it",
        "DROP FUNCTION set_updated_at() CASCADE;
         DROP TABLE skill_requests, project_settings;
         ALTER TABLE skills_mirror DROP COLUMN extra_json;
         ALTER PUBLICATION supabase_realtime SET TABLE tasks, agents, activities",
    ),
    ("without a publication", "DROP PUBLICATION supabase_realtime"),
    (
        "with an empty publication and no function at all",
        "DROP PUBLICATION supabase_realtime; CREATE PUBLICATION supabase_realtime;
         DROP FUNCTION set_updated_at() CASCADE; DROP FUNCTION update_updated_at_column() CASCADE",
    ),
    (
        "without the columns that came later",
        "ALTER TABLE projects DROP COLUMN tag;
         ALTER TABLE tasks DROP COLUMN is_proposed, DROP COLUMN rejected_at, DROP COLUMN rejected_reason,
            DROP COLUMN blocked_reason, DROP COLUMN blocked_at, DROP COLUMN context_snapshot,
            DROP COLUMN deleted_at, DROP COLUMN deleted_by;
         ALTER TABLE activities DROP COLUMN summary;
         ALTER TABLE agents DROP COLUMN agent_id_short, DROP COLUMN workspace_path, DROP COLUMN provisioned,
            DROP COLUMN purpose_text, DROP COLUMN description;
         ALTER TABLE project_documents DROP COLUMN agent_key, DROP COLUMN pinned, DROP COLUMN doc_type,
            DROP COLUMN sensitivity, DROP COLUMN doc_notes;
         ALTER TABLE cron_mirror DROP COLUMN target_agent_key, DROP COLUMN job_intent, DROP COLUMN context_policy,
            DROP COLUMN ui_label;
         ALTER TABLE cron_create_requests DROP COLUMN target_agent_key, DROP COLUMN job_intent, DROP COLUMN context_policy",
    ),
    (
        "without keys and indexes",
        "ALTER TABLE chat_delivery_queue DROP CONSTRAINT uq_chat_delivery_message_agent,
            DROP CONSTRAINT chat_delivery_queue_message_id_fkey;
         ALTER TABLE task_events DROP CONSTRAINT task_events_task_id_fkey;
         ALTER TABLE task_outputs DROP CONSTRAINT task_outputs_project_id_fkey;
         ALTER TABLE agents DROP CONSTRAINT agents_project_id_agent_key_key;
         DROP INDEX mentions_dedup, cron_mirror_project_job_idx, tasks_proposed_idx, idx_chat_delivery_queue_status",
    ),
    (
        "where anon may not update chat messages and nobody secured the timeline",
        "DROP POLICY project_chat_messages_update_anon ON project_chat_messages;
         DROP POLICY task_events_insert_anon ON task_events; DROP POLICY task_events_select_anon ON task_events;
         ALTER TABLE task_events DISABLE ROW LEVEL SECURITY",
    ),
    (
        "with the board but no chat",
        "DROP TABLE chat_delivery_queue, project_chat_messages, project_chat_threads, task_events, mentions CASCADE",
    ),
    (
        "with the projects alone",
        "DO $$ DECLARE name text; BEGIN
            FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'projects' LOOP
                EXECUTE format('DROP TABLE public.%I CASCADE', name);
            END LOOP;
         END $$",
    ),
];

#[tokio::test]
async fn every_drifted_shape_is_completed() {
    let whole = migrated_catalog().await;
    for (name, drift) in SHAPES {
        let (_database, pool) = existing_database().await;
        run(&pool, drift).await;
        migrate(&pool)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut now = catalog(&pool).await;
        // A table that the bridge makes has the CHECK in its short form.
        let long = whole
            .iter()
            .find(|line| line.contains("tasks_status_check"))
            .unwrap();
        for line in &mut now {
            if line.contains("tasks_status_check") && line.contains("'stopped'::text]") {
                line.clone_from(long);
            }
        }
        assert_same(&now, &whole, name);
    }
}

#[tokio::test]
async fn constraints_that_old_rows_break_are_left_out_and_the_rest_is_done() {
    let (_database, pool) = existing_database().await;
    run(&pool, EXISTING_ROWS).await;
    run(
        &pool,
        "ALTER TABLE chat_delivery_queue DROP CONSTRAINT uq_chat_delivery_message_agent;
         ALTER TABLE task_events DROP CONSTRAINT task_events_task_id_fkey;
         ALTER TABLE brain_docs DROP COLUMN agent_key;
         INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key)
            SELECT project_id, message_id, target_agent_key FROM chat_delivery_queue;
         INSERT INTO task_events (project_id, task_id, event_type, author) VALUES ('gone', gen_random_uuid(), 'comment', 'ui');
         ALTER TABLE task_outputs DROP CONSTRAINT task_outputs_task_id_fkey",
    )
    .await;
    migrate(&pool).await.unwrap();
    let shape = catalog(&pool).await.join("\n");
    assert!(!shape.contains("uq_chat_delivery_message_agent"));
    assert!(!shape.contains("task_events_task_id_fkey"));
    assert!(shape.contains("task_outputs_task_id_fkey"));
    assert!(shape.contains("brain_docs_project_id_agent_key_doc_type_key"));
    assert_eq!(
        text(&pool, "SELECT count(*) FROM chat_delivery_queue").await,
        "8"
    );
    assert_eq!(text(&pool, "SELECT count(*) FROM task_events").await, "4");
}

#[tokio::test]
async fn a_status_check_keeps_what_it_allowed() {
    let (_database, pool) = existing_database().await;
    run(
        &pool,
        "ALTER TABLE tasks DROP CONSTRAINT tasks_status_check;
         ALTER TABLE tasks ADD CONSTRAINT \"their check\" CHECK (lower(status) IN ('inbox', 'done', 'archived'));
         INSERT INTO projects (id, name) VALUES ('p', 'P');
         INSERT INTO tasks (project_id, title, status) VALUES ('p', 'old', 'ARCHIVED')",
    )
    .await;
    migrate(&pool).await.unwrap();
    let definition = "SELECT string_agg(conname || ' ' || convalidated || ' ' || pg_get_constraintdef(oid), '; ')
         FROM pg_constraint WHERE conrelid = 'tasks'::regclass AND contype = 'c'";
    assert_eq!(
        text(&pool, definition).await,
        "their check true CHECK (((lower(status) = ANY (ARRAY['inbox'::text, 'done'::text, 'archived'::text])) \
         OR (status = 'stopped'::text)))"
    );
}

#[tokio::test]
async fn a_status_check_that_knows_stopped_is_not_touched() {
    for check in [
        "CHECK (status IN ('inbox', 'done', 'stopped'))",
        "CHECK (status <> '')",
    ] {
        let (_database, pool) = existing_database().await;
        run(
            &pool,
            &format!(
                "ALTER TABLE tasks DROP CONSTRAINT tasks_status_check;
                 ALTER TABLE tasks ADD CONSTRAINT theirs {check}"
            ),
        )
        .await;
        let identity = "SELECT string_agg(oid::text, ',') FROM pg_constraint
             WHERE conrelid = 'tasks'::regclass AND contype = 'c'";
        let before = text(&pool, identity).await;
        migrate(&pool).await.unwrap();
        assert_eq!(text(&pool, identity).await, before, "{check}");
    }
}

#[tokio::test]
async fn a_publication_that_has_everything_is_left_as_it_is() {
    for everything in ["FOR ALL TABLES", "FOR TABLES IN SCHEMA public"] {
        let (_database, pool) = existing_database().await;
        run(
            &pool,
            &format!(
                "DROP PUBLICATION supabase_realtime; CREATE PUBLICATION supabase_realtime {everything};
                 DROP TABLE skill_requests, task_events"
            ),
        )
        .await;
        migrate(&pool).await.unwrap();
        let listed = "SELECT count(*) FROM pg_publication_rel";
        assert_eq!(text(&pool, listed).await, "0", "{everything}");
        let shape = catalog(&pool).await.join("\n");
        assert!(
            shape.contains("published public.task_events"),
            "{everything}"
        );
    }
}

#[tokio::test]
async fn every_subscribed_table_is_published_and_has_a_key() {
    let (_database, pool) = existing_database().await;
    run(&pool, "DROP PUBLICATION supabase_realtime").await;
    migrate(&pool).await.unwrap();
    for table in SUBSCRIBED {
        let published = format!(
            "SELECT count(*) FROM pg_publication_tables
             JOIN pg_index ON indrelid = format('public.%I', tablename)::regclass AND indisprimary
             WHERE pubname = 'supabase_realtime' AND tablename = '{table}'"
        );
        assert_eq!(text(&pool, &published).await, "1", "{table}");
    }
}

#[tokio::test]
async fn a_table_without_a_key_stays_writable_rather_than_published() {
    let (_database, pool) = existing_database().await;
    run(&pool, EXISTING_ROWS).await;
    run(
        &pool,
        "ALTER PUBLICATION supabase_realtime DROP TABLE skills_mirror;
         ALTER TABLE skills_mirror DROP CONSTRAINT skills_mirror_pkey",
    )
    .await;
    migrate(&pool).await.unwrap();
    run(&pool, "UPDATE skills_mirror SET name = 'Rain'").await;
    let published = "SELECT count(*) FROM pg_publication_tables WHERE tablename = 'skills_mirror'";
    assert_eq!(text(&pool, published).await, "0");
}

#[tokio::test]
async fn a_door_that_the_owner_shut_or_opened_stays_so() {
    let (_database, pool) = existing_database().await;
    run(
        &pool,
        "DROP POLICY chat_delivery_queue_insert_anon ON chat_delivery_queue;
         DROP POLICY chat_delivery_queue_select_anon ON chat_delivery_queue;
         ALTER POLICY chat_delivery_queue_update_anon ON chat_delivery_queue TO authenticated;
         DROP POLICY \"Anyone can read project settings\" ON project_settings;
         ALTER TABLE tasks DISABLE ROW LEVEL SECURITY",
    )
    .await;
    migrate(&pool).await.unwrap();
    let shape = catalog(&pool).await.join("\n");
    assert!(!shape.contains("policy on public.chat_delivery_queue for SELECT"));
    assert!(!shape.contains("policy on public.chat_delivery_queue for INSERT"));
    assert!(!shape.contains("policy on public.project_settings for SELECT"));
    assert!(!shape.contains("row security on public.tasks"));
    assert!(shape.contains("row security on public.task_events"));
}

#[tokio::test]
async fn a_table_in_use_is_not_waited_for_for_ever() {
    let (_database, pool) = existing_database().await;
    let mut reader = pool.begin().await.unwrap();
    sqlx::raw_sql("SELECT FROM project_chat_messages")
        .execute(&mut *reader)
        .await
        .unwrap();
    let error = migrate(&pool).await.unwrap_err();
    assert!(matches!(error, MigrationError::Busy), "{error}");
    reader.rollback().await.unwrap();
    migrate(&pool).await.unwrap();
    assert_same(&catalog(&pool).await, &migrated_catalog().await, "finished");
}
