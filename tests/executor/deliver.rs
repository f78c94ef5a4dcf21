//! `POST /api/chat/deliver`: one turn per message and agent.

use clawdos_bridge::control::DeliverOutcome;
use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::store::turn::TurnState;
use serde_json::Value;

use crate::stage::{Stage, eventually, eventually_lines, key, unknown_message};

#[tokio::test]
async fn a_delivered_message_is_answered_in_its_thread() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.script(r#"echo "re: $2""#)).await;
    // A dashboard whose clock is ahead must not make the answer come first.
    let question = stage.message("main", "how are you?").await;
    sqlx::query(
        "UPDATE project_chat_messages SET created_at = now() + interval '1 hour' WHERE id = $1",
    )
    .bind(question.0)
    .execute(stage.store.pool())
    .await
    .unwrap();

    let outcome = executor
        .client(None)
        .deliver(question, &key("main"), "how are you?")
        .await;

    assert_eq!(outcome, DeliverOutcome::Done);
    let (author, text, same_thread, after, kind): (String, String, bool, bool, String) =
        sqlx::query_as(
            "SELECT r.author, r.message, r.thread_id = q.thread_id, r.created_at > q.created_at,
                    r.message_type
             FROM project_chat_messages r, project_chat_messages q
             WHERE q.id = $1 AND r.metadata ->> 'reply_to' = q.id::text",
        )
        .bind(question.0)
        .fetch_one(stage.store.pool())
        .await
        .unwrap();
    assert_eq!(
        (author.as_str(), text.as_str(), kind.as_str()),
        ("agent:main:main", "re: how are you?", "text")
    );
    assert!(same_thread && after);
    executor.stop().await;
}

#[tokio::test]
async fn the_same_delivery_twice_at_once_and_once_more_later_is_one_turn() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let client = executor.client(None);
    let question = stage.message("main", "once").await;
    let agent = key("main");

    let both = async {
        tokio::join!(
            client.deliver(question, &agent, "once"),
            client.deliver(question, &agent, "once"),
        )
    };
    let release = async {
        eventually_lines(&stage, "asked", 1).await;
        stage.open_the_gate();
    };
    let (outcomes, ()) = tokio::join!(both, release);
    let later = client.deliver(question, &agent, "once").await;

    assert_eq!(outcomes, (DeliverOutcome::Done, DeliverOutcome::Done));
    assert_eq!(later, DeliverOutcome::Done);
    assert_eq!(stage.lines("asked"), ["once"]);
    assert_eq!(stage.replies(question).await, ["re: once"]);
    executor.stop().await;
}

#[tokio::test]
async fn two_executors_share_one_turn() {
    let stage = Stage::new().await;
    let (one, two) = (
        stage.executor(stage.gated()).await,
        stage.executor(stage.gated()).await,
    );
    let question = stage.message("main", "once").await;
    let agent = key("main");

    let (first, second) = (one.client(None), two.client(None));
    let both = async {
        tokio::join!(
            first.deliver(question, &agent, "once"),
            second.deliver(question, &agent, "once"),
        )
    };
    let release = async {
        eventually_lines(&stage, "asked", 1).await;
        stage.open_the_gate();
    };
    let (outcomes, ()) = tokio::join!(both, release);

    assert_eq!(outcomes, (DeliverOutcome::Done, DeliverOutcome::Done));
    assert_eq!(stage.lines("asked").len(), 1);
    assert_eq!(stage.replies(question).await.len(), 1);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_changes_nothing() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let question = stage.message("main", "hello").await;
    let client = executor.client(None);
    let call = tokio::spawn(async move { client.deliver(question, &key("main"), "hello").await });
    eventually_lines(&stage, "asked", 1).await;

    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    stage.open_the_gate();

    eventually("the reply is there", async || {
        let replies = stage.replies(question).await;
        (replies.len() == 1)
            .then_some(())
            .ok_or(format!("{replies:?}"))
    })
    .await;
    executor.stop().await;
}

#[tokio::test]
async fn a_turn_that_failed_runs_again_only_when_somebody_asks_again() {
    let stage = Stage::new().await;
    let flaky =
        r#"echo x >> "$1/asked"; [ -e "$1/go" ] || { echo "not yet" >&2; exit 3; }; echo fine"#;
    let executor = stage.executor(stage.script(flaky)).await;
    let client = executor.client(None);
    let question = stage.message("main", "hello").await;

    let first = client.deliver(question, &key("main"), "hello").await;
    let DeliverOutcome::Failed(reason) = first else {
        panic!("{first:?}");
    };
    assert_eq!(reason, "Agent main failed with exit code 3: not yet");
    let turn = stage
        .store
        .turn_state(&(question, key("main")))
        .await
        .unwrap();
    assert_eq!(turn, Some(TurnState::Failed(reason)));
    assert!(stage.replies(question).await.is_empty());

    stage.open_the_gate();
    let second = client.deliver(question, &key("main"), "hello").await;
    assert_eq!(second, DeliverOutcome::Done);
    assert_eq!(stage.lines("asked").len(), 2);
    assert_eq!(stage.replies(question).await, ["fine"]);
    executor.stop().await;
}

