//! The mission and the overview go through an existing executor; what it does not know goes to the database.

use super::stage;
use crate::harness::client::Client;

#[tokio::test]
async fn the_overview_is_written_by_the_executor_and_other_documents_by_the_database() {
    let (world, _existing) = stage("").await;
    sqlx::raw_sql(
        "INSERT INTO brain_docs (project_id, agent_key, doc_type, content) VALUES
            ('front-office', 'project', 'project_overview', 'A shop.'),
            ('front-office', 'agent:ricky:main', 'soul', 'I look.')",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let (zack, at) = (Client::open(&world, "zack").await, world.channel("status"));
    let told = zack
        .sub(&at, ("mission", "set"), &[("text", "Open by spring")])
        .await;
    assert!(told.says("This is the mission now"), "{told:?}");
    for (doc, text) in [
        ("project overview", "Two shops."),
        ("soul of ricky", "I stare."),
    ] {
        let first = zack.sub_form(&at, ("docs", "edit"), &[("doc", doc)]).await;
        let told = zack.told(&zack.submit(&first, text).await).await;
        assert!(told.says("Saved: **"), "{told:?}");
        // That one writes over whatever is there, so the bridge looks first.
        let told = zack.told(&zack.submit(&first, "Mine.").await).await;
        assert!(told.says("Somebody else has changed"), "{told:?}");
    }
    world
        .database_says(
            "SELECT string_agg(content, ' ' ORDER BY doc_type) FROM brain_docs",
            "Open by spring Two shops. I stare.".to_owned(),
        )
        .await;
    world
        .database_says(
            "SELECT count(*) FROM activities WHERE type = 'brain_doc_updated' AND message LIKE '%soul of agent:ricky:main'",
            1_i64,
        )
        .await;
}
