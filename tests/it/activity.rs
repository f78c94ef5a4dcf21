//! `#activity`: what happened appears once, a burst is one post that grows, and what nobody wants to see
//! is left out.

mod bursts;
mod heartbeats;
mod hostile;
mod mutes;
mod posts;

use sqlx::types::Uuid;

use crate::harness::person::{Person, Seen};
use crate::harness::world::{PROJECT, World};

const RICKY: &str = "agent:ricky:main";
const TRUNKS: &str = "agent:main:main";

/// Something happens.
async fn happens(
    world: &World,
    kind: &str,
    actor: &str,
    message: &str,
    task: Option<Uuid>,
) -> Uuid {
    sqlx::query_scalar(
        "INSERT INTO activities (project_id, type, message, actor_agent_key, task_id) \
         VALUES ($1, $2, $3, $4, $5) RETURNING id",
    )
    .bind(PROJECT)
    .bind(kind)
    .bind(message)
    .bind(actor)
    .bind(task)
    .fetch_one(world.pool())
    .await
    .expect("the database takes an activity")
}

/// Something of no task happens.
async fn goes_on(world: &World, kind: &str, actor: &str, message: &str) -> Uuid {
    happens(world, kind, actor, message, None).await
}

/// Waits until so many posts say something.
async fn posts(world: &World, person: &Person, says: &str, count: usize) -> Vec<Seen> {
    let channel = world.channel("activity");
    let fits = |seen: &[Seen]| seen.iter().filter(|it| it.text.contains(says)).count() == count;
    let seen = person
        .sees(&channel, &format!("{count} posts with {says:?}"), fits)
        .await;
    seen.into_iter()
        .filter(|it| it.text.contains(says))
        .collect()
}
