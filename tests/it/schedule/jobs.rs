//! Jobs: made, run, changed, paused, deleted, and listed however many they are.

use super::{counted, new_job, shown};
use crate::harness::client::Client;
use crate::harness::world::World;

#[tokio::test]
async fn a_job_is_made_run_edited_paused_and_deleted() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let told = new_job(&zack, &at, "Report", "weekdays at 9:00", "America/New_York").await;
    assert!(
        told.says("Asked for the job `Report`, weekdays at 9:00 New York"),
        "{told:?}"
    );
    let card = shown(&zack, &at, "report", "weekdays at 9:00 New York").await;
    assert_eq!(card.live(), ["Run now", "Pause", "Edit…", "Delete"]);
    assert!(card.says("by Trunks") && card.says("never run"), "{card:?}");

    let told = zack.told(&zack.press(&card, "Run now").await).await;
    assert!(told.says("Run now. The executor has it."), "{told:?}");
    let ran = shown(&zack, &at, "report", "✅ ok").await;
    counted(
        &world,
        "SELECT count(*) FROM cron_run_requests WHERE status = 'done'",
        1,
    )
    .await;
    counted(
        &world,
        "SELECT count(*) FROM activities WHERE type = 'cron_run'",
        1,
    )
    .await;
    // What it says stands where its agent talks.
    world
        .person("zack")
        .sees(&world.channel("dm-main"), "the report", |seen| {
            seen.iter()
                .any(|it| it.name == "Trunks" && it.text.contains("Say what happened."))
        })
        .await;

    let form = zack.asked(&zack.press(&ran, "Edit…").await).await;
    assert_eq!(form.title, "Edit a job");
    let changes = [
        ("name", "Early report"),
        ("schedule", "daily at 7:30"),
        ("timezone", "Europe/Berlin"),
        ("instructions", "Say what happened."),
    ];
    let told = zack.told(&zack.fill(&form, &changes).await).await;
    assert!(told.says("Changed. The executor has it."), "{told:?}");
    // Another one had opened the form before that.
    let told = zack.told(&zack.fill(&form, &changes).await).await;
    assert!(told.says("Somebody has changed this job"), "{told:?}");
    let card = shown(&zack, &at, "Early report", "daily at 7:30 Berlin").await;

    let told = zack.told(&zack.press(&card, "Pause").await).await;
    assert!(told.says("Paused.") && told.says("paused ·"), "{told:?}");
    let told = zack.told(&zack.press(&told, "Resume").await).await;
    assert!(told.says("Resumed."), "{told:?}");
    let asked = zack.told(&zack.press(&told, "Delete").await).await;
    assert!(asked.says("really want to delete"), "{asked:?}");
    counted(&world, "SELECT count(*) FROM cron_delete_requests", 0).await;
    let told = zack.told(&zack.press(&asked, "Yes, delete it").await).await;
    assert!(told.says("Deletion asked for"), "{told:?}");
    counted(
        &world,
        "SELECT count(*) FROM cron_mirror WHERE job_id <> '__mirror_state__'",
        0,
    )
    .await;
    let told = zack.sub(&at, ("schedule", "list"), &[]).await;
    assert!(told.says("Nothing is scheduled"), "{told:?}");
}

#[tokio::test]
async fn two_hundred_jobs_are_paged_in_two_groups() {
    let world = World::start().await;
    sqlx::query(
        "INSERT INTO cron_mirror (project_id, job_id, name, schedule_kind, schedule_expr, tz, target_agent_key,
             job_intent, instructions, next_run_at, last_run_at, last_status)
         SELECT 'front-office', 'job-' || n, 'A job with a rather long name, number ' || n, 'cron', '0 9 1-7 * 1',
             'America/Argentina/Buenos_Aires', 'agent:main:main', 'task', 'x', now() + interval '1 day', now(), 'ok'
         FROM generate_series(1, 190) AS n
         UNION ALL SELECT 'front-office', 'beat-' || n, 'heartbeat-ricky', 'every', '3600000', NULL, NULL, NULL, 'x',
             now() + interval '1 day', NULL, NULL FROM generate_series(1, 10) AS n",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let first = zack.sub(&at, ("schedule", "list"), &[]).await;
    assert!(
        first.says("200 jobs, page 1 of 29") && first.says("**Heartbeats** (10)"),
        "{first:?}"
    );
    assert!(
        !first.says("Scheduled Jobs") && first.live() == ["Next"],
        "{first:?}"
    );
    let second = zack.told(&zack.press(&first, "Next").await).await;
    assert!(
        second.says("page 2 of 29") && second.says("**Scheduled Jobs** (190)"),
        "{second:?}"
    );
    assert_eq!(second.live(), ["Previous", "Next"]);
    let mut last = second;
    while last.live().contains(&"Next") {
        last = zack.told(&zack.press(&last, "Next").await).await;
    }
    assert!(
        last.says("page 29 of 29") && last.live() == ["Previous"],
        "{last:?}"
    );
    let row: uuid::Uuid = sqlx::query_scalar("SELECT id FROM cron_mirror WHERE job_id = 'job-99'")
        .fetch_one(world.pool())
        .await
        .unwrap();
    let act = zack.choose(&last, "v1:job-pick", &row.to_string()).await;
    let card = zack.told(&act).await;
    assert!(
        card.says("number 99**") && card.says("`0 9 1-7 * 1` Buenos Aires"),
        "{card:?}"
    );
    let offered = zack
        .offered_in(&at, ("schedule", "show"), "job", "number 19")
        .await;
    assert_eq!(offered.len(), 2, "{offered:?}");
    let zones = zack
        .offered_in(&at, ("schedule", "new"), "timezone", "berl")
        .await;
    assert_eq!(zones[0].0, "Europe/Berlin");
}
