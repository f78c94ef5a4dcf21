//! The channels of Mission Control: made once, kept whole, never lost with what is said in them.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::person::count;
use crate::harness::wait::eventually;
use crate::harness::world::{PROJECT, World};

/// Every channel of the server by its id, as the owner sees it.
async fn channels(world: &World) -> BTreeMap<String, String> {
    let path = format!("/guilds/{}/channels", world.guild());
    let (status, list) = world.person("zack").call(Method::GET, &path, None).await;
    assert!(status.is_success(), "{status} {list}");
    let channel = |channel: &Value| {
        let text = |key: &str| channel[key].as_str().unwrap_or_default().to_owned();
        (text("id"), text("name"))
    };
    list.as_array()
        .expect("a list")
        .iter()
        .map(channel)
        .collect()
}

/// The only channel of this name that is none of `gone`.
async fn new_channel(world: &World, name: &str, gone: &[&str]) -> String {
    eventually(&format!("one new channel {name}"), || async {
        let all = channels(world).await;
        let mut found = all
            .iter()
            .filter(|(id, its_name)| its_name.as_str() == name && !gone.contains(&id.as_str()));
        match (found.next(), found.next()) {
            (Some((id, _)), None) => Ok(id.clone()),
            _ => Err(all),
        }
    })
    .await
}

async fn delete(world: &World, path: &str) {
    let (status, answer) = world.person("zack").call(Method::DELETE, path, None).await;
    assert!(status.is_success(), "{path}: {status} {answer}");
}

/// The id of the webhook that speaks in a channel.
async fn webhook(world: &World, channel: &str) -> String {
    let path = format!("/channels/{channel}/webhooks");
    let (status, list) = world.person("zack").call(Method::GET, &path, None).await;
    assert!(status.is_success(), "{status} {list}");
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    list[0]["id"].as_str().expect("an id").to_owned()
}

/// Which of these texts Discord took from the bot, in its order.
async fn taken(world: &World, texts: &[String]) -> Vec<String> {
    let requests = world.requests().await;
    requests
        .iter()
        .filter(|request| request["status"] == 200 && request["method"] == "POST")
        .filter_map(|request| request["body"]["content"].as_str())
        .filter(|text| texts.iter().any(|wanted| wanted == text))
        .map(str::to_owned)
        .collect()
}

async fn insert_all(world: &World, texts: &[String]) {
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, author, message, created_at) \
         SELECT $1, 'agent:main:main', t, now() + n * interval '1 ms' \
         FROM unnest($2::text[]) WITH ORDINALITY AS l(t, n)",
    )
    .bind(PROJECT)
    .bind(texts)
    .execute(world.pool())
    .await
    .expect("the database takes messages");
}

#[tokio::test]
async fn channels_and_webhooks_are_made_once() {
    let mut world = World::start().await;
    let made = channels(&world).await;
    let mut names: Vec<&str> = made.values().map(String::as_str).collect();
    names.sort_unstable();
    let wanted = [
        "DMs",
        "Mission Control",
        "activity",
        "approvals",
        "dm-main",
        "dm-ricky",
        "general",
        "status",
        "tasks",
        "team-room",
    ];
    assert_eq!(names, wanted);
    let room = world.channel("team-room");
    let speaker = webhook(&world, &room).await;

    world.stop_bridge();
    world.start_bridge();
    world.insert("agent:main:main", "the same room").await;
    let zack = world.person("zack");
    zack.sees(&room, "a message after the second start", |seen| {
        count(seen, "the same room") == 1
    })
    .await;
    assert_eq!(channels(&world).await, made);
    assert_eq!(webhook(&world, &room).await, speaker);
}

#[tokio::test]
async fn a_deleted_channel_is_made_again_and_messages_flow_both_ways() {
    let world = World::start().await;
    let zack = world.person("zack");
    for (name, agent) in [("team-room", None), ("dm-ricky", Some("Ricky"))] {
        let old = world.channel(name);
        zack.say(&old, "before").await;
        delete(&world, &format!("/channels/{old}")).await;
        let new = new_channel(&world, name, &[&old]).await;
        if let Some(agent) = agent {
            zack.say(&new, "are you still there?").await;
            zack.sees(&new, "the agent's answer", |seen| {
                seen.iter()
                    .any(|m| m.name == agent && m.text.contains("are you still there?"))
            })
            .await;
            continue;
        }
        zack.say(&new, "said in the new room").await;
        world
            .database_says(
                "SELECT count(*) FROM project_chat_messages WHERE message = 'said in the new room'",
                1_i64,
            )
            .await;
        world
            .insert("agent:main:main", "heard in the new room")
            .await;
        zack.sees(&new, "the row", |seen| {
            count(seen, "heard in the new room") == 1
        })
        .await;
    }
}

#[tokio::test]
async fn a_deleted_category_is_made_again_and_its_rooms_stay_what_they_are() {
    let world = World::start().await;
    let room = world.channel("team-room");
    let before = channels(&world).await;
    let (category, _) = before
        .iter()
        .find(|(_, name)| name.as_str() == "Mission Control")
        .expect("a category");
    delete(&world, &format!("/channels/{category}")).await;
    new_channel(&world, "Mission Control", &[category]).await;
    world.insert("agent:main:main", "still here").await;
    let zack = world.person("zack");
    zack.sees(&room, "a message in the same room", |seen| {
        count(seen, "still here") == 1
    })
    .await;
    assert_eq!(channels(&world).await.len(), before.len());
}

