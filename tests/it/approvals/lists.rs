//! What waits, in one line and in one list.

use chrono::{DateTime, Utc};
use serde_json::json;
use uuid::Uuid;

use super::stage::{Stage, task};
use crate::harness::card::Card;
use crate::harness::client::Client;
use crate::harness::wait::eventually;
use crate::harness::world::PROJECT;

impl Stage {
    /// The only line of `#approvals` that says how much waits, once it says this.
    async fn digest(&self, says: &str) -> String {
        eventually("the digest", || async {
            let cards = self.zack.person.cards(&self.approvals()).await;
            let lines: Vec<String> = cards
                .iter()
                .map(Card::text)
                .filter(|text| {
                    text.contains("waiting, oldest") || text.contains("Nothing is waiting")
                })
                .collect();
            match lines.as_slice() {
                [line] if line.contains(says) => Ok(line.clone()),
                _ => Err(lines),
            }
        })
        .await
    }

    /// Makes a proposal as old as this.
    async fn age(&self, id: Uuid, hours: i32) -> DateTime<Utc> {
        sqlx::query_scalar(
            "UPDATE project_chat_messages SET created_at = now() - $2 * interval '1 hour' \
             WHERE id = $1 RETURNING created_at",
        )
        .bind(id)
        .bind(hours)
        .fetch_one(self.world.pool())
        .await
        .expect("the database takes a date")
    }
}

#[tokio::test]
async fn the_digest_is_true_after_every_change() {
    let stage = Stage::start().await;
    stage.world.fault(json!({ "rate_limits": "off" })).await;
    stage.digest("Nothing is waiting").await;
    let milk = stage.propose(&task("Buy milk")).await;
    stage.digest("1 waiting").await;
    stage.propose(&task("Paint the fence")).await;
    let proposed: Uuid = sqlx::query_scalar(
        "INSERT INTO tasks (project_id, title, status, is_proposed) \
         VALUES ($1, 'Mend the roof', 'inbox', true) RETURNING id",
    )
    .bind(PROJECT)
    .fetch_one(stage.world.pool())
    .await
    .unwrap();
    sqlx::query(
        "WITH task AS (INSERT INTO tasks (project_id, title, status) \
             VALUES ($1, 'Plain work', 'in_progress') RETURNING id) \
         INSERT INTO task_events (project_id, task_id, event_type, author, metadata) \
         SELECT $1, task.id, 'approval_request', 'agent:ricky:main', $2 FROM task",
    )
    .bind(PROJECT)
    .bind(json!({ "action_type": "send_email", "risk_level": "low" }))
    .execute(stage.world.pool())
    .await
    .unwrap();
    stage.digest("4 waiting").await;
    let oldest = stage.age(milk, 2).await.timestamp();
    stage.digest(&format!("<t:{oldest}:R>")).await;

    let card = stage.open_card("Paint the fence").await;
    stage.zack.press(&card, "Reject").await;
    stage.digest("3 waiting").await;
    sqlx::query("UPDATE tasks SET is_proposed = false, status = 'in_progress' WHERE id = $1")
        .bind(proposed)
        .execute(stage.world.pool())
        .await
        .unwrap();
    stage.digest("2 waiting").await;
    sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
        .bind(milk)
        .execute(stage.world.pool())
        .await
        .unwrap();
    stage.digest("1 waiting").await;
    let card = stage.open_card("send").await;
    stage.zack.press(&card, "Approve").await;
    stage.digest("Nothing is waiting").await;
}

#[tokio::test]
async fn the_list_has_everything_open_oldest_first_with_its_card() {
    let stage = Stage::start().await;
    stage.world.fault(json!({ "rate_limits": "off" })).await;
    let titles = [
        "Buy milk",
        "Paint the fence",
        "Mend the roof",
        "Feed the cat",
    ];
    let mut links = Vec::new();
    for (title, hours) in titles.iter().zip([3, 30, 1, 7]) {
        let id = stage.propose(&task(title)).await;
        let age = stage.age(id, hours).await.timestamp();
        let card = stage.open_card(title).await;
        links.push((
            hours,
            *title,
            format!("{}/{}/{}", stage.world.guild(), card.channel, card.id),
            format!("<t:{age}:R>"),
        ));
    }
    let decided = stage.propose(&task("Sell the farm")).await;
    let card = stage.open_card("Sell the farm").await;
    stage.zack.press(&card, "Reject").await;
    stage.decided(decided, "rejected", "rejected").await;

    let act = stage.zack.slash(&stage.room(), "approvals").await;
    let told = stage.zack.told(&act).await;
    let list = told.text();
    links.sort_by_key(|(hours, ..)| -hours);
    let mut at = 0;
    for (_, title, link, age) in links {
        for part in [title, &link, &age] {
            assert!(list.contains(part), "{part} is missing: {list}");
        }
        let here = list.find(title).unwrap();
        assert!(here >= at, "{title} stands too early: {list}");
        at = here;
    }
    assert!(!list.contains("Sell the farm"), "{list}");
}

#[tokio::test]
async fn an_empty_list_says_so() {
    let stage = Stage::start().await;
    let act = stage.zack.slash(&stage.room(), "approvals").await;
    let told = stage.zack.told(&act).await;
    assert!(told.says("nothing"), "{told:#?}");
}

#[tokio::test]
async fn a_list_that_does_not_fit_says_how_much_is_left_out() {
    let stage = Stage::start().await;
    stage.world.fault(json!({ "rate_limits": "off" })).await;
    let title = format!("Errand {} of many", "x".repeat(200));
    sqlx::query(
        "INSERT INTO project_chat_messages \
             (project_id, author, message, message_type, metadata, created_at) \
         SELECT $1, 'agent:ricky:main', 'errand', 'task_proposal', $2, now() - n * interval '1 min' \
         FROM generate_series(1, 120) AS n",
    )
    .bind(PROJECT)
    .bind(task(&title))
    .execute(stage.world.pool())
    .await
    .unwrap();
    let act = stage.zack.slash(&stage.room(), "approvals").await;
    let told = stage.zack.told(&act).await;
    let list = told.text();
    let shown = list.matches("<t:").count();
    assert!(shown > 0 && shown < 120, "{list}");
    let rest = (120 - shown).to_string();
    assert!(list.contains(&rest), "{rest} more are not counted: {list}");
}

#[tokio::test]
async fn who_is_no_operator_may_look_at_the_list_or_is_told_why_not() {
    let stage = Stage::start().await;
    stage.propose(&task("Buy milk")).await;
    stage.open_card("Buy milk").await;
    let mallory = Client::open(&stage.world, "mallory").await;
    let act = mallory.slash(&stage.room(), "approvals").await;
    let told = mallory.told(&act).await;
    // The cards stand in a channel that members can read.
    assert!(told.says("Buy milk") || told.says("operator"), "{told:#?}");
    stage.nothing_happened().await;
}
