//! The mission: written from Discord or anywhere else, pinned in `#activity`, in the topic of
//! `#team-room`, and true.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::person::{Person, Seen};
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

const TITLE: &str = "🎯 **Mission**";

/// Every permission but Pin Messages and Administrator.
const NO_PINS: u64 = !(1 << 51) & !(1 << 3) & ((1 << 53) - 1);

/// Gives `/mission set`, and reads the answer.
async fn set(client: &Client, channel: &str, text: &str) -> crate::harness::card::Card {
    client
        .sub(channel, ("mission", "set"), &[("text", text)])
        .await
}

/// Writes the row as a dashboard does.
async fn write(world: &World, text: &str) {
    sqlx::query(
        "INSERT INTO brain_docs (project_id, agent_key, doc_type, content, updated_by, updated_at) \
         VALUES ($1, 'project', 'mission', $2, 'ui', now() - interval '1 minute') \
         ON CONFLICT (project_id, agent_key, doc_type) DO UPDATE SET content = excluded.content, \
             updated_by = 'ui'",
    )
    .bind(PROJECT)
    .bind(text)
    .execute(world.pool())
    .await
    .expect("the mission can be written");
}

/// Waits for the one banner to say something.
async fn banner(world: &World, person: &Person, says: &str) -> Seen {
    let is_banner = |it: &&Seen| it.text.starts_with(TITLE);
    let seen = person
        .sees(&world.channel("activity"), says, |seen| {
            let banners: Vec<_> = seen.iter().filter(is_banner).collect();
            matches!(banners.as_slice(), [only] if only.text.contains(says))
        })
        .await;
    seen.iter().find(is_banner).expect("it is there").clone()
}

