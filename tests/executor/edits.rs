//! Edits and deletions against the queue: whoever has a message keeps what it saw, and nobody gets what
//! is gone.

use chrono::{DateTime, Utc};
use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::model::thread::Place;
use clawdos_bridge::model::{DiscordMessageId, MessageId};
use clawdos_bridge::store::Store;
use clawdos_bridge::store::chat::{Destination, NewMessage};
use clawdos_bridge::store::edit::{Changed, NewText};
use clawdos_bridge::store::queue::ClaimFilter;
use serde_json::{Value, json};

use crate::stage::{Stage, key};

fn message(n: u64) -> DiscordMessageId {
    DiscordMessageId::new(1_300_000_000_000_000_000 + n).expect("an id")
}

async fn say(store: &Store, n: u64) {
    let new = NewMessage {
        id: Some(MessageId::for_discord(message(n))),
        ..NewMessage::text(Destination::Place(Place::Dm(key("main"))), "ui", "hello")
    };
    let to = [(key("main"), DeliveryStatus::Queued)];
    store.say(new, &to, None).await.expect("a row");
}

async fn row(store: &Store, n: u64) -> Option<(String, Value)> {
    sqlx::query_as(
        "SELECT message, coalesce(metadata, 'null') FROM project_chat_messages WHERE id = $1",
    )
    .bind(MessageId::for_discord(message(n)).0)
    .fetch_optional(store.pool())
    .await
    .expect("the database answers")
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

async fn edit(store: &Store, n: u64, text: &str, seconds: i64) -> Changed {
    let new = NewText {
        text,
        files: None,
        edited_at: at(seconds),
    };
    store
        .edit_message(message(n), new)
        .await
        .expect("an answer")
}

#[tokio::test]
async fn of_a_deletion_and_a_claim_one_wins_and_the_other_sees_it() {
    let stage = Stage::new().await;
    let agents = ["main".to_owned()];
    let filter = || ClaimFilter {
        agents: Some(&agents),
        busy: &[],
    };
    let (mut taken, mut gone) = (0, 0);
    for n in 0..300 {
        say(&stage.store, n).await;
        let late = |who| std::time::Duration::from_millis(u64::from(n % 3 == who));
        let claiming = async {
            tokio::time::sleep(late(1)).await;
            stage.store.claim_batch(1, filter()).await
        };
        let deleting = async {
            tokio::time::sleep(late(2)).await;
            stage.store.delete_message(message(n), Utc::now()).await
        };
        let (claimed, deleted) = tokio::join!(claiming, deleting);
        let (claimed, deleted) = (claimed.expect("an answer"), deleted.expect("an answer"));
        let row = row(&stage.store, n).await;
        match (claimed.first(), deleted) {
            (None, Changed::Before) => {
                assert_eq!(row, None);
                gone += 1;
            }
            (Some(claimed), Changed::After) => {
                let (text, metadata) = row.expect("what the agent saw");
                assert_eq!(text, "hello");
                assert!(metadata["deleted_at"].is_string(), "{metadata}");
                assert!(
                    stage
                        .store
                        .complete(claimed.id, None)
                        .await
                        .expect("an answer")
                );
                taken += 1;
            }
            other => panic!("{n}: {other:?}, {row:?}"),
        }
    }
    println!("{taken} were taken and {gone} were gone before");
    assert!(taken > 0 && gone > 0, "nothing was raced for");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM chat_delivery_queue")
        .fetch_one(stage.store.pool())
        .await
        .expect("the database answers");
    assert_eq!(left, taken);
}

#[tokio::test]
async fn the_newest_edit_counts_and_is_told_whether_somebody_has_it() {
    let stage = Stage::new().await;
    let store = &stage.store;
    assert_eq!(edit(store, 1, "nobody said it", 5).await, Changed::Unknown);
    assert_eq!(
        store
            .delete_message(message(1), at(5))
            .await
            .expect("an answer"),
        Changed::Unknown
    );
    say(store, 1).await;
    assert_eq!(edit(store, 1, "second \0", 20).await, Changed::Before);
    assert_eq!(edit(store, 1, "first", 10).await, Changed::Already);
    assert_eq!(edit(store, 1, "second again", 20).await, Changed::Already);
    let (text, metadata) = row(store, 1).await.expect("a row");
    assert_eq!(text, "second \u{fffd}");
    assert_eq!(metadata, json!({ "discord_edited_ms": 20_000 }));

    sqlx::query("UPDATE chat_delivery_queue SET status = 'failed', picked_up_at = now()")
        .execute(store.pool())
        .await
        .expect("it was tried");
    assert_eq!(edit(store, 1, "third", 30).await, Changed::After);
    let (_, metadata) = row(store, 1).await.expect("a row");
    assert!(metadata["edited_at"].is_string(), "{metadata}");
}

#[tokio::test]
async fn whatever_stands_in_the_metadata_an_edit_works() {
    let stage = Stage::new().await;
    let store = &stage.store;
    for (n, hostile) in (1..).zip([
        json!(null),
        json!("text"),
        json!([1]),
        json!({ "discord_edited_ms": "1e400", "attachments": 7, "kept": true }),
        json!({ "discord_edited_ms": { "a": 1 } }),
    ]) {
        say(store, n).await;
        sqlx::query("UPDATE project_chat_messages SET metadata = $2 WHERE id = $1")
            .bind(MessageId::for_discord(message(n)).0)
            .bind(&hostile)
            .execute(store.pool())
            .await
            .expect("anybody may write that");
        assert_eq!(
            edit(store, n, "new", 10).await,
            Changed::Before,
            "{hostile}"
        );
        let (text, metadata) = row(store, n).await.expect("a row");
        assert_eq!(
            (text.as_str(), &metadata["discord_edited_ms"]),
            ("new", &json!(10_000))
        );
        assert_eq!(metadata["kept"], hostile["kept"]);
        assert_eq!(metadata["attachments"], json!(null));
    }
}
