//! What cannot be, and who may not.

use super::{counted, new_job, shown};
use crate::harness::client::Client;
use crate::harness::world::World;

#[tokio::test]
async fn what_cannot_be_is_told_with_its_field_and_asks_for_nothing() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    for (schedule, zone, says) in [
        ("61 9 * * *", "UTC", "schedule: the minute “61”"),
        ("0 0 30 2 *", "UTC", "a day that never comes"),
        ("now and then", "UTC", "schedule: "),
        ("every 30 seconds", "UTC", "from 1 minute to 1 year"),
        ("daily at 9:00", "Mars/Base", "timezone: “Mars/Base”"),
    ] {
        let told = new_job(&zack, &at, "Report", schedule, zone).await;
        assert!(
            told.says(says) && told.says("Nothing was asked for"),
            "{told:?}"
        );
    }
    let nobody = [
        ("name", "x"),
        ("agent", "nobody"),
        ("schedule", "1h"),
        ("instructions", "x"),
    ];
    let told = zack.sub(&at, ("schedule", "new"), &nobody).await;
    assert!(told.says("agent: there is no agent `nobody`"), "{told:?}");
    let told = zack
        .sub(&at, ("schedule", "show"), &[("job", "what")])
        .await;
    assert!(told.says("job: there is no job `what`"), "{told:?}");
    counted(&world, "SELECT count(*) FROM cron_create_requests", 0).await;
}

#[tokio::test]
async fn everybody_looks_and_only_operators_change() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let mallory = Client::open(&world, "mallory").await;
    let at = world.channel("status");
    let told = new_job(&mallory, &at, "Mine", "1h", "UTC").await;
    assert!(told.says("operator"), "{told:?}");
    let beat = [("agent", "main"), ("interval", "5m"), ("instructions", "x")];
    let told = mallory.sub(&at, ("heartbeat", "new"), &beat).await;
    assert!(told.says("operator"), "{told:?}");
    counted(&world, "SELECT count(*) FROM cron_create_requests", 0).await;

    new_job(&zack, &at, "Report", "daily at 9:00", "UTC").await;
    for label in ["Run now", "Pause", "Edit…", "Delete"] {
        let card = shown(&mallory, &at, "Report", "daily at 9:00 UTC").await;
        let told = mallory.told(&mallory.press(&card, label).await).await;
        assert!(told.says("operator"), "{label}: {told:?}");
    }
    counted(
        &world,
        "SELECT (SELECT count(*) FROM cron_run_requests) + (SELECT count(*) FROM cron_job_patch_requests)
             + (SELECT count(*) FROM cron_delete_requests)",
        0,
    )
    .await;
}

#[tokio::test]
async fn a_job_of_an_agent_that_is_gone_fails_in_words_and_can_be_retried() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    new_job(&zack, &at, "Report", "daily at 9:00", "UTC").await;
    let card = shown(&zack, &at, "Report", "daily at 9:00 UTC").await;
    sqlx::query("DELETE FROM agents WHERE agent_key = 'agent:main:main'")
        .execute(world.pool())
        .await
        .unwrap();
    zack.press(&card, "Run now").await;
    let failed = shown(&zack, &at, "Report", "there is no agent main any more").await;
    assert!(failed.says("❌ run Report"), "{failed:?}");
    sqlx::query(
        "INSERT INTO agents (project_id, agent_key, name, agent_id_short)
         VALUES ('front-office', 'agent:main:main', 'Trunks', 'main')",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let told = zack
        .told(&zack.press(&failed, "Retry: run Report").await)
        .await;
    assert!(told.says("Asked once more"), "{told:?}");
    counted(
        &world,
        "SELECT count(*) FROM cron_run_requests WHERE status = 'done'",
        1,
    )
    .await;
}
