//! What people say in the thread of a task, change, and take back.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::marks::marked;
use crate::harness::outage::{accept_connections, database_on, end_connections};
use crate::harness::person::count;
use crate::harness::postgres::Server;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// The thread of a task, once the bridge listens there.
async fn thread(world: &World, name: &str) -> String {
    let thread = world.thread(name).await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE thread_id IS NOT NULL",
            1_i64,
        )
        .await;
    thread
}

type Event = (Uuid, String, Option<String>, Value);

/// What is in the timeline, oldest first, once there is so much of it.
async fn timeline(world: &World, many: usize) -> Vec<Event> {
    eventually("events in the timeline", || async {
        let events: Result<Vec<Event>, _> = sqlx::query_as(
            "SELECT id, author, content, metadata FROM task_events \
             WHERE event_type = 'comment' ORDER BY created_at, id",
        )
        .fetch_all(world.pool())
        .await;
        let events = events.unwrap_or_default();
        if events.len() == many {
            Ok(events)
        } else {
            Err(events)
        }
    })
    .await
}

/// Who is mentioned where: short id, type and source.
async fn mentions(world: &World) -> Vec<(String, String, Uuid)> {
    sqlx::query_as("SELECT agent_key, source_type, source_id FROM mentions ORDER BY 1, 2")
        .fetch_all(world.pool())
        .await
        .expect("the database answers")
}

async fn deliveries(world: &World) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM chat_delivery_queue")
        .fetch_one(world.pool())
        .await
        .expect("the database answers")
}

#[tokio::test]
async fn a_message_in_the_thread_is_a_comment_and_its_changes_are_corrections() {
    let world = World::start().await;
    world.task("Sweep the yard", "in_progress", None).await;
    let thread = thread(&world, "Sweep the yard").await;
    let zack = world.person("zack");
    let message = zack.say(&thread, "The broom is broken.").await;
    let written = timeline(&world, 1).await;
    let (id, author, text, metadata) = &written[0];
    assert_eq!(author, "dashboard");
    assert_eq!(text.as_deref(), Some("The broom is broken."));
    assert_eq!(metadata["discord_user_id"], zack.id.as_str());
    assert_eq!(metadata["discord_message_id"], message.as_str());
    assert!(metadata["author_name"].is_string(), "{metadata}");

    zack.edit(&thread, &message, "The broom is lost.").await;
    let corrected = timeline(&world, 2).await;
    assert_eq!(corrected[0], written[0], "the timeline only grows");
    assert_eq!(corrected[1].2.as_deref(), Some("The broom is lost."));
    assert_eq!(corrected[1].3["corrects"], id.to_string());
    zack.delete(&thread, &message).await;
    let deleted = timeline(&world, 3).await;
    assert_eq!(deleted[2].3["corrects"], id.to_string());
    assert_eq!(deleted[2].3["deleted"], true);

    // Said once more, it stands there once: the person's own message is the view.
    zack.say(&thread, "A new broom.").await;
    timeline(&world, 4).await;
    let marker = zack.say(&thread, "And a bucket.").await;
    timeline(&world, 5).await;
    let seen = zack
        .sees(&thread, "everything", |seen| {
            seen.iter().any(|it| it.id == marker)
        })
        .await;
    assert_eq!(count(&seen, "A new broom."), 1, "{seen:#?}");
    assert_eq!(mentions(&world).await, []);
    let chat: i64 = sqlx::query_scalar("SELECT count(*) FROM project_chat_messages")
        .fetch_one(world.pool())
        .await
        .unwrap();
    assert_eq!(chat, 0, "a comment is no chat");
}

#[tokio::test]
async fn a_comment_mentions_agents_once_and_only_operators_wake_them() {
    let world = World::start().await;
    world.task("Sweep the yard", "in_progress", None).await;
    let thread = thread(&world, "Sweep the yard").await;
    let mallory = world.person("mallory");
    mallory.say(&thread, "@ricky look at this").await;
    let written = timeline(&world, 1).await;
    assert_eq!(written[0].1, format!("discord:{}", mallory.id));
    let source = written[0].0;
    let expected = ("ricky".to_owned(), "task_event".to_owned(), source);
    assert_eq!(mentions(&world).await, std::slice::from_ref(&expected));
    assert_eq!(deliveries(&world).await, 0);

    let zack = world.person("zack");
    zack.say(&thread, "@Trunks and @main, and you@trunks.example")
        .await;
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue WHERE target_agent_key = 'agent:main:main'",
            1_i64,
        )
        .await;
    let all = mentions(&world).await;
    assert_eq!(all.len(), 2, "{all:#?}");
    assert_eq!(all[0].0, "main");
    assert_eq!(all[1], expected);
    assert_eq!(deliveries(&world).await, 1);
}

