//! The threads of tasks: opened, kept true, archived, closed and deleted by people.

use reqwest::Method;
use serde_json::json;

use crate::harness::world::World;

#[tokio::test]
async fn a_task_is_a_post_with_a_card_that_is_kept_true() {
    let world = World::start().await;
    let operator = world.person("zack");
    let task = world.task("Water the plants", "inbox", None).await;
    let thread = world
        .sees_thread("Water the plants", "a post", |_| true)
        .await;
    assert_eq!(thread.tags.len(), 1, "{thread:?}");
    let card = operator
        .sees_card(&thread.id, "Water the plants", "the card", |card| {
            card.says("Inbox") && card.says("Do it well.") && card.says("Live")
        })
        .await;
    assert!(card.says("*nobody*"), "{card:?}");
    sqlx::query(
        "UPDATE tasks SET status = 'blocked', blocked_reason = 'No water', \
                assignee_agent_key = 'agent:ricky:main', title = 'Water the trees' WHERE id = $1",
    )
    .bind(task)
    .execute(world.pool())
    .await
    .unwrap();
    operator
        .sees_card(&thread.id, "Water the trees", "the changed card", |card| {
            card.says("Blocked") && card.says("No water") && card.says("Ricky")
        })
        .await;
    let tagged = world
        .sees_thread("Water the trees", "name and tag", |it| {
            it.tags != thread.tags
        })
        .await;
    assert_eq!(tagged.id, thread.id);
}

#[tokio::test]
async fn a_new_name_that_has_to_wait_keeps_nothing_else_waiting() {
    let world = World::start().await;
    let zack = world.person("zack");
    let task = world.task("Named", "inbox", None).await;
    let thread = world
        .sees_thread("Named", "a post", |it| !it.tags.is_empty())
        .await;
    let path = format!("/channels/{}", thread.id);
    // Discord takes two new names in ten minutes.
    for name in ["One", "Two", "Three"] {
        sqlx::query("UPDATE tasks SET title = $2 WHERE id = $1")
            .bind(task)
            .bind(name)
            .execute(world.pool())
            .await
            .unwrap();
        zack.sees_card(&thread.id, name, "the new title", |_| true)
            .await;
        if name != "Three" {
            world.thread(name).await;
        }
    }
    sqlx::query("UPDATE tasks SET status = 'done' WHERE id = $1")
        .bind(task)
        .execute(world.pool())
        .await
        .unwrap();
    world
        .sees_thread("Two", "its tag", |it| it.tags != thread.tags)
        .await;
    zack.call(Method::DELETE, &path, None).await;
    world.comment(task, "Go on.").await;
    let again = world.thread("Three").await;
    zack.sees(&again, "the comment", |seen| {
        seen.iter().any(|it| it.text == "Go on.")
    })
    .await;
}

#[tokio::test]
async fn what_is_finished_is_archived_and_comes_back_when_something_happens() {
    let world = World::without_bridge().await;
    let mut world = world;
    let old = world.task("Long done", "done", None).await;
    sqlx::raw_sql("ALTER TABLE tasks DISABLE TRIGGER USER")
        .execute(world.pool())
        .await
        .unwrap();
    sqlx::query(
        "UPDATE tasks SET created_at = now() - interval '40 days', \
                        updated_at = now() - interval '30 days' WHERE id = $1",
    )
    .bind(old)
    .execute(world.pool())
    .await
    .unwrap();
    world.sql("ALTER TABLE tasks ENABLE TRIGGER USER").await;
    world
        .task("Still open", "in_progress", Some("agent:ricky:main"))
        .await;
    world.start_bridge();
    world.thread("Still open").await;
    let operator = world.person("zack");
    let all = operator
        .threads(world.guild(), &world.channel("tasks"))
        .await;
    assert_eq!(all.len(), 1, "{all:?}");
    world.comment(old, "One more thing.").await;
    let thread = world.thread("Long done").await;
    operator
        .sees(&thread, "what happened", |seen| {
            seen.iter()
                .any(|it| it.text == "One more thing." && it.name == "Ricky")
        })
        .await;
    sqlx::query("UPDATE tasks SET deleted_at = now() WHERE id = $1")
        .bind(old)
        .execute(world.pool())
        .await
        .unwrap();
    world
        .sees_thread("Long done", "archived", |it| it.archived)
        .await;
}

