//! What it says on the way and at the end.

use super::{Stage, begin, end};
use crate::harness::process::failing;
use crate::harness::world::World;

#[tokio::test]
async fn without_a_terminal_it_tells_in_plain_lines_how_far_it_is() {
    let stage = Stage::with_comments(1_234).await;
    let ended = stage.backfill(&[]).await;
    ended
        .code(0)
        .says("backfill, the database of DATABASE_URL\n")
        .says("task_comments 1,234 there: 1,234 converted, 0 carried by an event already\n")
        .says("task_outputs  0 there: 0 converted, 0 carried by an event already\n");
    let lines: Vec<_> = ended.progress.lines().collect();
    assert_eq!(lines.first(), Some(&"task_comments: 0 of 1,234 rows"));
    assert!(
        lines.contains(&"task_comments: 1,234 of 1,234 rows"),
        "{lines:?}"
    );
    assert_eq!(lines.last(), Some(&"task_outputs: 0 of 0 rows"));
    assert!(!ended.progress.contains('\u{1b}') && !ended.progress.contains('\r'));
}

#[tokio::test]
async fn a_row_that_the_database_refuses_is_told_with_the_reason_and_holds_up_no_other() {
    let stage = Stage::with_comments(1_000).await;
    stage
        .run(
            "ALTER TABLE task_events ADD CONSTRAINT no_sevens CHECK (content NOT LIKE '%77%');
             CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION E'not this one,\\x1b[31m never'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON task_events FOR EACH ROW
                 WHEN (new.content = 'Comment 5') EXECUTE FUNCTION refuse()",
        )
        .await;
    // 77, 177 … 977, and 770 … 779, of which 777 counts once.
    let ended = stage.backfill(&["--batch", "100"]).await;
    ended
        .code(1)
        .says("1,000 there: 980 converted, 0 carried by an event already, 20 refused\n")
        .says("19 refused: new row for relation \"task_events\" violates check constraint \"no_sevens\"\n")
        .says("1 refused: not this one, [31m never\n")
        .says("20 rows are not converted and shown as before.");
    stage
        .run(
            "ALTER TABLE task_events DROP CONSTRAINT no_sevens; DROP TRIGGER refuse ON task_events",
        )
        .await;
    stage
        .backfill(&[])
        .await
        .code(0)
        .says("20 converted, 980 carried");
    stage.is_exact().await;
}

#[tokio::test]
async fn an_event_with_the_id_that_a_row_would_have_is_not_taken_for_it() {
    let stage = Stage::with_comments(2).await;
    stage.backfill(&[]).await.code(0);
    // As if somebody had written what stands there.
    stage
        .run("UPDATE task_events SET metadata = '{}', content = 'Something else' WHERE content = 'Comment 1'")
        .await;
    stage
        .backfill(&[])
        .await
        .code(1)
        .says("2 there: 0 converted, 1 carried by an event already, 1 refused\n")
        .says("1 refused: another event has the id that the row's event would have\n");
}

#[tokio::test]
async fn answers_that_name_a_comment_by_its_old_id_are_counted() {
    let stage = Stage::with_comments(3).await;
    stage
        .run(
            "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) VALUES
                 ('front-office', '10000000-0000-0000-0000-0000000000aa', 'comment', 'dashboard', 'Answer: A — yes',
                  '{\"reply_to\": \"lc_40000000-0000-0000-0000-000000000002\"}'),
                 ('front-office', '10000000-0000-0000-0000-0000000000aa', 'comment', 'dashboard', 'Answer: A — yes',
                  '{\"reply_to\": \"lc_40000000-0000-0000-0000-000000000009\"}')",
        )
        .await;
    stage
        .backfill(&[])
        .await
        .code(0)
        .says("1 answer names its question by the id of the old comment.");
}

#[tokio::test]
async fn the_database_of_the_bridge_that_runs_on_the_folder_is_used() {
    let world = World::start().await;
    sqlx::raw_sql(
        "INSERT INTO tasks (id, project_id, title)
             VALUES ('10000000-0000-0000-0000-0000000000aa', 'front-office', 'A task');
         INSERT INTO task_comments (project_id, task_id, content)
             VALUES ('front-office', '10000000-0000-0000-0000-0000000000aa', 'Old')",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let ended = end(begin(&world.data_dir(), &[], &[])).await;
    let whose = format!(
        "the database of the bridge that runs here (pid {})",
        world.run()["pid"]
    );
    ended.code(0).says(&whose).says("1 there: 1 converted");
    world
        .database_says(
            "SELECT count(*) FROM task_events WHERE content = 'Old'",
            1_i64,
        )
        .await;
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_done() {
    let (code, said) = failing(&["backfill", "--batch", "0"], &[]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("0 is not in 1..=10000"), "{said}");
    let nowhere = [("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nothing")];
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_string_lossy().into_owned();
    let (code, said) = failing(&["backfill", "--data-dir", &data], &nowhere);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the database cannot be reached"), "{said}");
}
