//! Without an executor the database keeps what is written; agents read it when there is one again.

use super::{rows, show};
use crate::harness::client::Client;
use crate::harness::world::World;

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn what_is_written_meanwhile_is_the_same_row_and_agents_read_it_later() {
    let mut world = World::without_bridge().await;
    let port = free_port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.start_bridge();
    rows(
        &world,
        "INSERT INTO brain_docs (project_id, agent_key, doc_type, content)
         VALUES ('front-office', 'project', 'project_overview', 'A shop.')",
    )
    .await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let told = zack
        .sub(&at, ("mission", "set"), &[("text", "Open by spring")])
        .await;
    assert!(told.says("This is the mission now"), "{told:?}");
    let card = show(&zack, &at, "project overview").await;
    let form = zack.asked(&zack.press(&card, "Edit…").await).await;
    let told = zack.told(&zack.submit(&form, "Two shops.").await).await;
    assert!(told.says("Saved: **Project overview**"), "{told:?}");
    world
        .database_says(
            "SELECT content FROM brain_docs WHERE doc_type = 'project_overview' AND updated_by LIKE 'discord:%'",
            "Two shops.".to_owned(),
        )
        .await;
    let dm = world.channel("dm-main");
    zack.person.say(&dm, "What is the mission?").await;
    let _executor = world.start_executor(port);
    zack.person
        .sees(&dm, "what the agent knows", |seen| {
            seen.iter().any(|it| {
                it.name == "Trunks" && it.text.ends_with("The mission is: Open by spring")
            })
        })
        .await;
}
