//! Without an executor every request waits, in sight, and is carried out once when there is one again.

use super::{counted, new_job};
use crate::harness::client::Client;
use crate::harness::world::World;

/// A port that is free now.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn requests_wait_in_sight_and_are_carried_out_once() {
    let mut world = World::without_bridge().await;
    sqlx::query(
        "INSERT INTO cron_mirror (project_id, job_id, name, schedule_kind, schedule_expr, job_intent, instructions)
         SELECT 'front-office', n, n, 'cron', '0 9 * * *', 'task', '@agent:main' || chr(10) || '---' || chr(10) || 'Go.'
         FROM unnest(ARRAY['run-me', 'edit-me', 'delete-me']) AS n",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let port = free_port();
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let told = new_job(&zack, &at, "Report", "every 2 hours", "UTC").await;
    assert!(
        told.says("it waits, and is carried out when it is back"),
        "{told:?}"
    );
    let show = async |job: &str| zack.sub(&at, ("schedule", "show"), &[("job", job)]).await;
    let told = zack
        .told(&zack.press(&show("run-me").await, "Run now").await)
        .await;
    assert!(told.says("run run-me: waits since"), "{told:?}");
    zack.told(&zack.press(&show("edit-me").await, "Pause").await)
        .await;
    let asked = zack
        .told(&zack.press(&show("delete-me").await, "Delete").await)
        .await;
    let told = zack.told(&zack.press(&asked, "Yes, delete it").await).await;
    // It is on its way out: nothing else is asked of it.
    assert!(told.live().is_empty(), "{told:?}");
    let list = zack.sub(&at, ("schedule", "list"), &[]).await;
    for waits in [
        "create Report",
        "run run-me",
        "edit edit-me",
        "delete delete-me",
    ] {
        assert!(list.says(waits), "{waits}: {list:?}");
    }
    assert!(list.says("The executor is not there"), "{list:?}");

    let _executor = world.start_executor(port);
    counted(
        &world,
        "SELECT (SELECT count(*) FROM cron_create_requests WHERE status = 'done')
             + (SELECT count(*) FROM cron_run_requests WHERE status = 'done')
             + (SELECT count(*) FROM cron_job_patch_requests WHERE status = 'done')
             + (SELECT count(*) FROM cron_delete_requests WHERE status = 'done')",
        4,
    )
    .await;
    counted(
        &world,
        "SELECT count(*) FROM activities WHERE type = 'cron_run'",
        1,
    )
    .await;
    counted(
        &world,
        "SELECT count(*) FROM cron_mirror WHERE name IN ('Report', 'run-me') AND enabled
             OR name = 'edit-me' AND NOT enabled",
        3,
    )
    .await;
    counted(
        &world,
        "SELECT count(*) FROM cron_mirror WHERE name = 'delete-me'",
        0,
    )
    .await;
    let list = zack.sub(&at, ("schedule", "list"), &[]).await;
    assert!(!list.says("waits since"), "{list:?}");
}
