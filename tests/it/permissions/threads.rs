//! Permissions that the bot lacks for the threads of tasks.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{CREATE_THREADS, MANAGE_THREADS, leaves_all_but, refusals, status_says};
use crate::harness::client::Client;
use crate::harness::person::{Person, Seen};
use crate::harness::wait::eventually;
use crate::harness::world::World;

const TRUNKS: &str = "agent:main:main";

async fn hears(zack: &Person, channel: &str, text: &str) {
    let there = |seen: &[Seen]| seen.iter().filter(|it| it.text == text).count() == 1;
    zack.sees(channel, text, there).await;
}

async fn change(world: &World, task: Uuid, statement: &'static str) {
    let done = sqlx::query(statement).bind(task).execute(world.pool());
    done.await.expect("the database takes it");
}

/// A server whose `#tasks` is a text channel: threads hang on cards there.
async fn without_a_forum() -> World {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let path = format!("/channels/{}", world.channel("tasks"));
    world.stop_bridge();
    let (_, forum) = zack.call(Method::GET, &path, None).await;
    zack.call(Method::DELETE, &path, None).await;
    let text = json!({ "name": "tasks", "type": 0, "parent_id": forum["parent_id"] });
    let guild = format!("/guilds/{}/channels", world.guild());
    let (status, made) = zack.call(Method::POST, &guild, Some(text)).await;
    assert!(status.is_success(), "{status} {made}");
    world.start_bridge();
    world
}

#[tokio::test]
async fn without_the_right_to_open_threads_tasks_have_cards_and_threads_come_later() {
    let world = without_a_forum().await;
    let zack = Client::open(&world, "zack").await;
    let (room, tasks) = (world.channel("team-room"), world.channel("tasks"));
    let old = world.task("Paint the fence", "in_progress", None).await;
    let thread = world.thread("Paint the fence").await;
    leaves_all_but(&world, CREATE_THREADS).await;
    let line =
        "lacks **Create Public Threads** in this server: new tasks have cards without threads";
    status_says(&world, line, true).await;
    let told = zack.used(&room, "status", &[]).await;
    assert!(told.says(line), "{told:?}");
    let before = world.requests().await.len();
    let task = world.task("Mow the lawn", "inbox", None).await;
    world.comment(task, "how short?").await;
    // Its card is kept true, and the threads that are there go on.
    let card = |status: &'static str| {
        zack.person
            .sees_card(&tasks, "Mow the lawn", status, move |it| it.says(status))
    };
    card("Inbox").await;
    change(
        &world,
        task,
        "UPDATE tasks SET status = 'blocked' WHERE id = $1",
    )
    .await;
    card("Blocked").await;
    world.comment(old, "in green").await;
    hears(&zack.person, &thread, "in green").await;
    world.insert(TRUNKS, "meanwhile").await;
    hears(&zack.person, &room, "meanwhile").await;
    let there = zack.person.threads(world.guild(), &tasks).await;
    assert_eq!(there.len(), 1, "{there:?}");
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");

    leaves_all_but(&world, 0).await;
    let thread = world.thread("Mow the lawn").await;
    hears(&zack.person, &thread, "how short?").await;
    status_says(&world, "Create Public Threads", false).await;
    assert_eq!(card("Blocked").await.id, thread);
}

#[tokio::test]
async fn in_a_forum_tasks_have_their_threads_without_the_right_to_open_any() {
    let world = World::start().await;
    let zack = world.person("zack");
    leaves_all_but(&world, CREATE_THREADS).await;
    let before = world.requests().await.len();
    let task = world.task("Mow the lawn", "inbox", None).await;
    world.comment(task, "how short?").await;
    let thread = world.thread("Mow the lawn").await;
    hears(&zack, &thread, "how short?").await;
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");
    // Nothing is missed there, so nothing is said.
    status_says(&world, "Create Public Threads", false).await;
}

#[tokio::test]
async fn without_the_right_to_manage_threads_its_own_are_kept_and_none_is_removed() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let (room, tasks) = (world.channel("team-room"), world.channel("tasks"));
    let task = world.task("Paint the fence", "inbox", None).await;
    let post = world.sees_thread("Paint the fence", "a post", |it| !it.tags.is_empty());
    let post = post.await;
    let gone = world.task("Mow the lawn", "inbox", None).await;
    let lawn = world.thread("Mow the lawn").await;
    leaves_all_but(&world, MANAGE_THREADS).await;
    let line = "lacks **Manage Threads** in this server: threads of tasks that are gone stay, and \
                those that people locked or opened are left alone";
    status_says(&world, line, true).await;
    let told = zack.used(&room, "status", &[]).await;
    assert!(told.says(line), "{told:?}");
    // What the bot has opened is its own: tagged, named, archived and woken as before.
    let before = world.requests().await.len();
    change(
        &world,
        task,
        "UPDATE tasks SET status = 'blocked', title = 'Paint the wall' WHERE id = $1",
    )
    .await;
    let tagged = world.sees_thread("Paint the wall", "its tag", |it| it.tags != post.tags);
    tagged.await;
    change(
        &world,
        task,
        "UPDATE tasks SET deleted_at = now() WHERE id = $1",
    )
    .await;
    // A last change of its card may wake it again, so what counts is that Discord has taken it.
    let path = format!("/channels/{}", post.id);
    let archives = |it: &Value| {
        let asked = it["body"]["archived"] == true && it["status"] == 200;
        asked && it["path"].as_str().is_some_and(|it| it.ends_with(&path))
    };
    world.sees_request("the archive", archives).await;
    change(
        &world,
        task,
        "UPDATE tasks SET deleted_at = NULL WHERE id = $1",
    )
    .await;
    world.comment(task, "after all").await;
    hears(&zack.person, &post.id, "after all").await;
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");
    // In one that a person has locked only those write who manage threads.
    let locked = zack
        .person
        .call(Method::PATCH, &path, Some(json!({ "locked": true })));
    assert!(locked.await.0.is_success());
    world.comment(task, "behind the lock").await;
    // One whose task is gone stays, and is not asked for over and over.
    change(&world, gone, "DELETE FROM tasks WHERE id = $1").await;
    for number in 0..3 {
        let task = world.task(&format!("Task {number}"), "inbox", None).await;
        world.comment(task, "go on").await;
        let thread = world.thread(&format!("Task {number}")).await;
        hears(&zack.person, &thread, "go on").await;
    }
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");
    let threads = zack.person.threads(world.guild(), &tasks).await;
    assert!(threads.iter().any(|it| it.id == lawn), "{threads:#?}");
    let said = zack.person.read(&post.id).await;
    assert!(
        !said.iter().any(|it| it.text == "behind the lock"),
        "{said:#?}"
    );

    leaves_all_but(&world, 0).await;
    eventually("the thread goes with its task", || async {
        let threads = zack.person.threads(world.guild(), &tasks).await;
        let stays = threads.iter().any(|it| it.id == lawn);
        if stays { Err(threads) } else { Ok(()) }
    })
    .await;
    hears(&zack.person, &post.id, "behind the lock").await;
    status_says(&world, "Manage Threads", false).await;
    assert_eq!(zack.person.threads(world.guild(), &tasks).await.len(), 4);
}
