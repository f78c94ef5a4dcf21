//! A Discord that is not as it should be.

use reqwest::Method;
use serde_json::{Value, json};

use super::examine_world;
use crate::harness::person::Person;
use crate::harness::world::World;
use crate::homes::{let_in, second_server};

/// Everything but Pin Messages, and everything.
const NO_PINS: u64 = !(1 << 51) & !(1 << 3) & ((1 << 53) - 1);
const ALL: u64 = 1 << 3;

#[tokio::test]
async fn what_the_bot_lacks_is_named_one_by_one() {
    let mut world = World::without_bridge().await;
    world
        .application(json!({
            "intents": { "message_content": false },
            "permissions": NO_PINS.to_string(),
            "interactions_endpoint_url": "https://example.com/s3cret",
        }))
        .await;
    world.set("OPERATOR_IDS", "");
    let found = examine_world(&world).await;
    assert_eq!(found.code, Some(1), "{}", found.text);
    let complaints = [
        "Message Content intent",
        "Interactions Endpoint",
        "commands",
        "Pin Messages",
        "operators",
    ];
    assert_eq!(found.complaints(), complaints, "{}", found.text);
    assert!(
        found
            .step("Message Content intent")
            .contains("Developer Portal")
    );
    assert!(
        found
            .step("Interactions Endpoint")
            .contains("Interactions Endpoint URL")
    );
    assert!(
        found
            .step("Pin Messages")
            .contains("https://discord.com/oauth2/authorize")
    );
    assert!(found.step("operators").contains("OPERATOR_IDS"));
    assert!(
        found.says("commands").starts_with("warning"),
        "no bridge runs"
    );
    assert!(!found.text.contains("s3cret"), "{}", found.text);

    world.set("DISCORD_TOKEN", "MTIz.wrong.t0ken");
    let found = examine_world(&world).await;
    assert_eq!(found.says("token"), "failure: Discord does not accept it");
    assert!(found.step("token").contains("Reset Token"));
    assert!(!found.text.contains("t0ken"), "{}", found.text);

    world.set("DISCORD_API_BASE", "http://127.0.0.1:1/api/v10");
    let found = examine_world(&world).await;
    assert!(found.says("token").starts_with("failure"), "{}", found.text);
    assert!(found.step("token").contains("DISCORD_API_BASE"));
}

#[tokio::test]
async fn commands_that_are_not_what_the_bridge_registered_are_named() {
    let world = World::start().await;
    let found = examine_world(&world).await;
    assert_eq!(found.complaints(), [""; 0], "{}", found.text);

    let bot = Person::bot(world.discord());
    let application = world.discord()["discord"]["application_id"]
        .as_str()
        .unwrap();
    let path = format!(
        "/applications/{application}/guilds/{}/commands",
        world.guild()
    );
    let (_, registered) = bot.call(Method::GET, &path, None).await;
    let mut changed = registered.clone();
    let status = changed
        .as_array_mut()
        .unwrap()
        .iter_mut()
        .find(|command| command["name"] == "status")
        .unwrap();
    status["description"] = json!("Something else");
    changed
        .as_array_mut()
        .unwrap()
        .retain(|command| command["name"] != "approvals");
    let (answer, _) = bot.call(Method::PUT, &path, Some(changed)).await;
    assert!(answer.is_success());
    let found = examine_world(&world).await;
    assert_eq!(found.code, Some(1));
    assert_eq!(
        found.says("commands"),
        "failure: missing: approvals; not as they should be: status"
    );
    assert!(found.step("commands").contains("Restart the bridge"));

    world
        .application(json!({ "permissions": ALL.to_string() }))
        .await;
    let (answer, _) = bot
        .call(Method::PUT, &path, Some(Value::clone(&registered)))
        .await;
    assert!(answer.is_success());
    let found = examine_world(&world).await;
    assert_eq!(
        found.complaints(),
        [""; 0],
        "an administrator may do everything"
    );
}

#[tokio::test]
async fn operators_who_were_chosen_in_discord_are_counted() {
    let mut world = World::without_bridge().await;
    world.set("OPERATOR_IDS", "");
    world.start_bridge();
    let found = examine_world(&world).await;
    assert_eq!(found.complaints(), ["operators"], "{}", found.text);
    assert!(found.step("operators").contains("/setup"));
    sqlx::raw_sql(
        "INSERT INTO bridge.operator (project_id, kind, discord_id) VALUES \
         ('front-office', 'user', 1), ('front-office', 'role', 2), ('front-office', 'role', 3), \
         ('another', 'user', 4)",
    )
    .execute(world.pool())
    .await
    .unwrap();
    let found = examine_world(&world).await;
    assert_eq!(
        found.says("operators"),
        "ok: 1 user, 2 roles, chosen with /setup"
    );
    let zack = world.person("zack").id;
    world.set("OPERATOR_IDS", &zack);
    let found = examine_world(&world).await;
    assert_eq!(
        found.says("operators"),
        "ok: 1 user; 1 user, 2 roles chosen with /setup"
    );
}

#[tokio::test]
async fn of_several_servers_the_one_that_was_chosen_is_looked_at() {
    let mut world = World::without_bridge().await;
    let zack = world.person("zack");
    let (guild, _) = second_server(&zack).await;
    let application = world.discord()["discord"]["application_id"].as_str();
    let_in(&zack, application.expect("a text"), &guild).await;
    let found = examine_world(&world).await;
    let check = server(&found);
    assert_eq!(check["found"], "the bot is in several servers");
    let step = check["next_step"].as_str().unwrap_or_default();
    for words in ["/setup", "DISCORD_GUILD_ID", &guild] {
        assert!(step.contains(words), "{}", found.text);
    }
    world.set("DISCORD_GUILD_ID", &guild);
    world.start_bridge();
    world.stop_bridge();
    world.set("DISCORD_GUILD_ID", "");
    let found = examine_world(&world).await;
    assert_eq!(server(&found)["found"], "Back Office", "{}", found.text);
}

/// The check of the Discord server; the database has one of the same name.
fn server(found: &super::Examined) -> &Value {
    let checks = found.report["checks"].as_array().into_iter().flatten();
    let mut checks = checks.filter(|it| it["name"] == "server" && it["group"] == "discord");
    checks.next().expect("it is checked")
}