#[tokio::test]
async fn a_deleted_webhook_is_replaced_and_the_message_being_written_arrives_once() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    world
        .insert("agent:main:main", "with the first webhook")
        .await;
    zack.sees(&room, "the first", |seen| {
        count(seen, "with the first webhook") == 1
    })
    .await;
    let first = webhook(&world, &room).await;
    // The message is on its way when the webhook goes, and long enough for the repair to be over.
    world
        .fault(json!({
            "route": "POST /webhooks/{webhook_id}/{webhook_token}", "count": 1, "delay_ms": 3000,
        }))
        .await;
    world.insert("agent:main:main", "on its way").await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state = 'sending'",
            1_i64,
        )
        .await;
    delete(&world, &format!("/webhooks/{first}")).await;
    world.insert("agent:main:main", "after it").await;
    let seen = zack
        .sees(&room, "both messages", |seen| {
            count(seen, "on its way") > 0 && count(seen, "after it") > 0
        })
        .await;
    let texts: Vec<&str> = seen.iter().map(|m| m.text.as_str()).collect();
    assert_eq!(texts, ["with the first webhook", "on its way", "after it"]);
    assert_ne!(webhook(&world, &room).await, first);
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
}

#[tokio::test]
async fn messages_of_a_webhook_that_is_gone_still_follow_their_rows() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let changed = world.insert("agent:main:main", "to be changed").await;
    let removed = world.insert("agent:main:main", "to be removed").await;
    zack.sees(&room, "both", |seen| seen.len() == 2).await;
    let first = webhook(&world, &room).await;
    delete(&world, &format!("/webhooks/{first}")).await;
    world.insert("agent:main:main", "by the next webhook").await;
    zack.sees(&room, "the next webhook at work", |seen| {
        count(seen, "by the next webhook") == 1
    })
    .await;

    sqlx::query("UPDATE project_chat_messages SET message = 'changed' WHERE id = $1")
        .bind(changed)
        .execute(world.pool())
        .await
        .unwrap();
    sqlx::query("DELETE FROM project_chat_messages WHERE id = $1")
        .bind(removed)
        .execute(world.pool())
        .await
        .unwrap();
    zack.sees(&room, "the rows as they are", |seen| {
        seen.len() == 2 && count(seen, "changed") == 1 && count(seen, "by the next webhook") == 1
    })
    .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
}

#[tokio::test]
async fn a_message_that_a_person_deleted_is_not_forced_on_them_again() {
    let world = World::start().await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let row = world.insert("agent:main:main", "unwanted").await;
    let seen = zack
        .sees(&room, "the message", |seen| count(seen, "unwanted") == 1)
        .await;
    delete(&world, &format!("/channels/{room}/messages/{}", seen[0].id)).await;
    sqlx::query("UPDATE project_chat_messages SET message = 'unwanted still' WHERE id = $1")
        .bind(row)
        .execute(world.pool())
        .await
        .unwrap();
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state = 'failed'",
            1_i64,
        )
        .await;
    world.insert("agent:main:main", "something else").await;
    let seen = zack
        .sees(&room, "a message", |seen| {
            count(seen, "something else") == 1
        })
        .await;
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test]
async fn a_channel_deleted_while_many_rows_are_written_loses_none_of_the_rest_and_doubles_none() {
    let world = World::start().await;
    let (zack, old) = (world.person("zack"), world.channel("team-room"));
    let texts: Vec<String> = (0..24).map(|n| format!("row {n}")).collect();
    // Discord's limits keep most of them waiting while the channel goes.
    insert_all(&world, &texts).await;
    zack.sees(&old, "the first rows", |seen| seen.len() >= 3)
        .await;
    delete(&world, &format!("/channels/{old}")).await;
    let before = taken(&world, &texts).await;
    let new = new_channel(&world, "team-room", &[&old]).await;
    let seen = zack
        .sees(&new, "the rest", |seen| {
            seen.iter().any(|m| m.text == "row 23")
        })
        .await;
    assert_eq!(
        taken(&world, &texts).await,
        texts,
        "each once, and in order"
    );
    let rest: Vec<String> = seen.into_iter().map(|m| m.text).collect();
    assert_eq!(
        rest,
        texts[before.len()..],
        "what came after is in the new channel"
    );
}

#[tokio::test]
async fn a_new_agent_gets_a_channel_without_a_restart() {
    let world = World::start().await;
    world.hire("nova", "Nova").await;
    let channel = new_channel(&world, "dm-nova", &[]).await;
    let zack = world.person("zack");
    zack.say(&channel, "welcome").await;
    world
        .database_says(
            "SELECT q.target_agent_key FROM chat_delivery_queue q \
             JOIN project_chat_messages m ON m.id = q.message_id WHERE m.message = 'welcome'",
            "agent:nova:main".to_owned(),
        )
        .await;
    sqlx::query(
        "INSERT INTO project_chat_messages (project_id, thread_id, author, message) \
         SELECT project_id, id, 'agent:nova:main', 'thank you' \
         FROM project_chat_threads WHERE title = 'DM:agent:nova:main'",
    )
    .execute(world.pool())
    .await
    .unwrap();
    zack.sees(&channel, "the agent's words under its name", |seen| {
        seen.iter()
            .any(|m| m.name == "Nova" && m.text.ends_with("thank you"))
    })
    .await;
}

#[tokio::test]
async fn channels_are_adopted_when_the_bridge_has_forgotten_them() {
    let mut world = World::start().await;
    let made = channels(&world).await;
    let room = world.channel("team-room");
    world.stop_bridge();
    sqlx::raw_sql("DROP SCHEMA bridge CASCADE")
        .execute(world.pool())
        .await
        .unwrap();
    world.start_bridge();
    assert_eq!(channels(&world).await, made);
    assert_eq!(world.channel("team-room"), room);
    world
        .insert("agent:main:main", "as if nothing had happened")
        .await;
    let zack = world.person("zack");
    zack.sees(&room, "a message", |seen| {
        count(seen, "as if nothing had happened") == 1
    })
    .await;
}
