//! The channels of many agents, of agents that go, and of agents that come back.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::harness::person::count;
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

/// A channel as the owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    id: String,
    name: String,
    /// The name of its category.
    parent: Option<String>,
}

async fn channels(world: &World) -> Vec<Seen> {
    let path = format!("/guilds/{}/channels", world.guild());
    let (status, list) = world.person("zack").call(Method::GET, &path, None).await;
    assert!(status.is_success(), "{status} {list}");
    let list = list.as_array().expect("a list");
    let text = |channel: &Value, key: &str| channel[key].as_str().map(str::to_owned);
    let names: BTreeMap<_, _> = list
        .iter()
        .map(|it| (text(it, "id"), text(it, "name")))
        .collect();
    list.iter()
        .map(|it| Seen {
            id: text(it, "id").expect("an id"),
            name: text(it, "name").expect("a name"),
            parent: text(it, "parent_id").and_then(|id| names[&Some(id)].clone()),
        })
        .collect()
}

/// Waits until the only channel of this name stands in this category; its id.
async fn stands_in(world: &World, name: &str, category: &str) -> String {
    eventually(&format!("one {name} in {category}"), || async {
        let all = channels(world).await;
        let of_name: Vec<_> = all.iter().filter(|it| it.name == name).collect();
        match of_name[..] {
            [only] if only.parent.as_deref() == Some(category) => Ok(only.id.clone()),
            _ => Err(all),
        }
    })
    .await
}

fn how_many_in(all: &[Seen], category: &str) -> usize {
    let inside = |it: &&Seen| it.parent.as_deref() == Some(category);
    all.iter().filter(inside).count()
}

async fn add(world: &World, short: &str) {
    sqlx::query(
        "INSERT INTO agents (project_id, agent_key, name, agent_id_short) \
         VALUES ($1, 'agent:' || $2 || ':main', initcap($2), $2)",
    )
    .bind(PROJECT)
    .bind(short)
    .execute(world.pool())
    .await
    .unwrap();
}

async fn remove(world: &World, short: &str) {
    let done = sqlx::query("DELETE FROM agents WHERE agent_key = 'agent:' || $1 || ':main'")
        .bind(short)
        .execute(world.pool())
        .await
        .unwrap();
    assert_eq!(done.rows_affected(), 1);
}

async fn call(world: &World, method: Method, path: &str, body: Option<Value>) -> Value {
    let zack = world.person("zack");
    let (status, answer) = zack.call(method, path, body).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
    answer
}

async fn rows(world: &World, text: &str) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM project_chat_messages WHERE message = $1")
        .bind(text)
        .fetch_one(world.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn sixty_agents_have_channels_in_two_categories_and_a_free_place_is_taken_first() {
    let mut world = World::without_bridge().await;
    sqlx::query(
        "INSERT INTO agents (project_id, agent_key, name, agent_id_short, created_at) \
         SELECT $1, 'agent:a' || n || ':main', 'A' || n, 'a' || n, now() + n * interval '1 s' \
         FROM generate_series(1, 58) AS n",
    )
    .bind(PROJECT)
    .execute(world.pool())
    .await
    .unwrap();
    // At Discord's pace it would take a minute and a half.
    world.fault(json!({ "rate_limits": "off" })).await;
    world.start_bridge();
    let all = eventually("all channels", || async {
        let all = channels(&world).await;
        let counts = (how_many_in(&all, "DMs"), how_many_in(&all, "DMs 2"));
        if counts == (50, 10) {
            Ok(all)
        } else {
            Err(counts)
        }
    })
    .await;
    assert!(all.iter().all(|it| it.name != "Archive"), "{all:#?}");
    let last = stands_in(&world, "dm-a58", "DMs 2").await;
    let zack = world.person("zack");
    eventually("a message to the last", || async {
        zack.say(&last, "can you hear me?").await;
        let asked = "SELECT count(*) FROM chat_delivery_queue \
                     WHERE target_agent_key = 'agent:a58:main'";
        let count: i64 = sqlx::query_scalar(asked)
            .fetch_one(world.pool())
            .await
            .unwrap();
        (count > 0).then_some(()).ok_or(count)
    })
    .await;

    remove(&world, "a1").await;
    let gone = stands_in(&world, "dm-a1", "Archive").await;
    add(&world, "zoe").await;
    stands_in(&world, "dm-zoe", "DMs").await;
    // The first category is full again.
    add(&world, "a1").await;
    assert_eq!(stands_in(&world, "dm-a1", "DMs 2").await, gone);
    let before = channels(&world).await;
    world.stop_bridge();
    world.start_bridge();
    assert_eq!(channels(&world).await, before, "nothing moves without need");
}

#[tokio::test]
async fn a_channel_is_archived_with_its_agent_and_comes_back_with_it() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, "before you go").await;
    zack.sees(&dm, "Ricky's answer", |seen| {
        seen.iter().any(|m| m.name == "Ricky")
    })
    .await;
    let before = zack.read(&dm).await;
    remove(&world, "ricky").await;
    assert_eq!(stands_in(&world, "dm-ricky", "Archive").await, dm);
    assert_eq!(zack.read(&dm).await, before, "everything stays in it");
    // What is written before the bridge has closed it still counts as said to Ricky.
    world
        .database_says(
            "SELECT count(*) FROM bridge.channel \
             WHERE surface = 'dm-ricky' AND closed_at IS NOT NULL",
            1_i64,
        )
        .await;

    let told = |seen: &[crate::harness::person::Seen]| {
        let text = "its agent is not in the team any more";
        seen.iter().filter(|m| m.text.contains(text)).count()
    };
    zack.say(&dm, "are you there?").await;
    zack.sees(&dm, "that nobody is", |seen| told(seen) == 1)
        .await;
    zack.say(&dm, "really not?").await;
    world.person("mallory").say(&dm, "where is he?").await;
    zack.sees(&dm, "that mallory is told as well", |seen| told(seen) == 2)
        .await;

    add(&world, "ricky").await;
    assert_eq!(stands_in(&world, "dm-ricky", "DMs").await, dm);
    eventually("a message that is taken again", || async {
        zack.say(&dm, "welcome back").await;
        let taken = rows(&world, "welcome back").await;
        (taken > 0).then_some(()).ok_or(taken)
    })
    .await;
    zack.sees(&dm, "Ricky's answer", |seen| {
        seen.iter()
            .any(|m| m.name == "Ricky" && m.text.contains("welcome back"))
    })
    .await;
    for text in ["are you there?", "really not?", "where is he?"] {
        assert_eq!(rows(&world, text).await, 0, "{text}");
    }
}

