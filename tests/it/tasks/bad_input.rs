//! What nobody should write, and somebody will.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::person::Person;
use crate::harness::world::World;

async fn titled(world: &World, title: &str, description: Option<&str>) -> Uuid {
    sqlx::query_scalar(
        "INSERT INTO tasks (project_id, title, description) VALUES ('front-office', $1, $2) \
         RETURNING id",
    )
    .bind(title)
    .bind(description)
    .fetch_one(world.pool())
    .await
    .unwrap()
}

async fn threads(world: &World, person: &Person) -> usize {
    let channel = world.channel("tasks");
    person.threads(world.guild(), &channel).await.len()
}

#[tokio::test]
async fn titles_of_any_length_and_kind_have_a_thread() {
    let world = World::start().await;
    let zack = world.person("zack");
    let long = "Ω".repeat(5_000);
    let titles = [
        "x",
        " ",
        "\u{202e}evil\u{200b}",
        "@everyone **[click](https://evil.example)**\nsecond line",
        "```",
        &long,
    ];
    for title in titles {
        titled(&world, title, Some("")).await;
    }
    titled(&world, "no description", None).await;
    let description = format!("```rust\n{}", "let x = 1;\n".repeat(900));
    titled(&world, "much description", Some(&description)).await;
    titled(
        &world,
        &"ab".repeat(50),
        Some("@here [a](https://b.example)"),
    )
    .await;
    let shortened = format!("{}…", "Ω".repeat(99));
    world.thread(&shortened).await;
    world.thread(&"ab".repeat(50)).await;
    let much = world.thread("much description").await;
    zack.sees_card(&much, "much description", "its card", |card| {
        card.says("let x = 1;")
    })
    .await;
    let none = world.thread("no description").await;
    zack.sees_card(&none, "no description", "its card", |card| {
        card.says("*(none)*")
    })
    .await;
    let evil = world
        .thread("@everyone **[click](https://evil.example)** second line")
        .await;
    let card = zack
        .sees_card(&evil, "everyone", "its card", |_| true)
        .await;
    assert!(!card.text().contains("](https"), "{card:?}");
    assert_eq!(threads(&world, &zack).await, 9);
}

#[tokio::test]
async fn a_long_history_of_long_events_is_shown_whole_and_in_order() {
    let mut world = World::without_bridge().await;
    let task = world.task("A long story", "in_progress", None).await;
    sqlx::query(
        "INSERT INTO task_events (project_id, task_id, event_type, author, content, created_at) \
         SELECT 'front-office', $1, 'comment', 'agent:ricky:main', \
                'event ' || n || E'\\n' || repeat('word ', 798), now() - interval '1 day' + n * interval '1 s' \
         FROM generate_series(1, 300) AS n",
    )
    .bind(task)
    .execute(world.pool())
    .await
    .unwrap();
    world.fault(json!({ "rate_limits": "off" })).await;
    world.start_bridge();
    let thread = world.thread("A long story").await;
    let zack = world.person("zack");
    zack.sees(&thread, "the last event", |seen| {
        seen.iter().any(|it| it.text.starts_with("event 300\n"))
    })
    .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE filled_at IS NOT NULL",
            1_i64,
        )
        .await;
    let all = zack.read_all(&thread).await;
    let begins = all.iter().filter_map(|it| it.text.strip_prefix("event "));
    let numbers: Vec<u32> = begins
        .filter_map(|it| it.split_whitespace().next()?.parse().ok())
        .collect();
    assert_eq!(numbers, (1..=300).collect::<Vec<u32>>());
    let words: usize = all.iter().map(|it| it.text.matches("word").count()).sum();
    assert_eq!(words, 300 * 798);
}

#[tokio::test]
async fn metadata_may_be_anything() {
    let world = World::start().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let task = world.task("Strange things", "in_progress", None).await;
    let metadata = [
        Value::Null,
        json!([1, [2, [3]]]),
        json!("text"),
        json!(1e300),
        json!({ "author_name": { "a": 1 }, "reply_to": 7, "legacy_comment_id": [] }),
        json!({ "corrects": {}, "deleted": "yes" }),
        json!({ "old_status": 1, "new_status": null, "reason": ["x"] }),
        json!({ "title": 5, "link_url": "javascript:alert(1)", "size": -1, "output_type": {} }),
        json!({ "original_event_id": "not-a-uuid", "status": 12 }),
        json!({ "original_event_id": Uuid::new_v4() }),
    ];
    let kinds = [
        "comment",
        "status_change",
        "assignment_change",
        "output_added",
        "agent_update",
        "approval_request",
        "approval_resolved",
        "task_deleted",
        "something_else\n@everyone",
    ];
    for (n, metadata) in metadata.iter().enumerate() {
        for kind in kinds {
            let content = format!("{n} {}", &kind[..7]);
            world
                .event(task, kind, "agent:ricky:main", &content, metadata.clone())
                .await;
        }
    }
    world.comment(task, "The end.").await;
    let thread = world.thread("Strange things").await;
    let zack = world.person("zack");
    zack.sees(&thread, "the last comment", |seen| {
        seen.iter().any(|it| it.text == "The end.")
    })
    .await;
    world
        .database_says(
            "SELECT count(DISTINCT entity_id) FROM bridge.view WHERE kind = 'task_event' \
             AND surface LIKE 'task-%' AND state = 'sent'",
            91_i64,
        )
        .await;
}