#[tokio::test]
async fn who_is_named_in_the_room_is_mentioned_once() {
    let world = World::start().await;
    let room = world.channel("team-room");
    world
        .person("mallory")
        .say(&room, "@ricky and again @Ricky")
        .await;
    world
        .database_says("SELECT count(*) FROM project_chat_messages", 1_i64)
        .await;
    let all = mentions(&world).await;
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(
        (all[0].0.as_str(), all[0].1.as_str()),
        ("ricky", "chat_message")
    );
    assert_eq!(deliveries(&world).await, 0);
}

#[tokio::test]
async fn files_of_a_comment_are_named_in_it() {
    let world = World::start().await;
    world.task("Sweep the yard", "in_progress", None).await;
    let thread = thread(&world, "Sweep the yard").await;
    let zack = world.person("zack");
    zack.upload(&thread, "see", &[("plan.md", "step one")])
        .await;
    let written = timeline(&world, 1).await;
    let text = written[0].2.clone().unwrap_or_default();
    assert!(text.starts_with("see\n[file: plan.md (8 bytes"), "{text}");
    assert!(text.contains("step one"), "{text}");
    let listed = written[0].3["attachments"].as_array().expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["name"], "plan.md");
}

#[tokio::test]
async fn a_comment_while_the_database_is_away_is_kept_and_written_after_a_restart() {
    let server = Server::start("logical");
    let mut world = World::on(database_on(&server).await).await;
    world.configure("[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n");
    world.start_bridge();
    world.fault(json!({ "rate_limits": "off" })).await;
    world.task("Sweep the yard", "in_progress", None).await;
    let thread = thread(&world, "Sweep the yard").await;
    let zack = world.person("zack");
    zack.say(&thread, "before").await;
    timeline(&world, 1).await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let message = zack.say(&thread, "@ricky meanwhile").await;
    marked(&zack, &thread, &message, &["🕓"]).await;
    world.kill_bridge();
    accept_connections(world.database(), true).await;
    world.start_bridge();
    // The third is what Ricky says to it.
    let written = timeline(&world, 3).await;
    assert_eq!(written[1].2.as_deref(), Some("@ricky meanwhile"));
    assert_eq!(written[2].1, "agent:ricky:main");
    marked(&zack, &thread, &message, &[]).await;
    assert_eq!(mentions(&world).await.len(), 1);
}

#[tokio::test]
async fn who_is_quicker_than_the_bridge_is_heard_and_so_is_who_writes_while_it_is_away() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let mut tasks = Vec::new();
    for n in 0..5 {
        let title = format!("Quick {n}");
        tasks.push(world.task(&title, "inbox", None).await);
        let thread = world.thread(&title).await;
        zack.say(&thread, "I was first.").await;
    }
    let heard = "SELECT count(*) FROM task_events WHERE content = 'I was first.'";
    world.database_says(heard, 5_i64).await;
    let thread = world.thread("Quick 3").await;
    world.stop_bridge();
    zack.say(&thread, "Nobody is there.").await;
    zack.say(&thread, "Or is there?").await;
    // The bridge shows it before it listens, behind what nobody has heard.
    world.comment(tasks[3], "Meanwhile.").await;
    world.start_bridge();
    world
        .database_says(
            "SELECT string_agg(content, ' ' ORDER BY created_at) FROM task_events \
             WHERE content IN ('Nobody is there.', 'Or is there?')",
            "Nobody is there. Or is there?".to_owned(),
        )
        .await;
    let seen = zack.read(&thread).await;
    let own = seen
        .iter()
        .filter(|it| it.text == "Nobody is there.")
        .count();
    assert_eq!(own, 1, "a person's message is its own view: {seen:?}");
}
