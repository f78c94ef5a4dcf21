//! A project moves to another server: its cards and threads come along, and nothing more is told where it was.

use reqwest::Method;
use serde_json::json;

use super::{let_in, second_server};
use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::person::{Person, Seen};
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// The channel of this name in a server, once there is one.
async fn named(zack: &Person, guild: &str, name: &str) -> String {
    eventually(name, || async {
        let path = format!("/guilds/{guild}/channels");
        let (_, all) = zack.call(Method::GET, &path, None).await;
        let channels = all.as_array().cloned().unwrap_or_default();
        let found = channels.iter().find(|it| it["name"] == name);
        let id = found.and_then(|it| it["id"].as_str().map(str::to_owned));
        id.ok_or(all)
    })
    .await
}

/// The thread of a task in a server, once there is one.
async fn thread(zack: &Person, guild: &str, tasks: &str, name: &str) -> String {
    eventually(name, || async {
        let threads = zack.threads(guild, tasks).await;
        let found = threads.iter().find(|it| it.name == name);
        found.map(|it| it.id.clone()).ok_or(threads)
    })
    .await
}

fn texts(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(|it| it.text.clone()).collect()
}

#[tokio::test]
async fn a_move_takes_cards_and_threads_along_and_leaves_silence_behind() {
    let world = World::start().await;
    let client = Client::open(&world, "zack").await;
    let zack = &client.person;
    let old_guild = world.guild().to_owned();
    let (old_room, old_approvals) = (world.channel("team-room"), world.channel("approvals"));
    let row = world
        .insert("agent:main:main", "said before the move")
        .await;
    zack.sees(&old_room, "the message", |seen| {
        seen.iter().any(|it| it.text == "said before the move")
    })
    .await;
    let task = world.task("Move the boxes", "in_progress", None).await;
    let old_thread = thread(zack, &old_guild, &world.channel("tasks"), "Move the boxes").await;
    zack.say(&world.channel("dm-main"), "please propose create_task")
        .await;
    let waits = |card: &Card| card.live().contains(&"Approve");
    let old_card = zack
        .sees_card(&old_approvals, "Trunks", "the proposal", waits)
        .await;

    let (guild, there) = moves(&world, zack).await;
    let before = [
        texts(&zack.read(&old_room).await),
        texts(&zack.read(&old_thread).await),
        texts(&zack.read(&old_approvals).await),
    ];

    // What waits for a decision waits here, and is decided here.
    let approvals = named(zack, &guild, "approvals").await;
    let card = zack
        .sees_card(&approvals, "Trunks", "the proposal", waits)
        .await;
    let gone = client.told(&client.press(&old_card, "Approve").await).await;
    assert!(gone.says("another server now"), "{gone:?}");
    there.press(&card, "Approve").await;
    world
        .database_says("SELECT count(*) FROM bridge.decision", 1_i64)
        .await;

    // The task has its thread here, and what happens in it is told here alone.
    let tasks = named(zack, &guild, "tasks").await;
    let new_thread = thread(zack, &guild, &tasks, "Move the boxes").await;
    sqlx::query(
        "INSERT INTO task_events (project_id, task_id, event_type, author, content) \
         VALUES ('front-office', $1, 'comment', 'agent:main:main', 'unpacked by now')",
    )
    .bind(task)
    .execute(world.pool())
    .await
    .expect("it is written");
    zack.sees(&new_thread, "the comment", |seen| {
        seen.iter().any(|it| it.text.contains("unpacked by now"))
    })
    .await;
    // What is changed stays as it was where nothing is shown any more.
    sqlx::query(
        "UPDATE project_chat_messages SET message = 'changed after the move' WHERE id = $1",
    )
    .bind(row)
    .execute(world.pool())
    .await
    .expect("it is written");
    world.insert("agent:main:main", "said after the move").await;
    let room = named(zack, &guild, "team-room").await;
    zack.sees(&room, "the next message", |seen| {
        seen.iter().any(|it| it.text == "said after the move")
    })
    .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view v JOIN project_chat_messages m ON m.id::text = v.entity_id \
             WHERE v.state = 'failed' AND m.message = 'changed after the move'",
            1_i64,
        )
        .await;
    let after = [
        texts(&zack.read(&old_room).await),
        texts(&zack.read(&old_thread).await),
        texts(&zack.read(&old_approvals).await),
    ];
    assert_eq!(before, after);

    nobody_reads(&world, &client, &old_room).await;

    // And what is said here is heard.
    zack.say(&named(zack, &guild, "dm-main").await, "are you settled?")
        .await;
    zack.sees(&named(zack, &guild, "dm-main").await, "an answer", |seen| {
        seen.iter()
            .any(|it| it.name == "Trunks" && it.text.contains("are you settled?"))
    })
    .await;
    assert!(!json!(before).to_string().contains("settled"));
}

/// Whoever writes or asks where a project was is told so, and it is about nobody else's project.
async fn nobody_reads(world: &World, client: &Client, old_room: &str) {
    let asked = client.used(old_room, "agents", &[]).await;
    assert!(asked.says("another server now"), "{asked:?}");
    client.person.say(old_room, "is anybody there?").await;
    client
        .person
        .sees(old_room, "the hint", |seen| {
            seen.iter().any(|it| it.text.contains("not read any more"))
        })
        .await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message LIKE '%anybody there%'",
            0_i64,
        )
        .await;
}

/// Moves the project to a server of one's own; with it comes one's app there.
async fn moves(world: &World, zack: &Person) -> (String, Client) {
    let (guild, general) = second_server(zack).await;
    let application = world.discord()["discord"]["application_id"].as_str();
    let_in(zack, application.expect("a text"), &guild).await;
    let there = Client::open(world, "zack").await.in_server(&guild);
    let asked = eventually("the question", || async {
        let options = [("project", "front-office")];
        let card = there.used(&general, "setup", &options).await;
        if card.live().contains(&"Move it here") {
            Ok(card)
        } else {
            Err(card)
        }
    })
    .await;
    let act = there.press(&asked, "Move it here").await;
    there.told_in_the_end(&act, "shown here now").await;
    (guild, there)
}
