//! Past the bound people are told so, and what they were told stays true.

use super::{
    HELD, NOT_KEPT, REFUSED, marked, offline, online, rows, spool, spooled, texts, world, written,
};
use crate::harness::person::Seen;
use crate::harness::wait::eventually;

fn told(seen: &[Seen]) -> usize {
    seen.iter().filter(|m| m.text.starts_with(NOT_KEPT)).count()
}

#[tokio::test]
async fn past_the_bound_a_message_is_refused_and_never_becomes_a_row() {
    let mut world = world("[spool]\nmessages = 3\n").await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let room = world.channel("team-room");
    offline(&world).await;
    let kept = texts("kept", 3);
    for text in &kept {
        let id = zack.say(&room, text).await;
        marked(&zack, &room, &id, &[HELD]).await;
    }
    let refused = zack.say(&room, "one too many").await;
    marked(&zack, &room, &refused, &[REFUSED]).await;
    zack.sees(&room, "the words", |seen| told(seen) == 1).await;
    // The mark is enough for the next one; somebody else is told in words, too.
    let next = zack.say(&room, "two too many").await;
    marked(&zack, &room, &next, &[REFUSED]).await;
    let other = mallory.say(&room, "me too many").await;
    marked(&zack, &room, &other, &[REFUSED]).await;
    zack.sees(&room, "the words for somebody else", |seen| told(seen) == 2)
        .await;
    assert_eq!(spooled(&world).matches("refused").count(), 3);

    online(&world).await;
    written(&world, "kept %", &kept).await;
    let again = zack.say(&room, "sent again").await;
    written(&world, "sent again", &["sent again".to_owned()]).await;
    marked(&zack, &room, &again, &[]).await;
    assert_eq!(rows(&world, "%too many").await, Vec::<String>::new());

    // Reading back finds them: the file knows them, and where it is lost, the mark does.
    for round in 0..2 {
        world.kill_bridge();
        let missed = format!("missed {round}");
        zack.say(&room, &missed).await;
        if round == 1 {
            std::fs::remove_file(spool(&world)).expect("the spool remembers whom it refused");
        }
        world.start_bridge();
        written(&world, &missed, std::slice::from_ref(&missed)).await;
        assert_eq!(rows(&world, "%too many").await, Vec::<String>::new());
    }
    assert_eq!(told(&zack.read(&room).await), 2);
}

#[tokio::test]
async fn a_crash_does_not_forget_what_was_refused() {
    let mut world = world("[spool]\nmessages = 1\n").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    offline(&world).await;
    // Marks fail: the file alone can tell.
    world
        .fault(serde_json::json!({
            "route": "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji_name}/@me",
            "count": 100, "status": 403
        }))
        .await;
    zack.say(&room, "kept").await;
    zack.say(&room, "refused").await;
    zack.sees(&room, "the words", |seen| told(seen) == 1).await;
    world.kill_bridge();
    world.no_faults().await;
    zack.say(&room, "missed").await;
    online(&world).await;
    world.start_bridge();
    let expected = ["kept".to_owned(), "missed".to_owned()];
    written(&world, "%", &expected).await;
    eventually("only what was promised", || async {
        let rows = rows(&world, "%").await;
        if rows == expected { Ok(()) } else { Err(rows) }
    })
    .await;
}

/// Discord keeps what nobody has heard: it waits there, however little room there is here.
#[tokio::test]
async fn what_is_read_back_is_never_refused() {
    let mut world = world("[spool]\nmessages = 3\n").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world.kill_bridge();
    let missed = texts("missed", 130);
    let mut ids = Vec::new();
    for text in &missed {
        ids.push(zack.say(&room, text).await);
    }
    let mut frozen = world.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE project_chat_messages IN SHARE MODE")
        .execute(&mut *frozen)
        .await
        .expect("a lock");
    world.start_bridge();
    marked(&zack, &room, &ids[2], &[HELD]).await;
    let live = zack.say(&room, "too late").await;
    marked(&zack, &room, &live, &[REFUSED]).await;
    drop(frozen);
    written(&world, "missed %", &missed).await;
    for id in [&ids[0], &ids[2], &ids[3], &ids[129]] {
        marked(&zack, &room, id, &[]).await;
    }
    assert_eq!(rows(&world, "too late").await, Vec::<String>::new());
}