#[tokio::test]
async fn an_archive_that_a_person_deletes_is_made_again() {
    let world = World::start().await;
    let (zack, dm) = (world.person("zack"), world.channel("dm-ricky"));
    zack.say(&dm, "to be kept").await;
    remove(&world, "ricky").await;
    stands_in(&world, "dm-ricky", "Archive").await;
    let all = channels(&world).await;
    let archive = all.iter().find(|it| it.name == "Archive").unwrap();
    call(
        &world,
        Method::DELETE,
        &format!("/channels/{}", archive.id),
        None,
    )
    .await;
    assert_eq!(stands_in(&world, "dm-ricky", "Archive").await, dm);
    assert_eq!(count(&zack.read(&dm).await, "to be kept"), 1);
    add(&world, "ricky").await;
    assert_eq!(stands_in(&world, "dm-ricky", "DMs").await, dm);
}

#[tokio::test]
async fn a_channel_that_a_person_has_moved_is_left_where_they_want_it() {
    let world = World::start().await;
    let dm = world.channel("dm-ricky");
    let all = channels(&world).await;
    let home = all.iter().find(|it| it.name == "Mission Control").unwrap();
    let body = json!({ "parent_id": home.id });
    call(
        &world,
        Method::PATCH,
        &format!("/channels/{dm}"),
        Some(body),
    )
    .await;
    // Each makes the bridge look at all channels.
    add(&world, "nova").await;
    stands_in(&world, "dm-nova", "DMs").await;
    remove(&world, "nova").await;
    stands_in(&world, "dm-nova", "Archive").await;
    assert_eq!(stands_in(&world, "dm-ricky", "Mission Control").await, dm);
}

#[tokio::test]
async fn a_server_that_takes_no_more_channels_is_told_once_and_everything_else_works() {
    let mut world = World::start().await;
    let path = format!("/guilds/{}/channels", world.guild());
    let zack = world.person("zack");
    let mut fillers = Vec::new();
    world.fault(json!({ "rate_limits": "off" })).await;
    loop {
        let body = json!({ "name": "filler", "type": 4 });
        let (status, answer) = zack.call(Method::POST, &path, Some(body)).await;
        if status == StatusCode::BAD_REQUEST {
            break assert_eq!(answer["code"], 30013, "{answer}");
        }
        fillers.push(answer["id"].as_str().expect("an id").to_owned());
    }
    add(&world, "nova").await;
    eventually("a line in the log", || async {
        let log = world.log();
        let said = log.matches("there is no channel dm-nova").count();
        (said == 1).then_some(()).ok_or(said)
    })
    .await;
    let dm = world.channel("dm-ricky");
    zack.say(&dm, "business as usual?").await;
    zack.sees(&dm, "Ricky's answer", |seen| {
        seen.iter().any(|m| m.name == "Ricky")
    })
    .await;
    assert_eq!(world.log().matches("there is no channel").count(), 1);

    // A start works as well, and with room the channel is there.
    world.stop_bridge();
    world.start_bridge();
    for filler in &fillers[..2] {
        call(&world, Method::DELETE, &format!("/channels/{filler}"), None).await;
    }
    add(&world, "zoe").await;
    stands_in(&world, "dm-nova", "DMs").await;
    stands_in(&world, "dm-zoe", "DMs").await;
}
