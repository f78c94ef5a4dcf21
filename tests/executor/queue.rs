//! The queue worker: every row once, in order, whatever dies or races.

use std::time::{Duration, Instant};

use clawdos_bridge::model::delivery::{DeliveryStatus, STALE_ERROR};
use clawdos_bridge::model::thread::Place;
use clawdos_bridge::model::{AgentKey, MessageId};
use clawdos_bridge::store::chat::{Destination, NewMessage};
use clawdos_bridge::store::turn::{ABANDONED, TurnState};

use crate::stage::{Running, Stage, connect, eventually, eventually_lines, key};

async fn presence(stage: &Stage, agent: &str) -> Option<String> {
    sqlx::query_scalar("SELECT state FROM agent_status WHERE agent_key = $1")
        .bind(key(agent).as_str())
        .fetch_optional(stage.store.pool())
        .await
        .unwrap()
}

async fn wait_for_presence(stage: &Stage, agent: &str, wanted: &str) {
    eventually(&format!("{agent} is {wanted}"), async || {
        let found = presence(stage, agent).await;
        (found.as_deref() == Some(wanted))
            .then_some(())
            .ok_or(format!("{found:?}"))
    })
    .await;
}

#[tokio::test]
async fn a_queued_message_is_found_answered_and_processed() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let (question, _) = stage.say("main", "hello", DeliveryStatus::Queued).await;
    stage
        .wait_for_status(question, "main", DeliveryStatus::Delivered)
        .await;
    wait_for_presence(&stage, "main", "working").await;
    stage.open_the_gate();
    stage
        .wait_for_status(question, "main", DeliveryStatus::Processed)
        .await;
    assert_eq!(stage.replies(question).await, ["re: hello"]);
    wait_for_presence(&stage, "main", "idle").await;
    executor.stop().await;
}

#[tokio::test]
async fn a_kick_is_quicker_than_the_next_look() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.script("echo hi")).await;
    let mut quickest = Duration::MAX;
    // The worker looks every second by itself; ten tries cannot all happen to meet that look.
    for _ in 0..10 {
        let (question, _) = stage.say("main", "hello", DeliveryStatus::Queued).await;
        let start = Instant::now();
        executor.kick.kick();
        stage
            .wait_for_status(question, "main", DeliveryStatus::Processed)
            .await;
        quickest = quickest.min(start.elapsed());
    }
    assert!(quickest < Duration::from_millis(900), "{quickest:?}");
    executor.stop().await;
}

#[tokio::test]
async fn a_row_fails_with_the_agents_own_reason_and_works_after_retry() {
    let stage = Stage::new().await;
    let flaky = r#"[ -e "$1/go" ] || { echo "no key for the model" >&2; exit 1; }; echo fine"#;
    let executor = stage.executor(stage.script(flaky)).await;
    let (question, row) = stage.say("main", "hello", DeliveryStatus::Queued).await;
    stage
        .wait_for_status(question, "main", DeliveryStatus::Failed)
        .await;
    let (_, error) = stage.delivery(question, "main").await;
    assert!(
        error.as_deref().unwrap().contains("no key for the model"),
        "{error:?}"
    );

    stage.open_the_gate();
    assert!(stage.store.retry(row).await.unwrap());
    stage
        .wait_for_status(question, "main", DeliveryStatus::Processed)
        .await;
    assert_eq!(stage.replies(question).await, ["fine"]);
    executor.stop().await;
}

