//! Everything goes away, one after the other and under traffic, and the posts tell the story.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use crate::harness::outage::{crash, database_on};
use crate::harness::person::{Person, count};
use crate::harness::postgres::Server;
use crate::harness::wait::eventually;
use crate::harness::world::World;

use super::{post_says, posts, stop};

/// Agents that talk in the room, by SQL, and a person that asks one of them, until told to stop.
struct Traffic {
    stop: Arc<AtomicBool>,
    rows: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Traffic {
    fn start(world: &World, zack: &Person) -> Self {
        let (stop, rows, asked) = (Arc::default(), Arc::default(), Arc::default());
        let tasks = vec![
            tokio::spawn(talk(
                world.pool().clone(),
                Arc::clone(&stop),
                Arc::clone(&rows),
            )),
            tokio::spawn(ask(
                zack.clone(),
                world.channel("dm-main"),
                Arc::clone(&stop),
                Arc::clone(&asked),
            )),
        ];
        Self {
            stop,
            rows,
            asked,
            tasks,
        }
    }

    /// How many rows were written and how many questions asked.
    async fn end(self) -> (usize, usize) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.expect("traffic does not panic");
        }
        (
            self.rows.load(Ordering::Relaxed),
            self.asked.load(Ordering::Relaxed),
        )
    }
}

/// Every row has an id of its own, so that one whose answer was lost is written once.
async fn talk(pool: sqlx::PgPool, stop: Arc<AtomicBool>, rows: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        let n = rows.load(Ordering::Relaxed);
        let written = sqlx::query(
            "INSERT INTO project_chat_messages (id, project_id, author, message) \
             VALUES ($1, 'front-office', 'agent:ricky:main', $2) ON CONFLICT DO NOTHING",
        )
        .bind(uuid::Uuid::from_u128(0xfeed_0000 + n as u128))
        .bind(format!("row {n}"))
        .execute(&pool)
        .await;
        if written.is_ok() {
            rows.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
}

async fn ask(zack: Person, channel: String, stop: Arc<AtomicBool>, asked: Arc<AtomicUsize>) {
    while !stop.load(Ordering::Relaxed) {
        let n = asked.fetch_add(1, Ordering::Relaxed);
        zack.say(&channel, &format!("question {n}")).await;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
}

#[tokio::test]
async fn a_storm_under_traffic_loses_nothing_doubles_nothing_and_is_told_in_order() {
    let server = Server::start("logical");
    let mut world = World::on(database_on(&server).await).await;
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .expect("a port is free")
        .port();
    world.configure("[mode]\npoll_seconds = 1\n[mirror]\nsweep_seconds = 2\n");
    world
        .fault(serde_json::json!({ "rate_limits": "off" }))
        .await;
    world.set("CONTROL_API_URL", &format!("http://127.0.0.1:{port}"));
    world.set("CONTROL_API_TOKEN", "between-us");
    let executor = world.start_executor(port);
    world.start_bridge();
    let zack = world.person("zack");
    post_says(&world, &zack, "🟢 **Live** since").await;
    let traffic = Traffic::start(&world, &zack);

    stop(executor);
    post_says(&world, &zack, "🟡 **Backup** since").await;
    let executor = world.start_executor(port);
    let backs = |world: &World, times: usize| {
        let (zack, status) = (zack.clone(), world.channel("status"));
        async move {
            let back = |seen: &[_]| {
                posts(seen)
                    .iter()
                    .filter(|it| it.contains("again after"))
                    .count()
            };
            zack.sees(&status, "the way back", |seen| back(seen) == times)
                .await;
        }
    };
    backs(&world, 1).await;

    end_feed(&world).await;
    crash(&server).await;
    // A crash is over before anybody has to be told; a database that stays away is not.
    crate::harness::outage::accept_connections(world.database(), false).await;
    crate::harness::outage::end_connections(world.database()).await;
    post_says(&world, &zack, "🔴 **Offline** since").await;
    crate::harness::outage::accept_connections(world.database(), true).await;
    backs(&world, 2).await;
    end_feed(&world).await;

    let (rows, asked) = traffic.end().await;
    assert!(rows > 20 && asked > 5, "{rows} rows, {asked} questions");
    everything_is_there_once(&world, &zack, rows, asked).await;
    let seen = zack.read(&world.channel("status")).await;
    let marks: Vec<&str> = posts(&seen)
        .iter()
        .filter_map(|post| {
            ["🟢", "🟡", "🔴"]
                .into_iter()
                .find(|mark| post.starts_with(mark))
        })
        .collect();
    let story = marks.concat();
    assert!(
        [
            "🟢🟡🟢🔴🟢",
            "🟢🟡🟢🔴🟡🟢",
            "🟢🟡🟢🟡🔴🟢",
            "🟢🟡🟢🟡🔴🟡🟢"
        ]
        .contains(&story.as_str()),
        "{story}: {seen:#?}"
    );
    drop(executor);
}

/// Ends the connection of the feed alone.
async fn end_feed(world: &World) {
    let ended = || async {
        sqlx::query_scalar::<_, i64>(
            "SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE backend_type = 'walsender') AS ended",
        )
        .fetch_one(world.pool())
        .await
    };
    eventually("the end of the feed's connection", || async {
        match ended().await {
            Ok(count) if count > 0 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await;
}

async fn everything_is_there_once(world: &World, zack: &Person, rows: usize, asked: usize) {
    let (room, dm) = (world.channel("team-room"), world.channel("dm-main"));
    let last = format!("row {}", rows - 1);
    zack.sees(&room, &last, |seen| count(seen, &last) > 0).await;
    world
        .database_says(
            "SELECT count(*) FROM chat_delivery_queue WHERE status <> 'processed'",
            0_i64,
        )
        .await;
    world
        .database_says(
            "SELECT count(*) FROM bridge.view WHERE state <> 'sent'",
            0_i64,
        )
        .await;
    let seen = zack.read_all(&room).await;
    for n in 0..rows {
        let text = format!("row {n}");
        assert_eq!(count(&seen, &text), 1, "{text}");
    }
    let seen = zack
        .sees(&dm, "the last answer", |seen| {
            let last = format!("question {}", asked - 1);
            seen.iter()
                .any(|m| m.name == "Trunks" && m.text.contains(&last))
        })
        .await;
    let answers = zack.read_all(&dm).await;
    for n in 0..asked {
        let text = format!("question {n}");
        let told = |m: &&crate::harness::person::Seen| {
            m.name == "Trunks" && m.text.contains(&text) && !m.text.contains(&format!("{text}0"))
        };
        assert!(
            answers.iter().any(|m| told(&m)),
            "no answer to {text}: {seen:#?}"
        );
    }
    let written: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM project_chat_messages WHERE message LIKE 'question %' AND author = 'ui'",
    )
    .fetch_one(world.pool())
    .await
    .expect("the database answers");
    assert_eq!(written, i64::try_from(asked).expect("few"));
}
