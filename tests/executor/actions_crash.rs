//! Whatever dies, and whoever races: an action happens once, or somebody is asked.

use clawdos_bridge::executor::ExecutorSettings;
use clawdos_bridge::model::proposal::Execution;
use clawdos_bridge::store::execution::UNKNOWN;
use serde_json::json;
use tokio::runtime::Runtime;

use crate::approved::{MESSAGE, Target, operator};
use crate::stage::{Running, Stage, connect, eventually};

/// An executor in a runtime of its own, which can be torn away from under it.
fn doomed(stage: &Stage, settings: ExecutorSettings) -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let url = stage.database_url().to_owned();
    runtime.spawn(async move {
        let executor = Running::start(settings, connect(&url).await).await;
        executor.task.await
    });
    runtime
}

/// Waits until somebody waits for a lock in the database.
pub async fn somebody_waits_for_a_lock(stage: &Stage) {
    eventually("a lock is waited for", async || {
        let query = "SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND wait_event_type = 'Lock'";
        let waiting = stage.count(query).await;
        (waiting > 0).then_some(()).ok_or("nobody waits".to_owned())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_executors_and_two_hundred_actions_make_two_hundred_effects() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let mut references = Vec::new();
    for number in 0..200 {
        let name = format!("n{number:03}");
        let (action, parameters) = match number % 6 {
            0 => ("create_task", json!({"title": name})),
            1 => (
                "schedule_job",
                json!({"name": name, "schedule_expr": "1000", "instructions": "x", "target_agent_key": "main"}),
            ),
            2 => (
                "edit_doc",
                json!({"doc_type": "soul", "agent_key": "agent:main:main", "content": name}),
            ),
            3 => (
                "send_message",
                json!({"channel": "team-room", "recipient": "agent:main:main", "content": name}),
            ),
            4 => (
                "api_call",
                json!({"url": target.url(&format!("/{name}")), "method": "POST"}),
            ),
            _ => (
                "file_write",
                json!({"path": format!("all/{name}"), "content": name}),
            ),
        };
        references.push(stage.approve(action, parameters).await);
    }
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let second = connect(stage.database_url()).await;
    let executors = [
        Running::start(settings.clone(), stage.store.clone()).await,
        Running::start(settings, second).await,
    ];
    for reference in &references {
        stage.executed(*reference).await;
    }
    for (query, expected) in [
        ("SELECT count(*) FROM tasks", 34),
        ("SELECT count(DISTINCT title) FROM tasks", 34),
        ("SELECT count(*) FROM cron_create_requests", 34),
        ("SELECT count(DISTINCT name) FROM cron_create_requests", 34),
        (
            "SELECT count(*) FROM activities WHERE type = 'brain_doc_updated'",
            33,
        ),
        (
            "SELECT count(*) FROM project_chat_messages WHERE message_type = 'text'",
            33,
        ),
        ("SELECT count(*) FROM chat_delivery_queue", 33),
        (
            "SELECT count(*) FROM project_chat_threads WHERE title = 'General'",
            1,
        ),
    ] {
        assert_eq!(stage.count(query).await, expected, "{query}");
    }
    let mut called = target.seen();
    assert_eq!(called.len(), 33, "{called:?}");
    called.sort();
    called.dedup();
    assert_eq!(called.len(), 33, "a call was made twice");
    let written = std::fs::read_dir(stage.workspace().join("all")).unwrap();
    assert_eq!(written.count(), 33);
    for executor in executors {
        executor.stop().await;
    }
}

#[tokio::test]
async fn a_call_whose_executor_died_is_in_doubt_and_never_repeated_by_itself() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let parameters = json!({"url": target.url("/gated"), "method": "POST"});
    let reference = stage.approve("api_call", parameters).await;
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let runtime = doomed(&stage, settings.clone());
    target.wait_for_requests(1).await;
    assert_eq!(stage.execution(reference).await, Execution::Running);
    runtime.shutdown_background();

    let executor = Running::start(settings, stage.store.clone()).await;
    stage.wait_for(reference, &Execution::Unknown).await;
    let told = stage.metadata(reference).await;
    assert_eq!(told["status"], "unknown");
    assert_eq!(told["execution_result"], UNKNOWN);
    // Something else is done meanwhile, so it had its chance.
    let other = stage.approve("create_task", json!({"title": "x"})).await;
    stage.executed(other).await;
    assert_eq!(target.seen().len(), 1);

    let again = stage
        .store
        .settle_unknown(reference, true, &operator())
        .await;
    assert!(again.unwrap());
    target.open_the_gate();
    target.open_the_gate();
    stage.executed(reference).await;
    assert_eq!(target.seen().len(), 2);
    executor.stop().await;
}

#[tokio::test]
async fn a_file_whose_executor_died_before_it_said_so_is_in_doubt() {
    let stage = Stage::new().await;
    let parameters = json!({"path": "a", "content": "x"});
    let reference = stage.approve("file_write", parameters).await;
    // The end cannot be told while the proposal's row is locked.
    let holder = stage.hold(MESSAGE, reference).await;
    let runtime = doomed(&stage, stage.action_settings(&[]));
    somebody_waits_for_a_lock(&stage).await;
    let file = stage.workspace().join("a");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "x");
    runtime.shutdown_background();
    holder.rollback().await.unwrap();
    std::fs::remove_file(&file).unwrap();

    let executor = stage.actions(&[]).await;
    stage.wait_for(reference, &Execution::Unknown).await;
    assert!(!file.exists(), "it was not written again");
    let let_be = stage
        .store
        .settle_unknown(reference, false, &operator())
        .await;
    assert!(let_be.unwrap());
    let result = stage.failed(reference).await;
    assert!(result.contains("Olive"), "{result}");
    executor.stop().await;
}

