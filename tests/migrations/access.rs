//! Who may do what: row security for clients, and roles with few rights that migrate.

use clawdos_bridge::store::migrate::{MIGRATOR, migrate};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use url::Url;

use crate::postgres::{TestDatabase, create_database, create_empty_database};
use crate::{EXISTING, EXISTING_ROWS, SUBSCRIBED, catalog, run, text, try_run};

/// As a client with that role: the rows touched, or none where it is refused.
async fn rows_as(pool: &PgPool, role: &str, statement: &str) -> u64 {
    let mut transaction = pool.begin().await.expect("a transaction begins");
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("SET LOCAL ROLE {role}")))
        .execute(&mut *transaction)
        .await
        .expect("the role exists");
    match sqlx::raw_sql(sqlx::AssertSqlSafe(statement.to_owned()))
        .execute(&mut *transaction)
        .await
    {
        Ok(done) => done.rows_affected(),
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42501") => 0,
        Err(error) => panic!("{error}, in: {statement}"),
    }
}

#[tokio::test]
async fn anon_may_do_what_the_plan_says_and_no_more() {
    let database = create_database().await;
    let pool = database.pool().await;
    run(&pool, EXISTING_ROWS).await;
    let task = "'10000000-0000-0000-0000-000000000003'";
    let event = format!(
        "INSERT INTO task_events (project_id, task_id, event_type, author) VALUES ('front-office', {task}, 'comment', 'ui')"
    );
    for (statement, rows) in [
        ("SELECT FROM task_events", 3),
        (event.as_str(), 1),
        ("UPDATE task_events SET content = 'forged'", 0),
        ("DELETE FROM task_events", 0),
        ("SELECT FROM project_chat_messages", 5),
        (
            "INSERT INTO project_chat_messages (project_id, author, message) VALUES ('p', 'ui', 'm')",
            1,
        ),
        ("UPDATE project_chat_messages SET status = 'approved'", 5),
        ("DELETE FROM project_chat_messages", 0),
        ("SELECT FROM chat_delivery_queue", 4),
        (
            "INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key)
            VALUES ('p', '30000000-0000-0000-0000-000000000003', 'agent:main:main')",
            1,
        ),
        ("UPDATE chat_delivery_queue SET status = 'queued'", 4),
        ("DELETE FROM chat_delivery_queue", 0),
        ("SELECT FROM tasks", 0),
        ("SELECT FROM projects", 0),
        ("UPDATE tasks SET status = 'done'", 0),
        ("SELECT FROM mentions", 0),
        ("SELECT FROM agent_mention_cursor", 0),
    ] {
        assert_eq!(rows_as(&pool, "anon", statement).await, rows, "{statement}");
    }
    assert_eq!(
        rows_as(&pool, "authenticated", "SELECT FROM tasks").await,
        6
    );
    assert_eq!(
        rows_as(&pool, "service_role", "DELETE FROM task_events").await,
        3
    );
}

#[tokio::test]
async fn every_table_has_row_security() {
    let database = create_database().await;
    let pool = database.pool().await;
    let open = "SELECT string_agg(schemaname || '.' || tablename, ', ') FROM pg_tables
         WHERE schemaname IN ('public', 'bridge') AND tablename <> '_sqlx_migrations' AND NOT rowsecurity";
    assert_eq!(text(&pool, open).await, "null");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(text(&pool, tables).await, "25");
}

#[tokio::test]
async fn the_bridges_own_tables_are_closed_and_not_published() {
    let database = create_database().await;
    let pool = database.pool().await;
    for table in [
        "view",
        "channel",
        "link",
        "mode_log",
        "executor_turn",
        "gap",
    ] {
        for role in ["anon", "authenticated", "service_role"] {
            let error = try_run(
                &pool,
                &format!("SET ROLE {role}; SELECT FROM bridge.{table}"),
            )
            .await;
            let error = error.expect_err("it is refused").to_string();
            assert!(
                error.contains("permission denied for schema bridge"),
                "{error}"
            );
            run(&pool, "RESET ROLE").await;
        }
    }
    let published = "SELECT count(*) FROM pg_publication_tables WHERE schemaname = 'bridge'";
    assert_eq!(text(&pool, published).await, "0");
    let others = "SELECT count(*) FROM pg_publication_tables WHERE pubname = 'supabase_realtime'";
    assert_eq!(
        text(&pool, others).await,
        (SUBSCRIBED.len() + 1).to_string()
    );
}

