//! What people ask for: each request is carried out once, or told why not.

use serde_json::json;

use super::{NOTING, noon};
use crate::stage::{Stage, eventually_lines};

#[tokio::test]
async fn a_job_is_made_run_changed_paused_and_deleted() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let tz = Some("America/New_York");
    let asked = ("cron", "0 9 * * 1-5", tz);
    let request = stage
        .ask_job_of(
            "Report",
            asked,
            Some("task"),
            Some("agent:main:main"),
            "Tell me.",
        )
        .await;
    let job = stage.job_of(&timed, request).await;
    stage
        .wait_mirrored(&job, "next_run_at", "2026-05-04T13:00:00+00:00")
        .await;
    assert_eq!(stage.mirrored(&job, "tz").await.as_deref(), tz);

    let run = stage.ask_run(&job).await;
    timed.running.kick.kick();
    let (status, result) = stage.settled(run).await;
    assert_eq!((status.as_str(), &result["jobId"]), ("done", &json!(job)));
    assert_eq!(
        (&result["exitCode"], &result["stderrTail"]),
        (&json!(0), &json!(""))
    );
    assert_eq!(result["stdoutTail"], "done: Tell me.");
    assert!(result["durationMs"].is_u64(), "{result}");
    stage.wait_mirrored(&job, "last_status", "ok").await;
    assert_eq!(
        stage.mirrored(&job, "last_run_at").await.as_deref(),
        Some("2026-05-04T12:00:00+00:00")
    );
    assert_eq!(stage.activities().await[0].0, "cron_run");
    let said: (String, String) = sqlx::query_as(
        "SELECT t.title, m.message FROM project_chat_messages m JOIN project_chat_threads t ON t.id = m.thread_id",
    )
    .fetch_one(stage.store.pool())
    .await
    .unwrap();
    assert_eq!(
        said,
        ("DM:agent:main:main".to_owned(), "done: Tell me.".to_owned())
    );

    let patch =
        json!({"scheduleExpr": "30 7 * * *", "scheduleKind": "cron", "name": "Early report"});
    let patched = stage.ask_patch(&job, patch).await;
    timed.running.kick.kick();
    assert_eq!(stage.settled(patched).await.0, "done");
    assert_eq!(
        stage.mirrored(&job, "name").await.as_deref(),
        Some("Early report")
    );
    assert_eq!(
        stage.mirrored(&job, "next_run_at").await.as_deref(),
        Some("2026-05-05T11:30:00+00:00")
    );
    let paused = stage.ask_patch(&job, json!({"enabled": false})).await;
    timed.running.kick.kick();
    assert_eq!(stage.settled(paused).await.0, "done");
    assert_eq!(stage.mirrored(&job, "next_run_at").await, None);

    let deleted = stage.ask_delete(&job).await;
    timed.running.kick.kick();
    let (status, result) = stage.settled(deleted).await;
    assert_eq!(
        (status.as_str(), &result["removed"]),
        ("done", &json!(true))
    );
    assert_eq!(stage.mirrored(&job, "name").await, None);
    // What is gone is gone: to delete it again is done, to run it is not.
    let again = stage.ask_delete(&job).await;
    let run = stage.ask_run(&job).await;
    timed.running.kick.kick();
    assert_eq!(stage.settled(again).await.0, "done");
    assert!(stage.refused(run).await.contains("no such job"));
    timed.stop().await;
}

#[tokio::test]
async fn a_request_that_cannot_be_is_refused_with_the_field() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let beat = Some("heartbeat");
    let main = Some("agent:main:main");
    for (name, when, intent, agent, text, told) in [
        (
            "x",
            ("cron", "61 9 * * *", None),
            None,
            main,
            "y",
            "schedule: the minute “61”",
        ),
        (
            "x",
            ("cron", "0 9 * * *", Some("Mars/Base")),
            None,
            main,
            "y",
            "timezone: “Mars/Base”",
        ),
        (
            "x",
            ("every", "60", None),
            None,
            main,
            "y",
            "schedule: the time between",
        ),
        (
            "x",
            ("every", "60000", None),
            beat,
            main,
            "y",
            "interval: the time between",
        ),
        (
            "x",
            ("cron", "0 0 31 2 *", None),
            None,
            main,
            "y",
            "a day that never comes",
        ),
        ("", ("every", "3600000", None), beat, main, "y", "name: "),
        (
            "x",
            ("every", "3600000", None),
            beat,
            main,
            " ",
            "instructions: ",
        ),
        (
            "x",
            ("every", "3600000", None),
            beat,
            Some("agent:nobody:main"),
            "y",
            "agent: there is no agent nobody",
        ),
        (
            "x",
            ("every", "3600000", None),
            beat,
            None,
            "y",
            "agent: the job names no agent",
        ),
    ] {
        let request = stage.ask_job_of(name, when, intent, agent, text).await;
        timed.running.kick.kick();
        let why = stage.refused(request).await;
        assert!(why.contains(told), "{why:?} says nothing of {told:?}");
    }
    assert_eq!(stage.count("SELECT count(*) FROM bridge.job").await, 0);
    // A bad change leaves the job as it was.
    let request = stage
        .ask_job("Report", "cron", "0 9 * * *", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    for (patch, told) in [
        (json!({"scheduleExpr": "never"}), "schedule: "),
        (json!({"tz": "Nowhere"}), "timezone: "),
        (json!({"targetAgentKey": "agent:nobody:main"}), "agent: "),
        (json!({"enabled": "yes"}), "enabled: "),
        (json!({"name": 7}), "name: "),
        (json!({"color": "red"}), "nothing that is known"),
        (json!(["x"]), "holds no changes"),
    ] {
        let request = stage.ask_patch(&job, patch).await;
        timed.running.kick.kick();
        let why = stage.refused(request).await;
        assert!(why.contains(told), "{why:?} says nothing of {told:?}");
    }
    assert_eq!(
        stage.mirrored(&job, "schedule_expr").await.as_deref(),
        Some("0 9 * * *")
    );
    timed.stop().await;
}

