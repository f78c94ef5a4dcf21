//! One row is one post.

use reqwest::Method;
use serde_json::json;

use super::{RICKY, TRUNKS, goes_on, happens, posts};
use crate::harness::person::Person;
use crate::harness::wait::eventually;
use crate::harness::world::World;

#[tokio::test]
async fn what_happens_appears_with_who_did_it_and_the_way_to_the_task() {
    let world = World::start().await;
    let zack = world.person("zack");
    let task = world.task("Open the shop", "in_progress", None).await;
    let thread = world.thread("Open the shop").await;
    happens(
        &world,
        "task_moved",
        RICKY,
        "Moved it to review",
        Some(task),
    )
    .await;
    // The thread may be known a moment after it is there.
    let seen = posts(&world, &zack, &format!("<#{thread}>"), 1).await;
    let text = &seen[0].text;
    assert!(text.starts_with("🔀 Ricky · <t:"), "{text}");
    assert!(text.contains("**task moved**"), "{text}");
    assert!(text.contains("Moved it to review"), "{text}");
    assert!(!seen[0].webhook, "the bot tells it");
}

#[tokio::test]
async fn a_post_about_a_new_task_gets_its_link_when_the_thread_is_there() {
    let world = World::start().await;
    let zack = world.person("zack");
    let task = world.task("Paint the door", "assigned", None).await;
    happens(
        &world,
        "task_created",
        "ui",
        "A new task: the door",
        Some(task),
    )
    .await;
    let thread = world.thread("Paint the door").await;
    posts(&world, &zack, &format!("<#{thread}>"), 1).await;
    let seen = posts(&world, &zack, "A new task", 1).await;
    assert!(seen[0].text.contains("Operator"), "{seen:#?}");
}

#[tokio::test]
async fn what_happened_while_the_bridge_was_away_appears_once_and_in_order() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    goes_on(&world, "build_update", TRUNKS, "the first").await;
    posts(&world, &zack, "the first", 1).await;
    world.stop_bridge();
    goes_on(&world, "drive_upload", RICKY, "the second").await;
    goes_on(&world, "build_update", TRUNKS, "the third").await;
    world.start_bridge();
    posts(&world, &zack, "the third", 1).await;
    let told: Vec<String> = zack
        .read(&world.channel("activity"))
        .await
        .into_iter()
        .map(|it| it.text)
        .collect();
    let order = ["the first", "the second", "the third"].map(|text| {
        told.iter()
            .position(|it| it.contains(text))
            .expect("it is there")
    });
    assert!(order.is_sorted(), "{told:#?}");
    assert_eq!(told.len(), 3, "{told:#?}");
}

#[tokio::test]
async fn what_is_older_than_the_first_link_stays_where_it_is() {
    let mut world = World::without_bridge().await;
    let zack = world.person("zack");
    goes_on(&world, "build_update", TRUNKS, "long ago").await;
    sqlx::query("UPDATE activities SET created_at = now() - interval '400 days'")
        .execute(world.pool())
        .await
        .unwrap();
    world.start_bridge();
    goes_on(&world, "build_update", TRUNKS, "today").await;
    let seen = posts(&world, &zack, "today", 1).await;
    assert!(!seen[0].text.contains("long ago"), "{seen:#?}");
    posts(&world, &zack, "long ago", 0).await;
}

#[tokio::test]
async fn a_row_that_is_deleted_takes_its_post_with_it_and_a_post_that_is_deleted_stays_away() {
    let mut world = World::start().await;
    let (zack, channel) = (world.person("zack"), world.channel("activity"));
    let row = goes_on(&world, "build_update", TRUNKS, "built by mistake").await;
    posts(&world, &zack, "built by mistake", 1).await;
    sqlx::query("DELETE FROM activities WHERE id = $1")
        .bind(row)
        .execute(world.pool())
        .await
        .unwrap();
    posts(&world, &zack, "built by mistake", 0).await;

    goes_on(&world, "build_update", RICKY, "nobody needs this").await;
    let seen = posts(&world, &zack, "nobody needs this", 1).await;
    take_away(&world, &channel, &seen[0].id).await;
    // Of the same kind, perhaps before anybody knows, and yet it does not bring back what was taken away.
    goes_on(&world, "build_update", RICKY, "news").await;
    let seen = posts(&world, &zack, "news", 1).await;
    assert!(!seen[0].text.contains("nobody needs this"), "{seen:#?}");
    world.stop_bridge();
    world.start_bridge();
    goes_on(&world, "drive_upload", TRUNKS, "after the start").await;
    posts(&world, &zack, "after the start", 1).await;
    posts(&world, &zack, "nobody needs this", 0).await;
}

