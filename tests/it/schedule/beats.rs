//! Heartbeats: made with an interval, and harmless.

use super::{counted, shown};
use crate::harness::client::Client;
use crate::harness::world::World;

#[tokio::test]
async fn a_heartbeat_reports_what_it_finds_and_proposes_what_it_wants() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let text = "Please find two overdue tasks, propose create_task Chase the overdue tasks";
    let options = [
        ("agent", "ricky"),
        ("interval", "5m"),
        ("instructions", text),
    ];
    let told = zack.sub(&at, ("heartbeat", "new"), &options).await;
    assert!(
        told.says("heartbeat of Ricky, every 5 minutes: a non-destructive periodic check"),
        "{told:?}"
    );
    let card = shown(&zack, &at, "heartbeat-ricky", "every 5 minutes").await;
    assert!(card.says("non-destructive periodic check"), "{card:?}");
    let list = zack.sub(&at, ("schedule", "list"), &[]).await;
    assert!(list.says("**Heartbeats** (1)"), "{list:?}");

    zack.press(&card, "Run now").await;
    counted(
        &world,
        "SELECT count(*) FROM activities WHERE type = 'heartbeat_finding' AND actor_agent_key = 'agent:ricky:main'
             AND message LIKE '%two overdue tasks%'",
        1,
    )
    .await;
    let person = world.person("zack");
    let proposal = person
        .sees_card(
            &world.channel("approvals"),
            "Chase the overdue tasks",
            "the wish to act",
            |card| card.live().contains(&"Approve"),
        )
        .await;
    assert!(proposal.says("Ricky"), "{proposal:?}");
    counted(&world, "SELECT count(*) FROM tasks", 0).await;
}

#[tokio::test]
async fn heartbeats_are_there_only_when_their_flag_is_on() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let at = world.channel("status");
    let switch = serde_json::json!([
        { "type": 3, "name": "flag", "value": "heartbeat_ui" },
        { "type": 5, "name": "on", "value": false },
    ]);
    zack.told(&zack.slash_with(&at, "labs", switch).await).await;
    let options = [
        ("agent", "ricky"),
        ("interval", "5m"),
        ("instructions", "Look."),
    ];
    crate::harness::wait::eventually("heartbeats are off", || async {
        let told = zack.sub(&at, ("heartbeat", "new"), &options).await;
        if told.says("Heartbeats are switched off") {
            Ok(())
        } else {
            Err(told.content)
        }
    })
    .await;
}
