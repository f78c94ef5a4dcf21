//! A database that is not as it should be.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::PgPool;

use super::{TABLES, begin, examine, examine_world, probe_rows};
use crate::harness::outage::database_on;
use crate::harness::postgres::{Server, create_empty_database};
use crate::harness::world::World;

/// Runs statements; several in one string are one transaction.
async fn execute(pool: &PgPool, sql: &'static str) {
    let done = sqlx::raw_sql(sql).execute(pool).await;
    done.expect("the database does it");
}

#[tokio::test]
async fn a_table_that_nobody_announces_is_named_with_its_fix() {
    let world = World::without_bridge().await;
    execute(
        world.pool(),
        "ALTER PUBLICATION supabase_realtime DROP TABLE task_events",
    )
    .await;
    let found = examine_world(&world).await;
    assert_eq!(
        (found.code, found.latencies()),
        (Some(1), TABLES - 1),
        "{}",
        found.text
    );
    assert!(
        found.says("publication").contains("public.task_events"),
        "{}",
        found.text
    );
    assert_eq!(
        found.step("publication"),
        "Run ALTER PUBLICATION supabase_realtime ADD TABLE public.task_events"
    );
    assert!(found.says("task_events").starts_with("failure"));

    // The fix that it names is one.
    execute(
        world.pool(),
        "ALTER PUBLICATION supabase_realtime ADD TABLE public.task_events;
         ALTER TABLE agents DISABLE ROW LEVEL SECURITY",
    )
    .await;
    let found = examine_world(&world).await;
    assert_eq!(
        (found.code, found.latencies()),
        (Some(0), TABLES),
        "{}",
        found.text
    );
    assert_eq!(found.says("row security"), "warning: off for agents");
    assert!(
        found
            .step("row security")
            .contains("ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY")
    );
    assert_eq!(probe_rows(world.pool()).await, 0);
}

#[tokio::test]
async fn a_table_that_takes_no_probe_is_told_in_the_databases_words() {
    let world = World::without_bridge().await;
    execute(
        world.pool(),
        "ALTER TABLE skills_mirror ADD CONSTRAINT no_more CHECK (false) NOT VALID;
         ALTER TABLE brain_docs ADD CONSTRAINT no_more CHECK (false) NOT VALID;
         CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
         CREATE TRIGGER stays BEFORE DELETE ON agents FOR EACH ROW EXECUTE FUNCTION stays()",
    )
    .await;
    let found = examine_world(&world).await;
    assert_eq!(found.code, Some(1), "{}", found.text);
    // The bridge only reads this one, and writes to the other.
    assert!(
        found
            .says("skills_mirror")
            .starts_with("warning: not probed"),
        "{}",
        found.text
    );
    assert!(found.says("skills_mirror").contains("no_more"));
    assert!(found.says("brain_docs").starts_with("failure: not probed"));
    // A row that would stay is not committed.
    assert!(
        found.says("agents").starts_with("warning: not probed"),
        "{}",
        found.text
    );
    assert_eq!(
        (found.latencies(), probe_rows(world.pool()).await),
        (TABLES - 3, 0)
    );
}

