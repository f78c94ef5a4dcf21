//! A database of an existing `ClawdOS`, with comments and outputs from before there were events: shown without a
//! duplicate or a gap, before, during and after they are converted.

use std::collections::BTreeMap;

use serde_json::json;

use crate::backfill::{begin, end};
use crate::harness::person::Seen;
use crate::harness::postgres::create_empty_database;
use crate::harness::wait::eventually;
use crate::harness::world::World;

const EXISTING: &str = include_str!("../../fixtures/clawdos_existing.sql");
const EXISTING_ROWS: &str = include_str!("../../fixtures/clawdos_existing_rows.sql");

/// A task with a question of old, its answer of late, and everything else that there may be.
const SHED: &str = "
    INSERT INTO tasks (id, project_id, title, status)
        VALUES ('10000000-0000-0000-0000-0000000000aa', 'front-office', 'Build the shed', 'in_progress');
    INSERT INTO task_comments (id, project_id, task_id, author_agent_key, content, created_at) VALUES
        ('40000000-0000-0000-0000-0000000000a1', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            'agent:ricky:main', E'NEEDS ATTENTION: which colour?\\nA) Green\\nB) Gold', now() - interval '9 h'),
        ('40000000-0000-0000-0000-0000000000a2', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            NULL, 'Nobody signed this', now() - interval '7 h'),
        ('40000000-0000-0000-0000-0000000000a3', 'front-office', '10000000-0000-0000-0000-0000000000aa',
            'agent:ricky:main', 'Carried already', now() - interval '5 h');
    INSERT INTO task_outputs (project_id, task_id, output_type, title, link_url, created_by, created_at)
        VALUES ('front-office', '10000000-0000-0000-0000-0000000000aa', 'link', 'The plan', 'https://example.org/plan',
            'agent:ricky:main', now() - interval '6 h');
    INSERT INTO task_events (project_id, task_id, event_type, author, content, metadata, created_at) VALUES
        ('front-office', '10000000-0000-0000-0000-0000000000aa', 'comment', 'dashboard', 'Answer: B — Gold',
            '{\"reply_to\": \"lc_40000000-0000-0000-0000-0000000000a1\"}', now() - interval '8 h'),
        ('front-office', '10000000-0000-0000-0000-0000000000aa', 'comment', 'agent:ricky:main', 'Carried already',
            '{\"legacy_comment_id\": \"40000000-0000-0000-0000-0000000000a3\"}', now() - interval '5 h'),
        ('front-office', '10000000-0000-0000-0000-0000000000aa', 'agent_update', 'agent:ricky:main', 'Half done',
            NULL, now() - interval '4 h')";

/// No row of the old tables is what a message shows.
async fn only_events_are_shown(world: &World) {
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE kind IN ('task_comment', 'task_output')",
            0_i64,
        )
        .await;
}

/// What stands in a thread once this line does.
async fn after(world: &World, title: &str, line: &str) -> Vec<Seen> {
    let task: uuid::Uuid = sqlx::query_scalar("SELECT id FROM tasks WHERE title = $1")
        .bind(title)
        .fetch_one(world.pool())
        .await
        .unwrap();
    world.comment(task, line).await;
    let thread = world.thread(title).await;
    let seen = world
        .person("zack")
        .sees(&thread, line, |seen| seen.iter().any(|it| it.text == line))
        .await;
    seen.into_iter().skip(1).collect()
}

fn texts(seen: &[Seen]) -> Vec<&str> {
    seen.iter().map(|it| it.text.as_str()).collect()
}

#[tokio::test]
async fn an_existing_database_is_shown_whole_before_and_after_it_is_converted() {
    let database = create_empty_database().await;
    let pool = database.pool().await;
    for sql in [EXISTING, EXISTING_ROWS, SHED] {
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    }
    let mut world = World::on(database).await;
    world.start_bridge();
    let shed = after(&world, "Build the shed", "first mark").await;
    let shown = texts(&shed);
    assert!(shown[0].contains("which colour?"), "{shown:#?}");
    assert!(shown[0].contains("Gold"), "{shown:#?}");
    assert!(shown[1].contains("Gold"), "{shown:#?}");
    let rest = [
        "Nobody signed this",
        "📎 **The plan**\n<https://example.org/plan>",
        "Carried already",
        "Half done",
        "first mark",
    ];
    assert_eq!(shown[2..], rest);
    let door = after(&world, "Paint the door", "first mark").await;
    let once = [
        "First coat is dry",
        "Looks good",
        "Green and gold",
        "https://example.com/door.jpg",
        "`send_email`",
    ];
    for text in once {
        let times = door.iter().filter(|it| it.text.contains(text)).count();
        assert_eq!(times, 1, "{text}: {:#?}", texts(&door));
    }

    // Converted while the bridge runs: each message stays where it is, and says what it said.
    let ended = end(begin(&world.data_dir(), &[], &[])).await;
    ended
        .code(0)
        .says("task_comments 5 there: 3 converted, 2 carried by an event already\n")
        .says("task_outputs  3 there: 3 converted, 0 carried by an event already\n");
    for mark in ["second mark", "third mark"] {
        let again = after(&world, "Build the shed", mark).await;
        assert_eq!(again[..shed.len()], shed[..], "{:#?}", texts(&again));
        let again = after(&world, "Paint the door", mark).await;
        assert_eq!(again[..door.len()], door[..], "{:#?}", texts(&again));
        only_events_are_shown(&world).await;
        world.stop_bridge();
        world.start_bridge();
    }
    let shed_at_last = after(&world, "Build the shed", "the end").await;
    let marks = ["second mark", "third mark", "the end"];
    assert_eq!(texts(&shed_at_last[shed.len()..]), marks);
}

#[tokio::test]
async fn what_is_converted_while_its_thread_is_filled_is_shown_once() {
    let mut world = World::without_bridge().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let task = world.task("Count the nails", "in_progress", None).await;
    sqlx::query(
        "INSERT INTO task_comments (project_id, task_id, author_agent_key, content, created_at)
         SELECT 'front-office', $1, 'agent:ricky:main', 'nail ' || n, now() - interval '1 h' + n * interval '1 s'
         FROM generate_series(1, 90) AS n",
    )
    .bind(task)
    .execute(world.pool())
    .await
    .unwrap();
    world.start_bridge();
    world
        .database_says(
            "SELECT count(*) > 5 FROM bridge.view WHERE kind = 'task_comment'",
            true,
        )
        .await;
    let ended = end(begin(&world.data_dir(), &["--batch", "7"], &[])).await;
    ended
        .code(0)
        .says("task_comments 90 there: 90 converted, 0 carried");
    let thread = world.thread("Count the nails").await;
    let operator = world.person("zack");
    eventually("each nail once", || async {
        let seen = operator.read(&thread).await;
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for one in seen.into_iter().filter(|it| it.text.starts_with("nail ")) {
            *times.entry(one.text).or_default() += 1;
        }
        let right = times.len() == 90 && times.values().all(|times| *times == 1);
        right.then_some(()).ok_or(times)
    })
    .await;
    only_events_are_shown(&world).await;
    // And it stays so.
    after(&world, "Count the nails", "the end").await;
    world.stop_bridge();
    world.start_bridge();
    let seen = after(&world, "Count the nails", "the very end").await;
    let nails = seen
        .iter()
        .filter(|it| it.text.starts_with("nail "))
        .count();
    assert_eq!(nails, 90);
}
