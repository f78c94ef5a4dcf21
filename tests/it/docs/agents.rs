//! What agents know of documents, and what operators see of that.

use super::{files, rows};
use crate::harness::client::Client;
use crate::harness::world::World;

#[tokio::test]
async fn a_mission_is_in_the_next_turn_and_in_the_preview() {
    let world = World::start().await;
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let told = zack
        .sub(
            &at,
            ("mission", "set"),
            &[("text", "Open the shop by spring")],
        )
        .await;
    assert!(told.says("This is the mission now"), "{told:?}");
    rows(
        &world,
        "INSERT INTO project_documents (project_id, title, source_type, content_text, pinned)
         SELECT 'front-office', 'Rule ' || n, 'note', repeat('r', 3000), true FROM generate_series(1, 7) n",
    )
    .await;
    let dm = world.channel("dm-main");
    zack.person.say(&dm, "What is our mission?").await;
    zack.person
        .sees(&dm, "what the agent knows", |seen| {
            seen.iter().any(|it| {
                it.name == "Trunks" && it.text.ends_with("The mission is: Open the shop by spring")
            })
        })
        .await;
    let task = world
        .task("Order bells", "in_progress", None)
        .await
        .to_string();
    let told = zack
        .used(&at, "context", &[("agent", "main"), ("task", &task)])
        .await;
    for there in [
        "What Trunks is told before a turn, about `Order bells`",
        "Mission  ",
        "8,000",
        "Total",
        "2 more that are pinned",
    ] {
        assert!(told.says(there), "{there}: {told:?}");
    }
    let pack = files(&told).await.concat();
    assert!(pack.starts_with("# Context Pack\n"), "{pack}");
    assert!(
        pack.contains("## Mission\nOpen the shop by spring\n"),
        "{pack}"
    );
    assert!(
        pack.contains("changed the mission: Open the shop by spring _(ui)_"),
        "{pack}"
    );
    assert!(pack.contains("## Task\n### Order bells\n"), "{pack}");
    let told = zack.used(&at, "context", &[("agent", "nobody")]).await;
    assert!(told.says("nobody"), "{told:?}");
}
