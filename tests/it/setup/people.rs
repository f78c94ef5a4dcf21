//! Operators are chosen, and what they press counts from then on.

use reqwest::Method;

use super::{MANAGE_SERVER, choose, chosen, fresh, manager, setup};
use crate::approvals::stage::{Stage, task};
use crate::harness::client::Client;
use crate::harness::world::World;

/// Proposes a task, and approves it as this person: what they are told, if they may not.
async fn approve(stage: &Stage, who: &Client, title: &str) -> Option<String> {
    let decided = "SELECT count(*) FROM bridge.decision";
    let count = async || -> i64 {
        let count = sqlx::query_scalar(decided);
        count.fetch_one(stage.world.pool()).await.unwrap()
    };
    let before = count().await;
    stage.propose(&task(title)).await;
    let card = stage.open_card(title).await;
    let act = who.press(&card, "Approve").await;
    let told = who.told(&act).await;
    (count().await == before).then_some(told.content)
}

#[tokio::test]
async fn the_owner_chooses_people_and_their_presses_count_until_they_are_taken_out() {
    let stage = fresh().await;
    let (world, zack) = (&stage.world, &stage.zack);
    let mallory = Client::open(world, "mallory").await;
    assert!(world.log().contains("/setup"), "{}", world.log());
    assert!(approve(&stage, zack, "Before").await.is_some());

    let card = setup(world, zack).await;
    assert!(card.says("Nobody is an operator"), "{card:#?}");
    let (zack_id, mallory_id) = (zack.person.id.clone(), mallory.person.id.clone());
    let card = choose(zack, &card, "user", &[&zack_id, &mallory_id]).await;
    assert!(card.says("may decide from now on"), "{card:#?}");
    let mut both = [format!("user {zack_id}"), format!("user {mallory_id}")];
    both.sort();
    assert_eq!(chosen(world).await, both);
    let list = card.list("setup:user:");
    assert_eq!(list.chosen, [zack_id.clone(), mallory_id.clone()]);
    assert_eq!(approve(&stage, &mallory, "Paint the fence").await, None);

    let card = choose(zack, &card, "user", &[&zack_id]).await;
    assert!(card.says("may not decide any more"), "{card:#?}");
    let refused = approve(&stage, &mallory, "Sell the house").await;
    assert!(refused.is_some_and(|told| told.contains("Only operators")));
    assert_eq!(approve(&stage, zack, "Buy milk").await, None);

    let told: Vec<String> = sqlx::query_scalar(
        "SELECT message FROM activities WHERE type = 'operators_changed' ORDER BY created_at",
    )
    .fetch_all(world.pool())
    .await
    .unwrap();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains("zack") && told[0].contains("mallory") && told[0].contains(&mallory_id),
        "{told:?}"
    );
    assert!(
        told[1].contains("taken out") && told[1].contains(&mallory_id),
        "{told:?}"
    );
}

#[tokio::test]
async fn whoever_has_a_chosen_role_decides_and_a_restart_forgets_nobody() {
    let mut stage = fresh().await;
    let mallory = Client::open(&stage.world, "mallory").await;
    let role = stage
        .world
        .give_role(&mallory.person.id, "Deciders", "0")
        .await;
    let card = setup(&stage.world, &stage.zack).await;
    let card = choose(&stage.zack, &card, "role", &[&role]).await;
    assert!(card.says("may decide from now on"), "{card:#?}");
    let listed = &card.list("setup:role:").chosen;
    assert_eq!(listed.iter().collect::<Vec<_>>(), [&role]);
    assert_eq!(chosen(&stage.world).await, [format!("role {role}")]);
    assert_eq!(approve(&stage, &mallory, "Paint the fence").await, None);
    // Having been let in by a role is enough for agents as well.
    let told = mallory
        .used(
            &stage.dm(),
            "ask",
            &[("agent", "main"), ("message", "Hello")],
        )
        .await;
    assert!(!told.says("Only operators"), "{told:#?}");

    stage.world.stop_bridge();
    stage.world.start_bridge();
    let log = stage.world.log();
    let last = log.rsplit("ready\n").nth(1).unwrap_or(&log);
    assert!(!last.contains("Nobody may approve"), "{log}");
    assert_eq!(approve(&stage, &mallory, "Buy milk").await, None);
}