/// Deletes a message, as whoever may manage messages does.
async fn take_away(world: &World, channel: &str, message: &str) {
    let path = format!("/channels/{channel}/messages/{message}");
    let bot = Person::bot(world.discord());
    let (status, answer) = bot.call(Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{status} {answer}");
}

#[tokio::test]
async fn what_a_post_had_not_shown_when_it_was_taken_away_stands_in_another() {
    let world = World::start().await;
    let (zack, channel) = (world.person("zack"), world.channel("activity"));
    goes_on(&world, "build_update", RICKY, "nobody needs this").await;
    let seen = posts(&world, &zack, "nobody needs this", 1).await;
    world
        .fault(json!({
            "route": format!("PATCH /channels/{channel}/messages/{{message_id}}"),
            "count": 1, "delay_ms": 10_000
        }))
        .await;
    goes_on(&world, "build_update", RICKY, "news").await;
    // It has its place, and the change that would show it is on its way.
    let placed = "SELECT lines FROM bridge.activity_post ORDER BY id DESC LIMIT 1";
    world.database_says(placed, 2_i32).await;
    take_away(&world, &channel, &seen[0].id).await;
    let seen = posts(&world, &zack, "news", 1).await;
    assert!(!seen[0].text.contains("nobody needs this"), "{seen:#?}");
    let closed = "SELECT closed FROM bridge.activity_post ORDER BY id LIMIT 1";
    world.database_says(closed, true).await;
    // The change is refused in the end, and shows nobody anything.
    world
        .sees_request("the change", |it| {
            it["method"] == "PATCH" && it["status"] == 404
        })
        .await;
    goes_on(&world, "drive_upload", TRUNKS, "the last").await;
    posts(&world, &zack, "the last", 1).await;
    posts(&world, &zack, "news", 1).await;
    posts(&world, &zack, "nobody needs this", 0).await;
}

#[tokio::test]
async fn what_comes_to_a_post_that_was_taken_away_while_the_bridge_was_off_stands_in_another() {
    let mut world = World::start().await;
    let (zack, channel) = (world.person("zack"), world.channel("activity"));
    goes_on(&world, "build_update", RICKY, "nobody needs this").await;
    let seen = posts(&world, &zack, "nobody needs this", 1).await;
    world.stop_bridge();
    take_away(&world, &channel, &seen[0].id).await;
    goes_on(&world, "build_update", RICKY, "news").await;
    goes_on(&world, "build_update", RICKY, "more news").await;
    for _ in 0..2 {
        world.start_bridge();
        let seen = posts(&world, &zack, "more news", 1).await;
        assert!(!seen[0].text.contains("nobody needs this"), "{seen:#?}");
        let count = seen[0].text.matches("news").count();
        assert_eq!(count, 2, "both, once each: {seen:#?}");
        goes_on(&world, "drive_upload", TRUNKS, "the last").await;
        posts(&world, &zack, "the last", 1).await;
        posts(&world, &zack, "news", 1).await;
        posts(&world, &zack, "nobody needs this", 0).await;
        world.stop_bridge();
        sqlx::query("DELETE FROM activities WHERE message = 'the last'")
            .execute(world.pool())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn without_the_feed_the_sweep_finds_it() {
    let mut world = World::without_bridge().await;
    world.configure("[feed]\nkind = \"off\"\n[mirror]\nsweep_seconds = 1\n");
    world.start_bridge();
    let zack = world.person("zack");
    let row = goes_on(&world, "build_update", TRUNKS, "found by comparing").await;
    posts(&world, &zack, "found by comparing", 1).await;
    sqlx::query("UPDATE activities SET message = 'said otherwise' WHERE id = $1")
        .bind(row)
        .execute(world.pool())
        .await
        .unwrap();
    posts(&world, &zack, "said otherwise", 1).await;
    eventually("one post in all", || async {
        let seen = zack.read(&world.channel("activity")).await;
        if seen.len() == 1 { Ok(()) } else { Err(seen) }
    })
    .await;
}
