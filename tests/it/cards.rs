//! A proposal's card and the digest: on every surface, each there once, whatever happens on the way.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::person::Person;
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

const CREATE: &str = "POST /channels/{channel_id}/messages";

/// An agent proposes to write a file of this length.
async fn propose(world: &World, length: usize) -> Uuid {
    let content = "All work and no play. ".repeat(length / 22 + 1);
    let metadata = json!({
        "action_type": "file_write", "risk_level": "med", "status": "proposed",
        "parameters": { "path": "novel.txt", "content": content[..length] },
    });
    sqlx::query_scalar(
        "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) \
         VALUES ($1, 'agent:ricky:main', 'Proposal', 'action_proposal', $2) RETURNING id",
    )
    .bind(PROJECT)
    .bind(metadata)
    .fetch_one(world.pool())
    .await
    .expect("the database takes a proposal")
}

async fn messages(person: &Person, channel: &str, like: &str) -> Vec<Value> {
    let path = format!("/channels/{channel}/messages?limit=100");
    let (status, list) = person.call(Method::GET, &path, None).await;
    assert!(status.is_success(), "{status} {list}");
    let list = list.as_array().cloned().unwrap_or_default();
    let fits = |message: &Value| {
        message["content"]
            .as_str()
            .unwrap_or_default()
            .contains(like)
    };
    list.into_iter().filter(fits).collect()
}

/// The only message of a channel that says this, once it is as expected.
async fn one(
    person: &Person,
    channel: &str,
    like: &str,
    fits: impl Fn(&Value) -> bool + Copy,
) -> Value {
    eventually(like, || async move {
        match messages(person, channel, like).await.as_slice() {
            [found] if fits(found) => Ok(found.clone()),
            other => Err(other.to_vec()),
        }
    })
    .await
}

fn live(message: &Value) -> usize {
    let rows = message["components"].as_array().into_iter().flatten();
    let buttons = rows.flat_map(|row| row["components"].as_array().into_iter().flatten());
    buttons.filter(|button| button["disabled"] != true).count()
}

/// The bridge has made itself at home: what it shows without being asked is there.
async fn at_rest(world: &World, person: &Person) {
    let approvals = world.channel("approvals");
    one(person, &approvals, "Nothing is waiting", |_| true).await;
    settled(world).await;
}

/// Every view has come to rest.
async fn settled(world: &World) {
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent' OR message_id IS NULL",
            0_i64,
        )
        .await;
}

#[tokio::test]
async fn a_card_is_in_both_places_with_its_file_and_changes_in_both() {
    let world = World::start().await;
    let zack = world.person("zack");
    let places = [world.channel("team-room"), world.channel("approvals")];
    let id = propose(&world, 5_000).await;
    let mut files = Vec::new();
    for place in &places {
        let card = one(&zack, place, "novel.txt", |card| live(card) == 4).await;
        assert!(card.get("webhook_id").is_none(), "{card}");
        let url = card["attachments"][0]["url"].as_str().expect("a file");
        let text = reqwest::get(url).await.unwrap().text().await.unwrap();
        assert!(text.contains("\"path\": \"novel.txt\""), "{text}");
        files.push(card["attachments"].clone());
    }
    one(&zack, &places[1], "1 waiting", |_| true).await;

    // A dashboard decides.
    sqlx::query("UPDATE project_chat_messages SET metadata = metadata || $2 WHERE id = $1")
        .bind(id)
        .bind(json!({ "status": "approved", "approved_by": "ui" }))
        .execute(world.pool())
        .await
        .unwrap();
    for (place, files) in places.iter().zip(files) {
        let card = one(&zack, place, "novel.txt", |card| live(card) == 0).await;
        assert_eq!(card["attachments"], files, "the file stays the same");
    }
    one(&zack, &places[1], "Nothing is waiting", |_| true).await;

    sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
        .bind(id)
        .execute(world.pool())
        .await
        .unwrap();
    for place in &places {
        eventually("the end of the card", || async {
            let left = messages(&zack, place, "novel.txt").await;
            if left.is_empty() { Ok(()) } else { Err(left) }
        })
        .await;
    }
}