#[tokio::test]
async fn words_without_end_come_as_a_file_and_a_long_description_too() {
    let world = World::start().await;
    let zack = world.person("zack");
    let described = "All of it. ".repeat(300);
    let task = titled(&world, "Read me", Some(&described)).await;
    let said = "word ".repeat(40_000);
    world.comment(task, &said).await;
    world.comment(task, "Short.").await;
    let thread = world.thread("Read me").await;
    let card = zack
        .sees_card(&thread, "Read me", "the card", |card| {
            card.says("All of it.")
        })
        .await;
    assert_eq!(card.attached().await, described);
    zack.sees(&thread, "what came after it", |seen| {
        let texts: Vec<_> = seen.iter().map(|it| it.text.as_str()).collect();
        matches!(texts[..], [_, long, "Short."] if long.contains("attached file"))
    })
    .await;
}

#[tokio::test]
async fn two_changes_in_one_transaction_are_told_in_their_order() {
    let world = World::start().await;
    let task = world.task("Quick moves", "inbox", None).await;
    let thread = world.thread("Quick moves").await;
    sqlx::query(
        "WITH t AS (UPDATE tasks SET status = 'review' WHERE id = $1) \
         INSERT INTO task_events (project_id, task_id, event_type, author, metadata) \
         SELECT 'front-office', $1, 'status_change', 'dashboard', v FROM (VALUES \
           ('{\"old_status\": \"inbox\", \"new_status\": \"in_progress\"}'::jsonb), \
           ('{\"old_status\": \"in_progress\", \"new_status\": \"review\"}')) AS n(v)",
    )
    .bind(task)
    .execute(world.pool())
    .await
    .unwrap();
    let zack = world.person("zack");
    let seen = zack
        .sees(&thread, "both changes", |seen| {
            seen.iter().filter(|it| it.text.starts_with("🔀")).count() == 2
        })
        .await;
    let changes: Vec<_> = seen.iter().filter(|it| it.text.starts_with("🔀")).collect();
    assert!(changes[0].text.contains("Inbox → 🔧"), "{changes:?}");
    assert!(
        changes[1].text.contains("🔧 In progress → 🔎"),
        "{changes:?}"
    );
    zack.sees_card(&thread, "Quick moves", "the card", |card| {
        card.says("Review")
    })
    .await;
}

#[tokio::test]
async fn a_task_that_is_deleted_while_its_thread_is_made_is_archived() {
    let world = World::start().await;
    let slow =
        json!({ "route": "POST /channels/{channel_id}/threads", "count": 2, "delay_ms": 400 });
    world.fault(slow).await;
    let soft = world.task("Hardly there", "inbox", None).await;
    let hard = world.task("Gone at once", "inbox", None).await;
    world
        .sees_request("the post", |it| {
            it["path"]
                .as_str()
                .is_some_and(|path| path.ends_with("/threads"))
        })
        .await;
    sqlx::query("UPDATE tasks SET deleted_at = now() WHERE id = $1")
        .bind(soft)
        .execute(world.pool())
        .await
        .unwrap();
    sqlx::query("DELETE FROM tasks WHERE id = $1")
        .bind(hard)
        .execute(world.pool())
        .await
        .unwrap();
    let thread = world
        .sees_thread("Hardly there", "archived", |it| it.archived)
        .await;
    let zack = world.person("zack");
    zack.sees_card(&thread.id, "Hardly there", "the card", |card| {
        card.says("Deleted")
    })
    .await;
    let deadline = std::time::Instant::now() + crate::harness::person::PATIENCE;
    while threads(&world, &zack).await > 1 {
        assert!(
            std::time::Instant::now() < deadline,
            "the thread of no task stays"
        );
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}

#[tokio::test]
async fn tags_that_people_rename_are_used_all_the_same() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let path = format!("/channels/{}", world.channel("tasks"));
    let (_, forum) = zack.call(Method::GET, &path, None).await;
    let mut tags = forum["available_tags"].as_array().unwrap().clone();
    let tag = tags
        .iter_mut()
        .find(|tag| tag["name"] == "Blocked")
        .unwrap();
    tag["name"] = json!("On hold");
    let id = tag["id"].as_str().unwrap().to_owned();
    let (status, body) = zack
        .call(
            Method::PATCH,
            &path,
            Some(json!({ "available_tags": tags })),
        )
        .await;
    assert!(status.is_success(), "{status} {body}");
    world.stop_bridge();
    world.start_bridge();
    world.task("Wait for paint", "blocked", None).await;
    let thread = world
        .sees_thread("Wait for paint", "its tag", |it| !it.tags.is_empty())
        .await;
    assert_eq!(thread.tags, [id]);
    let (_, forum) = zack.call(Method::GET, &path, None).await;
    let names: Vec<_> = forum["available_tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["name"])
        .collect();
    assert_eq!(names.len(), 9, "{names:?}");
}
