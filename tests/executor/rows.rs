//! The statements under everything: saying, claiming, completing, and who wins when two try.

use std::time::Duration;

use clawdos_bridge::model::delivery::{DeliveryStatus, STALE_ERROR};
use clawdos_bridge::model::thread::Place;
use clawdos_bridge::model::{ChannelId, DiscordMessageId, MessageId};
use clawdos_bridge::store::Store;
use clawdos_bridge::store::chat::{Destination, NewMessage, PersonView};
use clawdos_bridge::store::queue::ClaimFilter;

use crate::stage::{Stage, key};

const QUEUED: DeliveryStatus = DeliveryStatus::Queued;

async fn count(store: &Store, table: &'static str) -> i64 {
    let query = match table {
        "messages" => "SELECT count(*) FROM project_chat_messages",
        "threads" => "SELECT count(*) FROM project_chat_threads",
        "views" => {
            "SELECT count(*) FROM bridge.view WHERE state = 'sent' AND author_kind = 'person'"
        }
        _ => "SELECT count(*) FROM chat_delivery_queue",
    };
    sqlx::query_scalar(query)
        .fetch_one(store.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn saying_the_same_thing_twice_writes_it_once() {
    let stage = Stage::new().await;
    let message = DiscordMessageId::new(1_300_000_000_000_000_001).unwrap();
    let view = PersonView {
        surface: "team-room",
        channel: ChannelId::new(7).unwrap(),
        message,
    };
    let new = NewMessage {
        id: Some(MessageId::for_discord(message)),
        ..NewMessage::text(Destination::Place(Place::Room), "ui", "nul \0 and all")
    };
    let rows = [
        (key("main"), QUEUED),
        (key("ricky"), DeliveryStatus::Delivered),
    ];
    let first = stage
        .store
        .say(new.clone(), &rows, Some(view))
        .await
        .unwrap();
    let again = stage.store.say(new, &rows, Some(view)).await.unwrap();

    assert!(first.created && !again.created);
    assert_eq!(first.message_id, again.message_id);
    assert_eq!((first.deliveries.len(), again.deliveries.len()), (2, 0));
    for (table, expected) in [("messages", 1), ("threads", 1), ("views", 1), ("queue", 2)] {
        assert_eq!(count(&stage.store, table).await, expected, "{table}");
    }
    let queued = stage
        .store
        .delivery(first.message_id, &key("main"))
        .await
        .unwrap()
        .unwrap();
    let direct = stage
        .store
        .delivery(first.message_id, &key("ricky"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((queued.status, queued.picked_up_at), (QUEUED, None));
    assert_eq!(direct.status, DeliveryStatus::Delivered);
    assert!(direct.picked_up_at.is_some());
}

#[tokio::test]
async fn what_cannot_be_said_whole_is_not_said_at_all() {
    let stage = Stage::new().await;
    let thread = clawdos_bridge::model::ThreadId(uuid::Uuid::new_v4());
    let lost = NewMessage::text(Destination::Thread(thread), "ui", "hello");
    assert!(
        stage
            .store
            .say(lost, &[(key("main"), QUEUED)], None)
            .await
            .is_err()
    );
    let elsewhere = NewMessage::text(Destination::Place(Place::Elsewhere), "ui", "hello");
    assert!(stage.store.say(elsewhere, &[], None).await.is_err());
    assert_eq!(count(&stage.store, "messages").await, 0);
    assert_eq!(count(&stage.store, "queue").await, 0);
}

#[tokio::test]
async fn however_many_start_a_thread_there_is_one() {
    let stage = Stage::new().await;
    let place = Place::Dm(key("main"));
    let starts = (0..20).map(|_| stage.store.find_or_create_thread(&place));
    let threads = futures_util::future::join_all(starts).await;
    let first = *threads[0].as_ref().unwrap();
    assert!(
        threads
            .iter()
            .all(|thread| *thread.as_ref().unwrap() == first)
    );
    assert_eq!(count(&stage.store, "threads").await, 1);
    // ClawdOS may have left several; the oldest is the one.
    sqlx::query(
        "INSERT INTO project_chat_threads (project_id, title, created_at)
         VALUES ('front-office', 'DM:agent:main:main', now() + interval '1 hour')",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
    assert_eq!(
        stage.store.find_or_create_thread(&place).await.unwrap(),
        first
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_two_race_for_has_one_winner() {
    let stage = Stage::new().await;
    let mut wins = 0;
    for _ in 0..200 {
        let (_, row) = stage.say("main", "hello", QUEUED).await;
        let shorts = ["main".to_owned()];
        let filter = || ClaimFilter {
            agents: Some(&shorts),
            busy: &[],
        };
        let (one, two, batch) = tokio::join!(
            stage.store.claim_one(row),
            stage.store.claim_one(row),
            stage.store.claim_batch(5, filter()),
        );
        let claimed = usize::from(one.unwrap().is_some())
            + usize::from(two.unwrap().is_some())
            + batch.unwrap().len();
        assert_eq!(claimed, 1);
        assert!(stage.store.complete(row, None).await.unwrap());
        wins += claimed;
    }
    assert_eq!(wins, 200);
}

#[tokio::test]
async fn a_batch_takes_the_oldest_of_each_lane_and_nothing_of_a_busy_one() {
    let stage = Stage::new().await;
    let (first, row) = stage.say("main", "1", QUEUED).await;
    let (second, _) = stage.say("main", "2", QUEUED).await;
    let (other, _) = stage.say("ricky", "3", QUEUED).await;
    let shorts = ["main".to_owned(), "ricky".to_owned()];
    let claim = async |busy: &[_]| {
        let filter = ClaimFilter {
            agents: Some(&shorts),
            busy,
        };
        let claimed = stage.store.claim_batch(10, filter).await.unwrap();
        claimed
            .into_iter()
            .map(|it| it.message_id)
            .collect::<Vec<_>>()
    };
    let thread = stage.store.thread_of(first).await.unwrap().unwrap();
    assert_eq!(claim(&[(thread, key("main"))]).await, [other]);
    assert_eq!(claim(&[]).await, [first]);
    assert!(claim(&[]).await.is_empty());
    stage.store.complete(row, None).await.unwrap();
    assert_eq!(claim(&[]).await, [second]);
}

#[tokio::test]
async fn a_claim_carries_the_text_as_it_is_now() {
    let stage = Stage::new().await;
    let (message, row) = stage.say("main", "before", QUEUED).await;
    sqlx::query("UPDATE project_chat_messages SET message = 'after' WHERE id = $1")
        .bind(message.0)
        .execute(stage.store.pool())
        .await
        .unwrap();
    let claimed = stage.store.claim_one(row).await.unwrap().unwrap();
    assert_eq!(
        (claimed.text.as_str(), claimed.agent),
        ("after", key("main"))
    );
}

#[tokio::test]
async fn a_row_for_nobody_fails_in_words_and_odd_spellings_are_understood() {
    let stage = Stage::new().await;
    let insert = async |target: &str| {
        let message = stage.message("main", "hello").await;
        sqlx::query("INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key) VALUES ('front-office', $1, $2)")
            .bind(message.0)
            .bind(target)
            .execute(stage.store.pool())
            .await
            .unwrap();
        let shorts = ["main".to_owned()];
        let filter = ClaimFilter {
            agents: Some(&shorts),
            busy: &[],
        };
        stage.store.claim_batch(5, filter).await.unwrap()
    };
    assert!(insert("agent:main:ma in").await.is_empty());
    let error: String = sqlx::query_scalar(
        "SELECT result ->> 'error' FROM chat_delivery_queue WHERE status = 'failed'",
    )
    .fetch_one(stage.store.pool())
    .await
    .unwrap();
    assert!(error.contains("is not an agent key"), "{error}");
    let claimed = insert("agent:agent:main:main").await;
    assert_eq!(claimed[0].agent, key("main"));
}

#[tokio::test]
async fn every_step_happens_only_from_the_state_before_it() {
    let stage = Stage::new().await;
    let store = &stage.store;
    let (message, row) = stage.say("main", "hello", QUEUED).await;
    assert!(!store.complete(row, None).await.unwrap(), "nobody has it");
    let long_ago = chrono::DateTime::UNIX_EPOCH;
    assert!(!store.fail(row, long_ago, "x").await.unwrap());
    assert!(!store.requeue(row, long_ago).await.unwrap());
    assert!(!store.retry(row).await.unwrap());
    let first = store.claim_one(row).await.unwrap().unwrap().picked_up_at;
    assert!(store.requeue(row, first).await.unwrap());
    let second = store.claim_one(row).await.unwrap().unwrap().picked_up_at;
    assert!(
        !store.fail(row, first, "x").await.unwrap() && !store.requeue(row, first).await.unwrap(),
        "somebody else has it now"
    );
    assert!(store.fail(row, second, "the reason").await.unwrap());
    assert_eq!(
        stage.delivery(message, "main").await.1.as_deref(),
        Some("the reason")
    );
    assert!(store.retry(row).await.unwrap());
    let fresh = store
        .delivery(message, &key("main"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (fresh.status, fresh.picked_up_at, fresh.error),
        (QUEUED, None, None)
    );
    assert!(store.claim_one(row).await.unwrap().is_some());
    assert!(store.complete(row, Some(message)).await.unwrap());
    assert!(!store.complete(row, None).await.unwrap());
    assert!(!store.fail(row, second, "x").await.unwrap());
    assert!(!store.retry(row).await.unwrap());
}

/// Who claimed a row with its birth and did not hear of it puts it back; whoever claimed it later
/// keeps it.
#[tokio::test]
async fn only_what_was_born_claimed_is_put_back_by_who_never_handed_it_over() {
    let stage = Stage::new().await;
    let (born, _) = stage.say("main", "hello", DeliveryStatus::Delivered).await;
    let (taken, row) = stage.say("main", "hello", QUEUED).await;
    assert!(stage.store.claim_one(row).await.unwrap().is_some());
    for message in [born, taken] {
        stage.store.release_newborn(message).await.unwrap();
    }
    assert_eq!(stage.delivery(born, "main").await.0, QUEUED);
    assert_eq!(
        stage.delivery(taken, "main").await.0,
        DeliveryStatus::Delivered
    );
}

#[tokio::test]
async fn what_went_stale_unseen_is_rearmed_once_and_in_order() {
    let stage = Stage::new().await;
    let store = &stage.store;
    let (first, _) = stage.say("main", "1", QUEUED).await;
    let (second, row) = stage.say("main", "2", QUEUED).await;
    let (seen, in_work) = stage.say("ricky", "3", DeliveryStatus::Delivered).await;
    assert!(
        store
            .fail_stale(Duration::from_mins(2))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store.fail_stale(Duration::ZERO).await.unwrap(),
        [in_work],
        "while somebody works, the others wait for their turn"
    );
    assert_eq!(store.fail_stale(Duration::ZERO).await.unwrap().len(), 2);
    assert_eq!(
        stage.delivery(first, "main").await.1.as_deref(),
        Some(STALE_ERROR)
    );

    assert_eq!(store.rearm_stale().await.unwrap(), 2);
    assert_eq!(store.rearm_stale().await.unwrap(), 0);
    assert_eq!(
        stage.delivery(seen, "ricky").await.0,
        DeliveryStatus::Failed,
        "it may have run"
    );
    let since = async |message| {
        let row = store.delivery(message, &key("main")).await.unwrap();
        row.unwrap().created_at
    };
    let (oldest, next) = (since(first).await, since(second).await);
    assert!(oldest < next);
    let depth = store.queue_depth().await.unwrap();
    assert_eq!(
        (depth.queued, depth.delivered, depth.oldest_queued),
        (2, 0, Some(oldest))
    );

    // The microseconds of the order lie in the future; wait for them by trying.
    crate::stage::eventually("both are stale again", async || {
        let failed = store.fail_stale(Duration::ZERO).await.unwrap();
        let depth = store.queue_depth().await.unwrap();
        (depth.queued == 0)
            .then_some(())
            .ok_or(format!("{failed:?}"))
    })
    .await;
    assert_eq!(store.rearm_stale().await.unwrap(), 0, "once");
    assert!(store.retry(row).await.unwrap());
    store.fail_stale(Duration::ZERO).await.unwrap();
    assert_eq!(
        store.rearm_stale().await.unwrap(),
        1,
        "retry is a new promise"
    );
}

#[tokio::test]
async fn another_project_sees_and_takes_nothing() {
    let stage = Stage::new().await;
    let (message, row) = stage.say("main", "hello", QUEUED).await;
    let other = Store::new(stage.store.pool().clone(), "elsewhere".parse().unwrap());
    let shorts = ["main".to_owned()];
    let filter = ClaimFilter {
        agents: Some(&shorts),
        busy: &[],
    };
    assert!(other.claim_batch(5, filter).await.unwrap().is_empty());
    assert!(other.claim_one(row).await.unwrap().is_none());
    assert!(other.thread_of(message).await.unwrap().is_none());
    assert!(other.agents().await.unwrap().is_empty());
    assert!(other.fail_stale(Duration::ZERO).await.unwrap().is_empty());
    assert_eq!(other.queue_depth().await.unwrap().queued, 0);
}
