//! Two projects in one server: each has a category, and nothing of one is seen or done in the other.

use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::harness::card::Card;
use crate::harness::demo::Demo;
use crate::harness::person::count;

/// Another project with two agents, shown in the server of the demo from the next start on.
pub(super) async fn add_ops(pool: &PgPool, guild: &str) {
    sqlx::raw_sql(
        "INSERT INTO projects (id, name) VALUES ('ops', 'Night *Ops*');
         INSERT INTO agents (project_id, agent_key, agent_id_short, name, emoji, provisioned) VALUES
           ('ops', 'agent:main:main', 'main', 'Vegeta', '🔥', true),
           ('ops', 'agent:ricky:main', 'ricky', 'Rick', '🧪', true);
         INSERT INTO project_settings (project_id, key, value) VALUES ('ops', 'labs_features',
           '{\"team_room\": true, \"operator_chat\": true, \"multi_dm\": true, \"task_threads\": true}');",
    )
    .execute(pool)
    .await
    .expect("it is written");
    sqlx::query("INSERT INTO bridge.home (project_id, guild_id) VALUES ('ops', $1)")
        .bind(guild.parse::<i64>().expect("a number"))
        .execute(pool)
        .await
        .expect("it is written");
}

/// A channel of a project.
pub(super) fn channel(demo: &Demo, project: &str, surface: &str) -> String {
    let projects = demo.process.run["projects"].as_array().expect("a list");
    let mut of_it = projects.iter().filter(|it| it["project_id"] == project);
    let channel = of_it.next().map(|it| it["channels"][surface].clone());
    match channel {
        Some(Value::String(id)) => id,
        _ => panic!("no {surface} of {project} in {}", demo.process.run),
    }
}

#[tokio::test]
async fn two_projects_share_a_server_and_nothing_else() {
    let demo = Demo::start();
    let guild = demo.text("/discord/guild_id");
    add_ops(&demo.pool().await, &guild).await;
    let demo = demo.again();
    let pool = demo.pool().await;
    let zack = demo.person("zack");

    // Each has a category of its own, and channels of the same names.
    let (_, channels) = zack
        .call(Method::GET, &format!("/guilds/{guild}/channels"), None)
        .await;
    let named = |name: &str| {
        let all = channels.as_array().expect("a list").iter();
        all.filter(|it| it["name"] == name).count()
    };
    for (name, times) in [
        ("Mission Control", 1),
        ("Night *Ops*", 1),
        ("DMs", 1),
        ("Night *Ops* DMs", 1),
        ("team-room", 2),
        ("approvals", 2),
        ("dm-main", 2),
        ("tasks", 2),
    ] {
        assert_eq!(named(name), times, "{name}: {channels}");
    }

    // What is said in one is answered there, by its own agent.
    let (ours, theirs) = (
        channel(&demo, "front-office", "dm-main"),
        channel(&demo, "ops", "dm-main"),
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
    let approvals = channel(&demo, "ops", "approvals");
    let waits = |card: &Card| card.live().contains(&"Approve");
    let card = zack
        .sees_card(&approvals, "Vegeta", "the proposal", waits)
        .await;
    client.press(&card, "Approve").await;
    let made = "SELECT count(*) FROM tasks WHERE project_id = 'ops'";
    crate::harness::wait::eventually("the task is made", || async {
        let count: i64 = sqlx::query_scalar(made)
            .fetch_one(&pool)
            .await
            .expect("it answers");
        if count == 1 { Ok(()) } else { Err(count) }
    })
    .await;
    let seen = zack
        .read(&channel(&demo, "front-office", "approvals"))
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
        .used(&channel(&demo, "ops", "status"), "agents", &[])
        .await;
    assert!(card.says("Vegeta"), "{card:?}");
    assert!(!card.says("Trunks"), "{card:?}");
    let card = client
        .used(&channel(&demo, "front-office", "status"), "agents", &[])
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