#[tokio::test]
async fn a_chosen_role_that_was_deleted_is_named_and_goes_with_the_next_choice() {
    let stage = fresh().await;
    let (world, zack) = (&stage.world, &stage.zack);
    let mallory = Client::open(world, "mallory").await;
    let mut roles = Vec::new();
    for name in ["Deciders", "Others"] {
        roles.push(world.give_role(&mallory.person.id, name, "0").await);
    }
    let card = setup(world, zack).await;
    let card = choose(zack, &card, "role", &[&roles[0], &roles[1]]).await;
    assert_eq!(card.list("setup:role:").chosen, roles);
    let path = format!("/guilds/{}/roles/{}", world.guild(), roles[0]);
    let deleted = zack.person.call(Method::DELETE, &path, None).await;
    assert!(deleted.0.is_success(), "{deleted:?}");

    let card = setup(world, zack).await;
    assert!(card.says("One of these roles is gone"), "{card:#?}");
    assert_eq!(card.list("setup:role:").chosen, roles[1..]);
    assert_eq!(approve(&stage, &mallory, "Paint the fence").await, None);
    let third = world.give_role(&mallory.person.id, "Third", "0").await;
    let card = choose(zack, &card, "role", &[&roles[1], &third]).await;
    assert!(card.says("may not decide any more"), "{card:#?}");
    assert!(!card.says("gone from this server"), "{card:#?}");
    let mut left = [format!("role {}", roles[1]), format!("role {third}")];
    left.sort();
    assert_eq!(chosen(world).await, left);
}

#[tokio::test]
async fn who_was_chosen_talks_to_agents_own_bots_at_once() {
    let stage = crate::bots::stage::Stage::start().await;
    let zack = Client::open(&stage.world, "zack").await;
    let mallory = stage.world.person("mallory");
    let private = mallory.opens(&stage.ricky.bot).await;
    mallory.say(&private, "let me in").await;
    mallory
        .sees(&private, "a refusal", |seen| {
            seen.iter()
                .any(|it| it.text.contains("only talk to operators"))
        })
        .await;
    let card = setup(&stage.world, &zack).await;
    choose(&zack, &card, "user", &[&mallory.id]).await;
    mallory.say(&private, "and now").await;
    stage.answered(&stage.dm(), "and now").await;
    let seen = stage.zack.read(&stage.dm()).await;
    assert!(seen.iter().all(|it| it.text != "let me in"), "{seen:#?}");
}

#[tokio::test]
async fn who_was_chosen_elsewhere_counts_within_a_minute() {
    let stage = fresh().await;
    let mallory = Client::open(&stage.world, "mallory").await;
    sqlx::query(
        "INSERT INTO bridge.operator (project_id, kind, discord_id) VALUES ('front-office', 'user', $1)",
    )
    .bind(mallory.person.id.parse::<i64>().unwrap())
    .execute(stage.world.pool())
    .await
    .unwrap();
    let begun = std::time::Instant::now();
    while approve(&stage, &mallory, "Paint the fence").await.is_some() {
        assert!(begun.elapsed().as_secs() < 60, "it does not count");
        sqlx::query("DELETE FROM project_chat_messages WHERE metadata IS NOT NULL")
            .execute(stage.world.pool())
            .await
            .unwrap();
        let zack = &stage.zack.person;
        zack.sees_no_card(&stage.approvals(), "Paint the fence")
            .await;
    }
}