#[tokio::test]
async fn the_bridges_own_row_is_left_to_the_bridge() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.script("echo hi")).await;
    let (question, _) = stage.say("main", "hello", DeliveryStatus::Delivered).await;
    let outcome = executor
        .client(None)
        .deliver(question, &key("main"), "hello")
        .await;
    assert_eq!(outcome, DeliverOutcome::Done);
    assert_eq!(
        stage.delivery(question, "main").await.0,
        DeliveryStatus::Delivered
    );
    executor.stop().await;
}

#[tokio::test]
async fn whom_nobody_knows_is_refused_in_words() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.script("echo hi")).await;
    let client = executor.client(None);
    let question = stage.message("main", "hello").await;

    let gone = client.deliver(question, &key("nobody"), "hello").await;
    let said = "Nobody is not in the team any more.".to_owned();
    assert_eq!(gone, DeliverOutcome::Refused(said));
    sqlx::query("INSERT INTO agents (project_id, agent_key, name) VALUES ($1, $2, 'Nobody')")
        .bind("front-office")
        .bind("agent:agent:nobody:main")
        .execute(stage.store.pool())
        .await
        .unwrap();
    let nobody = client.deliver(question, &key("nobody"), "hello").await;
    assert!(
        matches!(&nobody, DeliverOutcome::Refused(why) if why.contains("executor.agents.nobody")),
        "{nobody:?}"
    );
    let nothing = client
        .deliver(unknown_message(), &key("main"), "hello")
        .await;
    assert!(
        matches!(&nothing, DeliverOutcome::Refused(why) if why.contains("There is no message")),
        "{nothing:?}"
    );
    executor.stop().await;
}

#[tokio::test]
async fn proposals_stand_beside_the_reply_and_claim_nothing() {
    let stage = Stage::new().await;
    let answer = r#"printf '%s' '{"reply": "see below", "proposals": [
        {"action_type": "create_task", "status": "approved", "parameters": {"title": "Tidy up"}},
        {"action_type": "api_call", "parameters": {"url": "http://x"}}, "odd"]}'"#;
    let executor = stage.executor(stage.script(answer)).await;
    let question = stage.message("main", "propose").await;
    let outcome = executor
        .client(None)
        .deliver(question, &key("main"), "propose")
        .await;
    assert_eq!(outcome, DeliverOutcome::Done);

    let rows: Vec<(String, String, Value)> = sqlx::query_as(
        "SELECT author, message_type, metadata FROM project_chat_messages
         WHERE id <> $1 ORDER BY created_at",
    )
    .bind(question.0)
    .fetch_all(stage.store.pool())
    .await
    .unwrap();
    let types: Vec<&str> = rows.iter().map(|row| row.1.as_str()).collect();
    assert_eq!(
        types,
        [
            "text",
            "task_proposal",
            "action_proposal",
            "action_proposal"
        ]
    );
    assert!(rows.iter().all(|row| row.0 == "agent:main:main"));
    assert_eq!(rows[1].2["status"], "proposed");
    assert_eq!(rows[1].2["proposed_by"], "agent:main:main");
    assert_eq!(rows[3].2["proposal"], "odd");
    executor.stop().await;
}

#[tokio::test]
async fn connections_that_break_in_the_middle_of_a_turn_cost_nothing() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let question = stage.message("main", "hello").await;
    let client = executor.client(None);
    let call = tokio::spawn(async move { client.deliver(question, &key("main"), "hello").await });
    eventually_lines(&stage, "asked", 1).await;

    let broken: i64 = sqlx::query_scalar(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .fetch_one(stage.store.pool())
    .await
    .unwrap();
    assert!(broken > 0);
    stage.open_the_gate();

    assert_eq!(call.await.unwrap(), DeliverOutcome::Done);
    assert_eq!(stage.replies(question).await, ["re: hello"]);
    let next = stage.message("main", "again").await;
    let outcome = executor
        .client(None)
        .deliver(next, &key("main"), "again")
        .await;
    assert_eq!(outcome, DeliverOutcome::Done);
    executor.stop().await;
}
