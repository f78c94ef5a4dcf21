//! `/task` and `/output`: who may, what becomes of it, and what is refused.

use serde_json::json;

use super::events;
use crate::harness::client::Client;
use crate::harness::outage::{accept_connections, database_on, end_connections};
use crate::harness::postgres::Server;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Title, status, assignee and description of every task, oldest first.
async fn rows(world: &World) -> Vec<(String, String, Option<String>, Option<String>)> {
    sqlx::query_as(
        "SELECT title, status, assignee_agent_key, description FROM tasks ORDER BY created_at, id",
    )
    .fetch_all(world.pool())
    .await
    .expect("the database answers")
}

#[tokio::test]
async fn a_task_is_made_assigned_moved_stopped_and_deleted() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let told = zack
        .sub(
            &at,
            ("task", "new"),
            &[("name", "  Sweep   the yard "), ("text", "All of it.")],
        )
        .await;
    assert!(told.says("Created: `Sweep the yard`"), "{told:?}");
    world.thread("Sweep the yard").await;

    let told = zack
        .sub(
            &at,
            ("task", "assign"),
            &[("task", "sweep the YARD"), ("agent", "trunks")],
        )
        .await;
    assert!(told.says("`Sweep the yard` is Trunks's now"), "{told:?}");
    let to = Some("agent:main:main".to_owned());
    let all = rows(&world).await;
    let text = Some("All of it.".to_owned());
    let expected = ("Sweep the yard".to_owned(), "inbox".to_owned(), to, text);
    assert_eq!(all, [expected]);

    let id = moves(&zack, &at).await;
    assert_eq!(rows(&world).await[0].1, "stopped");
    deletes(&world, &zack, &at, &id).await;
    is_told_in_order(&world, &zack).await;
    let told = zack
        .sub(&at, ("task", "show"), &[("task", "Sweep the yard")])
        .await;
    assert!(told.says("There is no task"), "{told:?}");
}

/// Moves the task and stops it, by whichever of its names. Gives back its id.
async fn moves(zack: &Client, at: &str) -> String {
    let offered = zack
        .offered_in(at, ("task", "status"), "task", "yard")
        .await;
    let [(name, id)] = offered.as_slice() else {
        panic!("one task: {offered:?}");
    };
    assert_eq!(name, "Sweep the yard · 📥 Inbox");
    let told = zack
        .sub(
            at,
            ("task", "status"),
            &[("task", id), ("status", "review")],
        )
        .await;
    assert!(told.says("📥 Inbox → 🔎 Review"), "{told:?}");
    // The beginning of its id, as its card shows it.
    let told = zack
        .sub(
            at,
            ("task", "status"),
            &[("task", &id[..8]), ("status", "review")],
        )
        .await;
    assert!(told.says("already"), "{told:?}");
    let told = zack
        .sub(
            at,
            ("task", "stop"),
            &[("task", id), ("reason", "It rains.")],
        )
        .await;
    assert!(told.says("Stopped: `Sweep the yard`"), "{told:?}");
    id.clone()
}

/// Deletes it, after the question.
async fn deletes(world: &World, zack: &Client, at: &str, id: &str) {
    let question = zack.sub(at, ("task", "delete"), &[("task", id)]).await;
    assert!(question.says("really want to delete"), "{question:?}");
    assert_eq!(question.live(), ["Yes, delete it"]);
    assert_eq!(
        rows(world).await[0].1,
        "stopped",
        "nothing is deleted before the answer"
    );
    let act = zack.press(&question, "Yes, delete it").await;
    let told = zack.told(&act).await;
    assert!(told.says("Deleted."), "{told:?}");
    let by: String =
        sqlx::query_scalar("SELECT deleted_by FROM tasks WHERE deleted_at IS NOT NULL")
            .fetch_one(world.pool())
            .await
            .unwrap();
    assert_eq!(by, "dashboard");
}

