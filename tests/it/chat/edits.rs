//! People change what they have written.

use reqwest::Method;
use serde_json::json;

use super::without_executor;
use crate::harness::outage::{accept_connections, end_connections};
use crate::harness::world::World;

#[tokio::test]
async fn before_anybody_has_it_the_agent_gets_the_new_text() {
    let (world, port) = without_executor().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let said = zack.say(&dm, "the old question").await;
    let row = world.row_of("the old question").await;
    zack.edit(&dm, &said, "the better question").await;
    let edited = world.row_of("the better question").await;
    assert_eq!(
        (edited.id, edited.statuses),
        (row.id, vec!["queued".to_owned()])
    );
    assert_eq!(
        edited.metadata["edited_at"],
        json!(null),
        "{:?}",
        edited.metadata
    );
    let _executor = world.start_executor(port);
    let seen = zack
        .sees(&dm, "the answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Trunks" && m.text.contains("the better question"))
        })
        .await;
    assert!(
        !seen.iter().any(|m| m.text.contains("the old question")),
        "{seen:#?}"
    );
}

#[tokio::test]
async fn after_that_the_row_follows_is_marked_and_nothing_is_sent_again() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-main"));
    let said = zack.say(&dm, "first words").await;
    zack.sees(&dm, "the answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("first words"))
    })
    .await;
    zack.edit(&dm, &said, "second words").await;
    let row = world.row_of("second words").await;
    assert!(row.metadata["edited_at"].is_string(), "{:?}", row.metadata);
    assert_eq!(row.metadata["discord_message_id"], said.as_str());
    zack.edit(&dm, &said, "third words").await;
    world.row_of("third words").await;
    // Whatever is sent comes before the answer to what is said now.
    zack.say(&dm, "and now").await;
    let seen = zack
        .sees(&dm, "the next answer", |seen| {
            seen.iter()
                .any(|m| m.name == "Trunks" && m.text.contains("and now"))
        })
        .await;
    assert_eq!(
        seen.iter().filter(|m| m.name == "Trunks").count(),
        2,
        "{seen:#?}"
    );
    world
        .database_says("SELECT count(*) FROM chat_delivery_queue", 2_i64)
        .await;
}

#[tokio::test]
async fn an_edit_adds_nobody_and_what_is_no_edit_changes_nothing() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let said = zack.say(&room, "to the room").await;
    world.row_of("to the room").await;
    zack.edit(&room, &said, "to @Trunks").await;
    let row = world.row_of("to @Trunks").await;
    assert_eq!((row.to.len(), row.target_agent_key), (0, None));
    let version = row.metadata["discord_edited_ms"].clone();
    assert!(version.is_number());
    // A pin is an update of the message, and no edit.
    let pin = format!("/channels/{room}/messages/pins/{said}");
    let (status, _) = zack.call(Method::PUT, &pin, None).await;
    assert!(status.is_success());
    // Nor is what agents and the bridge itself change in Discord.
    let id = world.insert("agent:main:main", "an agent's words").await;
    zack.sees(&room, "them", |seen| {
        seen.iter().any(|m| m.text == "an agent's words")
    })
    .await;
    sqlx::query("UPDATE project_chat_messages SET message = 'others' WHERE id = $1")
        .bind(id)
        .execute(world.pool())
        .await
        .expect("an edit");
    zack.sees(&room, "the edit", |seen| {
        seen.iter().any(|m| m.text == "others")
    })
    .await;
    zack.say(&room, "last").await;
    world.row_of("last").await;
    let row = world.row_of("to @Trunks").await;
    assert_eq!(row.metadata["discord_edited_ms"], version);
    let rows = world.rows().await;
    assert_eq!(rows.len(), 2, "{rows:#?}");
}

