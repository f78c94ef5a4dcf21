//! A start that cannot succeed ends at once, with a sentence that names the fix.

use std::net::TcpListener;

use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use crate::harness::outage::database_on;
use crate::harness::person::count;
use crate::harness::postgres::Server;
use crate::harness::process::failing;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Starts the bridge in this world, with these settings instead of its own, and gives back its last words.
fn refused(world: &World, changes: &[(&str, &str)], arguments: &[&str]) -> String {
    let data = world.data_dir();
    let data = data.to_string_lossy();
    let mut arguments = arguments.to_vec();
    if !arguments.contains(&"--data-dir") {
        arguments.extend(["--data-dir", &data]);
    }
    let mut environment = world.environment();
    environment.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    environment.extend(changes);
    let (code, said) = failing(&arguments, &environment);
    assert_eq!(code, Some(1), "{said}");
    said
}

fn says(said: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(said.contains(sentence), "{sentence:?} is not said:\n{said}");
    }
}

#[tokio::test]
async fn a_wrong_token_is_told_with_where_to_get_the_right_one() {
    let world = World::without_bridge().await;
    let said = refused(&world, &[("DISCORD_TOKEN", "MTIz.wrong.token")], &[]);
    says(
        &said,
        &[
            "does not accept the bot token",
            "DISCORD_TOKEN",
            "Developer Portal",
        ],
    );
    assert!(!said.contains("MTIz.wrong.token"), "{said}");
}

#[tokio::test]
async fn a_missing_intent_is_named_with_its_switch() {
    let world = World::without_bridge().await;
    world
        .application(json!({ "intents": { "message_content": false } }))
        .await;
    let said = refused(&world, &[], &[]);
    says(&said, &["MESSAGE CONTENT INTENT", "Developer Portal"]);
}

#[tokio::test]
async fn missing_permissions_are_named_with_the_invite_that_grants_them() {
    let mut world = World::without_bridge().await;
    // View Channels, Send Messages and Manage Messages; everybody may read the history here.
    world.application(json!({ "permissions": "11264" })).await;
    world.start_bridge();
    let said = world.log();
    says(
        &said,
        &[
            "warning   ⚠️ The bot lacks **Manage Webhooks**",
            "warning   ⚠️ The bot lacks **Manage Channels**",
            "warning   ⚠️ The bot lacks **Pin Messages**",
            "oauth2/authorize",
        ],
    );
    assert!(
        !said.contains("Read Message History"),
        "it has that one:\n{said}"
    );
}

#[tokio::test]
async fn a_server_that_the_bot_is_not_in_is_named() {
    let world = World::without_bridge().await;
    let said = refused(&world, &[("DISCORD_GUILD_ID", "123456789012345678")], &[]);
    says(
        &said,
        &[
            "not in the server 123456789012345678",
            "Invite it",
            "oauth2/authorize",
        ],
    );
}