#[tokio::test]
async fn a_change_of_the_database_whose_executor_died_happens_once_and_without_doubt() {
    let stage = Stage::new().await;
    for (action, parameters, query) in [
        (
            "create_task",
            json!({"title": "x"}),
            "SELECT count(*) FROM tasks",
        ),
        (
            "send_message",
            json!({"channel": "team-room", "content": "x"}),
            "SELECT count(*) FROM project_chat_messages WHERE message_type = 'text'",
        ),
    ] {
        let reference = stage.approve(action, parameters).await;
        let holder = stage.hold(MESSAGE, reference).await;
        let runtime = doomed(&stage, stage.action_settings(&[]));
        // Everything is done but the last step.
        somebody_waits_for_a_lock(&stage).await;
        runtime.shutdown_background();
        assert_eq!(stage.execution(reference).await, Execution::Waiting);
        assert_eq!(stage.count(query).await, 0);
        holder.rollback().await.unwrap();

        let executor = stage.actions(&[]).await;
        stage.executed(reference).await;
        assert_eq!(stage.count(query).await, 1);
        executor.stop().await;
    }
}

#[tokio::test]
async fn a_claim_whose_executor_died_before_it_acted_is_in_doubt_too() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let parameters = json!({"url": target.url("/"), "method": "POST"});
    let reference = stage.approve("api_call", parameters).await;
    sqlx::query(
        "UPDATE bridge.decision SET state = 'running', claimed_at = now() WHERE entity_id = $1",
    )
    .bind(reference.id)
    .execute(stage.store.pool())
    .await
    .unwrap();
    let executor = stage.actions(&[&target.addr.to_string()]).await;
    stage.wait_for(reference, &Execution::Unknown).await;
    assert_eq!(target.seen(), Vec::<String>::new());
    executor.stop().await;
}

