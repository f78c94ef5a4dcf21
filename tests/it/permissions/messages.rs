//! Permissions that the bot lacks for what others wrote, and for the marks on it.

use super::{ADD_REACTIONS, MANAGE_MESSAGES, leaves_all_but, refusals, status_says};
use crate::harness::client::Client;
use crate::harness::marks::{marked, marks};
use crate::harness::person::Seen;
use crate::harness::world::World;

const TRUNKS: &str = "agent:main:main";

async fn shows(world: &World, channel: &str, text: &str, times: usize) {
    let there = |seen: &[Seen]| seen.iter().filter(|it| it.text == text).count() == times;
    world.person("zack").sees(channel, text, there).await;
}

/// Deletes a row of the room, as somebody at a dashboard does.
async fn deletes(world: &World, text: &str) {
    let done = sqlx::query("DELETE FROM project_chat_messages WHERE message = $1")
        .bind(text)
        .execute(world.pool())
        .await
        .expect("the database takes it");
    assert_eq!(done.rows_affected(), 1, "{text}");
}

#[tokio::test]
async fn what_a_person_wrote_stays_until_the_bot_may_take_it_away() {
    let mut world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let room = world.channel("team-room");
    let written = "SELECT count(*) FROM project_chat_messages WHERE message LIKE 'my words%'";
    for text in ["my words", "my words before a restart"] {
        zack.person.say(&room, text).await;
    }
    world.database_says(written, 2_i64).await;
    world.insert(TRUNKS, "an agent's words").await;
    shows(&world, &room, "an agent's words", 1).await;
    leaves_all_but(&world, MANAGE_MESSAGES).await;
    let line = "lacks **Manage Messages** in this server: what people wrote stays when it is deleted elsewhere";
    status_says(&world, line, true).await;
    let told = zack.used(&room, "status", &[]).await;
    assert!(told.says(line), "{told:?}");
    let before = world.requests().await.len();
    for text in ["my words", "my words before a restart", "an agent's words"] {
        deletes(&world, text).await;
    }
    // What the bridge wrote itself goes.
    shows(&world, &room, "an agent's words", 0).await;
    world.insert(TRUNKS, "meanwhile").await;
    shows(&world, &room, "meanwhile", 1).await;
    shows(&world, &room, "my words", 1).await;
    let refused = refusals(&world, before).await;
    assert!(refused.is_empty(), "{refused:#?}");

    world.stop_bridge();
    world.start_bridge();
    shows(&world, &room, "my words before a restart", 1).await;
    leaves_all_but(&world, 0).await;
    shows(&world, &room, "my words", 0).await;
    shows(&world, &room, "my words before a restart", 0).await;
    status_says(&world, "Manage Messages", false).await;
    shows(&world, &room, "meanwhile", 1).await;
}

#[tokio::test]
async fn marks_that_could_not_be_set_come_once_they_may() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let dm = world.channel("dm-main");
    leaves_all_but(&world, ADD_REACTIONS).await;
    status_says(&world, "**Add Reactions**", true).await;
    let answers = async |count: usize| {
        let answered =
            |seen: &[Seen]| seen.iter().filter(|it| it.name == "Trunks").count() == count;
        zack.sees(&dm, "an answer", answered).await;
    };
    let settled = async |count: i64| {
        let settled = "SELECT count(*) FROM bridge.receipt WHERE marks = '' AND shown <> '{}'";
        world.database_says(settled, count).await;
    };
    let first = zack.say(&dm, "hello").await;
    answers(1).await;
    settled(1).await;
    assert!(marks(&zack, &dm, &first).await.is_empty());
    leaves_all_but(&world, 0).await;
    marked(&zack, &dm, &first, &["✅"]).await;

    // The same where the bridge is away as the right comes back.
    leaves_all_but(&world, ADD_REACTIONS).await;
    status_says(&world, "**Add Reactions**", true).await;
    let second = zack.say(&dm, "hello again").await;
    answers(2).await;
    settled(1).await;
    world.stop_bridge();
    leaves_all_but(&world, 0).await;
    world.start_bridge();
    marked(&zack, &dm, &second, &["✅"]).await;
    marked(&zack, &dm, &first, &["✅"]).await;
}
