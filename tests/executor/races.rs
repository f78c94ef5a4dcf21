//! Who claims a row, has its turn; nobody else does, however many try at once.

use std::collections::HashMap;
use std::sync::Mutex;

use clawdos_bridge::control::DeliverOutcome;
use clawdos_bridge::model::DeliveryId;
use clawdos_bridge::store::Store;
use clawdos_bridge::store::queue::ClaimFilter;
use uuid::Uuid;

use crate::stage::{Running, Stage, connect, eventually};

/// So many rows are raced for.
const ROWS: usize = 1_000;

/// That many messages, spread over 50 threads and two agents; their queue rows.
async fn fill(stage: &Stage) -> Vec<DeliveryId> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "WITH made AS (
             INSERT INTO project_chat_threads (project_id, title)
             SELECT 'front-office', 'thread ' || n FROM generate_series(1, 50) AS n
             RETURNING id
         ), threads AS (
             SELECT id, row_number() OVER () AS n FROM made
         ), messages AS (
             INSERT INTO project_chat_messages (project_id, thread_id, author, message)
             SELECT 'front-office', threads.id, 'ui', 'question ' || m
             FROM generate_series(1, $1) AS m JOIN threads ON threads.n = m % 50 + 1
             RETURNING id
         )
         INSERT INTO chat_delivery_queue (project_id, message_id, target_agent_key)
         SELECT 'front-office', id,
                (ARRAY['agent:main:main', 'agent:ricky:main'])[1 + row_number() OVER () % 2]
         FROM messages RETURNING id",
    )
    .bind(i32::try_from(ROWS).unwrap())
    .fetch_all(stage.store.pool())
    .await
    .unwrap();
    assert_eq!(ids.len(), ROWS);
    ids.into_iter().map(DeliveryId).collect()
}

async fn open(store: &Store) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM chat_delivery_queue WHERE status IN ('queued', 'delivered')",
    )
    .fetch_one(store.pool())
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rows_and_three_claimers_and_each_row_is_claimed_once() {
    let stage = Stage::new().await;
    let ids = fill(&stage).await;
    let claims = Mutex::new(HashMap::<DeliveryId, usize>::new());
    let note = |id| *claims.lock().unwrap().entry(id).or_default() += 1;
    let batches = async || {
        let store = connect(stage.database_url()).await;
        let agents = ["main".to_owned(), "ricky".to_owned()];
        while open(&store).await > 0 {
            let filter = ClaimFilter {
                agents: Some(&agents),
                busy: &[],
            };
            for claimed in store.claim_batch(5, filter).await.unwrap() {
                note(claimed.id);
                assert!(store.complete(claimed.id, None).await.unwrap());
            }
        }
    };
    let one_by_one = async || {
        let store = connect(stage.database_url()).await;
        // From the other end, so that they meet.
        for id in ids.iter().rev() {
            if let Some(claimed) = store.claim_one(*id).await.unwrap() {
                note(claimed.id);
                assert!(store.complete(claimed.id, None).await.unwrap());
            }
        }
    };
    tokio::join!(batches(), batches(), one_by_one());
    let claims = claims.into_inner().unwrap();
    assert_eq!(claims.len(), ROWS);
    assert!(claims.values().all(|times| *times == 1), "{claims:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_rows_two_executors_and_the_direct_path_and_each_has_one_turn() {
    let stage = Stage::new().await;
    let ids = fill(&stage).await;
    let agent = stage.script(r#"echo "$2" >> "$1/asked"; echo ok"#);
    let mut settings = Stage::settings(&[("main", agent.clone()), ("ricky", agent)]);
    (settings.parallel, settings.batch) = (8, 20);
    let store = async || connect(stage.database_url()).await;
    let first = Running::start(settings.clone(), store().await).await;
    let second = Running::start(settings, store().await).await;
    let direct = async || {
        let (store, client) = (store().await, second.client(None));
        let mut mine = 0;
        for id in ids.iter().rev() {
            if let Some(it) = store.claim_one(*id).await.unwrap() {
                let done = client.deliver(it.message_id, &it.agent, &it.text).await;
                assert_eq!(done, DeliverOutcome::Done);
                assert!(store.complete(it.id, None).await.unwrap());
                mine += 1;
            }
        }
        mine
    };
    let mine = direct().await;
    eventually("all rows are settled", async || {
        let left = open(&stage.store).await;
        (left == 0).then_some(()).ok_or(left.to_string())
    })
    .await;
    first.stop().await;
    second.stop().await;
    let count = |query: &'static str| {
        let pool = stage.store.pool().clone();
        async move {
            let count: i64 = sqlx::query_scalar(query).fetch_one(&pool).await.unwrap();
            usize::try_from(count).unwrap()
        }
    };
    assert!((1..ROWS).contains(&mine), "both ways had work: {mine}");
    let mut asked = stage.lines("asked");
    assert_eq!(asked.len(), ROWS);
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(asked.len(), ROWS, "nobody was asked twice");
    assert_eq!(
        count("SELECT count(*) FROM bridge.executor_turn WHERE state = 'done'").await,
        ROWS
    );
    assert_eq!(
        count("SELECT count(*) FROM chat_delivery_queue WHERE status = 'processed'").await,
        ROWS
    );
    assert_eq!(
        count("SELECT count(*) FROM project_chat_messages WHERE message = 'ok'").await,
        ROWS
    );
}
