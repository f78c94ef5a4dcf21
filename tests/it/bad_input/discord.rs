//! A Discord that fails, is slow, loses answers or says "slower": every message is there once, in order.

use serde_json::{Value, json};

use crate::harness::person::count;
use crate::harness::status::{card, posts};
use crate::harness::world::World;

const EXECUTE: &str = "POST /webhooks/{webhook_id}/{webhook_token}";

/// Writes rows one by one under these faults and expects each once and in order.
async fn all_arrive(world: &World, faults: &[Value], texts: &[String]) {
    for fault in faults {
        world.fault(fault.clone()).await;
    }
    for text in texts {
        world.insert("agent:main:main", text).await;
    }
    let room = world.channel("team-room");
    let last = texts.last().expect("a text");
    let wanted = count_of(texts, last);
    let seen = world
        .person("zack")
        .sees(&room, "the last text", |seen| count(seen, last) >= wanted)
        .await;
    let seen: Vec<String> = seen.into_iter().map(|m| m.text).collect();
    assert_eq!(seen, texts);
    // The faults were met: otherwise nothing was tested.
    let failed = |request: &Value| {
        request["route"] == "/webhooks/{webhook_id}/{webhook_token}" && request["status"] != 200
    };
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
    let delayed = faults.iter().all(|fault| fault["delay_ms"].is_u64());
    assert!(delayed || world.requests().await.iter().any(failed));
}

fn count_of(texts: &[String], text: &str) -> usize {
    texts.iter().filter(|one| *one == text).count()
}

fn lines(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("line {n}")).collect()
}

#[tokio::test]
async fn server_errors_are_outlived() {
    for status in [500, 502, 503] {
        let world = World::start().await;
        let fault = json!({ "route": EXECUTE, "count": 2, "status": status });
        all_arrive(&world, &[fault], &lines(4)).await;
    }
}

#[tokio::test]
async fn a_message_whose_answer_is_lost_is_there_once() {
    let world = World::start().await;
    let fault = json!({ "route": EXECUTE, "count": 3, "swallow": true });
    all_arrive(&world, &[fault], &lines(5)).await;
}

#[tokio::test]
async fn equal_messages_whose_answers_are_lost_are_each_there_once() {
    let world = World::start().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let fault = json!({ "route": EXECUTE, "count": 12, "swallow": true });
    let texts = vec!["ok".to_owned(); 12];
    all_arrive(&world, &[fault], &texts).await;
}

#[tokio::test]
async fn a_lost_answer_is_not_taken_for_an_equal_message_that_is_not_written_down_yet() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    sqlx::raw_sql(
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN PERFORM pg_sleep(2); RETURN NEW; END $$; \
         CREATE TRIGGER slow BEFORE UPDATE ON bridge.view \
           FOR EACH ROW WHEN (NEW.kind = 'message') EXECUTE FUNCTION slow()",
    )
    .execute(world.pool())
    .await
    .unwrap();
    world.insert("agent:main:main", "ok").await;
    zack.sees(&room, "the first message", |seen| count(seen, "ok") == 1)
        .await;
    world
        .fault(json!({ "route": EXECUTE, "count": 1, "swallow": true }))
        .await;
    world.insert("agent:main:main", "ok").await;
    zack.sees(&room, "both messages", |seen| count(seen, "ok") == 2)
        .await;
    world
        .database_says(
            "SELECT count(DISTINCT message_id) FROM bridge.view WHERE kind = 'message'",
            2_i64,
        )
        .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
    assert_eq!(count(&zack.read(&room).await, "ok"), 2);
}

#[tokio::test]
async fn a_lost_answer_is_looked_for_until_the_channel_can_be_read() {
    let world = World::start().await;
    let faults = [
        json!({ "route": EXECUTE, "count": 1, "swallow": true }),
        json!({ "route": "GET /channels/{channel_id}/messages", "count": 5, "status": 503 }),
    ];
    all_arrive(&world, &faults, &lines(3)).await;
}

#[tokio::test]
async fn slow_answers_are_waited_for() {
    let world = World::start().await;
    let fault = json!({ "route": EXECUTE, "count": 3, "delay_ms": 1500 });
    all_arrive(&world, &[fault], &lines(4)).await;
}

#[tokio::test]
async fn being_told_to_slow_down_costs_time_and_nothing_else() {
    let world = World::start().await;
    let fault = json!({ "route": EXECUTE, "count": 3, "status": 429 });
    all_arrive(&world, &[fault], &lines(4)).await;
}

#[tokio::test]
async fn discords_own_limits_are_kept_without_being_told() {
    let world = World::start().await;
    let texts = lines(16);
    for text in &texts {
        world.insert("agent:main:main", text).await;
    }
    let room = world.channel("team-room");
    let zack = world.person("zack");
    let seen = zack
        .sees(&room, "the last text", |seen| count(seen, "line 15") == 1)
        .await;
    let seen: Vec<String> = seen.into_iter().map(|m| m.text).collect();
    assert_eq!(seen, texts);
    let requests = world.requests().await;
    let refused: Vec<&Value> = requests
        .iter()
        .filter(|request| request["status"] == 429)
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test]
async fn a_post_of_the_bot_itself_whose_answer_is_lost_is_there_once() {
    let mut world = World::without_bridge().await;
    let create = "POST /channels/{channel_id}/messages";
    world
        .fault(json!({ "route": create, "count": 1, "swallow": true }))
        .await;
    world.start_bridge();
    let (zack, status) = (world.person("zack"), world.channel("status"));
    let live = |text: &str| text.contains("**Live**");
    zack.sees(&status, "the post about Live", |seen| {
        posts(seen).into_iter().any(live) && live(card(seen))
    })
    .await;
    world
        .sees_request("the request whose answer was lost", |request| {
            request["route"] == "/channels/{channel_id}/messages"
                && request["method"] == "POST"
                && request["status"] == 0
        })
        .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
    let seen = zack.read(&status).await;
    assert_eq!(
        posts(&seen).into_iter().filter(|post| live(post)).count(),
        1,
        "{seen:#?}"
    );
}

#[tokio::test]
async fn a_message_that_discord_refuses_for_good_holds_up_nobody() {
    let world = World::start().await;
    let room = world.channel("team-room");
    let zack = world.person("zack");
    world
        .fault(json!({ "route": EXECUTE, "count": 1, "status": 400 }))
        .await;
    let id = world.insert("agent:main:main", "refused").await;
    world.insert("agent:main:main", "accepted").await;
    zack.sees(&room, "the next message", |seen| {
        count(seen, "accepted") == 1
    })
    .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state = 'failed'",
            1_i64,
        )
        .await;
    // Another version of the row is another try.
    sqlx::query("UPDATE project_chat_messages SET message = 'better' WHERE id = $1")
        .bind(id)
        .execute(world.pool())
        .await
        .unwrap();
    let seen = zack
        .sees(&room, "the row in its new form", |seen| {
            count(seen, "better") == 1
        })
        .await;
    assert_eq!(count(&seen, "refused"), 0);
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
}

#[tokio::test]
async fn events_in_any_order_and_twice_are_still_one_row_each() {
    let world = World::start().await;
    world
        .fault(json!({ "duplicate_events": 20, "reorder_events": true }))
        .await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    for text in lines(6) {
        zack.say(&room, &text).await;
    }
    world.no_faults().await;
    zack.say(&room, "the end").await;
    world
        .database_says(
            "SELECT array_agg(message ORDER BY created_at) FROM project_chat_messages",
            lines(6)
                .into_iter()
                .chain(["the end".to_owned()])
                .collect::<Vec<_>>(),
        )
        .await;
}
