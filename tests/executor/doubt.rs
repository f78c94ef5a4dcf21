//! Connections that end in the middle of a claim: what was claimed is worked on soon, and once.

use std::time::{Duration, Instant};

use clawdos_bridge::model::delivery::DeliveryStatus;
use clawdos_bridge::model::proposal::Execution;
use clawdos_bridge::store::queue::ClaimFilter;
use serde_json::json;

use crate::actions_crash::somebody_waits_for_a_lock;
use crate::approved::Target;
use crate::proxy::{Cut, Proxy};
use crate::stage::{Running, Stage, eventually};

/// Time after which a lost answer has made somebody wait: a lane is held for minutes.
const SOON: Duration = Duration::from_secs(30);

/// Parts of statements: the claim of a row, the reading of it, the beginnings of a turn and an errand.
const CLAIM: &str = "FROM picked WHERE q.id = picked.id";
const READ: &str = "AS replied_text";
const TURN: &str = "INSERT INTO bridge.executor_turn";
const ERRAND: &str = "SET state = 'running', claimed_at";

/// Lets a late COMMIT pass as soon as somebody asks for the end of it.
async fn settle(stage: &Stage, proxy: &Proxy, cut: Cut) {
    if cut == Cut::LateCommit {
        somebody_waits_for_a_lock(stage).await;
        proxy.pass().await;
    }
}

