//! `/labs`: who may switch, and what becomes of everything else in the row.

use super::{QUIET, ROOM, flags, labs, lists, without_flags, write};
use crate::harness::client::Client;
use crate::harness::outage::{accept_connections, database_on, end_connections};
use crate::harness::postgres::Server;
use crate::harness::wait::eventually;
use crate::harness::world::World;

#[tokio::test]
async fn the_command_keeps_what_others_have_written_and_what_they_write_at_the_same_moment() {
    let mut world = without_flags().await;
    write(
        &world,
        r#"{"from_the_future": 1.10, "team_room": false, "z": {"a": [null]}}"#,
    )
    .await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let status = world.channel("status");
    let told = labs(&zack, &status, Some("team_room"), Some(true)).await;
    assert!(told.says("team_room** is on now"), "{told:?}");
    assert_eq!(
        flags(&world).await.as_deref(),
        Some(r#"{"from_the_future":1.10,"team_room":true,"z":{"a": [null]}}"#)
    );
    let again = labs(&zack, &status, Some("team_room"), Some(true)).await;
    assert!(again.says("was on already"), "{again:?}");

    // A dashboard is in the middle of writing another key.
    let mut dashboard = world.pool().begin().await.unwrap();
    sqlx::query("UPDATE project_settings SET value = '{\"theirs\":true,\"team_room\":true}'")
        .execute(&mut *dashboard)
        .await
        .unwrap();
    let options = serde_json::json!([
        { "type": 3, "name": "flag", "value": "mission_banner" },
        { "type": 5, "name": "on", "value": true },
    ]);
    let act = zack.slash_with(&status, "labs", options).await;
    world
        .database_says("SELECT count(*) > 0 FROM pg_locks WHERE NOT granted", true)
        .await;
    dashboard.commit().await.unwrap();
    let told = zack.told(&act).await;
    assert!(told.says("mission_banner** is on now"), "{told:?}");
    assert_eq!(
        flags(&world).await.as_deref(),
        Some(r#"{"theirs":true,"team_room":true,"mission_banner":true}"#)
    );
}

#[tokio::test]
async fn many_who_switch_at_once_lose_nothing_of_each_other() {
    let mut world = without_flags().await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let status = world.channel("status");
    let flags_of = ["task_threads", "heartbeat_ui", "mission_banner", "multi_dm"];
    futures_util::future::join_all(
        flags_of.map(|flag| labs(&zack, &status, Some(flag), Some(true))),
    )
    .await;
    eventually("all four", || async {
        let text = flags(&world).await.unwrap_or_default();
        let all = flags_of
            .iter()
            .all(|it| text.contains(&format!("\"{it}\":true")));
        if all { Ok(()) } else { Err(text) }
    })
    .await;
}

#[tokio::test]
async fn only_operators_switch_and_everybody_may_look() {
    let mut world = without_flags().await;
    world.start_bridge();
    let mallory = Client::open(&world, "mallory").await;
    let status = world.channel("status");
    assert!(
        labs(&mallory, &status, None, None)
            .await
            .says("**team_room** is off")
    );
    let told = labs(&mallory, &status, Some("team_room"), Some(true)).await;
    assert!(told.says("Only operators switch"), "{told:?}");
    assert_eq!(flags(&world).await, None);
    let told = labs(&mallory, &status, None, Some(true)).await;
    assert!(told.says("Which flag?"), "{told:?}");
}

#[tokio::test]
async fn a_setting_that_cannot_be_read_is_left_alone_and_said_aloud() {
    let mut world = without_flags().await;
    write(&world, r#"{"team_room": true"#).await;
    world.start_bridge();
    lists(&world, &QUIET).await;
    let log = world.log();
    assert!(
        log.contains("labs_features cannot be read: it is not a JSON object"),
        "{log}"
    );
    let zack = Client::open(&world, "zack").await;
    let status = world.channel("status");
    for (text, why) in [
        (r#"{"team_room": true"#.to_owned(), "not a JSON object"),
        (
            format!("{{\"a\":\"{}\",\"team_room\":true}}", "x".repeat(100_000)),
            "longer than",
        ),
        ("[true]".to_owned(), "not a JSON object"),
    ] {
        write(&world, &text).await;
        for told in [
            labs(&zack, &status, None, None).await,
            labs(&zack, &status, Some("team_room"), Some(true)).await,
        ] {
            assert!(
                told.says("cannot be read") && told.says(why) && told.says("repair"),
                "{told:?}"
            );
        }
        assert_eq!(flags(&world).await.as_deref(), Some(text.as_str()));
    }
    write(&world, r#"{"team_room": true}"#).await;
    lists(&world, &ROOM).await;
}

#[tokio::test]
async fn while_the_database_is_away_the_command_says_so() {
    let server = Server::start("logical");
    let database = database_on(&server).await;
    let mut world = World::on(database).await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let status = world.channel("status");
    labs(&zack, &status, None, None).await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    for on in [None, Some(false)] {
        let told = labs(&zack, &status, Some("team_room"), on).await;
        assert!(told.says("database cannot be reached"), "{told:?}");
    }
    accept_connections(world.database(), true).await;
    eventually("the command works again", || async {
        let told = labs(&zack, &status, Some("team_room"), Some(false)).await;
        if told.says("is off now") || told.says("was off already") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    lists(
        &world,
        &[
            "activity",
            "approvals",
            "dm-main",
            "dm-ricky",
            "status",
            "tasks",
        ],
    )
    .await;
}
