//! People delete what they have written.

use reqwest::Method;
use serde_json::json;

use super::without_executor;
use crate::harness::outage::{accept_connections, end_connections};
use crate::harness::world::World;

#[tokio::test]
async fn what_nobody_has_taken_yet_reaches_no_agent() {
    let (world, port) = without_executor().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let regretted = zack.say(&dm, "regretted").await;
    zack.say(&dm, "meant").await;
    assert_eq!(world.row_of("regretted").await.statuses, ["queued"]);
    world.row_of("meant").await;
    zack.delete(&dm, &regretted).await;
    world.no_row_of("regretted").await;
    world
        .database_says("SELECT count(*) FROM chat_delivery_queue", 1_i64)
        .await;
    let _executor = world.start_executor(port);
    let seen = zack
        .sees(&dm, "the answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Trunks" && m.text.contains("meant"))
        })
        .await;
    assert_eq!(
        seen.iter().filter(|m| m.name == "Trunks").count(),
        1,
        "{seen:#?}"
    );
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE message_id IS NULL",
            0_i64,
        )
        .await;
}

#[tokio::test]
async fn what_an_agent_has_had_stays_as_what_it_saw() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let said = zack.say(&dm, "too late").await;
    zack.sees(&dm, "the answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("too late"))
    })
    .await;
    zack.delete(&dm, &said).await;
    let row = world
        .row("the note", |row| row.metadata["deleted_at"].is_string())
        .await;
    assert_eq!((row.message.as_str(), row.to.len()), ("too late", 1));
    assert_eq!(row.metadata["discord_message_id"], said.as_str());
    let seen = zack.read(&dm).await;
    assert_eq!(
        seen.iter().filter(|m| m.name == "Trunks").count(),
        1,
        "{seen:#?}"
    );
}

#[tokio::test]
async fn of_two_agents_only_the_one_that_has_it_keeps_it() {
    let (world, _) = without_executor().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let said = zack.say(&room, "@Trunks @Ricky both").await;
    world.row_of("@Trunks @Ricky both").await;
    sqlx::query(
        "UPDATE chat_delivery_queue SET status = 'delivered', picked_up_at = now() \
         WHERE target_agent_key = 'agent:ricky:main'",
    )
    .execute(world.pool())
    .await
    .expect("another executor takes one");
    zack.delete(&room, &said).await;
    let row = world
        .row("the note", |row| row.metadata["deleted_at"].is_string())
        .await;
    assert_eq!(row.to, ["agent:ricky:main"]);
}

#[tokio::test]
async fn many_at_once_by_a_moderator_and_nothing_of_others() {
    let world = World::start().await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let room = world.channel("team-room");
    let mut ids = Vec::new();
    for n in 0..4 {
        ids.push(mallory.say(&room, &format!("spam {n}")).await);
    }
    mallory.say(&room, "not spam").await;
    world.row_of("not spam").await;
    world.insert("agent:main:main", "an agent's").await;
    let seen = zack
        .sees(&room, "the agent's", |seen| {
            seen.iter().any(|m| m.text == "an agent's")
        })
        .await;
    // A moderator may take a webhook's message away; the row is not a person's, and stays.
    let agents = seen
        .iter()
        .find(|m| m.text == "an agent's")
        .expect("it is there");
    zack.delete(&room, &agents.id).await;
    let path = format!("/channels/{room}/messages/bulk-delete");
    let body = json!({ "messages": ids });
    let (status, answer) = zack.call(Method::POST, &path, Some(body)).await;
    assert!(status.is_success(), "{answer}");
    for n in 0..4 {
        world.no_row_of(&format!("spam {n}")).await;
    }
    world.row_of("not spam").await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'an agent''s'",
            1_i64,
        )
        .await;
}

#[tokio::test]
async fn whatever_the_order_of_the_events_a_deleted_message_is_no_row() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world
        .fault(json!({ "duplicate_events": 40, "reorder_events": true }))
        .await;
    for n in 0..5 {
        let said = zack.say(&room, &format!("gone {n}")).await;
        zack.delete(&room, &said).await;
    }
    world.no_faults().await;
    zack.say(&room, "the end").await;
    world.row_of("the end").await;
    for n in 0..5 {
        world.no_row_of(&format!("gone {n}")).await;
    }
}

#[tokio::test]
async fn a_row_that_was_written_before_an_outage_is_deleted_after_it() {
    let mut world = World::without_bridge().await;
    world.configure("[mode]\npoll_seconds = 1\n");
    world.start_bridge();
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let said = zack.say(&room, "soon gone").await;
    world.row_of("soon gone").await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let status = world.channel("status");
    zack.sees(&status, "Offline", |seen| {
        seen.last().is_some_and(|m| m.text.contains("**Offline**"))
    })
    .await;
    zack.delete(&room, &said).await;
    accept_connections(world.database(), true).await;
    zack.say(&room, "back").await;
    world.row_of("back").await;
    world.no_row_of("soon gone").await;
}
