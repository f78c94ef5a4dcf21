//! What the card of a task tells beside the task itself, and what keeps its thread in sight.

use reqwest::Method;
use serde_json::json;

use crate::harness::client::Client;
use crate::harness::world::World;
use crate::receipts::free_port;

#[tokio::test]
async fn in_backup_the_card_says_of_when_it_is() {
    let mut world = World::without_bridge().await;
    let port = free_port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.configure("[mode]\npoll_seconds = 1\n");
    let executor = world.start_executor(port);
    world.start_bridge();
    let zack = world.person("zack");
    world.task("Feed the cat", "in_progress", None).await;
    let thread = world.thread("Feed the cat").await;
    zack.sees_card(&thread, "Feed the cat", "Live", |card| card.says("🟢 Live"))
        .await;
    drop(executor);
    zack.sees_card(&thread, "Feed the cat", "Backup", |card| {
        card.says("Backup: last known state, as of <t:")
    })
    .await;
    let _executor = world.start_executor(port);
    zack.sees_card(&thread, "Feed the cat", "Live again", |card| {
        card.says("🟢 Live")
    })
    .await;
}

#[tokio::test]
async fn an_agent_that_nobody_hears_of_is_offline_on_the_card() {
    let world = World::start().await;
    let zack = world.person("zack");
    world
        .task("Walk the dog", "in_progress", Some("agent:ricky:main"))
        .await;
    let thread = world.thread("Walk the dog").await;
    let offline =
        |is: bool| move |card: &crate::harness::card::Card| card.says("Agent offline") == is;
    zack.sees_card(&thread, "Walk the dog", "nothing known", offline(false))
        .await;
    world
        .sql(
            "INSERT INTO agent_status (project_id, agent_key, state, last_activity_at) \
             VALUES ('front-office', 'agent:ricky:main', 'idle', now() - interval '2 hours')",
        )
        .await;
    zack.sees_card(&thread, "Walk the dog", "silence", offline(true))
        .await;
    world
        .sql("UPDATE agent_status SET state = 'working', last_activity_at = now()")
        .await;
    zack.sees_card(&thread, "Walk the dog", "a word", offline(false))
        .await;
    world
        .sql("UPDATE agent_status SET state = 'sleeping'")
        .await;
    zack.sees_card(&thread, "Walk the dog", "sleep", offline(true))
        .await;
}

#[tokio::test]
async fn a_thread_in_which_something_waits_for_a_decision_is_not_archived() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let task = world.task("Buy a boat", "done", None).await;
    let thread = world.thread("Buy a boat").await;
    let asks = json!({
        "action_type": "send_message", "risk_level": "low",
        "parameters": { "channel": "team-room", "recipient": "everybody", "content": "Boat!" },
    });
    world
        .event(task, "approval_request", "agent:ricky:main", "May I?", asks)
        .await;
    let card = zack
        .person
        .sees_card(&thread, "waits for a decision", "the request", |_| true)
        .await;
    zack.person
        .sees_card(&thread, "Buy a boat**", "the card", |card| {
            card.says("One approval is open")
        })
        .await;
    let path = format!("/channels/{thread}");
    let archive = Some(json!({ "archived": true }));
    zack.person
        .call(Method::PATCH, &path, archive.clone())
        .await;
    world
        .sees_thread("Buy a boat", "open again", |it| !it.archived)
        .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE NOT archived",
            1_i64,
        )
        .await;
    zack.acknowledged(&zack.press(&card, "Reject").await).await;
    zack.person
        .sees(&thread, "the verdict", |seen| {
            seen.iter().any(|it| it.text == "🚫 Rejected by zack")
        })
        .await;
    zack.person
        .sees_card(&thread, "Buy a boat**", "the card", |card| {
            !card.says("approval is open")
        })
        .await;
    zack.person.call(Method::PATCH, &path, archive).await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.task_thread WHERE archived",
            1_i64,
        )
        .await;
}

#[tokio::test]
async fn a_long_output_comes_as_a_file_and_a_long_comment_in_parts() {
    let world = World::start().await;
    let zack = world.person("zack");
    let task = world.task("Write it down", "in_progress", None).await;
    let text = "A line of the report.\n".repeat(300);
    let about = json!({ "output_type": "summary", "title": "The report/../x" });
    world
        .event(task, "output_added", "agent:ricky:main", &text, about)
        .await;
    let thread = world.thread("Write it down").await;
    zack.sees(&thread, "the output", |seen| {
        seen.iter().any(|it| it.text.contains("attached file"))
    })
    .await;
    let path = format!("/channels/{thread}/messages");
    let (_, messages) = zack.call(Method::GET, &path, None).await;
    let files: Vec<_> = messages
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|it| it["attachments"].as_array().unwrap().clone())
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    assert_eq!(files[0]["filename"], "The-report-..-x.txt");
    assert_eq!(files[0]["size"], text.len());
}
