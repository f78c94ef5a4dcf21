//! The Team Room, both ways.

use crate::harness::person::count;
use crate::harness::world::World;

#[tokio::test]
async fn a_row_appears_under_its_authors_name_and_follows_its_edits_and_its_end() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let id = world.insert("agent:ricky:main", "first draft").await;
    zack.sees(&room, "the message", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text == "first draft" && m.webhook)
    })
    .await;

    sqlx::query("UPDATE project_chat_messages SET message = 'second draft' WHERE id = $1")
        .bind(id)
        .execute(world.pool())
        .await
        .unwrap();
    zack.sees(&room, "the edit", |seen| {
        count(seen, "second draft") == 1 && count(seen, "first draft") == 0
    })
    .await;

    sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
        .bind(id)
        .execute(world.pool())
        .await
        .unwrap();
    zack.sees(&room, "its end", |seen| count(seen, "second draft") == 0)
        .await;
}

#[tokio::test]
async fn what_people_say_becomes_rows_under_who_they_are_and_is_not_echoed() {
    let world = World::start().await;
    let room = world.channel("team-room");
    world.person("zack").say(&room, "from the operator").await;
    world.person("mallory").say(&room, "from a member").await;
    world
        .database_says(
            "SELECT author FROM project_chat_messages WHERE message = 'from the operator'",
            "ui".to_owned(),
        )
        .await;
    let member = world.person("mallory").id;
    world
        .database_says(
            "SELECT author FROM project_chat_messages WHERE message = 'from a member'",
            format!("discord:{member}"),
        )
        .await;
    // A later row is shown after the echo would have been.
    world.insert("agent:main:main", "seen it").await;
    let zack = world.person("zack");
    let seen = zack
        .sees(&room, "the answer", |seen| count(seen, "seen it") == 1)
        .await;
    assert_eq!(count(&seen, "from the operator"), 1, "{seen:#?}");
    assert_eq!(count(&seen, "from a member"), 1, "{seen:#?}");
}

#[tokio::test]
async fn an_event_that_comes_three_times_is_one_row() {
    let world = World::start().await;
    let room = world.channel("team-room");
    world
        .fault(serde_json::json!({ "duplicate_events": 5 }))
        .await;
    let zack = world.person("zack");
    zack.say(&room, "once").await;
    zack.say(&room, "last").await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'last'",
            1_i64,
        )
        .await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'once'",
            1_i64,
        )
        .await;
}

#[tokio::test]
async fn a_burst_keeps_its_order() {
    let world = World::start().await;
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let wanted: Vec<String> = (0..60).map(|n| format!("line {n}")).collect();
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message, created_at) \
         SELECT 'front-office', 'agent:main:main', t, now() + n * interval '1 ms' \
         FROM unnest($1::text[]) WITH ORDINALITY AS l(t, n)",
    )
    .bind(&wanted)
    .execute(world.pool())
    .await
    .unwrap();
    let seen = zack.sees(&room, "the burst", |seen| seen.len() >= 60).await;
    let texts: Vec<String> = seen.into_iter().map(|m| m.text).collect();
    assert_eq!(texts, wanted);
}

#[tokio::test]
async fn what_is_said_while_the_gateway_is_down_arrives_when_it_is_back() {
    let world = World::start().await;
    let room = world.channel("team-room");
    let zack = world.person("zack");
    world
        .fault(serde_json::json!({ "drop_gateways": true }))
        .await;
    zack.say(&room, "into the gap").await;
    world
        .fault(serde_json::json!({ "invalid_session": true }))
        .await;
    zack.say(&room, "into the next").await;
    for text in ["into the gap", "into the next"] {
        let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
        loop {
            let count: i64 =
                sqlx::query_scalar("SELECT count(*) FROM project_chat_messages WHERE message = $1")
                    .bind(text)
                    .fetch_one(world.pool())
                    .await
                    .unwrap();
            if count == 1 {
                break;
            }
            assert!(
                count == 0 && std::time::Instant::now() < deadline,
                "{text}: {count}"
            );
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test]
async fn a_row_from_beyond_all_time_is_shown_like_any_other() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    for time in ["infinity", "-infinity", "0044-03-15 BC", "9999-12-31"] {
        sqlx::query(
            "INSERT INTO project_chat_messages (project_id, author, message, created_at) \
             VALUES ('front-office', 'agent:ricky:main', $1, $1::timestamptz)",
        )
        .bind(time)
        .execute(world.pool())
        .await
        .unwrap();
    }
    zack.sees(&room, "all four", |seen| seen.len() == 4).await;
    // The process that read them still lives.
    world.insert("agent:main:main", "and on").await;
    zack.sees(&room, "the next row", |seen| count(seen, "and on") == 1)
        .await;
}

/// Both ways: who deletes a row in a dashboard does not want to read it in Discord.
#[tokio::test]
async fn a_row_that_is_deleted_takes_what_a_person_wrote_with_it() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    zack.say(&room, "a slip of the tongue").await;
    world
        .database_says(
            "SELECT count(*) FROM project_chat_messages WHERE message = 'a slip of the tongue'",
            1_i64,
        )
        .await;
    sqlx::query("DELETE FROM project_chat_messages WHERE message = 'a slip of the tongue'")
        .execute(world.pool())
        .await
        .unwrap();
    zack.sees(&room, "an empty room", <[_]>::is_empty).await;
}

/// Only what a person wrote in Discord can be taken back there.
#[tokio::test]
async fn an_agents_row_is_shown_whatever_its_metadata_says() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message, metadata)
         VALUES ('front-office', 'agent:ricky:main', 'still here',
                 '{\"deleted_at\": [1], \"edited_at\": \"banana\", \"reply_to\": 7}')",
    )
    .execute(world.pool())
    .await
    .unwrap();
    zack.sees(&room, "the row", |seen| count(seen, "still here") == 1)
        .await;
}
