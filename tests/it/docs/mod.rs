//! Documents, as people use them: `/docs`, `/context`, the form of the mission, and what agents know of all that.

mod agents;
mod editing;
mod reading;
mod waiting;

use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::world::World;

/// Rows that a dashboard has written.
async fn rows(world: &World, statements: &'static str) {
    sqlx::raw_sql(statements)
        .execute(world.pool())
        .await
        .expect("the rows can be written");
}

async fn show(client: &Client, at: &str, doc: &str) -> Card {
    client.sub(at, ("docs", "show"), &[("doc", doc)]).await
}

/// What is in the files of an answer.
async fn files(card: &Card) -> Vec<String> {
    let mut texts = Vec::new();
    for file in &card.files {
        let answer = reqwest::get(&file.url).await.expect("the file is there");
        texts.push(answer.text().await.expect("a text"));
    }
    texts
}