/// Events come in any order, and every one of them comes twice.
#[tokio::test]
async fn however_the_events_come_the_last_words_count() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world
        .fault(json!({ "duplicate_events": 40, "reorder_events": true }))
        .await;
    for n in 0..5 {
        let said = zack.say(&room, &format!("{n}: draft")).await;
        zack.edit(&room, &said, &format!("{n}: better")).await;
        zack.edit(&room, &said, &format!("{n}: final")).await;
    }
    world.no_faults().await;
    zack.say(&room, "the end").await;
    for n in 0..5 {
        world.row_of(&format!("{n}: final")).await;
    }
    world.row_of("the end").await;
    let rows = world.rows().await;
    assert_eq!(rows.len(), 6, "{rows:#?}");
}

#[tokio::test]
async fn what_was_changed_while_nobody_listened_is_found() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let said = zack.say(&room, "as it was").await;
    zack.say(&room, "unchanged").await;
    world.row_of("as it was").await;
    let row = world.row_of("unchanged").await;
    world.kill_bridge();
    zack.edit(&room, &said, "as it is").await;
    world.start_bridge();
    world.row_of("as it is").await;
    let same = world.row_of("unchanged").await;
    assert_eq!((same.id, same.metadata), (row.id, row.metadata));
}

/// The edit was heard, and the process ends before it is written.
#[tokio::test]
async fn killed_between_an_edit_and_its_writing() {
    let mut world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let said = zack.say(&room, "fragile").await;
    world.row_of("fragile").await;
    let mut frozen = world.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE project_chat_messages IN SHARE MODE")
        .execute(&mut *frozen)
        .await
        .expect("a lock");
    zack.edit(&room, &said, "robust").await;
    world
        .database_says(
            "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND mode = 'RowExclusiveLock'",
            true,
        )
        .await;
    world.kill_bridge();
    drop(frozen);
    assert_eq!(world.row_of("fragile").await.message, "fragile");
    world.start_bridge();
    world.row_of("robust").await;
    assert_eq!(world.rows().await.len(), 1);
}

#[tokio::test]
async fn while_the_database_is_away_edits_wait_with_what_they_change() {
    let mut world = World::without_bridge().await;
    world.configure("[mode]\npoll_seconds = 1\n");
    world.start_bridge();
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let before = zack.say(&room, "written before").await;
    let doomed = zack.say(&room, "written and doomed").await;
    world.row_of("written before").await;
    world.row_of("written and doomed").await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let status = world.channel("status");
    zack.sees(&status, "Offline", |seen| {
        seen.last().is_some_and(|m| m.text.contains("**Offline**"))
    })
    .await;
    let meanwhile = zack.say(&room, "said meanwhile").await;
    let never = zack.say(&room, "never said").await;
    let spool = world.data_dir().join("spool.jsonl");
    let spooled = || std::fs::read_to_string(&spool).unwrap_or_default();
    let kept = |text: &'static str| {
        crate::harness::wait::eventually(text, move || {
            let spooled = spooled();
            async move {
                if spooled.contains(text) {
                    Ok(())
                } else {
                    Err(spooled)
                }
            }
        })
    };
    kept("never said").await;
    zack.edit(&room, &meanwhile, "changed meanwhile").await;
    zack.delete(&room, &never).await;
    zack.edit(&room, &before, "changed after").await;
    zack.delete(&room, &doomed).await;
    kept("changed meanwhile").await;
    kept("\"settled\":").await;
    // What the disk has survives a crash; what it has not is found in Discord.
    world.kill_bridge();
    accept_connections(world.database(), true).await;
    world.start_bridge();
    world.row_of("changed meanwhile").await;
    world.row_of("changed after").await;
    zack.say(&room, "over").await;
    world.row_of("over").await;
    let texts: Vec<String> = world
        .rows()
        .await
        .into_iter()
        .map(|row| row.message)
        .collect();
    for absent in ["never said", "said meanwhile", "written before"] {
        assert!(!texts.iter().any(|text| text == absent), "{texts:?}");
    }
}
