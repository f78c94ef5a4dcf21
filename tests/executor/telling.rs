//! What an agent prints of its task is written down with its reply, by the rules of the Control API.

use clawdos_bridge::executor::AgentCommand;
use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::model::task::{TaskStatus, TimelineItem};
use clawdos_bridge::store::task_write::Changed;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::approved::PROPOSER;
use crate::stage::{Running, Stage, eventually, eventually_lines, key};
use crate::task_rows::operator;

/// An agent that prints this, whatever it is asked, and an executor for it.
async fn prints(stage: &Stage, answer: &Value) -> Running {
    let script = format!("cat > \"$1/question\"; cat <<'END'\n{answer}\nEND");
    let folder = stage.folder.path().to_str().unwrap();
    let command = AgentCommand::new(["/bin/sh", "-c", &script, "agent", folder]);
    let settings = Stage::settings(&[("ricky", command)]);
    Running::start(settings, stage.store.clone()).await
}

/// An operator gives the task to Ricky and lets it begin.
async fn kick_off(stage: &Stage, task: Uuid) {
    let (ricky, metadata) = (key("ricky"), json!({}));
    let by = operator(&metadata);
    let move_to = async |status: TaskStatus| {
        let moved = stage.store.set_task_status(task, &status, None, by).await;
        moved.unwrap();
    };
    move_to(TaskStatus::Assigned).await;
    let given = stage.store.assign_task(task, Some(&ricky), by).await;
    given.unwrap();
    move_to(TaskStatus::InProgress).await;
}

async fn until_told(
    stage: &Stage,
    task: Uuid,
    what: &str,
    number: usize,
) -> Vec<(String, String, String)> {
    eventually(&format!("{number} × {what} in the timeline"), async || {
        let told = stage.told(task).await;
        let count = told.iter().filter(|it| it.0 == what).count();
        (count >= number)
            .then_some(told.clone())
            .ok_or(format!("{told:?}"))
    })
    .await
}

#[tokio::test]
async fn events_and_status_of_a_turn_are_written_with_its_reply() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let answer = json!({
        "reply": "On it.",
        "events": [
            {"event_type": "agent_update", "content": "half way", "author": "dashboard"},
            {"event_type": "output_added", "metadata": {"title": "Notes", "link_url": "https://example.com"}},
            {"event_type": "comment", "content": "@main, please look"},
            {"event_type": "approval_request", "content": "May I?", "metadata": {
                "action_type": "send_message", "status": "approved",
                "parameters": {"channel": "team-room", "recipient": "", "content": "Done."},
            }},
        ],
        "status": "review",
    });
    let executor = prints(&stage, &answer).await;
    kick_off(&stage, task).await;
    let told = until_told(&stage, task, "status_change", 3).await;
    let by_ricky: Vec<(&str, &str)> = told
        .iter()
        .filter(|it| it.1 == PROPOSER)
        .map(|it| (it.0.as_str(), it.2.as_str()))
        .collect();
    assert_eq!(
        by_ricky,
        [
            ("agent_update", "half way"),
            ("output_added", ""),
            ("comment", "@main, please look"),
            ("approval_request", "May I?"),
            ("status_change", "In progress → Review"),
        ]
    );
    let open = stage.store.open_proposals(10).await.unwrap();
    assert_eq!(
        open.len(),
        1,
        "what it claims of a verdict counts for nothing"
    );
    let mentions = "SELECT count(*) FROM mentions WHERE agent_key = 'main'";
    assert_eq!(stage.count(mentions).await, 1);
    let said = "SELECT count(*) FROM project_chat_messages WHERE message = 'On it.'";
    assert_eq!(stage.count(said).await, 1);
    let question: Value = serde_json::from_str(&stage.lines("question")[0]).unwrap();
    assert_eq!(
        (&question["task_id"], &question["kind"]),
        (&json!(task), &json!("kickoff"))
    );
    executor.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_or_done_is_told_in_the_timeline() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let answer = json!({
        "reply": null,
        "events": [
            "odd", {"content": "no type"}, {"event_type": "approval_resolved"},
            {"event_type": "output_added", "metadata": {"output_type": "song", "title": "x"}},
            {"event_type": "agent_update", "content": "fine"},
            ["comment", "me", "a list"],
        ],
        "status": "party",
    });
    let executor = prints(&stage, &answer).await;
    kick_off(&stage, task).await;
    let told = until_told(&stage, task, "comment", 6).await;
    let system: Vec<&str> = told
        .iter()
        .filter(|it| it.1 == "system")
        .map(|it| it.2.as_str())
        .collect();
    for (text, words) in system.iter().zip([
        ["must be an object", "odd"],
        ["event_type", "no type"],
        ["Only an operator", "approval_resolved"],
        ["allowed: summary", "song"],
        ["must be an object", "a list"],
        ["invalid_status", "party"],
    ]) {
        assert!(
            words.iter().all(|word| text.contains(word)),
            "{words:?}: {text}"
        );
    }
    assert_eq!(system.len(), 6);
    assert_eq!(told.iter().filter(|it| it.1 == PROPOSER).count(), 1);
    executor.stop().await;
}