/// Says 300 things in six lanes and returns what was said per lane.
async fn flood(stage: &Stage) -> Vec<(AgentKey, Vec<MessageId>)> {
    let mut lanes = Vec::new();
    for agent in ["main", "ricky"] {
        let places = [Place::Dm(key("main")), Place::Dm(key("ricky")), Place::Room];
        for place in places {
            lanes.push((key(agent), Destination::Place(place), Vec::new()));
        }
    }
    for number in 0..300 {
        let index = number % lanes.len();
        let (agent, destination, said) = &mut lanes[index];
        let text = format!("{number:04}");
        let message = NewMessage::text(destination.clone(), "ui", &text);
        let row = [(agent.clone(), DeliveryStatus::Queued)];
        said.push(
            stage
                .store
                .say(message, &row, None)
                .await
                .unwrap()
                .message_id,
        );
    }
    lanes
        .into_iter()
        .map(|(agent, _, said)| (agent, said))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_hundred_rows_and_two_executors_make_one_turn_each_in_order() {
    let stage = Stage::new().await;
    // `mkdir` of a folder that exists tells that two turns of one lane overlap.
    let script = r#"lane="$1/$3.$0"; mkdir "$lane.busy" 2>/dev/null || echo "$2" >> "$1/overlaps"
        echo "$2" >> "$1/turns"; echo "$2" >> "$lane.order"; rmdir "$lane.busy"; echo "re: $2""#;
    let mut command = stage.script(script);
    command.argv[3] = "{short}".to_owned();
    let mut settings = Stage::settings(&[("main", command.clone()), ("ricky", command)]);
    settings.parallel = 3;
    let lanes = flood(&stage).await;
    let second = connect(stage.database_url()).await;
    let executors = [
        Running::start(settings.clone(), stage.store.clone()).await,
        Running::start(settings, second).await,
    ];

    eventually("all rows are processed", async || {
        let depth = stage.store.queue_depth().await.unwrap();
        (depth.queued + depth.delivered == 0)
            .then_some(())
            .ok_or(format!("{depth:?}"))
    })
    .await;

    let failed: i64 =
        sqlx::query_scalar("SELECT count(*) FROM chat_delivery_queue WHERE status <> 'processed'")
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
    assert_eq!(failed, 0);
    assert_eq!(stage.lines("turns").len(), 300);
    assert_eq!(stage.lines("overlaps"), Vec::<String>::new());
    for (agent, said) in &lanes {
        assert_eq!(said.len(), 50);
        let mut last = None;
        for message in said {
            assert_eq!(stage.replies(*message).await.len(), 1, "{agent} {message}");
            let at: Option<chrono::DateTime<chrono::Utc>> = sqlx::query_scalar(
                "SELECT started_at FROM bridge.executor_turn WHERE message_id = $1 AND target_agent_key = $2",
            )
            .bind(message.0)
            .bind(agent.as_str())
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
            assert!(at > last, "{agent}: turns out of order");
            last = at;
        }
    }
    for executor in executors {
        executor.stop().await;
    }
}

#[tokio::test]
async fn a_reply_after_the_watchdog_still_arrives_and_repairs_the_row() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let (question, row) = stage.say("main", "slow", DeliveryStatus::Queued).await;
    eventually_lines(&stage, "asked", 1).await;
    assert_eq!(stage.store.fail_stale(Duration::ZERO).await.unwrap(), [row]);
    let (_, error) = stage.delivery(question, "main").await;
    assert_eq!(error.as_deref(), Some(STALE_ERROR));

    stage.open_the_gate();
    stage
        .wait_for_status(question, "main", DeliveryStatus::Processed)
        .await;
    assert_eq!(stage.replies(question).await, ["re: slow"]);
    executor.stop().await;
}

#[tokio::test]
async fn retry_while_the_turn_still_runs_joins_it() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let (question, row) = stage.say("main", "slow", DeliveryStatus::Queued).await;
    eventually_lines(&stage, "asked", 1).await;
    stage.store.fail_stale(Duration::ZERO).await.unwrap();
    assert!(stage.store.retry(row).await.unwrap());

    stage.open_the_gate();
    stage
        .wait_for_status(question, "main", DeliveryStatus::Processed)
        .await;
    assert_eq!(stage.lines("asked").len(), 1);
    assert_eq!(stage.replies(question).await.len(), 1);
    executor.stop().await;
}

/// An executor in a runtime of its own, which can be torn away from under it.
fn doomed(stage: &Stage) -> tokio::runtime::Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let settings = Stage::settings(&[("main", stage.gated())]);
    let url = stage.database_url().to_owned();
    runtime.spawn(async move {
        let executor = Running::start(settings, connect(&url).await).await;
        executor.task.await
    });
    runtime
}

