//! The demo project in the database: made once, and then its people's.

use crate::stage::Stage;

/// As if the demo had never been told.
const FORGET: &str = "DELETE FROM project_settings WHERE key = 'demo_seeded'";

#[tokio::test]
async fn the_demo_project_is_seeded_once_and_then_belongs_to_its_people() {
    // What was told at the beginning is deleted.
    let stage = Stage::new().await;
    let names = async || {
        let agents = stage.store.agents().await.unwrap();
        agents
            .into_iter()
            .map(|agent| (agent.key.to_string(), agent.name))
            .collect::<Vec<_>>()
    };
    let pair = |key: &str, name: &str| (key.to_owned(), name.to_owned());
    let both = [
        pair("agent:main:main", "Trunks"),
        pair("agent:ricky:main", "Ricky"),
    ];
    assert_eq!(names().await, both);
    sqlx::query("DELETE FROM agents WHERE name = 'Ricky'")
        .execute(stage.store.pool())
        .await
        .unwrap();
    stage.store.seed_demo(true).await.unwrap();
    assert_eq!(names().await, both[..1]);
    assert_eq!(rows(&stage).await, [0; 5], "what is deleted stays deleted");
    let flags: String =
        sqlx::query_scalar("SELECT value FROM project_settings WHERE key = 'labs_features'")
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
    let flags: serde_json::Value = serde_json::from_str(&flags).unwrap();
    assert!(flags.as_object().unwrap().values().all(|flag| flag == true));
    let mission: String =
        sqlx::query_scalar("SELECT content FROM brain_docs WHERE doc_type = 'mission'")
            .fetch_one(stage.store.pool())
            .await
            .unwrap();
    assert!((1..=200).contains(&mission.chars().count()));
}

/// Rows of tasks, their events, messages, jobs and activities.
async fn rows(stage: &Stage) -> [i64; 5] {
    let (tasks, events, messages, jobs, activities) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM tasks), (SELECT count(*) FROM task_events),
                (SELECT count(*) FROM project_chat_messages), (SELECT count(*) FROM cron_mirror),
                (SELECT count(*) FROM activities)",
    )
    .fetch_one(stage.store.pool())
    .await
    .unwrap();
    [tasks, events, messages, jobs, activities]
}

#[tokio::test]
async fn a_project_that_somebody_uses_is_told_no_story_not_even_once_it_is_empty() {
    for used in [
        "INSERT INTO project_chat_messages (project_id, author, message)
             VALUES ('front-office', 'ui', 'hello')",
        "INSERT INTO tasks (project_id, title) VALUES ('front-office', 'A task')",
        "INSERT INTO cron_mirror (project_id, job_id, name) VALUES ('front-office', 'a', 'A job')",
        "INSERT INTO agents (project_id, agent_key, name)
             VALUES ('front-office', 'agent:dora:main', 'Dora')",
    ] {
        // An embedded database of an earlier version: its agents are there, and no mark.
        let stage = Stage::new().await;
        for statement in [FORGET, used] {
            sqlx::raw_sql(statement)
                .execute(stage.store.pool())
                .await
                .unwrap();
        }
        let before = rows(&stage).await;
        stage.store.seed_demo(true).await.unwrap();
        assert_eq!(rows(&stage).await, before, "{used}");
        sqlx::raw_sql(
            "DELETE FROM project_chat_messages; DELETE FROM tasks; DELETE FROM cron_mirror",
        )
        .execute(stage.store.pool())
        .await
        .unwrap();
        stage.store.seed_demo(true).await.unwrap();
        assert_eq!(rows(&stage).await, [0; 5], "{used}");
    }
    let unused = Stage::new().await;
    sqlx::raw_sql(FORGET)
        .execute(unused.store.pool())
        .await
        .unwrap();
    unused.store.seed_demo(true).await.unwrap();
    assert!(
        rows(&unused).await.iter().all(|count| *count > 0),
        "nobody has used it"
    );
}

#[tokio::test]
async fn somebodys_own_server_begins_without_a_story() {
    let stage = Stage::new().await;
    sqlx::raw_sql(FORGET)
        .execute(stage.store.pool())
        .await
        .unwrap();
    stage.store.seed_demo(false).await.unwrap();
    assert_eq!(rows(&stage).await, [0; 5]);
    stage.store.seed_demo(true).await.unwrap();
    assert_eq!(rows(&stage).await, [0; 5], "and gets none later");
}