/// Everything that was done stands in the timeline, and by whom.
async fn is_told_in_order(world: &World, zack: &Client) {
    let happened = events(world).await;
    let kinds: Vec<&str> = happened.iter().map(|it| it.0.as_str()).collect();
    let expected = [
        "comment",
        "assignment_change",
        "status_change",
        "status_change",
        "task_deleted",
    ];
    assert_eq!(kinds, expected);
    for (kind, author, _, metadata) in &happened {
        assert_eq!(author, "dashboard", "{kind}");
        assert_eq!(metadata["discord_user_id"], zack.person.id.as_str());
        assert!(metadata["author_name"].is_string(), "{metadata}");
    }
    assert_eq!(happened[3].3["reason"], "It rains.");
}

#[tokio::test]
async fn what_is_no_title_no_agent_no_status_and_no_task_is_refused_in_words() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let long = "x".repeat(201);
    for (name, says) in [
        ("   ", "needs a name"),
        (" \n ", "needs a name"),
        (&long, "has 201 characters"),
    ] {
        let told = zack.sub(&at, ("task", "new"), &[("name", name)]).await;
        assert!(told.says(says), "{told:?}");
    }
    // Discord refuses what a client that checks nothing sends.
    let below = json!([{ "type": 1, "name": "new", "options": [
        { "type": 3, "name": "name", "value": "Dig" },
        { "type": 3, "name": "text", "value": "x".repeat(4_001) },
    ] }]);
    let refused = zack.try_slash(&at, "task", below).await;
    assert_eq!(refused.as_u16(), 400);
    let told = zack
        .sub(
            &at,
            ("task", "new"),
            &[("name", "Dig"), ("agent", "agent:nobody:main")],
        )
        .await;
    assert!(
        told.says("There is no agent `agent:nobody:main`"),
        "{told:?}"
    );
    assert_eq!(rows(&world).await, []);

    world.task("Twins", "inbox", None).await;
    world.task("twins", "inbox", None).await;
    let moved = |task: &'static str| [("task", task), ("status", "done")];
    for (task, says) in [
        ("Twins", "2 tasks are called `Twins`"),
        ("Twi", "There is no task `Twi`"),
        (" ", "There is no task"),
        ("'; DROP TABLE tasks; --", "There is no task"),
        ("00000000-0000-0000-0000-000000000000", "There is no task"),
    ] {
        let told = zack.sub(&at, ("task", "status"), &moved(task)).await;
        assert!(told.says(says), "{told:?}");
    }
    let told = zack
        .sub(
            &at,
            ("task", "stop"),
            &[("task", "Twins"), ("reason", "  ")],
        )
        .await;
    assert!(told.says("2 tasks"), "{told:?}");
    let one = world.task("Alone", "inbox", None).await.to_string();
    let told = zack
        .sub(&at, ("task", "stop"), &[("task", &one), ("reason", "  ")])
        .await;
    assert!(told.says("needs a reason"), "{told:?}");
    let statuses: Vec<String> = rows(&world).await.into_iter().map(|it| it.1).collect();
    assert_eq!(statuses, ["inbox"; 3]);
    assert_eq!(events(&world).await, []);
}

#[tokio::test]
async fn members_look_and_change_nothing() {
    let world = World::start().await;
    let task = world.task("Water the plants", "in_progress", None).await;
    let id = task.to_string();
    let mallory = Client::open(&world, "mallory").await;
    let at = world.channel("status");
    let told = mallory.sub(&at, ("task", "list"), &[]).await;
    assert!(told.says("`Water the plants`"), "{told:?}");
    let told = mallory.sub(&at, ("task", "show"), &[("task", &id)]).await;
    assert!(
        told.says("Water the plants") && told.says("Do it well."),
        "{told:?}"
    );
    assert_eq!(told.buttons, []);
    for (sub, options) in [
        ("new", vec![("name", "Mine")]),
        ("assign", vec![("task", id.as_str()), ("agent", "ricky")]),
        ("status", vec![("task", &id), ("status", "done")]),
        ("stop", vec![("task", &id), ("reason", "because")]),
        ("delete", vec![("task", &id)]),
    ] {
        let told = mallory.sub(&at, ("task", sub), &options).await;
        assert!(told.says("Only operators"), "{sub}: {told:?}");
        assert_eq!(told.buttons, [], "{sub}");
    }
    let told = mallory
        .used(&at, "output", &[("task", &id), ("text", "mine")])
        .await;
    assert!(told.says("Only operators"), "{told:?}");
    let all = rows(&world).await;
    assert_eq!((all.len(), all[0].1.as_str()), (1, "in_progress"));
    assert_eq!(events(&world).await, []);
}

