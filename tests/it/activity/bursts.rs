//! Many rows are few posts.

use super::{RICKY, TRUNKS, goes_on, posts};
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

/// So many rows at once.
const MANY: i64 = 1_000;

#[tokio::test]
async fn a_burst_of_the_same_kind_is_one_post_that_grows() {
    let world = World::start().await;
    let zack = world.person("zack");
    goes_on(&world, "task_moved", RICKY, "the first move").await;
    let first = posts(&world, &zack, "the first move", 1).await;
    goes_on(&world, "task_moved", RICKY, "the second move").await;
    goes_on(&world, "task_moved", RICKY, "the third move").await;
    let grown = posts(&world, &zack, "**3 × task moved**", 1).await;
    assert_eq!(grown[0].id, first[0].id, "the same message");
    for text in ["the first move", "the second move", "the third move"] {
        assert!(grown[0].text.contains(text), "{grown:#?}");
    }
    // Somebody else's doing ends it, and so does another kind.
    goes_on(&world, "task_moved", TRUNKS, "another's move").await;
    posts(&world, &zack, "another's move", 1).await;
    goes_on(&world, "task_moved", RICKY, "the fourth move").await;
    let last = posts(&world, &zack, "the fourth move", 1).await;
    assert_ne!(last[0].id, first[0].id);
    assert_eq!(zack.read(&world.channel("activity")).await.len(), 3);
}

#[tokio::test]
async fn a_thousand_rows_at_once_are_no_thousand_requests() {
    let world = World::start().await;
    let zack = world.person("zack");
    let before = made(&world).await;
    sqlx::query(
        "INSERT INTO activities (project_id, type, message, actor_agent_key) \
         SELECT $1, 'kind_' || n % 7, 'number ' || n, 'agent:ricky:main' \
         FROM generate_series(1, $2::int8) AS n",
    )
    .bind(PROJECT)
    .bind(MANY)
    .execute(world.pool())
    .await
    .unwrap();
    let shown = "SELECT count(*) FROM bridge.activity m JOIN bridge.view v \
                 ON v.entity_id = lpad(to_hex(m.post_id), 32, '0')::uuid::text \
                 AND v.kind = 'activity_post' AND v.state = 'sent'";
    world
        .database_says_within(shown, MANY, std::time::Duration::from_mins(2))
        .await;
    let requests = made(&world).await - before;
    println!("{MANY} rows of seven kinds took {requests} requests");
    assert!(requests < 80, "{requests}");

    // The same kind is one post, whatever there is of it.
    sqlx::query(
        "INSERT INTO activities (project_id, type, message, actor_agent_key) \
         SELECT $1, 'same', 'again', 'agent:main:main' FROM generate_series(1, $2::int8)",
    )
    .bind(PROJECT)
    .bind(MANY)
    .execute(world.pool())
    .await
    .unwrap();
    eventually("what is left out is counted", || async {
        let seen = zack.read(&world.channel("activity")).await;
        let counts = |text: &str| text.contains("× same") || text.contains(" rows**");
        match seen.last() {
            Some(last) if counts(&last.text) && last.text.contains("before these") => Ok(()),
            other => Err(format!("{other:#?}")),
        }
    })
    .await;
}

/// Requests that make or change messages.
async fn made(world: &World) -> usize {
    let writes = |it: &&serde_json::Value| {
        let text = it.to_string();
        text.contains("/messages") && (text.contains("\"POST\"") || text.contains("\"PATCH\""))
    };
    world.requests().await.iter().filter(writes).count()
}
