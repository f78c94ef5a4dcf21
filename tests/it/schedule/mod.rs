//! The schedule, as people use it: `/schedule`, `/heartbeat`, and what agents do at their hours.

mod beats;
mod jobs;
mod refusals;
mod waiting;

use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Asks for a job of Trunks.
async fn new_job(zack: &Client, at: &str, name: &str, schedule: &str, zone: &str) -> Card {
    let options = [
        ("name", name),
        ("agent", "main"),
        ("schedule", schedule),
        ("instructions", "Say what happened."),
        ("timezone", zone),
    ];
    zack.sub(at, ("schedule", "new"), &options).await
}

/// Waits until a query, which counts, gives this.
async fn counted(world: &World, query: &'static str, wanted: i64) {
    eventually(query, || async {
        let found: i64 = sqlx::query_scalar(query)
            .fetch_one(world.pool())
            .await
            .unwrap();
        (found == wanted).then_some(()).ok_or(found.to_string())
    })
    .await;
}

/// The card of a job, once there is one that says this.
async fn shown(zack: &Client, at: &str, job: &str, says: &str) -> Card {
    eventually(&format!("{job} says {says}"), || async {
        let card = zack.sub(at, ("schedule", "show"), &[("job", job)]).await;
        if card.says(says) {
            Ok(card)
        } else {
            Err(card.content)
        }
    })
    .await
}