#[tokio::test]
async fn the_last_operator_stays_where_the_configuration_names_nobody() {
    let stage = fresh().await;
    let (world, zack) = (&stage.world, &stage.zack);
    let card = setup(world, zack).await;
    let id = zack.person.id.clone();
    let card = choose(zack, &card, "user", &[&id]).await;
    assert!(card.says("one operator has to stay"), "{card:#?}");
    let card = choose(zack, &card, "user", &[]).await;
    assert!(card.says("cannot be taken out"), "{card:#?}");
    assert_eq!(chosen(world).await, [format!("user {id}")]);
    // With a role in his place he may go.
    let role = world.give_role(&id, "Deciders", "0").await;
    let card = choose(zack, &card, "role", &[&role]).await;
    let card = choose(zack, &card, "user", &[]).await;
    assert!(card.says("may not decide any more"), "{card:#?}");
    assert_eq!(chosen(world).await, [format!("role {role}")]);
}

#[tokio::test]
async fn who_takes_themselves_out_is_told_and_shown_nothing_more() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let mallory = manager(&world, "mallory").await;
    let card = setup(&world, &zack).await;
    assert!(card.says("not to be changed here"), "{card:#?}");
    choose(&zack, &card, "user", &[&mallory.person.id]).await;
    let card = setup(&world, &mallory).await;
    let told = choose(&mallory, &card, "user", &[]).await;
    assert!(
        told.says("no operator any more") && told.lists.is_empty(),
        "{told:#?}"
    );
    assert!(chosen(&world).await.is_empty());
    let told = setup(&world, &mallory).await;
    assert!(told.says("is for operators"), "{told:#?}");
}

#[tokio::test]
async fn bots_and_everyone_are_no_operators() {
    let stage = fresh().await;
    let (world, zack) = (&stage.world, &stage.zack);
    let bot = world.make_application("Helper").await.bot;
    let card = setup(world, zack).await;
    let card = choose(zack, &card, "user", &[&zack.person.id, &bot]).await;
    assert!(card.says("Helper is a bot"), "{card:#?}");
    let card = choose(zack, &card, "role", &[world.guild()]).await;
    assert!(card.says("@everyone would let"), "{card:#?}");
    assert!(chosen(world).await.is_empty());
}

#[tokio::test]
async fn of_two_who_choose_at_once_one_is_told_and_nothing_is_lost() {
    let world = World::start().await;
    let zack = Client::open(&world, "zack").await;
    let mallory = manager(&world, "mallory").await;
    let card = setup(&world, &zack).await;
    choose(&zack, &card, "user", &[&mallory.person.id]).await;
    let roles = [
        world.give_role(&zack.person.id, "One", MANAGE_SERVER).await,
        world.give_role(&zack.person.id, "Two", MANAGE_SERVER).await,
    ];
    let cards = [setup(&world, &zack).await, setup(&world, &mallory).await];
    let (one, two) = ([roles[0].as_str()], [roles[1].as_str()]);
    let (first, second) = tokio::join!(
        choose(&zack, &cards[0], "role", &one),
        choose(&mallory, &cards[1], "role", &two),
    );
    let counts = |card: &crate::harness::card::Card| card.says("may decide from now on");
    assert!(counts(&first) != counts(&second), "{first:#?} {second:#?}");
    let (winner, loser) = if counts(&first) {
        (0, &second)
    } else {
        (1, &first)
    };
    assert!(loser.says("in the meantime"), "{loser:#?}");
    assert_eq!(loser.list("setup:role:").chosen, [roles[winner].clone()]);
    let listed = chosen(&world).await;
    assert!(
        listed.contains(&format!("role {}", roles[winner])),
        "{listed:?}"
    );
    assert_eq!(listed.len(), 2, "{listed:?}");

    // The same choice on two old cards is one choice.
    let old = [setup(&world, &zack).await, setup(&world, &zack).await];
    choose(&zack, &old[0], "role", &[]).await;
    let again = choose(&zack, &old[1], "role", &[]).await;
    assert!(again.says("it was so already"), "{again:#?}");
    assert_eq!(
        chosen(&world).await,
        [format!("user {}", mallory.person.id)]
    );
}
