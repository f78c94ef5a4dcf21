//! Two projects in one server: each has a category, and nothing of one is seen or done in the other.

use reqwest::Method;
use serde_json::json;

use super::{add_ops, channel};
use crate::harness::card::Card;
use crate::harness::demo::Demo;
use crate::harness::person::count;
use crate::harness::wait::eventually;

#[tokio::test]
async fn two_projects_share_a_server_and_nothing_else() {
    let demo = Demo::start();
    let guild = demo.text("/discord/guild_id");
    add_ops(&demo.pool().await, &guild).await;
    let demo = demo.again();
    let pool = demo.pool().await;
    let zack = demo.person("zack");

    // Each has a category of its own, and channels of the same names. The second may come a moment later.
    let expected = [
        ("Mission Control", 1),
        ("Night *Ops*", 1),
        ("DMs", 1),
        ("Night *Ops* DMs", 1),
        ("team-room", 2),
        ("approvals", 2),
        ("dm-main", 2),
        ("tasks", 2),
    ];
    eventually("the channels of both", || async {
        let path = format!("/guilds/{guild}/channels");
        let (_, channels) = zack.call(Method::GET, &path, None).await;
        let all = channels.as_array().expect("a list");
        let named = |name: &str| all.iter().filter(|it| it["name"] == name).count();
        let wrong = expected.iter().find(|(name, times)| named(name) != *times);
        wrong.map_or(Ok(()), |wrong| Err((*wrong, channels.clone())))
    })
    .await;

    // What is said in one is answered there, by its own agent.
    let (ours, theirs) = (
        channel(&demo, "front-office", "dm-main").await,
        channel(&demo, "ops", "dm-main").await,
    );
    assert_ne!(ours, theirs);
    zack.say(&theirs, "who are you, ops?").await;
    zack.sees(&theirs, "Vegeta's answer", |seen| {
        seen.iter()
            .any(|it| it.name == "Vegeta" && it.text.contains("who are you, ops?"))
    })
    .await;
    zack.say(&ours, "who are you, office?").await;
    let seen = zack
        .sees(&ours, "Trunks' answer", |seen| {
            seen.iter()
                .any(|it| it.name == "Trunks" && it.text.contains("who are you, office?"))
        })
        .await;
    assert_eq!(count(&seen, "who are you, ops?"), 0, "{seen:#?}");
    let rows: Vec<(String, i64)> = sqlx::query_as(
        "SELECT project_id, count(*) FROM project_chat_messages WHERE message LIKE '%who are you%' \
         GROUP BY 1 ORDER BY 1",
    )
    .fetch_all(&pool)
    .await
    .expect("it answers");
    assert_eq!(
        rows,
        [("front-office".to_owned(), 2), ("ops".to_owned(), 2)]
    );

    // A proposal waits in the #approvals of its project, and is carried out there.
    zack.say(&theirs, "please propose create_task").await;
    let client = demo.client("zack").await;
    let approvals = channel(&demo, "ops", "approvals").await;
    let waits = |card: &Card| card.live().contains(&"Approve");
    let card = zack
        .sees_card(&approvals, "Vegeta", "the proposal", waits)
        .await;
    client.press(&card, "Approve").await;
    let made = "SELECT count(*) FROM tasks WHERE project_id = 'ops'";
    eventually("the task is made", || async {
        let count: i64 = sqlx::query_scalar(made)
            .fetch_one(&pool)
            .await
            .expect("it answers");
        if count == 1 { Ok(()) } else { Err(count) }
    })
    .await;
    let seen = zack
        .read(&channel(&demo, "front-office", "approvals").await)
        .await;
    assert!(!seen.iter().any(|it| it.name == "Vegeta"), "{seen:#?}");
}

#[tokio::test]
async fn a_command_is_about_the_project_in_whose_channel_it_is_given() {
    let demo = Demo::start();
    let guild = demo.text("/discord/guild_id");
    add_ops(&demo.pool().await, &guild).await;
    let demo = demo.again();
    let client = demo.client("zack").await;

    let card = client
        .used(&channel(&demo, "ops", "status").await, "agents", &[])
        .await;
    assert!(card.says("Vegeta"), "{card:?}");
    assert!(!card.says("Trunks"), "{card:?}");
    let card = client
        .used(
            &channel(&demo, "front-office", "status").await,
            "agents",
            &[],
        )
        .await;
    assert!(card.says("Trunks"), "{card:?}");
    assert!(!card.says("Vegeta"), "{card:?}");

    // Elsewhere nobody guesses.
    let zack = demo.person("zack");
    let (_, made) = zack
        .call(
            Method::POST,
            &format!("/guilds/{guild}/channels"),
            Some(json!({ "name": "elsewhere", "type": 0 })),
        )
        .await;
    let elsewhere = made["id"].as_str().expect("it is made").to_owned();
    let card = client.used(&elsewhere, "agents", &[]).await;
    assert!(card.says("several projects"), "{card:?}");
    assert!(card.says("Night"), "{card:?}");
}