#[tokio::test]
async fn a_card_whose_answer_is_lost_is_there_once() {
    let world = World::start().await;
    let zack = world.person("zack");
    at_rest(&world, &zack).await;
    world
        .fault(json!({ "route": CREATE, "count": 2, "swallow": true }))
        .await;
    propose(&world, 5_000).await;
    for place in ["team-room", "approvals"] {
        let place = world.channel(place);
        one(&zack, &place, "novel.txt", |card| live(card) == 4).await;
    }
    settled(&world).await;
    for place in ["team-room", "approvals"] {
        let place = world.channel(place);
        assert_eq!(messages(&zack, &place, "novel.txt").await.len(), 1);
    }
}

#[tokio::test]
async fn a_card_that_was_on_its_way_when_the_bridge_died_is_there_once_and_as_it_is_now() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    at_rest(&world, &zack).await;
    world
        .fault(json!({ "route": "GET /channels/{channel_id}/messages", "count": 100, "delay_ms": 60_000 }))
        .await;
    world
        .fault(json!({ "route": CREATE, "count": 2, "swallow": true }))
        .await;
    let id = propose(&world, 5_000).await;
    eventually("both cards on their way", || async {
        let requests = world.requests().await;
        let sent = requests
            .iter()
            .filter(|it| it["body"].to_string().contains("novel.txt"));
        let sent = sent.count();
        if sent >= 2 { Ok(()) } else { Err(sent) }
    })
    .await;
    world.kill_bridge();
    world.no_faults().await;
    sqlx::query("UPDATE project_chat_messages SET metadata = metadata || $2 WHERE id = $1")
        .bind(id)
        .bind(json!({ "status": "rejected", "rejected_by": "ui" }))
        .execute(world.pool())
        .await
        .unwrap();
    world.start_bridge();
    for place in ["team-room", "approvals"] {
        let place = world.channel(place);
        one(&zack, &place, "novel.txt", |card| live(card) == 0).await;
    }
    settled(&world).await;
    for place in ["team-room", "approvals"] {
        let place = world.channel(place);
        assert_eq!(messages(&zack, &place, "novel.txt").await.len(), 1);
    }
}

#[tokio::test]
async fn a_proposed_task_and_a_request_in_a_timeline_are_shown_among_the_approvals_alone() {
    let world = World::start().await;
    let (zack, approvals) = (world.person("zack"), world.channel("approvals"));
    sqlx::query(
        "WITH task AS (INSERT INTO tasks (project_id, title, status, is_proposed) \
             VALUES ($1, 'Mend the roof', 'inbox', true) RETURNING id) \
         INSERT INTO task_events (project_id, task_id, event_type, author, metadata) \
         SELECT $1, task.id, 'approval_request', 'agent:ricky:main', $2 FROM task",
    )
    .bind(PROJECT)
    .bind(json!({ "action_type": "send_email", "to": "roofer@example.org" }))
    .execute(world.pool())
    .await
    .unwrap();
    one(&zack, &approvals, "Begin a task", |card| live(card) == 4).await;
    one(&zack, &approvals, "send_email", |card| live(card) == 4).await;
    one(&zack, &approvals, "2 waiting", |_| true).await;
    // The resolution is an event of its own, and the card of the first one follows it.
    sqlx::query(
        "INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata) \
         SELECT project_id, task_id, 'approval_resolved', 'dashboard', 'Rejected', \
                jsonb_build_object('status', 'rejected', 'original_event_id', id) \
         FROM task_events WHERE event_type = 'approval_request'",
    )
    .execute(world.pool())
    .await
    .unwrap();
    one(&zack, &approvals, "send_email", |card| live(card) == 0).await;
    one(&zack, &approvals, "1 waiting", |_| true).await;
    sqlx::query("UPDATE tasks SET deleted_at = now()")
        .execute(world.pool())
        .await
        .unwrap();
    one(&zack, &approvals, "Nothing is waiting", |_| true).await;
    eventually("the end of the task's card", || async {
        let left = messages(&zack, &approvals, "Begin a task").await;
        if left.is_empty() { Ok(()) } else { Err(left) }
    })
    .await;
}
