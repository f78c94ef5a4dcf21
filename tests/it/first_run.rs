//! The first minute: nothing is configured, and a message crosses.

use crate::harness::demo::Demo;
use crate::harness::person::count;

#[tokio::test]
async fn a_script_that_only_knows_the_run_file_talks_to_an_agent_and_nothing_is_lost_or_doubled() {
    let mut demo = Demo::start();
    let zack = demo.person("zack");
    let dm = demo.channel("dm-main");
    let room = demo.channel("team-room");

    zack.say(&dm, "hello").await;
    let answered = |seen: &[crate::harness::person::Seen]| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("hello"))
    };
    zack.sees(&dm, "Trunks' answer", answered).await;

    let pool = demo.pool().await;
    let said: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM project_chat_messages m \
         JOIN project_chat_threads t ON t.id = m.thread_id AND t.title = 'DM:agent:main:main'",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(said, 2, "the question and the answer are rows");
    let processed = "SELECT status FROM chat_delivery_queue";
    let deadline = std::time::Instant::now() + crate::harness::person::PATIENCE;
    loop {
        let status: String = sqlx::query_scalar(processed)
            .fetch_one(&pool)
            .await
            .unwrap();
        if status == "processed" {
            break;
        }
        assert!(
            std::time::Instant::now() < deadline,
            "the delivery is {status}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }

    let insert = "INSERT INTO project_chat_messages (project_id, author, message) \
                  VALUES ('front-office', 'agent:ricky:main', $1)";
    sqlx::query(insert)
        .bind("ricky one")
        .execute(&pool)
        .await
        .unwrap();
    zack.sees(&room, "Ricky's message", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text == "ricky one")
    })
    .await;

    demo.process.kill_hard();
    // The database may die with the bridge: what is said meanwhile is said by who finds it.
    let demo = demo.again();
    let pool = demo.pool().await;
    for text in ["ricky two", "ricky three"] {
        sqlx::query(insert).bind(text).execute(&pool).await.unwrap();
    }
    let zack = demo.person("zack");
    let seen = zack
        .sees(&room, "what was said meanwhile", |seen| {
            count(seen, "ricky two") > 0 && count(seen, "ricky three") > 0
        })
        .await;
    for text in ["ricky one", "ricky two", "ricky three"] {
        assert_eq!(count(&seen, text), 1, "{text}: {seen:#?}");
    }
    let seen = zack.read(&dm).await;
    assert_eq!(count(&seen, "hello"), 1);
    assert_eq!(
        seen.iter().filter(|m| m.name == "Trunks").count(),
        1,
        "{seen:#?}"
    );
}

#[tokio::test]
async fn the_run_file_is_for_its_owner_only_and_gone_after_the_end() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut demo = Demo::start();
    let file = demo.data_dir().join("run.json");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for pointer in [
        "/version",
        "/project_id",
        "/discord/api",
        "/discord/gateway",
        "/discord/page",
        "/discord/application_id",
        "/discord/guild_id",
        "/discord/bot_token",
        "/discord/users/0/token",
        "/discord/channels/team-room",
        "/discord/channels/approvals",
        "/discord/channels/status",
        "/discord/channels/activity",
        "/discord/channels/dm-main",
        "/discord/channels/dm-ricky",
        "/discord/channels/tasks",
        "/database/url",
        "/control_api/url",
        "/control_api/token",
        "/health/url",
    ] {
        demo.text(pointer);
    }
    assert_eq!(demo.process.run["ready"], true);
    assert!(demo.process.stop().success(), "{}", demo.process.log());
    assert!(!file.exists(), "the run file stays behind");
}