/// As much of Discord as tells in which servers a bot is.
async fn discord_with(guilds: Value) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let application = json!({ "id": "100000000000000001", "flags": 1 << 19 });
    let account = json!({ "id": "100000000000000001", "username": "bridge" });
    let gateway = json!({ "url": format!("ws://{address}") });
    let answer = |value: Value| get(move || std::future::ready(Json(value)));
    let pages = Router::new()
        .route("/api/v10/gateway", answer(gateway))
        .route("/api/v10/users/@me", answer(account))
        .route("/api/v10/users/@me/guilds", answer(guilds))
        .route("/api/v10/applications/@me", answer(application.clone()))
        .route("/api/v10/oauth2/applications/@me", answer(application));
    tokio::spawn(async move { axum::serve(listener, pages).await });
    format!("http://{address}/api/v10")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bot_in_no_server_yet_is_given_its_invite() {
    let world = World::without_bridge().await;
    let discord = discord_with(json!([])).await;
    let said = refused(&world, &[("DISCORD_API_BASE", &discord)], &[]);
    says(&said, &["in no server yet", "client_id=100000000000000001"]);
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_told_without_its_password() {
    let world = World::without_bridge().await;
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let url = format!("postgres://clawdos:s3cr3t-pass@{free}/postgres");
    let said = refused(&world, &[("DATABASE_URL", &url)], &[]);
    says(&said, &["the database cannot be reached", "DATABASE_URL"]);
    assert!(!said.contains("s3cr3t-pass"), "{said}");

    let right = world.database_url().to_owned();
    let password = url::Url::parse(&right)
        .unwrap()
        .password()
        .unwrap()
        .to_owned();
    let wrong = right.replace(&password, "not-the-password");
    let said = refused(&world, &[("DATABASE_URL", &wrong)], &[]);
    says(
        &said,
        &["the database cannot be reached", "DATABASE_URL", "password"],
    );
    assert!(!said.contains("not-the-password"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn something_that_is_no_postgres_is_told_apart_from_one() {
    let world = World::without_bridge().await;
    // An HTTP server: it answers, in a language that is not Postgres'.
    let address = discord_with(json!([])).await;
    let url = url::Url::parse(&address).unwrap();
    let port = url.port().unwrap();
    let database = format!("postgres://clawdos:s3cr3t-pass@127.0.0.1:{port}/postgres");
    let said = refused(&world, &[("DATABASE_URL", &database)], &[]);
    says(&said, &["the database cannot be reached", "DATABASE_URL"]);
    assert!(!said.contains("s3cr3t-pass"), "{said}");
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_its_setting() {
    let world = World::without_bridge().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for setting in ["HEALTH_LISTEN", "EXECUTOR_LISTEN"] {
        let said = refused(&world, &[(setting, &address)], &[]);
        says(&said, &[&address, setting]);
    }
    // The sandbox is only started where no token is given.
    let environment = [
        ("DATABASE_URL", world.database_url()),
        ("SANDBOX_LISTEN", &address),
    ];
    let data = world.data_dir();
    let (code, said) = failing(&["--data-dir", &data.to_string_lossy()], &environment);
    assert_eq!(code, Some(1), "{said}");
    says(&said, &[&address, "SANDBOX_LISTEN"]);
}

#[tokio::test]
async fn a_data_folder_that_cannot_be_made_is_named() {
    let world = World::without_bridge().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "not a folder").unwrap();
    let wanted = file.join("data");
    let wanted = wanted.to_string_lossy();
    let said = refused(&world, &[], &["--data-dir", &wanted]);
    says(
        &said,
        &["data folder cannot be used", "a-file", "--data-dir"],
    );
}

#[tokio::test]
async fn a_broken_settings_file_is_told_by_line_and_key_all_at_once() {
    let world = World::without_bridge().await;
    world.configure("[mirror]\nsweep_seconds = \"often\"\n\n[discord]\nguild_idd = \"1\"\n");
    let said = refused(&world, &[], &[]);
    says(
        &said,
        &[
            "bridge.toml",
            "line 2",
            "mirror.sweep_seconds",
            "line 5",
            "guild_idd",
        ],
    );

    world.configure("[mirror]\nsweep_seconds = 5\n[discord\n");
    let said = refused(&world, &[], &[]);
    says(&said, &["bridge.toml", "line 3"]);
}

#[tokio::test]
async fn without_logical_replication_the_sweep_alone_brings_rows_and_agents_and_says_so() {
    let server = Server::start("replica");
    let mut world = World::on(database_on(&server).await).await;
    world.configure("[mirror]\nsweep_seconds = 1\n");
    world.start_bridge();
    assert!(world.log().contains("wal_level"), "{}", world.log());
    let health = world.run()["health"]["url"].as_str().unwrap().to_owned();
    let page: Value = reqwest::get(format!("{health}/readyz"))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let detail = page["parts"]["feed"]["detail"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        detail.contains("sweep alone") && detail.contains("wal_level"),
        "{page}"
    );

    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let id = world.insert("agent:ricky:main", "found by the sweep").await;
    zack.sees(&room, "the row", |seen| {
        count(seen, "found by the sweep") == 1
    })
    .await;
    sqlx::query("UPDATE project_chat_messages SET message = 'changed' WHERE id = $1")
        .bind(id)
        .execute(world.pool())
        .await
        .unwrap();
    zack.sees(&room, "the change", |seen| {
        count(seen, "changed") == 1 && count(seen, "found by the sweep") == 0
    })
    .await;
    sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
        .bind(id)
        .execute(world.pool())
        .await
        .unwrap();
    zack.sees(&room, "its end", |seen| count(seen, "changed") == 0)
        .await;
    world.hire("nova", "Nova").await;
    eventually("a channel for the new agent", || async {
        let path = format!("/guilds/{}/channels", world.guild());
        let (_, list) = zack.call(reqwest::Method::GET, &path, None).await;
        let channels = list.as_array().expect("a list");
        if channels.iter().any(|channel| channel["name"] == "dm-nova") {
            Ok(())
        } else {
            Err(list)
        }
    })
    .await;
    world.insert("agent:nova:main", "I am new").await;
    zack.sees(&room, "the new agent's name", |seen| {
        seen.iter()
            .any(|m| m.name == "Nova" && m.text == "I am new")
    })
    .await;
    world.stop_bridge();
}
