//! Tasks that are made in Discord and reach an executor through its shell.

use super::stage;
use crate::harness::client::Client;
use crate::harness::wait::eventually;

#[tokio::test]
async fn what_a_shell_would_expand_in_a_task_arrives_as_look_alikes() {
    let (world, existing) = stage("").await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let options = [
        ("name", "Pay $(echo pwned)"),
        ("text", "Really `echo pwned`, $HOME"),
        ("agent", "ricky"),
    ];
    let told = zack.sub(&at, ("task", "new"), &options).await;
    assert!(told.says("Created"), "{told:?}");
    let row: (String, String) = sqlx::query_as("SELECT title, description FROM tasks")
        .fetch_one(world.pool())
        .await
        .unwrap();
    assert_eq!(row.0, "Pay ＄(echo pwned)");
    assert_eq!(row.1, "Really ˋecho pwnedˋ, ＄HOME");
    let options = [("task", row.0.as_str()), ("status", "in_progress")];
    let told = zack.sub(&at, ("task", "status"), &options).await;
    assert!(told.says("In progress"), "{told:?}");
    let turn = eventually("the agent is told", || async {
        let turns = existing.turns();
        let first = turns.first().map(|turn| turn.text.clone());
        first.ok_or(turns.len())
    })
    .await;
    assert!(turn.contains("＄(echo pwned)"), "{turn}");
    assert!(turn.contains("ˋecho pwnedˋ, ＄HOME"), "{turn}");
}