#[tokio::test]
async fn a_discord_message_is_the_view_of_one_part_only() {
    let database = create_database().await;
    let pool = database.pool().await;
    let insert = |entity: &str, message: &str, state: &str| {
        format!(
            "INSERT INTO bridge.view (project_id, kind, entity_id, surface, part, channel_id, message_id, state)
             VALUES ('p', 'message', '{entity}', 'room', 0, 1, {message}, '{state}')"
        )
    };
    run(&pool, &insert("a", "7", "sent")).await;
    run(&pool, &insert("b", "NULL", "sending")).await;
    run(&pool, &insert("c", "NULL", "sending")).await;
    assert!(try_run(&pool, &insert("d", "7", "sent")).await.is_err());
    assert!(try_run(&pool, &insert("a", "8", "sent")).await.is_err());
    assert!(try_run(&pool, &insert("e", "9", "lost")).await.is_err());
}

/// A pool of a new role that may log in and nothing more. The role goes with the test's server.
async fn plain_role(database: &TestDatabase, pool: &PgPool, name: &str) -> PgPool {
    run(
        pool,
        &format!("DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD 'plain'"),
    )
    .await;
    let mut url = Url::parse(database.url()).unwrap();
    url.set_username(name).unwrap();
    url.set_password(Some("plain")).unwrap();
    PgPoolOptions::new()
        .max_connections(2)
        .connect_lazy(url.as_str())
        .unwrap()
}

async fn forget_role(pool: &PgPool, name: &str) {
    run(
        pool,
        &format!(
            "REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}"
        ),
    )
    .await;
}

#[tokio::test]
async fn a_role_that_owns_its_tables_needs_no_superuser() {
    let database = create_empty_database().await;
    let admin = database.pool().await;
    run(&admin, EXISTING).await;
    run(&admin, EXISTING_ROWS).await;
    let owner = plain_role(&database, &admin, "bridge_test_owner").await;
    run(
        &admin,
        "DO $$ DECLARE t text; BEGIN
            EXECUTE format('GRANT CREATE ON DATABASE %I TO bridge_test_owner', current_database());
            GRANT CREATE ON SCHEMA public TO bridge_test_owner;
            FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                EXECUTE format('ALTER TABLE public.%I OWNER TO bridge_test_owner', t);
            END LOOP;
         END $$;
         DROP TABLE skill_requests, mentions;
         ALTER PUBLICATION supabase_realtime DROP TABLE tasks",
    )
    .await;
    assert_eq!(migrate(&owner).await.unwrap(), MIGRATOR.iter().count());
    run(&owner, "UPDATE tasks SET status = 'stopped'").await;
    run(&owner, "SELECT FROM bridge.view").await;
    let shape = catalog(&admin).await.join("\n");
    assert!(shape.contains("row security on public.skill_requests"));
    assert!(
        !shape.contains("published public.tasks\n"),
        "the publication is not theirs"
    );

    // Roles that it may not make, and policies for them, are left out without a word of failure.
    run(
        &owner,
        "CREATE TABLE made_up (id int); SELECT bridge.ensure_role('bridge_test_made_up', 'NOLOGIN');
         SELECT bridge.open_table('made_up', 'bridge_test_made_up', '{SELECT}')",
    )
    .await;
    assert_eq!(
        text(&admin, "SELECT to_regrole('bridge_test_made_up')").await,
        "null"
    );
    let policies = "SELECT count(*) FROM pg_policies WHERE tablename = 'made_up'";
    assert_eq!(text(&admin, policies).await, "0");
    owner.close().await;
    forget_role(&admin, "bridge_test_owner").await;
}

#[tokio::test]
async fn a_role_without_create_is_told_what_to_grant() {
    let database = create_empty_database().await;
    let admin = database.pool().await;
    let guest = plain_role(&database, &admin, "bridge_test_guest").await;
    let error = migrate(&guest).await.unwrap_err().to_string();
    for part in [
        "The database role `bridge_test_guest` may not set up the schema: permission denied for database",
        "GRANT CREATE ON DATABASE \"bridge_test_",
        "GRANT CREATE ON SCHEMA public TO \"bridge_test_guest\"",
    ] {
        assert!(error.contains(part), "{error}");
    }

    // Tables of somebody else: no grant helps.
    run(&admin, EXISTING).await;
    run(
        &admin,
        "DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO bridge_test_guest', current_database()); END $$",
    )
    .await;
    let error = migrate(&guest).await.unwrap_err().to_string();
    assert!(
        error.ends_with("Let DATABASE_URL name the role that owns the ClawdOS tables."),
        "{error}"
    );
    guest.close().await;
    forget_role(&admin, "bridge_test_guest").await;
}

#[tokio::test]
async fn a_role_without_rights_may_find_that_nothing_is_missing() {
    let database = create_database().await;
    let admin = database.pool().await;
    let reader = plain_role(&database, &admin, "bridge_test_reader").await;
    run(
        &admin,
        "GRANT USAGE ON SCHEMA bridge TO bridge_test_reader;
         GRANT SELECT ON bridge._sqlx_migrations TO bridge_test_reader",
    )
    .await;
    assert_eq!(migrate(&reader).await.unwrap(), 0);
    reader.close().await;
    forget_role(&admin, "bridge_test_reader").await;
}
