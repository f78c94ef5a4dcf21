//! Who may not: a bot can be invited by anybody, and anybody can forge what a button says.

use reqwest::StatusCode;
use serde_json::json;

use super::{chosen, manager, setup, setup_of};
use crate::approvals::stage::Stage;
use crate::harness::card::{Card, List};
use crate::harness::client::Client;
use crate::harness::person::Person;
use crate::harness::world::World;

async fn no_home_was_chosen(world: &World) {
    let homes: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM bridge.home WHERE project_id <> 'front-office' OR chosen_by IS NOT NULL",
    )
    .fetch_one(world.pool())
    .await
    .unwrap();
    assert_eq!(homes, 0);
}

#[tokio::test]
async fn who_is_neither_owner_nor_operator_sees_and_changes_nothing() {
    let stage = Stage::start().await;
    let world = &stage.world;
    sqlx::query("INSERT INTO projects (id, name) VALUES ('secret-plan', 'Secret plan')")
        .execute(world.pool())
        .await
        .unwrap();
    // Whoever does not manage the server is not even offered it.
    let visitor = Client::open(world, "mallory").await;
    let status = world.channel("status");
    setup(world, &stage.zack).await;
    assert_eq!(
        visitor.try_slash(&status, "setup", json!([])).await,
        StatusCode::FORBIDDEN
    );
    drop(visitor);

    let mallory = manager(world, "mallory").await;
    for told in [
        setup(world, &mallory).await,
        setup_of(world, &mallory, "secret-plan").await,
        setup_of(world, &mallory, "Secret plan").await,
        setup_of(world, &mallory, "something-new").await,
    ] {
        assert!(told.says("is for operators"), "{told:#?}");
        assert!(
            !told.says("Front Office") && !told.says("secret"),
            "{told:#?}"
        );
        assert!(
            told.buttons.is_empty() && told.lists.is_empty(),
            "{told:#?}"
        );
    }
    let offered = mallory.offered(&status, "setup", "project", "s").await;
    assert_eq!(offered, []);
    let offered = stage
        .zack
        .offered(&status, "setup", "project", "SECRET")
        .await;
    assert_eq!(
        offered,
        [(
            "Secret plan (secret-plan)".to_owned(),
            "secret-plan".to_owned()
        )]
    );
    no_home_was_chosen(world).await;
}

#[tokio::test]
async fn forged_buttons_do_nothing_for_strangers_and_broken_ones_for_nobody() {
    let stage = Stage::start().await;
    let world = &stage.world;
    world.fault(json!({ "rate_limits": "off" })).await;
    let mallory = manager(world, "mallory").await;
    let guild = world.guild().to_owned();
    let buttons = [
        "setup:look:front-office".to_owned(),
        format!("setup:show:front-office:{guild}"),
        "setup:show:front-office:0".to_owned(),
        "setup:create:brand-new".to_owned(),
    ];
    let broken = [
        "setup:",
        "setup:look",
        "setup:look:",
        "setup:look:UPPER",
        "setup:look:front-office:",
        "setup:show:front-office",
        "setup:show:front-office:00",
        "setup:show:front-office:-1",
        "setup:show:front-office:99999999999999999999",
        "setup:user:front-office:0",
        "setup:labs:front-office:fff",
        "setup:named:front-office",
        "setup:project",
        "setup:nothing:front-office",
    ];
    let status = world.channel("status");
    let ids: Vec<&str> = buttons.iter().map(String::as_str).collect();
    let card = stage.post(&status, &ids).await;
    for button in &buttons {
        let told = mallory.told(&mallory.press_id(&card, button).await).await;
        assert!(
            !told.says("Front Office") && told.lists.is_empty(),
            "{told:#?}"
        );
        assert!(
            told.says("is for operators") || told.says("you are none of them"),
            "{button}: {told:#?}"
        );
    }
    let card = stage.post(&status, &broken).await;
    for button in broken {
        for who in [&mallory, &stage.zack] {
            let told = who.told(&who.press_id(&card, button).await).await;
            assert!(
                told.says("button") && told.lists.is_empty(),
                "{button}: {told:#?}"
            );
        }
    }
    no_home_was_chosen(world).await;
}

#[tokio::test]
async fn forged_lists_choose_nobody_and_switch_nothing() {
    let stage = Stage::start().await;
    let world = &stage.world;
    let mallory = manager(world, "mallory").await;
    let me = mallory.person.id.clone();
    for (kind, custom_id, values) in [
        (
            5,
            "setup:user:front-office:e3b0c44298fc1c14",
            vec![me.as_str()],
        ),
        (3, "setup:labs:front-office:3f", vec![]),
        (3, "setup:project", vec!["front-office"]),
    ] {
        let row = match kind {
            5 => json!({ "type": 5, "custom_id": custom_id, "min_values": 0, "max_values": 25 }),
            _ => json!({
                "type": 3, "custom_id": custom_id, "min_values": 0,
                "options": [{ "label": "x", "value": "front-office" }],
            }),
        };
        let card = say(&stage, json!([{ "type": 1, "components": [row] }])).await;
        let list = List {
            kind,
            custom_id: custom_id.to_owned(),
            choices: Vec::new(),
            chosen: Vec::new(),
        };
        let told = mallory
            .told(&mallory.pick(&card, &list, &values).await)
            .await;
        assert!(told.says("is for operators"), "{custom_id}: {told:#?}");
    }
    assert!(chosen(world).await.is_empty());
    no_home_was_chosen(world).await;
    let on: String =
        sqlx::query_scalar("SELECT value FROM project_settings WHERE key = 'labs_features'")
            .fetch_one(world.pool())
            .await
            .unwrap();
    assert!(!on.contains("false"), "{on}");
}

/// A message of the bot with these components.
async fn say(stage: &Stage, components: serde_json::Value) -> Card {
    let bot = Person::bot(stage.world.discord());
    let path = format!("/channels/{}/messages", stage.world.channel("status"));
    let body = json!({ "content": "forged", "components": components });
    // The bridge writes with the same token, and Discord counts both.
    let off = json!({ "rate_limits": "off" });
    stage.world.fault(off).await;
    let (status, message) = bot.call(reqwest::Method::POST, &path, Some(body)).await;
    assert!(status.is_success(), "{message}");
    Card::of(&message)
}
