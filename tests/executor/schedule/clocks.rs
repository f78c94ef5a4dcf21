//! Clocks that jump, executors that die, and runs that must not overlap.

use std::time::Duration;

use chrono::TimeDelta;

use super::{NOTING, noon};
use crate::stage::{Stage, eventually, eventually_lines};

#[tokio::test]
async fn runs_of_one_job_never_overlap_across_two_executors() {
    let stage = Stage::new().await;
    let one = stage.timed(stage.gated()).await;
    let two = stage.timed(stage.gated()).await;
    let request = stage
        .ask_job("Report", "every", "60000", Some("task"))
        .await;
    let job = stage.job_of(&one, request).await;
    for timed in [&one, &two] {
        timed.running.kick.kick();
        timed.pass(1);
    }
    eventually_lines(&stage, "asked", 1).await;
    // Asked for by hand and due again, several times, while it runs.
    let asked = [stage.ask_run(&job).await, stage.ask_run(&job).await];
    for timed in [&one, &two] {
        timed.pass(3);
        timed.running.kick.kick();
    }
    eventually("both executors have looked", async || {
        let marked = stage
            .count("SELECT count(*) FROM bridge.job WHERE run_id IS NOT NULL")
            .await;
        (marked == 1).then_some(()).ok_or(format!("{marked} runs"))
    })
    .await;
    assert_eq!(stage.lines("asked").len(), 1);
    stage.open_the_gate();
    for id in asked {
        assert_eq!(stage.settled(id).await.0, "done");
    }
    // The first one, the two by hand, and one for all that was missed.
    eventually_lines(&stage, "asked", 4).await;
    one.stop().await;
    two.stop().await;
    assert_eq!(stage.lines("asked").len(), 4);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_runs_once_and_one_that_jumps_back_is_followed() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let request = stage
        .ask_job("Report", "every", "300000", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    timed.hands.set(noon() + TimeDelta::days(400));
    eventually_lines(&stage, "asked", 1).await;
    stage
        .wait_mirrored(&job, "next_run_at", "2027-06-08T12:05:00+00:00")
        .await;
    stage.wait_mirrored(&job, "last_status", "ok").await;
    timed.hands.set(noon());
    timed.running.kick.kick();
    stage
        .wait_mirrored(&job, "next_run_at", "2026-05-04T12:05:00+00:00")
        .await;
    timed.pass(5);
    eventually_lines(&stage, "asked", 2).await;
    timed.stop().await;
}

#[tokio::test]
async fn missed_runs_after_a_downtime_run_once() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let request = stage
        .ask_job("Report", "cron", "0 * * * *", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    timed.stop().await;
    let late = noon() + TimeDelta::hours(9) + TimeDelta::minutes(30);
    let timed = stage.timed_at(stage.script(NOTING), late).await;
    stage
        .wait_mirrored(&job, "next_run_at", "2026-05-04T22:00:00+00:00")
        .await;
    stage.wait_mirrored(&job, "last_status", "ok").await;
    assert_eq!(stage.lines("asked").len(), 1);
    timed.stop().await;
}

#[tokio::test]
async fn a_run_whose_executor_died_is_told_and_the_job_goes_on() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let request = stage
        .ask_job("Report", "cron", "0 * * * *", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    timed.stop().await;
    // As a kill leaves it: claimed, and nobody holds the lock.
    let run = stage.ask_run(&job).await;
    sqlx::query(
        "WITH taken AS (UPDATE cron_run_requests SET status = 'running', picked_up_at = now() WHERE id = $1)
         UPDATE bridge.job SET run_id = gen_random_uuid(), run_request = $1, run_began_at = now()",
    )
    .bind(run)
    .execute(stage.store.pool())
    .await
    .unwrap();
    // Others were taken by an executor that is long gone.
    let old = stage
        .ask_patch(&job, serde_json::json!({"enabled": false}))
        .await;
    sqlx::query(
        "UPDATE cron_job_patch_requests SET status = 'running', requested_at = now() - interval '1 hour'",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
    let timed = stage.timed(stage.script(NOTING)).await;
    assert!(stage.refused(run).await.contains("stopped during the run"));
    stage.wait_mirrored(&job, "last_status", "error").await;
    eventually("the old request is told", async || {
        let found: String =
            sqlx::query_scalar("SELECT status FROM cron_job_patch_requests WHERE id = $1")
                .bind(old)
                .fetch_one(stage.store.pool())
                .await
                .unwrap();
        (found == "error").then_some(()).ok_or(found)
    })
    .await;
    let again = stage.ask_run(&job).await;
    timed.running.kick.kick();
    assert_eq!(stage.settled(again).await.0, "done");
    timed.stop().await;
}

#[tokio::test]
async fn a_shutdown_leaves_what_had_not_begun_to_the_next_executor() {
    let stage = Stage::new().await;
    let request = stage.ask_job("A", "every", "60000", Some("task")).await;
    let second = stage.ask_job("B", "every", "60000", Some("task")).await;
    let timed = stage.timed(stage.gated()).await;
    stage.job_of(&timed, request).await;
    stage.job_of(&timed, second).await;
    // Both are due; the agent is one, so one of them waits behind the other.
    timed.pass(1);
    eventually_lines(&stage, "asked", 1).await;
    eventually("both are claimed", async || {
        let marked = stage
            .count("SELECT count(*) FROM bridge.job WHERE run_id IS NOT NULL")
            .await;
        (marked == 2).then_some(()).ok_or(format!("{marked}"))
    })
    .await;
    let hands = timed.hands.clone();
    let stopping = tokio::spawn(timed.stop());
    stage.open_the_gate();
    stopping.await.unwrap();
    let left = stage
        .count("SELECT count(*) FROM bridge.job WHERE run_id IS NOT NULL")
        .await;
    assert_eq!(left, 0, "nothing stays marked");
    drop(hands);
    let later = noon() + Duration::from_mins(1);
    let timed = stage.timed_at(stage.gated(), later).await;
    eventually("each has run", async || {
        let ran = stage
            .count("SELECT count(*) FROM bridge.job WHERE last_status = 'ok'")
            .await;
        (ran == 2).then_some(()).ok_or(format!("{ran}"))
    })
    .await;
    timed.stop().await;
}

#[tokio::test]
async fn two_hundred_jobs_at_once_all_run() {
    let stage = Stage::new().await;
    for number in 0..200 {
        stage
            .ask_job(&format!("Job {number}"), "cron", "0 13 * * *", Some("task"))
            .await;
    }
    let timed = stage.timed(stage.script("echo ok")).await;
    timed.running.kick.kick();
    eventually("all are scheduled", async || {
        let made = stage
            .count("SELECT count(*) FROM cron_mirror WHERE next_run_at IS NOT NULL")
            .await;
        (made == 200).then_some(()).ok_or(format!("{made}"))
    })
    .await;
    timed.pass(60);
    eventually("all have run", async || {
        let ran = stage
            .count("SELECT count(*) FROM cron_mirror WHERE last_status = 'ok'")
            .await;
        (ran == 200).then_some(()).ok_or(format!("{ran}"))
    })
    .await;
    timed.stop().await;
}