#[tokio::test]
async fn a_deleted_thread_is_rebuilt_when_something_happens_in_its_task() {
    let world = World::start().await;
    let operator = world.person("zack");
    let task = world.task("Paint the fence", "in_progress", None).await;
    world.comment(task, "First coat.").await;
    let thread = world.thread("Paint the fence").await;
    operator
        .sees(&thread, "the comment", |seen| {
            seen.iter().any(|it| it.text == "First coat.")
        })
        .await;
    let (status, _) = operator
        .call(Method::DELETE, &format!("/channels/{thread}"), None)
        .await;
    assert!(status.is_success(), "{status}");
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE removed_at IS NOT NULL",
            1_i64,
        )
        .await;
    let there = operator
        .threads(world.guild(), &world.channel("tasks"))
        .await;
    assert_eq!(there, [], "it stays away while nothing happens");
    world.comment(task, "Second coat.").await;
    let again = world.thread("Paint the fence").await;
    assert_ne!(again, thread);
    let seen = operator
        .sees(&again, "both comments", |seen| {
            seen.iter().any(|it| it.text == "Second coat.")
        })
        .await;
    let said: Vec<_> = seen
        .iter()
        .filter(|it| it.webhook)
        .map(|it| it.text.as_str())
        .collect();
    assert_eq!(said, ["First coat.", "Second coat."]);
}

#[tokio::test]
async fn a_thread_that_a_person_locks_takes_nothing_until_it_is_open_again() {
    let world = World::start().await;
    let operator = world.person("zack");
    let task = world.task("Count the money", "in_progress", None).await;
    let thread = world.thread("Count the money").await;
    let path = format!("/channels/{thread}");
    let closed = json!({ "locked": true, "archived": true });
    let (status, body) = operator.call(Method::PATCH, &path, Some(closed)).await;
    assert!(status.is_success(), "{status} {body}");
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE locked AND archived",
            1_i64,
        )
        .await;
    world.comment(task, "Nobody hears me.").await;
    let other = world.task("Another one", "inbox", None).await;
    world.comment(other, "I am heard.").await;
    let heard = world.thread("Another one").await;
    operator
        .sees(&heard, "the other comment", |seen| {
            seen.iter().any(|it| it.text == "I am heard.")
        })
        .await;
    let quiet = operator.read(&thread).await;
    assert!(
        quiet.iter().all(|it| it.text != "Nobody hears me."),
        "{quiet:?}"
    );
    let opened = json!({ "archived": false, "locked": false });
    let (status, body) = operator.call(Method::PATCH, &path, Some(opened)).await;
    assert!(status.is_success(), "{status} {body}");
    operator
        .sees(&thread, "what was missed", |seen| {
            seen.iter().any(|it| it.text == "Nobody hears me.")
        })
        .await;
}

#[tokio::test]
async fn without_a_forum_the_threads_hang_on_cards_in_a_text_channel() {
    let mut world = World::start().await;
    let operator = world.person("zack");
    let forum = world.channel("tasks");
    world.stop_bridge();
    let path = format!("/channels/{forum}");
    let (_, channel) = operator.call(Method::GET, &path, None).await;
    let parent = channel["parent_id"].clone();
    operator.call(Method::DELETE, &path, None).await;
    let text = json!({ "name": "tasks", "type": 0, "parent_id": parent });
    let guild = format!("/guilds/{}/channels", world.guild());
    let (status, made) = operator.call(Method::POST, &guild, Some(text)).await;
    assert!(status.is_success(), "{status} {made}");
    world.start_bridge();
    assert_eq!(made["id"], world.channel("tasks").as_str());
    let task = world
        .task("Old school", "assigned", Some("agent:ricky:main"))
        .await;
    world.comment(task, "I begin.").await;
    let thread = world.thread("Old school").await;
    let card = operator
        .sees_card(&world.channel("tasks"), "Old school", "the card", |card| {
            card.says("Assigned")
        })
        .await;
    assert_eq!(card.id, thread);
    operator
        .sees(&thread, "the comment", |seen| {
            seen.iter().any(|it| it.text == "I begin.")
        })
        .await;
}

#[tokio::test]
async fn a_post_whose_answer_is_lost_is_not_made_twice() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let lost =
        json!({ "route": "POST /channels/{channel_id}/threads", "count": 2, "swallow": true });
    world.fault(lost.clone()).await;
    let task = world.task("Heard once", "inbox", None).await;
    world.comment(task, "Once.").await;
    let thread = world.thread("Heard once").await;
    zack.sees(&thread, "the comment", |seen| {
        seen.iter().any(|it| it.text == "Once.")
    })
    .await;
    let slow = json!({ "route": "GET /guilds/{guild_id}/threads/active", "count": 50, "delay_ms": 20_000 });
    world.fault(slow).await;
    world.fault(lost).await;
    let other = world.task("Died in between", "inbox", None).await;
    world.thread("Died in between").await;
    world.kill_bridge();
    world.no_faults().await;
    world.start_bridge();
    world.comment(other, "Alive again.").await;
    let thread = world.thread("Died in between").await;
    zack.sees(&thread, "the comment", |seen| {
        seen.iter().any(|it| it.text == "Alive again.")
    })
    .await;
    let all = zack.threads(world.guild(), &world.channel("tasks")).await;
    assert_eq!(all.len(), 2, "{all:?}");
}
