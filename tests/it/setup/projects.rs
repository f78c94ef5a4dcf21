//! Which project a server shows.

use super::{setup, setup_of};
use crate::harness::client::Client;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Where a project lives, as it is written down.
async fn home(world: &World, project: &str) -> Option<i64> {
    sqlx::query_scalar("SELECT guild_id FROM bridge.home WHERE project_id = $1")
        .bind(project)
        .fetch_optional(world.pool())
        .await
        .unwrap()
}

async fn run(world: &World, sql: &'static str) {
    sqlx::raw_sql(sql).execute(world.pool()).await.unwrap();
}

#[tokio::test]
async fn words_that_are_no_project_are_answered_and_make_none() {
    let world = World::start().await;
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    run(
        &world,
        "INSERT INTO projects (id, name) VALUES ('one', 'Twins'), ('two', 'twins '), \
         (repeat('x', 80), 'Long one')",
    )
    .await;
    let zack = Client::open(&world, "zack").await;
    let long = "y".repeat(65);
    let longer = "z".repeat(3_000);
    for word in [
        "Ünïcode",
        "a b",
        "../../etc",
        "'; DROP TABLE projects; --",
        "<@1> @everyone",
        "UPPER",
        "a:b",
        "``` x",
        long.as_str(),
        longer.as_str(),
    ] {
        let told = setup_of(&world, &zack, word).await;
        assert!(told.says("There is no project"), "{word}: {told:#?}");
        assert!(
            told.buttons.is_empty() && told.pings == 0,
            "{word}: {told:#?}"
        );
    }
    let told = setup_of(&world, &zack, " TWINS").await;
    assert!(told.says("Several projects are called"), "{told:#?}");
    let told = setup_of(&world, &zack, "long ONE").await;
    assert!(told.says("more than 64"), "{told:#?}");
    let told = setup_of(&world, &zack, "  ").await;
    assert!(told.says("this server shows **Front Office**"), "{told:#?}");
    let told = setup_of(&world, &zack, "front office").await;
    assert!(told.says("this server shows **Front Office**"), "{told:#?}");
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM projects")
        .fetch_one(world.pool())
        .await
        .unwrap();
    assert_eq!(count, 4);
}

#[tokio::test]
async fn a_project_that_lives_elsewhere_is_moved_only_from_where_it_was_seen() {
    let world = World::start().await;
    run(
        &world,
        "INSERT INTO projects (id, name) VALUES ('branch', 'Branch *office*'); \
         INSERT INTO bridge.home (project_id, guild_id) VALUES ('branch', 4242)",
    )
    .await;
    let zack = Client::open(&world, "zack").await;
    let card = setup_of(&world, &zack, "branch").await;
    assert!(
        card.says("another server") && card.says("4242"),
        "{card:#?}"
    );
    assert!(card.says("nothing new appears"), "{card:#?}");
    run(&world, "UPDATE bridge.home SET guild_id = 4343").await;
    let act = zack.press(&card, "Move it here").await;
    let card = zack.told(&act).await;
    assert!(
        card.says("in the meantime") && card.says("4343"),
        "{card:#?}"
    );
    assert_eq!(home(&world, "branch").await, Some(4343));

    let act = zack.press(&card, "Move it here").await;
    let here = world.guild().parse().ok();
    eventually("it is written down", || async {
        let home = home(&world, "branch").await;
        if home == here { Ok(()) } else { Err(home) }
    })
    .await;
    let told = zack.told(&act).await;
    assert!(told.says("Branch"), "{told:#?}");
    let by: Option<i64> =
        sqlx::query_scalar("SELECT chosen_by FROM bridge.home WHERE project_id = 'branch'")
            .fetch_one(world.pool())
            .await
            .unwrap();
    assert_eq!(by, zack.person.id.parse().ok());
}

#[tokio::test]
async fn a_new_project_is_made_once_with_the_name_that_was_typed() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let card = setup_of(&world, &zack, "back-office").await;
    assert!(card.says("There is no project `back-office`"), "{card:#?}");
    let other = setup_of(&world, &zack, "back-office").await;
    let form = zack
        .asked(&zack.press(&card, "Create and show it…").await)
        .await;
    let second = zack
        .asked(&zack.press(&other, "Create and show it…").await)
        .await;
    for (form, name) in [(&form, " Back Office "), (&second, "Another name")] {
        let act = zack.fill(form, &[("name", name)]).await;
        let told = zack.told(&act).await;
        assert!(told.says("Back Office"), "{told:#?}");
        assert_eq!(
            home(&world, "back-office").await,
            world.guild().parse().ok()
        );
    }
    let names: Vec<String> =
        sqlx::query_scalar("SELECT name FROM projects WHERE id = 'back-office'")
            .fetch_all(world.pool())
            .await
            .unwrap();
    assert_eq!(names, ["Back Office"]);
    // The one that was there first is shown as before.
    let card = setup(&world, &zack).await;
    assert!(card.says("**Front Office**"), "{card:#?}");
}
