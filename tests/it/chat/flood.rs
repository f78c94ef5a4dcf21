//! Somebody writes more than anybody can read: nothing is lost, nobody else waits, and they are told.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::person::Person;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Said to who floods.
const TOLD: &str = "That is a lot at once.";

/// How long it takes until a message is a row with so many deliveries.
async fn until_row(
    world: &World,
    person: &Person,
    channel: &str,
    text: &str,
    to: usize,
) -> Duration {
    let began = Instant::now();
    person.say(channel, text).await;
    let row = world
        .row(text, |row| row.message == text && row.to.len() == to)
        .await;
    assert_eq!(row.to.len(), to);
    began.elapsed()
}

#[tokio::test]
async fn three_hundred_messages_in_ten_seconds_are_all_kept_and_delay_nobody() {
    let world = World::start().await;
    world.fault(json!({ "rate_limits": "off" })).await;
    let (zack, mallory) = (world.person("zack"), world.person("mallory"));
    let (room, dm) = (world.channel("team-room"), world.channel("dm-ricky"));
    let began = Instant::now();
    let flooding = async {
        for n in 0..300_u32 {
            let due = began + Duration::from_millis(u64::from(n) * 30);
            tokio::time::sleep_until(due.into()).await;
            mallory.say(&room, &format!("flood {n}")).await;
        }
        began.elapsed()
    };
    let speaking = async {
        let (mut elsewhere, mut here) = (Vec::new(), Vec::new());
        for n in 0..8 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            elsewhere.push(until_row(&world, &zack, &dm, &format!("elsewhere {n}"), 1).await);
            here.push(until_row(&world, &zack, &room, &format!("@Trunks here {n}"), 1).await);
        }
        (elsewhere, here)
    };
    let (took, (mut elsewhere, mut here)) = tokio::join!(flooding, speaking);
    println!(
        "the flood took {took:?}; others waited {elsewhere:?} elsewhere and {here:?} in the room"
    );
    elsewhere.sort();
    here.sort();
    // Other tests want the processors, too: the middle one tells what the bridge itself takes.
    assert!(elsewhere[4] <= Duration::from_secs(1), "{elsewhere:?}");
    assert!(here[4] <= Duration::from_secs(1), "{here:?}");
    eventually("300 rows", || async {
        let rows = world.rows().await;
        let flood: Vec<String> = rows
            .into_iter()
            .map(|row| row.message)
            .filter(|text| text.starts_with("flood "))
            .collect();
        let wanted: Vec<String> = (0..300).map(|n| format!("flood {n}")).collect();
        if flood == wanted {
            Ok(())
        } else {
            Err(flood.len())
        }
    })
    .await;
    zack.sees(&dm, "the answers", |seen| {
        (0..8).all(|n| {
            let text = format!("elsewhere {n}");
            seen.iter()
                .any(|m| m.name == "Ricky" && m.text.contains(&text))
        })
    })
    .await;
    let told = zack.read_all(&room).await;
    let told = told.iter().filter(|m| m.text.starts_with(TOLD)).count();
    assert_eq!(told, 1, "told once a minute");
    let quiet = zack.read(&dm).await;
    assert!(
        !quiet.iter().any(|m| m.text.starts_with(TOLD)),
        "{quiet:#?}"
    );
}