/// Two messages of one lane are answered, whatever ends there.
async fn both_are_answered(statement: &'static str, cut: Cut) {
    let stage = Stage::new().await;
    let proxy = Proxy::start(&stage).await;
    let agent = stage.script(r#"echo "$2" >> "$1/asked"; echo "re: $2""#);
    let (first, _) = stage.say("main", "first", DeliveryStatus::Queued).await;
    let (second, _) = stage.say("main", "second", DeliveryStatus::Queued).await;
    proxy.cut(statement, cut);
    let began = Instant::now();
    let settings = Stage::settings(&[("main", agent)]);
    let executor = Running::start(settings, proxy.store().await).await;
    settle(&stage, &proxy, cut).await;
    for message in [first, second] {
        let done = DeliveryStatus::Processed;
        stage.wait_for_status(message, "main", done).await;
        assert_eq!(stage.replies(message).await.len(), 1, "{cut:?}");
    }
    assert!(began.elapsed() < SOON, "{cut:?}: {:?}", began.elapsed());
    assert!(proxy.has_cut(), "{cut:?}: nothing was lost");
    assert_eq!(stage.lines("asked"), ["first", "second"], "{cut:?}");
    executor.stop().await;
}

#[tokio::test]
async fn a_connection_that_ends_in_a_claim_leaves_nothing_behind() {
    both_are_answered(CLAIM, Cut::After).await;
    both_are_answered(READ, Cut::Before).await;
    both_are_answered(READ, Cut::BeforeCommit).await;
}

#[tokio::test]
async fn a_claim_that_nobody_told_of_is_worked_on() {
    both_are_answered(READ, Cut::AfterCommit).await;
    both_are_answered(READ, Cut::LateCommit).await;
}

#[tokio::test]
async fn a_turn_whose_beginning_nobody_told_of_is_run_once_and_does_not_fail() {
    both_are_answered(TURN, Cut::After).await;
    both_are_answered(TURN, Cut::BeforeCommit).await;
    both_are_answered(TURN, Cut::AfterCommit).await;
    both_are_answered(TURN, Cut::LateCommit).await;
}

#[tokio::test]
async fn one_row_that_nobody_told_of_is_ours_or_waits() {
    for (cut, ours) in [
        (Cut::Before, false),
        (Cut::BeforeCommit, false),
        (Cut::AfterCommit, true),
        (Cut::LateCommit, true),
    ] {
        let stage = Stage::new().await;
        let proxy = Proxy::start(&stage).await;
        let (message, row) = stage.say("main", "hello", DeliveryStatus::Queued).await;
        let store = proxy.store().await;
        proxy.cut(READ, cut);
        let claiming = store.claim_one(row);
        let (claimed, ()) = tokio::join!(claiming, settle(&stage, &proxy, cut));
        assert!(proxy.has_cut(), "{cut:?}: nothing was lost");
        let others = async || {
            let claimed = stage.store.claim_batch(9, ClaimFilter::all()).await;
            claimed.unwrap().len()
        };
        if ours {
            assert_eq!(claimed.unwrap().unwrap().id, row, "{cut:?}");
            assert_eq!(others().await, 0, "{cut:?}: it was claimed twice");
            let status = stage.delivery(message, "main").await.0;
            assert_eq!(status, DeliveryStatus::Delivered, "{cut:?}");
        } else {
            assert!(claimed.is_err(), "{cut:?}");
            // As soon as the server has noticed that the connection is gone.
            eventually("somebody else claims it", async || match others().await {
                1 => Ok(()),
                count => Err(count.to_string()),
            })
            .await;
        }
    }
}

#[tokio::test]
async fn an_errand_whose_claim_nobody_told_of_is_run_once_and_without_doubt() {
    for cut in [
        Cut::After,
        Cut::BeforeCommit,
        Cut::AfterCommit,
        Cut::LateCommit,
    ] {
        let stage = Stage::new().await;
        let proxy = Proxy::start(&stage).await;
        let target = Target::start().await;
        let parameters = json!({"url": target.url("/once"), "method": "POST"});
        let reference = stage.approve("api_call", parameters).await;
        proxy.cut(ERRAND, cut);
        let settings = stage.action_settings(&[&target.addr.to_string()]);
        let executor = Running::start(settings, proxy.store().await).await;
        settle(&stage, &proxy, cut).await;
        stage.executed(reference).await;
        assert!(proxy.has_cut(), "{cut:?}: nothing was lost");
        assert_eq!(target.seen().len(), 1, "{cut:?}");
        executor.stop().await;
    }
}

#[tokio::test]
async fn a_claim_of_which_the_server_hears_nothing_more_is_given_up() {
    let stage = Stage::new().await;
    let proxy = Proxy::start(&stage).await;
    let (_, row) = stage.say("main", "hello", DeliveryStatus::Queued).await;
    proxy.cut(READ, Cut::LateCommit);
    // The COMMIT never arrives, and neither does the end of the connection.
    assert!(proxy.store().await.claim_one(row).await.is_err());
    assert!(proxy.has_cut(), "nothing was lost");
    assert!(stage.store.claim_one(row).await.unwrap().is_some());
}

#[tokio::test]
async fn an_errand_that_somebody_doubts_before_we_are_told_is_never_begun() {
    let stage = Stage::new().await;
    sqlx::raw_sql(
        "CREATE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             UPDATE bridge.decision SET state = 'unknown', result = 'x' WHERE entity_id = NEW.entity_id;
             RETURN NULL;
         END $$;
         CREATE CONSTRAINT TRIGGER doubt AFTER UPDATE ON bridge.decision DEFERRABLE INITIALLY DEFERRED
         FOR EACH ROW WHEN (NEW.state = 'running') EXECUTE FUNCTION doubt()",
    )
    .execute(stage.store.pool())
    .await
    .unwrap();
    let proxy = Proxy::start(&stage).await;
    let target = Target::start().await;
    let parameters = json!({"url": target.url("/once"), "method": "POST"});
    let reference = stage.approve("api_call", parameters).await;
    proxy.cut(ERRAND, Cut::AfterCommit);
    let settings = stage.action_settings(&[&target.addr.to_string()]);
    let executor = Running::start(settings, proxy.store().await).await;
    stage.wait_for(reference, &Execution::Unknown).await;
    // Something else is done meanwhile, so it had its chance.
    let other = stage.approve("create_task", json!({"title": "x"})).await;
    stage.executed(other).await;
    executor.stop().await;
    assert!(proxy.has_cut(), "nothing was lost");
    assert_eq!(target.seen(), Vec::<String>::new());
    assert_eq!(stage.execution(reference).await, Execution::Unknown);
}
