//! The card: channels, permissions, features.

use serde_json::json;

use super::{choose, fresh, setup};
use crate::harness::client::Client;
use crate::harness::outage::{accept_connections, database_on, end_connections};
use crate::harness::postgres::Server;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Everything that the bridge asks for but Pin Messages and Manage Webhooks (source: Discord, bits).
const LESS: u64 = (1 << 10)
    | (1 << 11)
    | (1 << 4)
    | (1 << 13)
    | (1 << 14)
    | (1 << 15)
    | (1 << 16)
    | (1 << 6)
    | (1 << 34)
    | (1 << 35)
    | (1 << 38)
    | (1 << 31);

#[tokio::test]
async fn it_tells_where_the_channels_are_what_the_bot_may_and_what_is_missing() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let card = setup(&world, &zack).await;
    assert!(
        card.says("Front Office") && card.says("`front-office`"),
        "{card:#?}"
    );
    for surface in [
        "team-room",
        "approvals",
        "status",
        "activity",
        "tasks",
        "dm-main",
        "dm-ricky",
    ] {
        let link = format!("<#{}>", world.channel(surface));
        assert!(card.says(&link), "{surface}: {card:#?}");
    }
    assert!(card.says("Live"), "{card:#?}");
    assert!(
        card.says("✅ Pin Messages") && !card.says("❌"),
        "{card:#?}"
    );
    assert_eq!(card.pings, 0);

    world
        .application(json!({ "permissions": LESS.to_string() }))
        .await;
    let act = zack.press(&card, "Check again").await;
    let card = zack.told(&act).await;
    for missing in ["Pin Messages", "Manage Webhooks"] {
        assert!(
            card.says(&format!("❌ **{missing}**: without it")),
            "{card:#?}"
        );
    }
    assert!(card.says("✅ Manage Channels"), "{card:#?}");
    assert!(
        card.says("https://discord.com/oauth2/authorize"),
        "{card:#?}"
    );
}

#[tokio::test]
async fn features_are_switched_from_the_list_and_only_those_that_were_changed() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let old = setup(&world, &zack).await;
    let card = setup(&world, &zack).await;
    let list = card.list("setup:labs:").clone();
    assert_eq!(list.chosen, list.choices, "all of them are on");
    let without = |flag: &str| -> Vec<String> {
        let all = list.choices.iter();
        all.filter(|it| *it != flag).cloned().collect()
    };
    let pick = async |card: &crate::harness::card::Card, values: Vec<String>| {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        choose(&zack, card, "labs", &values).await
    };
    let card = pick(&card, without("task_threads")).await;
    assert!(card.says("task_threads** is off now"), "{card:#?}");
    assert!(
        card.says("`#tasks`: switched off (`task_threads`)"),
        "{card:#?}"
    );
    assert_eq!(card.list("setup:labs:").chosen, without("task_threads"));
    // A card from before says what its person has changed, and no more.
    let card = pick(&old, without("mission_banner")).await;
    assert!(card.says("mission_banner** is off now"), "{card:#?}");
    let mut left = without("task_threads");
    left.retain(|it| it != "mission_banner");
    assert_eq!(card.list("setup:labs:").chosen, left);
    let flags: String =
        sqlx::query_scalar("SELECT value FROM project_settings WHERE key = 'labs_features'")
            .fetch_one(world.pool())
            .await
            .unwrap();
    let flags: serde_json::Value = serde_json::from_str(&flags).unwrap();
    assert_eq!(flags["task_threads"], false);
    assert_eq!(flags["mission_banner"], false);
    assert_eq!(flags["team_room"], true);
}

#[tokio::test]
async fn an_owner_who_is_no_operator_switches_nothing() {
    let stage = fresh().await;
    let card = setup(&stage.world, &stage.zack).await;
    assert!(
        card.says("Operators switch them, and you are none"),
        "{card:#?}"
    );
    assert!(
        card.lists
            .iter()
            .all(|it| !it.custom_id.starts_with("setup:labs:"))
    );
    let id = stage.zack.person.id.clone();
    let card = choose(&stage.zack, &card, "user", &[&id]).await;
    assert_eq!(card.list("setup:labs:").choices.len(), 6);
}

#[tokio::test]
async fn without_the_database_it_says_so_and_later_it_works() {
    let server = Server::start("logical");
    let mut world = World::on(database_on(&server).await).await;
    world.start_bridge();
    let zack = Client::open(&world, "zack").await;
    let card = setup(&world, &zack).await;
    accept_connections(world.database(), false).await;
    end_connections(world.database()).await;
    let told = setup(&world, &zack).await;
    assert!(told.says("database cannot be reached"), "{told:#?}");
    accept_connections(world.database(), true).await;
    eventually("the card is there again", || async {
        let act = zack.press(&card, "Check again").await;
        let told = zack.told(&act).await;
        if told.says("Front Office") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
}
