//! The first minute: nothing is configured, and a message crosses.

use serde_json::Value;
use sqlx::PgPool;

use crate::harness::person::{Person, count};
use crate::harness::process::Process;

struct Demo {
    process: Process,
    folder: tempfile::TempDir,
}

impl Demo {
    fn start(folder: tempfile::TempDir) -> Self {
        let data = folder.path().join("data");
        let process = Process::start(
            &["--data-dir", &data.to_string_lossy()],
            &[],
            &data.join("run.json"),
            &folder.path().join("log"),
        );
        Self { process, folder }
    }

    fn text(&self, pointer: &str) -> String {
        let run = &self.process.run;
        let text = run.pointer(pointer).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {pointer} in {run}"))
            .to_owned()
    }

    async fn pool(&self) -> PgPool {
        PgPool::connect(&self.text("/database/url"))
            .await
            .expect("the embedded database is there")
    }
}

fn temporary() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("the temporary folder is writable");
    // The embedded Postgres does not run as root, and has to pass through.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))
        .expect("we may open our own folder");
    folder
}

#[tokio::test]
async fn a_script_that_only_knows_the_run_file_talks_to_an_agent_and_nothing_is_lost_or_doubled() {
    let mut demo = Demo::start(temporary());
    let zack = Person::of(&demo.process.run, "zack");
    let dm = demo.text("/discord/channels/dm-main");
    let room = demo.text("/discord/channels/team-room");

    zack.say(&dm, "hello").await;
    let answered = |seen: &[crate::harness::person::Seen]| {
        seen.iter()
            .any(|m| m.name == "Trunks" && m.text.contains("hello"))
    };
    zack.sees(&dm, "Trunks' answer", answered).await;

    let pool = demo.pool().await;
    let said: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM project_chat_messages \
         WHERE (author = 'ui' AND message = 'hello') OR author = 'agent:main:main'",
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
    let Demo { process, folder } = demo;
    drop(process);
    let demo = Demo::start(folder);
    let pool = demo.pool().await;
    for text in ["ricky two", "ricky three"] {
        sqlx::query(insert).bind(text).execute(&pool).await.unwrap();
    }
    let zack = Person::of(&demo.process.run, "zack");
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
    let mut demo = Demo::start(temporary());
    let file = demo.folder.path().join("data").join("run.json");
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