#[tokio::test]
async fn a_starting_executor_does_not_doubt_what_a_living_one_does() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let slow = json!({"url": target.url("/gated"), "method": "POST"});
    let slow = stage.approve("api_call", slow).await;
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let first = Running::start(settings.clone(), stage.store.clone()).await;
    target.wait_for_requests(1).await;
    let second = Running::start(settings, connect(stage.database_url()).await).await;
    let other = stage.approve("create_task", json!({"title": "x"})).await;
    first.cancel.cancel();
    // The second one works, so it has searched before.
    stage.executed(other).await;
    assert_eq!(stage.execution(slow).await, Execution::Running);
    target.open_the_gate();
    stage.executed(slow).await;
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn what_runs_longer_than_any_action_can_is_in_doubt_whoever_holds_it() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let call = json!({"url": target.url("/gated"), "method": "POST"});
    let call = stage.approve("api_call", call).await;
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let first = Running::start(settings.clone(), stage.store.clone()).await;
    target.wait_for_requests(1).await;
    sqlx::query(
        "UPDATE bridge.decision SET claimed_at = now() - interval '1 hour' WHERE entity_id = $1",
    )
    .bind(call.id)
    .execute(stage.store.pool())
    .await
    .unwrap();
    let second = Running::start(settings, connect(stage.database_url()).await).await;
    stage.wait_for(call, &Execution::Unknown).await;
    target.open_the_gate();
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn an_outcome_that_comes_late_is_still_the_truth() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let slow = json!({"url": target.url("/gated"), "method": "POST"});
    let slow = stage.approve("api_call", slow).await;
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let first = Running::start(settings.clone(), connect(stage.database_url()).await).await;
    target.wait_for_requests(1).await;
    // Every connection of the first breaks, and with it its lock.
    let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(stage.count(cut).await > 0);
    let second = Running::start(settings, connect(stage.database_url()).await).await;
    stage.wait_for(slow, &Execution::Unknown).await;
    target.open_the_gate();
    eventually("the late outcome counts", async || {
        match stage.execution(slow).await {
            Execution::Executed(_) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
    assert_eq!(stage.metadata(slow).await["status"], "executed");
    assert_eq!(target.seen().len(), 1);
    first.stop().await;
    second.stop().await;
}

#[tokio::test]
async fn an_outcome_of_an_earlier_try_does_not_end_the_later_one() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let slow = json!({"url": target.url("/gated"), "method": "POST"});
    let slow = stage.approve("api_call", slow).await;
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let first = Running::start(settings, stage.store.clone()).await;
    target.wait_for_requests(1).await;
    // It was thought dead, and an operator wanted it again, which another executor has begun.
    sqlx::query("UPDATE bridge.decision SET claimed_at = now() WHERE entity_id = $1")
        .bind(slow.id)
        .execute(stage.store.pool())
        .await
        .unwrap();
    target.open_the_gate();
    // The first one goes on, so it has noted what it could.
    let other = stage
        .approve("api_call", json!({"url": target.url("/"), "method": "GET"}))
        .await;
    stage.executed(other).await;
    first.stop().await;
    assert_eq!(stage.execution(slow).await, Execution::Running);
}

#[tokio::test]
async fn stopping_waits_for_what_is_nearly_done_and_leaves_the_rest_in_doubt() {
    let stage = Stage::new().await;
    let target = Target::start().await;
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let gated = stage
        .approve(
            "api_call",
            json!({"url": target.url("/gated"), "method": "GET"}),
        )
        .await;
    let executor = Running::start(settings.clone(), stage.store.clone()).await;
    target.wait_for_requests(1).await;
    executor.cancel.cancel();
    target.open_the_gate();
    executor.stop().await;
    assert!(matches!(
        stage.execution(gated).await,
        Execution::Executed(_)
    ));

    let never = stage
        .approve(
            "api_call",
            json!({"url": target.url("/never"), "method": "GET"}),
        )
        .await;
    let executor = Running::start(settings.clone(), stage.store.clone()).await;
    target.wait_for_requests(2).await;
    executor.stop().await;
    assert_eq!(stage.execution(never).await, Execution::Running);
    let next = Running::start(settings, stage.store.clone()).await;
    stage.wait_for(never, &Execution::Unknown).await;
    assert_eq!(target.seen().len(), 2);
    next.stop().await;
}