#[tokio::test]
async fn of_two_edits_at_once_the_second_is_told() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let request = stage
        .ask_job("Report", "cron", "0 9 * * *", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    let kept = stage.store.kept_jobs().await.unwrap();
    let seen = kept[0].text.version();
    let first = stage
        .ask_patch(&job, json!({"name": "First", "expected": seen}))
        .await;
    timed.running.kick.kick();
    assert_eq!(stage.settled(first).await.0, "done");
    let second = stage
        .ask_patch(&job, json!({"name": "Second", "expected": seen}))
        .await;
    timed.running.kick.kick();
    assert!(stage.refused(second).await.contains("meanwhile"));
    assert_eq!(stage.mirrored(&job, "name").await.as_deref(), Some("First"));
    timed.stop().await;
}

#[tokio::test]
async fn what_is_asked_while_no_executor_is_there_is_done_once_by_the_next() {
    let stage = Stage::new().await;
    let request = stage
        .ask_job("Report", "cron", "0 9 * * *", Some("task"))
        .await;
    // The job's id is known: it is the request's.
    let job = request.to_string();
    let run = stage.ask_run(&job).await;
    let one = stage.timed(stage.script(NOTING)).await;
    let two = stage.timed(stage.script(NOTING)).await;
    assert_eq!(stage.settled(request).await.0, "done");
    for timed in [&one, &two] {
        timed.running.kick.kick();
    }
    assert_eq!(stage.settled(run).await.0, "done");
    eventually_lines(&stage, "asked", 1).await;
    one.stop().await;
    two.stop().await;
    assert_eq!(stage.lines("asked").len(), 1);
    assert_eq!(stage.count("SELECT count(*) FROM bridge.job").await, 1);
}

#[tokio::test]
async fn jobs_of_the_mirror_are_taken_over_unless_another_executor_keeps_it() {
    let stage = Stage::new().await;
    sqlx::query(
        "INSERT INTO cron_mirror (project_id, job_id, name, schedule_kind, schedule_expr, instructions, next_run_at)
         VALUES ('front-office', 'old', 'heartbeat-main', 'interval', '30m', '@agent:agent:main:main
---
Look.', $1)",
    )
    .bind(noon() - chrono::TimeDelta::days(2))
    .execute(stage.store.pool())
    .await
    .unwrap();
    let kept = "INSERT INTO cron_mirror (project_id, job_id, name, schedule_kind)
         VALUES ('front-office', '__mirror_state__', 'state', 'state')";
    sqlx::query(kept).execute(stage.store.pool()).await.unwrap();
    let timed = stage.timed(stage.script(NOTING)).await;
    // Whatever was asked of the other executor stays its own.
    let run = stage.ask_run("old").await;
    let made = stage
        .ask_job("Report", "cron", "0 9 * * *", Some("task"))
        .await;
    stage.job_of(&timed, made).await;
    timed.stop().await;
    let status: String = sqlx::query_scalar("SELECT status FROM cron_run_requests WHERE id = $1")
        .bind(run)
        .fetch_one(stage.store.pool())
        .await
        .unwrap();
    assert_eq!((status.as_str(), stage.lines("asked").len()), ("queued", 0));

    sqlx::query("DELETE FROM cron_mirror WHERE job_id = '__mirror_state__'")
        .execute(stage.store.pool())
        .await
        .unwrap();
    sqlx::query("DELETE FROM cron_run_requests")
        .execute(stage.store.pool())
        .await
        .unwrap();
    let timed = stage.timed(stage.script(NOTING)).await;
    // Two days late, and however many runs were missed, it runs once.
    stage
        .wait_mirrored("old", "next_run_at", "2026-05-04T12:30:00+00:00")
        .await;
    stage.wait_mirrored("old", "last_status", "ok").await;
    assert_eq!(stage.lines("asked"), ["Look."]);
    timed.stop().await;
}
