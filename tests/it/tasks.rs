//! Every task is a thread.

mod bad_input;
mod cards;
mod commands;
mod comments;
mod controls;
mod legacy;
mod outputs;
mod scale;
mod story;
mod surplus;
mod threads;
mod timeline;

use serde_json::Value;

use crate::harness::world::World;

/// Type, author, content and metadata of what happened, oldest first.
async fn events(world: &World) -> Vec<(String, String, Option<String>, Value)> {
    sqlx::query_as(
        "SELECT event_type, author, content, metadata FROM task_events ORDER BY created_at, id",
    )
    .fetch_all(world.pool())
    .await
    .expect("the database answers")
}