#[tokio::test]
async fn a_turn_whose_executor_died_is_marked_and_not_run_again_by_itself() {
    let stage = Stage::new().await;
    let (question, row) = stage.say("main", "hello", DeliveryStatus::Queued).await;
    let runtime = doomed(&stage);
    eventually_lines(&stage, "asked", 1).await;
    wait_for_presence(&stage, "main", "working").await;
    runtime.shutdown_background();

    let executor = stage.executor(stage.gated()).await;
    stage
        .wait_for_status(question, "main", DeliveryStatus::Failed)
        .await;
    let (_, error) = stage.delivery(question, "main").await;
    assert_eq!(error.as_deref(), Some(ABANDONED));
    wait_for_presence(&stage, "main", "idle").await;
    assert!(ABANDONED.contains("may have been processed"));
    let turn = stage
        .store
        .turn_state(&(question, key("main")))
        .await
        .unwrap();
    assert_eq!(turn, Some(TurnState::Failed(ABANDONED.to_owned())));
    assert_eq!(stage.lines("asked").len(), 1);

    stage.open_the_gate();
    assert!(stage.store.retry(row).await.unwrap());
    stage
        .wait_for_status(question, "main", DeliveryStatus::Processed)
        .await;
    assert_eq!(stage.lines("asked").len(), 2);
    assert_eq!(stage.replies(question).await.len(), 1);
    executor.stop().await;
}

#[tokio::test]
async fn a_starting_executor_leaves_the_turns_of_a_living_one_alone() {
    let stage = Stage::new().await;
    let first = stage.executor(stage.gated()).await;
    let (question, _) = stage.say("main", "hello", DeliveryStatus::Queued).await;
    eventually_lines(&stage, "asked", 1).await;
    let (other, _) = stage.say("ricky", "hello", DeliveryStatus::Queued).await;

    let ricky = Stage::settings(&[("ricky", stage.script("echo hi"))]);
    let second = Running::start(ricky, connect(stage.database_url()).await).await;
    // It works, so it has searched before.
    stage
        .wait_for_status(other, "ricky", DeliveryStatus::Processed)
        .await;
    let turn = stage
        .store
        .turn_state(&(question, key("main")))
        .await
        .unwrap();
    assert_eq!(turn, Some(TurnState::Running));

    stage.open_the_gate();
    stage
        .wait_for_status(question, "main", DeliveryStatus::Processed)
        .await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn stopping_kills_what_runs_and_gives_back_what_waits() {
    let stage = Stage::new().await;
    let mut settings = Stage::settings(&[("main", stage.gated()), ("ricky", stage.gated())]);
    settings.parallel = 1;
    let executor = Running::start(settings, stage.store.clone()).await;
    let (running, _) = stage.say("main", "runs", DeliveryStatus::Queued).await;
    eventually_lines(&stage, "asked", 1).await;
    let (waiting, _) = stage.say("ricky", "waits", DeliveryStatus::Queued).await;

    let start = Instant::now();
    executor.stop().await;
    assert!(
        start.elapsed() < Duration::from_secs(9),
        "{:?}",
        start.elapsed()
    );
    let (status, error) = stage.delivery(running, "main").await;
    assert_eq!(
        (status, error.as_deref()),
        (DeliveryStatus::Failed, Some(ABANDONED))
    );
    assert_eq!(
        stage.delivery(waiting, "ricky").await.0,
        DeliveryStatus::Queued
    );
    assert_eq!(stage.lines("asked"), ["runs"]);
}

#[tokio::test]
async fn stopping_lets_a_turn_that_is_nearly_done_end_by_itself() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let (question, _) = stage.say("main", "hello", DeliveryStatus::Queued).await;
    eventually_lines(&stage, "asked", 1).await;
    executor.cancel.cancel();
    stage.open_the_gate();
    executor.stop().await;
    assert_eq!(
        stage.delivery(question, "main").await.0,
        DeliveryStatus::Processed
    );
    assert_eq!(stage.replies(question).await, ["re: hello"]);
}

#[tokio::test]
async fn rows_of_agents_that_run_elsewhere_are_left_to_them() {
    let stage = Stage::new().await;
    let (elsewhere, _) = stage.say("ricky", "hello", DeliveryStatus::Queued).await;
    let (here, _) = stage.say("main", "hello", DeliveryStatus::Queued).await;
    let executor = stage.executor(stage.script("echo hi")).await;
    stage
        .wait_for_status(here, "main", DeliveryStatus::Processed)
        .await;
    assert_eq!(
        stage.delivery(elsewhere, "ricky").await.0,
        DeliveryStatus::Queued
    );
    executor.stop().await;
}