#[tokio::test]
async fn lists_show_what_is_open_or_of_a_status() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let told = zack.sub(&at, ("task", "list"), &[]).await;
    assert!(told.says("No task is open"), "{told:?}");
    world
        .task("Open one", "review", Some("agent:ricky:main"))
        .await;
    world.task("Finished one", "done", None).await;
    let told = eventually("a line with a link to the thread", || async {
        let told = zack.sub(&at, ("task", "list"), &[]).await;
        if told.says("<#") { Ok(told) } else { Err(told) }
    })
    .await;
    assert!(told.says("🔎 Review `Open one` · Ricky"), "{told:?}");
    assert!(!told.says("Finished one"), "{told:?}");
    let told = zack.sub(&at, ("task", "list"), &[("status", "done")]).await;
    assert!(
        told.says("Finished one") && !told.says("Open one"),
        "{told:?}"
    );

    for number in 0..60 {
        let title = format!("{number} {}", "x".repeat(100));
        world.task(&title, "blocked", None).await;
    }
    let told = zack
        .sub(&at, ("task", "list"), &[("status", "blocked")])
        .await;
    assert!(told.says("…and more"), "{told:?}");
    assert!(told.content.chars().count() <= 2_000);
}

#[tokio::test]
async fn a_finished_task_that_is_asked_for_gets_its_thread() {
    let world = World::without_bridge().await;
    let mut world = world;
    let old = world.task("Long done", "done", None).await;
    world.sql("ALTER TABLE tasks DISABLE TRIGGER USER").await;
    sqlx::query(
        "UPDATE tasks SET created_at = now() - interval '40 days', \
                          updated_at = now() - interval '30 days' WHERE id = $1",
    )
    .bind(old)
    .execute(world.pool())
    .await
    .unwrap();
    world.sql("ALTER TABLE tasks ENABLE TRIGGER USER").await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let threads = || async {
        let tasks = world.channel("tasks");
        zack.person.threads(world.guild(), &tasks).await
    };
    assert_eq!(threads().await, []);
    let told = zack
        .sub(&at, ("task", "show"), &[("task", "long done")])
        .await;
    assert!(told.says("Long done") && told.says("Done"), "{told:?}");
    let thread = world.thread("Long done").await;
    let told = zack
        .sub(&at, ("task", "show"), &[("task", "long done")])
        .await;
    assert!(told.says(&format!("<#{thread}>")), "{told:?}");
}

#[tokio::test]
async fn while_the_feature_is_off_nobody_uses_it() {
    let world = World::without_bridge().await;
    let mut world = world;
    world
        .sql(
            "UPDATE project_settings SET value = '{\"team_room\": true}' WHERE key = 'labs_features'",
        )
        .await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    for (sub, options) in [("list", vec![]), ("new", vec![("name", "Mine")])] {
        let told = zack.sub(&at, ("task", sub), &options).await;
        assert!(
            told.says("switched off") && told.says("task_threads"),
            "{told:?}"
        );
    }
    assert_eq!(rows(&world).await, []);
}

#[tokio::test]
async fn while_the_database_is_away_the_command_says_so() {
    let server = Server::start("logical");
    let database = database_on(&server).await;
    let mut world = World::on(database).await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    zack.sub(&at, ("task", "list"), &[]).await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let told = zack
        .sub(&at, ("task", "new"), &[("name", "Never made")])
        .await;
    assert!(told.says("database cannot be reached"), "{told:?}");
    let offered = zack.offered_in(&at, ("task", "show"), "task", "x").await;
    assert_eq!(offered, []);
    accept_connections(world.database(), true).await;
}
