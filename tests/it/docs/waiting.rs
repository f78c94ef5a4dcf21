//! Without an executor the database keeps what is written; agents read it when there is one again.

use super::{rows, show};
use crate::harness::client::Client;
use crate::harness::outage::{accept_connections, database_on, end_connections};
use crate::harness::postgres::Server;
use crate::harness::wait::eventually;
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

#[tokio::test]
async fn while_the_database_is_away_every_command_says_so_in_time() {
    let server = Server::start("logical");
    let database = database_on(&server).await;
    let mut world = World::on(database).await;
    world.start_bridge();
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    zack.sub(&at, ("docs", "list"), &[]).await;
    let form = zack.sub_form(&at, ("mission", "set"), &[]).await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let doc = [("doc", "Rules")];
    let told = [
        zack.sub(&at, ("docs", "list"), &[]).await,
        zack.sub(&at, ("docs", "edit"), &doc).await,
        zack.sub(&at, ("mission", "set"), &[]).await,
        show(&zack, &at, "Rules").await,
        zack.sub(&at, ("mission", "set"), &[("text", "Open")]).await,
        zack.used(&at, "context", &[("agent", "main")]).await,
        zack.told(&zack.submit(&form, "Open").await).await,
    ];
    for told in told {
        assert!(told.says("database cannot be reached"), "{told:?}");
    }
    accept_connections(world.database(), true).await;
    eventually("the command works again", || async {
        let told = zack.sub(&at, ("mission", "set"), &[("text", "Open")]).await;
        if told.says("the mission now") || told.says("was the mission already") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
}
