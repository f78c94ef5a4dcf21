//! The operator talks to an agent, and its delivery is told as it is.

use crate::harness::world::World;

const STATUS: &str = "SELECT q.status FROM chat_delivery_queue q \
                      JOIN project_chat_messages m ON m.id = q.message_id \
                      ORDER BY m.created_at DESC LIMIT 1";

#[tokio::test]
async fn an_agent_answers_in_its_channel_quoting_the_question() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, "what is the plan?").await;
    zack.sees(&dm, "Ricky's answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text.contains("what is the plan?"))
    })
    .await;
    world.database_says(STATUS, "processed".to_owned()).await;
}

#[tokio::test]
async fn a_turn_that_fails_is_a_failed_delivery_with_a_reason() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    zack.say(&dm, "please fail").await;
    world.database_says(STATUS, "failed".to_owned()).await;
    let error: Option<String> =
        sqlx::query_scalar("SELECT result->>'error' FROM chat_delivery_queue")
            .fetch_one(world.pool())
            .await
            .unwrap();
    assert!(error.is_some_and(|error| !error.is_empty()));
}

#[tokio::test]
async fn a_member_is_heard_but_reaches_no_agent() {
    let world = World::start().await;
    let dm = world.channel("dm-main");
    world.person("mallory").say(&dm, "do my bidding").await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'do my bidding'",
            1_i64,
        )
        .await;
    world
        .database_says("SELECT count(*) FROM chat_delivery_queue", 0_i64)
        .await;
}

#[tokio::test]
async fn questions_to_one_agent_are_answered_in_order_and_agents_do_not_wait_for_each_other() {
    let world = World::start().await;
    let zack = world.person("zack");
    let (main, ricky) = (world.channel("dm-main"), world.channel("dm-ricky"));
    zack.say(&main, "wait 3 and then one").await;
    zack.say(&main, "two").await;
    zack.say(&ricky, "meanwhile").await;
    zack.sees(&ricky, "Ricky's answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text.contains("meanwhile"))
    })
    .await;
    let early = zack.read(&main).await;
    assert!(
        early.iter().all(|m| m.name != "Trunks"),
        "Trunks still works: {early:#?}"
    );
    let seen = zack
        .sees(&main, "both answers", |seen| {
            seen.iter().filter(|m| m.name == "Trunks").count() == 2
        })
        .await;
    let answers: Vec<_> = seen.iter().filter(|m| m.name == "Trunks").collect();
    assert!(
        answers[0].text.contains("one") && answers[1].text.contains("two"),
        "{answers:#?}"
    );
}

#[tokio::test]
async fn without_an_executor_messages_are_queued_and_delivered_when_it_comes() {
    let mut world = World::without_bridge().await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.start_bridge();
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    zack.say(&dm, "anybody there?").await;
    world.database_says(STATUS, "queued".to_owned()).await;
    let status = world.channel("status");
    zack.sees(&status, "the post about Backup", |seen| {
        seen.iter().any(|m| m.text.contains("Backup"))
    })
    .await;

    let _executor = world.start_executor(port);
    zack.sees(&dm, "the answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("anybody there?"))
    })
    .await;
    world.database_says(STATUS, "processed".to_owned()).await;
    zack.sees(&status, "the post about Live", |seen| {
        seen.last().is_some_and(|m| m.text.contains("Live"))
    })
    .await;
}

#[tokio::test]
async fn two_bridges_hear_the_same_message_and_it_is_one_row_and_one_turn() {
    let world = World::start().await;
    let _second = world.second_bridge();
    let zack = world.person("zack");
    let (main, ricky) = (world.channel("dm-main"), world.channel("dm-ricky"));
    let texts: Vec<String> = (0..4).map(|n| format!("question {n}")).collect();
    for (n, text) in texts.iter().enumerate() {
        let channel = if n % 2 == 0 { &main } else { &ricky };
        zack.say(channel, text).await;
    }
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue WHERE status = 'processed'",
            4_i64,
        )
        .await;
    for (what, query) in [
        (
            "rows",
            "SELECT count(*) FROM project_chat_messages WHERE author = 'ui'",
        ),
        ("deliveries", "SELECT count(*) FROM chat_delivery_queue"),
        ("turns", "SELECT count(*) FROM bridge.executor_turn"),
        (
            "answers",
            "SELECT count(*) FROM project_chat_messages WHERE author LIKE 'agent:%'",
        ),
    ] {
        let count: i64 = sqlx::query_scalar(query)
            .fetch_one(world.pool())
            .await
            .unwrap();
        assert_eq!(count, 4, "{what}");
    }
}
