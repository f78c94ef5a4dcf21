//! Anybody may write the table.

use serde_json::json;

use super::{RICKY, TRUNKS, goes_on, posts};
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

#[tokio::test]
async fn hostile_rows_are_cut_and_escaped_and_hold_nothing_up() {
    let world = World::start().await;
    let (zack, channel) = (world.person("zack"), world.channel("activity"));
    goes_on(&world, "build_update", TRUNKS, &"long ".repeat(2_000)).await;
    goes_on(
        &world,
        "# @everyone\n**x**",
        "agent:\u{202e}evil",
        "<@123> @everyone [a](https://b.example) ```\n# c",
    )
    .await;
    goes_on(&world, &"t".repeat(10_000), &"a".repeat(10_000), "").await;
    goes_on(&world, "", "", "\u{200b}").await;
    sqlx::query(
        "INSERT INTO activities (project_id, type, message, actor_agent_key, created_at) \
         VALUES ($1, 'build_update', 'no end', NULL, 'infinity')",
    )
    .bind(PROJECT)
    .execute(world.pool())
    .await
    .unwrap();
    posts(&world, &zack, "no end", 1).await;
    let seen = zack.read(&channel).await;
    assert_eq!(seen.len(), 5, "{seen:#?}");
    for post in &seen {
        assert!(post.text.chars().count() < 1_200, "{post:#?}");
    }
    let evil = seen.iter().find(|it| it.text.contains("123")).unwrap();
    for raw in ["<@123>", " @everyone", "](http", "```"] {
        assert!(!evil.text.contains(raw), "{raw}: {}", evil.text);
    }
    assert!(evil.text.contains("\\<\\@123\\>"), "{}", evil.text);
}

#[tokio::test]
async fn a_channel_in_which_the_bot_may_not_write_is_named_and_the_rest_goes_on() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let route = format!("POST /channels/{}/messages", world.channel("activity"));
    world
        .fault(json!({ "route": route, "count": 1, "status": 403, "code": 50013 }))
        .await;
    goes_on(&world, "build_update", RICKY, "nobody may see this yet").await;
    world.insert(RICKY, "the room goes on").await;
    zack.sees(&room, "the room", |seen| {
        seen.iter().any(|it| it.text == "the room goes on")
    })
    .await;
    eventually("the log names the channel", || async {
        let log = world.log();
        let named = log.contains("a message to activity did not get through");
        if named { Ok(()) } else { Err(log) }
    })
    .await;
}