#[tokio::test]
async fn a_database_of_somebody_else_is_looked_at_and_not_changed() {
    let empty = create_empty_database().await;
    let folder = tempfile::tempdir().unwrap();
    let environment = [("DATABASE_URL", empty.url())];
    let found = examine(folder.path(), &["--json"], &environment).await;
    assert_eq!(found.code, Some(1), "{}", found.text);
    assert!(found.says("migrations").contains(" are missing: 1 helpers"));
    assert_eq!(found.step("migrations"), "Run clawdos-bridge migrate.");
    assert!(
        found.says("publication").contains("does not exist"),
        "{}",
        found.text
    );
    let pool = empty.pool().await;
    let made: i64 =
        sqlx::query_scalar("SELECT count(*) FROM pg_namespace WHERE nspname = 'bridge'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(made, 0, "nothing was made");
    assert!(
        found.says("token").starts_with("ok"),
        "the sandbox was started for it"
    );
}

#[tokio::test]
async fn what_replication_lacks_is_said_before_anything_is_probed() {
    let server = Server::start("replica");
    let mut world = World::on(database_on(&server).await).await;
    let found = examine_world(&world).await;
    assert_eq!(
        (found.code, found.latencies()),
        (Some(1), 0),
        "{}",
        found.text
    );
    assert!(found.says("wal_level").contains("wal_level is replica"));
    assert!(
        found
            .step("wal_level")
            .contains("ALTER SYSTEM SET wal_level = 'logical'")
    );
    assert!(found.says("all tables").starts_with("failure: not probed"));

    execute(
        world.pool(),
        "CREATE ROLE modest LOGIN PASSWORD 'modest';
         GRANT USAGE ON SCHEMA public, bridge TO modest;
         GRANT SELECT, INSERT, DELETE ON ALL TABLES IN SCHEMA public, bridge TO modest",
    )
    .await;
    let mut url = url::Url::parse(world.database_url()).unwrap();
    url.set_username("modest").unwrap();
    url.set_password(Some("modest")).unwrap();
    world.set("DATABASE_URL", url.as_str());
    let found = examine_world(&world).await;
    assert!(
        found
            .step("replication right")
            .contains("ALTER ROLE modest REPLICATION"),
        "{}",
        found.text
    );

    url.set_password(Some("wrong")).unwrap();
    world.set("DATABASE_URL", url.as_str());
    let found = examine_world(&world).await;
    assert!(
        found.says("connection").starts_with("failure"),
        "{}",
        found.text
    );
    assert!(!found.text.contains("wrong"), "{}", found.text);
}

#[tokio::test]
async fn a_database_that_is_away_hides_nothing_else() {
    let mut world = World::without_bridge().await;
    world.set("DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/d");
    let found = examine_world(&world).await;
    assert_eq!(found.code, Some(1));
    assert!(
        found.says("connection").starts_with("failure"),
        "{}",
        found.text
    );
    assert!(found.says("token").starts_with("ok"), "{}", found.text);
    assert!(!found.text.contains("hunter2"));
}

#[tokio::test]
async fn without_a_feed_nothing_is_probed() {
    let world = World::without_bridge().await;
    world.configure("[feed]\nkind = \"off\"\n");
    let found = examine_world(&world).await;
    assert_eq!(
        (found.code, found.latencies()),
        (Some(0), 0),
        "{}",
        found.text
    );
    assert!(
        found
            .says("change feed")
            .starts_with("warning: switched off")
    );
}

#[tokio::test]
async fn whenever_it_is_killed_no_row_stays_behind() {
    let world = World::without_bridge().await;
    for (table, signal) in [
        ("LOCK TABLE task_comments IN SHARE MODE", Signal::SIGKILL),
        ("LOCK TABLE tasks IN SHARE MODE", Signal::SIGKILL),
        ("LOCK TABLE skills_mirror IN SHARE MODE", Signal::SIGTERM),
    ] {
        // Holds the doctor in the middle of a probe.
        let mut holding = world.pool().begin().await.unwrap();
        sqlx::raw_sql(table).execute(&mut *holding).await.unwrap();
        let mut doctor = begin(&world.data_dir(), &[], &world.environment());
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'clawdos-bridge doctor'
                 AND wait_event_type = 'Lock')";
        world.database_says(waits, true).await;
        let pid = doctor.id().and_then(|pid| i32::try_from(pid).ok());
        kill(Pid::from_raw(pid.unwrap()), signal).unwrap();
        holding.rollback().await.unwrap();
        doctor.wait().await.unwrap();
        assert_eq!(probe_rows(world.pool()).await, 0);
    }
    let found = examine_world(&world).await;
    assert_eq!(
        (found.code, found.latencies()),
        (Some(0), TABLES),
        "{}",
        found.text
    );
    assert_eq!(probe_rows(world.pool()).await, 0);
}

#[tokio::test]
async fn a_row_filter_that_keeps_everybody_from_deleting_is_told_as_that() {
    let world = World::without_bridge().await;
    execute(
        world.pool(),
        "ALTER PUBLICATION supabase_realtime DROP TABLE tasks;
         ALTER PUBLICATION supabase_realtime ADD TABLE tasks WHERE (project_id <> 'front-office')",
    )
    .await;
    let found = examine_world(&world).await;
    assert_eq!(found.code, Some(1), "{}", found.text);
    let said = found.says("tasks");
    assert!(
        said.contains("the publication keeps everybody"),
        "{said}: {}",
        found.text
    );
    assert!(
        found.step("tasks").contains("add it without WHERE"),
        "{}",
        found.text
    );
}
