//! Many messages at once while the database is away.

use std::time::{Duration, Instant};

use super::{emptied, offline, online, rows, spooled, world, written};
use crate::harness::client::Client;
use crate::harness::wait::eventually;
use crate::harness::world::World;

/// Kibibytes of memory that the bridge occupies.
fn resident(world: &World) -> u64 {
    let pid = &world.run()["pid"];
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

#[tokio::test]
async fn a_flood_leaves_the_bridge_responsive_and_its_memory_bounded() {
    let world = world("[spool]\nmessages = 200\n").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let client = Client::open(&world, "zack").await;
    let first = client.slash(&room, "status").await;
    client.told(&first).await;
    offline(&world).await;
    let before = resident(&world);
    let filler = "x".repeat(1_900);
    let said: Vec<String> = (0..300).map(|n| format!("flood {n:03} {filler}")).collect();
    let speaking = async {
        for text in &said {
            zack.say(&room, text).await;
        }
    };
    let asking = async {
        let mut times = Vec::new();
        for _ in 0..7 {
            let began = Instant::now();
            let act = client.slash(&room, "status").await;
            client.acknowledged(&act).await;
            times.push(began.elapsed());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Discord ends each that takes 3 s. Other tests want the processors, too: the quickest tells
        // what the bridge itself takes.
        times.sort();
        assert!(times[0] <= Duration::from_secs(1), "answers took {times:?}");
        println!("answers in the middle of a flood took {times:?}");
    };
    tokio::join!(speaking, asking);
    eventually("everything accepted or refused", || async {
        let kept = spooled(&world);
        let (held, refused) = (
            kept.matches("\"held\":{").count(),
            kept.matches("\"refused\":{").count(),
        );
        if (held, refused) == (200, 100) {
            Ok(())
        } else {
            Err((held, refused))
        }
    })
    .await;
    let grown = resident(&world).saturating_sub(before);
    // 200 messages of 2 kB, requests for their marks, and what the allocator keeps.
    println!("the flood took {grown} KiB");
    assert!(grown <= 24 * 1024, "{grown} KiB more");
    online(&world).await;
    written(&world, "flood %", &said[..200]).await;
    zack.say(&room, "flood over").await;
    written(&world, "flood over", &["flood over".to_owned()]).await;
    eventually("nothing on its way", || async {
        let kept = spooled(&world);
        if kept.contains("held") {
            Err(kept.len())
        } else {
            Ok(())
        }
    })
    .await;
    assert_eq!(rows(&world, "flood %").await.len(), 201);
}

#[tokio::test]
async fn two_channels_do_not_wait_for_each_other() {
    let world = world("").await;
    let (zack, room) = (world.person("zack"), world.channel("team-room"));
    let dm = world.channel("dm-ricky");
    offline(&world).await;
    let said: Vec<String> = (0..40).map(|n| format!("room {n}")).collect();
    let asked: Vec<String> = (0..10).map(|n| format!("dm {n}")).collect();
    for text in &said {
        zack.say(&room, text).await;
    }
    for text in &asked {
        zack.say(&dm, text).await;
    }
    online(&world).await;
    written(&world, "room %", &said).await;
    written(&world, "dm %", &asked).await;
    emptied(&world).await;
    zack.sees(&dm, "ten answers", |seen| {
        seen.iter().filter(|m| m.name == "Ricky").count() == 10
    })
    .await;
}
