//! Killed, stopped, and two at once.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::PgConnection;

use super::{Stage, end};
use crate::harness::wait::eventually;

/// Whoever converts the 1,000th comment waits for as long as this transaction lasts.
async fn hold(stage: &Stage) -> sqlx::Transaction<'static, sqlx::Postgres> {
    stage
        .run(
            "INSERT INTO bridge.view (project_id, kind, entity_id, surface, part, channel_id, message_id, state)
             VALUES ('front-office', 'task_comment', '40000000-0000-0000-0000-000000001000',
                     'task-10000000-0000-0000-0000-0000000000aa', 0, 9, 7, 'sent')",
        )
        .await;
    let mut held = stage.pool.begin().await.unwrap();
    let connection: &mut PgConnection = &mut held;
    sqlx::query("SELECT FROM bridge.view FOR UPDATE")
        .execute(connection)
        .await
        .unwrap();
    held
}

async fn waits(stage: &Stage, how_many: i64) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'";
    eventually("those that wait", || async {
        let waiting = stage.number(waiting).await;
        (waiting == how_many).then_some(()).ok_or(waiting)
    })
    .await;
}

#[tokio::test]
async fn killed_in_the_middle_it_goes_on_when_it_is_started_again() {
    let stage = Stage::with_comments(2_000).await;
    let held = hold(&stage).await;
    let mut run = stage.begin(&["--batch", "30"]);
    waits(&stage, 1).await;
    assert_eq!(
        stage.converted().await,
        990,
        "every batch before that one is whole"
    );
    run.kill().await.unwrap();
    assert_eq!(end(run).await.code, None);
    held.rollback().await.unwrap();
    // Postgres ends what the dead one had begun in its own time.
    eventually("an end of its session", || async {
        let left = stage.number(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'",
        );
        let left = left.await;
        (left == 0).then_some(()).ok_or(left)
    })
    .await;
    let before = stage.converted().await;
    assert!(
        before == 990 || before == 1_020,
        "a batch is whole or not there: {before}"
    );

    let report = format!("2,000 there: {} converted, ", grouped(2_000 - before));
    stage
        .backfill(&["--batch", "300"])
        .await
        .code(0)
        .says(&report);
    stage.is_exact().await;
    let moved = "SELECT count(*) FROM bridge.view WHERE kind = 'task_event'";
    assert_eq!(stage.number(moved).await, 1);
}

fn grouped(number: i64) -> String {
    match number {
        1_000.. => format!("{},{:03}", number / 1_000, number % 1_000),
        _ => number.to_string(),
    }
}

#[tokio::test]
async fn asked_to_stop_it_says_how_far_it_came() {
    let stage = Stage::with_comments(2_000).await;
    let held = hold(&stage).await;
    let run = stage.begin(&["--batch", "100"]);
    waits(&stage, 1).await;
    let pid = run.id().and_then(|pid| i32::try_from(pid).ok()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    end(run)
        .await
        .code(1)
        .says("900 there: 900 converted")
        .says("Start it again: it goes on where it was.");
    held.rollback().await.unwrap();
    stage
        .backfill(&[])
        .await
        .code(0)
        .says("1,100 converted, 900 carried");
    stage.is_exact().await;
}

#[tokio::test]
async fn two_at_once_share_the_work() {
    let stage = Stage::with_comments(3_000).await;
    let held = hold(&stage).await;
    let (one, other) = (
        stage.begin(&["--batch", "70"]),
        stage.begin(&["--batch", "110"]),
    );
    waits(&stage, 2).await;
    assert_eq!(stage.converted().await / 70, 14);
    held.rollback().await.unwrap();
    let (one, other) = (end(one).await, end(other).await);
    for ended in [&one, &other] {
        ended.code(0).says("3,000 there: ");
    }
    stage.is_exact().await;
    let converted = |report: &str| -> i64 {
        let rest = report.split("there: ").nth(1).unwrap();
        let number = rest.split(' ').next().unwrap().replace(',', "");
        number.parse().unwrap()
    };
    let both = converted(&one.report) + converted(&other.report);
    assert_eq!(
        both, 3_000,
        "each row by one of them:\n{}\n{}",
        one.report, other.report
    );
}
