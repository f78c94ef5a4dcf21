//! The file has suffered, or there is none: nothing of that stops the bridge.

use std::os::unix::fs::PermissionsExt as _;

use super::{
    HELD, NOT_KEPT, REFUSED, emptied, health, marked, noticed, offline, online, rows, spool,
    spooled, texts, world, written,
};

#[tokio::test]
async fn a_torn_line_and_a_damaged_one_harm_no_other() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    offline(&world).await;
    let said = texts("line", 3);
    for text in &said {
        let id = zack.say(&room, text).await;
        marked(&zack, &room, &id, &[HELD]).await;
    }
    world.kill_bridge();
    let mode = std::fs::metadata(spool(&world))
        .expect("the file")
        .permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let kept = spooled(&world);
    let lines: Vec<&str> = kept.lines().collect();
    assert_eq!(lines.len(), 3, "{kept}");
    let torn = &lines[0][..lines[0].len() / 2];
    let suffered = [
        lines[0].as_bytes(),
        b"\xff\x00 no JSON, no text",
        lines[1].as_bytes(),
        b"{\"held\":{\"message\":\"0\"}}",
        lines[2].as_bytes(),
        torn.as_bytes(),
    ]
    .join(&b'\n');
    std::fs::write(spool(&world), suffered).expect("the spool is writable");
    online(&world).await;
    world.start_bridge();
    written(&world, "line %", &said).await;
    emptied(&world).await;
    let log = world.log();
    assert!(log.contains("lines [2, 4] of the spool"), "{log}");
    assert!(log.contains("cut off by a crash"), "{log}");
    assert!(!log.contains("no JSON, no text"), "{log}");
    let aside = world.data_dir().join("spool.jsonl.damaged");
    assert!(aside.exists(), "what was there is set aside");
}

#[tokio::test]
async fn what_comes_after_a_torn_line_is_kept_whole() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.stop_bridge();
    std::fs::write(spool(&world), "{\"held\":{\"mess").expect("the spool is writable");
    world.start_bridge();
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    offline(&world).await;
    let id = zack.say(&room, "after the tear").await;
    marked(&zack, &room, &id, &[HELD]).await;
    assert!(
        spooled(&world).starts_with("{\"held\":{\"project\""),
        "{}",
        spooled(&world)
    );
    world.kill_bridge();
    online(&world).await;
    world.start_bridge();
    written(&world, "after the tear", &["after the tear".to_owned()]).await;
}

#[tokio::test]
async fn a_disk_that_takes_nothing_refuses_and_stops_nothing() {
    let world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    // A folder where the file should be: not even root can write to it.
    std::fs::create_dir(spool(&world)).expect("a folder");
    offline(&world).await;
    let refused = zack.say(&room, "nowhere to keep it").await;
    marked(&zack, &room, &refused, &[REFUSED]).await;
    zack.sees(&room, "the words", |seen| {
        seen.iter().any(|m| m.text.starts_with(NOT_KEPT))
    })
    .await;
    let ready = health(&world, "/readyz").await;
    assert!(ready.contains("the spool cannot be written"), "{ready}");
    // The disk is well again, and so is the spool.
    std::fs::remove_dir(spool(&world)).expect("the folder is empty");
    let kept = zack.say(&room, "kept now").await;
    marked(&zack, &room, &kept, &[HELD]).await;
    let ready = health(&world, "/readyz").await;
    assert!(
        ready.contains("1 message is held for the database\""),
        "{ready}"
    );
    online(&world).await;
    written(&world, "kept now", &["kept now".to_owned()]).await;
    marked(&zack, &room, &kept, &[]).await;
    assert_eq!(rows(&world, "nowhere%").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_spool_that_cannot_be_read_is_left_alone_and_the_bridge_runs() {
    let mut world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.stop_bridge();
    std::fs::create_dir(spool(&world)).expect("a folder");
    world.start_bridge();
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    let ready = health(&world, "/readyz").await;
    assert!(ready.contains("the spool cannot be read"), "{ready}");
    zack.say(&room, "as ever").await;
    written(&world, "as ever", &["as ever".to_owned()]).await;
    offline(&world).await;
    let refused = zack.say(&room, "not this one").await;
    marked(&zack, &room, &refused, &[REFUSED]).await;
    online(&world).await;
    noticed(&world).await;
    zack.say(&room, "as before").await;
    written(&world, "as before", &["as before".to_owned()]).await;
    assert_eq!(rows(&world, "not this one").await, Vec::<String>::new());
    assert!(spool(&world).is_dir());
}
