//! A turn that runs although its delivery was given up, and the order after an outage.

use std::time::Duration;

use clawdos_bridge::model::DeliveryId;
use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::store::queue::ClaimFilter;

use crate::stage::{Running, Stage, eventually, key};

const QUEUED: DeliveryStatus = DeliveryStatus::Queued;

async fn claimed(stage: &Stage) -> Vec<DeliveryId> {
    let claimed = stage
        .store
        .claim_batch(9, ClaimFilter::all())
        .await
        .unwrap();
    claimed.into_iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn what_stands_behind_a_turn_that_was_given_up_waits_for_its_end() {
    let stage = Stage::new().await;
    let executor = stage.executor(stage.gated()).await;
    let (hung, row) = stage.say("main", "hung", QUEUED).await;
    executor.kick.kick();
    eventually("the turn", async || {
        let asked = stage.lines("asked");
        (asked.len() == 1).then_some(()).ok_or(format!("{asked:?}"))
    })
    .await;
    assert_eq!(stage.store.fail_stale(Duration::ZERO).await.unwrap(), [row]);
    assert!(stage.store.is_running(row).await.unwrap());

    let (behind, waits) = stage.say("main", "behind", DeliveryStatus::Delivered).await;
    assert_eq!(
        stage.delivery(behind, "main").await.0,
        QUEUED,
        "born behind it"
    );
    executor.kick.kick();
    assert_eq!(claimed(&stage).await, [], "its thread is taken");
    assert_eq!(
        stage.store.fail_stale(Duration::ZERO).await.unwrap(),
        [],
        "it waits"
    );

    stage.open_the_gate();
    executor.kick.kick();
    for (message, row) in [(hung, row), (behind, waits)] {
        eventually("an answer", async || {
            executor.kick.kick();
            let status = stage.delivery(message, "main").await.0;
            let done = status == DeliveryStatus::Processed;
            done.then_some(()).ok_or(format!("{row}: {status}"))
        })
        .await;
    }
    assert_eq!(stage.lines("asked"), ["hung", "behind"]);
    executor.stop().await;
}

#[tokio::test]
async fn what_was_given_up_before_its_turn_began_is_not_begun() {
    let stage = Stage::new().await;
    let (message, row) = stage.say("main", "too late", QUEUED).await;
    let claimed = stage.store.claim_one(row).await.unwrap().unwrap();
    assert_eq!(stage.store.fail_stale(Duration::ZERO).await.unwrap(), [row]);
    let executor = stage
        .executor(stage.script(r#"echo "$2" >> "$1/asked"; echo yes"#))
        .await;
    let client = executor.client(None);
    let outcome = client.deliver(message, &key("main"), &claimed.text).await;
    assert!(format!("{outcome:?}").starts_with("NotSent"), "{outcome:?}");
    assert_eq!(stage.lines("asked"), Vec::<String>::new());

    assert!(stage.store.retry(row).await.unwrap());
    executor.kick.kick();
    eventually("an answer", async || {
        let status = stage.delivery(message, "main").await.0;
        (status == DeliveryStatus::Processed)
            .then_some(())
            .ok_or(status.to_string())
    })
    .await;
    assert_eq!(stage.lines("asked"), ["too late"]);
    executor.stop().await;
}

/// An executor that comes back takes what it was promised first, in the order in which it was written.
#[tokio::test]
async fn after_an_outage_the_order_is_that_of_writing() {
    let stage = Stage::new().await;
    for text in ["1", "2"] {
        stage.say("main", text, QUEUED).await;
    }
    assert_eq!(
        stage.store.fail_stale(Duration::ZERO).await.unwrap().len(),
        2
    );
    for text in ["3", "4"] {
        stage.say("main", text, QUEUED).await;
    }
    let executor: Running = stage
        .executor(stage.script(r#"echo "$2" >> "$1/asked"; echo yes"#))
        .await;
    executor.kick.kick();
    eventually("four turns", async || {
        let asked = stage.lines("asked");
        (asked.len() == 4).then_some(()).ok_or(format!("{asked:?}"))
    })
    .await;
    assert_eq!(stage.lines("asked"), ["1", "2", "3", "4"]);
    executor.stop().await;
}
