//! Messages to agents that have left the team, or that nobody knows how to run.

use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

/// Takes an agent out of the team, as a dashboard does.
async fn remove(world: &World, agent: &str) {
    let done = sqlx::query("DELETE FROM agents WHERE project_id = $1 AND agent_key = $2")
        .bind(PROJECT)
        .bind(agent)
        .execute(world.pool())
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

/// Waits until the delivery of a message is settled; its status and error.
async fn settled(world: &World, text: &str) -> (String, Option<String>) {
    eventually("a settled delivery", || async {
        let row: Option<(String, Option<String>)> = sqlx::query_as(
            "SELECT q.status, q.result ->> 'error' FROM chat_delivery_queue q \
             JOIN project_chat_messages m ON m.id = q.message_id WHERE m.message = $1",
        )
        .bind(text)
        .fetch_optional(world.pool())
        .await
        .unwrap();
        let settled = |row: &(String, _)| matches!(row.0.as_str(), "processed" | "failed");
        row.clone().filter(settled).ok_or(row)
    })
    .await
}

fn failed(why: &str) -> (String, Option<String>) {
    ("failed".to_owned(), Some(why.to_owned()))
}

#[tokio::test]
async fn who_leaves_while_a_message_waits_for_them_does_not_get_it() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, "wait 2 and finish this").await;
    world
        .database_says(
            "SELECT state FROM bridge.executor_turn",
            "running".to_owned(),
        )
        .await;
    zack.say(&dm, "one more thing").await;
    world
        .database_says("SELECT count(*) FROM chat_delivery_queue", 2_i64)
        .await;
    remove(&world, "agent:ricky:main").await;

    let gone = failed("Ricky is not in the team any more.");
    assert_eq!(settled(&world, "one more thing").await, gone);
    // What had begun ends as it would have.
    assert_eq!(
        settled(&world, "wait 2 and finish this").await.0,
        "processed"
    );
    world
        .database_says("SELECT count(*) FROM bridge.executor_turn", 1_i64)
        .await;
}

#[tokio::test]
async fn what_a_dashboard_queued_for_somebody_who_is_gone_fails_at_once() {
    let world = World::start().await;
    remove(&world, "agent:ricky:main").await;
    for (target, text) in [
        ("agent:ricky:main", "to ricky"),
        ("agent:agent:ricky:main:x", "to ricky's session"),
    ] {
        world.queue(target, text).await;
        let gone = failed("Ricky is not in the team any more.");
        assert_eq!(settled(&world, text).await, gone);
    }
    world
        .database_says("SELECT count(*) FROM bridge.executor_turn", 0_i64)
        .await;
}

#[tokio::test]
async fn an_agent_that_no_executor_runs_is_told_apart_with_what_to_configure() {
    let world = World::without_bridge().await;
    world.hire("nova", "Nova").await;
    let mut world = world;
    world.start_bridge();
    let (zack, dm) = (world.person("zack"), world.channel("dm-nova"));
    zack.say(&dm, "welcome").await;
    let expected =
        failed("This executor has no agent \"nova\". Add executor.agents.nova to bridge.toml.");
    assert_eq!(settled(&world, "welcome").await, expected);
}