#[tokio::test]
async fn a_move_that_an_agent_may_not_make_is_told_and_not_made() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let executor = prints(&stage, &json!({"reply": "x", "status": "review"})).await;
    let metadata = json!({});
    let asked = stage
        .asks(task, "ricky", "NEEDS ATTENTION\nA) x\nB) y")
        .await;
    let done = &TaskStatus::Done;
    stage
        .store
        .set_task_status(task, done, None, operator(&metadata))
        .await
        .unwrap();
    let item = TimelineItem::Event(asked);
    let answered = stage
        .store
        .answer_question(item, "Answer: A — x", operator(&metadata));
    answered.await.unwrap();
    let told = until_told(&stage, task, "comment", 3).await;
    let last = told.last().unwrap();
    assert_eq!(last.1, "system");
    assert!(
        last.2.contains("Review") && last.2.contains("it is done"),
        "{last:?}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn without_a_task_the_reply_is_what_remains() {
    let stage = Stage::new().await;
    let event = json!({"event_type": "agent_update", "content": "lost"});
    let executor = prints(&stage, &json!({"reply": "Hello.", "events": [event]})).await;
    let (question, _) = stage.say("ricky", "hi", DeliveryStatus::Queued).await;
    stage
        .wait_for_status(question, "ricky", DeliveryStatus::Processed)
        .await;
    let replies = stage.replies(question).await;
    assert!(
        replies.len() == 1 && replies[0].starts_with("Hello.") && replies[0].contains("about none"),
        "{replies:?}"
    );
    assert_eq!(stage.count("SELECT count(*) FROM task_events").await, 0);
    executor.stop().await;
}

#[tokio::test]
async fn of_a_task_that_is_deleted_meanwhile_the_reply_says_that_it_is_gone() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let event = json!({"event_type": "agent_update", "content": "lost"});
    let answer = json!({"reply": "Hello.", "events": [event], "status": "review"});
    let script = format!(
        "echo x > \"$1/asked\"; until [ -e \"$1/go\" ]; do sleep 0.02; done; cat <<'END'\n{answer}\nEND"
    );
    let executor = {
        let settings = Stage::settings(&[("ricky", stage.script(&script))]);
        Running::start(settings, stage.store.clone()).await
    };
    kick_off(&stage, task).await;
    eventually_lines(&stage, "asked", 1).await;
    let metadata = json!({});
    let deleted = stage.store.delete_task(task, operator(&metadata)).await;
    assert_eq!(deleted.unwrap(), Changed::Now(()));
    stage.open_the_gate();
    let reply = eventually("the agent has answered", async || {
        let said: Option<String> = sqlx::query_scalar(
            "SELECT message FROM project_chat_messages WHERE author = 'agent:ricky:main'",
        )
        .fetch_optional(stage.store.pool())
        .await
        .unwrap();
        said.ok_or_else(|| "nothing".to_owned())
    })
    .await;
    assert!(
        reply.starts_with("Hello.") && reply.contains("is gone"),
        "{reply}"
    );
    assert_eq!(stage.told(task).await.last().unwrap().0, "task_deleted");
    executor.stop().await;
}

#[tokio::test]
async fn a_demo_agent_reports_asks_goes_on_and_hands_in() {
    let stage = Stage::new().await;
    let task = stage.task().await;
    let program = env!("CARGO_BIN_EXE_clawdos-bridge");
    let command = AgentCommand::new([program, "demo-agent", "--agent", "{short}"]);
    let executor =
        Running::start(Stage::settings(&[("ricky", command)]), stage.store.clone()).await;
    kick_off(&stage, task).await;
    let told = until_told(&stage, task, "comment", 1).await;
    for kind in ["agent_update", "output_added"] {
        assert!(
            told.iter().any(|it| it.0 == kind && it.1 == PROPOSER),
            "{told:?}"
        );
    }
    let events = stage.store.task_events(task, 20).await.unwrap();
    let asked = events
        .iter()
        .find(|event| event.event_type == "comment")
        .unwrap();
    let metadata = json!({});
    let item = TimelineItem::Event(asked.id);
    let answered = stage
        .store
        .answer_question(item, "Answer: A — Quickly", operator(&metadata));
    answered.await.unwrap();
    let told = until_told(&stage, task, "status_change", 3).await;
    assert_eq!(told.last().unwrap().2, "In progress → Review");
    assert!(
        told.iter()
            .any(|it| it.0 == "agent_update" && it.2.contains("A — Quickly")),
        "{told:?}"
    );
    let open = stage.store.open_proposals(10).await.unwrap();
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0].reading.payload.is_ok());
    executor.stop().await;
}