async fn pins(world: &World, person: &Person) -> Vec<String> {
    let path = format!("/channels/{}/messages/pins", world.channel("activity"));
    let (status, pins) = person.call(Method::GET, &path, None).await;
    assert!(status.is_success(), "{status} {pins}");
    let items = pins["items"].as_array().expect("a list of pins");
    let id = |item: &Value| {
        item["message"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    items.iter().map(id).collect()
}

/// Waits until exactly this message is pinned.
async fn pinned(world: &World, person: &Person, message: &str) {
    eventually("the banner is pinned", || async {
        let pins = pins(world, person).await;
        if pins == [message] { Ok(()) } else { Err(pins) }
    })
    .await;
}

/// Waits until the topic of the room says something.
async fn topic(world: &World, person: &Person, says: &str) {
    let path = format!("/channels/{}", world.channel("team-room"));
    eventually(&format!("a topic with {says:?}"), || async {
        let (_, channel) = person.call(Method::GET, &path, None).await;
        let topic = channel["topic"].as_str().unwrap_or_default();
        if topic.contains(says) {
            Ok(())
        } else {
            Err(topic.to_owned())
        }
    })
    .await;
}

#[tokio::test]
async fn an_operator_writes_it_and_everybody_sees_it_pinned_and_in_the_topic() {
    let world = World::start().await;
    let (client, status) = (Client::open(&world, "zack").await, world.channel("status"));
    let zack = world.person("zack");
    let told = client.sub(&status, ("mission", "show"), &[]).await;
    assert!(told.says("There is no mission yet"), "{told:?}");
    let told = set(&client, &status, "  Open the *shop* by spring  ").await;
    assert!(told.says("This is the mission now"), "{told:?}");
    world
        .database_says(
            "SELECT content FROM brain_docs WHERE doc_type = 'mission' AND agent_key = 'project'",
            "Open the *shop* by spring".to_owned(),
        )
        .await;
    let shown = banner(&world, &zack, "Open the \\*shop\\* by spring").await;
    pinned(&world, &zack, &shown.id).await;
    topic(&world, &zack, "🎯 Open the").await;
    let told = client.sub(&status, ("mission", "show"), &[]).await;
    assert!(told.says("by spring") && told.says("Since <t:"), "{told:?}");
    let told = set(&client, &status, "Open the *shop* by spring").await;
    assert!(told.says("already"), "{told:?}");

    // A dashboard changes it: the same message says so.
    write(&world, "Open two shops").await;
    let now = banner(&world, &zack, "Open two shops").await;
    assert_eq!(now.id, shown.id, "it is edited");
    topic(&world, &zack, "Open two shops").await;
    pinned(&world, &zack, &shown.id).await;
}

#[tokio::test]
async fn what_is_no_mission_is_refused_and_so_is_who_may_not_write_it() {
    let world = World::start().await;
    let (client, status) = (Client::open(&world, "zack").await, world.channel("status"));
    let told = set(&client, &status, &"ä".repeat(201)).await;
    assert!(
        told.says("200 characters at most, and this one has 201"),
        "{told:?}"
    );
    let told = set(&client, &status, "   ").await;
    assert!(told.says("needs words"), "{told:?}");
    let told = set(&client, &status, "_No mission yet_").await;
    assert!(told.says("cannot begin"), "{told:?}");
    let mallory = Client::open(&world, "mallory").await;
    let told = set(&mallory, &status, "Mine").await;
    assert!(told.says("Only operators"), "{told:?}");
    world
        .database_says(
            "SELECT count(*) FROM brain_docs WHERE doc_type = 'mission'",
            0_i64,
        )
        .await;
    let told = set(&client, &status, &"ä".repeat(200)).await;
    assert!(told.says("This is the mission now"), "{told:?}");
}

#[tokio::test]
async fn of_two_who_write_at_once_the_second_is_told_what_is_there() {
    let mut world = World::without_bridge().await;
    let mallory = world.person("mallory").id;
    let operators = format!("{},{mallory}", world.person("zack").id);
    world.set("OPERATOR_IDS", &operators);
    world.start_bridge();
    let status = world.channel("status");
    let zack = Client::open(&world, "zack").await;
    let mallory = Client::open(&world, "mallory").await;
    let (one, other) = tokio::join!(
        set(&zack, &status, "The shop of zack"),
        set(&mallory, &status, "The shop of mallory")
    );
    let saved = [&one, &other].map(|it| it.says("This is the mission now"));
    assert_eq!(
        saved.iter().filter(|it| **it).count(),
        1,
        "{one:?} {other:?}"
    );
    let (told, there) = if saved[0] {
        (&other, "The shop of zack")
    } else {
        (&one, "The shop of mallory")
    };
    assert!(
        told.says("yours is not saved") && told.says(there),
        "{told:?}"
    );
    world
        .database_says(
            "SELECT content FROM brain_docs WHERE doc_type = 'mission'",
            there.to_owned(),
        )
        .await;
}

#[tokio::test]
async fn a_banner_that_is_unpinned_deleted_or_old_comes_back() {
    let mut world = World::start().await;
    let zack = world.person("zack");
    let bot = Person::bot(world.discord());
    let activity = world.channel("activity");
    write(&world, "Never give up").await;
    let first = banner(&world, &zack, "Never give up").await;
    pinned(&world, &zack, &first.id).await;

    let path = format!("/channels/{activity}/messages/pins/{}", first.id);
    bot.call(Method::DELETE, &path, None).await;
    pinned(&world, &zack, &first.id).await;

    let path = format!("/channels/{activity}/messages/{}", first.id);
    bot.call(Method::DELETE, &path, None).await;
    let second = banner(&world, &zack, "Never give up").await;
    assert_ne!(second.id, first.id);
    pinned(&world, &zack, &second.id).await;

    // The same while nobody listens.
    world.stop_bridge();
    let path = format!("/channels/{activity}/messages/{}", second.id);
    bot.call(Method::DELETE, &path, None).await;
    world.start_bridge();
    let third = banner(&world, &zack, "Never give up").await;
    pinned(&world, &zack, &third.id).await;
}

#[tokio::test]
async fn the_mission_follows_the_row_until_it_is_gone() {
    let world = World::start().await;
    let zack = world.person("zack");
    // A drifted database has it under another key.
    sqlx::query(
        "INSERT INTO brain_docs (project_id, agent_key, doc_type, content) \
         VALUES ($1, 'agent:main:main', 'mission', 'The old place')",
    )
    .bind(PROJECT)
    .execute(world.pool())
    .await
    .unwrap();
    banner(&world, &zack, "The old place").await;
    write(&world, "The right place").await;
    banner(&world, &zack, "The right place").await;
    topic(&world, &zack, "The right place").await;
    world
        .sql("DELETE FROM brain_docs WHERE doc_type = 'mission'")
        .await;
    zack.sees(&world.channel("activity"), "no banner", |seen| {
        !seen.iter().any(|it| it.text.starts_with(TITLE))
    })
    .await;
}

#[tokio::test]
async fn a_burst_of_changes_ends_with_the_last_one_and_asks_for_two_topics_at_most() {
    let world = World::start().await;
    let zack = world.person("zack");
    for round in 0..20 {
        write(&world, &format!("Round {round}.")).await;
    }
    write(&world, "The last one").await;
    banner(&world, &zack, "The last one").await;
    let client = Client::open(&world, "zack").await;
    let told = client
        .sub(&world.channel("status"), ("mission", "show"), &[])
        .await;
    assert!(told.says("The last one"), "{told:?}");
    let room = world.channel("team-room");
    let topics = |it: &&Value| {
        let text = it.to_string();
        text.contains("PATCH") && text.contains("topic") && text.contains(&room)
    };
    let asked = world.requests().await;
    let asked: Vec<_> = asked.iter().filter(topics).collect();
    assert!((1..=2).contains(&asked.len()), "{asked:#?}");
}

#[tokio::test]
async fn a_mission_of_ten_thousand_characters_and_one_of_a_megabyte_are_cut() {
    let world = World::start().await;
    let zack = world.person("zack");
    write(&world, &format!("Long {}", "@everyone ".repeat(1_000))).await;
    let shown = banner(&world, &zack, "Long \\@everyone").await;
    assert!(shown.text.chars().count() < 1_000, "{}", shown.text);
    topic(&world, &zack, "Long \\@everyone").await;
    write(&world, &format!("Huge {}", "x".repeat(1024 * 1024))).await;
    let shown = banner(&world, &zack, "Huge xxx").await;
    assert!(shown.text.ends_with('…'), "{}", shown.text);
    write(&world, "Short again").await;
    banner(&world, &zack, "Short again").await;
}

#[tokio::test]
async fn with_the_feature_off_nothing_new_appears_and_with_it_on_it_is_true_at_once() {
    let mut world = World::without_bridge().await;
    world.sql("UPDATE project_settings SET value = '{\"team_room\": true}' WHERE key = 'labs_features'").await;
    write(&world, "Unseen").await;
    world.start_bridge();
    let (zack, activity) = (world.person("zack"), world.channel("activity"));
    let client = Client::open(&world, "zack").await;
    let told = set(&client, &activity, "Nobody sees this").await;
    assert!(told.says("mission_banner"), "{told:?}");
    zack.sees(
        &activity,
        "the activity alone",
        |seen| matches!(seen, [only] if only.text.contains("changed the mission")),
    )
    .await;
    let told = client.sub(&activity, ("mission", "show"), &[]).await;
    assert!(told.says("It is shown nowhere else"), "{told:?}");
    world
        .sql("UPDATE project_settings SET value = '{\"team_room\": true, \"mission_banner\": true}' WHERE key = 'labs_features'")
        .await;
    let shown = banner(&world, &zack, "Nobody sees this").await;
    pinned(&world, &zack, &shown.id).await;
    topic(&world, &zack, "Nobody sees this").await;
    world
        .sql("UPDATE project_settings SET value = '{\"team_room\": true}' WHERE key = 'labs_features'")
        .await;
    client.sub(&activity, ("mission", "show"), &[]).await;
    eventually("the flag is off", || async {
        let told = client.sub(&activity, ("mission", "show"), &[]).await;
        if told.says("nowhere else") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    write(&world, "Changed meanwhile").await;
    sqlx::query(
        "INSERT INTO activities (project_id, type, message) VALUES ($1, 'build_update', 'a sign')",
    )
    .bind(PROJECT)
    .execute(world.pool())
    .await
    .unwrap();
    zack.sees(&activity, "a sign", |seen| {
        seen.iter().any(|it| it.text.contains("a sign"))
    })
    .await;
    banner(&world, &zack, "Nobody sees this").await;
}

#[tokio::test]
async fn without_the_right_to_pin_the_banner_stands_there_and_the_answer_says_why() {
    let world = World::start().await;
    let (zack, status) = (world.person("zack"), world.channel("status"));
    world
        .application(json!({ "permissions": NO_PINS.to_string() }))
        .await;
    write(&world, "Stand without a pin").await;
    banner(&world, &zack, "Stand without a pin").await;
    topic(&world, &zack, "Stand without a pin").await;
    let client = Client::open(&world, "zack").await;
    eventually("the answer names the permission", || async {
        let told = client.sub(&status, ("mission", "show"), &[]).await;
        if told.says("Pin Messages") {
            Ok(())
        } else {
            Err(told)
        }
    })
    .await;
    assert!(pins(&world, &zack).await.is_empty());
}
