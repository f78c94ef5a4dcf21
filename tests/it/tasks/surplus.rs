//! Discord takes 1,000 threads that are not archived.

use std::time::Duration;

use serde_json::json;

use crate::harness::world::World;

#[tokio::test]
async fn of_more_than_900_threads_the_least_recently_touched_are_archived() {
    let mut world = World::without_bridge().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    world
        .sql(
            "INSERT INTO tasks (project_id, title, status) \
             SELECT 'front-office', 'Task number ' || n, 'in_progress' FROM generate_series(1, 903) n; \
             ALTER TABLE tasks DISABLE TRIGGER USER; \
             UPDATE tasks SET created_at = now() - interval '1 day', \
                 updated_at = now() - interval '1 day' + substring(title FROM '[0-9]+')::int * interval '1 s'; \
             ALTER TABLE tasks ENABLE TRIGGER USER",
        )
        .await;
    world.configure("[mirror]\nsweep_seconds = 2\n");
    world.start_bridge();
    let open =
        "SELECT count(*) FROM bridge.task_thread WHERE thread_id IS NOT NULL AND NOT archived";
    world
        .database_says_within(open, 900_i64, Duration::from_mins(4))
        .await;
    let oldest: Vec<String> = sqlx::query_scalar(
        "SELECT title FROM tasks k WHERE NOT EXISTS (SELECT FROM bridge.task_thread t \
         WHERE t.task_id = k.id) ORDER BY updated_at",
    )
    .fetch_all(world.pool())
    .await
    .unwrap();
    assert_eq!(oldest, ["Task number 1", "Task number 2", "Task number 3"]);
    // Two more are touched: they come, and the two that were not touched for longest go.
    for title in ["Task number 1", "Task number 2"] {
        sqlx::query("UPDATE tasks SET status = 'review' WHERE title = $1")
            .bind(title)
            .execute(world.pool())
            .await
            .unwrap();
    }
    let archived = "SELECT string_agg(k.title, ', ' ORDER BY k.updated_at) FROM bridge.task_thread t \
                    JOIN tasks k ON k.id = t.task_id WHERE t.archived";
    let gone = "Task number 4, Task number 5".to_owned();
    world
        .database_says_within(archived, gone, Duration::from_secs(90))
        .await;
    world.database_says(open, 900_i64).await;
}
