//! Permissions that the bot lacks in the whole server.

use serde_json::json;

use super::{
    ADD_REACTIONS, ATTACH_FILES, EMBED_LINKS, MANAGE_CHANNELS, MANAGE_WEBHOOKS, SEND_IN_THREADS,
    leaves_all_but, refusals, status_says,
};
use crate::harness::client::Client;
use crate::harness::marks::{marked, marks};
use crate::harness::person::{Person, Seen};
use crate::harness::world::World;

const TRUNKS: &str = "agent:main:main";

async fn shows(zack: &Person, channel: &str, text: &str) -> Seen {
    let is_it = |it: &&Seen| it.text.contains(text);
    let there = |seen: &[Seen]| seen.iter().any(|it| is_it(&it));
    let seen = zack.sees(channel, text, there).await;
    seen.iter().find(is_it).expect("it is there").clone()
}

#[tokio::test]
async fn without_webhooks_agents_speak_as_the_bot_with_their_names() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.stop_bridge();
    leaves_all_but(&world, MANAGE_WEBHOOKS).await;
    world.start_bridge();
    let log = world.log();
    assert!(log.contains("The bot lacks **Manage Webhooks**"), "{log}");
    assert!(log.contains("oauth2/authorize"), "{log}");
    status_says(&world, "Manage Webhooks", true).await;
    world.insert(TRUNKS, "without a webhook").await;
    let said = shows(&zack, &room, "without a webhook").await;
    assert_eq!(said.text, "**Trunks**\nwithout a webhook");
    assert!(!said.webhook, "{said:?}");
    let story = "A long story. ".repeat(400);
    world.insert(TRUNKS, &story).await;
    let whole = |seen: &[Seen]| {
        let parts = seen.iter().filter(|it| it.text.contains("long story"));
        let words: usize = parts.map(|it| it.text.matches("long story").count()).sum();
        words == 400
    };
    let seen = zack.sees(&room, "the long story", whole).await;
    let first = seen.iter().find(|it| it.text.contains("long story"));
    assert!(
        first.unwrap().text.starts_with("**Trunks**\nA long"),
        "{first:?}"
    );

    leaves_all_but(&world, 0).await;
    status_says(&world, "Manage Webhooks", false).await;
    world.insert(TRUNKS, "with one again").await;
    let said = shows(&zack, &room, "with one again").await;
    assert_eq!((said.webhook, said.name.as_str()), (true, "Trunks"));
    let seen = zack.read(&room).await;
    let old = seen
        .iter()
        .filter(|it| it.text.contains("without a webhook"));
    assert_eq!(old.count(), 1, "{seen:#?}");
}

#[tokio::test]
async fn an_answer_that_was_lost_on_the_way_is_found_again_under_the_name() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.stop_bridge();
    leaves_all_but(&world, MANAGE_WEBHOOKS).await;
    world.start_bridge();
    status_says(&world, "Manage Webhooks", true).await;
    let route = "POST /channels/{channel_id}/messages";
    world
        .fault(json!({ "route": route, "count": 1, "swallow": true }))
        .await;
    world.insert(TRUNKS, "said once").await;
    world.insert(TRUNKS, "and then this").await;
    shows(&zack, &room, "and then this").await;
    let seen = zack.read(&room).await;
    let once = seen.iter().filter(|it| it.text.contains("said once"));
    assert_eq!(once.count(), 1, "{seen:#?}");
}

#[tokio::test]
async fn without_the_right_to_make_channels_what_is_there_is_used() {
    let mut world = World::without_bridge().await;
    leaves_all_but(&world, MANAGE_CHANNELS).await;
    world.start_bridge();
    let log = world.log();
    for words in [
        "The bot lacks **Manage Channels**",
        "Not made yet",
        "status",
    ] {
        assert!(log.contains(words), "{words}: {log}");
    }
    assert_eq!(world.run()["discord"]["channels"], json!({}));
    leaves_all_but(&world, 0).await;
    world
        .sees_request("the channels", |it| {
            it["path"]
                .as_str()
                .is_some_and(|path| path.ends_with("/webhooks"))
                && it["method"] == "POST"
        })
        .await;
    world.stop_bridge();
    leaves_all_but(&world, MANAGE_CHANNELS).await;
    world.start_bridge();
    status_says(&world, "**Manage Channels**", true).await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.insert(TRUNKS, "as before").await;
    shows(&zack, &room, "as before").await;
}

#[tokio::test]
async fn without_reactions_there_are_no_marks_and_no_tries() {
    let world = World::start().await;
    let zack = world.person("zack");
    let dm = world.channel("dm-main");
    let first = zack.say(&dm, "hello").await;
    marked(&zack, &dm, &first, &["✅"]).await;
    leaves_all_but(&world, ADD_REACTIONS).await;
    status_says(
        &world,
        "**Add Reactions** in this server: messages get no marks",
        true,
    )
    .await;
    let before = world.requests().await.len();
    let second = zack.say(&dm, "hello again").await;
    let answered = |seen: &[Seen]| seen.iter().filter(|it| it.name == "Trunks").count() >= 2;
    zack.sees(&dm, "an answer", answered).await;
    assert!(marks(&zack, &dm, &second).await.is_empty());
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");
    leaves_all_but(&world, 0).await;
    status_says(&world, "**Add Reactions**", false).await;
    let third = zack.say(&dm, "and once more").await;
    marked(&zack, &dm, &third, &["✅"]).await;
}

#[tokio::test]
async fn without_frames_and_files_a_proposal_is_text_that_can_be_decided() {
    let world = World::start().await;
    leaves_all_but(&world, EMBED_LINKS | ATTACH_FILES).await;
    status_says(&world, "**Embed Links**", true).await;
    status_says(&world, "**Attach Files**", true).await;
    let before = world.requests().await.len();
    let zack = Client::open(&world, "zack").await;
    let action = json!({
        "action_type": "create_task", "risk_level": "low", "requires_approval": true,
        "status": "proposed", "reason": "It has to be done.",
        "parameters": { "title": "Write a plan", "description": "All of it." },
    });
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) \
         VALUES ('front-office', $1, 'I propose something', 'task_proposal', $2)",
    )
    .bind(TRUNKS)
    .bind(action)
    .execute(world.pool())
    .await
    .unwrap();
    let approvals = world.channel("approvals");
    let card = zack
        .person
        .sees_card(&approvals, "Write a plan", "the proposal", |card| {
            !card.live().is_empty()
        })
        .await;
    assert!(card.files.is_empty(), "{card:?}");
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");
}

#[tokio::test]
async fn without_the_right_to_write_in_threads_tasks_have_their_cards() {
    let world = World::start().await;
    let zack = world.person("zack");
    let task = world.task("Paint the fence", "in_progress", None).await;
    let thread = world.thread("Paint the fence").await;
    leaves_all_but(&world, SEND_IN_THREADS).await;
    status_says(&world, "nothing is posted in the threads of tasks", true).await;
    let before = world.requests().await.len();
    world.comment(task, "which colour?").await;
    world.task("Mow the lawn", "in_progress", None).await;
    world.thread("Mow the lawn").await;
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");
    let seen = zack.read(&thread).await;
    assert!(!seen.iter().any(|it| it.text.contains("which colour?")));
    leaves_all_but(&world, 0).await;
    shows(&zack, &thread, "which colour?").await;
}
