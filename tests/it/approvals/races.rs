//! Many operators, one verdict.

use std::collections::HashMap;
use std::sync::Arc;

use clawdos_bridge::model::UserId;
use clawdos_bridge::model::proposal::{ProposalRef, ProposalSource, Verdict};
use clawdos_bridge::store::Store;
use clawdos_bridge::store::decide::{Decided, Decider, NewVerdict};
use serde_json::json;
use tokio::sync::Barrier;
use uuid::Uuid;

use super::stage::{Stage, task};
use crate::harness::client::Client;
use crate::harness::postgres::create_database;
use crate::harness::world::{PROJECT, add_agents};

/// How many proposals are raced for.
const RACES: usize = 1_000;

/// Races at the same time.
const AT_ONCE: usize = 20;

fn operator(number: u64) -> Decider {
    Decider {
        user: UserId::new(number).expect("an id"),
        name: format!("operator {number}"),
    }
}

/// Both decide the same proposal at the same time. Gives back whose verdict counts.
async fn race(store: &Store, id: Uuid) -> u64 {
    let reference = ProposalRef {
        source: ProposalSource::Message,
        id,
    };
    let stored = store.proposal(reference).await.unwrap().unwrap();
    let seen = stored.proposal.hash();
    let start = Arc::new(Barrier::new(2));
    let racers = [(1, Verdict::Approve), (2, Verdict::Reject)].map(|(number, verdict)| {
        let (store, start) = (store.clone(), Arc::clone(&start));
        tokio::spawn(async move {
            let by = operator(number);
            start.wait().await;
            let verdict = NewVerdict {
                verdict,
                seen,
                by: &by,
                reason: None,
                feedback: None,
                wakes: None,
            };
            (number, store.decide(reference, verdict).await.unwrap())
        })
    });
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for racer in racers {
        match racer.await.unwrap() {
            (number, Decided::Done(..)) => won.push(number),
            (_, Decided::Already(stored)) => lost.push(stored),
            (number, other) => panic!("operator {number}: {other:?}"),
        }
    }
    let ([winner], [told]) = (won.as_slice(), lost.as_slice()) else {
        panic!("{won:?} have won, {lost:?} have lost");
    };
    let name = format!("operator {winner}");
    assert!(
        format!("{:?}", told.proposal.state).contains(&name),
        "{told:?}"
    );
    *winner
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_verdicts_at_once_one_counts_a_thousand_times() {
    let database = create_database().await;
    let pool = database.pool().await;
    add_agents(&pool).await;
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "INSERT INTO project_chat_messages (project_id, author, message, message_type, metadata) \
         SELECT $1, 'agent:ricky:main', 'race', 'task_proposal', $2 \
         FROM generate_series(1, $3) RETURNING id",
    )
    .bind(PROJECT)
    .bind(task("Race"))
    .bind(i64::try_from(RACES).unwrap())
    .fetch_all(&pool)
    .await
    .unwrap();
    let racing = sqlx::postgres::PgPoolOptions::new()
        .max_connections(u32::try_from(2 * AT_ONCE).unwrap())
        .connect(database.url())
        .await
        .unwrap();
    let store = Store::new(racing, PROJECT.parse().unwrap());
    let mut winners: HashMap<Uuid, u64> = HashMap::new();
    for some in ids.chunks(AT_ONCE) {
        let races = some.iter().map(|id| {
            let (store, id) = (store.clone(), *id);
            tokio::spawn(async move { (id, race(&store, id).await) })
        });
        for race in races.collect::<Vec<_>>() {
            let (id, winner) = race.await.unwrap();
            winners.insert(id, winner);
        }
    }
    let rows: Vec<(Uuid, i64, String)> =
        sqlx::query_as("SELECT entity_id, decided_by, verdict FROM bridge.decision")
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(rows.len(), RACES);
    for (id, by, verdict) in rows {
        let winner = winners[&id];
        assert_eq!(by, i64::try_from(winner).unwrap());
        assert_eq!(verdict, if winner == 1 { "approved" } else { "rejected" });
    }
    let told: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM project_chat_messages m JOIN bridge.decision d ON d.entity_id = m.id \
         WHERE m.metadata->>'status' = d.verdict AND m.status = d.verdict",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(told, i64::try_from(RACES).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_thumbs_at_once_one_counts_and_the_other_is_told_whose() {
    let stage = Stage::with_two_operators().await;
    let mallory = Client::open(&stage.world, "mallory").await;
    let mut contested = 0;
    for number in 0..24 {
        let title = format!("Race {number:02} of many");
        let id = stage.propose(&task(&title)).await;
        let card = stage.open_card(&title).await;
        let (approve, reject) = (card.button("Approve"), card.button("Reject"));
        let (zacks, mallorys) = tokio::join!(
            stage.zack.try_press(&card, &approve.custom_id),
            mallory.try_press(&card, &reject.custom_id),
        );
        let mut told = HashMap::new();
        for (name, client, (act, (status, answer))) in [
            ("zack", &stage.zack, zacks),
            ("mallory", &mallory, mallorys),
        ] {
            // Discord itself refuses a press when the button is gone by then.
            if status.is_success() {
                told.insert(name, client.told(&act).await.text());
            } else {
                assert_eq!(answer["code"], 50035, "{answer}");
            }
        }
        let (verdict, by): (String, String) = sqlx::query_as(
            "SELECT verdict, decided_by_name FROM bridge.decision WHERE entity_id = $1",
        )
        .bind(id)
        .fetch_one(stage.world.pool())
        .await
        .unwrap();
        let loser = match by.as_str() {
            "zack" => {
                assert_eq!(verdict, "approved");
                "mallory"
            }
            "mallory" => {
                assert_eq!(verdict, "rejected");
                "zack"
            }
            other => panic!("decided by {other}"),
        };
        if let Some(text) = told.get(loser) {
            contested += 1;
            assert!(text.contains(&by), "{loser} was told: {text}");
        }
        let end = if by == "zack" { "executed" } else { "rejected" };
        stage
            .ends(&[stage.approvals(), stage.room()], &title, end)
            .await;
    }
    assert!(contested >= 12, "only {contested} of 24 races were races");
    let world = &stage.world;
    world
        .database_says("SELECT count(*) FROM bridge.decision", 24_i64)
        .await;
    world
        .database_says(
            "SELECT (SELECT count(*) FROM tasks) = (SELECT count(*) FROM bridge.decision \
                 WHERE verdict = 'approved')",
            true,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pressing_in_a_frenzy_decides_once() {
    let stage = Stage::with_two_operators().await;
    let mut proposal = task("Buy milk");
    proposal["risk_level"] = json!("med");
    let id = stage.propose(&proposal).await;
    let card = stage.open_card("Buy milk").await;
    let approve = &card.button("Approve").custom_id;
    let presses = (0..20).map(|_| stage.zack.try_press(&card, approve));
    let presses = futures_util::future::join_all(presses).await;
    for (act, (status, _)) in &presses {
        if status.is_success() {
            stage.zack.acknowledged(act).await;
        }
    }
    stage.decided(id, "approved", "executed").await;
    stage.has_tasks(1).await;
}
