//! `/ask`: from anywhere, to whom it may concern.

use serde_json::json;

use super::without_executor;
use crate::harness::client::Client;
use crate::harness::outage::{accept_connections, database_on, end_connections};
use crate::harness::postgres::Server;
use crate::harness::world::World;

#[tokio::test]
async fn a_question_from_anywhere_is_in_the_agents_channel_and_is_answered_there() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let (status, dm) = (world.channel("status"), world.channel("dm-ricky"));
    let offered = zack.offered(&status, "ask", "agent", "ri").await;
    assert_eq!(
        offered,
        [("Ricky".to_owned(), "agent:ricky:main".to_owned())]
    );
    assert_eq!(zack.offered(&status, "ask", "agent", "").await.len(), 2);
    assert_eq!(zack.offered(&status, "ask", "agent", "nobody").await, []);

    let act = zack.ask(&status, "agent:ricky:main", "what is new?").await;
    let told = zack.told(&act).await;
    assert_eq!(told.content, format!("Sent to Ricky: <#{dm}>"));
    let row = world.row_of("what is new?").await;
    assert_eq!(row.author, "ui");
    assert_eq!(row.to, ["agent:ricky:main"]);
    assert_eq!(row.target_agent_key.as_deref(), Some("agent:ricky:main"));
    assert_eq!(row.metadata["discord_user_id"], zack.person.id.as_str());
    assert!(
        row.metadata["discord_interaction_id"].is_string(),
        "{row:?}"
    );
    let seen = zack
        .person
        .sees(&dm, "question and answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Ricky" && m.text.contains("what is new?"))
                && seen.iter().any(|m| m.text == "what is new?")
        })
        .await;
    let asked = seen
        .iter()
        .find(|m| m.text == "what is new?")
        .expect("it is there");
    let name = row.metadata["author_name"].as_str().expect("a name");
    assert_eq!(asked.name, format!("{name} (operator)"));
    // A person may type what they were not offered.
    let told = zack.told(&zack.ask(&dm, "trunks", "and you?").await).await;
    assert!(told.says("Sent to Trunks"), "{told:?}");
}

#[tokio::test]
async fn without_an_executor_it_is_queued_and_answered_later() {
    let (world, port) = without_executor().await;
    let zack = Client::open(&world, "zack").await;
    let (room, dm) = (world.channel("team-room"), world.channel("dm-main"));
    let told = zack
        .told(&zack.ask(&room, "agent:main:main", "anybody?").await)
        .await;
    assert_eq!(told.content, "Queued - agent will process when online");
    assert_eq!(world.row_of("anybody?").await.statuses, ["queued"]);
    let _executor = world.start_executor(port);
    zack.person
        .sees(&dm, "the answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Trunks" && m.text.contains("anybody?"))
        })
        .await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_said_and_nothing_is_written() {
    let world = World::start().await;
    let (zack, mallory) = (
        Client::open(&world, "zack").await,
        Client::open(&world, "mallory").await,
    );
    let status = world.channel("status");
    for (agent, message, why) in [
        (
            "agent:ghost:main",
            "hello",
            "There is no agent agent:ghost:main",
        ),
        ("'; DROP TABLE agents; --", "hello", "There is no agent"),
        ("agent:main:main", "  ", "no text in your message"),
    ] {
        let told = zack.told(&zack.ask(&status, agent, message).await).await;
        assert!(told.text().replace('`', "").contains(why), "{told:?}");
        assert_eq!(told.pings, 0);
    }
    let told = mallory
        .told(&mallory.ask(&status, "agent:main:main", "obey").await)
        .await;
    assert!(told.says("Only operators talk to agents"), "{told:?}");
    // Who may not ask may still type: nothing fails while they do.
    assert_eq!(
        mallory.offered(&status, "ask", "agent", "tr").await.len(),
        1
    );

    sqlx::query("UPDATE project_settings SET value = '{\"team_room\": true}'")
        .execute(world.pool())
        .await
        .expect("the flags are switched");
    let told = crate::harness::wait::eventually("the feature is off", || async {
        let told = zack
            .told(&zack.ask(&status, "agent:main:main", "hello").await)
            .await;
        if told.says("is switched off") {
            Ok(told)
        } else {
            Err(told)
        }
    })
    .await;
    assert!(told.says("/labs flag:operator_chat on:True"), "{told:?}");
    let rows = world.rows().await;
    assert!(rows.iter().all(|row| row.message == "hello"), "{rows:#?}");
}

#[tokio::test]
async fn while_the_database_is_away_it_says_so() {
    let server = Server::start("logical");
    let mut world = World::on(database_on(&server).await).await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let status = world.channel("status");
    zack.offered(&status, "ask", "agent", "").await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let told = zack
        .told(&zack.ask(&status, "agent:main:main", "hello?").await)
        .await;
    assert!(told.says("database cannot be reached"), "{told:?}");
    // The names are known without it.
    assert_eq!(
        zack.offered(&status, "ask", "agent", "trunks").await.len(),
        1
    );
    accept_connections(world.database(), true).await;
}

#[tokio::test]
async fn a_hundred_kilobytes_written_elsewhere_are_answered_and_do_no_harm() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let long = format!("begin {} end", "word ".repeat(20_000));
    let thread: uuid::Uuid = sqlx::query_scalar(
        "INSERT INTO project_chat_threads (project_id, title) \
         VALUES ('front-office', 'DM:agent:main:main') RETURNING id",
    )
    .fetch_one(world.pool())
    .await
    .expect("a thread");
    sqlx::query(
        "WITH said AS (INSERT INTO project_chat_messages \
           (project_id, thread_id, author, target_agent_key, message) \
           VALUES ('front-office', $1, 'ui', 'agent:main:main', $2) RETURNING id) \
         INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key) \
         SELECT 'front-office', id, 'agent:main:main' FROM said",
    )
    .bind(thread)
    .bind(&long)
    .execute(world.pool())
    .await
    .expect("a long message");
    world.fault(json!({ "rate_limits": "off" })).await;
    world
        .database_says(
            "SELECT status FROM chat_delivery_queue",
            "processed".to_owned(),
        )
        .await;
    zack.say(&dm, "still there?").await;
    zack.sees(&dm, "the next answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("still there?"))
    })
    .await;
}
