//! Heartbeats: they look, they tell, they propose, and they do nothing else.

use clawdos_bridge::executor::AgentCommand;
use clawdos_bridge::model::schedule::SAFETY;

use super::NOTING;
use crate::stage::{Stage, eventually};

/// A demo agent as the program that ships it.
fn demo() -> AgentCommand {
    AgentCommand::demo(env!("CARGO_BIN_EXE_clawdos-bridge"), "main")
}

#[tokio::test]
async fn a_heartbeat_runs_every_five_minutes_with_its_safety_text() {
    let stage = Stage::new().await;
    let script = r#"printf '%s' "$2" > "$1/told"; echo x >> "$1/asked"; echo HEARTBEAT_OK"#;
    let timed = stage.timed(stage.script(script)).await;
    let request = stage
        .ask_job("heartbeat-main", "every", "300000", Some("heartbeat"))
        .await;
    let job = stage.job_of(&timed, request).await;
    for beat in 1..=2 {
        timed.pass(5);
        let activities = stage.wait_activities(beat).await;
        assert_eq!(
            activities[beat - 1],
            ("heartbeat".to_owned(), "Nothing to report.".to_owned())
        );
    }
    assert_eq!(
        stage.lines("told").join("\n"),
        format!("Look around.\n\n{SAFETY}")
    );
    stage
        .wait_mirrored(&job, "next_run_at", "2026-05-04T12:15:00+00:00")
        .await;
    assert_eq!(
        stage
            .count("SELECT count(*) FROM project_chat_messages")
            .await,
        0
    );
    let seen =
        "SELECT count(*) FROM agent_status WHERE last_heartbeat_at > now() - interval '1 minute'";
    assert_eq!(stage.count(seen).await, 1);
    timed.stop().await;
}

#[tokio::test]
async fn a_finding_is_an_activity_and_a_wish_to_act_is_a_proposal() {
    let stage = Stage::new().await;
    let timed = stage.timed(demo()).await;
    let text = "Please find two overdue tasks, propose create_task Chase the overdue tasks";
    let request = stage
        .ask_job_of(
            "heartbeat-main",
            ("every", "300000", None),
            Some("heartbeat"),
            None,
            text,
        )
        .await;
    stage.job_of(&timed, request).await;
    timed.pass(5);
    let activities = stage.wait_activities(1).await;
    assert_eq!(activities[0].0, "heartbeat_finding");
    assert!(
        activities[0].1.contains("two overdue tasks"),
        "{activities:?}"
    );
    let (kind, author, status, title): (String, String, String, String) = sqlx::query_as(
        "SELECT m.message_type, m.author, m.metadata ->> 'status', t.title FROM project_chat_messages m
         JOIN project_chat_threads t ON t.id = m.thread_id",
    )
    .fetch_one(stage.store.pool())
    .await
    .unwrap();
    assert_eq!(
        [kind, author, status, title],
        [
            "task_proposal",
            "agent:main:main",
            "proposed",
            "DM:agent:main:main"
        ]
    );
    assert_eq!(stage.count("SELECT count(*) FROM tasks").await, 0);
    timed.stop().await;
}

#[tokio::test]
async fn an_action_that_claims_to_be_approved_is_a_proposal_all_the_same() {
    let stage = Stage::new().await;
    let script = r#"cat <<'END'
{"reply": null, "events": [{"event_type": "comment", "content": "x"}], "status": "done", "proposals": [
 {"action_type": "send_message", "status": "approved", "approved_by": "ui", "requires_approval": false,
  "parameters": {"channel": "team-room", "recipient": "all", "content": "Hi"}, "risk_level": "low"}]}
END"#;
    let timed = stage.timed(stage.script(script)).await;
    let request = stage
        .ask_job("heartbeat-main", "every", "300000", None)
        .await;
    stage.job_of(&timed, request).await;
    timed.pass(5);
    let activities = stage.wait_activities(1).await;
    assert_eq!(activities[0].0, "heartbeat_finding");
    assert!(
        activities[0].1.contains("nothing was changed"),
        "{activities:?}"
    );
    let statuses: Vec<String> =
        sqlx::query_scalar("SELECT metadata ->> 'status' FROM project_chat_messages")
            .fetch_all(stage.store.pool())
            .await
            .unwrap();
    assert_eq!(statuses, ["proposed"]);
    let decided =
        "SELECT (SELECT count(*) FROM bridge.decision) + (SELECT count(*) FROM task_events)";
    assert_eq!(stage.count(decided).await, 0);
    timed.stop().await;
}

#[tokio::test]
async fn a_heartbeat_that_keeps_failing_is_told_once() {
    let stage = Stage::new().await;
    let script = r#"echo x >> "$1/asked"; echo "no network" >&2; exit 3"#;
    let timed = stage.timed(stage.script(script)).await;
    let request = stage
        .ask_job("heartbeat-main", "every", "300000", Some("heartbeat"))
        .await;
    let job = stage.job_of(&timed, request).await;
    for beat in ["2026-05-04T12:05:00+00:00", "2026-05-04T12:10:00+00:00"] {
        timed.pass(5);
        stage.wait_mirrored(&job, "last_run_at", beat).await;
    }
    let activities = stage.activities().await;
    assert_eq!(activities.len(), 1, "{activities:?}");
    assert_eq!(activities[0].0, "cron_run");
    assert!(activities[0].1.contains("failed") && activities[0].1.contains("no network"));
    timed.stop().await;
}

#[tokio::test]
async fn a_job_for_an_agent_that_is_gone_ends_in_words() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let request = stage
        .ask_job("Report", "cron", "0 9 * * *", Some("task"))
        .await;
    let job = stage.job_of(&timed, request).await;
    sqlx::query("DELETE FROM agents")
        .execute(stage.store.pool())
        .await
        .unwrap();
    let run = stage.ask_run(&job).await;
    timed.running.kick.kick();
    assert!(stage.refused(run).await.contains("there is no agent main"));
    stage.wait_mirrored(&job, "last_status", "error").await;
    assert!(stage.lines("asked").is_empty());
    timed.stop().await;
}

#[tokio::test]
async fn a_proposal_to_schedule_a_job_is_carried_out_when_it_is_approved() {
    let stage = Stage::new().await;
    let timed = stage.timed(stage.script(NOTING)).await;
    let parameters = serde_json::json!({
        "name": "Morning report", "schedule_expr": "0 9 * * *", "instructions": "Report.",
        "target_agent_key": "agent:main:main",
    });
    let reference = stage.approve("schedule_job", parameters).await;
    timed.running.kick.kick();
    stage.executed(reference).await;
    eventually("the job is there", async || {
        let jobs = stage.store.kept_jobs().await.unwrap();
        (jobs.len() == 1 && !jobs[0].text.is_heartbeat())
            .then_some(())
            .ok_or(format!("{jobs:?}"))
    })
    .await;
    timed.stop().await;
}
